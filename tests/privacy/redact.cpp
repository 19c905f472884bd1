#include <bsp/privacy/redact.hpp>

#include "re2_redactor.hpp"

#include <rapidcheck/boost_test.h>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <ctime>
#include <limits>
#include <string>
#include <vector>

using namespace bsp;
using namespace std::string_literals;

namespace {

std::string redacted(std::string_view text) { return privacy::redact(text).value_or(std::string{text}); }

/// Pieces of which near misses and clashes of the kinds are made.
rc::Gen<std::string> any_text() {
    auto const piece = rc::gen::elementOf(std::vector<std::string>{
        "5", "55", "555", "1234", "4567", "45", "123", "1", "17", "1735689600", "4111", "1111", "411111111111111", "1111111111111111", "4242424242424242", "3782",
        "822463", "10005", "-", "-", "-", " ", " ", ".", ".", "(", ")", "+", "+1", "(555) ", "_", "/", "\n", "\v", "a", "b.co", "john", "x.com", "com", "@", "@", "%", "xn--", "p1ai",
        "é", "ü", "ж", "用户", "例", "です", "\u2010", "\u2011", "\u2212", "\u00a0", "\u202f", "🙂", "[REDACTED_PHONE]", "]"});
    return rc::gen::map(rc::gen::container<std::vector<std::string>>(piece), [](std::vector<std::string> const& pieces) {
        std::string all;
        for (std::size_t i = 0; i < std::min<std::size_t>(pieces.size(), 14); ++i) all += pieces[i];
        return all;
    });
}

bool is_utf8(std::string_view text) {
    for (std::size_t at = 0; at < text.size();)
        if (!decode_utf8(text, at)) return false;
    return true;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(redaction)

BOOST_AUTO_TEST_CASE(kinds_are_applied_in_their_order) {
    BOOST_TEST(redacted("My email is john@example.com and phone is 555-123-4567") == "My email is [REDACTED_EMAIL] and phone is [REDACTED_PHONE]");
    BOOST_TEST(redacted("555-123-4567@x.com") == "[REDACTED_EMAIL]");  // not the phone first, which would leave the domain
    BOOST_TEST(redacted("4111 1111 1111 1111") == "[REDACTED_CREDIT_CARD]");
    BOOST_TEST(redacted("123-45-6789, 123 45 6789") == "[REDACTED_SSN], [REDACTED_SSN]");
}

BOOST_AUTO_TEST_CASE(what_holds_nothing_costs_nothing) {
    BOOST_TEST(!privacy::redact("").has_value());
    BOOST_TEST(!privacy::redact("at 2025-12-31T23:59:59.123456789Z, 1735689600 or 1735689600123456789, version 1.2.3-456").has_value());
    BOOST_TEST(!privacy::redact("550e8400-e29b-41d4-a716-446655440000 and pkg@1.2.3 and @home").has_value());
}

BOOST_AUTO_TEST_CASE(a_card_is_as_long_as_its_check_digit_allows) {
    BOOST_TEST(redacted("4222222222222") == "[REDACTED_CREDIT_CARD]");                  // 13
    BOOST_TEST(redacted("4222222222223") == "4222222222223");
    BOOST_TEST(redacted("3782-822463-10005") == "[REDACTED_CREDIT_CARD]");               // 15
    BOOST_TEST(redacted("6304 0000 0000 0000 018") == "[REDACTED_CREDIT_CARD]");         // 19
    BOOST_TEST(redacted("1234 5678 9012 3456") == "[REDACTED_CREDIT_CARD]");             // four by four, whatever the check digit
    BOOST_TEST(redacted("12345678901234567890") == "12345678901234567890");              // 20
    BOOST_TEST(redacted("2025-12-31 235959") == "2025-12-31 235959");
}

BOOST_AUTO_TEST_CASE(octets_that_are_no_text_stay) {
    BOOST_TEST(redacted("\xff\xfe@x.com \x80j@x.co\xc3") == "\xff\xfe@x.com \x80[REDACTED_EMAIL]\xc3");
}

RC_BOOST_PROP(redaction_is_what_the_grammar_says, ()) {
    static test::re2_redactor const oracle;
    std::string const text = *any_text();
    RC_ASSERT(redacted(text) == oracle(text));
}

RC_BOOST_PROP(redacting_twice_is_redacting_once, ()) {
    std::string const once = redacted(*any_text());
    RC_ASSERT(redacted(once) == once);
}

RC_BOOST_PROP(nothing_outside_matches_changes, ()) {
    std::string const text = *any_text();
    // What is left between the replacements stands in the text, in that order.
    std::string const out = redacted(text);
    std::size_t at = 0, from = 0;
    while (from < out.size()) {
        std::size_t next = std::string::npos, length = 0;
        for (auto const r : privacy::replacements)
            if (auto const found = out.find(r, from); found < next) next = found, length = r.size();
        std::string const between = out.substr(from, next - from);
        auto const found = text.find(between, at);
        RC_ASSERT(found != std::string::npos);
        at = found + between.size();
        if (next == std::string::npos) break;
        from = next + length;
    }
}

RC_BOOST_PROP(utf8_stays_utf8, ()) { RC_ASSERT(is_utf8(redacted(*any_text()))); }

BOOST_AUTO_TEST_CASE(time_is_linear) {
    // Sixteen times the text: sixteen times the work, and 256 times if any of this were quadratic. Time of the processor, so
    // that other programs do not count.
    for (char const* unit : {"a.", "a@", "1", "1-", "a@b.", "4111 ", "(555) ", "+1", "a@a.a@", "用", "@x.xn--", "a@b.co-", "555-", "é."}) {
        auto const least = [&](std::size_t octets) {
            std::string text;
            while (text.size() < octets) text += unit;
            auto best = std::numeric_limits<std::clock_t>::max();
            for (int i = 0; i < 5; ++i) {
                auto const begun = std::clock();
                auto const out = privacy::redact(text);
                best = std::min(best, std::clock() - begun);
                BOOST_REQUIRE(out.value_or("").size() <= octets * 16);
            }
            return best + 1;
        };
        auto const small = least(1u << 15), large = least(1u << 19);
        BOOST_TEST(large < small * 100, unit << ": " << small << ", then " << large << " ticks");
    }
}

BOOST_AUTO_TEST_SUITE_END()
