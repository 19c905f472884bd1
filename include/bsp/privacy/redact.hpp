#pragma once

#include <bsp/base/utf8.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// Redaction of personal data in text (section 17.1): what looks like a mail address, a card number, a US social
/// security number or a telephone number is replaced by its kind. Character classes are of ASCII, as far as the grammar
/// does not say otherwise; matches are leftmost and longest and do not overlap.
///
/// Time is linear in the text: numbers are looked at where a run of digits begins, up to a fixed length; mail addresses
/// at each '@', up to the next one in either direction.
namespace bsp::privacy {

/// The kinds, in the order in which they are applied: what one has replaced the next does not see (BSP-RED-003).
enum class pii : std::uint8_t { email, credit_card, ssn, phone };

inline constexpr std::array<std::string_view, 4> replacements{"[REDACTED_EMAIL]", "[REDACTED_CREDIT_CARD]", "[REDACTED_SSN]", "[REDACTED_PHONE]"};

namespace detail {

inline constexpr std::size_t none = std::string_view::npos;

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_letter(char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); }
constexpr bool is_word(char c) { return is_digit(c) || is_letter(c) || c == '_'; }

/// Whether a word may begin, or has ended, at `at`, the other side being a word character.
inline bool is_edge_before(std::string_view t, std::size_t at) { return at == 0 || !is_word(t[at - 1]); }
inline bool is_edge_after(std::string_view t, std::size_t at) { return at >= t.size() || !is_word(t[at]); }

/// Octets of the hyphen at `at`: '-', U+2010 … U+2015 or U+2212; 0: none is there.
inline std::size_t hyphen(std::string_view t, std::size_t at) {
    if (at >= t.size()) return 0;
    if (t[at] == '-') return 1;
    auto const s = t.substr(at, 3);
    return (s.starts_with("\xE2\x80") && s.size() == 3 && s[2] >= '\x90' && s[2] <= '\x95') || s == "\xE2\x88\x92" ? 3 : 0;
}

/// Octets of the space at `at`: ' ', U+00A0 or U+202F.
inline std::size_t space(std::string_view t, std::size_t at) {
    if (at >= t.size()) return 0;
    if (t[at] == ' ') return 1;
    return t.substr(at, 2) == "\xC2\xA0" ? 2 : t.substr(at, 3) == "\xE2\x80\xAF" ? 3 : 0;
}

inline std::size_t hyphen_or_space(std::string_view t, std::size_t at) { return std::max(hyphen(t, at), space(t, at)); }
inline std::size_t dot(std::string_view t, std::size_t at) { return at < t.size() && t[at] == '.'; }
inline std::size_t phone_separator(std::string_view t, std::size_t at) { return std::max(hyphen_or_space(t, at), dot(t, at)); }

/// How many digits stand at `at`, counted up to `max`.
inline std::size_t digits(std::string_view t, std::size_t at, std::size_t max) {
    std::size_t n = 0;
    while (n < max && at + n < t.size() && is_digit(t[at + n])) ++n;
    return n;
}

/// A position that moves on as long as what it is asked for is there.
class cursor {
public:
    cursor(std::string_view t, std::size_t at) : t_{t}, at_{at} {}

    cursor& number(std::size_t length) {
        if (ok_ && digits(t_, at_, length) == length) at_ += length;
        else ok_ = false;
        return *this;
    }
    cursor& one(char c) {
        if (ok_ && at_ < t_.size() && t_[at_] == c) ++at_;
        else ok_ = false;
        return *this;
    }
    template <class Separator>
    cursor& must(Separator separator) {
        std::size_t const octets = ok_ ? separator(t_, at_) : 0;
        ok_ = octets > 0;
        at_ += octets;
        return *this;
    }
    template <class Separator>
    cursor& may(Separator separator) {
        if (ok_) at_ += separator(t_, at_);
        return *this;
    }
    /// The end of the match, when a word ends there.
    [[nodiscard]] std::size_t end() const { return ok_ && is_edge_after(t_, at_) ? at_ : none; }
    [[nodiscard]] bool ok() const { return ok_; }
    [[nodiscard]] std::size_t at() const { return at_; }

private:
    std::string_view t_;
    std::size_t at_;
    bool ok_ = true;
};

/// A bare number that begins with 1 and has as many digits as a count of seconds, milliseconds, microseconds or
/// nanoseconds since 1970 is a moment, whatever else it may look like (spec/decisions/0017).
inline bool is_moment(std::string_view t, std::size_t at, std::size_t length) {
    return t[at] == '1' && (length == 10 || length == 13 || length == 16 || length == 19);
}

/// The check digit of card numbers (ISO/IEC 7812-1) over the digits of `t`; other characters do not count.
inline bool passes_luhn(std::string_view t) {
    int sum = 0;
    bool doubled = false;
    for (std::size_t i = t.size(); i-- > 0;) {
        if (!is_digit(t[i])) continue;
        int const d = (t[i] - '0') * (doubled ? 2 : 1);
        sum += d > 9 ? d - 9 : d;
        doubled = !doubled;
    }
    return sum % 10 == 0;
}

inline constexpr std::size_t card_digits_min = 13, card_digits_max = 19;

/// Four groups of four, a hyphen or white space between them or not.
inline std::size_t four_by_four(std::string_view t, std::size_t at) {
    auto const gap = [](std::string_view s, std::size_t i) -> std::size_t { return i < s.size() && (s[i] == '-' || s[i] == ' ' || (s[i] >= '\t' && s[i] <= '\r')); };
    std::size_t const end = cursor{t, at}.number(4).may(gap).number(4).may(gap).number(4).may(gap).number(4).end();
    return end == at + 16 && is_moment(t, at, 16) ? none : end;
}

/// 13 to 19 digits with a right check digit, bare.
inline std::size_t bare_card(std::string_view t, std::size_t at) {
    std::size_t const n = digits(t, at, card_digits_max + 1);
    bool const fits = n >= card_digits_min && n <= card_digits_max && is_edge_after(t, at + n) && !is_moment(t, at, n);
    return fits && passes_luhn(t.substr(at, n)) ? at + n : none;
}

/// The same in groups of 4, then 3 to 6, the last of 1 to 6, with the same hyphen or space between all.
inline std::size_t grouped_card(std::string_view t, std::size_t at) {
    if (digits(t, at, 5) != 4) return none;
    auto const separator = t.substr(at + 4, hyphen_or_space(t, at + 4));
    if (separator.empty()) return none;
    std::size_t longest = none;
    for (std::size_t total = 4, next = at + 4; t.substr(next).starts_with(separator);) {
        next += separator.size();
        std::size_t const n = digits(t, next, 7);
        next += n;
        total += n;
        if (n == 0 || n > 6 || total > card_digits_max) break;
        if (total >= card_digits_min && is_edge_after(t, next) && passes_luhn(t.substr(at, next - at))) longest = next;
        if (n < 3) break;
    }
    return longest;
}

inline std::size_t longer(std::size_t a, std::size_t b) { return a == none ? b : b == none ? a : std::max(a, b); }

inline std::size_t credit_card_at(std::string_view t, std::size_t at) {
    if (!is_digit(t[at]) || !is_edge_before(t, at)) return none;
    return longer(four_by_four(t, at), longer(bare_card(t, at), grouped_card(t, at)));
}

inline std::size_t ssn_at(std::string_view t, std::size_t at) {
    if (!is_digit(t[at]) || !is_edge_before(t, at)) return none;
    return cursor{t, at}.number(3).must(hyphen_or_space).number(2).must(hyphen_or_space).number(4).end();
}

/// 555-123-4567, 555.123.4567, 5551234567.
inline std::size_t plain_phone(std::string_view t, std::size_t at, bool has_country) {
    auto const gap = [](std::string_view s, std::size_t i) -> std::size_t { return i < s.size() && (s[i] == '-' || s[i] == '.'); };
    std::size_t const end = cursor{t, at}.number(3).may(gap).number(3).may(gap).number(4).end();
    return end == at + 10 && !has_country && is_moment(t, at, 10) ? none : end;
}
/// 555 123 4567, with any separators.
inline std::size_t spaced_phone(std::string_view t, std::size_t at) {
    return cursor{t, at}.number(3).must(phone_separator).number(3).must(phone_separator).number(4).end();
}
/// (555) 123-4567
inline std::size_t parenthesized_phone(std::string_view t, std::size_t at) {
    return cursor{t, at}.one('(').number(3).one(')').may(phone_separator).number(3).may(phone_separator).number(4).end();
}

inline std::size_t phone_at(std::string_view t, std::size_t at) {
    if (t[at] == '(') return parenthesized_phone(t, at);
    if (t[at] == '+') {
        auto const country = cursor{t, at}.one('+').one('1').may(phone_separator);
        if (!country.ok()) return none;
        return longer(parenthesized_phone(t, country.at()), longer(plain_phone(t, country.at(), true), spaced_phone(t, country.at())));
    }
    if (!is_digit(t[at]) || !is_edge_before(t, at)) return none;
    std::size_t const end = longer(plain_phone(t, at, false), spaced_phone(t, at));
    auto const trunk = cursor{t, at}.one('1').must(phone_separator);
    return trunk.ok() ? longer(end, longer(parenthesized_phone(t, trunk.at()), spaced_phone(t, trunk.at()))) : end;
}

/// What a character is in a mail address. Scripts that are written without spaces stand by themselves, so that the words
/// around an address are not taken for a part of it.
enum class letter : std::uint8_t { no, spaced, unspaced };

constexpr letter letter_of(char32_t c) {
    struct range {
        char32_t first, last;
        letter is;
    };
    constexpr range ranges[] = {
        {0x00C0, 0x00D6, letter::spaced},   {0x00D8, 0x00F6, letter::spaced},   {0x00F8, 0x0DFF, letter::spaced},   {0x0E00, 0x0EFF, letter::unspaced},
        {0x0F00, 0x0FFF, letter::spaced},   {0x1000, 0x109F, letter::unspaced}, {0x10A0, 0x10FF, letter::spaced},   {0x1100, 0x11FF, letter::unspaced},
        {0x1200, 0x177F, letter::spaced},   {0x1780, 0x17FF, letter::unspaced}, {0x1800, 0x1FFF, letter::spaced},   {0x2C00, 0x2DFF, letter::spaced},
        {0x2E80, 0x2FDF, letter::unspaced}, {0x3005, 0x3007, letter::unspaced}, {0x3021, 0xA4CF, letter::unspaced}, {0xA4D0, 0xABFF, letter::spaced},
        {0xAC00, 0xD7FF, letter::unspaced}, {0xF900, 0xFAFF, letter::unspaced}, {0xFB00, 0xFDFF, letter::spaced},   {0xFE70, 0xFEFC, letter::spaced},
        {0xFF66, 0xFFDC, letter::unspaced}, {0x10000, 0x1CFFF, letter::spaced}, {0x20000, 0x3FFFF, letter::unspaced}};
    for (auto const& r : ranges)
        if (c <= r.last) return c >= r.first ? r.is : letter::no;
    return letter::no;
}

/// A character of a text that is UTF-8; octets that are not well-formed stand for themselves.
struct character {
    char32_t scalar = 0;
    std::size_t octets = 1;
};
inline character character_at(std::string_view t, std::size_t at) {
    std::size_t next = at;
    auto const scalar = decode_utf8(t, next);
    return scalar ? character{*scalar, next - at} : character{0xFFFD, 1};
}
inline character character_before(std::string_view t, std::size_t at) {
    std::size_t start = at - 1;
    while (start > 0 && at - start < 4 && (static_cast<unsigned char>(t[start]) & 0xC0) == 0x80) --start;
    auto const c = character_at(t, start);
    return start + c.octets == at ? c : character{0xFFFD, 1};
}

/// Letters of ASCII and of scripts with spaces, digits and "._%+-"; or letters of scripts without.
inline letter local_part_class(char32_t c) {
    if (c >= 0x80) return letter_of(c);
    char const a = static_cast<char>(c);
    return is_word(a) || a == '.' || a == '%' || a == '+' || a == '-' ? letter::spaced : letter::no;
}
inline letter domain_class(char32_t c) {
    if (c >= 0x80) return letter_of(c);
    char const a = static_cast<char>(c);
    return is_letter(a) || is_digit(a) || a == '-' ? letter::spaced : letter::no;
}
inline bool is_any_letter(char32_t c) { return c < 0x80 ? is_letter(static_cast<char>(c)) : letter_of(c) != letter::no; }

/// Where the local part that ends at `end` begins, not before `floor`: a word character or a letter. `end` when there is none.
inline std::size_t local_part_before(std::string_view t, std::size_t end, std::size_t floor) {
    std::size_t start = end;
    letter is = letter::no;
    for (std::size_t at = end; at > floor;) {
        auto const c = character_before(t, at);
        auto const its = local_part_class(c.scalar);
        if (its == letter::no || (is != letter::no && its != is)) break;
        is = its;
        at -= c.octets;
        if (c.scalar >= 0x80 || is_word(static_cast<char>(c.scalar))) start = at;
    }
    return start;
}

/// The end of a label that may be the last of a domain: two letters or more, or one in Punycode; else `none`.
inline std::size_t top_level_end(std::string_view t, std::size_t at) {
    auto const prefix = t.substr(at, 4);
    bool const punycode = prefix.size() == 4 && (prefix[0] | 0x20) == 'x' && (prefix[1] | 0x20) == 'n' && prefix.substr(2) == "--";
    if (punycode) {
        std::size_t end = at + 4;
        for (std::size_t i = end; i < t.size() && (is_letter(t[i]) || is_digit(t[i]) || t[i] == '-'); ++i)
            if (t[i] != '-') end = i + 1;
        if (end > at + 4 && is_edge_after(t, end)) return end;
    }
    std::size_t end = none, count = 0;
    letter is = letter::no;
    while (at < t.size()) {
        auto const c = character_at(t, at);
        auto const its = is_any_letter(c.scalar) ? domain_class(c.scalar) : letter::no;
        if (its == letter::no || (is != letter::no && its != is)) break;
        is = its;
        at += c.octets;
        if (++count >= 2 && (c.scalar >= 0x80 || is_edge_after(t, at))) end = at;
    }
    return end;
}

/// The end of the domain that begins at `start`: of its last label that may be a top-level domain.
inline std::size_t domain_end(std::string_view t, std::size_t start) {
    std::size_t end = none;
    letter is = letter::no;
    for (std::size_t at = start; at < t.size();) {
        auto const c = character_at(t, at);
        if (c.scalar == '.') {
            if (at > start)
                if (auto const found = top_level_end(t, at + 1); found != none) end = found;
            is = letter::no;
        } else {
            auto const its = domain_class(c.scalar);
            if (its == letter::no || (is != letter::no && its != is)) break;
            is = its;
        }
        at += c.octets;
    }
    return end;
}

/// A match: from `begin` to `end`; nothing when `begin` is `none`.
struct match {
    std::size_t begin = none, end = none;
};

/// The first mail address at or after `from`.
inline match next_email(std::string_view t, std::size_t from) {
    for (std::size_t at = t.find('@', from); at != none; at = t.find('@', at + 1)) {
        std::size_t const begin = local_part_before(t, at, from);
        if (begin == at) continue;
        if (std::size_t const end = domain_end(t, at + 1); end != none) return {begin, end};
    }
    return {};
}

/// Where a number may begin: at a digit, '(' or '+'.
inline constexpr auto begins_number = [] {
    std::array<bool, 256> table{};
    for (unsigned char c = '0'; c <= '9'; ++c) table[c] = true;
    table['('] = table['+'] = true;
    return table;
}();

/// The first number of a kind at or after `from`; `matches` tells where one that begins at a place ends.
template <class Matches>
match next_number(std::string_view t, std::size_t from, Matches matches) {
    for (std::size_t at = from; at < t.size(); ++at) {
        if (!begins_number[static_cast<unsigned char>(t[at])]) continue;
        if (std::size_t const end = matches(t, at); end != none) return {at, end};
        while (at + 1 < t.size() && is_digit(t[at]) && is_digit(t[at + 1])) ++at;  // no number begins within one
    }
    return {};
}

inline match next(std::string_view t, std::size_t from, pii kind) {
    switch (kind) {
        case pii::email: return next_email(t, from);
        case pii::credit_card: return next_number(t, from, credit_card_at);
        case pii::ssn: return next_number(t, from, ssn_at);
        case pii::phone: return next_number(t, from, phone_at);
    }
    return {};
}

}  // namespace detail

/// `text` without the personal data of one kind; nothing when it has none.
inline std::optional<std::string> redact(std::string_view text, pii kind) {
    auto found = detail::next(text, 0, kind);
    if (found.begin == detail::none) return std::nullopt;
    std::string out;
    out.reserve(text.size());
    std::size_t done = 0;
    for (; found.begin != detail::none; found = detail::next(text, done, kind)) {
        out.append(text, done, found.begin - done).append(replacements[static_cast<std::size_t>(kind)]);
        done = found.end;
    }
    return out.append(text, done);
}

/// `text` without personal data, UTF-8 if it was; nothing when it has none (BSP-RED-001 … BSP-RED-004).
inline std::optional<std::string> redact(std::string_view text) {
    // No kind is shorter: "a@b.cc", and nine digits.
    bool const may_be_mail = text.find('@') != std::string_view::npos;
    bool const may_be_number = std::ranges::count_if(text, detail::is_digit) >= 9;
    std::optional<std::string> out;
    auto const apply = [&](pii kind) {
        if (auto redacted = redact(out ? std::string_view{*out} : text, kind)) out = std::move(redacted);
    };
    if (may_be_mail) apply(pii::email);
    if (may_be_number)
        for (auto const kind : {pii::credit_card, pii::ssn, pii::phone}) apply(kind);
    return out;
}

}  // namespace bsp::privacy
