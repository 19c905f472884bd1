#include "mutation.hpp"

#include "../json.hpp"

#include <bsp/base/utf8.hpp>
#include <bsp/json/parse.hpp>

#include <boost/json/serialize.hpp>

#include <algorithm>
#include <cmath>
#include <limits>

namespace bsp::conformance::fuzz {
namespace {

std::optional<std::size_t> position(std::string const& step, std::size_t size) {
    if (step.empty() || step.size() > 6 || step.find_first_not_of("0123456789") != std::string::npos) return std::nullopt;
    auto const n = static_cast<std::size_t>(std::stoul(step));
    return n < size ? std::optional{n} : std::nullopt;
}

std::string repeated(std::string_view part, std::size_t times) {
    std::string out;
    for (std::size_t i = 0; i < times; ++i) out += part;
    return out;
}

json::value any_value(dice& d, std::size_t depth) {
    switch (d.below(depth == 0 ? 6 : 8)) {
        case 0: return nullptr;
        case 1: return d.one_in(2);
        case 2: return static_cast<std::int64_t>(d.below(1u << 20)) - (1 << 19);
        case 3: return 9'007'199'254'740'991;
        case 4: return json::value("");
        case 5: return json::value(odd_text(d));
        case 6: {
            json::array out;
            for (std::size_t i = d.below(4); i > 0; --i) out.push_back(any_value(d, depth - 1));
            return out;
        }
        default: {
            json::object out;
            for (std::size_t i = d.below(4); i > 0; --i) out["k" + std::to_string(i)] = any_value(d, depth - 1);
            return out;
        }
    }
}

json::value other_type(dice& d) {
    static std::vector<json::value> const all = [] {
        std::vector<json::value> out{nullptr, true, false, 0, 1, -1, 4.5};
        out.push_back(json::value(json::array{}));
        out.push_back(json::value(json::object{}));
        for (auto const* text : {"", "0", "1", "true", "null", "[]", "x"}) out.emplace_back(text);
        return out;
    }();
    return d.of(all);
}

json::value boundary_number(dice& d) {
    using limits = std::numeric_limits<std::int64_t>;
    static json::value const all[] = {-1, 0, 1, 2'147'483'647, 2'147'483'648, -2'147'483'649, 4'294'967'296, 9'007'199'254'740'991, 9'007'199'254'740'992, -9'007'199'254'740'992,
                                      limits::max(), limits::min(), std::numeric_limits<std::uint64_t>::max(), 1.0, -0.0, 0.5, 1e3, 1e17, 1e308, -1e308, 5e-324};
    return d.of(all);
}

json::value nested(json::value inner, std::size_t levels, bool objects) {
    for (std::size_t i = 0; i < levels; ++i) {
        if (objects) {
            json::object o;
            o["n"] = std::move(inner);
            inner = std::move(o);
        } else {
            json::array a;
            a.push_back(std::move(inner));
            inner = std::move(a);
        }
    }
    return inner;
}

std::string extreme_timestamp(dice& d) {
    static char const* const all[] = {"0000-01-01T00:00:00Z", "0000-01-01T00:00:00+23:59", "9999-12-31T23:59:59.999999999Z", "9999-12-31T23:59:59-23:59", "1969-12-31T23:59:59.999999999Z",
                                      "1970-01-01T00:00:00Z", "2038-01-19T03:14:08Z", "2262-04-11T23:47:17Z", "1677-09-21T00:12:43Z", "2025-02-29T00:00:00Z", "2025-12-31T24:00:00Z",
                                      "2025-12-31T23:59:60Z", "2025-12-31T00:00:60Z", "2025-12-31T00:00:00.1234567891Z", "2025-12-31T00:00:00+24:00", "2025-12-31 00:00:00Z", "2025-12-31",
                                      "20251231T000000Z", "+002025-12-31T00:00:00Z", "-2025-12-31T00:00:00Z", "10000-01-01T00:00:00Z", "2025-12-31T00:00:00,5Z", "2025-12-31T00:00:00z",
                                      "2025-12-31T00:00:00.Z", "2025-00-10T00:00:00Z", "now", "1735603200", "2025-12-31T00:00:00Z ", "2025-W01-1T00:00:00Z",
                                      "\xEF\xBC\x92\xEF\xBC\x90\xEF\xBC\x92\xEF\xBC\x95-12-31T00:00:00Z"};
    return d.of(all);
}

void put(std::string& out, char32_t c, dice& d) {
    auto const escape = [&](char32_t unit) {
        static char const lower[] = "0123456789abcdef", upper[] = "0123456789ABCDEF";
        out += "\\u";
        for (int shift = 12; shift >= 0; shift -= 4) out += (d.one_in(2) ? lower : upper)[unit >> shift & 15];
    };
    static constexpr std::pair<char32_t, char> short_forms[] = {{'"', '"'}, {'\\', '\\'}, {'/', '/'}, {'\b', 'b'}, {'\f', 'f'}, {'\n', 'n'}, {'\r', 'r'}, {'\t', 't'}};
    auto const short_form = std::find_if(std::begin(short_forms), std::end(short_forms), [c](auto const& f) { return f.first == c; });
    bool const must_be_escaped = c < 0x20 || c == '"' || c == '\\';
    if (short_form != std::end(short_forms) && d.one_in(2)) {
        (out += '\\') += short_form->second;
    } else if (must_be_escaped || d.one_in(5)) {
        if (c > 0xFFFF) escape(0xD800 + ((c - 0x10000) >> 10)), escape(0xDC00 + ((c - 0x10000) & 0x3FF));
        else escape(c);
    } else if (c < 0x80) {
        out += static_cast<char>(c);
    } else {
        if (c < 0x800) out += static_cast<char>(0xC0 | c >> 6);
        else if (c < 0x10000) out += static_cast<char>(0xE0 | c >> 12);
        else out += static_cast<char>(0xF0 | c >> 18), out += static_cast<char>(0x80 | (c >> 12 & 0x3F));
        if (c >= 0x800) out += static_cast<char>(0x80 | (c >> 6 & 0x3F));
        out += static_cast<char>(0x80 | (c & 0x3F));
    }
}

void put(std::string& out, std::string_view text, dice& d) {
    out += '"';
    for (std::size_t at = 0; at < text.size();)
        if (auto const c = decode_utf8(text, at)) put(out, *c, d);
        else ++at;
    out += '"';
}

void space(std::string& out, dice& d) {
    while (d.one_in(4)) out += " \t\n\r"[d.below(4)];
}

void put(std::string& out, json::value const& v, dice& d) {
    space(out, d);
    if (auto const* o = v.if_object()) {
        std::vector<std::pair<std::string_view, json::value const*>> members;
        for (auto const& m : *o) members.emplace_back(std::string_view{m.key().data(), m.key().size()}, &m.value());
        d.shuffle(members);
        out += '{';
        bool first = true;
        for (auto const& [name, value] : members) {
            if (!std::exchange(first, false)) out += ',';
            space(out, d);
            put(out, name, d);
            space(out, d);
            out += ':';
            put(out, *value, d);
        }
        space(out, d);
        out += '}';
    } else if (auto const* a = v.if_array()) {
        out += '[';
        bool first = true;
        for (auto const& e : *a) {
            if (!std::exchange(first, false)) out += ',';
            put(out, e, d);
        }
        space(out, d);
        out += ']';
    } else if (auto const* s = v.if_string()) {
        put(out, std::string_view{s->data(), s->size()}, d);
    } else {
        out += boost::json::serialize(v);
    }
    space(out, d);
}

}  // namespace

std::string to_string(place const& p) {
    std::string out;
    for (auto const& step : p) (out += '/') += step;
    return out.empty() ? "/" : out;
}

json::value* find(json::value& in, place const& p) {
    json::value* at = &in;
    for (auto const& step : p) {
        if (auto* o = at->if_object()) {
            at = o->if_contains(step);
        } else if (auto* a = at->if_array()) {
            auto const n = position(step, a->size());
            at = n ? &(*a)[*n] : nullptr;
        } else {
            at = nullptr;
        }
        if (!at) return nullptr;
    }
    return at;
}

std::vector<place> places_in(json::value const& in) {
    std::vector<place> out{{}};
    auto const below = [&](std::string const& step, json::value const& inner) {
        for (auto& p : places_in(inner)) {
            p.insert(p.begin(), step);
            out.push_back(std::move(p));
        }
    };
    if (auto const* o = in.if_object())
        for (auto const& m : *o) below(std::string{json::view(m.key())}, m.value());
    if (auto const* a = in.if_array())
        for (std::size_t i = 0; i < a->size(); ++i) below(std::to_string(i), (*a)[i]);
    return out;
}

mutation removal_of(place where) {
    return {"drop", "without " + to_string(where), [where](draft& r) {
                if (!r.body || where.empty()) return;
                auto const last = where.back();
                auto* const parent = find(*r.body, {where.begin(), where.end() - 1});
                if (!parent) return;
                if (auto* o = parent->if_object()) o->erase(last);
                else if (auto* a = parent->if_array())
                    if (auto const n = position(last, a->size())) a->erase(a->begin() + static_cast<std::ptrdiff_t>(*n));
            }};
}

std::vector<std::string> const& kinds_of_change() {
    static std::vector<std::string> const all{"drop", "duplicate", "rename", "retype", "null", "number", "text", "long text", "timestamp", "nest", "wrap", "many", "add"};
    return all;
}

mutation change_at(place where, std::string const& kind, dice& d) {
    if (kind == "drop") return removal_of(where);
    auto const at = " at " + to_string(where);
    auto const becomes = [&](json::value v, std::string const& what) {
        return mutation{kind, what + at, [where, v = std::move(v)](draft& r) {
                            if (auto* there = r.body ? find(*r.body, where) : nullptr) *there = v;
                        }};
    };
    auto const rewritten = [&](std::string const& what, std::function<void(json::value&)> change) {
        return mutation{kind, what + at, [where, change = std::move(change)](draft& r) {
                            if (auto* there = r.body ? find(*r.body, where) : nullptr) change(*there);
                        }};
    };
    auto const in_short = [](json::value const& v) { return show(v, 60); };
    if (kind == "retype") {
        auto v = other_type(d);
        return becomes(v, in_short(v));
    }
    if (kind == "null") return becomes(nullptr, "null");
    if (kind == "number") {
        auto v = boundary_number(d);
        return becomes(v, in_short(v));
    }
    if (kind == "text") {
        auto const v = json::value(odd_text(d));
        return becomes(v, in_short(v));
    }
    if (kind == "timestamp") {
        auto const v = json::value(extreme_timestamp(d));
        return becomes(v, in_short(v));
    }
    if (kind == "long text") {
        static std::size_t const sizes[] = {127, 128, 129, 256, 257, 1'000, 4'097, 65'537, 1'048'576, 1'048'577};
        auto const n = sizes[d.below(d.one_in(6) ? 10 : 8)];
        static char const* const parts[] = {"a", "\xC3\xA9", "\xF0\x9F\x98\x80", "a.", " "};
        std::string const part = d.of(parts);
        return becomes(json::value(repeated(part, n / part.size() + (n % part.size() != 0))), std::to_string(n) + " bytes of \"" + part + "\"");
    }
    if (kind == "nest" || kind == "wrap") {
        bool const objects = d.one_in(2), deep = kind == "nest";
        static std::size_t const depths[] = {8, 28, 33, 64, 200, 600};
        auto const levels = deep ? d.of(depths) : 1;
        return rewritten((objects ? "objects" : "arrays") + std::string{", "} + std::to_string(levels) + " levels of them,", [=](json::value& v) { v = nested(std::move(v), levels, objects); });
    }
    if (kind == "many") {
        static std::size_t const sizes[] = {64, 65, 130, 501, 1'001};
        auto const n = d.of(sizes);
        return rewritten(std::to_string(n) + " elements", [n](json::value& v) {
            json::value const one = v.is_array() && !v.get_array().empty() ? v.get_array().front() : json::value(1);
            v = json::value(json::array(n, one));
        });
    }
    if (kind == "duplicate") {
        return rewritten("an element twice", [](json::value& v) {
            if (auto* a = v.if_array(); a && !a->empty()) a->push_back(json::value(a->front()));
        });
    }
    if (kind == "rename") {
        auto const how = d.below(4);
        return mutation{kind, "a name respelled" + at, [where, how](draft& r) {
                            if (!r.body || where.empty()) return;
                            auto* const parent = find(*r.body, {where.begin(), where.end() - 1});
                            auto* const o = parent ? parent->if_object() : nullptr;
                            if (!o || !o->contains(where.back())) return;
                            auto name = where.back();
                            if (how == 0 && !name.empty()) name[0] = static_cast<char>(name[0] ^ 0x20);
                            else if (how == 1) name += ' ';
                            else if (how == 2) name += std::string(1, '\0');
                            else name = "__proto__";
                            auto value = std::move(o->at(where.back()));
                            o->erase(where.back());
                            (*o)[name] = std::move(value);
                        }};
    }
    // "add"
    static char const* const names[] = {"x-fuzz", "", "__proto__", "constructor", "$ref", "class", "x\xF0\x9F\x98\x80", "toString", "id ", "0"};
    std::string const name = d.of(names);
    auto const value = any_value(d, 3);
    return rewritten("the member \"" + name + "\" " + in_short(value), [name, value](json::value& v) {
        if (auto* o = v.if_object(); o && !o->contains(name)) (*o)[name] = value;
    });
}

std::string respelled(json::value const& v, dice& d) {
    std::string out;
    put(out, v, d);
    return out;
}

std::string odd_text(dice& d) {
    using namespace std::string_view_literals;
    static std::string_view const all[] = {
        ""sv, " "sv, "\0"sv, "a\0b"sv, "\x7F"sv, "\xC2\x85"sv, "\t"sv, "\r\nSet-Cookie: a=b"sv, "\xEF\xBB\xBF"sv, "\xE2\x80\xAE"sv "abc"sv, "\xE2\x80\x8D"sv, "\xE2\x80\xA8"sv,
        "e\xCC\x81"sv, "\xC3\xA9"sv, "\xC4\xB0"sv, "\xC3\x9F"sv, "\xEF\xBC\xA1"sv, "\xEF\xBF\xBD"sv, "\xEF\xBF\xBF"sv, "\xF4\x8F\xBF\xBF"sv, "\xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x92\xBB"sv,
        "\xEE\x80\x80"sv, "../../etc/passwd"sv, "..\\..\\x"sv, "%2e%2e%2f"sv, "."sv, ".."sv, "a/b"sv, "a b"sv, "CON"sv, "' OR '1'='1"sv, "'; DROP TABLE messages; --"sv, "\"; x"sv, "$(id)"sv, "`id`"sv,
        "${jndi:ldap://x/}"sv, "{{7*7}}"sv, "%s%n%x"sv, "<script>"sv, "\\"sv, "\\u0000"sv, "NaN"sv, "undefined"sv, "null"sv, "-1"sv, "1e309"sv, "0x10"sv, "True"sv, "__proto__"sv, "\xCC\xB4\xCC\xB5\xCC\xB6"sv};
    auto const one = d.of(all);
    return d.one_in(8) ? std::string{one} + std::string{d.of(all)} : std::string{one};
}

mutation spoilt_text(dice& d) {
    using namespace std::string_view_literals;
    // Put in front of everything else, so that whatever the body was there is something to refuse in it.
    static std::pair<char const*, std::string_view> const first_members[] = {
        {"duplicate names", "\"x\":1,\"x\":1,"sv}, {"duplicate names, one escaped", "\"x\":1,\"\\u0078\":1,"sv}, {"duplicate names deep down", "\"x\":[{\"a\":[],\"a\":[]}],"sv},
        {"NaN", "\"x\":NaN,"sv}, {"Infinity", "\"x\":-Infinity,"sv}, {"number beyond double", "\"x\":1e999,"sv}, {"lone surrogate", "\"x\":\"\\ud800\","sv},
        {"lone surrogate in a name", "\"\\udfff\":1,"sv}, {"surrogates swapped", "\"x\":\"\\udc00\\ud800\","sv}, {"invalid UTF-8", "\"x\":\"\xFF\","sv}, {"overlong UTF-8", "\"x\":\"\xC0\xAF\","sv},
        {"encoded surrogate", "\"x\":\"\xED\xA0\x80\","sv}, {"cut UTF-8", "\"x\":\"\xE2\x82\","sv}, {"raw control character", "\"x\":\"\n\","sv}, {"raw NUL", "\"x\":\"\0\","sv},
        {"leading zero", "\"x\":01,"sv}, {"plus sign", "\"x\":+1,"sv}, {"hexadecimal", "\"x\":0x1,"sv}, {"bare fraction", "\"x\":.5,"sv}, {"open fraction", "\"x\":1.,"sv}, {"lone minus", "\"x\":-,"sv},
        {"unknown escape", "\"x\":\"\\x41\","sv}, {"cut escape", "\"x\":\"\\u12\","sv}, {"comment", "/* x */"sv}, {"line comment", "// x\n"sv}, {"single quotes", "'x':1,"sv}, {"bare name", "x:1,"sv},
        {"empty member", ","sv}, {"missing colon", "\"x\" 1,"sv}, {"missing value", "\"x\":,"sv}, {"unicode space", "\xC2\xA0"sv}, {"wrong literal", "\"x\":True,"sv}};
    auto const n = d.below(std::size(first_members) + 8);
    auto const spoils = [](char const* what, std::function<std::string(std::string)> change) {
        return mutation{"malformed JSON", what, [what, change = std::move(change)](draft& r) {
                            r.text.push_back([what, change](std::string& text, expectation& e) {
                                if (!text.starts_with('{')) return;
                                text = change(std::move(text));
                                e.at_least(demand::refused, std::string{"its body is no I-JSON ("} + what + ")");
                            });
                        }};
    };
    if (n < std::size(first_members)) {
        auto const [what, member] = first_members[n];
        return spoils(what, [member = std::string{member}](std::string t) { return t.insert(1, member); });
    }
    switch (n - std::size(first_members)) {
        case 0: return spoils("cut by one character", [](std::string t) { return t.substr(0, t.size() - 1); });
        case 1: return spoils("cut in the middle", [](std::string t) { return t.substr(0, t.size() / 2); });
        case 2: return spoils("two texts", [](std::string t) { return t + t; });
        case 3: return spoils("trailing comma", [](std::string t) { return t.insert(t.size() - 1, ","); });
        case 4: return spoils("trailing NUL", [](std::string t) { return t + std::string(1, '\0'); });
        case 5: return spoils("UTF-16", [](std::string t) {
            std::string out;
            for (char c : t) (out += c) += '\0';
            return out;
        });
        case 6: return spoils("100,000 opened arrays", [](std::string t) { return t.insert(1, "\"x\":" + std::string(100'000, '[') + ","); });
        default: return spoils("surplus bracket", [](std::string t) { return t + "]"; });
    }
}

}  // namespace bsp::conformance::fuzz
