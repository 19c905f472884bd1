#pragma once

#include <bsp/base/instant.hpp>
#include <bsp/json/value.hpp>

#include <string>
#include <string_view>

/// How programs of different platforms spell the same objects (section 12.3).
namespace bsp::conformance {

/// How a library writes JSON.
struct spelling {
    bool slashes = false;    ///< "\/"
    bool ascii = false;      ///< everything beyond ASCII escaped
    bool capitals = false;   ///< escapes with A to F
    bool html = false;       ///< + < > & ' escaped
    bool spaces = false;     ///< ", " and ": "
    unsigned disorder = 0;   ///< not 0: members in an order that depends on it
};

/// `value` in that spelling.
std::string spelled(json::value const& value, spelling const&);

/// A platform as it is when nobody has thought about it.
struct language {
    std::string_view name;
    std::string_view surface;
    std::string (*timestamp)(instant);
    conformance::spelling spelling;
};

/// `t` with `digits` fractional digits, cut, and `end` behind them.
std::string timestamp_with(instant t, int digits, std::string_view end);

extern language const javascript, swift, kotlin, python, csharp, php;

}  // namespace bsp::conformance
