#pragma once

#include "answer_forms.hpp"
#include "exchange.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bsp::conformance {

/// What holds of every answer, whatever was asked. Each is judged by a check of checks/every_answer.cpp.
enum class common_rule : std::uint8_t {
    no_server_error,  ///< BSP-GEN-012
    readable_json,    ///< BSP-GEN-017
    problem_document, ///< BSP-GEN-086, BSP-GEN-087
    silent_refusal,   ///< BSP-GEN-091
    challenge,        ///< BSP-GEN-092
    not_stored,       ///< BSP-GEN-105
};
inline constexpr std::size_t common_rules = 6;

/// Looks at all answers of a run, to whichever check they came, and keeps the first that break a rule: a mistake in
/// one corner is seen by whoever passes it, also where nobody went to look for it. Safe from many threads.
class witness {
public:
    /// `secrets` are known to the suite and to the target, and to nobody else.
    explicit witness(std::vector<std::string> secrets) : secrets_{std::move(secrets)} {}

    struct sighting {
        std::string check;             ///< during which it was seen
        std::shared_ptr<step const> what;
        std::string expected, actual;
    };

    /// `base_path` is the beginning of the request's target that is not the endpoint's.
    void look_at(std::string_view check, std::shared_ptr<step const> const& answered, std::string_view base_path);

    /// The round of requests that all rules are tried with: made by who comes first, waited for by the others.
    void after_a_round(std::function<void()> const& make);

    /// Nothing was seen yet: what answers from here on is another target, or another round.
    void forget();

    [[nodiscard]] std::vector<sighting> seen(common_rule r) const;
    /// Successes in which a member is not what the table of the endpoint says; `expected` names the clause.
    [[nodiscard]] std::vector<sighting> seen(form_area a) const;
    /// How many answers were looked at.
    [[nodiscard]] std::size_t answers() const;

private:
    static constexpr std::size_t kept = 5;  ///< of each rule

    std::vector<std::string> const secrets_;
    mutable std::mutex mutex_;
    std::array<std::vector<sighting>, common_rules> broken_;
    std::array<std::vector<sighting>, form_areas> misshaped_;
    std::size_t answers_ = 0;
    std::mutex in_the_round_;
    bool round_is_made_ = false;
};

}  // namespace bsp::conformance
