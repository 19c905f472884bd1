#include "../registry.hpp"
#include "../surroundings.hpp"
#include "edits.hpp"
#include "ground.hpp"

#include <bsp/base/uri.hpp>

#include <algorithm>
#include <chrono>
#include <functional>
#include <set>
#include <string>
#include <thread>
#include <vector>

// Section 6.4, pulls that are held until there is something to tell: only where the target declares `live_pull`.

namespace bsp::conformance {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using clock = std::chrono::steady_clock;

constexpr int long_wait = 6;  // seconds: what must not be waited for is plainly told from it

/// A peer at a target that offers `wait`.
peer offered_to(scenario& s, registration const& r = {}) {
    s.needs_declared("live_pull");
    return s.register_peer(r);
}

/// GET /sync/{peer_id} with `wait`; `more` is further query.
exchange live_pull(peer const& a, std::string const& since, std::string const& wait, std::string const& more = {}) {
    return a.get("/sync/" + a.peer_id() + "?wait=" + wait + (since.empty() ? "" : "&since=" + percent_encode_segment(since)) + more);
}
exchange live_pull(peer const& a, std::string const& since, int wait, std::string const& more = {}) { return live_pull(a, since, std::to_string(wait), more); }

/// A `since` after every commit (BSP-SYN-123): a pull with it has no entry, whatever others do to the user meanwhile.
std::string the_future(scenario& s) { return s.in_seconds(3600); }

/// What to grant on top of every bound: what a few ordinary requests take here and now.
milliseconds patience(scenario& s, peer const& a) {
    std::chrono::microseconds slowest{};
    for (int i = 0; i < 3; ++i) {
        auto const x = a.pull({.since = the_future(s), .limit = 1});
        s.control(x, "a pull without wait");
        slowest = std::max(slowest, x.took());
    }
    return std::min(std::chrono::duration_cast<milliseconds>(4 * slowest) + milliseconds{250}, milliseconds{2'000});
}

std::string in_ms(clock::duration d) { return std::to_string(std::chrono::duration_cast<milliseconds>(d).count()) + " ms"; }

struct ended {
    exchange x;
    clock::time_point at;
    clock::time_point begun = {};  ///< of what was done meanwhile
};

/// Sends all of `pulls`, does `then` while they are held, and says how and when each ended; `then` is the first.
/// Nothing outside shows that a pull is held, so they are given a moment; one that arrives later is answered at once.
std::vector<ended> hold(scenario& s, std::vector<std::function<exchange()>> const& pulls, std::function<exchange()> const& then) {
    std::vector<clock::time_point> at(pulls.size() + 1);
    clock::time_point begun;
    std::vector<std::function<exchange()>> calls{[&] {
        std::this_thread::sleep_for(milliseconds{250});
        begun = clock::now();
        auto x = then();
        at[0] = clock::now();
        return x;
    }};
    for (std::size_t i = 0; i < pulls.size(); ++i)
        calls.push_back([&, i] {
            auto x = pulls[i]();
            at[i + 1] = clock::now();
            return x;
        });
    std::vector<ended> out;
    for (auto& x : s.together(calls)) out.push_back({x, at[out.size()], begun});
    return out;
}

bool has_more(exchange const& x) { return x.at("/has_more") && *x.at("/has_more") == json::value(true); }

/// Whether the answer of a pull that was to be held tells nothing, with nothing to follow: it may come early (BSP-SYN-151).
bool tells_nothing(exchange const& x) { return x.ok() && objects_at(x.body(), "/conversations").empty() && !has_more(x); }

/// Keeps a pull open that has nothing to tell, for `length` in all; the last answer, or the first refusal.
exchange keep_open(peer const& a, std::string const& since, seconds length) {
    auto const end = clock::now() + length;
    for (;;) {
        auto const left = std::chrono::ceil<seconds>(end - clock::now()).count();
        auto x = live_pull(a, since, static_cast<int>(std::max<std::int64_t>(left, 0)));
        if (!tells_nothing(x) || clock::now() >= end) return x;
        std::this_thread::sleep_for(milliseconds{100});
    }
}

/// Keeps a pull open until an answer is what is waited for, or for `long_wait` in all; the last answer.
exchange follow(peer const& a, std::string since, std::function<bool(exchange const&)> const& is_wanted) {
    auto const end = clock::now() + seconds{long_wait};
    for (std::string cursor;;) {
        auto x = live_pull(a, since, long_wait, "&limit=200" + cursor);
        if (!x.ok() || is_wanted(x) || clock::now() >= end) return x;
        cursor = has_more(x) ? "&cursor=" + percent_encode_segment(x.text("/cursor")) : "";
        if (cursor.empty()) since = x.text("/last_sync");
    }
}

fed entry_of(exchange const& x, std::string const& c) { return of_conversation(objects_at(x.body(), "/conversations"), c); }

void is_answer_to_a_pull(scenario& s, exchange const& x, std::string const& what) {
    s.accepted(x, what);
    s.expect(x.status() == 200, what + " has status 200", x.describe());
    s.expect(parse_timestamp(x.text("/last_sync")).has_value(), what + " has a last_sync", show(x.body()));
    s.expect(x.at("/has_more") && x.at("/has_more")->is_bool(), what + " has has_more", show(x.body()));
}

// ---- with news, and when they come ------------------------------------------------------------------------

void news_are_told_at_once(scenario& s) {
    auto const a = offered_to(s);
    auto const within = seconds{1} + patience(s, a);
    auto const mark = watermark(s, a), c = s.fresh("c");
    s.control(a.push({s.conversation(c, 1, {s.message("m1", "news")})}), "a push");
    auto const at_once = [&](exchange const& x, std::string const& what) {
        is_answer_to_a_pull(s, x, what);
        s.expect_in_time(x.took() < within, what + " is answered at once", "after " + in_ms(x.took()));
    };
    auto const since_mark = live_pull(a, mark, long_wait, "&limit=200");
    at_once(since_mark, "a pull with wait, since before the push,");
    s.expect(entry_of(since_mark, c).present, "the pushed conversation is in it", show(since_mark.body()));
    auto const everything = live_pull(a, "", long_wait, "&limit=1");
    at_once(everything, "a pull of everything with wait");
    s.expect(!tells_nothing(everything), "a pull of everything has an entry, or more to follow", show(everything.body()));
}

/// A change, and what shows in an entry that it is there.
struct change {
    std::string what;
    std::function<exchange()> make;
    std::function<bool(fed const&)> shows;
};

/// Each of `changes` of `c` ends the held pulls of all readers.
void ends_held_pulls(scenario& s, std::vector<peer> const& readers, std::string const& c, std::vector<change> const& changes) {
    auto const within = seconds{1} + patience(s, readers.front());
    std::vector<std::string> since(readers.size(), watermark(s, readers.front()));
    for (auto const& one : changes) {
        auto const is_there = [&](exchange const& x) { return one.shows(entry_of(x, c)); };
        std::vector<std::function<exchange()>> pulls;
        for (std::size_t i = 0; i < readers.size(); ++i) pulls.push_back([&, i] { return follow(readers[i], since[i], is_there); });
        auto const all = hold(s, pulls, one.make);
        s.control(all[0].x, one.what);
        for (std::size_t i = 1; i < all.size(); ++i) {
            auto const what = "the pull that was held during " + one.what;
            is_answer_to_a_pull(s, all[i].x, what);
            s.expect(is_there(all[i].x), what + " brings it", show(all[i].x.body()));
            s.expect_in_time(all[i].at - all[0].at < within, what + " is answered as soon as it is committed", in_ms(all[i].at - all[0].at) + " after it");
            since[i - 1] = all[i].x.text("/last_sync");
        }
    }
}

void push_ends_held_pulls(scenario& s) {
    std::vector<peer> const readers{offered_to(s), s.register_peer()};
    auto const writer = s.register_peer();
    auto const c = s.fresh("c");
    auto const has = [](std::string id) { return [id = std::move(id)](fed const& e) { return e.message(id) != nullptr; }; };
    ends_held_pulls(s, readers, c, {
        {"the push of a new conversation", [&] { return writer.push({s.conversation(c, 1, {s.message("m1", "first")})}); }, has("m1")},
        {"the push of another message", [&] { return writer.push({s.conversation(c, 2, {s.message("m2", "second", 2)})}); }, has("m2")},
        {"the push of a title", [&] { return writer.push({s.conversation(c, 3, {}, set("title", "named"))}); }, [](fed const& e) { return text_at(e.entry, "/title") == "named"; }},
    });
}

void write_ends_held_pulls(scenario& s) {
    auto const reader = offered_to(s);
    auto const who = s.user();
    auto const c = s.fresh("c");
    auto const deleted = [](json::value const& v) { return at(v, "/deleted") && *at(v, "/deleted") == json::value(true); };
    auto const content = [](std::string text) { return [text = std::move(text)](fed const& e) { return e.message("m1") && text_at(json::value(*e.message("m1")), "/content") == text; }; };
    ends_held_pulls(s, {reader}, c, {
        {"a write", [&] { return who.write(c, "written", set("id", "m1")); }, content("written")},
        {"an edit", [&] { return who.write(c, "edited", set("id", "m1")); }, content("edited")},
        {"the deletion of a message", [&] { return who.del("/conversations/" + c + "/messages/m1"); }, [&](fed const& e) { return e.message("m1") && deleted(json::value(*e.message("m1"))); }},
        {"the deletion of the conversation", [&] { return who.del("/conversations/" + c); }, [&](fed const& e) { return e.present && deleted(e.entry); }},
    });
}

// ---- without news -----------------------------------------------------------------------------------------

constexpr int short_waits[] = {0, 1, 2};

/// Pulls that have nothing to tell, one for each of the short waits.
std::vector<exchange> empty_pulls(scenario& s, peer const& a) {
    std::vector<std::function<exchange()>> calls;
    for (int const wait : short_waits) calls.push_back([&s, &a, wait] { return live_pull(a, the_future(s), wait); });
    return s.together(calls);
}

void wait_has_an_end(scenario& s) {
    auto const a = offered_to(s);
    auto const late = seconds{1} + patience(s, a);
    auto const answers = empty_pulls(s, a);
    for (std::size_t i = 0; i < answers.size(); ++i) {
        auto const& x = answers[i];
        auto const what = "a pull with nothing to tell and wait=" + std::to_string(short_waits[i]);
        is_answer_to_a_pull(s, x, what);
        s.expect(objects_at(x.body(), "/conversations").empty() && !has_more(x), what + " ends with an empty last page", show(x.body()));
        s.expect_in_time(x.took() < seconds{short_waits[i]} + late, what + " ends when they have passed", "after " + in_ms(x.took()));
    }
}

void wait_is_waited(scenario& s) {
    auto const a = offered_to(s);
    auto const answers = empty_pulls(s, a);
    for (std::size_t i = 0; i < answers.size(); ++i) {
        s.control(answers[i], "a pull with wait");
        auto const wait = seconds{short_waits[i]};
        s.expect(answers[i].took() > wait - milliseconds{100}, "a pull with nothing to tell and wait=" + std::to_string(short_waits[i]) + " is held that long", "answered after " + in_ms(answers[i].took()));
    }
}

void others_are_not_heard(scenario& s) {
    auto const reader = offered_to(s);
    auto const writer = s.register_peer_of(s.other_account());
    auto const secret = s.canary(), c = s.fresh("c"), mark = watermark(s, reader);
    constexpr int wait = 2;
    auto const held = [&](bool with_commit) {
        return hold(s, {[&] { return live_pull(reader, mark, wait); }}, [&] {
            if (!with_commit) return reader.get("/health");
            s.control(writer.push({s.conversation(c, 1, {s.message("m1", secret)})}), "a push of another user");
            return s.other_user().write(c, secret);
        });
    };
    auto const all = held(true);
    s.control(all[0].x, "a write by another user");
    auto const& x = all[1].x;
    is_answer_to_a_pull(s, x, "a pull that was held meanwhile");
    s.expect(x.bytes().find(secret) == std::string::npos && !entry_of(x, c).present, "a held pull has nothing of another user", show(x.body()));
    if (x.took() > seconds{wait} - milliseconds{100}) return;
    bool const without_too = held(false)[1].x.took() < seconds{wait} - milliseconds{100};
    s.expect(without_too, "a held pull does not end when another user's conversations change", "it ended after " + in_ms(x.took()));
}

// ---- the end of the peer ----------------------------------------------------------------------------------

/// The held pull ended soon after `since`, with what a new request gets.
void has_ended(scenario& s, peer const& a, ended const& held, clock::time_point since, milliseconds granted, std::string const& what) {
    auto const again = a.pull({.limit = 1});
    s.control(again.client_error(), "a new pull after " + what + " is refused");
    s.expect_in_time(held.at - since < seconds{2} + granted, "a held pull ends within 2 s of " + what, in_ms(held.at - since) + " after it");
    s.refused(held.x, "a pull that was held at " + what, {.statuses = {again.status()}, .codes = {again.code()}});
}

void ends_with(scenario& s, peer const& a, std::string const& what, std::function<exchange()> const& removal) {
    auto const granted = patience(s, a);
    auto const future = the_future(s);
    auto const all = hold(s, {[&] { return live_pull(a, future, long_wait); }}, removal);
    s.control(all[0].x, what);
    if (tells_nothing(all[1].x) && all[1].at < all[1].begun) s.untested("the pull was not held until " + what);
    has_ended(s, a, all[1], all[0].at, granted, what);
}

void unpairing_ends_held_pulls(scenario& s) {
    auto const a = offered_to(s), b = s.register_peer();
    ends_with(s, a, "its unpairing by itself", [&] { return a.unpair(); });
    ends_with(s, b, "its unpairing by the user", [&] { return s.user().del("/peers/" + b.peer_id()); });
}

void revocation_ends_held_pulls(scenario& s) {
    auto const a = offered_to(s, {.signing_key = s.fresh_key()});
    ends_with(s, a, "its revocation", [&] { return s.admin().del("/peers/" + a.peer_id()); });
}

/// The token under which a pull began may end while it is held, if there is a newer one (BSP-SBT-037).
void renewal_keeps_held_pulls(scenario& s) {
    auto const first = s.settled({.created = -std::chrono::hours{8} + milliseconds{4'000}});
    auto const a = offered_to(s, first);
    auto const future = the_future(s);
    auto newer = first;
    newer.created = {};
    auto const all = hold(s, {[&] { return keep_open(a, future, seconds{8}); }}, [&] { return s.try_register(newer); });
    s.control(all[0].x, "a registration with a newer token");
    auto const what = std::string{"a pull that is held while its first token expires and a newer one is there"};
    is_answer_to_a_pull(s, all[1].x, what);
    s.expect(objects_at(all[1].x.body(), "/conversations").empty() && !has_more(all[1].x), what + " ends with an empty last page", show(all[1].x.body()));
}

void expiry_ends_held_pulls(scenario& s) {
    auto const a = offered_to(s, {.created = -std::chrono::hours{8} + milliseconds{3'000}});
    auto const future = the_future(s);
    auto const granted = patience(s, a);
    // The target's clock is known to a few seconds only: the first refusal of other pulls tells when the token expired.
    auto const all = hold(s, {[&] { return keep_open(a, future, seconds{8}); }}, [&] {
        auto const end = clock::now() + seconds{7};
        for (;;) {
            auto x = a.pull({.since = future, .limit = 1});
            if (!x.ok() || clock::now() > end) return x;
            std::this_thread::sleep_for(milliseconds{100});
        }
    });
    s.control(all[0].x.client_error(), "a pull is refused once the token has expired");
    has_ended(s, a, all[1], all[0].at, granted, "the expiry of its token");
}

// ---- the rest ---------------------------------------------------------------------------------------------

void waits_of_other_forms(scenario& s) {
    auto const a = offered_to(s);
    // A pull of everything has something to tell, so nobody holds it.
    s.control(a.push({s.conversation(s.fresh("c"), 1, {s.message("m1", "x")})}), "a push");
    for (char const* wait : {"0", "1", "30"}) s.control(live_pull(a, "", wait, "&limit=1"), std::string{"a pull with wait="} + wait);
    for (char const* wait : {"31", "-1", "1.5", "5s", "", "abc", "1e1", "0x5", "%201", "1000", "4294967297", "99999999999999999999"})
        s.refused(live_pull(a, "", wait, "&limit=1"), std::string{"a pull with wait="} + wait, {.statuses = {400}});
}

/// A reader that follows live while others push, and then pulls once without wait, must have seen everything.
void nothing_is_lost(scenario& s) {
    auto const reader = offered_to(s);
    auto const writer = s.register_peer();
    auto const c = s.fresh("c"), begin = watermark(s, reader);
    std::vector<std::string> sent, seen;
    std::vector<std::function<exchange()>> calls;
    for (int lane = 0; lane < 3; ++lane) {
        std::vector<json::object> payloads;
        for (int i = 0; i < 5; ++i) {
            sent.push_back(c + "." + std::to_string(lane) + "-" + std::to_string(i));
            payloads.push_back(writer.payload({s.conversation(sent.back(), 1, {s.message("m1", "news")})}));
        }
        calls.push_back([&s, &writer, payloads = std::move(payloads)] {
            std::this_thread::sleep_for(milliseconds{100});
            for (std::size_t i = 0;; ++i) {
                auto x = s.send({"POST", s.target_path("/sync/" + writer.peer_id()), {}, json::serialize(payloads[i]), {}}, writer.name());
                if (!x.ok() || i + 1 == payloads.size()) return x;
            }
        });
    }
    auto const see = [&](std::vector<json::object> const& entries) {
        for (auto const& e : entries)
            if (auto id = text_at(e, "/conversation_id"); id.starts_with(c + ".") && std::find(seen.begin(), seen.end(), id) == seen.end()) seen.push_back(std::move(id));
    };
    calls.push_back([&] {
        return follow(reader, begin, [&](exchange const& x) {
            see(objects_at(x.body(), "/conversations"));
            return seen.size() == sent.size();
        });
    });
    auto const answers = s.together(calls);
    for (auto const& x : answers) s.control(x, "a request beside others");
    see(reader.pull_all({.since = answers.back().text("/last_sync"), .limit = 200}).conversations);
    auto const all = reader.pull_all({.since = begin, .limit = 200}).conversations;
    std::sort(seen.begin(), seen.end());
    for (auto const& id : sent) s.control(of_conversation(all, id).present, "a pull without wait has what was pushed");
    s.expect(seen == sent, "held pulls, and a pull from their watermark, bring what pulls without wait bring: " + show(sent), show(seen));

    auto const last = live_pull(reader, the_future(s), 1);
    s.control(last, "a pull with nothing to tell");
    auto const after = s.fresh("c");
    s.control(writer.push({s.conversation(after, 1, {s.message("m1", "x")})}), "a push");
    s.expect(of_conversation(reader.pull_all({.since = last.text("/last_sync"), .limit = 200}).conversations, after).present,
             "what is pushed after the end of a held pull is in a pull since its last_sync", "it is absent since " + last.text("/last_sync"));
}

/// Neither what brings nothing new nor another pull of the same peer is a reason to end.
void nothing_disturbs(scenario& s) {
    auto const a = offered_to(s), writer = s.register_peer();
    auto const future = the_future(s);
    std::vector<json::object> const sent{s.conversation(s.fresh("c"), 1, {s.message("m1", "x")})};
    s.control(writer.push(sent), "a push");
    auto const all = hold(s, {[&] { return live_pull(a, future, 2); }}, [&] {
        s.control(writer.push(sent), "the same conversations under another sync_id");
        s.control(writer.push({}), "an empty push");
        return live_pull(a, future, 1);
    });
    for (auto const& one : all) s.control(tells_nothing(one.x), "two pulls of one peer with nothing to tell");
    s.expect(all[1].x.took() > seconds{2} - milliseconds{100}, "a pull with wait=2 is held while pushes bring nothing new and its peer begins another pull", "answered after " + in_ms(all[1].x.took()));
}

/// Who follows live is not told everything twice.
void held_news_are_told_once(scenario& s) {
    auto const a = offered_to(s), writer = s.register_peer();
    auto const c = s.fresh("c"), mark = watermark(s, a);
    auto const all = hold(s, {[&] { return follow(a, mark, [&](exchange const& x) { return entry_of(x, c).present; }); }}, [&] { return writer.push({s.conversation(c, 1, {s.message("m1", "x")})}); });
    s.control(all[0].x, "a push");
    s.control(all[1].x.ok() && entry_of(all[1].x, c).present, "a held pull that brings the change");
    if (has_more(all[1].x)) s.not_applicable("the answer of a held pull is followed by pages");
    s.expect(!of_conversation(a.pull_all({.since = all[1].x.text("/last_sync"), .limit = 200}).conversations, c).present, "a pull since the last_sync of a held answer does not have what that answer had", "it is there again");
}

void pages_are_pages(scenario& s) {
    auto const a = offered_to(s), writer = s.register_peer();
    auto const within = seconds{long_wait - 1};  // held open it would take longer
    auto const push_of = [&](std::vector<std::string> const& ids) {
        std::vector<json::object> all;
        for (auto const& id : ids) all.push_back(s.conversation(id, 1, {s.message("m1", "x")}));
        return writer.push(all);
    };
    /// The pages after `x`, with its own entries.
    auto const all_pages = [&](exchange x, std::string const& what) {
        std::vector<json::object> all;
        std::set<std::string> seen;
        for (int pages = 0;; ++pages) {
            is_answer_to_a_pull(s, x, what);
            auto const entries = objects_at(x.body(), "/conversations");
            s.expect(entries.size() <= 1, what + " with limit=1 has one entry at most", std::to_string(entries.size()));
            all.insert(all.end(), entries.begin(), entries.end());
            if (!has_more(x)) return std::pair{all, x.text("/last_sync")};
            for (auto const& e : entries) s.expect(pages < 100 || seen.insert(json::serialize(e)).second, "the pages come to an end", "after " + std::to_string(pages) + " of them an entry comes again");
            if (pages == 500) s.inconclusive("others wrote more than 500 pages meanwhile");
            x = live_pull(a, "", long_wait, "&limit=1&cursor=" + percent_encode_segment(x.text("/cursor")));
            s.expect_in_time(x.took() < within || tells_nothing(x), what + ", continued by a cursor, is answered at once", "after " + in_ms(x.took()));
        }
    };
    auto const has_all = [&](std::vector<json::object> const& entries, std::vector<std::string> const& ids, std::string const& what) {
        for (auto const& id : ids) s.expect(of_conversation(entries, id).present, what + " brings each of them", id + " is absent");
    };
    std::vector<std::string> const before{s.fresh("c"), s.fresh("c"), s.fresh("c")}, meanwhile{s.fresh("c"), s.fresh("c")};
    auto const mark = watermark(s, a);
    s.control(push_of(before), "a push of three conversations");
    auto const [entries, next] = all_pages(live_pull(a, mark, long_wait, "&limit=1"), "a pull with wait");
    has_all(entries, before, "a pull with wait, page by page,");
    auto const held = hold(s, {[&, since = next] { return live_pull(a, since, long_wait, "&limit=1"); }}, [&] { return push_of(meanwhile); });
    s.control(held[0].x, "a push of two conversations");
    auto [woken, end] = all_pages(held[1].x, "a held pull");
    auto const rest = a.pull_all({.since = end, .limit = 200}).conversations;  // if others' news ended it
    woken.insert(woken.end(), rest.begin(), rest.end());
    has_all(woken, meanwhile, "a held pull, page by page,");
}

void many_are_held(scenario& s) {
    std::vector<peer> peers{offered_to(s)};
    while (peers.size() < 4) peers.push_back(s.register_peer());
    auto const writer = s.register_peer();
    auto const within = std::min(seconds{1} + patience(s, writer), milliseconds{2'200});
    auto const future = the_future(s), c = s.fresh("c");
    std::vector<std::function<exchange()>> pulls;
    for (int i = 0; i < 20; ++i) pulls.push_back([&, i] { return live_pull(peers[static_cast<std::size_t>(i) % peers.size()], future, 3); });
    // What comes late once may have met a busy machine: that it does whenever pulls are held is the fault.
    constexpr int looks = 3;
    for (int n = 1; n <= looks; ++n) {
        std::vector<exchange> others;
        auto const all = hold(s, pulls, [&] {
            others.push_back(writer.push({s.conversation(c, n, {s.message("m" + std::to_string(n), "x")})}));
            others.push_back(s.user().read(c));
            others.push_back(s.user().write(c, "y"));
            others.push_back(writer.pull({.since = future, .limit = 1}));
            return others.back();
        });
        for (auto const& x : others) s.accepted(x, "a request while 20 pulls are held");
        for (std::size_t i = 1; i < all.size(); ++i) s.expect(all[i].x.ok() || all[i].x.status() == 503, "each of 20 held pulls is answered", all[i].x.describe());
        auto const& slowest = *std::ranges::max_element(others, {}, [](exchange const& x) { return x.took(); });
        if (slowest.took() < within) return;
        s.expect_in_time(n < looks, "a request while 20 pulls are held is answered within " + in_ms(within), "after " + in_ms(slowest.took()) + ", and late twice before");
    }
}

check const checks[] = {
    {.id = "syn/live-pull-at-once",
     .title = "a pull with wait is answered at once when there is something to tell",
     .clauses = {"BSP-SYN-148"},
     .impact = "what came while nobody asked stays unread until something else comes",
     .likely_cause = "the next commit is waited for, without a look at what is there",
     .run = news_are_told_at_once},
    {.id = "syn/live-pull-push",
     .title = "a push of another peer ends every held pull of the user, with what it brought",
     .clauses = {"BSP-SYN-149"},
     .impact = "one device hears of another's messages half a minute late",
     .likely_cause = "the store is looked at when the time is over, or one of those who wait is woken",
     .run = push_ends_held_pulls,
     .needs = need::own_user},
    {.id = "syn/live-pull-write",
     .title = "writes and deletions of chapter 8 end a held pull, with what they changed",
     .clauses = {"BSP-SYN-149"},
     .impact = "what is written on the web reaches the desktop half a minute late",
     .likely_cause = "only the handler of pushes wakes those who wait",
     .run = write_ends_held_pulls,
     .needs = need::own_user},
    {.id = "syn/live-pull-empty",
     .title = "a pull with nothing to tell ends with an empty last page when wait has passed",
     .clauses = {"BSP-SYN-150"},
     .impact = "clients take silence for a failure, and back off",
     .likely_cause = "the end of the wait is an error, or is never reached",
     .run = wait_has_an_end, .needs = need::patience},
    {.id = "syn/live-pull-held",
     .title = "a pull with nothing to tell is held as long as wait says",
     .clauses = {"BSP-SYN-151"},
     .impact = "clients ask again and again, as fast as they can",
     .likely_cause = "wait is read and not used, or taken for milliseconds",
     .run = wait_is_waited,
     .needs = need::patience,
     .strength = obligation::should},
    {.id = "syn/live-pull-other-user",
     .title = "a held pull neither shows nor reacts to what another user's conversations do",
     .clauses = {"BSP-SYN-153"},
     .impact = "one can watch when a stranger writes, or what",
     .likely_cause = "one signal for all users",
     .run = others_are_not_heard,
     .needs = need::second_user | need::own_user},
    {.id = "syn/live-pull-unpaired",
     .title = "unpairing ends the held pulls of the peer within 2 s, with a refusal",
     .clauses = {"BSP-SYN-152"},
     .impact = "a device that was sent away goes on listening",
     .likely_cause = "the right to pull is looked at when the request comes, and not again",
     .run = unpairing_ends_held_pulls},
    {.id = "syn/live-pull-revoked",
     .title = "revocation ends the held pulls of the peer within 2 s, with a refusal",
     .clauses = {"BSP-SYN-152"},
     .impact = "a stolen device goes on listening",
     .likely_cause = "the right to pull is looked at when the request comes, and not again",
     .run = revocation_ends_held_pulls,
     .needs = need::admin_token | need::hosted_target},
    {.id = "syn/live-pull-renewed",
     .title = "a held pull outlives the token under which it began where there is a newer one",
     .clauses = {"BSP-SYN-150", "BSP-SBT-037"},
     .impact = "each renewal of a token is followed by a refusal, and the device waits for a token that it has",
     .likely_cause = "the end of the token is taken down when the pull arrives",
     .run = renewal_keeps_held_pulls, .needs = need::patience},
    {.id = "syn/live-pull-expired",
     .title = "the expiry of its token ends the held pulls of the peer within 2 s, with a refusal",
     .clauses = {"BSP-SYN-152"},
     .impact = "eight hours become longer",
     .likely_cause = "only events end a held pull, and the passing of time is none",
     .run = expiry_ends_held_pulls, .needs = need::patience},
    {.id = "syn/live-pull-wait-form",
     .title = "a wait that is not an integer from 0 to 30 is refused",
     .clauses = {"BSP-SYN-154"},
     .impact = "mistakes of clients stay unnoticed, and show as requests that never end",
     .likely_cause = "the number is read as far as it goes, or cut to the range",
     .run = waits_of_other_forms,
     .strength = obligation::should},
    {.id = "syn/live-pull-loses-nothing",
     .title = "who follows with held pulls misses nothing of what is committed meanwhile",
     .clauses = {"BSP-SYN-149", "BSP-SYN-107"},
     .impact = "of two messages that come at once, one is never seen",
     .likely_cause = "the watermark is taken after the entries, or the commit that woke the pull is all that is told",
     .run = nothing_is_lost},
    {.id = "syn/live-pull-undisturbed",
     .title = "neither pushes that bring nothing new nor another pull of its peer end a held pull",
     .clauses = {"BSP-SYN-151"},
     .impact = "devices that wait are woken for nothing, and ask again and again",
     .likely_cause = "every push wakes whoever waits, and who is woken answers; or a peer has one place to wait in",
     .run = nothing_disturbs,
     .needs = need::patience,
     .strength = obligation::should},
    {.id = "syn/live-pull-once",
     .title = "what a held answer had is not in a pull since its last_sync",
     .clauses = {"BSP-SYN-108"},
     .impact = "every change travels twice to whoever follows live",
     .likely_cause = "the watermark is taken before the wait",
     .run = held_news_are_told_once,
     .strength = obligation::should},
    {.id = "syn/live-pull-pages",
     .title = "limit and cursor are the same with wait as without it",
     .clauses = {"BSP-SYN-148", "BSP-SYN-112", "BSP-SYN-104"},
     .impact = "a client that asks for little gets everything at once, or begins anew with each page",
     .likely_cause = "the held answer is made by other code than the others",
     .run = pages_are_pages,
     .needs = need::own_user},
    {.id = "syn/live-pull-many",
     .title = "while 20 pulls are held, other requests are answered as promptly as ever",
     .clauses = {"BSP-SYN-155"},
     .impact = "a few idle devices make the backend stand still for everybody",
     .likely_cause = "each held pull occupies a thread or a lock",
     .run = many_are_held,
     .needs = need::own_user,
     .strength = obligation::should},
};

}  // namespace

group live_pull_group() { return {"live-pull", profile::syn, checks}; }

}  // namespace bsp::conformance
