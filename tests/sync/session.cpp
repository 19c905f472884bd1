#include "session_lab.hpp"

#include <bsp/crypto/signed_object.hpp>
#include <bsp/sync/client_view.hpp>

/// How a session pushes: each rule of chapter 10 by itself.

using namespace bsp;
using namespace bsp::test;

BOOST_AUTO_TEST_SUITE(session)

// BSP-SYN-031 … BSP-SYN-033, BSP-AUT-007, BSP-OFF-030: the same push, stamped and signed anew each time.
BOOST_AUTO_TEST_CASE(a_push_is_repeated_under_its_name) {
    lab l;
    l.settle();
    int failures = 8;
    l.on_push = [&](json::object const&) { return failures-- > 0 ? std::optional{answered(503)} : std::nullopt; };
    l.write("main", "m1");
    l.net.run_for(100ms);
    l.write("main", "m2");  // not part of what is under way
    l.net.run_for(400s);

    BOOST_TEST(first(l.gaps(l.push_times), 8) == (std::vector<int>{1, 2, 4, 8, 16, 32, 64, 64}), boost::test_tools::per_element());
    BOOST_REQUIRE(l.pushes.size() == 10u);
    for (std::size_t i = 0; i < 9; ++i) {
        BOOST_TEST(lab::text(l.pushes[i], "sync_id") == lab::text(l.pushes[0], "sync_id"));
        BOOST_TEST((l.pushes[i].at("conversations") == l.pushes[0].at("conversations")));
        BOOST_TEST(verify_object(l.pushes[i], "signature", l.a.key.public_key()).has_value());
        auto const stamp = parse_timestamp(lab::text(l.pushes[i], "timestamp")).value();
        BOOST_TEST((stamp <= noon + l.push_times[i] && stamp >= noon + (l.push_times[i] - 10ms)));
        BOOST_TEST(lab::text(l.pushes[i], "peer_id") == "peer_a");
        BOOST_TEST(lab::text(l.pushes[i], "source_backend_id") == l.a.self.backend_id);
        BOOST_TEST(lab::text(l.pushes[i], "target_backend_id") == l.hosted.self.backend_id);
    }
    BOOST_TEST(lab::text(l.pushes[9], "sync_id") != lab::text(l.pushes[0], "sync_id"));
    BOOST_TEST(l.has("main", "m2"));
    BOOST_TEST(l.a.progress().counters.pushes_failed == 8);
    BOOST_TEST(l.a.progress().counters.last_error() == "");
}

// BSP-OFF-003: what is written while a push is on its way is not taken for delivered with it.
BOOST_AUTO_TEST_CASE(the_position_is_that_of_the_snapshot) {
    lab l;
    l.settle();
    bool written = false;
    l.on_push = [&](json::object const&) -> std::optional<http_response> {
        if (!std::exchange(written, true)) l.write("main", "in-flight");
        return std::nullopt;
    };
    l.write("main", "m1");
    l.net.run_for(100ms);
    BOOST_TEST(l.has("main", "in-flight"));
    BOOST_TEST(l.pushes.size() == 2u);
}

// BSP-SYN-066, T-48
BOOST_AUTO_TEST_CASE(only_an_acknowledgement_of_this_push_counts) {
    for (char const* body : {"", "OK", "[]", "{}", R"({"acked_sync_id": null})", R"({"status": "synced", "acked_sync_id": "sync_other", "conflicts": [], "next_sync_in_ms": 5000})", "<html>Log in</html>"}) {
        lab l;
        l.settle();
        bool lie = true;
        l.on_push = [&](json::object const&) { return lie ? std::optional<http_response>{http_response{.status = 200, .headers = {}, .body = body}} : std::nullopt; };
        l.write("main", "m1");
        l.net.run_for(2s);
        BOOST_TEST(!l.a.progress().counters.last_error().empty(), body);
        lie = false;
        l.net.run_for(10s);
        BOOST_TEST(l.has("main", "m1"), body);
        BOOST_TEST(lab::text(l.pushes.back(), "sync_id") == lab::text(l.pushes.front(), "sync_id"), body);
    }
}

// BSP-OFF-017, and BSP-OFF-010 all the same
BOOST_AUTO_TEST_CASE(a_stream_of_changes_stays_in_the_budget) {
    lab l;
    l.settle();
    for (int i = 0; i < 1'500; ++i) {
        l.write("main", "m" + std::to_string(i));
        l.net.run_for(100ms);
    }
    l.net.run_for(1s);
    BOOST_TEST(l.has("main", "m1499"));
    for (std::size_t i = 0; i < l.push_times.size(); ++i) {
        auto const minute = std::ranges::count_if(l.push_times, [&](auto t) { return t >= l.push_times[i] && t < l.push_times[i] + 60s; });
        BOOST_TEST(minute <= 100);
        if (i > 0) BOOST_TEST((l.push_times[i] - l.push_times[i - 1] < 1s));  // BSP-OFF-010
    }
    BOOST_TEST((l.push_times.at(5) - l.push_times.at(0) < 1s));  // a few changes need not wait
}

// BSP-OFF-032: neither push nor pull before its time, even when somebody is impatient or the network came back.
BOOST_AUTO_TEST_CASE(retry_after_is_honoured) {
    lab l;
    l.settle();
    bool limited = true;
    l.on_push = [&](json::object const&) { return std::exchange(limited, false) ? std::optional{answered(429, "rate-limited", {{"Retry-After", "90"}})} : std::nullopt; };
    l.write("main", "m1");
    l.net.run_for(1s);
    l.pulls.clear();
    l.net.down = {"hosted"};
    l.net.run_for(20s);
    l.net.down.clear();
    l.a.client->handle_impatience();
    l.net.run_for(65s);
    BOOST_TEST(l.pushes.size() == 1u);
    BOOST_TEST(l.pulls.empty());
    l.net.run_for(10s);
    BOOST_TEST(l.pushes.size() == 2u);
    BOOST_TEST(l.has("main", "m1"));
}

// BSP-OFF-013, T-19: neither a spin nor a sleep of years.
BOOST_AUTO_TEST_CASE(the_interval_is_clamped) {
    auto const pulls_in = [](std::string next, std::chrono::seconds time) {
        lab l;
        l.settle();
        l.on_push = [&](json::object const& p) { return http_response{.status = 200, .headers = {}, .body = R"({"status": "synced", "acked_sync_id": ")" + lab::text(p, "sync_id") + R"(", "conflicts": [], "next_sync_in_ms": )" + next + "}"}; };
        l.write("main", "m1");
        l.net.run_for(10s);
        l.pulls.clear();
        l.net.run_for(time);
        return static_cast<int>(l.pulls.size());
    };
    for (char const* tiny : {"0", "-5", "1"}) BOOST_TEST(std::abs(pulls_in(tiny, 60s) - 60) <= 1, tiny);
    for (char const* plain : {"5000", "\"soon\"", "null", "0.5", "true"}) BOOST_TEST(std::abs(pulls_in(plain, 60s) - 12) <= 1, plain);
    BOOST_TEST(std::abs(pulls_in("9007199254740991", 3'000s) - 10) <= 1);
    BOOST_TEST(std::abs(pulls_in("20000", 200s) - 10) <= 1);
}

// BSP-OFF-031: one conversation that the peer does not take holds up no other, and is never given up.
BOOST_AUTO_TEST_CASE(a_refused_conversation_is_put_aside) {
    lab l;
    l.settle();
    bool picky = true;
    l.on_push = [&](json::object const& p) -> std::optional<http_response> {
        if (picky && std::ranges::count(lab::conversations(p), "bad") > 0) return answered(422, "invalid-body");
        return std::nullopt;
    };
    l.net.down = {"hosted"};
    l.net.run_for(20s);
    for (char const* id : {"c1", "c2", "bad", "c3", "c4", "c5"}) l.write(id, "m1");
    l.net.down.clear();
    l.net.run_for(60s);
    for (char const* id : {"c1", "c2", "c3", "c4", "c5"}) BOOST_TEST(l.has(id, "m1"), id);
    BOOST_TEST(!l.has("bad", "m1"));
    BOOST_REQUIRE(l.a.progress().refused.size() == 1u);
    BOOST_TEST(l.a.progress().refused[0].error == "422 invalid-body");

    l.pushes.clear();
    l.write("bad", "m2");               // which waits with the rest of it
    l.net.run_for(220s);
    BOOST_TEST(l.pushes.empty());
    l.net.run_for(30s);
    BOOST_TEST(l.pushes.size() <= 1u);  // no hot loop (BSP-OFF-034)
    l.write("c1", "m2");
    l.net.run_for(3s);
    BOOST_TEST(l.has("c1", "m2"));

    l.net.restart(l.a);                 // and it is remembered
    picky = false;
    l.net.run_for(310s);
    BOOST_TEST(l.has("bad", "m1"));
    BOOST_TEST(l.has("bad", "m2"));
    BOOST_TEST(l.a.progress().refused.empty());
}

BOOST_AUTO_TEST_CASE(a_peer_that_refuses_all_is_not_hammered) {
    lab l;
    l.settle();
    l.on_push = [](json::object const&) { return answered(422, "invalid-body"); };
    for (int i = 0; i < 30; ++i) l.write("c" + std::to_string(i), "m1");
    l.net.run_for(600s);
    for (std::size_t i = 1; i < l.push_times.size(); ++i) BOOST_TEST((l.push_times[i] - l.push_times[i - 1] >= 990ms));
    l.on_push = nullptr;
    l.net.run_for(1'500s);
    for (int i = 0; i < 30; ++i) BOOST_TEST(l.has("c" + std::to_string(i), "m1"), i);
}

// The last row of the table of section 10.4.
BOOST_AUTO_TEST_CASE(a_peer_that_does_not_know_us_is_left_alone) {
    for (auto const& [status, code] : {std::pair{404, "unknown-peer"}, {403, "peer-revoked"}, {401, "invalid-signature"}, {403, "sync-paused"}}) {
        lab l;
        l.settle();
        bool refuse = true;
        l.on_push = [&](json::object const&) { return refuse ? std::optional{answered(status, code)} : std::nullopt; };
        l.write("main", "m1");
        l.net.run_for(290s);
        BOOST_TEST(l.pushes.size() == 1u);
        BOOST_TEST(l.pulls.size() <= 1u);
        BOOST_TEST(l.a.session().look(l.net.now()).value().obstacle == "the peer refuses us: " + std::to_string(status) + ' ' + code);
        refuse = false;
        auto renewed = hosted_as_seen_by(l.a, l.hosted);  // somebody paired us again
        renewed.sbt_created_at = noon + 10s;
        l.a.put(renewed);
        l.net.run_for(1s);
        BOOST_TEST(l.has("main", "m1"));
    }
}

// BSP-OFF-025, BSP-OFF-035
BOOST_AUTO_TEST_CASE(without_a_valid_token_nothing_is_sent_and_nothing_lost) {
    lab l;
    l.settle();
    bool refuse = true;
    l.on_push = [&](json::object const&) { return refuse ? std::optional{answered(401, "sbt-expired")} : std::nullopt; };
    l.write("main", "m1");
    l.net.run_for(24h);
    BOOST_TEST(l.pushes.size() == 1u);
    refuse = false;
    auto renewed = hosted_as_seen_by(l.a, l.hosted);
    renewed.sbt_created_at = noon + 24h;
    renewed.sbt_expires_at = noon + 24h + 60s;
    l.a.put(renewed);
    l.net.run_for(1s);
    BOOST_TEST(l.has("main", "m1"));

    l.net.run_for(60s);  // it has run out by our own clock
    l.write("main", "m2");
    l.pulls.clear(), l.pushes.clear();
    l.net.run_for(10min);
    BOOST_TEST(l.pushes.empty());
    BOOST_TEST(l.pulls.empty());
    BOOST_TEST(l.a.session().look(l.net.now()).value().obstacle == "waits for a new session binding token");
    renewed.sbt_created_at = noon + 25h;
    renewed.sbt_expires_at = noon + 33h;
    l.a.put(renewed);
    l.net.run_for(1s);
    BOOST_TEST(l.has("main", "m2"));
}

// BSP-OFF-035
BOOST_AUTO_TEST_CASE(a_refusal_of_the_token_before_is_none_of_the_next) {
    for (auto const& [status, code] : {std::pair{401, "sbt-expired"}, {403, "forbidden"}}) {
        lab l;
        l.settle();
        bool refused = false;
        l.on_push = [&](json::object const&) {
            if (std::exchange(refused, true)) return std::optional<http_response>{};
            auto renewed = hosted_as_seen_by(l.a, l.hosted);
            renewed.sbt_created_at = noon + 10s;
            l.a.put(renewed);
            return std::optional{answered(status, code)};
        };
        l.write("main", "m1");
        l.net.run_for(3s);
        BOOST_TEST(refused);
        BOOST_TEST(l.has("main", "m1"), code);
    }
}

// BSP-OFF-036, BSP-GEN-015
BOOST_AUTO_TEST_CASE(redirections_are_not_followed_and_no_success) {
    lab l;
    l.settle();
    l.on_push = [](json::object const&) { return answered(307, "", {{"Location", "https://evil.example/sync/peer_a"}}); };
    l.write("main", "m1");
    l.net.run_for(20s);
    BOOST_TEST(l.pushes.size() == 5u);  // 0, 1, 3, 7, 15 s
    for (auto const& s : l.net.log) BOOST_TEST(*s.request.headers.find("Host") == "hosted.example");
    BOOST_TEST(l.a.progress().counters.last_error() == "307");
}

// BSP-REG-060: an address that the registration gives is not enough.
BOOST_AUTO_TEST_CASE(an_origin_that_is_not_listed_is_never_dialled) {
    lab l;
    l.settle();
    auto moved = hosted_as_seen_by(l.a, l.hosted);
    moved.endpoints->sync_endpoint = "https://evil.example/sync/peer_a";
    l.a.put(moved);
    l.write("main", "m1");
    l.net.log.clear();
    l.net.run_for(60s);
    BOOST_TEST(l.net.log.empty());
    BOOST_TEST(l.a.session().look(l.net.now()).value().obstacle == "the operator has not listed the origin https://evil.example");
}

// BSP-OFF-040 … BSP-OFF-043
BOOST_AUTO_TEST_CASE(only_a_healthy_peer_is_sent_anything) {
    for (auto const& portal : {http_response{.status = 200, .headers = {{"Content-Type", "text/html"}}, .body = "<html>Room number?</html>"}, http_response{.status = 200, .headers = {}, .body = R"({"status": "degraded"})"},
                               http_response{.status = 200, .headers = {}, .body = R"("healthy")"}, http_response{.status = 503, .headers = {}, .body = R"({"status": "healthy"})"}, http_response{.status = 302, .headers = {}, .body = ""}}) {
        lab l;
        l.on_health = [&](http_request const&) { return portal; };
        l.write("main", "m1");
        l.net.run_for(60s);
        BOOST_TEST(l.pushes.empty());
        BOOST_TEST(l.pulls.empty());
        l.on_health = nullptr;
        l.net.run_for(11s);
        BOOST_TEST(l.has("main", "m1"));
    }
}

BOOST_AUTO_TEST_CASE(health_is_asked_every_ten_seconds_for_five) {
    lab l;
    l.settle();
    l.net.log.clear();
    l.net.now_it_is.lost = 100;
    l.net.run_for(6s);
    BOOST_TEST(l.net.count("a", "GET /health") == 1);
    l.net.run_for(10s);
    BOOST_TEST(l.net.count("a", "GET /health") == 2);
    BOOST_TEST(l.a.session().look(l.net.now()).value().obstacle == "the peer cannot be reached");
    l.net.now_it_is.lost = 0;
    l.write("main", "m1");
    l.net.run_for(12s);
    BOOST_TEST(l.has("main", "m1"));
}

// BSP-OFF-043: failures from before the outage delay nothing after it.
BOOST_AUTO_TEST_CASE(a_reconnect_forgets_earlier_failures) {
    lab l;
    l.settle();
    l.on_push = [](json::object const&) { return answered(503); };
    l.write("main", "m1");
    l.net.run_for(130s);  // by now the delay is 64 s
    l.net.down = {"hosted"};
    l.net.run_for(15s);
    l.net.down.clear();
    l.on_push = nullptr;
    l.net.run_for(11s);
    BOOST_TEST(l.has("main", "m1"));
}

// BSP-OFF-016
BOOST_AUTO_TEST_CASE(a_request_is_given_up_after_thirty_seconds) {
    lab l;
    l.settle();
    l.write("main", "m1");
    auto out = l.a.client->poll_request(l.net.now());
    BOOST_REQUIRE(out);
    auto const answer_later = l.hosted.serve(out->request, l.net.now().wall);
    BOOST_TEST(answer_later.status == 200);
    l.net.run_for(29s);
    BOOST_TEST(l.pushes.empty());
    l.net.run_for(3s);
    BOOST_TEST(l.pushes.size() == 1u);  // one second after it was given up
    BOOST_TEST(l.a.progress().counters.pushes_acknowledged == 1);
    l.a.client->handle_response(out->id, answer_later, l.net.now());
    BOOST_TEST(l.a.progress().counters.pushes_acknowledged == 1);
}

BOOST_AUTO_TEST_CASE(a_taken_sync_id_is_replaced) {
    lab l;
    l.settle();
    l.on_push = [n = 0](json::object const&) mutable { return n++ == 0 ? std::optional{answered(409, "sync-id-reuse")} : std::nullopt; };
    l.write("main", "m1");
    l.net.run_for(3s);
    BOOST_REQUIRE(l.pushes.size() == 2u);
    BOOST_TEST(lab::text(l.pushes[0], "sync_id") != lab::text(l.pushes[1], "sync_id"));
    BOOST_TEST(l.has("main", "m1"));
}

// BSP-OFF-007: whatever the hook does.
BOOST_AUTO_TEST_CASE(a_hook_that_throws_fails_no_write) {
    lab l;
    l.a.memory->on_commit([] { throw std::runtime_error{"no"}; });
    l.write("main", "m1");
    l.net.run_for(7s);
    BOOST_TEST(l.has("main", "m1"));
}

// BSP-OFF-014: nobody was told of the write.
BOOST_AUTO_TEST_CASE(a_lost_wake_up_is_made_good_in_the_next_interval) {
    lab l;
    l.settle();
    l.a.memory->on_commit({});
    l.write("main", "m1");
    l.net.run_for(5'100ms);
    BOOST_TEST(l.has("main", "m1"));
}

// BSP-OFF-063
BOOST_AUTO_TEST_CASE(what_is_due_is_seen) {
    lab l;
    l.settle();
    BOOST_TEST(l.a.session().look(l.net.now()).value().due.items() == 0u);
    l.on_push = [](json::object const&) { return answered(500); };
    l.write("c1", "m1"), l.write("c2", "m1"), l.write("c2", "m2");
    l.net.run_for(200s);
    auto state = l.a.session().look(l.net.now()).value();
    BOOST_TEST(state.due.items() == 2u);  // coalesced
    BOOST_TEST(!state.alert(l.net.now().wall));
    l.write("c3", "m1");  // not in the push that is under way
    auto const waiting = sync::client_view(l.a.session(), l.a.ledger, l.net.now()).value().queue;
    BOOST_REQUIRE(waiting.size() == 3u);
    for (auto const& item : waiting) BOOST_TEST(item.attempts == (item.id == "c3" ? 0 : static_cast<std::int64_t>(l.pushes.size())), item.id);
    l.write("c2", "m3");                  // does not make the first one younger
    l.net.run_for(120s);
    BOOST_TEST(l.a.session().look(l.net.now()).value().alert(l.net.now().wall));
    l.on_push = nullptr;
    l.net.run_for(70s);
    BOOST_TEST(!l.a.session().look(l.net.now()).value().alert(l.net.now().wall));
    auto const history = l.a.ledger.history("peer_hosted", 3).value();
    BOOST_TEST((history.at(0).what == sync_occurrence::kind::pushed));
}

// BSP-AUT-036, and what a real backend checks of an assertion.
BOOST_AUTO_TEST_CASE(assertions_are_made_anew) {
    lab l;
    l.net.run_for(30s);
    std::set<std::string> seen;
    for (auto const& s : l.net.log)
        if (auto const* credential = s.request.headers.find("Authorization")) BOOST_TEST(seen.insert(*credential).second);
    BOOST_TEST(seen.size() >= 6u);
    BOOST_TEST(l.a.progress().counters.pulls_failed == 0);
}

// BSP-OFF-070: one peer refuses, one is gone, one hangs; the fourth notices nothing.
BOOST_AUTO_TEST_CASE(a_dead_peer_beside_a_live_one) {
    lab l;
    l.a.config.allowed_peers = {"https://hosted.example", "https://gone.example", "https://slow.example"};
    site slow{"slow", "hosted", 1};
    l.net.add(slow);
    l.net.kill(l.a);
    auto gone_record = hosted_as_seen_by(l.a, l.hosted), slow_record = gone_record;
    gone_record.peer_id = "peer_gone", gone_record.backend_id = "hosted_sha256_gone", gone_record.endpoints->sync_endpoint = "https://gone.example/sync/peer_a";
    slow_record.peer_id = "peer_slow", slow_record.backend_id = slow.self.backend_id, slow_record.endpoints->sync_endpoint = "https://slow.example/sync/peer_a";
    l.a.put(gone_record), l.a.put(slow_record);
    auto const real = l.net.script;
    l.net.script = [&](site& s, http_request const& r) -> std::optional<http_response> {
        if (&s != &slow) return real(s, r);
        return r.target == "/health" ? std::nullopt : std::optional{answered(500)};
    };
    l.net.restart(l.a);
    l.net.run_for(3s);
    for (int i = 0; i < 10; ++i) {
        l.write("main", "m" + std::to_string(i));
        l.net.run_for(50ms);
        BOOST_TEST(l.has("main", "m" + std::to_string(i)));
        l.net.run_for(950ms);
    }
    BOOST_TEST(l.a.client->find("peer_slow")->progress().counters.pushes_failed > 0);
    BOOST_TEST((l.a.ledger.progress("peer_slow").value()->pushed == feed_position{}));  // positions are each one's own (BSP-OFF-071)
}

BOOST_AUTO_TEST_CASE(an_ended_registration_ends_the_exchange) {
    lab l;
    l.settle();
    auto ended = hosted_as_seen_by(l.a, l.hosted);
    ended.status = peer_status::unpaired;
    l.a.put(ended);
    l.write("main", "m1");
    l.net.log.clear();
    l.net.run_for(60s);
    BOOST_TEST(l.net.log.empty());
    BOOST_TEST(l.a.client->find("peer_hosted") == nullptr);
    BOOST_TEST(!l.a.ledger.progress("peer_hosted").value().has_value());
}

BOOST_AUTO_TEST_SUITE_END()
