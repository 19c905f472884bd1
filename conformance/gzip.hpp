#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace bsp::conformance {

/// A gzip stream (RFC 1952) of `text` followed by `spaces` spaces. A run of spaces takes 13 bits for 258
/// of them, so that little input makes much output: what a decoder without a limit drowns in.
std::string gzip_of(std::string_view text, std::size_t spaces = 0);

}  // namespace bsp::conformance
