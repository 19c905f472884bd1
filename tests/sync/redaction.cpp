#include "network.hpp"

#include <string>
#include <vector>

/// What a local backend gives to a hosted one, and the copy that comes back (chapter 17).

using namespace bsp;
using namespace bsp::test;

namespace {

struct lab {
    site a{"a", "local", 0}, b{"b", "local", 1}, hosted{"hosted", "hosted", 2};
    network net{1};
    std::vector<json::value> pushed;  ///< payloads that were transmitted
    bool is_full = false;             ///< hosted answers every push with 503

    lab() {
        net.now_it_is.delay_max = 1ms;
        for (auto* s : {&a, &b, &hosted}) net.add(*s);
        pair(a, hosted);
        net.script = [this](site&, http_request const& r) -> std::optional<http_response> {
            if (r.method != "POST") return std::nullopt;
            pushed.push_back(json::parse(r.body).value());
            if (is_full) return http_response{.status = 503, .headers = {}, .body = ""};
            return std::nullopt;
        };
        a.start();
        net.run_for(7s);
        pushed.clear();
    }

    void redact(site& s, bool on) {
        BOOST_REQUIRE(s.memory->write([&](store_writer& w) {
            privacy_settings settings;
            settings.redact_pii = on;
            return w.tenant(user).put_privacy(settings);
        }));
    }
    static std::string content(site& s, std::string const& conversation, std::string const& id) {
        auto const held = s.message(conversation, id);
        return held ? std::string{json::view(json::parse(held->body).value().at("content").as_string())} : "";
    }
    static std::string title(site& s, std::string const& conversation) {
        auto const held = s.memory->read([&](store_reader& r) { return r.tenant(user).head(conversation); }).value();
        return std::string{json::view(wire::emitted_scalars(held.value()).at("title").as_string())};
    }
    [[nodiscard]] int write(site& s, std::string const& conversation, std::string const& body) {
        return s.user_sends("POST", "/conversations/" + conversation + "/messages", net.now().wall, body).status;
    }
};

constexpr char const* titled = R"({"id": "m1", "role": "user", "surface": "web", "content": "mail j@x.example", "title": "of 555-123-4567"})";

}  // namespace

BOOST_AUTO_TEST_SUITE(redaction)

BOOST_AUTO_TEST_CASE(hosted_gets_a_copy_and_the_original_stays) {
    lab l;
    BOOST_REQUIRE(l.write(l.a, "c", titled) == 201);
    l.net.run_for(20s);  // pushed, and pulled back
    BOOST_TEST(lab::content(l.hosted, "c", "m1") == "mail [REDACTED_EMAIL]");
    BOOST_TEST(lab::title(l.hosted, "c") == "of [REDACTED_PHONE]");
    BOOST_TEST(l.hosted.message("c", "m1")->redacted);
    BOOST_TEST(l.hosted.message("c", "m1")->version == l.a.message("c", "m1")->version);
    BOOST_TEST(lab::content(l.a, "c", "m1") == "mail j@x.example");
    BOOST_TEST(lab::title(l.a, "c") == "of 555-123-4567");
    BOOST_TEST(l.pushed.size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_user_who_does_not_want_it_is_obeyed) {
    lab l;
    l.redact(l.a, false);
    BOOST_REQUIRE(l.write(l.a, "c", titled) == 201);
    l.net.run_for(7s);
    BOOST_TEST(lab::content(l.hosted, "c", "m1") == "mail j@x.example");
    BOOST_TEST(!l.hosted.message("c", "m1")->redacted);
}

BOOST_AUTO_TEST_CASE(a_title_survives_an_answer_from_the_other_side) {
    lab l;
    BOOST_REQUIRE(l.write(l.a, "c", titled) == 201);
    l.net.run_for(7s);
    BOOST_REQUIRE(l.hosted.write("c", "answer", "hi", l.net.now().wall) == 201);
    l.net.run_for(7s);
    BOOST_TEST(lab::content(l.a, "c", "answer") == "hi");
    BOOST_TEST(lab::title(l.a, "c") == "of 555-123-4567");
    BOOST_TEST(lab::content(l.a, "c", "m1") == "mail j@x.example");
    BOOST_REQUIRE(l.write(l.hosted, "c", R"({"id": "m3", "role": "user", "surface": "web", "content": "x", "title": "Trip"})") == 201);
    l.net.run_for(7s);
    BOOST_TEST(lab::title(l.a, "c") == "Trip");  // that was an edit
    BOOST_TEST(l.pushed.size() == 1u);           // and nothing of it went back
}

BOOST_AUTO_TEST_CASE(a_push_that_failed_is_made_anew_when_the_setting_has_changed) {
    lab l;
    l.redact(l.a, false);
    l.is_full = true;
    BOOST_REQUIRE(l.write(l.a, "c", titled) == 201);
    l.net.run_for(5s);
    BOOST_REQUIRE(!l.pushed.empty());
    auto const before = l.pushed.back().at("sync_id");
    l.redact(l.a, true);
    l.pushed.clear();
    l.is_full = false;
    l.net.run_for(70s);
    BOOST_REQUIRE(!l.pushed.empty());
    for (auto const& p : l.pushed) BOOST_TEST(json::serialize(p).find("j@x.example") == std::string::npos);
    BOOST_TEST((l.pushed.front().at("sync_id") != before));
    BOOST_TEST(lab::content(l.hosted, "c", "m1") == "mail [REDACTED_EMAIL]");
}

BOOST_AUTO_TEST_CASE(events_are_redacted_before_they_are_queued) {
    lab l;
    auto own = l.a.own();
    sync::outbox box{own, std::string{user}, "peer_hosted", "hosted"}, of_local{own, std::string{user}, "peer_local", "local"};
    std::string const event = R"({"event_id": "e1", "metadata": {"question": "is j@x.example there?"}})";
    BOOST_REQUIRE(box.add_event("e1", event, noon).has_value());
    BOOST_REQUIRE(of_local.add_event("e1", event, noon).has_value());
    BOOST_TEST(box.events(0, 10).value().at(0).body.find("j@x.example") == std::string::npos);
    BOOST_TEST(of_local.events(0, 10).value().at(0).body == event);
    l.redact(l.a, false);
    BOOST_REQUIRE(box.add_event("e2", event, noon).has_value());
    BOOST_TEST(box.events(0, 10).value().at(1).body == event);
}

BOOST_AUTO_TEST_SUITE_END()
