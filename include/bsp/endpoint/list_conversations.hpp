#pragma once

#include <bsp/endpoint/caller/tenant_caller.hpp>
#include <bsp/endpoint/response.hpp>
#include <bsp/wire/conversation.hpp>
#include <bsp/wire/cursor.hpp>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace bsp::endpoint {

/// The user's conversations that are not deleted, without messages, in the order of their ids (chapter 8.2):
///
///     {"conversations": [ … ], "has_more": false[, "cursor": "…"]}
///
/// A page may hold fewer than `limit`, because deleted conversations are read over.
struct list_conversations {
    static constexpr route at{"GET", "/conversations"};
    using caller = tenant_caller;

    static result<http_response> serve(backend const&, caller const& who, request const& r) {
        BSP_TRY(std::size_t const limit, r.limit());
        BSP_TRY(auto const cursor_text, r.query("cursor"));
        std::string after;
        if (cursor_text) {
            BSP_TRY(auto const cursor, wire::decode_list_cursor(*cursor_text, "conversations"));
            after = cursor.after;
        }
        auto as = privacy::form::original;
        BSP_TRY(auto heads, who.read([&](tenant_reader& mine) -> result<std::vector<merge::conversation_head>> {
                    BSP_TRY(as, who.form(mine));
                    return mine.heads(after, limit + 1);
                }));
        bool const has_more = heads.size() > limit;
        if (has_more) heads.pop_back();

        std::string out = R"({"conversations": [)";
        bool first = true;
        for (auto const& head : heads) {
            if (head.scalars.deleted) continue;
            if (!std::exchange(first, false)) out += ", ";
            wire::conversation_writer{out, privacy::emitted_scalars(head, as), head.surfaces}.end();
        }
        json::object rest{{"has_more", has_more}};
        if (has_more) rest["cursor"] = wire::encode(wire::list_cursor{"conversations", heads.back().conversation_id});
        out += "], " + json::serialize(rest).substr(1);
        return respond(std::move(out));
    }
};

}  // namespace bsp::endpoint
