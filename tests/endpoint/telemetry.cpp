#include "world.hpp"

#include <bsp/endpoint/telemetry_intake.hpp>

#include <string>
#include <vector>

using namespace bsp;
using namespace bsp::test;

namespace {

using strings = std::vector<std::string>;

std::string event(std::string const& id, std::string const& extra = "", std::string const& source = "local") {
    return R"({"event_id": ")" + id + R"(", "event_type": "capture", "session_id": "s", "timestamp": "2025-12-31T00:00:00Z", "source_backend": ")" + source +
           R"(", "metadata": {"a": {"b": [1, 2.5]}})" + extra + "}";
}

struct telemetry_world : world {
    endpoint::telemetry_intake intake{store};
    std::string peer = pair();

    endpoint::stream_output send_events(strings messages, std::string const& from) {
        endpoint::stream_input const input{from, std::move(messages)};
        return intake.take(std::span{&input, 1}, clock.now()).front();
    }
    endpoint::stream_output send_events(strings messages) { return send_events(std::move(messages), peer); }

    /// "acked e1", "rejected null invalid-body"
    strings verdicts(strings messages) {
        strings all;
        for (auto const& text : send_events(std::move(messages)).messages) {
            auto const v = json::parse(text).value();
            std::string line{v.at("status").as_string()};
            line += ' ' + (v.at("event_id").is_null() ? "null" : std::string{v.at("event_id").as_string()});
            if (v.as_object().contains("error")) line += ' ' + std::string{v.at("error").at("code").as_string()};
            all.push_back(line);
        }
        return all;
    }
    answer list(std::string const& query = "", std::string const& user = "ada") { return user_sends("GET", "/telemetry/events" + query, user); }
    strings listed(std::string const& query = "", std::string const& user = "ada") {
        strings ids;
        auto const body = list(query, user).body();
        for (auto const& e : body.at("events").as_array()) ids.emplace_back(e.at("event_id").as_string());
        return ids;
    }
    endpoint::dispatcher::upgrade_answer open(std::string authorization, std::string const& target, http_headers more = {}) {
        http_request r{.method = "GET", .target = target, .headers = std::move(more), .body = {}, .remote = {}};
        r.headers.add("Host", "hosted.example");
        if (!authorization.empty()) r.headers.add("Authorization", std::move(authorization));
        return upgrade(env, r, clock.now());
    }
    std::string verdict_of_open(std::string authorization, std::string const& target, http_headers more = {}) { return answer{open(std::move(authorization), target, std::move(more)).response}.verdict(); }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(telemetry)

BOOST_AUTO_TEST_CASE(a_stream_belongs_to_the_peer_that_opened_it) {
    telemetry_world w;
    auto const target = "/telemetry/" + w.peer;
    auto const opened = w.open(w.as_peer("GET", target, w.peer), target);
    BOOST_TEST(opened.response.status == 101);
    BOOST_TEST(opened.owner.peer_id == w.peer);
}

// BSP-TEL-022 … BSP-TEL-034
BOOST_AUTO_TEST_CASE(connections_are_refused_as_requests_are) {
    telemetry_world w;
    auto const other = w.pair("bob", laptop, other_key());
    auto const target = "/telemetry/" + w.peer;
    BOOST_TEST(w.verdict_of_open("", target) == "401 credential-required");
    BOOST_TEST(w.verdict_of_open(w.as_peer("GET", target, other, other_key(), laptop), target) == "401 invalid-credential");
    BOOST_TEST(w.verdict_of_open(w.as_peer("POST", target, w.peer), target) == "401 invalid-credential");
    BOOST_TEST(w.verdict_of_open(w.as_peer("GET", "/telemetry/events", w.peer), target) == "401 invalid-credential");
    BOOST_TEST(w.verdict_of_open(w.as_user("GET", target, "ada"), target) == "401 credential-required");
    BOOST_TEST(w.verdict_of_open(w.as_admin(), target) == "401 credential-required");
    BOOST_TEST(w.verdict_of_open(w.as_peer("GET", "/telemetry/peer_x", "peer_x"), "/telemetry/peer_x") == "404 unknown-peer");
    BOOST_TEST(w.verdict_of_open(w.as_peer("GET", target, w.peer), target, {{"Origin", "https://evil.example"}}) == "403 forbidden");
    BOOST_TEST(w.verdict_of_open(w.as_peer("GET", target, w.peer), target, {{"Origin", "https://ui.example"}}) == "101");

    auto const once = w.as_peer("GET", target, w.peer);
    BOOST_TEST(w.verdict_of_open(once, target) == "101");
    BOOST_TEST(w.verdict_of_open(once, target) == "401 stale-request");
    memory_replay_guard forgetful;  // a restart forgets what is volatile; this was not
    environment restarted{w.self, server_key(), w.config, w.store, w.entropy, w.secrets, forgetful};
    http_request const repeated{.method = "GET", .target = target, .headers = {{"Host", "hosted.example"}, {"Authorization", once}}, .body = {}, .remote = {}};
    BOOST_TEST(answer{upgrade(restarted, repeated, w.clock.now()).response}.verdict() == "401 stale-request");

    auto const plain = w.peer_sends("GET", target, w.peer);
    BOOST_TEST(plain.verdict() == "426 upgrade-required");
    BOOST_TEST(plain.header("Upgrade") == "websocket");
    BOOST_TEST(w.send("POST", target).header("Allow") == "GET, HEAD, OPTIONS");
    BOOST_TEST(w.send("POST", "/telemetry/events").header("Allow") == "GET, HEAD, OPTIONS");

    w.clock.advance(9h);
    BOOST_TEST(w.verdict_of_open(w.as_peer("GET", target, w.peer), target) == "401 sbt-expired");
    BOOST_TEST(w.send("DELETE", "/peers/" + w.peer, w.as_admin()).raw.status == 200);
    BOOST_TEST(w.verdict_of_open(w.as_peer("GET", target, w.peer), target) == "403 peer-revoked");
    // Elsewhere an upgrade is not heard of.
    BOOST_TEST(w.verdict_of_open("", "/identity") == "200");
}

// BSP-TEL-001 … BSP-TEL-012, BSP-TEL-043, BSP-TEL-045
BOOST_AUTO_TEST_CASE(events_are_judged_one_by_one) {
    telemetry_world w;
    auto const without = [](std::string const& name) {
        auto o = json::parse(event("x")).value().as_object();
        o.erase(name);
        return json::serialize(o);
    };
    strings const sent{event("ok"), event("metrics", R"(, "latency_ms": 0, "tokens_used": 9007199254740991, "cost_usd": 0.0045, "model": "m")"),
                       event("nulls", R"(, "latency_ms": null, "tokens_used": null, "cost_usd": null, "model": null)"), event("cost", R"(, "cost_usd": 1e6, "more": [true])"),
                       event("a", R"(, "latency_ms": -1)"), event("b", R"(, "latency_ms": 1.0)"), event("c", R"(, "tokens_used": 9007199254740992)"), event("d", R"(, "cost_usd": -0.01)"),
                       event("e", R"(, "cost_usd": 1000000.1)"), event("f", R"(, "cost_usd": "1")"), event("g", R"(, "model": 1)"), event("h", R"(, "cost_usd": NaN)"),
                       event("i", R"(, "cost_usd": 1e999)"), event("j", R"(, "model": "a", "model": "b")"), event(""), "[]", "null", "{", "", without("event_id"), without("event_type"), without("session_id"),
                       without("timestamp"), without("source_backend"), without("metadata")};
    strings const expected{"acked ok", "acked metrics", "acked nulls", "acked cost", "rejected a invalid-body", "rejected b invalid-body", "rejected c invalid-body", "rejected d invalid-body",
                           "rejected e invalid-body", "rejected f invalid-body", "rejected g invalid-body", "rejected null malformed-body", "rejected null malformed-body", "rejected null malformed-body",
                           "rejected null invalid-body", "rejected null invalid-body", "rejected null invalid-body", "rejected null malformed-body", "rejected null malformed-body", "rejected null invalid-body",
                           "rejected x invalid-body", "rejected x invalid-body", "rejected x invalid-body", "rejected x invalid-body", "rejected x invalid-body"};
    BOOST_TEST(w.verdicts(sent) == expected, boost::test_tools::per_element());
    BOOST_TEST(w.listed() == (strings{"ok", "metrics", "nulls", "cost"}), boost::test_tools::per_element());

    auto const nested = [](std::size_t n) { return event("deep" + std::to_string(n), ", \"x\": " + std::string(n - 1, '[') + std::string(n - 1, ']')); };
    BOOST_TEST(w.verdicts({nested(30), nested(31)}) == (strings{"acked deep30", "rejected deep31 invalid-body"}), boost::test_tools::per_element());
}

// BSP-TEL-101 … BSP-TEL-105
BOOST_AUTO_TEST_CASE(events_come_back_as_they_were) {
    telemetry_world w;
    w.send_events({"  " + event("e1", R"(, "cost_usd": 0.1, "latency_ms": 9007199254740991, "model": "\u00e9\/", "extra": {"k": 1.5e-7}, "received_at": "never")") + "\n"});
    auto const body = w.list().body();
    auto const& e = body.at("events").as_array().at(0).as_object();
    BOOST_TEST(e.at("cost_usd").as_double() == 0.1);
    BOOST_TEST(e.at("latency_ms").as_int64() == 9007199254740991);
    BOOST_TEST(json::view(e.at("model").as_string()) == "\xC3\xA9/");
    BOOST_TEST(e.at("extra").at("k").as_double() == 1.5e-7);
    BOOST_TEST(json::serialize(e.at("metadata")) == R"({"a":{"b":[1,2.5E0]}})");
    BOOST_TEST(json::view(e.at("timestamp").as_string()) == "2025-12-31T00:00:00Z");
    BOOST_TEST(json::view(e.at("received_at").as_string()) == format_timestamp(w.clock.now()));
}

// BSP-TEL-053 … BSP-TEL-055, BSP-TEL-092
BOOST_AUTO_TEST_CASE(an_event_is_stored_once_for_each_user) {
    telemetry_world w;
    auto const second = w.pair("ada", laptop, other_key());
    auto const stranger = w.pair("bob", phone, other_key());
    w.send_events({event("e", R"(, "model": "first")"), event("e", R"(, "model": "second")")});
    BOOST_TEST(w.send_events({event("e", R"(, "model": "third")")}, second).messages == strings{R"({"status": "acked", "event_id": "e"})"}, boost::test_tools::per_element());
    BOOST_TEST(w.send_events({event("e", R"(, "model": "other")")}, stranger).messages.size() == 1u);
    auto const mine = w.list().body(), theirs = w.list("", "bob").body();
    BOOST_REQUIRE(mine.at("events").as_array().size() == 1u);
    BOOST_TEST(json::view(mine.at("events").as_array()[0].at("model").as_string()) == "first");
    BOOST_TEST(json::view(theirs.at("events").as_array()[0].at("model").as_string()) == "other");
}

// BSP-TEL-060 … BSP-TEL-067
BOOST_AUTO_TEST_CASE(every_event_is_judged_as_if_the_stream_were_opened_with_it) {
    telemetry_world w;
    std::vector<endpoint::stream_owner> const peers{{w.peer}};
    BOOST_TEST(w.send_events({event("e1")}).messages.size() == 1u);
    BOOST_TEST(!w.intake.judge(peers, w.clock.now()).front().has_value());

    w.clock.advance(7h);
    w.pair();  // a newer token, before the older one ends
    w.clock.advance(2h);
    BOOST_TEST(w.send_events({event("e2")}).messages.size() == 1u);

    w.clock.advance(7h);
    endpoint::stream_close const expired{endpoint::close_code::policy, "Session binding token expired"};
    auto const late = w.send_events({event("e3")});
    BOOST_TEST(late.messages.empty());
    BOOST_TEST((late.close == expired));
    BOOST_TEST((w.intake.judge(peers, w.clock.now()).front() == expired));
    BOOST_TEST((w.send_events({"not an event"}).close == expired));

    w.pair();
    BOOST_TEST(w.send("DELETE", "/peers/" + w.peer, w.as_peer("DELETE", "/peers/" + w.peer, w.peer)).raw.status == 200);
    BOOST_TEST((w.send_events({event("e4")}).close == endpoint::stream_close{endpoint::close_code::policy, "Peer not found"}));
    BOOST_TEST(w.listed() == (strings{"e1", "e2"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(one_streams_fate_is_not_anothers) {
    telemetry_world w;
    auto const second = w.pair("ada", laptop, other_key());
    std::vector<endpoint::stream_input> const inputs{{"peer_gone", {event("e1")}}, {second, {"[]", event("e2")}}, {w.peer, {event("e3")}}};
    auto const outputs = w.intake.take(inputs, w.clock.now());
    BOOST_TEST(outputs[0].close.has_value());
    BOOST_TEST(outputs[1].messages.size() == 2u);
    BOOST_TEST(outputs[2].messages.size() == 1u);
    BOOST_TEST(w.listed() == (strings{"e2", "e3"}), boost::test_tools::per_element());
}

// BSP-TEL-075
BOOST_AUTO_TEST_CASE(nothing_is_acknowledged_that_is_not_stored) {
    telemetry_world w;
    for (std::size_t step = 0;; ++step) {
        w.store.fail_at(step);
        auto const out = w.send_events({event("e")});
        bool const failed = w.store.has_failed();
        w.store.never_fail();
        if (!failed) break;
        BOOST_TEST(out.messages.empty());
        BOOST_TEST((out.close->code == endpoint::close_code::fault));
        BOOST_TEST(w.listed().empty());
    }
    BOOST_TEST(w.listed() == strings{"e"}, boost::test_tools::per_element());
}

// BSP-TEL-120 … BSP-TEL-126
BOOST_AUTO_TEST_CASE(the_budget_belongs_to_the_peer) {
    telemetry_world w;
    auto const second = w.pair("ada", laptop, other_key());
    strings thousand;
    for (int i = 0; i < 1'000; ++i) thousand.push_back(event("e" + std::to_string(i)));
    w.send_events(thousand);
    BOOST_TEST(w.listed("?limit=500").size() == 500u);
    BOOST_TEST(w.verdicts({event("more"), "["}) == (strings{"rate_limited more", "rate_limited null"}), boost::test_tools::per_element());
    BOOST_TEST(w.send_events({event("other")}, second).messages == strings{R"({"status": "acked", "event_id": "other"})"}, boost::test_tools::per_element());
    w.clock.advance(20s);
    BOOST_TEST(w.send_events({event("more")}).messages == strings{R"({"status": "rate_limited", "event_id": "more", "retry_after_ms": 40000})"}, boost::test_tools::per_element());
    w.clock.advance(40s);
    BOOST_TEST(w.verdicts({event("more")}) == strings{"acked more"}, boost::test_tools::per_element());
    for (int i = 0; i < 2; ++i) w.send_events(thousand);
    auto const out = w.send_events({event("x")});
    BOOST_TEST(out.messages.empty());
    BOOST_TEST((out.close->code == endpoint::close_code::overload));
}

// BSP-TEL-095 … BSP-TEL-112
BOOST_AUTO_TEST_CASE(lists_are_filtered_and_paged) {
    telemetry_world w;
    auto const begun = w.clock.now();
    for (int i = 0; i < 5; ++i) {
        w.send_events({event("a" + std::to_string(i), "", "local"), event("b" + std::to_string(i), "", "android_local")});
        w.clock.advance(1s);
    }
    BOOST_TEST(w.listed("?source_backend=android_local") == (strings{"b0", "b1", "b2", "b3", "b4"}), boost::test_tools::per_element());
    BOOST_TEST(w.listed("?source_backend=android").empty());
    BOOST_TEST(w.listed("?since=" + format_timestamp(begun + 3s)) == (strings{"a3", "b3", "a4", "b4"}), boost::test_tools::per_element());
    BOOST_TEST(w.listed("?since=2999-01-01T00:00:00Z").empty());

    for (std::string const filter : {"", "&source_backend=local", "&since=2000-01-01T00:00:00Z"}) {
        strings whole = w.listed("?limit=500" + filter), paged;
        std::string cursor;
        for (bool more = true; more;) {
            auto const page = w.list("?limit=3" + filter + cursor).body();
            BOOST_TEST(page.at("events").as_array().size() <= 3u);
            for (auto const& e : page.at("events").as_array()) paged.emplace_back(e.at("event_id").as_string());
            more = page.at("has_more").as_bool();
            BOOST_TEST(page.as_object().contains("cursor") == more);
            if (more) cursor = "&cursor=" + std::string{page.at("cursor").as_string()};
        }
        BOOST_TEST(paged == whole, boost::test_tools::per_element());
    }
    for (char const* query : {"?limit=0", "?limit=501", "?limit=x", "?since=yesterday", "?since=2025-12-31", "?cursor=xyz", "?source_backend="})
        BOOST_TEST(w.list(query).verdict() == "400 invalid-query", query);
    BOOST_TEST(w.send("GET", "/telemetry/events").verdict() == "401 credential-required");
    BOOST_TEST(w.peer_sends("GET", "/telemetry/events", w.peer).verdict() == "200");
}

BOOST_AUTO_TEST_SUITE_END()
