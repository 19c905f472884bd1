#pragma once

#include <bsp/endpoint/caller/watching_admin.hpp>
#include <bsp/endpoint/response.hpp>
#include <bsp/observe/exposition.hpp>

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace bsp::endpoint {

/// The counters of this backend for a monitoring system (chapter 19.5), in the text format of Prometheus. Of peers, those
/// with the greatest lag are named, `named_peers_max` at most, so that the number of series has a bound.
struct get_metrics {
    static constexpr route at{"GET", "/metrics"};
    static constexpr std::size_t named_peers_max = 100;
    using caller = watching_admin;

    static result<http_response> serve(backend const& here, caller const& who, request const& r) {
        BSP_TRY(auto* const seen, who.observed());
        BSP_TRY(auto const standing, who.alerts(r.now));
        std::vector<observe::family> out;
        seen->counted().write_to(out);
        add_alerts(out, standing);
        out.push_back(gauge("bsp_store_up", "Whether the store answers").add({}, who.store_answers() ? 1 : 0));
        out.push_back(gauge("bsp_build_info", "Version of the protocol and type of this backend").add({{"version", here.self.version}, {"type", here.self.backend_type}}, 1));
        auto const views = who.views([](store_reader& s) { return observe::observatory::active_peers(s); });
        if (views) add_peers(out, *views, r.now);
        http_response response{.status = 200, .headers = {{"Content-Type", std::string{observe::exposition_type}}}, .body = observe::exposition(out)};
        return response;
    }

private:
    static observe::family gauge(std::string_view name, std::string_view help) { return {name, help, observe::family::kind::gauge, {}}; }

    static void add_alerts(std::vector<observe::family>& out, std::vector<wire::alert> const& standing) {
        auto alerts = gauge("bsp_alerts", "Alerts that stand, by type");
        for (std::string_view const type : wire::alert_type_names)
            alerts.add({{"type", type}}, static_cast<double>(std::ranges::count_if(standing, [&](wire::alert const& a) { return name_of(a.type) == type; })));
        out.push_back(std::move(alerts));
    }

    static void add_peers(std::vector<observe::family>& out, std::vector<observe::peer_view> const& views, instant now) {
        double online = 0, lag_max = 0, queued = 0, oldest = 0;
        std::vector<observe::peer_view const*> by_lag;
        for (auto const& v : views) {
            online += v.seen.is_online(now);
            lag_max = std::max(lag_max, v.lag(now));
            queued += static_cast<double>(v.client.queued);
            if (v.client.oldest) oldest = std::max(oldest, observe::seconds_since(*v.client.oldest, now));
            by_lag.push_back(&v);
        }
        out.push_back(gauge("bsp_peers", "Active registrations").add({}, static_cast<double>(views.size())));
        out.push_back(gauge("bsp_peers_online", "Active registrations that are there now").add({}, online));
        out.push_back(gauge("bsp_sync_lag_seconds_max", "The greatest lag of a peer").add({}, lag_max));
        out.push_back(gauge("bsp_queue_items", "Items that wait to be sent").add({}, queued));
        out.push_back(gauge("bsp_queue_oldest_seconds", "How long the oldest of them has waited").add({}, oldest));
        std::ranges::stable_sort(by_lag, [&](auto const* a, auto const* b) { return a->lag(now) > b->lag(now); });
        if (by_lag.size() > named_peers_max) by_lag.resize(named_peers_max);
        auto lag = gauge("bsp_peer_sync_lag_seconds", "Lag of the peers with the greatest one");
        auto rate = gauge("bsp_peer_sync_success_ratio", "Successes per attempt of these peers");
        for (auto const* v : by_lag) {
            lag.add({{"peer", v->peer.peer_id}}, v->lag(now));
            if (auto const ratio = v->success_rate()) rate.add({{"peer", v->peer.peer_id}}, *ratio);
        }
        out.push_back(std::move(lag));
        out.push_back(std::move(rate));
    }
};

}  // namespace bsp::endpoint
