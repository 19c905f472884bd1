#pragma once

#include <bsp/json/value.hpp>

#include <boost/json/parse.hpp>

#include <string>
#include <string_view>

namespace bsp::faulty {

/// Reads JSON as forgiving libraries do: of two members with one name the last counts, doubles may
/// overflow, depth is not bounded in practice, and `invalid_utf8` lets broken bytes through.
inline result<json::value> parse_leniently(std::string_view text, std::size_t depth_max = 32, bool invalid_utf8 = false) {
    boost::json::parse_options options;
    options.max_depth = depth_max;
    options.allow_invalid_utf8 = invalid_utf8;
    boost::json::error_code ec;
    json::value v = boost::json::parse({text.data(), text.size()}, ec, {}, options);
    if (ec) return fail(errc::malformed_body, ec.message());
    return v;
}

/// `text` with every `from` replaced by `to`.
inline std::string replaced(std::string_view text, std::string_view from, std::string_view to) {
    std::string out{text};
    for (std::size_t at = 0; (at = out.find(from, at)) != std::string::npos; at += to.size()) out.replace(at, from.size(), to);
    return out;
}

}  // namespace bsp::faulty
