#include "../registry.hpp"
#include "../scenario.hpp"
#include "ground.hpp"

#include <bsp/base/uri.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <map>
#include <thread>

// Requests that arrive at the same time: pushes, one assertion in several requests, pulls beside pushes.

namespace bsp::conformance {
namespace {

constexpr int rounds = 4;  // a race is seldom lost at the first attempt

/// The request of a push, made and signed beforehand so that the pushes meet at the target.
http_request push_request(scenario& s, peer const& p, std::vector<json::object> conversations) {
    return {"POST", s.target_path("/sync/" + p.peer_id()), {}, json::serialize(p.payload(std::move(conversations))), {}};
}

/// What a push answered with 200 must have brought, and one answered otherwise may not.
void is_answered(scenario& s, exchange const& x) {
    s.expect(x.ok() || x.status() == 503, "a valid push is accepted", x.describe());
    s.exactly(x.ok(), "status 200", x.describe());
}

void different_pushes(scenario& s) {
    std::vector<peer> const peers{s.register_peer(), s.register_peer()};
    for (int round = 0; round < rounds; ++round) {
        auto const c = s.fresh("c");
        std::vector<std::function<exchange()>> calls;
        for (std::int64_t v = 1; v <= 6; ++v) {
            auto const n = std::to_string(v);
            auto request = push_request(s, peers[static_cast<std::size_t>(v) % 2], {s.conversation(c, v, {s.message("own-" + n, n), s.message("shared", n, v)}, [&](json::object& o) {
                o["title"] = n;
                o["surfaces"] = json::array{"surface-" + n};
            })});
            calls.push_back([&s, n, request = std::move(request)] { return s.send(request, "A/B", "POST /sync  version " + n); });
        }
        auto const answers = s.together(calls);
        std::vector<std::string> ids, surfaces{"web"};
        std::int64_t greatest = 0;
        for (std::size_t i = 0; i < answers.size(); ++i) {
            is_answered(s, answers[i]);
            if (!answers[i].ok()) continue;
            greatest = static_cast<std::int64_t>(i) + 1;
            ids.push_back("own-" + std::to_string(greatest));
            surfaces.push_back("surface-" + std::to_string(greatest));
        }
        s.control(ids.size() > 1, "several of the pushes were accepted");
        ids.push_back("shared");
        auto const x = peers[0].read(c);
        s.accepted(x, "reading the conversation");
        auto held = ids_at(x.body(), "/messages");
        std::sort(held.begin(), held.end());
        s.expect(held == ids, "the messages of all accepted pushes: " + show(ids), show(held));
        auto const* shared = find_by_id(x.body(), "/messages", "shared");
        s.expect(integer_at(*shared, "/version") == greatest, "of the shared message the greatest version, " + std::to_string(greatest), show(*shared));
        s.expect(integer_at(x.body(), "/version") == greatest, "the greatest version of the conversation, " + std::to_string(greatest), std::to_string(integer_at(x.body(), "/version")));
        s.expect(x.text("/title") == std::to_string(greatest), "the title of the greatest write", x.text("/title"));
        json::value const empty = json::array{};
        auto const* emitted = x.at("/surfaces");
        std::vector<std::string> got;
        for (auto const& one : (emitted && emitted->is_array() ? *emitted : empty).as_array())
            if (one.is_string()) got.emplace_back(json::view(one.get_string()));
        for (auto const& one : surfaces) s.expect(std::find(got.begin(), got.end(), one) != got.end(), "surfaces with " + one, show(got));
    }
}

void equal_pushes(scenario& s) {
    auto const a = s.register_peer();
    for (int round = 0; round < rounds; ++round) {
        auto const c = s.fresh("c");
        auto const request = push_request(s, a, {s.conversation(c, 1, {s.message("m1", "once")})});
        auto const answers = s.together(4, request, a.name(), "POST /sync  the same as the others");
        for (auto const& x : answers) is_answered(s, x);
        s.control(std::any_of(answers.begin(), answers.end(), [](auto const& x) { return x.ok(); }), "one of the pushes was accepted");
        auto const ids = message_ids(s, a, c);
        s.expect(ids == std::vector<std::string>{"m1"}, "m1 alone", show(ids));
        s.accepted(s.send(request, a.name(), "POST /sync  once more"), "a later repetition");
    }
}

void one_assertion(scenario& s) {
    auto const a = s.register_peer();
    auto const user = s.user();
    for (int round = 0; round < rounds; ++round)
        for (caller const* who : {static_cast<caller const*>(&a), &user}) {
            auto const c = s.fresh("c");
            auto const path = "/conversations/" + c + "/messages";
            http_request const request{"POST", s.target_path(path), {{"Authorization", who->authorization("POST", path)}}, R"({"role":"user","content":"once","surface":"web"})", {}};
            auto const answers = s.together(4, request, who->name(), "POST " + path + "  with the same assertion as the others");
            auto const accepted = std::count_if(answers.begin(), answers.end(), [](auto const& x) { return x.ok(); });
            s.expect(accepted <= 1, "the assertion is accepted once", std::to_string(accepted) + " times");
            s.control(accepted == 1, "one of the requests was accepted");
            auto const ids = message_ids(s, *who, c);
            s.expect(ids.size() == 1, "one message was written", std::to_string(ids.size()));
        }
}

void writes_count_on(scenario& s) {
    auto const user = s.user();
    for (int round = 0; round < rounds; ++round) {
        auto const c = s.fresh("c");
        std::vector<std::function<exchange()>> calls;
        for (int i = 0; i < 4; ++i) calls.push_back([&user, &c, i] { return user.write(c, "one of several " + std::to_string(i)); });
        std::vector<std::int64_t> versions;
        for (auto const& x : s.together(calls)) {
            s.expect(x.ok() || x.status() == 503, "a valid write is accepted", x.describe());
            if (x.ok()) versions.push_back(integer_at(x.body(), "/version"));
        }
        std::sort(versions.begin(), versions.end());
        s.control(versions.size() > 1, "several of the writes were accepted");
        std::string all;
        for (auto v : versions) all += (all.empty() ? "" : ", ") + std::to_string(v);
        for (std::size_t i = 0; i < versions.size(); ++i) s.expect(versions[i] == static_cast<std::int64_t>(i) + 1, "each write is one above the one before it: 1, 2, 3 …", all);
        auto const ids = message_ids(s, user, c);
        s.expect(ids.size() == versions.size(), std::to_string(versions.size()) + " messages", show(ids));
    }
}

/// A reader that follows its watermark while others push must have seen everything in the end.
void pulls_beside_pushes(scenario& s) {
    auto const a = s.register_peer(), reader = s.register_peer();
    auto const c = s.fresh("c");
    std::string since = watermark(s, reader);
    std::vector<std::string> seen, sent;
    bool pulled = true;
    auto const see = [&](std::vector<json::object> const& entries) {
        for (auto const& e : entries)
            if (auto id = text_at(e, "/conversation_id"); id.starts_with(c + ".")) seen.push_back(std::move(id));
    };
    std::vector<std::function<exchange()>> calls;
    for (int lane = 0; lane < 3; ++lane) {
        std::vector<http_request> requests;
        for (int i = 0; i < 6; ++i) {
            sent.push_back(c + "." + std::to_string(lane) + "-" + std::to_string(i));
            requests.push_back(push_request(s, a, {s.conversation(sent.back(), 1, {s.message("m1", "news")})}));
        }
        calls.push_back([&s, requests = std::move(requests)] {
            auto last = s.send(requests.front(), "A");
            for (std::size_t i = 1; i < requests.size() && last.ok(); ++i) last = s.send(requests[i], "A");
            return last;
        });
    }
    calls.push_back([&] {
        auto last = reader.get("/sync/" + reader.peer_id() + "?limit=1");
        for (int i = 0; i < 8 && pulled; ++i) {
            last = reader.pull({.since = since, .limit = 200});
            pulled = last.ok() && last.at("/has_more") && *last.at("/has_more") == json::value(false);
            if (!pulled) break;
            see(objects_at(last.body(), "/conversations"));
            since = last.text("/last_sync");
        }
        return last;
    });
    for (auto const& x : s.together(calls)) s.control(x, "a request beside others");
    see(reader.pull_all({.since = since, .limit = 200}).conversations);
    std::sort(seen.begin(), seen.end());
    std::sort(sent.begin(), sent.end());
    seen.erase(std::unique(seen.begin(), seen.end()), seen.end());
    s.evidence("pushes and pulls side by side");
    s.expect(seen == sent, "the pulls together bring every conversation that was pushed: " + show(sent), show(seen));
}

/// A large push takes its time between its arrival and its commit. Whoever pulls meanwhile must have it afterwards.
void pulls_beside_a_large_push(scenario& s) {
    auto const a = s.register_peer(), reader = s.register_peer();
    auto const user = s.user();
    auto const large = s.fresh("large"), small = s.fresh("small");
    std::vector<json::object> messages;
    for (int i = 0; i < 900; ++i) messages.push_back(s.message("m" + std::to_string(i), std::string(5'000, 'x')));
    auto const request = push_request(s, a, {s.conversation(large, 1, std::move(messages))});
    std::string since = watermark(s, reader);
    std::atomic<bool> is_answered = false;
    bool seen = false;
    int turns = 0;
    auto const answers = s.together({[&] {
                                         auto x = s.send(request, a.name(), "POST /sync  of 4.5 MB");
                                         is_answered = true;
                                         return x;
                                     },
                                     [&] {
                                         auto last = user.write(small, "beside it");
                                         while (last.ok() && !is_answered && turns < 500) {
                                             last = reader.pull({.since = since, .limit = 200});
                                             if (!last.ok()) break;
                                             seen = seen || of_conversation(objects_at(last.body(), "/conversations"), large).present;
                                             if (last.at("/has_more") && *last.at("/has_more") == json::value(false)) since = last.text("/last_sync"), ++turns;
                                             if (!is_answered) last = user.write(small, "beside it");
                                         }
                                         return last;
                                     }});
    for (auto const& x : answers) s.control(x, "a request beside others");
    s.note(std::to_string(turns) + " pulls while the push was under way");
    seen = seen || of_conversation(reader.pull_all({.since = since, .limit = 200}).conversations, large).present;
    (void)user.del("/conversations/" + large);  // or the pulls of others carry it
    s.evidence("pulls beside a large push");
    s.expect(seen, "a large push that was committed after a pull began is in that pull or in one since its last_sync", "it is in none of " + std::to_string(turns) + " pulls during the push, nor in one since " + since);
}

/// Of several held pulls each hears of a commit of its user. With nothing beside it: any other commit may wake who was forgotten.
void a_commit_wakes_all(scenario& s) {
    using clock = std::chrono::steady_clock;
    using std::chrono::seconds;
    s.needs_declared("live_pull");
    auto const a = s.register_peer(), b = s.register_peer(), other = s.register_peer_of(s.other_account());
    std::vector<peer const*> const waiting{&other, &a, &b, &a};
    auto const mine = s.fresh("c"), theirs = s.fresh("c");
    clock::time_point written[2];
    std::vector<clock::time_point> heard(waiting.size());
    std::vector<std::function<exchange()>> calls;
    for (std::size_t i = 0; i < waiting.size(); ++i)
        calls.push_back([&, i, end = clock::now() + seconds{10}, since = watermark(s, *waiting[i])]() mutable {
            for (std::string cursor;;) {  // a server may end a held pull early, give it in pages, and give again what was given before
                auto x = waiting[i]->get("/sync/" + waiting[i]->peer_id() + "?wait=8&limit=200&since=" + percent_encode_segment(since) + cursor);
                heard[i] = clock::now();
                if (!x.ok() || heard[i] > end || of_conversation(objects_at(x.body(), "/conversations"), i == 0 ? theirs : mine).present) return x;
                bool const more = x.at("/has_more") && *x.at("/has_more") == json::value(true);
                cursor = more ? "&cursor=" + percent_encode_segment(x.text("/cursor")) : "";
                if (!more) since = x.text("/last_sync");
            }
        });
    calls.push_back([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds{400});
        auto x = s.user().write(mine, "news");
        written[1] = clock::now();
        if (!x.ok()) return x;
        std::this_thread::sleep_for(std::chrono::milliseconds{200});
        x = s.other_user().write(theirs, "news");
        written[0] = clock::now();
        return x;
    });
    auto const answers = s.together(calls);
    s.control(answers.back(), "a write of each user");
    for (std::size_t i = 0; i < waiting.size(); ++i) {
        auto const what = i == 0 ? "the held pull of another user's peer" : "each of three held pulls of two peers";
        s.accepted(answers[i], what);
        auto const late = heard[i] - written[i > 0];
        s.expect_in_time(late < seconds{4}, std::string{what} + " is answered when its user has written, and not when its time is over", std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(late).count()) + " ms after it");
    }
}

check const checks[] = {
    {.id = "syn/concurrent-pushes",
     .title = "the result of concurrent pushes is their join",
     .clauses = {"BSP-SYN-054", "BSP-SYN-052"},
     .impact = "of two devices that sync at once, one loses what it sent although it was told \"synced\"",
     .likely_cause = "the state is read, joined and written back without one transaction around it",
     .run = different_pushes},
    {.id = "syn/concurrent-equal-pushes",
     .title = "a push that arrives several times at once is accepted and has its effect once",
     .clauses = {"BSP-SYN-054", "BSP-SYN-070", "BSP-SYN-020"},
     .impact = "a client that repeats itself on a bad network is told that its push conflicts with itself",
     .likely_cause = "the record of accepted pushes is looked up and written in two steps",
     .run = equal_pushes},
    {.id = "aut/jti-concurrent",
     .title = "of concurrent requests with one assertion at most one is accepted",
     .clauses = {"BSP-AUT-048"},
     .impact = "who captures an assertion can use it if quick enough",
     .likely_cause = "the jti is looked up before the request and recorded after it",
     .run = one_assertion},
    {.id = "cnv/concurrent-writes",
     .title = "concurrent local writes get versions of their own",
     .clauses = {"BSP-MRG-070"},
     .impact = "two windows of one user write the same version, and one of them does not stand elsewhere",
     .likely_cause = "the greatest version is read outside of the transaction that writes",
     .run = writes_count_on},
    {.id = "syn/pull-beside-pushes",
     .title = "a reader that pulls while others push misses nothing",
     .clauses = {"BSP-SYN-107"},
     .impact = "a message that was committed while another device pulled never reaches that device",
     .likely_cause = "the place in the feed is drawn before the commit, so that a later commit is placed before a watermark given",
     .run = pulls_beside_pushes},
    {.id = "syn/live-pull-wakes-all",
     .title = "a commit is heard by every held pull of its user, whoever else waits",
     .clauses = {"BSP-SYN-149"},
     .impact = "of two devices that wait one hears of a message half a minute late",
     .likely_cause = "a commit wakes one of those who wait (notify_one), be it another user's",
     .run = a_commit_wakes_all,
     .needs = need::second_user | need::alone},
    {.id = "syn/pull-beside-large-push",
     .title = "a large push that was under way when a watermark was given is in the next pull",
     .clauses = {"BSP-SYN-107"},
     .impact = "the history that a new device sends never reaches a device that was pulling meanwhile",
     .likely_cause = "the place in the feed is the time at which the request arrived",
     .run = pulls_beside_a_large_push,
     .needs = need::own_user},
};

}  // namespace

group concurrent_requests_group() { return {"concurrent-requests", profile::syn, checks}; }

}  // namespace bsp::conformance
