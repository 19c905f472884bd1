#include <bsp/privacy/transfer.hpp>

#include <boost/test/unit_test.hpp>

#include <string>

using namespace bsp;
using privacy::form;

namespace {

std::string message(json::object more) {
    json::object o{{"id", "555-123-4567"},  {"role", "user"}, {"content", "plain"}, {"timestamp", "2025-12-31T00:00:01Z"}, {"surface", "web"},
                   {"source_backend", "a@b.example"}, {"version", 4}};
    for (auto const& m : more) o[m.key()] = m.value();
    return json::canonicalize(o, {}).value();
}

json::object emitted(json::object more) { return json::parse(privacy::emitted_message(message(std::move(more)), form::redacted)).value().as_object(); }

merge::conversation_head head(json::object more) {
    json::object o{{"conversation_id", "a@b.example"}, {"version", 3}, {"last_modified", "2025-12-31T00:00:02Z"}, {"source_backend", "local"}, {"surfaces", json::array{}}, {"messages", json::array{}}};
    for (auto const& m : more) o[m.key()] = m.value();
    return wire::decode_conversation(json::fields{o}, instant{4'000'000'000, 0}).value().head;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(transfer)

BOOST_AUTO_TEST_CASE(what_has_nothing_personal_goes_out_octet_for_octet) {
    BOOST_TEST(privacy::emitted_message(message({}), form::redacted) == message({}));
    BOOST_TEST(privacy::emitted_message(message({{"content", "j@x.example"}}), form::original) == message({{"content", "j@x.example"}}));
}

BOOST_AUTO_TEST_CASE(strings_of_any_depth_are_redacted_and_nothing_else) {
    auto const out = emitted({{"content", "mail j@x.example"}, {"x", json::array{"555-123-4567", json::object{{"j@x.example", "123-45-6789"}}, 5551234567, nullptr, true}}});
    BOOST_TEST(out.at("content") == "mail [REDACTED_EMAIL]");
    BOOST_TEST(out.at("x") == (json::array{"[REDACTED_PHONE]", json::object{{"j@x.example", "[REDACTED_SSN]"}}, 5551234567, nullptr, true}));
    BOOST_TEST(out.at("id") == "555-123-4567");
    BOOST_TEST(out.at("source_backend") == "a@b.example");
    BOOST_TEST(out.at("version") == 4);
    BOOST_TEST(out.at("redacted") == true);
}

BOOST_AUTO_TEST_CASE(a_copy_that_has_grown_is_cut_at_a_character) {
    std::string content;
    while (content.size() + 10 < limits::content_bytes_max) content += "a@b.cc \u00e9";
    auto const out = emitted({{"content", content}});
    auto const cut = json::view(out.at("content").as_string());
    BOOST_TEST(cut.size() <= limits::content_bytes_max);
    BOOST_TEST(cut.size() > limits::content_bytes_max - 4);
    for (std::size_t at = 0; at < cut.size();) BOOST_REQUIRE(decode_utf8(cut, at).has_value());
}

BOOST_AUTO_TEST_CASE(a_conversation_keeps_its_names) {
    auto const out = privacy::emitted_scalars(head({{"title", "of j@x.example"}}), form::redacted);
    BOOST_TEST(out.at("title") == "of [REDACTED_EMAIL]");
    BOOST_TEST(out.at("conversation_id") == "a@b.example");
    BOOST_TEST(out.at("redacted") == true);
    BOOST_TEST(!privacy::emitted_scalars(head({{"title", "Trip"}}), form::redacted).contains("redacted"));
}

BOOST_AUTO_TEST_CASE(of_an_event_only_metadata_is_free_text) {
    std::string const event = R"({"event_id": "555-123-4567", "metadata": {"question": "is j@x.example there?", "n": 0.5}, "model": "j@x.example"})";
    auto const out = json::parse(privacy::emitted_event(event, form::redacted)).value();
    BOOST_TEST(out.at("metadata").at("question") == "is [REDACTED_EMAIL] there?");
    BOOST_TEST(out.at("event_id") == "555-123-4567");
    BOOST_TEST(out.at("model") == "j@x.example");
    BOOST_TEST(privacy::emitted_event(R"({"metadata": {}})", form::redacted) == R"({"metadata": {}})");
    BOOST_TEST(privacy::emitted_event("no JSON", form::redacted) == "no JSON");
}

BOOST_AUTO_TEST_CASE(a_redaction_of_what_is_held_is_known_again) {
    auto const held = head({{"title", "of j@x.example"}});
    auto const same = head({{"title", "of [REDACTED_EMAIL]"}, {"redacted", true}, {"version", 9}, {"last_modified", "2026-01-01T00:00:00Z"}});
    BOOST_TEST(privacy::is_redaction_of(same.scalars, held));
    for (auto const& other : {head({{"title", "of [REDACTED_EMAIL]"}, {"version", 9}}),                          // not marked
                              head({{"title", "Trip"}, {"redacted", true}, {"version", 9}}),                     // renamed
                              head({{"title", "of [REDACTED_EMAIL]"}, {"redacted", true}, {"deleted", true}, {"version", 9}})})
        BOOST_TEST(!privacy::is_redaction_of(other.scalars, held));
    BOOST_TEST(!privacy::is_redaction_of(same.scalars, same));
}

BOOST_AUTO_TEST_SUITE_END()
