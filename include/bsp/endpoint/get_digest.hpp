#pragma once

#include <bsp/endpoint/caller/calling_peer.hpp>
#include <bsp/endpoint/emit.hpp>
#include <bsp/endpoint/response.hpp>
#include <bsp/wire/digest.hpp>

#include <string>
#include <utility>
#include <vector>

namespace bsp::endpoint {

/// The digest of the user's live state (chapter 6.5): two backends that are in sync have the same.
struct get_digest {
    static constexpr route at{"GET", "/sync/{peer_id}/digest"};
    using caller = calling_peer;

    static result<http_response> serve(backend const&, caller const& who, request const&) {
        BSP_TRY(std::string body, who.read([](tenant_reader& mine) { return compute(mine); }));
        return respond(std::move(body));
    }

private:
    static result<std::string> compute(tenant_reader& mine) {
        wire::state_digest state;
        std::string after;
        for (;;) {
            BSP_TRY(auto const heads, mine.heads(after, limits::page_items_max));
            for (auto const& head : heads) {
                if (head.scalars.deleted) continue;
                std::vector<wire::message_digest> messages;
                BSP_CHECK(for_each_message(mine, head.conversation_id, [&](merge::message const& m) {
                    if (!m.deleted) messages.emplace_back(m.id, m.digest);
                }));
                state.add(head.conversation_id, wire::conversation_digest(head, std::move(messages)));
            }
            if (heads.size() < limits::page_items_max) return state.encode();
            after = heads.back().conversation_id;
        }
    }
};

}  // namespace bsp::endpoint
