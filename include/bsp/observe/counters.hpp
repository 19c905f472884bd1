#pragma once

#include <bsp/observe/exposition.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace bsp::observe {

/// What is counted since the start: name of the series, value of its label `result`, what it is.
#define BSP_COUNTERS(X)                                                             \
    X(pushes_accepted, "bsp_pushes_total", "accepted", "Pushes of proven peers")    \
    X(pushes_refused, "bsp_pushes_total", "refused", "")                            \
    X(pulls_answered, "bsp_pulls_total", "answered", "Pulls of proven peers")       \
    X(events_stored, "bsp_events_total", "stored", "Telemetry events of peers")     \
    X(events_repeated, "bsp_events_total", "repeated", "")                          \
    X(events_rejected, "bsp_events_total", "rejected", "")                          \
    X(events_limited, "bsp_events_total", "limited", "")                            \
    X(messages_received, "bsp_messages_total", "received", "Messages in accepted pushes") \
    X(messages_in_conflict, "bsp_messages_total", "in_conflict", "")                \
    X(alerts_raised, "bsp_alerts_total", "raised", "Alerts since the start")        \
    X(alerts_cleared, "bsp_alerts_total", "cleared", "")

enum class counter : std::uint8_t {
#define BSP_X(name, series, result, help) name,
    BSP_COUNTERS(BSP_X)
#undef BSP_X
};

/// The counters of a process. Safe to use from several threads; counting never waits for the disk or for a reader.
class counters {
public:
    void add(counter c, std::uint64_t n = 1) { values_[static_cast<std::size_t>(c)].fetch_add(n, std::memory_order_relaxed); }
    [[nodiscard]] std::uint64_t of(counter c) const { return values_[static_cast<std::size_t>(c)].load(std::memory_order_relaxed); }

    /// A request that was answered. `route` is the pattern of its endpoint, "" when it has none, and both texts are of
    /// tables of ours, so that their number is bounded whatever callers make up (BSP-OBS-065).
    void add_request(std::string_view method, std::string_view route, int status) {
        std::lock_guard const lock{mutex_};
        ++requests_[{route, known_method(method), status}];
    }
    /// How long an answer took, whatever it was.
    void add_duration(std::chrono::nanoseconds took) {
        double const seconds = std::chrono::duration<double>(took).count();
        std::lock_guard const lock{mutex_};
        for (std::size_t i = 0; i < bounds.size(); ++i) durations_.buckets[i] += seconds <= bounds[i];
        durations_.sum += seconds;
        ++durations_.count;
    }

    void write_to(std::vector<family>& out) const {
        for (auto const& r : rows) {
            if (out.empty() || out.back().name != r.series) out.push_back({r.series, r.help, family::kind::counter, {}});
            out.back().add({{"result", r.result}}, static_cast<double>(of(r.which)));
        }
        std::lock_guard const lock{mutex_};
        family requests{"bsp_http_requests_total", "Requests that were answered", family::kind::counter, {}};
        for (auto const& [key, n] : requests_) {
            auto const& [route, method, status] = key;
            requests.add({{"method", method}, {"route", route.empty() ? "none" : route}, {"status", std::to_string(status)}}, static_cast<double>(n));
        }
        out.push_back(std::move(requests));
        family durations{"bsp_http_request_duration_seconds", "From a request to its answer", family::kind::histogram, {}};
        for (std::size_t i = 0; i < bounds.size(); ++i) durations.add({{"le", json::decimal(bounds[i])}}, static_cast<double>(durations_.buckets[i]), "_bucket");
        durations.add({{"le", "+Inf"}}, static_cast<double>(durations_.count), "_bucket");
        durations.add({}, durations_.sum, "_sum").add({}, static_cast<double>(durations_.count), "_count");
        out.push_back(std::move(durations));
    }

private:
    static constexpr std::array bounds{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0};
    struct histogram {
        std::array<std::uint64_t, bounds.size()> buckets{};
        double sum = 0;
        std::uint64_t count = 0;
    };
    struct row {
        counter which;
        std::string_view series, result, help;
    };
    static constexpr row rows[] = {
#define BSP_X(name, series, result, help) {counter::name, series, result, help},
        BSP_COUNTERS(BSP_X)
#undef BSP_X
    };

    static std::string_view known_method(std::string_view method) {
        for (std::string_view const known : {"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"})
            if (method == known) return known;
        return "other";
    }

    std::array<std::atomic<std::uint64_t>, std::size(rows)> values_{};
    mutable std::mutex mutex_;
    std::map<std::tuple<std::string_view, std::string_view, int>, std::uint64_t> requests_;
    histogram durations_;
};

}  // namespace bsp::observe
