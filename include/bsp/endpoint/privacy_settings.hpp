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
        BSP_CHECK(who.write([&](tenant_writer& mine) -> result<> {
            BSP_TRY(auto held, mine.privacy());
            BSP_TRY(auto const said, privacy::merged(std::move(held), f));
            return mine.put_privacy(said);
        }));
        return respond(json::object{{"status", "updated"}});
    }
};

}  // namespace bsp::endpoint
