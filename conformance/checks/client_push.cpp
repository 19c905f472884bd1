#include "as_client.hpp"
#include "../answer_forms.hpp"
#include "../signing_key.hpp"
#include "edits.hpp"

#include <bsp/base/encoding.hpp>
#include <bsp/base/identifier.hpp>
#include <bsp/crypto/rsa.hpp>
#include <bsp/json/c14n.hpp>

#include <algorithm>
#include <map>
#include <set>

// Chapter 10, what a client pushes, and when. The suite is the other backend.

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

void a_change_is_pushed_at_once(scenario& s) {
    stand_in b{s};
    b.meet();
    auto const first = s.fresh("c");
    write(s, b.user(), first);
    s.expect(b.delivered(seconds{40}, first), "a push of a change that was written at the target", "none within 40 s, although the peer is healthy");
    // Each comes shortly after a push, so that a timer of five seconds is late for all of them. A busy machine is late for some.
    auto fastest = milliseconds::max();
    for (int i = 0; i < 4; ++i) {
        pass(milliseconds{500});
        auto const c = s.fresh("c");
        write(s, b.user(), c);
        auto const written = std::chrono::steady_clock::now();
        s.expect(b.delivered(soon, c), "a push of the change within 1 s of its commit", "none within " + seconds_text(soon));
        fastest = std::min(fastest, between(written, b.pushes_of(c).front().at));
    }
    s.expect(fastest <= seconds{1} + slack, "pushes of changes within 1 s of their commits", "the fastest of four took " + seconds_text(fastest));
    s.evidence("pushes of what was written just now");
}

void what_was_there_before_is_due(scenario& s) {
    auto const account = s.account();
    auto const c = s.fresh("c");
    auto const m = write(s, s.user(account), c);
    stand_in b{s, {.user = account}};
    b.meet();
    s.expect(b.delivered(seconds{40}, c, m), "a push of what was written before the peer was registered", "none within 40 s");
}

void pushes_are_signed(scenario& s) {
    stand_in b{s};
    b.settle();
    auto const c = s.fresh("c");
    auto const x = b.user().write(c, "žluťoučký \"kůň\" \u2028 \n\t 12.50", [](json::object& body) { body["title"] = "title"; body["x_rank"] = json::object{{"b", 1}, {"a", json::array{-15, nullptr}}}; });
    s.control(x, "a write at the target");
    s.expect(b.delivered(soon, c), "a push of it", "none");
    auto const push = b.pushes_of(c).front();
    s.expect(verifies(s, push), "a signature with PS256 over C14N-1 of the payload by the key of the target's /identity", show(push.body));
    auto const* type = push.request.headers.find("Content-Type");
    s.expect(type && type->starts_with("application/json"), "Content-Type application/json", type ? *type : "none");
    auto const* sent = find_by_id(*push.conversation(c), "/messages", x.text("/id"));
    s.expect(sent != nullptr, "the message that was written", show(*push.conversation(c)));
    s.expect_same("the message", x.body(), at(*push.conversation(c), "/messages/0"));
    s.evidence("a signed push of what was written just now");
}

/// What a client says itself is in the forms of chapter 1, though not every receiver insists on them.
void pushes_have_their_form(scenario& s) {
    stand_in b{s};
    b.settle();
    auto const c = s.fresh("c"), d = s.fresh("d");
    auto const m = write(s, b.user(), c);
    write(s, b.user(), d);
    s.control(b.delivered(soon, c, m) && b.delivered(soon, d), "pushes of two conversations");
    auto const before = b.pushes().size();
    s.control(b.user().del("/conversations/" + c + "/messages/" + m), "the deletion of a message");
    s.control(b.user().del("/conversations/" + d), "the deletion of a conversation");
    s.control(b.until(soon, [&] { return b.pushes().size() > before && b.pushes_of(c).size() > 1 && b.pushes_of(d).size() > 1; }), "pushes of the deletions");
    for (auto const& push : b.pushes()) {
        s.expect(is_own_time(text_at(push.body, "/timestamp")), "timestamp is in UTC with T and Z", text_at(push.body, "/timestamp"));
        s.expect(is_identifier(push.sync_id()), "sync_id is an identifier", push.sync_id());
        auto const* conversations = at(push.body, "/conversations");
        s.expect(conversations && conversations->is_array(), "conversations is an array", show(push.body));
        // A push holds what a page does.
        auto const wrong = misshape_of("GET", "/sync/p", json::object{{"conversations", *conversations}, {"last_sync", "2025-06-01T00:00:00Z"}, {"has_more", false}});
        s.expect(!wrong, wrong ? wrong->expected : "", wrong ? wrong->actual : "");
    }
    s.evidence("pushes of writes and deletions");
}

/// A deletion is a change like others.
void deletions_are_pushed(scenario& s) {
    stand_in b{s};
    b.settle();
    auto const c = s.fresh("c"), d = s.fresh("d");
    auto const m = write(s, b.user(), c);
    write(s, b.user(), c);
    write(s, b.user(), d);
    s.control(b.delivered(soon, c, m) && b.delivered(soon, d), "pushes of two conversations");
    auto const deleted = [&](std::string const& id, auto const& is_tombstone, std::string const& what) {
        bool const came = b.until(soon, [&] {
            auto const all = b.pushes_of(id);
            return std::any_of(all.begin(), all.end(), [&](arrival const& push) { return push.acknowledged && is_tombstone(*push.conversation(id)); });
        });
        s.expect(came, "a push of the deletion of " + what + " within 1 s", "none within " + seconds_text(soon));
    };
    s.control(b.user().del("/conversations/" + c + "/messages/" + m), "the deletion of a message");
    deleted(c, [&](json::object const& o) {
        auto const* one = find_by_id(o, "/messages", m);
        return one && one->contains("deleted") && one->at("deleted") == json::value(true);
    }, "a message");
    s.control(b.user().del("/conversations/" + d), "the deletion of a conversation");
    deleted(d, [](json::object const& o) { return o.contains("deleted") && o.at("deleted") == json::value(true); }, "a conversation");
    s.evidence("pushes of deletions");
}

/// A newer token is the same registration: what it does not say stays, and nothing begins anew.
void renewals_change_nothing(scenario& s) {
    stand_in b{s};
    b.settle();
    auto const c = s.fresh("c"), d = s.fresh("d");
    write(s, b.user(), c);
    s.control(b.delivered(soon, c), "a push of a change");
    pass(milliseconds{500});  // for the acknowledgement to be kept
    registration again{.user = b.account(), .backend_id = b.backend_id(), .backend_type = b.at_target().backend_type(), .signing_key = b.at_target().signing_key(), .created = seconds{20}};
    s.control(s.try_register(again), "the registration with a newer token, without endpoints");
    write(s, b.user(), d);
    s.expect(b.delivered(soon + seconds{2}, d), "a push of a change after the token was renewed, to the endpoint that was given before", "none");
    pass(seconds{2});
    s.expect(b.pushes_of(c).size() == 1, "one push of a conversation that did not change since", std::to_string(b.pushes_of(c).size()) + " pushes of it");
}

void payloads_hold_conversations_only(scenario& s) {
    stand_in b{s};
    b.settle();
    auto const c = s.fresh("c");
    std::atomic<int> left = 1;
    b.on_push([&](arrival const& a) { return a.conversation(c) && left-- > 0 ? stand_in::problem(503, "unavailable") : stand_in::acknowledge(a); });
    write(s, b.user(), c);
    bool const came = b.delivered_in_the_end(c);
    b.on_push({});
    s.expect(came, "a push of the change, after one was answered 503", "none");
    auto const d = s.fresh("d");
    write(s, b.user(), d);
    s.expect(b.delivered(soon, d), "a push of the next change", "none");
    for (auto const& push : b.pushes()) {
        auto const* all = at(push.body, "/conversations");
        s.expect(all && all->is_array(), "an array conversations", show(push.body));
        for (auto const& one : all->get_array()) {
            bool const is_one = at(one, "/conversation_id") && at(one, "/version") && at(one, "/last_modified") && at(one, "/surfaces") && at(one, "/messages") && at(one, "/messages")->is_array();
            s.expect(is_one, "every element of conversations is a conversation", show(one));
            for (auto const& m : objects_at(one, "/messages"))
                s.expect(!text_at(m, "/id").empty() && at(m, "/version") && at(m, "/timestamp") && at(m, "/content"), "every element of messages is a message", show(json::value(m)));
        }
    }
}

void audience_is_named(scenario& s) {
    stand_in b{s};
    b.settle();
    for (auto const& push : b.pushes()) {
        s.expect(text_at(push.body, "/peer_id") == b.id_of_target(), "peer_id " + b.id_of_target(), text_at(push.body, "/peer_id"));
        s.expect(text_at(push.body, "/source_backend_id") == s.identity().backend_id, "source_backend_id " + s.identity().backend_id, text_at(push.body, "/source_backend_id"));
        s.expect(text_at(push.body, "/target_backend_id") == b.backend_id(), "target_backend_id " + b.backend_id(), text_at(push.body, "/target_backend_id"));
    }
}

void the_unchanged_is_not_sent_again(scenario& s) {
    stand_in b{s};
    b.settle();
    auto const c = s.fresh("c"), d = s.fresh("d");
    write(s, b.user(), c);
    s.expect(b.delivered(soon, c), "a push of the change", "none");
    pass(seconds{6});
    write(s, b.user(), d);
    s.expect(b.delivered(soon, d), "a push of another change", "none");
    pass(seconds{6});  // more than two intervals in all
    auto const all = b.pushes_of(c);
    s.expect(all.size() == 1, "one push of a conversation that did not change since", std::to_string(all.size()) + " pushes of it within 12 s");
}

/// Three conversations written one after the other while a push is under way; the arrival and the place in it of each.
std::vector<std::pair<std::size_t, std::size_t>> written_during_a_push(scenario& s) {
    stand_in b{s};
    b.settle();
    auto const first = s.fresh("c");
    b.on_push([&](arrival const& a) {
        auto r = stand_in::acknowledge(a);
        if (a.conversation(first)) r.delay = seconds{3};
        return r;
    });
    write(s, b.user(), first);
    if (!b.until(soon, [&] { return !b.pushes_of(first).empty(); })) s.inconclusive("no push to be slow with");
    // Names that sort otherwise than they are written.
    std::vector<std::string> const later{s.fresh("z"), s.fresh("a"), s.fresh("m")};
    for (auto const& c : later) write(s, b.user(), c);
    if (b.pushes_of(first).front().over) s.inconclusive("the writes took longer than the slow push");
    std::vector<std::pair<std::size_t, std::size_t>> out;
    for (auto const& c : later) {
        bool const came = b.delivered(soon, c);
        if (&c == &later.back()) b.on_push({});
        s.expect(came, "a push of each change that was written while another was under way", "none of " + c);
        auto const push = b.pushes_of(c).front();
        auto const ids = ids_at(push.body, "/conversations", "conversation_id");
        out.emplace_back(push.number, static_cast<std::size_t>(std::find(ids.begin(), ids.end(), c) - ids.begin()));
    }
    return out;
}

std::string as_text(std::vector<std::pair<std::size_t, std::size_t>> const& places) {
    std::string out;
    for (auto const& [push, place] : places) out += (out.empty() ? "" : ", ") + std::string{"push "} + std::to_string(push) + " place " + std::to_string(place);
    return out;
}

void changes_go_in_the_order_of_commits(scenario& s) {
    auto const places = written_during_a_push(s);
    s.expect(std::is_sorted(places.begin(), places.end()), "changes in the order in which they were written", as_text(places));
}

void changes_go_together(scenario& s) {
    auto const places = written_during_a_push(s);
    s.expect(places.front().first == places.back().first, "one push of the changes that were written while another was under way", as_text(places));
}

void a_write_during_a_push_is_not_lost(scenario& s) {
    stand_in b{s};
    b.settle();
    auto const c = s.fresh("c"), d = s.fresh("d");
    std::atomic<bool> slow = true;
    b.on_push([&](arrival const& a) {
        auto r = stand_in::acknowledge(a);
        if (a.conversation(c) && slow.exchange(false)) r.delay = seconds{2};
        return r;
    });
    write(s, b.user(), c);
    s.expect(b.until(soon, [&] { return !b.pushes_of(c).empty(); }), "a push of the change", "none");
    auto const m = write(s, b.user(), c, "written while the push is under way");
    write(s, b.user(), d);
    if (b.pushes_of(c).front().over) s.inconclusive("the writes took longer than the slow push");
    bool const same = b.delivered(soon, c, m), other = b.delivered(soon, d);
    b.on_push({});
    s.expect(same, "a push of the message that was written into the conversation while the push of that was under way", "none within 20 s of the answer");
    s.expect(other, "a push of the conversation that was written while a push was under way", "none");
}

void a_stream_of_changes_stays_in_the_budget(scenario& s) {
    constexpr std::size_t in_a_minute = 100;
    constexpr seconds spell{50};
    stand_in b{s};
    b.settle();
    auto const c = s.fresh("c");
    auto const before = b.pushes().size();
    auto const end = std::chrono::steady_clock::now() + spell;
    std::size_t pushed = 0;
    for (; std::chrono::steady_clock::now() < end && pushed <= in_a_minute; pushed = b.pushes().size() - before) {
        auto const x = b.user().write(c, "a few letters more");
        if (!x.ok()) break;  // its own limits
        b.delivered(milliseconds{200}, c, x.text("/id"));  // so that whoever pushes each change has done so
    }
    s.expect(pushed <= in_a_minute, "no more than 100 pushes in a minute, while one change follows the other", std::to_string(pushed) + " in " + seconds_text(spell));
}

void silence_has_an_end(scenario& s) {
    stand_in b{s};
    b.settle();
    auto const c = s.fresh("c");
    std::atomic<bool> silent = true;
    b.on_push([&](arrival const& a) { return a.conversation(c) && silent.exchange(false) ? stand_in::hang() : stand_in::acknowledge(a); });
    auto const m = write(s, b.user(), c);
    bool const came = b.until(soon, [&] { return !b.pushes_of(c).empty(); });
    bool const again = came && b.delivered(seconds{30} + soon, c, m);
    b.on_push({});
    s.expect(came, "a push of the change", "none");
    s.expect(again, "the push again, after 30 s without an answer", "none within " + seconds_text(seconds{30} + soon));
}

void one_push_and_one_pull_at_a_time(scenario& s) {
    stand_in b{s};
    b.settle();
    b.on_push([](arrival const& a) {
        auto r = stand_in::acknowledge(a);
        r.delay = milliseconds{1'500};
        return r;
    });
    b.on_pull([&](arrival const& a) {
        auto r = b.feed(a);
        r.delay = seconds{7};
        return r;
    });
    for (int i = 0; i < 6; ++i) {
        write(s, b.user(), s.fresh("c"));
        if (i == 2) b.renew(seconds{5}, std::chrono::hours{8});  // another token makes no second client
        pass(milliseconds{400});
    }
    pass(seconds{11});
    b.on_push({}), b.on_pull({});
    for (auto what : {arrival::route::push, arrival::route::pull}) {
        auto const all = b.arrivals(what);
        s.control(all.size() > 1, "pushes and pulls to look at");
        for (std::size_t i = 1; i < all.size(); ++i) {
            auto const& before = all[i - 1];
            auto const ended = before.left ? before.left : before.over;  // who has given an answer up may ask again
            bool const apart = ended && *ended <= all[i].at + milliseconds{100};
            s.expect(apart, std::string{"one "} + (what == arrival::route::push ? "push" : "pull") + " to a peer at a time",
                     "another one " + seconds_text(between(before.at, all[i].at)) + " after one that was answered after " + (before.over ? seconds_text(between(before.at, *before.over)) : std::string{"more than that"}));
        }
    }
}

/// Who goes on talking is pushed meanwhile.
void pushes_amid_changes(scenario& s) {
    stand_in b{s};
    b.settle();
    auto const c = s.fresh("c");
    auto const first = write(s, b.user(), c);
    auto const begun = std::chrono::steady_clock::now();
    while (std::chrono::steady_clock::now() < begun + seconds{8}) {
        write(s, b.user(), c);
        pass(milliseconds{200});
    }
    auto const came = [&]() -> std::optional<moment> {
        for (auto const& a : b.pushes())
            if (a.has_message(c, first)) return a.at;
        return std::nullopt;
    }();
    auto const after = came ? between(begun, *came) : milliseconds{};
    s.expect(came && after <= seconds{1} + slack, "a push within a second of the first of many changes, five in each second", came ? "one after " + seconds_text(after) : "none in eight seconds");
}

/// A conversation that stands at both ends of a long queue is one conversation.
void written_at_both_ends_of_the_queue(scenario& s) {
    stand_in b{s};
    b.settle();
    b.on_push([](arrival const&) { return stand_in::problem(503, "unavailable"); });
    auto const stuck = s.fresh("stuck"), both_ends = s.fresh("both");
    write(s, b.user(), stuck);
    auto const failed = [&] { return std::ranges::any_of(b.pushes(), [](arrival const& a) { return a.status == 503 && a.over; }); };  // with this or with what others wrote
    s.control(b.until(soon, failed), "a push that fails, behind which the rest waits");
    auto const first = write(s, b.user(), both_ends);
    std::vector<std::string> between;
    for (int i = 0; i < 60; ++i) write(s, b.user(), between.emplace_back(s.fresh("c")));
    auto const last = write(s, b.user(), both_ends);
    b.on_push({});
    (void)b.flap();  // whereupon the outage is over for the target
    for (auto const& c : between) s.expect(b.delivered_in_turn(c), "pushes of all sixty conversations that were written to in an outage", "none of " + c);
    s.expect(b.delivered(soon, both_ends, first), "a push of the message that was written first in the outage, before sixty other conversations and another message of its own", "none");
    s.expect(b.delivered(soon, both_ends, last), "a push of the message that was written last in that conversation", "none");
}

void pushes_keep_to_what_everybody_accepts(scenario& s) {
    auto const account = s.account();
    auto const source = s.register_peer_of(account);
    std::vector<std::string> ids;
    for (int half = 0; half < 2; ++half) {
        std::vector<json::object> some;
        for (int i = 0; i < 300; ++i) {
            ids.push_back(s.fresh("c"));
            some.push_back(s.conversation(ids.back(), 1, {s.message("m1", "text")}));
        }
        s.control(source.push(std::move(some)), "a push of 300 conversations to the target");
    }
    auto const long_one = s.fresh("long");
    for (int part = 0; part < 2; ++part) {
        std::vector<json::object> messages;
        for (int i = 0; i < 600; ++i) messages.push_back(s.message("m" + std::to_string(part * 600 + i), "text"));
        s.control(source.push({s.conversation(long_one, part + 1, std::move(messages))}), "a push of 600 messages to the target");
    }
    // A third of what its escaped form takes, where that is what travels.
    auto const wide = s.fresh("wide");
    std::string content;
    for (int i = 0; i < 262'000; ++i) content += "\xF0\x9F\x98\x80";
    for (int i = 0; i < 4; ++i) s.control(source.push({s.conversation(wide, i + 1, {s.message("m" + std::to_string(i), content)})}), "a push of a message of 1,048,000 bytes to the target");
    // What is large may stand beside the messages, too.
    std::vector<std::string> noted;
    for (int i = 0; i < 3; ++i) {
        ids.push_back(noted.emplace_back(s.fresh("noted")));
        s.control(source.push({s.conversation(noted.back(), 1, {s.message("m1", "text")}, set("notes", std::string(4'000'000, 'n')))}), "a push of a conversation with a member of 4,000,000 characters to the target");
    }
    for (int i = 2; i <= 12; ++i)
        s.control(source.push({s.conversation(noted.back(), i, {s.message("m" + std::to_string(i), std::string(1'000'000, 'c'))}, set("notes", std::string(4'000'000, 'n')))}), "a push of a message of 1,000,000 bytes to the target");
    stand_in b{s, {.user = account}};
    b.meet();
    std::size_t messages = 0;
    std::size_t others = 0;
    std::set<std::string> of_wide_one;
    auto const have_come = [&] {
        std::set<std::string> conversations, of_long_one;
        for (auto const& push : b.pushes()) {
            if (!push.acknowledged) continue;
            for (auto const& id : ids_at(push.body, "/conversations", "conversation_id")) conversations.insert(id);
            for (auto const& c : objects_at(push.body, "/conversations"))
                for (auto const& [which, into] : {std::pair{&long_one, &of_long_one}, {&wide, &of_wide_one}})
                    if (text_at(c, "/conversation_id") == *which)
                        for (auto const& id : ids_at(c, "/messages")) into->insert(id);
        }
        messages = of_long_one.size();
        others = static_cast<std::size_t>(std::ranges::count_if(ids, [&](auto const& id) { return conversations.contains(id); }));
        return messages == 1'200 && of_wide_one.size() == 4 && others == ids.size();
    };
    bool all_came = false;
    for (auto const end = std::chrono::steady_clock::now() + std::chrono::minutes{10}; !all_came && std::chrono::steady_clock::now() < end;) {
        auto const before = messages + others + of_wide_one.size();  // small payloads take longer
        all_came = b.until(seconds{60}, have_come);
        if (messages + others + of_wide_one.size() == before) break;
    }
    for (auto const& id : noted) (void)b.user().del("/conversations/" + id);  // or whoever comes later is sent them, too
    (void)b.user().del("/conversations/" + wide);
    for (auto const& push : b.pushes()) {
        auto const conversations = objects_at(push.body, "/conversations");
        s.expect(conversations.size() <= 500, "at most 500 conversations in a push", std::to_string(conversations.size()));
        s.expect(push.request.body.size() <= (10u << 20), "at most 10 MiB in a push", std::to_string(push.request.body.size()) + " bytes");
        std::map<std::string, std::size_t> messages_of;
        for (auto const& c : conversations) messages_of[text_at(c, "/conversation_id")] += objects_at(c, "/messages").size();
        for (auto const& [id, n] : messages_of) s.expect(n <= 1'000, "at most 1000 messages of a conversation in a push", std::to_string(n));
    }
    s.expect(messages == 1'200 && others == ids.size(), "pushes of all 603 conversations and of all 1200 messages of another", std::to_string(messages) + " of 1200 messages within 60 s");
    s.expect(all_came, "pushes of all four messages of 1,048,000 bytes of another", std::to_string(of_wide_one.size()) + " of them");
}

check const checks[] = {
    {.id = "off/pushes-on-change",
     .title = "a change is pushed within a second",
     .clauses = {"BSP-OFF-010"},
     .impact = "what is said on one device reaches the others seconds late, or never",
     .likely_cause = "a timer of five seconds and nothing that wakes it",
     .run = a_change_is_pushed_at_once,
     .needs = as_client},
    {.id = "off/pushes-history",
     .title = "what was written before a peer was registered is pushed to it",
     .clauses = {"BSP-OFF-001"},
     .impact = "everything said before the pairing is missing at the other side",
     .likely_cause = "the queue begins to fill with the registration",
     .run = what_was_there_before_is_due,
     .needs = as_client},
    {.id = "off/push-is-signed",
     .title = "a push is signed over all that it holds, and holds what was written",
     .clauses = {"BSP-AUT-007", "BSP-OFF-001"},
     .impact = "no right peer accepts a push",
     .likely_cause = "the signature is made over another serialization than the one of chapter 1",
     .run = pushes_are_signed,
     .needs = as_client},
    {.id = "off/push-form",
     .title = "pushes are in the forms of chapter 1",
     .clauses = {"BSP-GEN-028", "BSP-GEN-050", "BSP-MPP-005"},
     .impact = "strict servers refuse what the client sends, and others misread when it was",
     .likely_cause = "a serializer of the platform: local times, floating-point numbers, null for what is absent",
     .run = pushes_have_their_form,
     .needs = as_client},
    {.id = "off/push-deletions",
     .title = "what is deleted at the client is pushed as deleted",
     .clauses = {"BSP-OFF-001", "BSP-OFF-010"},
     .impact = "what a person deleted stays with everybody else",
     .likely_cause = "what is pushed is read as the user would read it, without what is deleted",
     .run = deletions_are_pushed,
     .needs = as_client},
    {.id = "off/renewed",
     .title = "a newer token without endpoints leaves endpoints and positions as they were",
     .clauses = {"BSP-REG-027", "BSP-OFF-020", "BSP-OFF-001"},
     .impact = "every morning a device sends all it has again, or nothing any more",
     .likely_cause = "a renewed registration is a new row, with the defaults of one",
     .run = renewals_change_nothing,
     .needs = as_client},
    {.id = "off/payload-is-conversations",
     .title = "a payload holds conversations and nothing else, also after a failure",
     .clauses = {"BSP-OFF-024"},
     .impact = "the peer refuses the push, and with it the conversations in it",
     .likely_cause = "one queue for all kinds of items, drained into payloads without a look at the kind",
     .run = payloads_hold_conversations_only,
     .needs = as_client},
    {.id = "off/audience-named",
     .title = "a push names peer, source and target",
     .clauses = {"BSP-SYN-033"},
     .impact = "a payload can be replayed to another backend",
     .likely_cause = "the members are optional, and so they were left out",
     .run = audience_is_named,
     .needs = as_client,
     .strength = obligation::should},
    {.id = "off/unchanged-not-resent",
     .title = "an acknowledged conversation is not pushed again as long as it does not change",
     .clauses = {"BSP-OFF-020"},
     .impact = "the whole history travels every five seconds",
     .likely_cause = "every cycle pushes a full snapshot",
     .run = the_unchanged_is_not_sent_again,
     .needs = as_client},
    {.id = "off/order-of-commits",
     .title = "changes are pushed in the order of their commits",
     .clauses = {"BSP-OFF-022"},
     .impact = "an answer arrives before the question",
     .likely_cause = "the due conversations are sorted by id, or come out of a hash table",
     .run = changes_go_in_the_order_of_commits,
     .needs = as_client,
     .strength = obligation::should},
    {.id = "off/changes-together",
     .title = "changes written during a push go together in the next one",
     .clauses = {"BSP-OFF-011"},
     .impact = "a burst of changes takes a round trip each",
     .likely_cause = "every change is a queue item, and every item a push",
     .run = changes_go_together,
     .needs = as_client,
     .strength = obligation::should},
    {.id = "off/gives-up",
     .title = "a push that is not answered for half a minute is sent again",
     .clauses = {"BSP-OFF-016"},
     .impact = "one lost answer, and this pair of backends never syncs again",
     .likely_cause = "the HTTP client has no timeout",
     .run = silence_has_an_end,
     .needs = as_client | need::a_minute,
     .strength = obligation::should},
    {.id = "off/push-budget",
     .title = "changes that follow each other closely go together before the peer's budget of a minute is spent",
     .clauses = {"BSP-OFF-017"},
     .impact = "after a hundred quick changes the peer refuses the next ones for up to a minute",
     .likely_cause = "every commit is pushed as soon as the one before is acknowledged",
     .run = a_stream_of_changes_stays_in_the_budget,
     .needs = as_client | need::a_minute,
     .strength = obligation::should},
    {.id = "off/write-during-push",
     .title = "a change that is written while a push is under way is pushed at once after it",
     .clauses = {"BSP-OFF-003", "BSP-OFF-004", "BSP-OFF-010"},
     .impact = "a message written at the wrong moment never reaches the other side",
     .likely_cause = "after the answer the position is set to now, or to the latest commit",
     .run = a_write_during_a_push_is_not_lost,
     .needs = as_client},
    {.id = "off/one-at-a-time",
     .title = "no two pushes and no two pulls to a peer are under way at once",
     .clauses = {"BSP-OFF-015"},
     .impact = "overlapping runs send everything twice and overtake each other",
     .likely_cause = "a timer or a repeated registration starts a run whether or not the last one is over",
     .run = one_push_and_one_pull_at_a_time,
     .needs = as_client},
    {.id = "off/pushes-amid-changes",
     .title = "a change is pushed within a second though others follow without a pause",
     .clauses = {"BSP-OFF-010"},
     .impact = "while an assistant streams its answer nothing reaches the other devices",
     .likely_cause = "each change puts the push off anew: a debounce without an end",
     .run = pushes_amid_changes,
     .needs = as_client},
    {.id = "off/both-ends-of-the-queue",
     .title = "a conversation that was written to at both ends of a long queue comes whole",
     .clauses = {"BSP-OFF-001", "BSP-OFF-004"},
     .impact = "the first words of a conversation in a long outage never arrive",
     .likely_cause = "what is due is read in batches by the latest change, and a batch moves the position past all before it",
     .run = written_at_both_ends_of_the_queue,
     .needs = as_client},
    {.id = "off/push-sizes",
     .title = "a push has at most 500 conversations, of each at most 1000 messages, and 10 MiB as it travels",
     .clauses = {"BSP-OFF-021"},
     .impact = "the first push to a new peer is refused, and so is every one after it",
     .likely_cause = "everything that is due goes into one payload, or its size is reckoned in another form than the one that is sent",
     .run = pushes_keep_to_what_everybody_accepts,
     .needs = as_client | need::alone},
};

}  // namespace

group client_push_group() { return {"client_push", profile::off, checks}; }

}  // namespace bsp::conformance
