// Strict JSON and C14N-1: what is accepted has one canonical form, which is accepted, too, and is its own.

#include "target.hpp"

#include <bsp/json/c14n.hpp>
#include <bsp/json/parse.hpp>

#include <algorithm>

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    using namespace bsp;
    auto const value = json::parse({reinterpret_cast<char const*>(data), size});
    if (!value) return 0;
    auto const canonical = json::canonicalize(*value);
    if (!canonical) return 0;
    fuzz::require(std::all_of(canonical->begin(), canonical->end(), [](char c) { return c >= ' ' && c <= '~'; }));
    auto const again = json::parse(*canonical);
    fuzz::require(again.has_value());
    fuzz::require(json::canonicalize(*again).value() == *canonical);
    return 0;
}
