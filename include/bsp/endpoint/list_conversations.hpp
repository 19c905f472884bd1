#pragma once

#include <bsp/endpoint/caller/tenant_caller.hpp>
#include <bsp/endpoint/emit.hpp>
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
/// A page may hold fewer than `limit`, because deleted conversations are read over and long ones take the room of many.
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
        BSP_TRY(std::string body, who.read([&](tenant_reader& mine) -> result<std::string> {
                    BSP_TRY(auto const as, who.form(mine));
                    return page(mine, as, after, limit);
                }));
        return respond(std::move(body));
    }

private:
    static result<std::string> page(tenant_reader& mine, privacy::form as, std::string const& after, std::size_t limit) {
        std::string out = R"({"conversations": [)";
        std::string_view separator = "";
        std::string last;
        std::size_t seen = 0, bytes = 0;
        bool has_more = false;
        auto const write = [&](merge::conversation_head const& head) -> result<bool> {
            bytes += head.scalars.body.size();
            has_more = seen == limit || (seen > 0 && bytes > limits::pull_page_bytes_max);
            if (has_more) return false;
            ++seen;
            last = head.conversation_id;
            if (head.scalars.deleted) return true;
            out += std::exchange(separator, ", ");
            wire::conversation_writer{out, privacy::emitted_scalars(head, as), head.surfaces}.end();
            return true;
        };
        BSP_CHECK(for_each_head(mine, after, write, limit + 1));
        json::object rest{{"has_more", has_more}};
        if (has_more) rest["cursor"] = wire::encode(wire::list_cursor{"conversations", last});
        return out + "], " + json::serialize(rest).substr(1);
    }
};

}  // namespace bsp::endpoint
