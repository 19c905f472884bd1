#pragma once

#include "../json.hpp"

#include <map>
#include <string>
#include <vector>

/// The suite's own idea of chapter 7, written to be read beside it. It shares no code with the headers
/// under test: a bug there must not agree with itself here.
namespace bsp::conformance::model {

/// BSP-MRG-014: whether `a` is less than `b` in the total order of messages with one identity.
bool less(json::object const& a, json::object const& b);

/// The messages of one conversation after any set of accepted pushes.
class messages {
public:
    void join(json::object const& message);

    /// BSP-CNV-012: the messages that are not tombstones, sorted by instant and id.
    [[nodiscard]] std::vector<json::object> live() const;

private:
    std::map<std::string, json::object> by_id_;
};

}  // namespace bsp::conformance::model
