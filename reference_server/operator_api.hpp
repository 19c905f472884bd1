#pragma once

#include <bsp/base/http.hpp>
#include <bsp/base/instant.hpp>
#include <bsp/json/value.hpp>

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace bsp::server {

class sync_switch;

/// What the operator of this server is told beside the protocol, for the dashboard page and the commands:
///
///     GET  /operator/overview   all there is to know at a glance: {"server": …, "sync": …, "health": …, "alerts": …, "telemetry": …, "peers": […]}
///     GET  /operator/log        the latest lines of the log: {"lines": […], "next": 17, "started_at": …}; ?after= &limit= &level=
///     PUT  /operator/log-level  {"level": "debug"}; GET tells it
///     POST /operator/sync       synchronize at once, whatever failed before
///
/// Whoever may read the alerts may do this: the protocol itself decides, counts the refusals and enters them in the trail.
class operator_api {
public:
    struct world {
        std::function<http_response(http_request const&)> protocol;
        sync_switch* wishes = nullptr;  ///< nullptr: of no peer is known what is in its way
        std::function<std::string()> url;
        std::string backend_id, backend_type;
        instant started_at;
    };

    explicit operator_api(world around) : around_{std::move(around)} {}

    /// Whether the request is one for `serve`.
    static bool is_meant(http_request const& request);
    [[nodiscard]] http_response serve(http_request const& request) const;

private:
    [[nodiscard]] http_response ask(http_request const& from, std::string target) const;
    [[nodiscard]] json::value told(http_request const& from, std::string target) const;
    [[nodiscard]] http_response overview(http_request const& r) const;
    [[nodiscard]] json::value peers(http_request const& r) const;
    [[nodiscard]] json::value counted(http_request const& r, std::string_view series) const;
    [[nodiscard]] json::object metrics(http_request const& r) const;
    [[nodiscard]] http_response level(http_request const& r) const;
    [[nodiscard]] http_response sync() const;

    world const around_;
};

}  // namespace bsp::server
