#include "as_client.hpp"
#include "../probe.hpp"
#include "../surroundings.hpp"

#include <bsp/base/encoding.hpp>
#include <bsp/crypto/rsa.hpp>
#include <bsp/json/c14n.hpp>

#include <algorithm>
#include <ctime>

// Chapter 10, what a client makes of answers. The suite is the other backend, and misbehaves.

namespace bsp::conformance {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

bool verifies(scenario& s, arrival const& push) {
    auto const key = rsa_public_key::from_pem(s.identity().public_key_pem);
    auto const signature = from_base64(text_at(push.body, "/signature"));
    auto const text = push.body.is_object() ? json::canonicalize(push.body.get_object(), {"signature"}) : result<std::string>{std::string{}};
    return key && signature && text && key->verify_ps256(*text, *signature);
}

/// Answers the first `n` pushes of `c` by `wrong`, and the others rightly.
script wrong_for(std::string c, int n, script wrong) {
    return [c = std::move(c), left = std::make_shared<std::atomic<int>>(n), wrong = std::move(wrong)](arrival const& a) {
        return a.conversation(c) && (*left)-- > 0 ? wrong(a) : stand_in::acknowledge(a);
    };
}

reaction raw(std::string text) { return {.how = reaction::manner::bytes, .response = {0, {}, std::move(text)}}; }

/// A stand-in for each of `wrong`, which is its answer to the first push of one conversation: each must get that again.
void each_is_sent_again(scenario& s, std::vector<std::pair<std::string, script>> const& wrong) {
    std::vector<std::unique_ptr<stand_in>> all;
    auto const account = s.account();
    for (std::size_t i = 0; i < wrong.size(); ++i) all.push_back(std::make_unique<stand_in>(s, stand_in::options{.user = account}));
    settle(s, all);
    auto const c = s.fresh("c");
    for (std::size_t i = 0; i < wrong.size(); ++i) all[i]->on_push(wrong_for(c, 1, wrong[i].second));
    write(s, all.front()->user(), c);
    for (std::size_t i = 0; i < wrong.size(); ++i) {
        s.expect(all[i]->until(soon, [&] { return !all[i]->pushes_of(c).empty(); }), "a push of the change", "none");
        bool const again = all[i]->delivered_in_the_end(c);
        if (!again) s.expect(false, "the push again, after one that was answered with " + wrong[i].first, std::to_string(all[i]->pushes_of(c).size()) + " pushes of it, none of them acknowledged");
    }
}

script status(int n, std::string code, http_headers headers = {}) {
    return [n, code = std::move(code), headers = std::move(headers)](arrival const&) { return stand_in::problem(n, code, headers); };
}

void the_same_push_comes_again(scenario& s) {
    stand_in b{s};
    b.settle();
    auto const c = s.fresh("c");
    b.on_push(wrong_for(c, 2, status(503, "unavailable")));
    write(s, b.user(), c);
    s.expect(b.delivered_in_the_end(c), "the push again after two answers 503", std::to_string(b.pushes_of(c).size()) + " pushes of it");
    auto const all = b.pushes_of(c);
    s.control(all.size() >= 3, "three transmissions");
    for (std::size_t i = 0; i < 3; ++i) {
        s.expect(verifies(s, all[i]), "a signature of the target at each transmission", "none that verifies at transmission " + std::to_string(i + 1));
        auto const stamp = parse_timestamp(text_at(all[i].body, "/timestamp"));
        bool const fresh = stamp && *stamp < all[i].when + seconds{300} && all[i].when < *stamp + seconds{300};
        s.expect(fresh, "a timestamp within 300 s of now", text_at(all[i].body, "/timestamp"));
        if (i == 0) continue;
        s.expect(all[i].sync_id() == all[0].sync_id(), "the same sync_id at each transmission of a push", all[0].sync_id() + ", then " + all[i].sync_id());
        s.expect_same("conversations of the repetition", *at(all[0].body, "/conversations"), at(all[i].body, "/conversations"));
        s.expect(text_at(all[i].body, "/timestamp") != text_at(all[i - 1].body, "/timestamp"), "another timestamp at each transmission", "the same, " + seconds_text(between(all[i - 1].at, all[i].at)) + " later");
        s.expect(text_at(all[i].body, "/signature") != text_at(all[i - 1].body, "/signature"), "another signature at each transmission", "the same");
    }
}

void failures_are_followed_by_longer_pauses(scenario& s) {
    stand_in b{s};
    b.settle();
    auto const c = s.fresh("c");
    std::atomic<std::size_t> failed = 0;
    b.on_push([&](arrival const&) {
        ++failed;
        return stand_in::problem(503, "unavailable");
    });
    write(s, b.user(), c);
    auto const refused = [&] {  // whatever they hold: what fails first keeps its place
        auto all = b.pushes();
        std::erase_if(all, [](arrival const& a) { return a.status != 503 || !a.over; });
        return all;
    };
    auto const transmissions = [&](std::size_t n) { return [&refused, n] { return refused().size() >= n; }; };
    s.expect(b.until(soon, transmissions(1)), "a push of the change", "none");
    if (!b.until(seconds{14}, transmissions(4))) s.expect(b.until(seconds{50} + slack, transmissions(2)), "the push again within 64 s", "none");
    auto const all = refused();
    for (std::size_t i = 1; i < std::min<std::size_t>(all.size(), 5); ++i) {
        auto const gap = between(*all[i - 1].over, all[i].at), least = milliseconds{1'000 << (i - 1)};
        s.expect(gap + grain >= least, "at least " + seconds_text(least) + " after failure " + std::to_string(i), seconds_text(gap));
    }
    // And however often it fails, it goes on.
    auto const before = failed.load();
    if (!b.flap()) s.inconclusive("the target does not ask for /health");
    b.until(seconds{12}, [&] { return failed >= before + 3; });
    b.on_push({});
    bool const came = b.delivered_in_the_end(c);
    s.expect(came, "the push again, however often it failed", "none after " + std::to_string(failed) + " failures");
}

void retry_after_is_kept(scenario& s) {
    stand_in b{s};
    b.settle();
    auto const c = s.fresh("c");
    std::atomic<int> n = 0;
    std::atomic<std::int64_t> date = 0;
    b.on_push([&](arrival const& a) {
        if (!a.conversation(c)) return stand_in::acknowledge(a);
        switch (n++) {
            case 0: return stand_in::problem(429, "rate-limited", {{"Retry-After", "4"}});
            case 1: {
                std::time_t const at = date = a.when.seconds + 8;
                std::tm utc{};
                ::gmtime_r(&at, &utc);
                std::array<char, 40> text{};
                std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &utc);
                return stand_in::problem(503, "unavailable", {{"Retry-After", text.data()}});
            }
            default: return stand_in::acknowledge(a);
        }
    });
    write(s, b.user(), c);
    bool const came = b.until(seconds{30}, [&] { return b.pushes_of(c).size() >= 3; }) || b.delivered_in_the_end(c);
    b.on_push({});
    auto const all = b.pushes_of(c);
    s.control(!all.empty(), "a push of the change");
    if (all.size() > 1) {
        auto const gap = between(*all[0].over, all[1].at);
        s.expect(gap + grain >= seconds{4}, "no transmission before 4 s have passed, as Retry-After: 4 said", "one after " + seconds_text(gap));
    }
    if (all.size() > 2) s.expect(all[2].when.seconds + 2 >= date, "no transmission before the date that Retry-After gave", std::to_string(date - all[2].when.seconds) + " s before it");
    s.expect(came, "the push again after the time that Retry-After gave", std::to_string(all.size()) + " transmissions");
}

void refusals_do_not_make_it_hurry(scenario& s) {
    std::vector<std::pair<int, char const*>> const refusals{{403, "forbidden"}, {404, "unknown-peer"}, {401, "invalid-signature"}, {418, "no-such-code"}, {400, "invalid-body"}};
    auto const account = s.account();
    std::vector<std::unique_ptr<stand_in>> all;
    for (std::size_t i = 0; i < refusals.size(); ++i) all.push_back(std::make_unique<stand_in>(s, stand_in::options{.user = account}));
    settle(s, all);
    for (std::size_t i = 0; i < refusals.size(); ++i) {
        all[i]->on_push(status(refusals[i].first, refusals[i].second));
        all[i]->on_pull(status(refusals[i].first, refusals[i].second));
    }
    for (int i = 0; i < 8; ++i) {
        write(s, all.front()->user(), s.fresh("c"));
        pass(milliseconds{1'000});
    }
    for (std::size_t i = 0; i < refusals.size(); ++i) {
        auto refused = all[i]->pushes();
        for (auto& a : all[i]->pulls()) refused.push_back(a);
        std::erase_if(refused, [&](arrival const& a) { return a.status != refusals[i].first; });
        s.control(!refused.empty(), "requests that were refused");
        auto const hurry = faster_than_two_a_second(refused);
        s.expect(hurry.empty(), "at most two requests in a second that are refused with " + std::to_string(refusals[i].first), hurry);
    }
}

void one_refused_conversation_holds_no_others_up(scenario& s) {
    std::vector<std::pair<int, char const*>> const refusals{{422, "invalid-body"}, {400, "invalid-body"}, {413, "payload-too-large"}, {422, "a-code-of-tomorrow"}};
    auto const account = s.account();
    std::vector<std::unique_ptr<stand_in>> all;
    for (std::size_t i = 0; i < refusals.size(); ++i) all.push_back(std::make_unique<stand_in>(s, stand_in::options{.user = account}));
    settle(s, all);
    auto const bad = s.fresh("bad"), good = s.fresh("good"), later = s.fresh("later");
    for (std::size_t i = 0; i < refusals.size(); ++i)
        all[i]->on_push([bad, refusal = refusals[i]](arrival const& a) { return a.conversation(bad) ? stand_in::problem(refusal.first, refusal.second) : stand_in::acknowledge(a); });
    auto const who = all.front()->user();
    write(s, who, bad);
    write(s, who, good);
    for (std::size_t i = 0; i < refusals.size(); ++i) {
        auto const& b = *all[i];
        auto const what = "after one was refused with " + std::to_string(refusals[i].first) + " " + refusals[i].second;
        s.expect(b.until(soon, [&] { return !b.pushes_of(bad).empty(); }), "a push of the change", "none");
        s.expect(b.delivered(seconds{60} + slack, good), "a push of the other conversation, " + what, "none within 60 s");
    }
    pass(seconds{3});
    write(s, who, later);
    for (std::size_t i = 0; i < refusals.size(); ++i) s.expect(all[i]->delivered(seconds{20}, later), "a push of what was written later, after one was refused with " + std::to_string(refusals[i].first), "none within 20 s");
    for (auto const& b : all) {
        auto const tried = b->pushes_of(bad);
        auto const alone = std::count_if(tried.begin(), tried.end(), [](arrival const& a) { return objects_at(a.body, "/conversations").size() == 1; });
        s.expect(alone <= 1, "the refused conversation tried again at most once in 300 s", std::to_string(alone) + " pushes of it alone");
        for (std::size_t i = 1; i < tried.size(); ++i)
            s.expect(tried[i].sync_id() != tried[i - 1].sync_id(), "no refused push unchanged once more", "sync_id " + tried[i].sync_id() + " twice");
    }
}

/// What succeeds beside it does not make a push succeed: not pulls, and not a look at /health.
void other_successes_do_not_count(scenario& s) {
    stand_in b{s};
    b.settle();
    b.on_push([](arrival const&) { return stand_in::problem(503, "unavailable"); });
    write(s, b.user(), s.fresh("c"));
    auto const failed = [&] {
        auto all = b.pushes();
        std::erase_if(all, [](arrival const& a) { return a.status != 503 || !a.over; });
        return all;
    };
    s.expect(b.until(soon, [&] { return !failed().empty(); }), "a push of the change", "none");
    auto const pulls = b.pulls().size();
    b.until(seconds{33}, [&] { return failed().size() >= 6; });  // after 1, 2, 4, 8 and 16 s
    auto const all = failed();
    auto const between_pulls = b.pulls().size() - pulls;
    b.on_push({});
    s.control(between_pulls >= 2, "pulls meanwhile");
    for (std::size_t i = 1; i < std::min<std::size_t>(all.size(), 7); ++i) {
        auto const gap = between(*all[i - 1].over, all[i].at), least = milliseconds{1'000 << (i - 1)};
        s.expect(gap + grain >= least, "at least " + seconds_text(least) + " after failure " + std::to_string(i) + " of a push, though pulls succeed and /health is healthy", seconds_text(gap));
    }
}

/// `Retry-After` binds whatever is asked for, pulls too.
void retry_after_is_kept_by_pulls(scenario& s) {
    stand_in b{s};
    b.settle();
    std::atomic<int> n = 0;
    b.on_pull([&](arrival const& a) { return n++ == 0 ? stand_in::problem(503, "unavailable", {{"Retry-After", "9"}}) : b.feed(a); });
    auto const refused = [&]() -> std::optional<std::pair<std::size_t, moment>> {
        auto const all = b.pulls();
        for (std::size_t i = 0; i < all.size(); ++i)
            if (all[i].status == 503 && all[i].over) return std::pair{i, *all[i].over};
        return std::nullopt;
    };
    if (!b.until(seconds{10} + slack, [&] { return refused().has_value(); })) s.inconclusive("no pull to be refused");
    auto const [place, over] = *refused();
    auto const next = [&, first = place] { return b.pulls().size() > first + 1; };
    bool const came = b.until(seconds{20}, next) || (b.flap() && b.until(seconds{30}, next));
    b.on_pull({});
    s.expect(came, "a pull after the time that Retry-After gave", "none");
    auto const gap = between(over, b.pulls()[place + 1].at);
    s.expect(gap + grain >= seconds{9}, "no pull before 9 s have passed, as Retry-After: 9 said", "one after " + seconds_text(gap));
}

/// A server may have forgotten a cursor, and no client may stay with it.
void a_refused_cursor_is_left_out(scenario& s) {
    stand_in b{s};
    b.settle();
    std::atomic<int> refused = 0;
    std::atomic<bool> began_anew = false;
    b.on_pull([&](arrival const& a) {
        if (a.parameter("cursor")) return ++refused, stand_in::problem(400, "invalid-query");
        if (refused > 0) return began_anew = true, b.feed(a);
        return stand_in::respond(200, page({}, "2025-06-01T00:00:01Z", "of-yesterday"));
    });
    if (!b.until(seconds{20} + slack, [&] { return refused > 0; })) s.inconclusive("no pull with the cursor of a page");
    bool const left_out = b.until(seconds{20} + slack, [&] { return began_anew.load(); });
    b.on_pull({});
    s.expect(left_out, "a pull without the cursor after it was refused with 400", std::to_string(refused) + " pulls with it");
}

/// The pace is that of the latest acknowledgement, and what did not acknowledge gives none.
void failures_set_no_pace(scenario& s) {
    stand_in b{s};
    b.settle();
    auto const c = s.fresh("c");
    std::atomic<int> n = 0;
    b.on_push([&](arrival const& a) {
        if (!a.conversation(c)) return stand_in::acknowledge(a);
        if (n++ % 2) return stand_in::acknowledge(a, {{"acked_sync_id", a.sync_id() + "x"}, {"next_sync_in_ms", 300'000}});
        return stand_in::respond(503, json::object{{"type", "https://bsp.dev/errors/unavailable"}, {"title", "Unavailable"}, {"status", 503}, {"detail", "later"}, {"code", "unavailable"}, {"next_sync_in_ms", 300'000}});
    });
    write(s, b.user(), c);
    bool const failed = b.until(soon, [&] { return b.pushes_of(c).size() >= 2; });
    auto const before = b.pulls().size();
    bool const pulled = b.until(seconds{10} + 2 * slack, [&] { return b.pulls().size() >= before + 2; });
    b.on_push({});
    s.control(failed, "two pushes that were not acknowledged");
    s.expect(pulled, "a pull in each interval of 5 s after answers that acknowledged nothing and had next_sync_in_ms 300000", std::to_string(b.pulls().size() - before) + " within 15 s");
}

/// Wherever in a push the refused conversation stands, all others arrive.
void one_refused_among_many(scenario& s) {
    stand_in b{s};
    b.settle();
    auto const first = s.fresh("first"), bad = s.fresh("bad");
    b.on_push([&](arrival const& a) {
        if (a.conversation(bad)) return stand_in::problem(422, "invalid-body");
        auto r = stand_in::acknowledge(a);
        if (a.conversation(first)) r.delay = seconds{2};
        return r;
    });
    write(s, b.user(), first);
    if (!b.until(soon, [&] { return !b.pushes_of(first).empty(); })) s.inconclusive("no push to be slow with");
    std::vector<std::string> good;
    for (int i = 0; i < 7; ++i) {
        if (i == 3) write(s, b.user(), bad);
        good.push_back(s.fresh("good"));
        write(s, b.user(), good.back());
    }
    s.expect(b.until(soon, [&] { return !b.pushes_of(bad).empty(); }), "a push of the change", "none");
    std::size_t came = 0;
    for (auto const& c : good) came += b.delivered(came == 0 ? seconds{60} + slack : seconds{20}, c);
    b.on_push({});
    s.expect(came == good.size(), "pushes of the seven conversations that were written with a refused one", std::to_string(came) + " of them");
}

void only_its_own_acknowledgement_counts(scenario& s) {
    each_is_sent_again(s, {{"another acked_sync_id", [](arrival const& a) { return stand_in::acknowledge(a, {{"acked_sync_id", a.sync_id() + "x"}}); }},
                           {"no acked_sync_id", [](arrival const&) { return stand_in::respond(200, json::object{{"status", "synced"}, {"conflicts", json::array{}}, {"next_sync_in_ms", 5000}}); }},
                           {"status 202", [](arrival const& a) {
                                auto r = stand_in::acknowledge(a);
                                r.response.status = 202;
                                return r;
                            }}});
}

void what_cannot_be_read_is_no_acknowledgement(scenario& s) {
    each_is_sent_again(s, {{"a web page", [](arrival const&) { return reaction{.response = {200, {{"Content-Type", "text/html"}}, "<html><body>Please log in</body></html>"}}; }},
                           {"half of an answer", [](arrival const& a) {
                                auto r = stand_in::acknowledge(a);
                                auto const body = r.response.body;
                                return raw("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size() + 20) + "\r\n\r\n" + body);
                            }},
                           {"something that is no HTTP", [](arrival const&) { return raw("SSH-2.0-OpenSSH_9.2\r\n"); }},
                           {"a closed connection", [](arrival const&) { return stand_in::close(); }},
                           {"status 204", [](arrival const&) { return reaction{.response = {204, {}, ""}}; }}});
}

void transient_answers_are_transient(scenario& s) {
    each_is_sent_again(s, {{"status 500", status(500, "internal")}, {"status 503 and an unknown code", status(503, "a-code-of-tomorrow")}, {"status 599", status(599, "unavailable")},
                           {"status 408", status(408, "timeout")}, {"status 425", status(425, "too-early")}, {"status 429", status(429, "rate-limited")},
                           {"401 stale-request", status(401, "stale-request")}, {"409 sync-id-reuse", status(409, "sync-id-reuse")}});
}

void redirects_are_not_followed_elsewhere(scenario& s) {
    auto const account = s.account();
    stand_in b{s, {.user = account}}, other{s, {.user = account, .elsewhere = true}};
    b.settle();
    auto const away = [&](arrival const& a) {
        return reaction{.response = {307, {{"Location", other.door().origin() + "/" + other.box_name() + a.request.target}}, ""}};
    };
    auto const c = s.fresh("c");
    b.on_push(wrong_for(c, 2, away));
    std::atomic<int> left = 2;
    b.on_pull([&](arrival const& a) { return left-- > 0 ? away(a) : b.feed(a); });
    write(s, b.user(), c);
    bool const came = b.delivered_in_the_end(c);
    b.until(seconds{6}, [&] { return left < 0; });
    b.on_push({}), b.on_pull({});
    auto const strayed = other.pushes().size() + other.pulls().size() + other.streams().size() + other.arrivals(arrival::route::other).size();
    s.expect(strayed == 0, "no request to the other origin that a redirect named", std::to_string(strayed) + " requests there");
    s.expect(came, "the push again, where it was sent first", "none: the redirect was taken for a success, or for the end");
}

void unknown_conflicts_are_ignored(scenario& s) {
    stand_in b{s};
    b.settle();
    auto const c = s.fresh("c"), d = s.fresh("d");
    b.on_push([&](arrival const& a) {
        return stand_in::acknowledge(a, {{"conflicts", json::array{json::object{{"conversation_id", c}, {"message_id", "m1"}, {"conflict_type", "phase_of_the_moon"}, {"resolution_strategy", "coin"}, {"winner", "nobody"}},
                                                                   json::object{{"conversation_id", c}, {"message_id", "m2"}, {"local_version", nullptr}, {"incoming_version", 1}, {"conflict_type", "surface_not_allowed"}, {"resolution_strategy", "refused"}, {"winner", "local"}}}}});
    });
    write(s, b.user(), c);
    s.expect(b.delivered(soon, c), "a push of the change", "none");
    pass(seconds{6});
    write(s, b.user(), d);
    s.expect(b.delivered(soon, d), "a push of the next change, after an answer with conflicts of an unknown type and about a message that was not held", "none");
    s.expect(b.pushes_of(c).size() == 1, "one push of a conversation whose push was acknowledged, with conflicts of an unknown type and about a message that was not held (local_version null)", std::to_string(b.pushes_of(c).size()));
}

void expired_tokens_hold_what_is_due(scenario& s) {
    stand_in b{s};
    b.settle();
    auto const c = s.fresh("c");
    auto const from = b.pushes().size();
    b.on_push(status(401, "sbt-expired"));  // and not the pulls: who is told so there may spare the push
    write(s, b.user(), c);
    s.expect(b.until(soon, [&] { return b.pushes().size() > from; }), "a push of the change", "none");
    pass(seconds{3});
    b.on_push({});
    b.renew(seconds{5}, std::chrono::hours{1});  // it is another one, though it expires earlier
    s.expect(b.delivered(soon, c), "a push of what was due, once there is another session binding token", "none within 20 s of the new registration");
}

void another_epoch_begins_anew(scenario& s) {
    stand_in b{s};
    b.settle();
    auto const c = s.fresh("c"), theirs = s.fresh("theirs"), trigger = s.fresh("trigger");
    b.publish(s.conversation(theirs, 1, {s.message("m1", "text")}));
    write(s, b.user(), c);
    s.expect(b.delivered(soon, c), "a push of the change", "none");
    if (!b.until(seconds{5} + 2 * slack, [&] { return !b.pulls().empty() && b.pulls().back().parameter("since"); })) s.inconclusive("no pull with a since");
    auto const pulls = b.pulls().size();
    b.on_push(wrong_for(trigger, 1, status(409, "epoch-changed")));
    write(s, b.user(), trigger);
    bool const again = b.until(seconds{30} + slack, [&] { return b.pushes_of(c).size() > 1; });
    s.expect(again, "a push of what was acknowledged in the epoch before, after 409 epoch-changed", "none within 30 s");
    s.expect(b.delivered(seconds{30}, trigger), "a push of what was due", "none");
    bool const from_the_beginning = b.until(seconds{10}, [&] {
        auto const all = b.pulls();
        return std::any_of(all.begin() + static_cast<std::ptrdiff_t>(pulls), all.end(), [](arrival const& a) { return !a.parameter("since") && !a.parameter("cursor"); });
    });
    s.expect(from_the_beginning, "a pull from the beginning, after 409 epoch-changed", "only pulls with since or cursor");
}

check const checks[] = {
    {.id = "off/same-push-again",
     .title = "a push is transmitted again with the same sync_id and content, stamped and signed anew",
     .clauses = {"BSP-SYN-031", "BSP-SYN-032", "BSP-OFF-001"},
     .impact = "after an outage of ten minutes every push is refused as stale, or applied twice",
     .likely_cause = "the finished body is kept and sent again, or everything is made anew",
     .run = the_same_push_comes_again,
     .needs = as_client},
    {.id = "off/backoff",
     .title = "pauses grow with every failure, and it goes on however often it fails",
     .clauses = {"BSP-OFF-030", "BSP-OFF-001"},
     .impact = "a server that struggles is kept down, or what was written is given up",
     .likely_cause = "a constant pause, or a maximum of retries after which the item is dropped",
     .run = failures_are_followed_by_longer_pauses,
     .needs = as_client},
    {.id = "off/retry-after",
     .title = "nothing is transmitted before the time that Retry-After gives",
     .clauses = {"BSP-OFF-032"},
     .impact = "a server that asks for a pause gets none",
     .likely_cause = "the header field is not read, or only its form with seconds",
     .run = retry_after_is_kept,
     .needs = as_client},
    {.id = "off/no-hot-loop",
     .title = "refusals with 4xx are not answered by more than two requests a second",
     .clauses = {"BSP-OFF-034", "BSP-GEN-095"},
     .impact = "a client that is refused floods the server with the same request",
     .likely_cause = "a loop that goes on as long as something is due, without a pause",
     .run = refusals_do_not_make_it_hurry,
     .needs = as_client},
    {.id = "off/refused-content",
     .title = "a refused conversation does not hold up the others, and is not tried again at once",
     .clauses = {"BSP-OFF-031", "BSP-GEN-026", "BSP-GEN-094", "BSP-GEN-095"},
     .impact = "one message that the peer does not like stops all exchange for ever",
     .likely_cause = "the refused push stays at the head of the queue",
     .run = one_refused_conversation_holds_no_others_up,
     .needs = as_client},
    {.id = "off/backoff-beside-pulls",
     .title = "pauses between pushes grow though pulls succeed and /health is healthy",
     .clauses = {"BSP-OFF-030"},
     .impact = "a peer that cannot take pushes gets one in every second from everybody",
     .likely_cause = "one counter of failures for a peer, which whatever succeeds sets to zero",
     .run = other_successes_do_not_count,
     .needs = as_client},
    {.id = "off/pull-retry-after",
     .title = "no pull comes before the time that Retry-After gives",
     .clauses = {"BSP-OFF-032"},
     .impact = "a server that asks for rest is asked for changes instead",
     .likely_cause = "Retry-After is read where pushes are answered, and pulls have a path of their own",
     .run = retry_after_is_kept_by_pulls,
     .needs = as_client},
    {.id = "off/cursor-refused",
     .title = "a cursor that is refused with 400 is left out",
     .clauses = {"BSP-OFF-054"},
     .impact = "after the server has forgotten a cursor a device pulls nothing any more",
     .likely_cause = "what is cleared is the watermark alone",
     .run = a_refused_cursor_is_left_out,
     .needs = as_client},
    {.id = "off/interval-of-failures",
     .title = "a next_sync_in_ms of an answer that acknowledges nothing does not count",
     .clauses = {"BSP-OFF-013", "BSP-OFF-012"},
     .impact = "one bad answer, and a device is deaf for minutes",
     .likely_cause = "the pace is taken from the answer before it is looked at",
     .run = failures_set_no_pace,
     .needs = as_client},
    {.id = "off/refused-among-many",
     .title = "a refused conversation in the middle of a push holds up none of those around it",
     .clauses = {"BSP-OFF-031"},
     .impact = "with one conversation that a peer refuses, others are lost on the way",
     .likely_cause = "a push is split in two, and one of the halves is forgotten",
     .run = one_refused_among_many,
     .needs = as_client},
    {.id = "off/wrong-acknowledgement",
     .title = "only 200 with the push's own sync_id is an acknowledgement",
     .clauses = {"BSP-SYN-066"},
     .impact = "changes count as delivered that never were",
     .likely_cause = "whatever is 2xx is taken for success",
     .run = only_its_own_acknowledgement_counts,
     .needs = as_client},
    {.id = "off/unreadable-answer",
     .title = "an answer that cannot be read is no acknowledgement",
     .clauses = {"BSP-SYN-066", "BSP-OFF-001"},
     .impact = "a hotel's login page swallows what was written",
     .likely_cause = "the status alone is looked at",
     .run = what_cannot_be_read_is_no_acknowledgement,
     .needs = as_client},
    {.id = "off/transient-answers",
     .title = "after 408, 425, 429, 5xx and 401 stale-request a push is transmitted again",
     .clauses = {"BSP-OFF-001", "BSP-GEN-094"},
     .impact = "a restart of the server loses what was written meanwhile",
     .likely_cause = "an answer is an answer: the queue item is removed",
     .run = transient_answers_are_transient,
     .needs = as_client},
    {.id = "off/redirect",
     .title = "a redirect is not followed to another origin and not taken for a success",
     .clauses = {"BSP-GEN-015", "BSP-OFF-036"},
     .impact = "signed payloads go to whoever can answer with a redirect",
     .likely_cause = "an HTTP library that follows redirects of its own accord",
     .run = redirects_are_not_followed_elsewhere,
     .needs = as_client},
    {.id = "off/unknown-conflicts",
     .title = "conflicts of an unknown type, or about what the server did not hold, leave an acknowledgement what it is",
     .clauses = {"BSP-MRG-068", "BSP-OFF-020"},
     .impact = "a newer server stops an older client, or one refused message stops all others",
     .likely_cause = "an enumeration that throws on what it does not know, or a record without room for a local_version that is null",
     .run = unknown_conflicts_are_ignored,
     .needs = as_client},
    {.id = "off/token-refused",
     .title = "after 401 sbt-expired what is due waits for another token",
     .clauses = {"BSP-OFF-035"},
     .impact = "what was written overnight is lost when the pairing is renewed in the morning",
     .likely_cause = "a 4xx answer removes the item, or stops the peer until the process restarts",
     .run = expired_tokens_hold_what_is_due,
     .needs = as_client},
    {.id = "off/epoch-changed",
     .title = "after epoch-changed everything is pulled and pushed again",
     .clauses = {"BSP-SYN-134"},
     .impact = "a server restored from a backup never gets back what it lost",
     .likely_cause = "409 is an error like any other",
     .run = another_epoch_begins_anew,
     .needs = as_client},
};

}  // namespace

group client_answers_group() { return {"client_answers", profile::off, checks}; }

}  // namespace bsp::conformance
