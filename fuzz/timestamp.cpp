// Timestamps: what is accepted names an instant within the years 0000 to 9999 or a day beside them, and the
// instant's own spelling names it again.

#include "target.hpp"

#include <bsp/base/instant.hpp>

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    using namespace bsp;
    std::string_view const text{reinterpret_cast<char const*>(data), size};
    auto const t = parse_timestamp(text);
    if (!t) return 0;
    fuzz::require(text.size() >= 19 && text.size() <= 35);
    fuzz::require(t->nanoseconds < 1'000'000'000);
    constexpr std::int64_t day = 86'400, year_0 = -62'167'219'200, year_10000 = 253'402'300'800;
    fuzz::require(t->seconds >= year_0 - day && t->seconds < year_10000 + day);
    if (t->seconds < year_0 + 366 * day || t->seconds >= year_10000) return 0;  // cannot be spelled in UTC
    auto const again = parse_timestamp(format_timestamp(*t));
    fuzz::require(again && *again == *t);
    return 0;
}
