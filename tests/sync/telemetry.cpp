#include "site.hpp"

#include <bsp/endpoint/telemetry_intake.hpp>
#include <bsp/sync/telemetry_sender.hpp>

#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

using namespace bsp;
using namespace bsp::test;

namespace {

/// A local backend that streams to a hosted one, over a link that a test can cut.
struct link_of_events {
    site a{"a", "local", 0};
    site b{"b", "hosted", 1};
    sync::own_backend own = a.own();
    sync::outbox outbox{own, std::string{user}, "peer_hosted", "hosted"};
    endpoint::telemetry_intake intake{*b.memory};
    std::chrono::nanoseconds passed{};

    link_of_events() {
        pair(a, b);
        a.config.allowed_peers = {"https://hosted.example"};
    }
    sync::telemetry_sender sender{own, outbox, hosted_as_seen_by(a, b)};

    [[nodiscard]] sync::moment now() const { return {noon + passed, passed}; }

    void queue(std::string const& id, std::string extra = "") {
        std::string const body = R"({"event_id": ")" + id + R"(", "event_type": "capture", "session_id": "s", "timestamp": "2025-12-31T00:00:00Z", "source_backend": "local", "metadata": {})" + extra + "}";
        BOOST_REQUIRE(outbox.add_event(id, body, now().wall));
    }
    bool connect() {
        auto const out = sender.poll_connect(now());
        if (!out) return false;
        BOOST_TEST(out->origin == "https://hosted.example");
        BOOST_TEST(out->request.target == "/telemetry/peer_a");
        sender.handle_open(out->id, now());
        return true;
    }
    void refuse(int status) {
        auto const out = sender.poll_connect(now());
        BOOST_REQUIRE(out.has_value());
        sender.handle_refusal(out->id, {.status = status, .headers = {}, .body = {}}, now());
    }
    void allow(privacy_settings const& settings) {
        BOOST_REQUIRE(a.memory->write([&](store_writer& w) { return w.tenant(user).put_privacy(settings); }));
    }
    std::vector<std::string> deliver(std::vector<std::string> const& messages) {
        endpoint::stream_input const input{"peer_a", messages};
        return intake.take(std::span{&input, 1}, now().wall).front().messages;
    }
    void hear(std::vector<std::string> const& answers) {
        for (auto const& text : answers) sender.handle_message(text, now());
    }
    /// One round trip; how many messages went.
    std::size_t exchange() {
        auto const messages = sender.poll_messages(now());
        hear(deliver(messages));
        return messages.size();
    }
    [[nodiscard]] std::vector<std::string> stored() {
        std::vector<std::string> ids;
        auto const all = b.memory->read([&](store_reader& r) { return r.tenant(user).events({}, {}, {}, 5'000); }).value();
        for (auto const& e : all) ids.push_back(e.event_id);
        return ids;
    }
    [[nodiscard]] std::size_t waiting() { return outbox.events(0, 5'000).value().size(); }
};

std::vector<std::string> ids_of(std::vector<std::string> const& messages) {
    std::vector<std::string> ids;
    for (auto const& m : messages) ids.push_back(*wire::event_id_of(json::parse(m).value()));
    return ids;
}

using strings = std::vector<std::string>;

}  // namespace

BOOST_AUTO_TEST_SUITE(telemetry_sending)

// BSP-OFF-062, BSP-TEL-059: many at a time, in the order of the queue.
BOOST_AUTO_TEST_CASE(events_go_in_order_and_leave_the_queue_when_acknowledged) {
    link_of_events l;
    BOOST_TEST(!l.connect());  // nothing to send
    strings expected;
    for (int i = 0; i < 150; ++i) l.queue(expected.emplace_back("e" + std::to_string(1'000 + i)));
    BOOST_REQUIRE(l.connect());
    BOOST_TEST(l.exchange() == sync::telemetry_sender::under_way_max);
    BOOST_TEST(l.waiting() == 150 - sync::telemetry_sender::under_way_max);
    while (l.exchange() > 0) {}
    BOOST_TEST(l.waiting() == 0u);
    BOOST_TEST(l.stored() == expected, boost::test_tools::per_element());
}

// BSP-TEL-130, BSP-TEL-053: what was not answered goes again, the same, first; the receiver has it once.
BOOST_AUTO_TEST_CASE(what_was_not_answered_is_sent_again_in_its_place) {
    link_of_events l;
    for (char const* id : {"e1", "e2", "e3"}) l.queue(id);
    BOOST_REQUIRE(l.connect());
    auto const first = l.sender.poll_messages(l.now());
    auto const answers = l.deliver(first);
    l.hear({answers[1]});  // the others are lost with the connection
    l.sender.handle_close(1006, l.now());
    l.queue("e4");
    BOOST_TEST(!l.connect());  // not at once
    l.passed += 1s;
    BOOST_REQUIRE(l.connect());
    auto const second = l.sender.poll_messages(l.now());
    BOOST_TEST(ids_of(second) == (strings{"e1", "e3", "e4"}), boost::test_tools::per_element());
    BOOST_TEST(second.front() == first.front());
    l.hear(l.deliver(second));
    BOOST_TEST(l.waiting() == 0u);
    BOOST_TEST(l.stored() == (strings{"e1", "e2", "e3", "e4"}), boost::test_tools::per_element());
}

// BSP-TEL-057, BSP-TEL-058.
BOOST_AUTO_TEST_CASE(answers_are_matched_by_event_id_and_strange_ones_ignored) {
    link_of_events l;
    for (char const* id : {"e1", "e2"}) l.queue(id);
    BOOST_REQUIRE(l.connect());
    BOOST_TEST(l.sender.poll_messages(l.now()).size() == 2u);
    l.hear({"", "[]", "not JSON", R"({"status": "welcome"})", R"({"status": "acked"})", R"({"status": "acked", "event_id": "e9"})", R"({"status": "acked", "event_id": 1})"});
    BOOST_TEST(l.waiting() == 2u);
    l.hear({R"({"event_id": "e2", "status": "acked", "more": 1})"});
    BOOST_TEST(l.outbox.events(0, 9).value().front().event_id == "e1");
    BOOST_TEST(l.waiting() == 1u);
}

// BSP-TEL-131: it would never be accepted.
BOOST_AUTO_TEST_CASE(a_rejected_event_is_counted_and_not_sent_again) {
    link_of_events l;
    l.queue("bad", R"(, "cost_usd": -1)");
    l.queue("good");
    BOOST_REQUIRE(l.connect());
    BOOST_TEST(l.exchange() == 2u);
    BOOST_TEST(l.waiting() == 0u);
    BOOST_TEST(l.sender.rejected() == 1u);
    BOOST_TEST(l.stored() == strings{"good"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(an_event_that_nobody_takes_does_not_block_the_others) {
    link_of_events l;
    l.queue("long", R"(, "note": ")" + std::string(70'000, 'x') + '"');
    l.queue("good");
    BOOST_REQUIRE(l.connect());
    BOOST_TEST(l.exchange() == 1u);
    BOOST_TEST(l.waiting() == 0u);
    BOOST_TEST(l.sender.rejected() == 1u);
}

// BSP-TEL-132.
BOOST_AUTO_TEST_CASE(a_rate_limit_is_waited_out_and_the_event_keeps_its_place) {
    link_of_events l;
    for (char const* id : {"e1", "e2"}) l.queue(id);
    BOOST_REQUIRE(l.connect());
    BOOST_TEST(l.sender.poll_messages(l.now()).size() == 2u);
    l.hear({R"({"status": "rate_limited", "event_id": "e1", "retry_after_ms": 12000})"});
    l.queue("e3");
    l.passed += 11s;
    BOOST_TEST(l.sender.poll_messages(l.now()).empty());
    l.passed += 1s;
    BOOST_TEST(ids_of(l.sender.poll_messages(l.now())) == (strings{"e1", "e3"}), boost::test_tools::per_element());
}

// BSP-TEL-133, BSP-TEL-134.
BOOST_AUTO_TEST_CASE(a_refused_sender_waits_for_another_registration) {
    link_of_events l;
    l.queue("e1");
    BOOST_REQUIRE(l.connect());
    l.sender.handle_close(1008, l.now());
    l.passed += 299s;
    BOOST_TEST(!l.connect());
    auto renewed = hosted_as_seen_by(l.a, l.b);
    renewed.sbt_created_at = noon + 1h;
    l.sender.handle_peer(renewed);
    BOOST_REQUIRE(l.connect());
    renewed.sbt_expires_at = l.now().wall;
    l.sender.handle_peer(renewed);
    BOOST_TEST(l.sender.poll_messages(l.now()).empty());
    BOOST_TEST(l.sender.poll_close(l.now()));
}

// BSP-OFF-035
BOOST_AUTO_TEST_CASE(a_refusal_of_before_a_registration_is_none_of_the_next) {
    link_of_events l;
    l.queue("e1");
    auto const out = l.sender.poll_connect(l.now());
    BOOST_REQUIRE(out.has_value());
    auto renewed = hosted_as_seen_by(l.a, l.b);
    renewed.sbt_created_at = noon + 1h;
    l.sender.handle_peer(renewed);
    l.sender.handle_refusal(out->id, {.status = 401, .headers = {}, .body = {}}, l.now());
    BOOST_TEST(!l.connect());
    l.passed += 1s;
    BOOST_TEST(l.connect());
}

BOOST_AUTO_TEST_CASE(a_peer_that_stays_silent_is_given_up) {
    link_of_events l;
    l.queue("e1");
    BOOST_REQUIRE(l.connect());
    BOOST_TEST(l.sender.poll_messages(l.now()).size() == 1u);
    l.passed += 29s;
    BOOST_TEST(!l.sender.poll_close(l.now()));
    l.passed += 1s;
    BOOST_TEST(l.sender.poll_close(l.now()));
    auto const out = l.sender.poll_connect(l.now());
    BOOST_TEST(!out.has_value());  // it is open until it is said to be closed
}

BOOST_AUTO_TEST_CASE(refusals_of_the_upgrade_wait_as_their_status_says) {
    link_of_events l;
    l.queue("e1");
    l.refuse(503);
    l.passed += 1s;
    l.refuse(404);
    l.passed += 299s;
    BOOST_TEST(!l.sender.poll_connect(l.now()).has_value());
    l.passed += 1s;
    BOOST_TEST(l.sender.poll_connect(l.now()).has_value());
}

BOOST_AUTO_TEST_CASE(a_peer_without_telemetry_is_known_until_it_has_some) {
    link_of_events l;
    l.queue("e1");
    auto const refused = [&](int status) {
        l.refuse(status);
        l.passed += 300s;
        return !l.sender.is_offered();
    };
    BOOST_TEST(l.sender.is_offered());
    for (int const status : {401, 403, 429, 503}) BOOST_TEST(!refused(status), status << " says nothing about what is offered");
    for (int const status : {404, 405, 501}) BOOST_TEST(refused(status), status << " says that there is no such thing");
    auto const out = l.sender.poll_connect(l.now());
    BOOST_REQUIRE(out.has_value());
    l.sender.handle_open(out->id, l.now());
    BOOST_TEST(l.sender.is_offered());
}

// BSP-PRV-045: the user's word holds for what was queued before, and on a connection that is open.
BOOST_AUTO_TEST_CASE(nothing_is_told_that_the_user_does_not_let_go) {
    for (auto const forbid : {&privacy_settings::sync_enabled, &privacy_settings::sync_telemetry}) {
        link_of_events l;
        privacy_settings said;
        said.*forbid = false;
        l.queue("e1");
        l.allow(said);
        BOOST_TEST(!l.connect());
        l.allow({});
        BOOST_TEST(l.connect());
        BOOST_TEST(!l.sender.poll_close(l.now()));
        l.allow(said);
        BOOST_TEST(l.sender.poll_messages(l.now()).empty());
        BOOST_TEST(l.sender.poll_close(l.now()));
        l.sender.handle_close(1006, l.now());
        l.queue("e2");
        l.passed += 1h;
        BOOST_TEST(!l.connect());
        BOOST_TEST(l.waiting() == 2u);
        privacy_settings telemetry_only;
        telemetry_only.sync_conversations = false;
        l.allow(telemetry_only);
        BOOST_TEST(l.connect());
        BOOST_TEST(l.exchange() == 2u);
        BOOST_TEST(l.stored() == (std::vector<std::string>{"e1", "e2"}), boost::test_tools::per_element());
    }
}

// BSP-REG-060: an origin that nobody listed.
BOOST_AUTO_TEST_CASE(nobody_is_dialled_who_is_not_listed) {
    link_of_events l;
    l.a.config.allowed_peers = {"https://other.example"};
    l.queue("e1");
    BOOST_TEST(!l.connect());
}

BOOST_AUTO_TEST_SUITE_END()
