#pragma once

#include <bsp/endpoint/caller/watching_admin.hpp>
#include <bsp/endpoint/response.hpp>
#include <bsp/observe/summary.hpp>

#include <set>
#include <string>
#include <utility>

namespace bsp::endpoint {

/// All peers and their telemetry in six numbers (chapter 19.2).
struct telemetry_dashboard {
    static constexpr route at{"GET", "/dashboard/telemetry"};
    using caller = watching_admin;

    static result<http_response> serve(backend const&, caller const& who, request const& r) {
        BSP_TRY(auto const summary, who.read([&](store_reader& s, observe::observatory const& seen) -> result<wire::telemetry_summary> {
            std::set<std::string, std::less<>> active;
            std::int64_t online = 0;
            std::string after;
            for (bool more = true; more;) {
                BSP_TRY(auto const page, s.peers(std::nullopt, after, limits::page_items_max));
                more = page.size() == limits::page_items_max;
                for (auto const& p : page) {
                    online += seen.seen_of(p.peer_id).is_online(r.now);
                    active.insert(p.peer_id);
                    after = p.peer_id;
                }
            }
            BSP_TRY(auto const day, s.telemetry_since(r.now - limits::dashboard_window));
            return observe::summary_of(day, active, online);
        }));
        return respond(wire::encode(summary));
    }
};

/// What is wrong now (chapter 19.4).
struct list_alerts {
    static constexpr route at{"GET", "/alerts"};
    using caller = watching_admin;

    static result<http_response> serve(backend const&, caller const& who, request const& r) {
        BSP_TRY(auto const alerts, who.alerts(r.now));
        return respond(wire::encode(alerts));
    }
};

}  // namespace bsp::endpoint
