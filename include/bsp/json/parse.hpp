#pragma once

#include <bsp/base/limits.hpp>
#include <bsp/base/result.hpp>
#include <bsp/json/value.hpp>

#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/monotonic_resource.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace bsp::json {

namespace detail {

/// Receives Boost.JSON's parse events and builds the value, refusing what I-JSON refuses and the stock
/// handler lets pass: duplicate names and numbers that no double can hold.
struct strict_builder {
    using error_code = boost::json::error_code;
    using string_view = boost::json::string_view;

    static constexpr std::size_t max_object_size = object::max_size();
    static constexpr std::size_t max_array_size = array::max_size();
    static constexpr std::size_t max_key_size = string::max_size();
    static constexpr std::size_t max_string_size = string::max_size();

    boost::json::storage_ptr memory;     ///< of what is built
    std::vector<value> values;           ///< of the containers still open, the document itself in the end
    std::vector<std::size_t> name_ends;  ///< of the members still open, in `names`
    std::string names;
    std::string partial;            ///< what has been seen of a string or number that comes in parts
    char const* refusal = nullptr;  ///< why this handler stopped the parser

    bool refuse(char const* why, error_code& ec) {
        refusal = why;
        ec = boost::json::make_error_code(boost::json::error::syntax);
        return false;
    }

    string_view whole(string_view last) {
        if (partial.empty()) return last;
        partial.append(last.data(), last.size());
        return {partial.data(), partial.size()};
    }

    bool on_document_begin(error_code&) { return true; }
    bool on_document_end(error_code&) { return true; }
    bool on_object_begin(error_code&) { return true; }
    bool on_array_begin(error_code&) { return true; }

    bool on_object_end(std::size_t n, error_code& ec) {
        std::size_t const first_value = values.size() - n, first_name = name_ends.size() - n;
        std::size_t begin = first_name == 0 ? 0 : name_ends[first_name - 1];
        std::size_t const names_begin = begin;
        object o(memory);
        o.reserve(n);
        for (std::size_t i = 0; i < n; ++i) {
            std::size_t const end = name_ends[first_name + i];
            if (!o.emplace(string_view{names.data() + begin, end - begin}, std::move(values[first_value + i])).second)
                return refuse("a member name occurs twice in the object that ends here", ec);
            begin = end;
        }
        names.resize(names_begin);
        name_ends.resize(first_name);
        values.resize(first_value);
        values.emplace_back(std::move(o));
        return true;
    }

    bool on_array_end(std::size_t n, error_code&) {
        array a(memory);
        a.reserve(n);
        auto const first = values.end() - static_cast<std::ptrdiff_t>(n);
        for (auto v = first; v != values.end(); ++v) a.emplace_back(std::move(*v));
        values.erase(first, values.end());
        values.emplace_back(std::move(a));
        return true;
    }

    bool on_key_part(string_view s, std::size_t, error_code&) {
        names.append(s.data(), s.size());
        return true;
    }
    bool on_key(string_view s, std::size_t, error_code&) {
        names.append(s.data(), s.size());
        name_ends.push_back(names.size());
        return true;
    }

    bool on_string_part(string_view s, std::size_t, error_code&) {
        partial.append(s.data(), s.size());
        return true;
    }
    bool on_string(string_view s, std::size_t, error_code&) {
        values.emplace_back(string(whole(s), memory));
        partial.clear();
        return true;
    }

    bool on_number_part(string_view s, error_code&) {
        partial.append(s.data(), s.size());
        return true;
    }
    bool on_int64(std::int64_t i, string_view s, error_code&) {
        // "-0" stays apart from "0", because it has no canonical form.
        if (i == 0 && whole(s).starts_with('-'))
            values.emplace_back(-0.0);
        else
            values.emplace_back(i);
        partial.clear();
        return true;
    }
    bool on_uint64(std::uint64_t u, string_view, error_code&) {
        values.emplace_back(u);
        partial.clear();
        return true;
    }
    bool on_double(double approximate, string_view s, error_code& ec) {
        // Boost.JSON's own doubles are off by up to two units in the last place.
        string_view const text = whole(s);
        double exact = 0;
        auto const [end, problem] = std::from_chars(text.data(), text.data() + text.size(), exact);
        if (problem == std::errc::result_out_of_range && std::abs(approximate) < 1)
            exact = std::copysign(0.0, approximate);
        else if (problem != std::errc{} || end != text.data() + text.size() || !std::isfinite(exact))
            return refuse("a number beyond the range of a double", ec);
        values.emplace_back(exact);
        partial.clear();
        return true;
    }

    bool on_bool(bool b, error_code&) {
        values.emplace_back(b);
        return true;
    }
    bool on_null(error_code&) {
        values.emplace_back(nullptr);
        return true;
    }
    bool on_comment_part(string_view, error_code&) { return true; }
    bool on_comment(string_view, error_code&) { return true; }
};

/// "line 3, column 17": lines and columns count from 1, columns in bytes.
inline std::string place(std::string_view text, std::size_t offset) {
    std::string_view const before = text.substr(0, std::min(offset, text.size()));
    std::size_t const line_start = before.rfind('\n') + 1;  // npos + 1 is 0
    auto const line = 1 + std::count(before.begin(), before.end(), '\n');
    return "line " + std::to_string(line) + ", column " + std::to_string(before.size() - line_start + 1);
}

}  // namespace detail

/// Reads exactly one I-JSON value (RFC 7493): well-formed UTF-8 without lone surrogates, no name twice in
/// one object however it is escaped, depth at most 32, finite doubles read exactly. Integers of 64 bits
/// stay integers; `-0` becomes the double −0. Everything else is `malformed_body`, with the place.
/// The value is built in `memory`.
inline result<value> parse(std::string_view text, boost::json::storage_ptr memory = {}) {
    boost::json::parse_options options;
    options.max_depth = limits::json_depth_max;
    boost::json::basic_parser<detail::strict_builder> parser{options};
    parser.handler().memory = std::move(memory);
    boost::json::error_code ec;
    std::size_t const consumed = parser.write_some(false, text.data(), text.size(), ec);
    auto const refuse = [&](std::string const& why) {
        return fail(errc::malformed_body, "not I-JSON at " + detail::place(text, consumed) + ": " + why);
    };
    if (ec) return refuse(parser.handler().refusal ? parser.handler().refusal : ec.message());
    if (consumed < text.size()) return refuse("data after the value");
    return std::move(parser.handler().values.front());
}

/// A text that is only read: its values lie side by side and go all at once, without a visit to each.
class document {
public:
    /// As the function `parse`.
    static result<document> parse(std::string_view text) {
        auto memory = std::make_unique<boost::json::monotonic_resource>(text.size() + 1);
        BSP_TRY(value root, json::parse(text, memory.get()));
        return document{std::move(memory), std::move(root)};
    }
    document(document&&) noexcept = default;
    document& operator=(document&&) = delete;

    [[nodiscard]] value const& root() const { return root_; }

private:
    document(std::unique_ptr<boost::json::monotonic_resource> memory, value root) : memory_{std::move(memory)}, root_(std::move(root)) {}

    std::unique_ptr<boost::json::monotonic_resource> memory_;
    value root_;
};

}  // namespace bsp::json
