#pragma once

#include <bsp/endpoint/caller/tenant_caller.hpp>
#include <bsp/endpoint/local_change.hpp>
#include <bsp/endpoint/response.hpp>

#include <string>
#include <utility>

namespace bsp::endpoint {

/// Writes a tombstone of one message (chapter 8.4): `{"status": "deleted", "version": 5}`.
struct delete_message {
    static constexpr route at{"DELETE", "/conversations/{conversation_id}/messages/{message_id}"};
    using caller = tenant_caller;

    static result<http_response> serve(backend const& here, caller const& who, request const& r) {
        BSP_TRY(std::string const conversation_id, r.identifier("conversation_id"));
        BSP_TRY(std::string const id, r.identifier("message_id"));
        return who.write([&](tenant_writer& mine) -> result<http_response> {
            BSP_TRY(auto const change, local_change::begin(here, mine, conversation_id, r.now));
            BSP_TRY(auto const before, change.message(mine, id));
            if (!change.conversation_is_live() || !before || before->deleted) return fail(errc::not_found, "there is no such message");
            BSP_TRY(auto const write, change.write(change.kept_scalars(here.self.backend_id), tombstone_of(change, *before)));
            BSP_CHECK(change.commit(mine, write));
            return respond(json::object{{"status", "deleted"}, {"version", change.version}});
        });
    }

private:
    /// Keeps what every message must have; what is unknown may be what was to be deleted.
    static json::object tombstone_of(local_change const& change, merge::message const& before) {
        json::value const old = json::parse(before.body).value();
        return {{"id", before.id},
                {"role", old.at("role")},
                {"content", ""},
                {"timestamp", change.timestamp_over(before)},
                {"surface", before.surface},
                {"source_backend", old.at("source_backend")},
                {"version", change.version},
                {"deleted", true}};
    }
};

}  // namespace bsp::endpoint
