#include "languages.hpp"

#include <algorithm>
#include <functional>
#include <vector>

namespace bsp::conformance {

namespace {

void write_unit(std::string& out, unsigned unit, bool capitals) {
    char const* const digits = capitals ? "0123456789ABCDEF" : "0123456789abcdef";
    out += "\\u";
    for (int shift = 12; shift >= 0; shift -= 4) out += digits[(unit >> shift) & 0xF];
}

void write_string(std::string& out, std::string_view text, spelling const& how) {
    out += '"';
    for (std::size_t i = 0; i < text.size(); ++i) {
        auto const c = static_cast<unsigned char>(text[i]);
        if (c == '"' || c == '\\') (out += '\\') += text[i];
        else if (c == '/' && how.slashes) out += "\\/";
        else if (c < 0x20 || c == 0x7F || (how.html && std::string_view{"+<>&'"}.find(text[i]) != std::string_view::npos)) write_unit(out, c, how.capitals);
        else if (c < 0x80 || !how.ascii) out += text[i];
        else {
            int const more = c >= 0xF0 ? 3 : c >= 0xE0 ? 2 : 1;
            unsigned point = c & (0x3Fu >> more);
            for (int n = 0; n < more && i + 1 < text.size(); ++n) point = point << 6 | (static_cast<unsigned char>(text[++i]) & 0x3Fu);
            if (point >= 0x10000) {
                write_unit(out, 0xD800 + ((point - 0x10000) >> 10), how.capitals);
                point = 0xDC00 + ((point - 0x10000) & 0x3FF);
            }
            write_unit(out, point, how.capitals);
        }
    }
    out += '"';
}

void write(std::string& out, json::value const& v, spelling const& how) {
    char const* const comma = how.spaces ? ", " : ",";
    if (auto const* text = v.if_string()) return write_string(out, json::view(*text), how);
    if (auto const* array = v.if_array()) {
        out += '[';
        for (auto const& element : *array) {
            if (&element != array->data()) out += comma;
            write(out, element, how);
        }
        out += ']';
        return;
    }
    auto const* object = v.if_object();
    if (!object) {
        out += json::serialize(v);
        return;
    }
    std::vector<json::object::value_type const*> members;
    for (auto const& m : *object) members.push_back(&m);
    auto const place = [&](auto const* m) { return std::hash<std::string>{}(std::to_string(how.disorder) + std::string{json::view(m->key())}); };
    if (how.disorder != 0) std::sort(members.begin(), members.end(), [&](auto const* a, auto const* b) { return place(a) < place(b); });
    out += '{';
    for (auto const* m : members) {
        if (m != members.front()) out += comma;
        write_string(out, json::view(m->key()), how);
        out += how.spaces ? ": " : ":";
        write(out, m->value(), how);
    }
    out += '}';
}

}  // namespace

std::string spelled(json::value const& value, spelling const& how) {
    std::string out;
    write(out, value, how);
    return out;
}

std::string timestamp_with(instant t, int digits, std::string_view end) {
    auto fraction = std::to_string(1'000'000'000 + t.nanoseconds).substr(1, static_cast<std::size_t>(digits));
    t.nanoseconds = 0;
    auto text = format_timestamp(t);
    text.pop_back();
    if (digits > 0) text += '.' + fraction;
    return text.append(end);
}

language const javascript{"JavaScript", "web", [](instant t) { return timestamp_with(t, 3, "Z"); }, {}};
language const swift{"Swift", "ios", [](instant t) { return timestamp_with(t, 0, "Z"); }, {.slashes = true, .disorder = 7}};
language const kotlin{"Kotlin", "android", [](instant t) { return timestamp_with(t, 9, "Z"); }, {}};
language const python{"Python", "extension", [](instant t) { return timestamp_with(t, 6, ""); }, {.ascii = true, .spaces = true}};
language const csharp{"C#", "desktop", [](instant t) { return timestamp_with(t, 7, "Z"); }, {.ascii = true, .capitals = true, .html = true}};
language const php{"PHP", "web", [](instant t) { return timestamp_with(t + std::chrono::hours{1}, 0, "+01:00"); }, {.slashes = true, .ascii = true}};

}  // namespace bsp::conformance
