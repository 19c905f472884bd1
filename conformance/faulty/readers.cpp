#include "backend.hpp"

#include <bsp/base/identifier.hpp>
#include <bsp/base/utf8.hpp>
#include <bsp/json/c14n.hpp>

#include <charconv>

namespace bsp::faulty {

bool backend::is_identifier(std::string_view text) { return bsp::is_identifier(text); }

bool backend::is_label(std::string_view text) {
    std::size_t characters = 0;
    for (std::size_t at = 0; at < text.size(); ++characters) {
        auto const c = decode_utf8(text, at);
        if (!c || *c < 0x20 || (*c >= 0x7F && *c <= 0x9F)) return false;
    }
    return characters >= 1 && characters <= 128;
}

result<instant> backend::timestamp(std::string_view text) { return parse_timestamp(text); }

result<std::int64_t> backend::version_of(json::fields const& f) { return f.required_integer("version", 0, (std::int64_t{1} << 53) - 1); }

result<bool> backend::flag(json::fields const& f, std::string_view name) {
    BSP_TRY(auto const given, f.optional_boolean(name));
    return given.value_or(false);
}

result<std::string> backend::text_of(json::fields const& f, std::string_view name) {
    BSP_TRY(auto const text, f.required_string(name));
    return std::string{text};
}

result<std::string> backend::label_of(json::fields const& f, std::string_view name) {
    BSP_TRY(std::string text, text_of(f, name));
    if (!is_label(text)) return f.invalid(name, "must have 1 to 128 characters and no control characters");
    return text;
}

result<std::string> backend::identifier_of(json::fields const& f, std::string_view name) {
    BSP_TRY(std::string text, text_of(f, name));
    if (!is_identifier(text)) return f.invalid(name, "must be an identifier");
    return text;
}

result<instant> backend::instant_of(json::fields const& f, std::string_view name) {
    BSP_TRY(std::string const text, text_of(f, name));
    auto const t = timestamp(text);
    if (!t) return f.invalid(name, t.error().detail);
    return *t;
}

result<std::size_t> backend::limit_of(call const& c) {
    std::string const* text = c.parameter("limit");
    if (!text) return std::size_t{100};
    std::size_t limit = 0;
    auto const [end, problem] = std::from_chars(text->data(), text->data() + text->size(), limit);
    if (problem != std::errc{} || end != text->data() + text->size() || limit < 1 || limit > 500)
        return fail(errc::invalid_query, "limit must be an integer from 1 to 500");
    return limit;
}

result<std::string> backend::path_identifier(std::string const& segment) {
    if (!is_identifier(segment)) return fail(errc::invalid_query, "the path holds no identifier");
    return segment;
}

result<std::string> backend::canonical(json::object const& o, std::initializer_list<std::string_view> without) { return json::canonicalize(o, without); }

}  // namespace bsp::faulty
