#pragma once

#include <bsp/base/error.hpp>
#include <bsp/base/result.hpp>
#include <bsp/json/parse.hpp>
#include <bsp/json/value.hpp>

#include <boost/test/unit_test.hpp>

#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <string_view>

/// The published test vectors (spec/vectors), made by an independent generator. Each file says in its
/// member `about` what its vectors mean.
namespace bsp::test {

inline json::array const& vectors(std::string const& name) {
    static std::map<std::string, json::value> files;
    auto [file, is_new] = files.try_emplace(name);
    if (is_new) {
        std::ifstream in{std::string{BSP_VECTORS_DIR} + '/' + name + ".json"};
        BOOST_REQUIRE_MESSAGE(in, "cannot read the vectors " << name);
        std::string const text{std::istreambuf_iterator<char>{in}, {}};
        file->second = json::parse(text).value();
    }
    return file->second.at("vectors").as_array();
}

/// The string member `name`, which must be there.
inline std::string text(json::value const& v, std::string_view name) { return std::string{json::view(v.at(name).as_string())}; }

/// The string member `name`, or "".
inline std::string text_or_nothing(json::value const& v, std::string_view name) {
    json::string const* s = json::find_string(v.as_object(), name);
    return s ? std::string{json::view(*s)} : std::string{};
}

/// "json-017: duplicate names": what a failure shows.
inline std::string label(json::value const& v) { return text(v, "id") + ": " + text(v, "catches"); }

/// "ok", or the code of the refusal.
template <class T>
std::string outcome(result<T> const& r) {
    return r ? "ok" : std::string{row_of(r.error().code).code};
}

/// Holds an outcome to the vector's `expect` and, if it has one, `code`. "may" leaves the choice.
inline void check_outcome(json::value const& v, std::string const& outcome) {
    std::string const expect = text(v, "expect");
    if (expect == "accept")
        BOOST_TEST(outcome == "ok", label(v) << ": " << outcome);
    else if (expect == "refuse")
        BOOST_TEST(outcome != "ok", label(v) << ": accepted");
    else
        BOOST_TEST(expect == "may", label(v) << ": unknown expectation " << expect);
    if (std::string const code = text_or_nothing(v, "code"); expect == "refuse" && !code.empty())
        BOOST_TEST(outcome == code, label(v) << ": " << outcome << ", not " << code);
}

}  // namespace bsp::test
