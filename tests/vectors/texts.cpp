#include "vectors.hpp"

#include <bsp/base/encoding.hpp>
#include <bsp/base/identifier.hpp>
#include <bsp/base/instant.hpp>
#include <bsp/crypto/sha256.hpp>
#include <bsp/json/c14n.hpp>

#include <set>

using namespace bsp;
using namespace bsp::test;

BOOST_AUTO_TEST_SUITE(vectors)

BOOST_AUTO_TEST_CASE(json_texts) {
    for (json::value const& v : test::vectors("json")) {
        std::string input = text_or_nothing(v, "text");
        if (v.as_object().contains("base64")) {
            bytes const raw = from_base64(text(v, "base64")).value();
            input.assign(raw.begin(), raw.end());
        }
        auto const parsed = json::parse(input);
        check_outcome(v, outcome(parsed));
        if (!parsed) BOOST_TEST(outcome(parsed) == "malformed-body", label(v));
    }
}

BOOST_AUTO_TEST_CASE(canonical_bytes) {
    for (json::value const& v : test::vectors("c14n")) {
        auto const parsed = json::parse(text(v, "json"));
        BOOST_REQUIRE_MESSAGE(parsed || v.as_object().contains("refused"), label(v));
        auto const canonical = parsed ? json::canonicalize(*parsed) : result<std::string>{parsed.error()};
        if (v.as_object().contains("refused")) {
            BOOST_TEST(!canonical, label(v));
            // A number that not even a double can hold is refused earlier, as no I-JSON.
            if (parsed) BOOST_TEST(outcome(canonical) == text(v, "refused"), label(v));
        } else {
            BOOST_TEST(canonical.value() == text(v, "canonical"), label(v));
            BOOST_TEST(to_hex(sha256(canonical.value())) == text(v, "sha256"), label(v));
        }
    }
}

BOOST_AUTO_TEST_CASE(timestamps) {
    for (json::value const& v : test::vectors("timestamps")) {
        if (v.as_object().contains("order")) {
            auto const order = parse_timestamp(text(v, "a")).value() <=> parse_timestamp(text(v, "b")).value();
            BOOST_TEST(text(v, "order") == (order < 0 ? "before" : order > 0 ? "after" : "same"), label(v));
            continue;
        }
        auto const t = parse_timestamp(text(v, "text"));
        if (!v.at("ok").as_bool()) {
            BOOST_TEST(outcome(t) == "invalid-body", label(v));
            continue;
        }
        BOOST_REQUIRE_MESSAGE(t, label(v) << ": " << t.error().detail);
        BOOST_TEST(t->seconds == v.at("seconds").as_int64(), label(v));
        BOOST_TEST(t->nanoseconds == v.at("nanoseconds").as_int64(), label(v));
    }
}

BOOST_AUTO_TEST_CASE(identifiers) {
    for (json::value const& v : test::vectors("identifiers")) {
        std::string const kind = text(v, "kind");
        if (kind == "distinct") {
            std::set<std::string_view> seen;
            for (json::value const& id : v.at("texts").as_array()) {
                BOOST_TEST(is_identifier(json::view(id.as_string())), label(v));
                BOOST_TEST(seen.insert(json::view(id.as_string())).second, label(v));
            }
            continue;
        }
        std::string const id = text(v, "text");
        bool const accepted = kind == "id"                    ? is_identifier(id)
                              : kind == "user_id"             ? is_user_id(id)
                              : kind == "sbt_user_id"         ? is_user_id(id) && id != "anonymous"
                              : kind == "produced_backend_id" ? is_produced_backend_id(id)
                              : kind == "produced_peer_id"    ? is_produced_peer_id(id)
                              : kind == "backend"             ? agrees_with_type(id, text(v, "backend_type"))
                                                              : throw std::runtime_error{"unknown kind " + kind};
        check_outcome(v, accepted ? "ok" : "refused");
    }
}

BOOST_AUTO_TEST_SUITE_END()
