#pragma once

#include <bsp/endpoint/caller/tenant_caller.hpp>
#include <bsp/endpoint/local_change.hpp>
#include <bsp/endpoint/response.hpp>

#include <string>

namespace bsp::endpoint {

/// Writes a tombstone of a conversation (chapter 8.4; spec/decisions/0004): `{"status": "deleted", "version": 5}`.
/// Its title and unknown members go; its messages stay where a greater write would find them.
struct delete_conversation {
    static constexpr route at{"DELETE", "/conversations/{conversation_id}"};
    using caller = tenant_caller;

    static result<http_response> serve(backend const& here, caller const& who, request const& r) {
        BSP_TRY(std::string const id, r.identifier("conversation_id"));
        return who.write([&](tenant_writer& mine) -> result<http_response> {
            BSP_TRY(auto const change, local_change::begin(here, mine, id, r.now));
            if (!change.conversation_is_live()) return fail(errc::not_found, "there is no such conversation");
            json::object const before = wire::emitted_scalars(*change.held);
            BSP_TRY(auto const write, change.write({{"source_backend", before.at("source_backend")}, {"deleted", true}}));
            BSP_CHECK(change.commit(mine, write));
            return respond(json::object{{"status", "deleted"}, {"version", change.version}});
        });
    }
};

}  // namespace bsp::endpoint
