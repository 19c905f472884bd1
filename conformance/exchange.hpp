#pragma once

#include "json.hpp"
#include "target/target.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace bsp::conformance {

/// One line of a scenario's story: who sent what, and what came of it. Reports and curl lines are made of it.
struct step {
    std::size_t number = 0;  ///< from 1, within the check
    std::string who;         ///< "A", "B" (peers), a user's name, "admin", "-" (no credential), "raw"
    std::string summary;     ///< "POST /sync  c1 v5 {m1}"
    std::string remark;      ///< what is notable about the answer, or empty
    http_request request;
    answer got;
    json::value body;        ///< of the answer; null when it is not JSON
    instant at;              ///< when it was sent, by the target's clock
    std::size_t batch = 0;   ///< requests of a check with the same number, not 0, were sent at once
    std::string hook;        ///< "restart" or "kill": no request, but what was done to the target
};

/// Handle to a step. Copies are the same step. Every reader is safe on any answer, also on none at all.
class exchange {
public:
    explicit exchange(std::shared_ptr<step> s) : step_{std::move(s)} {}

    [[nodiscard]] bool answered() const noexcept { return step_->got.why == fault::none; }
    [[nodiscard]] int status() const noexcept { return answered() ? step_->got.response.status : 0; }  ///< 0: no answer
    [[nodiscard]] bool ok() const noexcept { return status() / 100 == 2; }
    [[nodiscard]] bool client_error() const noexcept { return status() / 100 == 4; }

    /// The answer's body as JSON, null when it is none; and as bytes.
    [[nodiscard]] json::value const& body() const noexcept { return step_->body; }
    [[nodiscard]] std::string const& bytes() const noexcept { return step_->got.response.body; }

    /// Header field of the answer, or null.
    [[nodiscard]] std::string const* header(std::string_view name) const { return step_->got.response.headers.find(name); }

    /// Short for conformance::at(body(), pointer) and its sisters.
    [[nodiscard]] json::value const* at(std::string_view pointer) const { return conformance::at(body(), pointer); }
    [[nodiscard]] std::string text(std::string_view pointer) const { return text_at(body(), pointer); }

    /// `code` of the problem document, or "".
    [[nodiscard]] std::string code() const { return ok() ? std::string{} : text("/code"); }

    /// "200", "401 invalid-signature", "no answer: timed out after 10 s".
    [[nodiscard]] std::string describe() const;

    [[nodiscard]] std::chrono::microseconds took() const noexcept { return step_->got.took; }
    [[nodiscard]] conformance::step const& details() const noexcept { return *step_; }

    /// Puts a word beside the step in the report: x.remark("m2 is missing").
    exchange const& remark(std::string text) const {
        step_->remark = std::move(text);
        return *this;
    }

private:
    std::shared_ptr<step> step_;
};

}  // namespace bsp::conformance
