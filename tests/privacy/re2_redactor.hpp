#pragma once

#include <re2/re2.h>

#include <array>
#include <optional>
#include <string>
#include <string_view>

/// Section 17.1 read a second time, as regular expressions and as plainly as possible: of all substrings, the leftmost
/// and then the longest. Takes cubic time.
namespace bsp::test {

class re2_redactor {
public:
    std::string operator()(std::string text) const {
        for (auto const& k : kinds_) text = redact(text, k);
        return text;
    }

private:
    struct kind {
        re2::RE2 shape;
        std::string replacement;
        bool (*holds)(std::string_view);  ///< of what has the shape
    };

    static bool is_word(char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_'; }

    static std::string digits_of(std::string_view s) {
        std::string out;
        for (char const c : s)
            if (c >= '0' && c <= '9') out += c;
        return out;
    }

    static bool is_moment(std::string_view s) { return re2::RE2::FullMatch(re2::StringPiece{s.data(), s.size()}, "1(?:[0-9]{9}|[0-9]{12}|[0-9]{15}|[0-9]{18})"); }
    static bool is_no_moment(std::string_view s) { return !is_moment(s); }
    static bool any(std::string_view) { return true; }

    static bool is_card(std::string_view s) {
        if (is_moment(s)) return false;
        static re2::RE2 const four_by_four{"[0-9]{4}(?:[-\\s]|\\x0b)?[0-9]{4}(?:[-\\s]|\\x0b)?[0-9]{4}(?:[-\\s]|\\x0b)?[0-9]{4}"};
        re2::StringPiece const piece{s.data(), s.size()};
        if (re2::RE2::FullMatch(piece, four_by_four)) return true;
        // No backreferences: each separator has an expression of its own.
        bool grouped = re2::RE2::FullMatch(piece, "[0-9]{13,19}");
        for (char const* separator : {"-", " ", "\\x{2010}", "\\x{2011}", "\\x{2012}", "\\x{2013}", "\\x{2014}", "\\x{2015}", "\\x{2212}", "\\x{a0}", "\\x{202f}"}) {
            std::string const gap{separator};
            grouped = grouped || re2::RE2::FullMatch(piece, "[0-9]{4}(?:" + gap + "[0-9]{3,6})*" + gap + "[0-9]{1,6}");
        }
        std::string const digits = digits_of(s);
        if (!grouped || digits.size() < 13 || digits.size() > 19) return false;
        int sum = 0;
        for (std::size_t i = 0; i < digits.size(); ++i) {
            int d = digits[digits.size() - 1 - i] - '0';
            if (i % 2 == 1 && (d *= 2) > 9) d -= 9;
            sum += d;
        }
        return sum % 10 == 0;
    }

    /// Longer expressions that could end later or begin earlier are for `redact` to try; this is what may stand beside.
    static bool may_stand(std::string const& t, std::size_t begin, std::size_t end) {
        bool const before = begin == 0 || !is_word(t[begin - 1]) || !is_word(t[begin]);
        bool const after = end == t.size() || !is_word(t[end]) || !is_word(t[end - 1]);
        return before && after;
    }

    static bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

    static std::string redact(std::string const& t, kind const& k) {
        std::string out;
        for (std::size_t i = 0; i < t.size();) {
            std::optional<std::size_t> longest;
            for (std::size_t j = t.size(); j > i && !longest && !is_continuation(t[i]); --j) {
                std::string_view const s{t.data() + i, j - i};
                bool const whole = j == t.size() || !is_continuation(t[j]);
                if (whole && may_stand(t, i, j) && re2::RE2::FullMatch(re2::StringPiece{s.data(), s.size()}, k.shape) && k.holds(s)) longest = j;
            }
            if (longest) {
                out += k.replacement;
                i = *longest;
            } else {
                out += t[i++];
            }
        }
        return out;
    }

    static std::string phone() {
        std::string const sep = "(?:[-. \\x{a0}\\x{202f}\\x{2010}-\\x{2015}\\x{2212}])", d3 = "[0-9]{3}", d4 = "[0-9]{4}";
        std::string const spaced = d3 + sep + d3 + sep + d4, parenthesized = "\\(" + d3 + "\\)" + sep + "?" + d3 + sep + "?" + d4;
        std::string const plain = d3 + "[-.]?" + d3 + "[-.]?" + d4;
        return "(?:" + plain + "|" + spaced + "|" + parenthesized + "|\\+1" + sep + "?(?:" + plain + "|" + spaced + "|" + parenthesized + ")|1" + sep + "(?:" + spaced + "|" +
               parenthesized + "))";
    }

    /// Of the letters beyond ASCII, those that the tests use.
    static std::string email() {
        std::string const a = "éüñйжф", b = "用户例子广告です";
        std::string const label = "(?:[A-Za-z0-9" + a + "-]+|[" + b + "]+)", maybe = label + "?";
        std::string const local = "(?:[A-Za-z0-9_" + a + "][A-Za-z0-9._%+" + a + "-]*|[" + b + "]+)";
        std::string const top = "(?:[A-Za-z" + a + "]{2,}|[" + b + "]{2,}|[xX][nN]--[A-Za-z0-9-]*[A-Za-z0-9])";
        return local + "@(?:" + label + "(?:\\." + maybe + ")*|(?:\\." + maybe + ")+)\\." + top;
    }

    std::array<kind, 4> const kinds_{kind{re2::RE2{email()}, "[REDACTED_EMAIL]", any},
                                     kind{re2::RE2{"[0-9][0-9\\s\\x0b\\x{a0}\\x{202f}\\x{2010}-\\x{2015}\\x{2212}-]+[0-9]"}, "[REDACTED_CREDIT_CARD]", is_card},
                                     kind{re2::RE2{"[0-9]{3}[- \\x{a0}\\x{202f}\\x{2010}-\\x{2015}\\x{2212}][0-9]{2}[- \\x{a0}\\x{202f}\\x{2010}-\\x{2015}\\x{2212}][0-9]{4}"}, "[REDACTED_SSN]", any},
                                     kind{re2::RE2{phone()}, "[REDACTED_PHONE]", is_no_moment}};
};

}  // namespace bsp::test
