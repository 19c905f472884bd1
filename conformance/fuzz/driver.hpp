#pragma once

#include "mutation.hpp"

#include "../record.hpp"
#include "../scenario.hpp"
#include "../target/target.hpp"

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bsp::conformance::fuzz {

/// Something that went against the target: its kind ("server error", "accepted" …), and what was expected instead.
struct trouble {
    std::string kind, expected, actual;
};

/// A request ready to be sent, and what must come of it.
struct attack {
    http_request request;
    expectation told;
    std::function<std::optional<trouble>(answer const&)> afterwards = {};  ///< reads back what the request did, or did not
};

/// An endpoint under fuzz: valid requests, made anew for each case, and how a mutated one is finished.
struct subject {
    std::string name;               ///< "POST /sync/{peer_id}"
    std::string who;                ///< as reports call the caller
    std::function<draft()> fresh;
    std::function<attack(draft)> finish;
};

/// Sends mutated requests, judges every answer, watches the state that none of them may touch, and makes what it finds
/// small. Everything is judged at the end, by `conclude`.
class driver {
public:
    /// Registers a control peer and lets it write the canary conversation.
    driver(scenario& s, std::chrono::milliseconds time);

    [[nodiscard]] bool time_left() const;
    [[nodiscard]] dice& chance() noexcept { return chance_; }
    [[nodiscard]] scenario& world() noexcept { return world_; }

    /// A valid request, which must be accepted; else the check is INCONCLUSIVE.
    void control(subject const&);

    /// One case. Nothing is thrown for a finding.
    void attempt(subject const&, std::vector<mutation>);

    /// A case that was made otherwise than by `attempt`.
    void count(std::string const& endpoint) { ++cases_[endpoint]; }

    /// One request that was made otherwise (raw bytes). `found` is what its judge found; `as` reproduces it.
    void report(std::string const& endpoint, std::string const& kind_of_case, std::string const& detail, trouble found, std::shared_ptr<step> as);

    /// What an answer says against the target, whatever was asked: 5xx, and the inside of the backend.
    [[nodiscard]] std::optional<trouble> look_at_answer(int status, std::string_view body, std::string_view request) const;

    /// The canary conversation is as it was; and whether the target still answers at all. At every eighth call, or `now`.
    void watch(bool now = false);

    /// Sends without a record; 429 is waited out.
    [[nodiscard]] answer send(http_request const&);
    [[nodiscard]] answer ask(caller const&, std::string_view method, std::string const& path);

    /// Fails with the findings, if there are any.
    void conclude(std::string const& what);

    [[nodiscard]] bool dead() const noexcept { return dead_; }

private:
    struct finding_of_fuzz {
        std::string endpoint, cases, detail;
        trouble what;
        std::shared_ptr<step> as;
        int reproduced = 0, repeated = 0;
        std::size_t attempts = 0, times = 1;
    };
    struct outcome {
        std::optional<trouble> found;
        http_request request;
        answer got;
    };
    outcome execute(subject const&, std::vector<mutation> const&);
    std::optional<trouble> judge(attack const&, answer const&);
    std::vector<mutation> minimised(subject const&, std::vector<mutation>, trouble const&, std::size_t& attempts);
    [[nodiscard]] std::shared_ptr<step> step_of(outcome const&, std::string const& who, std::string summary) const;

    scenario& world_;
    dice chance_;
    std::chrono::steady_clock::time_point end_;
    peer control_;
    std::string canary_;
    json::value canary_state_;
    std::vector<std::string> secrets_;
    std::vector<finding_of_fuzz> findings_;
    std::map<std::string, std::size_t> cases_;  // by endpoint
    std::string last_;                          // what was sent last, for a change that is seen later
    unsigned watched_ = 0;
    bool dead_ = false;
};

}  // namespace bsp::conformance::fuzz
