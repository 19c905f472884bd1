#pragma once

#include <bsp/base/result.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace bsp::conformance {

/// A failure that the owner of the target knows of (--expected-failures). One entry of
/// { "expected_failures": [ { "check", "reason", "comment", "expires" }, … ] }.
struct expected_failure {
    std::string check;    ///< id of a check
    std::string reason;   ///< words that the failure's "expected" or "actual" contains
    std::string comment;  ///< why it is tolerated; not empty
    std::string expires;  ///< "2026-06-30": the last day on which it is
};

/// Reads the file's text. Errors (`bad_request`) name the entry: an unknown id (with a suggestion), a missing
/// member, a date that is none, a check named twice.
result<std::vector<expected_failure>> read_baseline(std::string_view text);

/// Whether `entry` no longer counts on `today` ("2026-07-01").
bool has_expired(expected_failure const& entry, std::string_view today);

}  // namespace bsp::conformance
