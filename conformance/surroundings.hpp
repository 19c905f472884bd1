#pragma once

#include "key_pool.hpp"
#include "scenario.hpp"
#include "target/target.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace bsp::conformance {

/// What the person who runs the suite says about the target.
struct surroundings_options {
    std::vector<user_account> users;
    std::optional<std::string> admin_token;
    std::uint64_t seed = 0;
    std::chrono::milliseconds timeout{10'000};  ///< of one request
    std::string restart_command, kill_command;  ///< shell commands; empty: no such hook
};

/// What all checks of a run share. Set up by `probe`, read by many threads after that.
struct surroundings {
    surroundings(conformance::target& t, surroundings_options o);

    conformance::target& target;
    surroundings_options options;
    key_pool keys;

    std::optional<target_identity> identity;  ///< nothing: GET /identity could not be read
    std::chrono::nanoseconds clock_offset{};  ///< target's clock minus ours; 0 unless they are seconds apart
    std::string tag;                          ///< six characters that no other run has; part of every fresh name
    std::string nonce;                        ///< the same in 128 bits, for backend ids

    std::atomic<bool> lost = false;                         ///< the target no longer answers
    std::atomic<std::int64_t> patience_ms = 3 * 60'000;     ///< left for waiting out 429 answers
    std::chrono::milliseconds fuzz_time{10'000};            ///< of all checks of the profile FUZZ together

    [[nodiscard]] instant now() const;

    /// Whether anything answers a `GET /identity` or `GET /health` within `patience`, with whatever status.
    bool alive(std::chrono::milliseconds patience);

    /// Runs a hook with the shell and waits for the target to answer; false when either fails.
    bool run_hook(std::string const& command);
};

}  // namespace bsp::conformance
