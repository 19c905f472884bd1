#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bsp::conformance {

/// Names of members that are names like any other, and mean something to a database, a query language, a template or
/// a programming language; and names whose order depends on who sorts them.
inline constexpr std::string_view odd_names[] = {
    "",          " ",           "a b",      ".",    "a.b",  "..",    "$set", "$ref", "_id",  "_",   "__proto__", "constructor", "prototype", "toString", "hasOwnProperty",
    "length",    "__class__",   "self",     "0",    "1",    "9",     "10",   "100",  "01",   "-1",  "1e1",       "1.0",         "A",         "a",        "Ab",
    "aB",        "ab",          "Z",        "z",    "a[0]", "a[]",   "a/b",  "~0",   "~1",   "@t",  "#text",     "%s",          "%41",       "a\\b",     "a\"b",
    "null",      "true",        "a:b",      "a;b",  "a,b",  "a=b",   "a&b",  "<a>",  "{a}",  "a\tb", "\u00e9",   "e\u0301",     "\u00df",    "\u0130",   "\u212a",
    "\ue000",    "\U0001F600",  "\ufeffa",  "\u200b",
    // What others put in the place of signs that a store does not take in names.
    "a\uff0eb",  "\uff04set",  "a\u2024b", "\uff3fid", "a\uff0fb", "%2E",  "a%2Eb", "%24set", "\\u002e", "a\\u002eb", "a_DOT_b",   "a__dot__b",   "a-b",       "a\u00b7b"};

/// Identifiers that are different, and the same to whoever reads numbers in them, cuts off what looks like a file's
/// suffix, or compares without case. `number` is of digits and does not begin with 0.
inline std::vector<std::string> look_alikes(std::string const& stem, std::string const& number) {
    std::vector<std::string> out;
    for (char const* end : {"", ".", ".0", ".json", ".JSON", ".xml", ".html", ".1", "-", "_", "~", ":", "@", "@1", ":1"}) out.push_back(stem + end);
    for (char const* start : {"", "0", "00", "-", "0x", "_"}) out.push_back(start + number);
    for (char const* end : {".0", ".", "e0", "E0", "e-0", "n"}) out.push_back(number + end);
    return out;
}

/// Pairs of names that are different, and the second is the first to whoever takes it for a pattern, for a beginning, or
/// compares without case.
inline std::vector<std::pair<std::string, std::string>> taken_for_one_another(std::string const& stem) {
    std::vector<std::pair<std::string, std::string>> out;
    for (auto const& [one, other] : std::initializer_list<std::pair<char const*, char const*>>{
             {"1%", "1abc"}, {"2_x", "2ax"}, {"3*", "3abc"}, {"4?x", "4ax"}, {"5.x", "5ax"}, {"6[a-z]", "6b"}, {"7", "7x"}, {"8x", "8"}, {"9a", "9A"}})
        out.emplace_back(stem + one, stem + other);
    return out;
}

}  // namespace bsp::conformance
