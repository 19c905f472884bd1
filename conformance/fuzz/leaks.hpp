#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace bsp::conformance::fuzz {

/// What of a backend's inside shows in the body of an error, or "": a stack trace, a path, SQL, the name of an exception,
/// or one of `secrets`. What the request said itself is no leak.
std::string leak_in(std::string_view answer, std::string_view request, std::vector<std::string> const& secrets);

}  // namespace bsp::conformance::fuzz
