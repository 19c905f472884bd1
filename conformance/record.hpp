#pragma once

#include "check.hpp"
#include "exchange.hpp"
#include "principals.hpp"
#include "verdict.hpp"

#include <bsp/base/bytes.hpp>

#include <chrono>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace bsp::conformance {

/// What an answer should have been, where its status alone tells; `content`: it does not.
enum class wanted : std::uint8_t { content, success, refusal, answer };

/// A judgement that went against the target.
struct finding {
    std::string expected, actual;
    std::size_t step = 0;  ///< the one that was judged, or the last before the judgement; 0: none
    conformance::wanted wanted = wanted::content;
    bool of_time = false;  ///< a bound was passed that a slow machine may pass, too
};

/// A signature that the suite made, so that it can be made anew: PS256 by a key, or HMAC-SHA256 under a secret.
struct seal {
    bytes signature;
    std::string text;    ///< what was signed
    key by = {};         ///< null: a MAC
    std::string secret = {};
};

/// Requests of a battery that were wrong in one and the same way: how many were tried, and how many the target let in.
struct tally {
    std::string of;      ///< what they pretended to be: "peer assertions"
    std::string what;    ///< that was wrong
    std::string clause;  ///< that forbids it
    std::size_t tried = 0, let_in = 0;
};

/// A look at the target besides the one that counts: it was doubtful, or two others of three said otherwise.
struct other_look {
    conformance::verdict verdict;
    std::string why;  ///< of any verdict but pass
};

/// What a property did to find its counterexample, and how sure it is.
struct shrinking {
    std::size_t steps_before = 0;  ///< of the first failing case
    int cases = 0, attempts = 0;   ///< tried until the failure; tried to make it smaller
    int reproduced = 0, repeated = 0;
    finding first = {};            ///< what the first failing case showed …
    std::vector<std::shared_ptr<step>> first_steps = {};  ///< … and how
};

/// Everything one run of one check has brought. Filled by its scenario, closed by the runner.
struct record {
    explicit record(conformance::check const& c, std::size_t number = 0) : what{&c}, index{number} {}

    conformance::check const* what;
    std::size_t index;  ///< unique within the run; goes into fresh names
    std::size_t user = 0;  ///< which of the run's users is the first of this check
    std::shared_ptr<unsigned> names = std::make_shared<unsigned>(0);  ///< counter of fresh names

    std::vector<std::shared_ptr<step>> steps;
    std::deque<seal> seals;               ///< the latest; for whoever sends the steps again
    std::vector<key> keys;                ///< of backends, and whatever else signed something
    std::vector<std::string> controls;    ///< positive evidence, in words
    std::optional<finding> failure;       ///< of behaviour
    std::vector<finding> inexact;         ///< failures of exactness
    int exactness_judged = 0;
    std::size_t cases = 0;                ///< that were generated
    std::vector<tally> battery;           ///< what was tried, if it was such a check
    std::vector<std::string> notes;
    std::vector<other_look> other_looks;  ///< in their order
    std::string reason;                   ///< of any verdict but pass and fail
    std::optional<shrinking> shrunk;

    verdict behaviour = verdict::inconclusive;
    std::optional<verdict> exactness;     ///< pass or fail; nothing: no form was judged
    std::chrono::microseconds took{};

    /// Settles `behaviour` and `exactness` from the findings, once the check has returned.
    void close();
};

/// Ends a check; caught by the runner, and by `property`.
struct verdict_reached {
    conformance::verdict verdict;
};

}  // namespace bsp::conformance
