#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/string.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

/// JSON values are Boost.JSON's; reading, canonical writing and typed access are our own, because the
/// protocol is stricter than any general library.
namespace bsp::json {

using boost::json::array;
using boost::json::object;
using boost::json::serialize;
using boost::json::string;
using boost::json::value;

inline std::string_view view(boost::json::string_view s) { return {s.data(), s.size()}; }
inline std::string_view view(string const& s) { return {s.data(), s.size()}; }

/// The member `name` when it is present and a string, else nothing.
inline string const* find_string(object const& o, std::string_view name) {
    value const* member = o.if_contains(name);
    return member ? member->if_string() : nullptr;
}

/// Levels of arrays and objects: 0 for a scalar, 1 for an empty object. Recurses as deep.
inline std::size_t depth(value const& v) {
    std::size_t inner = 0;
    if (auto const* a = v.if_array()) {
        for (auto const& element : *a) inner = std::max(inner, depth(element));
    } else if (auto const* o = v.if_object()) {
        for (auto const& member : *o) inner = std::max(inner, depth(member.value()));
    } else {
        return 0;
    }
    return inner + 1;
}

/// JSON Pointer (RFC 6901) of the member `name` of what `pointer` points to.
inline std::string child(std::string_view pointer, std::string_view name) {
    std::string out{pointer};
    out += '/';
    for (char c : name)
        if (c == '~')
            out += "~0";
        else if (c == '/')
            out += "~1";
        else
            out += c;
    return out;
}

}  // namespace bsp::json
