#pragma once

#include <bsp/base/limits.hpp>
#include <bsp/base/result.hpp>
#include <bsp/base/utf8.hpp>
#include <bsp/json/value.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// C14N-1: the one text of a JSON value that is signed, MACed and hashed. Members sorted by code
/// point, separators ", " and ": ", ASCII only. Numbers are integers in ±(2^53−1).
namespace bsp::json {

namespace detail {

/// Where the form of an object or array stands in the text of the whole.
struct canonical_part {
    void const* of;
    std::size_t begin, end;
};

class canonical_writer {
public:
    /// Empty on success, else what has no canonical form; `pointer` then says where.
    char const* write(value const& v) {
        switch (v.kind()) {
            case boost::json::kind::null:
                out += "null";
                return nullptr;
            case boost::json::kind::bool_:
                out += v.get_bool() ? "true" : "false";
                return nullptr;
            case boost::json::kind::int64:
                return write_integer(v.get_int64());
            case boost::json::kind::uint64:
                return v.get_uint64() > static_cast<std::uint64_t>(limits::version_max)
                           ? out_of_range
                           : write_integer(static_cast<std::int64_t>(v.get_uint64()));
            case boost::json::kind::double_:
                return "a number with fraction or exponent, or -0";
            case boost::json::kind::string:
                return write_string(view(v.get_string()));
            case boost::json::kind::array:
                return write_part(v.get_array(), [&] { return write_array(v.get_array()); });
            case boost::json::kind::object:
                return write_part(v.get_object(), [&] { return write_object(v.get_object(), {}); });
        }
        return "an unknown kind of value";
    }

    char const* write_object(object const& o, std::initializer_list<std::string_view> without) {
        // One scratch stack serves all levels; sorting pointers by bytes sorts names by code point.
        std::size_t const first = members.size();
        for (auto const& member : o)
            if (std::find(without.begin(), without.end(), view(member.key())) == without.end()) members.push_back(&member);
        std::sort(members.begin() + static_cast<std::ptrdiff_t>(first), members.end(),
                  [](auto const* a, auto const* b) { return view(a->key()) < view(b->key()); });

        out += '{';
        for (std::size_t i = first, end = members.size(); i < end; ++i) {
            auto const& member = *members[i];
            if (i > first) out += ", ";
            if (char const* why = write_string(view(member.key()))) return why;
            out += ": ";
            if (char const* why = write(member.value())) {
                pointer = child("", view(member.key())) + pointer;
                return why;
            }
        }
        out += '}';
        members.resize(first);
        return nullptr;
    }

    std::string out;
    std::string pointer;  ///< JSON Pointer of the offender
    std::vector<canonical_part>* parts = nullptr;  ///< gets those that are not empty and at most `parts_depth_max` deep

    /// The messages of conversations in a list that is a member.
    static constexpr std::size_t parts_depth_max = 4;

private:
    template <class Container, class Write>
    char const* write_part(Container const& c, Write write) {
        std::size_t const begin = out.size();
        ++depth;
        char const* const why = write();
        if (parts && depth <= parts_depth_max && !c.empty()) parts->push_back({&c, begin, out.size()});
        --depth;
        return why;
    }

    static constexpr char const* out_of_range = "an integer outside ±(2^53−1)";

    char const* write_integer(std::int64_t i) {
        if (i > limits::version_max || i < -limits::version_max) return out_of_range;
        std::array<char, 20> digits;
        out.append(digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), i).ptr);
        return nullptr;
    }

    char const* write_array(array const& a) {
        out += '[';
        for (std::size_t i = 0; i < a.size(); ++i) {
            if (i > 0) out += ", ";
            if (char const* why = write(a[i])) {
                pointer = child("", std::to_string(i)) + pointer;
                return why;
            }
        }
        out += ']';
        return nullptr;
    }

    static constexpr std::array<bool, 256> plain = [] {
        std::array<bool, 256> table{};
        for (std::size_t c = 0x20; c <= 0x7E; ++c) table[c] = c != '"' && c != '\\';
        return table;
    }();

    char const* write_string(std::string_view s) {
        out += '"';
        for (std::size_t at = 0; at < s.size();) {
            std::size_t const run = at;
            while (at < s.size() && plain[static_cast<unsigned char>(s[at])]) ++at;
            out.append(s, run, at - run);
            if (at == s.size()) break;
            std::optional<char32_t> const scalar = decode_utf8(s, at);
            if (!scalar) return "a string that is not UTF-8";
            write_escaped(*scalar);
        }
        out += '"';
        return nullptr;
    }

    void write_escaped(char32_t c) {
        switch (c) {
            case '"':
                out += "\\\"";
                return;
            case '\\':
                out += "\\\\";
                return;
            case '\b':
                out += "\\b";
                return;
            case '\f':
                out += "\\f";
                return;
            case '\n':
                out += "\\n";
                return;
            case '\r':
                out += "\\r";
                return;
            case '\t':
                out += "\\t";
                return;
            default:
                break;
        }
        if (c < 0x1'0000) return write_unit(c);
        c -= 0x1'0000;
        write_unit(0xD800 + (c >> 10));
        write_unit(0xDC00 + (c & 0x3FF));
    }

    void write_unit(char32_t unit) {
        constexpr char digits[] = "0123456789abcdef";
        char const text[] = {'\\', 'u', digits[unit >> 12 & 0xF], digits[unit >> 8 & 0xF], digits[unit >> 4 & 0xF], digits[unit & 0xF]};
        out.append(text, sizeof text);
    }

    std::vector<boost::json::key_value_pair const*> members;
    std::size_t depth = 0;
};

inline result<std::string> finish(canonical_writer&& writer, char const* why) {
    if (why) return fail(errc::not_canonicalizable, "no canonical form at \"" + writer.pointer + "\": " + why);
    return std::move(writer.out);
}

}  // namespace detail

/// The C14N-1 text of `v`, or `not_canonicalizable` with the JSON Pointer of the first value that has none.
inline result<std::string> canonicalize(value const& v) {
    detail::canonical_writer writer;
    char const* const why = writer.write(v);
    return detail::finish(std::move(writer), why);
}

/// The same of `o` as if its own members named in `without` were absent; members of inner objects stay.
inline result<std::string> canonicalize(object const& o, std::initializer_list<std::string_view> without = {}) {
    detail::canonical_writer writer;
    char const* const why = writer.write_object(o, without);
    return detail::finish(std::move(writer), why);
}

/// The text of `canonicalize`, and where in it the objects and arrays within `o` stand: what has been made to verify a
/// signature need not be made again for each message.
class canonical_form {
public:
    /// `received_bytes`: how long the text was from which `o` was read, if it was.
    static result<canonical_form> of(object const& o, std::initializer_list<std::string_view> without = {}, std::size_t received_bytes = 0) {
        canonical_form form;
        detail::canonical_writer writer;
        writer.out.reserve(received_bytes + received_bytes / 8);  // for the spaces, which compact text does not have
        writer.parts = &form.parts_;
        char const* const why = writer.write_object(o, without);
        BSP_TRY(form.text_, detail::finish(std::move(writer), why));
        std::ranges::sort(form.parts_, std::less<>{}, &detail::canonical_part::of);
        return form;
    }

    [[nodiscard]] std::string const& text() const { return text_; }

    /// C14N-1 of an object or array within, which still stands where it stood.
    template <class Container>
    [[nodiscard]] result<std::string> of_part(Container const& c) const {
        auto const found = std::ranges::lower_bound(parts_, static_cast<void const*>(&c), std::less<>{}, &detail::canonical_part::of);
        if (found == parts_.end() || found->of != &c) return canonicalize(c);
        return text_.substr(found->begin, found->end - found->begin);
    }

private:
    std::string text_;
    std::vector<detail::canonical_part> parts_;
};

}  // namespace bsp::json
