#pragma once

#include <bsp/endpoint/caller/calling_peer.hpp>
#include <bsp/endpoint/emit.hpp>
#include <bsp/endpoint/outgoing_form.hpp>
#include <bsp/endpoint/response.hpp>
#include <bsp/wire/digest.hpp>

#include <string>
#include <utility>
#include <vector>

namespace bsp::endpoint {

/// The digest of the user's live state (chapter 6.5): two backends that are in sync have the same. A hosted peer gets
/// that of the state as it is given to it (spec/decisions/0017).
struct get_digest {
    static constexpr route at{"GET", "/sync/{peer_id}/digest"};
    using caller = calling_peer;

    static result<http_response> serve(backend const&, caller const& who, request const&) {
        BSP_TRY(std::string body, who.read([&](tenant_reader& mine) -> result<std::string> {
                    BSP_TRY(auto const as, outgoing_form(mine, who.peer().backend_type));
                    return compute(mine, as);
                }));
        return respond(std::move(body));
    }

private:
    static result<std::string> compute(tenant_reader& mine, privacy::form as) {
        wire::state_digest state;
        auto const add = [&](merge::conversation_head const& head) -> result<bool> {
            if (head.scalars.deleted) return true;
            std::vector<wire::message_digest> messages;
            BSP_CHECK(for_each_message(mine, head.conversation_id, [&](merge::message const& m) {
                if (!m.deleted) messages.emplace_back(m.id, digest_of(m, as));
            }));
            state.add(head.conversation_id, wire::conversation_digest(privacy::emitted_scalars(head, as), head.surfaces, std::move(messages)));
            return true;
        };
        BSP_CHECK(for_each_head(mine, {}, add));
        return state.encode();
    }

    static sha256_digest digest_of(merge::message const& m, privacy::form as) {
        return as == privacy::form::original ? m.digest : sha256(privacy::emitted_message(m.body, as));
    }
};

}  // namespace bsp::endpoint
