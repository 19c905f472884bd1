#pragma once

#include <bsp/json/value.hpp>

#include <rapidcheck.h>

#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

/// Generators of JSON values: small, with few and clashing names, and strings of every class of scalar.
namespace bsp::test {

inline std::string utf8_of(std::vector<std::uint32_t> const& scalars) {
    std::string text;
    for (std::uint32_t c : scalars) {
        auto put = [&](std::uint32_t byte) { text += static_cast<char>(byte); };
        if (c < 0x80)
            put(c);
        else if (c < 0x800)
            put(0xC0 | c >> 6), put(0x80 | (c & 63));
        else if (c < 0x10000)
            put(0xE0 | c >> 12), put(0x80 | (c >> 6 & 63)), put(0x80 | (c & 63));
        else
            put(0xF0 | c >> 18), put(0x80 | (c >> 12 & 63)), put(0x80 | (c >> 6 & 63)), put(0x80 | (c & 63));
    }
    return text;
}

inline rc::Gen<std::string> any_text() {
    auto const scalar = rc::gen::oneOf(rc::gen::inRange<std::uint32_t>(0, 0x80),
                                       rc::gen::element<std::uint32_t>('"', '\\', '/', 0x7F, 0x80, 0x7FF, 0x800, 0x2028, 0xD7FF, 0xE000,
                                                                       0xFFFD, 0x10000, 0x1F600, 0x10FFFD),
                                       rc::gen::inRange<std::uint32_t>(0x80, 0xD800));
    return rc::gen::resize(12, rc::gen::map(rc::gen::container<std::vector<std::uint32_t>>(scalar), utf8_of));
}

inline rc::Gen<std::string> any_name() {
    return rc::gen::oneOf(
        rc::gen::element<std::string>("", "a", "b", "ab", "B", "\xC3\xA9", "\xEE\x80\x80", "\xF0\x9F\x98\x80", "signature"), any_text());
}

/// Values that C14N-1 has a form for.
inline rc::Gen<json::value> canonicalizable(int depth = 3) {
    constexpr std::int64_t max = (std::int64_t{1} << 53) - 1;
    auto const scalar =
        rc::gen::oneOf(rc::gen::element<json::value>(nullptr, true, false, std::int64_t{0}, max, -max),
                       rc::gen::map(rc::gen::inRange<std::int64_t>(-max, max + 1), [](std::int64_t i) { return json::value(i); }),
                       rc::gen::map(any_text(), [](std::string const& s) { return json::value(s); }));
    if (depth == 0) return scalar;
    auto const inner = rc::gen::lazy([depth] { return canonicalizable(depth - 1); });
    return rc::gen::oneOf(
        scalar,
        rc::gen::map(rc::gen::resize(6, rc::gen::container<std::vector<json::value>>(inner)),
                     [](std::vector<json::value> const& v) { return json::value(json::array(v.begin(), v.end())); }),
        rc::gen::map(
            rc::gen::resize(6, rc::gen::container<std::vector<std::pair<std::string, json::value>>>(rc::gen::pair(any_name(), inner))),
            [](auto const& members) {
                json::object o;
                for (auto const& [name, v] : members) o.emplace(name, v);
                return json::value(o);
            }));
}

inline rc::Gen<json::object> canonicalizable_object() {
    return rc::gen::map(rc::gen::container<std::vector<std::pair<std::string, json::value>>>(rc::gen::pair(any_name(), canonicalizable(2))),
                        [](auto const& members) {
                            json::object o;
                            for (auto const& [name, v] : members) o.emplace(name, v);
                            return o;
                        });
}

}  // namespace bsp::test

namespace boost::json {
inline void showValue(value const& v, std::ostream& out) { out << serialize(v); }
inline void showValue(object const& o, std::ostream& out) { out << serialize(o); }
}  // namespace boost::json
