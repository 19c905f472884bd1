#include "battery.hpp"

#include "../fuzz/mutation.hpp"

#include <bsp/base/encoding.hpp>
#include <bsp/crypto/sha256.hpp>
#include <bsp/json/c14n.hpp>
#include <bsp/json/parse.hpp>

#include <boost/json/serialize.hpp>

#include <algorithm>
#include <cctype>
#include <cstdio>

namespace bsp::conformance::battery {
namespace {

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/// How somebody might write down what is to be signed.
struct style {
    char const* name;
    bool sorted = true;
    char const* between = ", ";
    char const* after_name = ": ";
    enum { lower, upper, raw } beyond_ascii = lower;
};

constexpr style styles[] = {{"without blanks", true, ",", ":"},
                            {"in the order of its members", false},
                            {"in the order of its members, without blanks", false, ",", ":"},
                            {"in UTF-8 instead of escapes", true, ", ", ": ", style::raw},
                            {"as JCS has it", true, ",", ":", style::raw},
                            {"with upper-case escapes", true, ", ", ": ", style::upper},
                            {"with blanks after commas only", true, ", ", ":"}};

std::string text_in(style const& how, std::string_view text) {
    if (how.beyond_ascii == style::raw) return boost::json::serialize(json::value(text));
    auto out = json::canonicalize(json::object{{"", text}}).value();  // {"": "…"}
    out = out.substr(5, out.size() - 6);
    if (how.beyond_ascii == style::upper)
        for (std::size_t at = 0; (at = out.find("\\u", at)) != std::string::npos; at += 6)
            for (std::size_t i = at + 2; i < at + 6; ++i) out[i] = static_cast<char>(std::toupper(static_cast<unsigned char>(out[i])));
    return out;
}

std::string written(style const& how, json::value const& v) {
    std::string out;
    if (auto const* o = v.if_object()) {
        std::vector<std::pair<std::string, json::value const*>> members;
        for (auto const& m : *o) members.emplace_back(json::view(m.key()), &m.value());
        if (how.sorted) std::sort(members.begin(), members.end());
        for (auto const& [name, value] : members) out += (out.empty() ? "" : how.between) + text_in(how, name) + how.after_name + written(how, *value);
        return '{' + out + '}';
    }
    if (auto const* a = v.if_array()) {
        for (auto const& one : *a) out += (out.empty() ? "" : how.between) + written(how, one);
        return '[' + out + ']';
    }
    if (auto const* s = v.if_string()) return text_in(how, json::view(*s));
    return boost::json::serialize(v);
}

}  // namespace

std::string nearly(std::string const& text, dice& d) {
    static constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyz0123456789";
    for (;;) {
        auto t = text;
        auto const at = t.empty() ? 0 : d.below(t.size());
        auto const one = letters[d.below(letters.size())];
        switch (t.empty() ? 3 : d.below(7)) {
            case 0: t.pop_back(); break;
            case 1: t.erase(0, 1); break;
            case 2: t[at] = one; break;
            case 3: t += one; break;
            case 4: t.insert(t.begin(), one); break;
            case 5:
                if (is_letter(t[at])) t[at] = static_cast<char>(t[at] ^ 0x20);
                break;
            default: std::swap(t[at], t[d.below(t.size())]); break;
        }
        if (t != text && !t.empty() && json::canonicalize(json::object{{"", t}})) return t;  // in UTF-8 it has a canonical form
    }
}

bytes flipped(bytes from, dice& d) {
    if (from.empty()) return {1};
    from[d.below(from.size())] ^= static_cast<std::uint8_t>(1u << d.below(8));
    return from;
}

bytes spoilt(bytes const& right, dice& d, std::string& how) {
    bytes out = right;
    auto const n = 1 + d.below(right.size() > 8 && d.one_in(2) ? 4 : right.size());
    switch (d.below(7)) {
        case 0: out.resize(out.size() - n), how = std::to_string(n) + " bytes cut off at the end"; break;
        case 1: out.erase(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(n)), how = std::to_string(n) + " bytes cut off at the beginning"; break;
        case 2: out.insert(out.end(), n, static_cast<std::uint8_t>(d.below(256))), how = std::to_string(n) + " bytes more at the end"; break;
        case 3: out.insert(out.begin(), n, std::uint8_t{0}), how = std::to_string(n) + " zeros more at the beginning"; break;
        case 4: std::fill(out.begin(), out.end(), std::uint8_t{0}), how = "all zeros"; break;
        case 5: std::reverse(out.begin(), out.end()), how = "its bytes reversed"; break;
        default:
            for (auto& b : out) b = static_cast<std::uint8_t>(d.below(256));
            how = "random bytes";
    }
    return out == right ? flipped(right, d) : out;
}

std::string other_canonical_form(json::object const& o, std::vector<std::string> const& leaving_out, dice& d, std::string& how) {
    json::object bare = o;
    for (auto const& name : leaving_out) bare.erase(name);
    auto const right = json::canonicalize(bare).value();
    for (;;) {
        std::string out = right;
        auto const n = d.below(std::size(styles) + 6);
        if (n < std::size(styles)) {
            how = styles[n].name;
            out = written(styles[n], bare);
        } else if (n == std::size(styles)) {
            how = "with a line end", out += '\n';
        } else if (n == std::size(styles) + 1) {
            how = "its SHA-256 in hexadecimal", out = to_hex(sha256(right));
        } else if (n == std::size(styles) + 2) {
            how = "with \"signature\": null in it";
            bare["signature"] = nullptr;
            out = json::canonicalize(bare).value();
            bare.erase("signature");
        } else if (n == std::size(styles) + 3) {
            how = "the values alone", out.clear();
            for (auto const& m : bare) out += m.value().is_string() ? std::string{json::view(m.value().get_string())} : boost::json::serialize(m.value());
        } else if (n == std::size(styles) + 4) {
            how = "without its last member";
            auto fewer = bare;
            if (!fewer.empty()) fewer.erase(std::prev(fewer.end())->key());
            out = json::canonicalize(fewer).value();
        } else {
            how = "in base64", out = to_base64(as_bytes(right));
        }
        if (out != right) return out;
    }
}

bool tamper(json::object& signed_object, std::vector<std::string> const& spared, dice& d, std::string& how) {
    json::value all = signed_object;
    auto const before = boost::json::serialize(all);
    auto places = fuzz::places_in(all);
    std::erase_if(places, [&](fuzz::place const& p) { return !p.empty() && std::find(spared.begin(), spared.end(), p.front()) != spared.end(); });
    for (int tries = 0; tries < 20; ++tries) {
        auto const& where = d.of(places);
        auto* const there = fuzz::find(all, where);
        if (!there) continue;
        how = "changed";
        if (auto* s = there->if_string()) *s = nearly(std::string{json::view(*s)}, d);
        else if (there->is_int64() || there->is_uint64()) *there = there->to_number<std::int64_t>() + (d.one_in(2) ? 1 : -1);
        else if (there->is_bool()) *there = !there->get_bool();
        else if (there->is_null()) *there = false;
        else if (auto* a = there->if_array()) {
            if (a->empty() || d.one_in(3)) a->emplace_back(nullptr), how = "an element added";
            else if (a->size() > 1 && d.one_in(2)) std::swap(a->front(), a->back()), how = "elements exchanged";
            else a->pop_back(), how = "an element taken out";
        } else if (auto* o = there->if_object()) {
            std::vector<std::string> names;
            for (auto const& m : *o)
                if (!where.empty() || std::find(spared.begin(), spared.end(), std::string{json::view(m.key())}) == spared.end()) names.emplace_back(json::view(m.key()));
            if (names.empty() || d.one_in(2)) (*o)["x-added"] = d.one_in(2) ? json::value(nullptr) : json::value("x"), how = "a member added";
            else {
                auto const& name = d.of(names);
                how = "without " + name;
                o->erase(name);
            }
        }
        if (boost::json::serialize(all) == before) continue;
        how += " at " + fuzz::to_string(where);
        signed_object = all.get_object();
        return true;
    }
    return false;
}

std::string doubled_member(std::string const& text, dice& d, std::string& how) {
    constexpr std::string_view mark = "\"@@\":null";
    auto const parsed = json::parse(text);
    if (!parsed) return text;
    json::value all = *parsed;
    auto places = fuzz::places_in(all);
    std::erase_if(places, [&](fuzz::place const& p) {
        auto const* v = fuzz::find(all, p);
        return !v || !v->is_object() || v->get_object().empty();
    });
    auto const& where = d.of(places);
    auto& o = fuzz::find(all, where)->get_object();
    auto const chosen = std::next(o.begin(), static_cast<std::ptrdiff_t>(d.below(o.size())));
    std::string const name{json::view(chosen->key())};
    auto second = chosen->value();
    if (auto* s = second.if_string(); s && d.one_in(2)) *s = nearly(std::string{json::view(*s)}, d);
    o["@@"] = nullptr;
    auto out = boost::json::serialize(all);
    auto const at = out.find(mark);
    out.replace(at, mark.size(), boost::json::serialize(json::value(name)) + ':' + boost::json::serialize(second));
    how = name + " twice at " + fuzz::to_string(where);
    return out;
}

}  // namespace bsp::conformance::battery
