#pragma once

#include "histogram.hpp"
#include "ledger.hpp"
#include "schedule.hpp"

#include <array>
#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

/// What a run measured.
namespace bsp::conformance::load {

/// How a request ended.
enum class ending : std::uint8_t {
    ok,
    limited,     ///< 429, or `rate_limited`: the target keeps its limits, which is no error of it
    busy,        ///< 503 with Retry-After: it asks to come again
    refused,     ///< no connection
    timeout,     ///< no whole answer in time
    closed,      ///< the connection ended before the answer
    error,       ///< 5xx otherwise
    unexpected,  ///< another status: a correct request was turned away
    wrong,       ///< success that is none: another sync_id, no HTTP
};
inline constexpr std::size_t endings = 9;
inline constexpr std::array<ending, endings> all_endings{ending::ok, ending::limited, ending::busy, ending::refused, ending::timeout, ending::closed, ending::error, ending::unexpected, ending::wrong};

std::string_view to_string(ending) noexcept;
std::string_view in_words(ending) noexcept;
/// Whether it counts against the target.
constexpr bool is_failure(ending e) { return e != ending::ok && e != ending::limited && e != ending::busy; }

using ending_counts = std::array<std::uint64_t, endings>;
std::uint64_t failures_of(ending_counts const&);

/// Of one operation.
struct operation_figures {
    std::uint64_t offered = 0;  ///< due within the run
    ending_counts ended{};
    histogram since_due;        ///< microseconds from when it was due to its answer; of those that went well
    histogram since_sent;       ///< from when it was sent
};

/// A piece of the run. What is due in it, and what ended in it.
struct interval_figures {
    std::uint64_t offered = 0;
    ending_counts ended{};
    histogram since_due;  ///< of what was due in it
};

/// How the machine of the generator fared while it ran.
struct effort {
    double own_cores = 0;                 ///< CPU seconds per second that the generator used
    std::optional<double> machine_busy;   ///< share of all cores that were busy with whatever; unknown where there is no /proc/stat
    unsigned cores = 1;
    histogram lag;                        ///< microseconds from when a request was due to when the generator turned to it
    std::uint64_t not_ready = 0;          ///< requests that were not yet signed when they were due
};

struct figures {
    figures(std::chrono::nanoseconds duration, std::vector<planned> const&);

    std::chrono::nanoseconds duration{}, interval{};
    std::array<operation_figures, operations> of{};
    std::vector<interval_figures> over_time;
    std::map<ending, std::string> examples;  ///< the first of each kind, in words
    load::effort effort;
    std::uint64_t reconnections = 0, conflicts = 0;
    bool cut_short = false;  ///< by Ctrl-C

    /// A request that was due at `p.due` ended at `at`, both since the beginning; `sent` likewise, nothing: never.
    void ended(planned const& p, ending, std::chrono::nanoseconds at, std::optional<std::chrono::nanoseconds> sent, std::string const& example);

    /// The run ends at `at`; what is planned from `first` on does not take place.
    void cut(std::vector<planned> const&, std::size_t first, std::chrono::nanoseconds at);

    [[nodiscard]] histogram all_since_due() const;
    [[nodiscard]] histogram all_since_sent() const;
    [[nodiscard]] ending_counts all_ended() const;
    [[nodiscard]] std::uint64_t offered() const;
    /// Of those that the target had to answer: neither limited nor asked to come again. 1 when there is none.
    [[nodiscard]] double success_ratio() const;
    [[nodiscard]] double per_second(std::uint64_t requests) const { return static_cast<double>(requests) / std::chrono::duration<double>{duration}.count(); }

private:
    [[nodiscard]] interval_figures& at(std::chrono::nanoseconds t);
};

/// The generator's own part in what was measured, or "" when it was not the limit.
std::string limits_of_generator(figures const&, bool same_machine);

/// What was found when the run was over.
struct verdict_on_data {
    bool judged = false;             ///< false: it could not be told
    std::string why_not;
    std::size_t conversations = 0, messages = 0;  ///< that were read and had to be there
    std::size_t repeated = 0, settled = 0;        ///< pushes sent once more; of those that had no answer, how many got one
    std::set<std::string> disagreeing;            ///< conversations whose digest is another, or that a follower saw otherwise
    struct row {
        flaw_found flaw;
        std::string user, expected, actual;  ///< digests
        std::string curl;
    };
    std::vector<row> flaws;          ///< the first hundred
    std::size_t flaws_in_all = 0;
    std::size_t followers = 0, followed = 0;      ///< peers that followed the feed; messages that each had to be shown, in all

    void add(row r) {
        constexpr std::size_t rows_max = 100;
        disagreeing.insert(r.flaw.conversation);
        if (flaws_in_all++ < rows_max) flaws.push_back(std::move(r));
    }
};

}  // namespace bsp::conformance::load
