#include "vectors.hpp"

#include <bsp/privacy/redact.hpp>

using namespace bsp;
using namespace bsp::test;

BOOST_AUTO_TEST_SUITE(vectors)

BOOST_AUTO_TEST_CASE(redaction) {
    for (json::value const& v : test::vectors("redaction")) {
        auto const redacted = privacy::redact(text(v, "text"));
        BOOST_TEST(redacted.value_or(text(v, "text")) == text(v, "redacted"), label(v));
        BOOST_TEST(redacted.has_value() == (text(v, "expect") == "redact"), label(v));
    }
}

BOOST_AUTO_TEST_SUITE_END()
