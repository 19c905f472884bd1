#pragma once

#include <bsp/base/error.hpp>
#include <bsp/base/instant.hpp>
#include <bsp/base/limits.hpp>
#include <bsp/base/watch_limits.hpp>
#include <bsp/wire/metrics.hpp>

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace bsp {

/// What is counted of a registration beside its pushes that were accepted (`peer_record::total_syncs`): what a server
/// keeps for chapter 19. There is no room in it for what was in a request.
struct peer_statistics {
    std::int64_t events = 0;               ///< telemetry events that were stored
    std::string outcomes;                  ///< of the last attempts, at most `limits::attempts_kept`, the latest last: '+' accepted, '-' refused
    std::vector<wire::noted_error> errors; ///< at most `limits::errors_kept`, the latest first

    void note_success() { note('+'); }
    void note_failure(std::string_view code, instant at) {
        note('-');
        errors.insert(errors.begin(), {std::string{code}, at});
        if (errors.size() > limits::errors_kept) errors.pop_back();
    }

    [[nodiscard]] std::int64_t attempts() const { return static_cast<std::int64_t>(outcomes.size()); }
    [[nodiscard]] std::int64_t successes() const { return std::ranges::count(outcomes, '+'); }

    friend bool operator==(peer_statistics const&, peer_statistics const&) = default;

private:
    void note(char outcome) {
        outcomes += outcome;
        if (outcomes.size() > limits::attempts_kept) outcomes.erase(0, outcomes.size() - limits::attempts_kept);
    }
};

/// Telemetry of one peer within some time, summed up.
struct peer_telemetry {
    std::string peer_id;
    std::int64_t events = 0;
    std::int64_t with_latency = 0;  ///< of them
    double latency_ms = 0;          ///< sum, milliseconds
    double cost_usd = 0;            ///< sum, US dollars

    friend bool operator==(peer_telemetry const&, peer_telemetry const&) = default;
};

}  // namespace bsp
