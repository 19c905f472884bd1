#include "events.hpp"

#include <ostream>

namespace bsp::conformance {
namespace {

class json_lines final : public report {
public:
    explicit json_lines(std::ostream& out) : out_{out} {}
    void take(json::object const& event) override { out_ << json::serialize(event) << std::endl; }

private:
    std::ostream& out_;
};

}  // namespace

std::unique_ptr<report> json_lines_report(std::ostream& out) { return std::make_unique<json_lines>(out); }

}  // namespace bsp::conformance
