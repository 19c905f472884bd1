#pragma once

#include "key_pool.hpp"
#include "scenario.hpp"
#include "target/target.hpp"
#include "witness.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace bsp::conformance {

struct check;
struct finding;
class listener;

/// What the person who runs the suite says about the target.
struct surroundings_options {
    std::vector<user_account> users;
    std::optional<std::string> admin_token;
    std::uint64_t seed = 0;
    std::chrono::milliseconds timeout{10'000};  ///< of one request
    std::string restart_command, kill_command;  ///< shell commands; empty: no such hook
    std::shared_ptr<listener> peer_door = {}, door_elsewhere = {};  ///< where the suite is a backend itself (--peer-listen), and an origin that the target was not told of
};

/// What all checks of a run share. Set up by `probe`, read by many threads after that.
struct surroundings {
    surroundings(conformance::target& t, surroundings_options o);

    conformance::target& target;
    surroundings_options options;
    key_pool keys;

    std::shared_ptr<listener> peer_door, door_elsewhere;  ///< of the options
    std::shared_ptr<conformance::target> clock;           ///< --clock-url: what moves the target's clock; null: nothing does
    std::atomic<int> target_dials = 0;                    ///< 1: it has called the suite's listener, -1: it does not, 0: unknown

    std::optional<target_identity> identity;  ///< nothing: GET /identity could not be read
    bool has_telemetry = false;               ///< the target declares the profile TEL
    bool has_privacy = false;                 ///< the target has the profile PRV
    std::map<std::string, json::object> privacy_found;  ///< the settings of each user before the run, where they could be read
    std::chrono::nanoseconds clock_offset{};  ///< target's clock minus ours; 0 unless they are seconds apart
    std::string tag;                          ///< six characters that no other run has; part of every fresh name
    std::string nonce;                        ///< the same in 128 bits, for backend ids

    bool patient = false;                                   ///< checks that wait for a minute may do so
    std::atomic<bool> lost = false;                         ///< the target no longer answers
    std::atomic<std::int64_t> patience_ms = 3 * 60'000;     ///< left for waiting out 429 answers
    std::chrono::milliseconds fuzz_time{10'000};            ///< of all checks of the profile FUZZ together
    std::optional<std::size_t> battery = {};                ///< near-valid requests that the run tries (--battery); nothing: a slice of 2 s
    std::chrono::milliseconds property_time{};              ///< of one property, cases of every size; 0: as it says itself
    std::chrono::milliseconds shrink_time{5'000};           ///< for making one counterexample small; 0: it stays as it is
    /// Told of a counterexample before it is made small: what was found, and in how many steps.
    std::function<void(check const&, finding const&, std::size_t steps)> counterexample = [](check const&, finding const&, std::size_t) {};

    witness answers;  ///< looks at every answer of the run

    /// Another round of the same run: other choices, and names that no round before had.
    void begin_round(std::uint64_t seed);

    [[nodiscard]] instant now() const;

    /// Whether anything answers a `GET /identity` or `GET /health` within `patience`, with whatever status.
    bool alive(std::chrono::milliseconds patience);

    /// Runs a hook with the shell and waits for the target to answer; false when either fails.
    bool run_hook(std::string const& command);

    std::string listed_origin;  ///< a web origin whose pages the target was told to serve (--origin); "": not known
};

}  // namespace bsp::conformance
