#pragma once

#include <bsp/endpoint/caller/tenant_caller.hpp>
#include <bsp/endpoint/response.hpp>

#include <string>

namespace bsp::endpoint {

/// What the user allows on this backend (chapter 16.1).
struct get_privacy {
    static constexpr route at{"GET", "/privacy-settings"};
    using caller = tenant_caller;

    static result<http_response> serve(backend const&, caller const& who, request const&) {
        BSP_TRY(auto const settings, who.read([](tenant_reader& mine) { return mine.privacy(); }));
        return respond(privacy::encode(settings, who.user_id()));
    }
};

/// Changes it: what the body leaves out stays as it is. In force for everything that begins after the answer.
struct put_privacy {
    static constexpr route at{"PUT", "/privacy-settings"};
    using caller = tenant_caller;

    static result<http_response> serve(backend const&, caller const& who, request const& r) {
        BSP_TRY(json::value const body, r.body());
        BSP_TRY(json::fields const f, json::fields::of(body));
        BSP_TRY(auto const user_id, f.optional_string("user_id"));
        if (user_id && *user_id != who.user_id()) return fail(errc::forbidden, "these are the settings of another user");
        BSP_CHECK(who.write_recorded(audit_type::privacy_settings_updated, [&](tenant_writer& mine, audit_counts& counts) -> result<> {
            BSP_TRY(auto held, mine.privacy());
            BSP_TRY(auto const said, privacy::merged(std::move(held), f));
            counts = {{"sync_enabled", said.sync_enabled}, {"sync_conversations", said.sync_conversations}, {"sync_telemetry", said.sync_telemetry}, {"redact_pii", said.redact_pii},
                      {"retention_days", said.retention_days}, {"allowed_surfaces", static_cast<std::int64_t>(said.allowed_surfaces.size())}};
            return mine.put_privacy(said);
        }));
        return respond(json::object{{"status", "updated"}});
    }
};

}  // namespace bsp::endpoint
