#include "backend.hpp"

#include <bsp/base/utf8.hpp>
#include <bsp/crypto/sha256.hpp>
#include <bsp/json/c14n.hpp>

#include <algorithm>

// Chapter 17, a second time: over code points, the numbers as little patterns.

namespace bsp::faulty {

namespace {

using text32 = std::u32string;
constexpr std::size_t none = text32::npos;

text32 decoded(std::string_view text) {
    text32 out;
    for (std::size_t at = 0; at < text.size();) {
        auto const c = decode_utf8(text, at);
        out.push_back(c ? *c : 0xFFFD);
        if (!c) ++at;
    }
    return out;
}

void append_utf8(std::string& out, char32_t c) {
    auto const unit = [&](char32_t bits) { out += static_cast<char>(static_cast<unsigned char>(bits)); };
    if (c < 0x80) return unit(c);
    if (c < 0x800) return unit(0xC0 | c >> 6), unit(0x80 | (c & 0x3F));
    if (c < 0x10000) return unit(0xE0 | c >> 12), unit(0x80 | (c >> 6 & 0x3F)), unit(0x80 | (c & 0x3F));
    unit(0xF0 | c >> 18), unit(0x80 | (c >> 12 & 0x3F)), unit(0x80 | (c >> 6 & 0x3F)), unit(0x80 | (c & 0x3F));
}

bool is_digit(char32_t c) { return c >= U'0' && c <= U'9'; }
bool is_letter(char32_t c) { return (c >= U'a' && c <= U'z') || (c >= U'A' && c <= U'Z'); }
bool is_word(char32_t c) { return is_digit(c) || is_letter(c) || c == U'_'; }
bool is_gap(char32_t c) { return c == U'-' || (c >= 0x2010 && c <= 0x2015) || c == 0x2212 || c == U' ' || c == 0xA0 || c == 0x202F; }
bool is_white(char32_t c) { return c == U' ' || (c >= 9 && c <= 13); }

/// The end of a pattern that begins at `at`: d a digit, s - or . or nothing, w - or white space or nothing, g a hyphen or
/// space, S a hyphen, space or dot, o the same or nothing, anything else itself.
std::size_t end_of(text32 const& t, std::size_t at, std::string_view pattern) {
    for (char const p : pattern) {
        char32_t const c = at < t.size() ? t[at] : 0;
        bool const separates = is_gap(c) || c == U'.';
        switch (p) {
            case 'd': if (!is_digit(c)) return none; ++at; break;
            case 's': at += c == U'-' || c == U'.'; break;
            case 'w': at += c == U'-' || is_white(c); break;
            case 'g': if (!is_gap(c)) return none; ++at; break;
            case 'S': if (!separates) return none; ++at; break;
            case 'o': at += separates; break;
            default: if (c != static_cast<char32_t>(p)) return none; ++at;
        }
    }
    return at < t.size() && is_word(t[at]) ? none : at;
}

/// Seconds, milliseconds, microseconds or nanoseconds.
bool is_moment(text32 const& t, std::size_t from, std::size_t to) {
    return t[from] == U'1' && std::all_of(t.begin() + static_cast<std::ptrdiff_t>(from), t.begin() + static_cast<std::ptrdiff_t>(to), is_digit) && (to - from - 1) % 3 == 0;
}

bool check_digit_is_right(text32 const& t, std::size_t from, std::size_t to) {
    int sum = 0, place = 0;
    while (to-- > from) {
        if (!is_digit(t[to])) continue;
        int const d = static_cast<int>(t[to] - U'0');
        sum += place++ % 2 == 0 ? d : d * 2 / 10 + d * 2 % 10;
    }
    return sum % 10 == 0;
}

std::size_t card(text32 const& t, std::size_t at) {
    std::size_t longest = end_of(t, at, "ddddwddddwddddwdddd");
    auto const consider = [&](std::size_t end, std::size_t count) {
        bool const whole = end == t.size() || !is_word(t[end]);
        if (whole && count >= 13 && count <= 19 && check_digit_is_right(t, at, end) && (longest == none || longest < end)) longest = end;
    };
    std::size_t const run_max = at + 20;
    std::size_t end = at;
    while (end < t.size() && end < run_max && is_digit(t[end])) ++end;
    consider(end, end - at);
    if (end - at == 4 && end < t.size() && is_gap(t[end])) {
        char32_t const gap = t[end];
        for (std::size_t count = 4; end < t.size() && t[end] == gap && count < 19;) {
            std::size_t const group = ++end;
            while (end < t.size() && end - group < 7 && is_digit(t[end])) ++end;
            std::size_t const size = end - group;
            if (size == 0 || size > 6) break;
            consider(end, count += size);
            if (size < 3) break;
        }
    }
    return longest != none && is_moment(t, at, longest) ? none : longest;
}

std::size_t phone(text32 const& t, std::size_t at) {
    std::size_t longest = none;
    for (std::string_view const pattern : {"dddsdddsdddd", "dddSdddSdddd", "(ddd)odddodddd", "+1odddsdddsdddd", "+1odddSdddSdddd", "+1o(ddd)odddodddd", "1SdddSdddSdddd", "1S(ddd)odddodddd"})
        if (auto const end = end_of(t, at, pattern); end != none && (longest == none || longest < end)) longest = end;
    return longest != none && is_moment(t, at, longest) ? none : longest;
}

/// 0 no letter, 1 a letter, 2 one of a script without spaces.
int script(char32_t c) {
    if (c < 0xC0 || c == 0xD7 || c == 0xF7 || (c >= 0x2000 && c < 0x2C00) || (c >= 0x3000 && c < 0x3005) || (c >= 0x3008 && c < 0x3021) || (c >= 0xD800 && c < 0xF900) || (c >= 0xFE00 && c < 0xFE70) ||
        (c > 0xFEFC && c < 0xFF66) || (c > 0xFFDC && c < 0x10000) || (c >= 0x1D000 && c < 0x20000) || c >= 0x40000)
        return 0;
    bool const unspaced = (c >= 0xE00 && c < 0xF00) || (c >= 0x1000 && c < 0x10A0) || (c >= 0x1100 && c < 0x1200) || (c >= 0x1780 && c < 0x1800) || (c >= 0x2E80 && c < 0xA4D0) ||
                          (c >= 0xAC00 && c < 0xFB00) || (c >= 0xFF66 && c < 0x10000) || c >= 0x20000;
    return unspaced ? 2 : 1;
}
int local_class(char32_t c) { return c >= 0x80 ? script(c) : is_word(c) || c == U'.' || c == U'%' || c == U'+' || c == U'-'; }
int label_class(char32_t c) { return c >= 0x80 ? script(c) : is_letter(c) || is_digit(c) || c == U'-'; }

/// The end of a label of ASCII that begins with xn-- and ends in a letter or digit.
std::size_t punycode(text32 const& t, std::size_t at) {
    if (t.size() < at + 5 || (t[at] | 0x20) != U'x' || (t[at + 1] | 0x20) != U'n' || t[at + 2] != U'-' || t[at + 3] != U'-') return none;
    std::size_t end = none;
    for (at += 4; at < t.size() && t[at] < 0x80 && label_class(t[at]) != 0; ++at)
        if (t[at] != U'-') end = at + 1;
    return end;
}

/// The end of the last label that may end a domain.
std::size_t domain(text32 const& t, std::size_t start) {
    std::size_t best = none;
    auto const ends = [&](std::size_t at) { return at == t.size() || !is_word(t[at]); };
    for (std::size_t label = start, at = start;; label = ++at) {
        int const kind = at < t.size() ? label_class(t[at]) : 0;
        while (at < t.size() && kind != 0 && label_class(t[at]) == kind) ++at;
        if (label >= start + 2) {
            for (std::size_t letters = label; letters < at && (is_letter(t[letters]) || t[letters] >= 0x80);)
                if (++letters - label >= 2 && (t[letters - 1] >= 0x80 || ends(letters))) best = letters;
            if (std::size_t const tail = punycode(t, label); tail != none && ends(tail)) best = tail;
        }
        if (at >= t.size() || t[at] != U'.') return best;
    }
}

std::string replaced(std::string const& text, std::string_view replacement, std::size_t (*matches)(text32 const&, std::size_t)) {
    text32 const t = decoded(text);
    std::string out;
    bool found = false;
    for (std::size_t at = 0; at < t.size();) {
        bool const begins = (is_digit(t[at]) && (at == 0 || !is_word(t[at - 1]))) || t[at] == U'(' || t[at] == U'+';
        std::size_t const end = begins ? matches(t, at) : none;
        if (end == none) append_utf8(out, t[at++]);
        else out += replacement, at = end, found = true;
    }
    return found ? out : text;
}

std::string without_mail(std::string const& text) {
    text32 const t = decoded(text);
    std::vector<std::pair<std::size_t, std::size_t>> found;
    std::size_t floor = 0;
    for (std::size_t at = 0; at < t.size(); ++at) {
        if (t[at] != U'@' || at == floor) continue;
        std::size_t begin = at;
        int const kind = local_class(t[at - 1]);
        while (begin > floor && kind != 0 && local_class(t[begin - 1]) == kind) --begin;
        while (begin < at && t[begin] < 0x80 && !is_word(t[begin])) ++begin;
        std::size_t const end = begin < at ? domain(t, at + 1) : none;
        if (end == none) continue;
        found.emplace_back(begin, end);
        floor = end;
        at = end - 1;
    }
    if (found.empty()) return text;
    std::string out;
    std::size_t at = 0;
    for (auto const& [begin, end] : found) {
        while (at < begin) append_utf8(out, t[at++]);
        out += "[REDACTED_EMAIL]";
        at = end;
    }
    while (at < t.size()) append_utf8(out, t[at++]);
    return out;
}

constexpr std::string_view of_message[] = {"id", "role", "timestamp", "surface", "source_backend"};
constexpr std::string_view of_conversation[] = {"conversation_id", "last_modified", "source_backend", "surfaces", "messages"};

json::object without_stamp(json::object o) {
    for (auto const* name : {"version", "last_modified", "redacted"}) o.erase(name);
    return o;
}

}  // namespace

std::string backend::redact_kind(std::string const& text, personal kind) {
    switch (kind) {
        case personal::email: return without_mail(text);
        case personal::credit_card: return replaced(text, "[REDACTED_CREDIT_CARD]", card);
        case personal::ssn: return replaced(text, "[REDACTED_SSN]", [](text32 const& t, std::size_t at) { return end_of(t, at, "dddgddgdddd"); });
        case personal::phone: return replaced(text, "[REDACTED_PHONE]", phone);
    }
    return text;
}

std::string backend::redact_text(std::string text) {
    for (auto const kind : {personal::email, personal::credit_card, personal::ssn, personal::phone}) text = redact_kind(text, kind);
    return text;
}

bool backend::redact_value(json::value& v) {
    bool altered = false;
    if (auto* s = v.if_string()) {
        std::string const before{json::view(*s)}, after = redact_text(before);
        altered = before != after;
        if (altered) *s = after;
    } else if (auto* a = v.if_array()) {
        for (auto& element : *a) altered |= redact_value(element);
    } else if (auto* o = v.if_object()) {
        for (auto& member : *o) altered |= redact_value(member.value());
    }
    return altered;
}

bool backend::stays_whole(std::string_view member, bool is_message) {
    return is_message ? std::find(std::begin(of_message), std::end(of_message), member) != std::end(of_message)
                      : std::find(std::begin(of_conversation), std::end(of_conversation), member) != std::end(of_conversation);
}

json::object backend::redact_members(json::object o, bool is_message) {
    bool altered = false;
    for (auto& member : o)
        if (!stays_whole(json::view(member.key()), is_message)) altered |= redact_value(member.value());
    if (altered) mark(o);
    return o;
}

void backend::mark(json::object& altered) { altered["redacted"] = true; }

json::object backend::redact_entry(json::object entry) {
    json::value* const messages = entry.if_contains("messages");
    if (messages)
        for (auto& m : messages->as_array()) m = redact_members(m.as_object(), true);
    if (auto* const losers = entry.if_contains("conflicts"))
        for (auto& l : losers->as_array()) l.as_object()["message"] = redact_members(l.at("message").as_object(), true);
    return redact_members(std::move(entry), false);
}

bool backend::redacts_for(peer_record const& to) { return to.backend_type == "hosted" && wants_redaction(to.user_id); }

/// Without the profile PRV nobody can say so.
bool backend::wants_redaction(std::string const&) { return false; }

json::object backend::outgoing(json::object entry, peer_record const* to, outlet) { return to && redacts_for(*to) ? redact_entry(std::move(entry)) : entry; }

tenant backend::digested(tenant const& all, peer_record const& to) {
    if (!redacts_for(to)) return all;
    tenant out = all;
    for (auto& [id, c] : out) {
        c.winner.received = redact_members(std::move(c.winner.received), false);
        for (auto& [message_id, m] : c.messages) {
            m.received = redact_members(std::move(m.received), true);
            m.canonical = json::canonicalize(m.received, {}).value();
        }
    }
    return out;
}

/// Whatever the other side did with our redacted members, ours stay if it did nothing.
void backend::keep_own_members(tenant const& held, tenant& incoming) {
    for (auto& [id, c] : incoming) {
        auto const own = held.find(id);
        if (own == held.end() || !c.winner.redacted || own->second.winner.redacted) continue;
        if (without_stamp(redact_members(own->second.winner.received, false)) != without_stamp(c.winner.received)) continue;
        json::object whole = own->second.winner.received;
        for (auto const* name : {"version", "last_modified"}) whole[name] = c.winner.received.at(name);
        c.winner.received = std::move(whole);
        c.winner.redacted = false;
        c.winner.digest = sha256(json::canonicalize(c.winner.received, {}).value());
    }
}

}  // namespace bsp::faulty
