#include "../registry.hpp"
#include "edits.hpp"
#include "ground.hpp"

#include <bsp/base/encoding.hpp>
#include <bsp/base/instant.hpp>
#include <bsp/crypto/sha256.hpp>
#include <bsp/json/c14n.hpp>

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <tuple>

// Where two features meet: a pull and everything else that goes on meanwhile, a new token and what was accepted under
// the old one, single use and refusal, expiry and removal.

namespace bsp::conformance {
namespace {

using std::chrono::seconds;

/// Something that happens between two pages.
struct event {
    std::string what;
    std::function<void(std::string const& cursor)> happens;
};

std::vector<std::string> ids_of(exchange const& page) { return ids_at(page.body(), "/conversations", "conversation_id"); }

bool has_more(exchange const& page) { return page.at("/has_more") && *page.at("/has_more") == json::value(true); }

std::string missing_of(std::vector<std::string> const& all, std::set<std::string> const& seen) {
    std::string out;
    for (auto const& id : all)
        if (!seen.contains(id)) out += (out.empty() ? "" : ", ") + id;
    return out;
}

/// `count` new conversations that are neighbours in every order that a page may have.
std::vector<std::string> neighbours(scenario& s, peer const& a, std::size_t count) {
    auto const stem = s.fresh("c");
    std::vector<std::string> all;
    for (std::size_t i = 0; i < count; ++i) {
        all.push_back(stem + "-" + std::to_string(i));
        s.control(a.push({s.conversation(all.back(), 1, {s.message("m1", "paged")})}), "a push");
    }
    return all;
}

void pulls_go_on(scenario& s) {
    auto const r = s.settled({.created = seconds{-60}});
    auto const a = s.register_peer(r), b = s.register_peer();
    auto created = seconds{-50};
    std::vector<event> const events{
        {"the same page again", [&](std::string const& cursor) { s.accepted(a.pull({.cursor = cursor, .limit = 2}), "a page whose answer was lost, again"); }},
        {"a new pull from the beginning", [&](std::string const&) { s.control(a.pull({.limit = 1}), "a new pull"); }},
        {"a new pull from a watermark", [&](std::string const&) { s.control(a.pull({.since = s.in_seconds(-5), .limit = 1}), "a new pull"); }},
        {"a pull by another peer", [&](std::string const&) { s.control(b.pull({.limit = 1}), "a pull by another peer"); }},
        {"a registration with a newer token", [&](std::string const&) {
             auto again = r;
             again.created = created += seconds{5};
             s.control(s.try_register(again), "a registration with a newer token");
         }},
        {"another peer's unpairing", [&](std::string const&) { s.control(s.register_peer().unpair(), "an unpairing"); }},
        {"a push by another peer", [&](std::string const&) { s.control(b.push({s.conversation(s.fresh("other"), 1, {s.message("m1", "x")})}), "a push"); }},
    };
    for (auto const& e : events) {
        auto const since = watermark(s, a);
        auto const all = neighbours(s, a, 5);
        std::set<std::string> seen;
        auto page = a.pull({.since = since, .limit = 2});
        for (int pages = 0; pages < 5000; ++pages) {
            s.accepted(page, "a page of a pull, after " + e.what);
            for (auto const& id : ids_of(page)) seen.insert(id);
            if (!has_more(page)) break;
            auto const cursor = page.text("/cursor");
            e.happens(cursor);
            page = a.pull({.cursor = cursor, .limit = 2});
        }
        auto const missing = missing_of(all, seen);
        s.expect(missing.empty(), "every conversation is on one of the pages, with " + e.what + " between them", "not given: " + missing);
    }
}

/// With `moving`: what is listed or will be changes, too.
void lists_go_on(scenario& s, bool moving) {
    auto const a = s.register_peer();
    auto const who = s.user();
    std::vector<std::string> all;
    std::set<std::string> seen;
    // Of those not listed yet, and of those listed: what must stay is changed, never taken away.
    auto const unseen = [&]() -> std::string {
        for (auto const& id : all)
            if (!seen.contains(id)) return id;
        return all.front();
    };
    auto const last_seen = [&]() -> std::string {
        std::string out = all.front();
        for (auto const& id : all)
            if (seen.contains(id)) out = id;
        return out;
    };
    std::vector<event> const writes{
        {"a write into a conversation that is not listed yet", [&](std::string const&) { s.control(who.write(unseen(), "moved"), "a write"); }},
        {"a push into a conversation that is not listed yet", [&](std::string const&) { s.control(a.push({s.conversation(unseen(), 2, {s.message(s.fresh("m"), "moved")})}), "a push"); }},
        {"a write into a conversation that is listed", [&](std::string const&) { s.control(who.write(last_seen(), "moved"), "a write"); }},
    };
    std::vector<event> const others{
        {"the same page again", [&](std::string const& cursor) { s.accepted(who.get("/conversations?limit=2&cursor=" + cursor), "a page whose answer was lost, again"); }},
        {"a new list", [&](std::string const&) { s.control(who.get("/conversations?limit=1"), "a new list"); }},
        {"a new conversation", [&](std::string const&) { s.control(who.write(s.fresh("c"), "new"), "a write"); }},
        {"the deletion of a new conversation", [&](std::string const&) {
             auto const c = s.fresh("c");
             s.control(who.write(c, "new"), "a write");
             s.control(who.del("/conversations/" + c), "a deletion");
         }},
    };
    for (auto const& e : moving ? writes : others) {
        all = neighbours(s, a, 5);
        seen.clear();
        auto page = who.get("/conversations?limit=2");
        for (int pages = 0; pages < 5000; ++pages) {
            s.accepted(page, "a page of the list, after " + e.what);
            bool news = false;
            for (auto const& id : ids_of(page)) {
                seen.insert(id);
                news = news || std::find(all.begin(), all.end(), id) != all.end();
            }
            if (!has_more(page)) break;
            auto const cursor = page.text("/cursor");
            if (pages % 8 == 0 || news) e.happens(cursor);
            page = who.get("/conversations?limit=2&cursor=" + cursor);
        }
        auto const missing = missing_of(all, seen);
        s.expect(missing.empty(), "every conversation is listed, with " + e.what + " between the pages", "not listed: " + missing);
    }
    if (moving) return;
    // The deletion of the very conversation that a page ended with.
    all = neighbours(s, a, 4);
    seen.clear();
    auto page = who.get("/conversations?limit=1");
    std::set<std::string> deleted;
    for (int pages = 0; pages < 5000; ++pages) {
        s.accepted(page, "a page of the list after the deletion of what the page before ended with");
        for (auto const& id : ids_of(page)) seen.insert(id);
        if (!has_more(page)) break;
        auto const cursor = page.text("/cursor");
        for (auto const& id : ids_of(page))
            if (std::find(all.begin(), all.end(), id) != all.end() && deleted.insert(id).second) s.control(who.del("/conversations/" + id), "a deletion");
        page = who.get("/conversations?limit=1&cursor=" + cursor);
    }
    auto const missing = missing_of(all, seen);
    s.expect(missing.empty(), "every conversation is listed although those listed are deleted", "not listed: " + missing);
}

void lists_go_on_beside_others(scenario& s) { lists_go_on(s, false); }
void lists_go_on_while_moving(scenario& s) { lists_go_on(s, true); }

void each_page_has_its_limit(scenario& s) {
    auto const a = s.register_peer();
    auto const who = s.user();
    neighbours(s, a, 12);
    std::vector<json::object> many;
    for (int i = 0; i < 110; ++i) many.push_back(s.conversation(s.fresh("many"), 1, {}));
    s.control(a.push(many), "a push of 110 conversations");
    auto const page_of = [&](bool list, std::string const& cursor, int limit) {
        std::string query;
        if (limit > 0) query += "limit=" + std::to_string(limit);
        if (!cursor.empty()) query += (query.empty() ? "" : "&") + ("cursor=" + cursor);
        return list ? who.get("/conversations?" + query) : a.get("/sync/" + a.peer_id() + "?" + query);
    };
    for (bool const list : {false, true})
        for (auto const& limits : {std::vector<int>{5, 3, 1, 2}, std::vector<int>{1, 4, 2}, std::vector<int>{105, 0, 2}}) {
            std::string cursor;
            for (int const limit : limits) {
                auto const x = page_of(list, cursor, limit);
                s.control(x, "a page");
                auto const most = limit > 0 ? static_cast<std::size_t>(limit) : 100;
                s.expect(ids_of(x).size() <= most, std::string{"a page of "} + (list ? "the list" : "a pull") + " with limit " + (limit > 0 ? std::to_string(limit) : "absent") + ", after one with another limit, has at most " + std::to_string(most) + " entries",
                         std::to_string(ids_of(x).size()));
                cursor = x.text("/cursor");
                if (cursor.empty()) break;
            }
        }
}

void a_new_token_forgets_nothing(scenario& s) {
    auto const r = s.settled({.created = seconds{-60}});
    auto const a = s.register_peer(r);
    auto const c = s.fresh("c"), sync_id = s.fresh("sync"), empty_id = s.fresh("sync");
    auto const first = s.conversation(c, 1, {s.message("m1", "first")}), other = s.conversation(c, 2, {s.message("m2", "other")});
    s.control(a.push({first}, {.sync_id = sync_id}), "a push");
    s.control(a.push({}, {.sync_id = empty_id}), "an empty push");
    auto newer = r;
    newer.created = seconds{-30};
    s.control(s.try_register(newer), "a registration with a newer token");
    s.refused(a.push({other}, {.sync_id = sync_id}), "another push with a sync_id of before the newer token", {.statuses = {409}, .codes = {"sync-id-reuse"}});
    s.refused(a.push({other}, {.sync_id = empty_id}), "a push with the sync_id of an empty push of before the newer token", {.statuses = {409}, .codes = {"sync-id-reuse"}});
    for (int i = 0; i < 2; ++i) {
        auto const again = a.push({first}, {.sync_id = sync_id});
        s.accepted(again, "the first push again, after the refused reuse of its sync_id");
        s.expect(again.text("/acked_sync_id") == sync_id, "acked_sync_id " + sync_id, again.text("/acked_sync_id"));
        s.refused(a.push({other}, {.sync_id = sync_id}), "another push with that sync_id, again", {.statuses = {409}, .codes = {"sync-id-reuse"}});
    }
    auto const ids = message_ids(s, a, c);
    s.expect(ids == std::vector<std::string>{"m1"}, "m1 alone", show(ids));
}

exactly_as const stale{.statuses = {401}, .codes = {"stale-request", "invalid-credential"}};

/// The same request, octet for octet, is refused.
void single_use_lasts(scenario& s) {
    auto const a = s.register_peer();
    auto const who = s.user();
    auto const c = s.fresh("c");
    auto const path = "/conversations/" + c + "/messages";
    json::object const body{{"role", "user"}, {"content", "once"}, {"surface", "web"}};
    std::vector<std::pair<caller, std::string>> used;
    for (caller const& one : {static_cast<caller>(a), who}) {
        used.emplace_back(one, one.authorization("POST", path));
        s.control(one.post(path, body, {.authorization = used.back().second}), "a write");
        // Issued a good while ago, and valid for a while yet.
        used.emplace_back(one, one.authorization("POST", path, {.claims = [&](json::object& o) { o["iat"] = s.now().seconds - 200, o["exp"] = s.now().seconds + 90; }}));
        s.control(one.post(path, body, {.authorization = used.back().second}), "a write with an assertion of 200 s ago");
    }
    for (int i = 0; i < 300; ++i) s.control(who.get("/conversations/" + c), "a read");
    for (auto const& [one, field] : used) s.refused(one.post(path, body, {.authorization = field}), "a write again with its assertion, after 300 other requests", stale);
    s.expect(message_ids(s, a, c).size() == 4, "four messages", show(message_ids(s, a, c)));
}

void refusal_uses_up(scenario& s) {
    auto const a = s.register_peer();
    for (caller const& who : {static_cast<caller>(a), s.user()}) {
        auto const c = s.fresh("c");
        auto const whole = "/conversations/" + c, part = whole + "/messages/m1";
        auto const removal = who.authorization("DELETE", whole), of_part = who.authorization("DELETE", part);
        (void)who.del(whole, {.authorization = removal});
        (void)who.del(part, {.authorization = of_part});
        s.control(who.write(c, "kept", set("id", "m1")), "a write");
        s.refused(who.del(whole, {.authorization = removal}), "a deletion again, with the assertion that was used when there was nothing to delete", stale);
        s.refused(who.del(part, {.authorization = of_part}), "the deletion of a message again, with the assertion that was used when there was no message", stale);
        s.expect(message_ids(s, a, c) == std::vector<std::string>{"m1"}, "the message is still there", show(message_ids(s, a, c)));
        s.control(who.del(part), "the deletion with an assertion of its own");
    }
}

/// A peer whose token has expired.
peer expired(scenario& s, registration r = {}) {
    r.created = seconds{-60};
    r.lifetime = seconds{62};
    auto const p = s.register_peer(s.settled(r));
    auto const end = s.now() + seconds{3};
    s.wait_until(end);
    s.control(p.pull({.limit = 1}).status() == 401, "the token has expired");
    return p;
}

void the_user_unpairs_the_expired(scenario& s) {
    auto const p = expired(s);
    auto const x = s.user().del("/peers/" + p.peer_id());
    s.accepted(x, "DELETE of an expired peer by its user");
    s.expect(x.text("/status") == "unpaired", "status unpaired", x.text("/status"));
    auto const list = s.user().get("/peers");
    s.control(list, "the user's list of peers");
    s.expect(!find_by_id(list.body(), "/peers", p.peer_id(), "peer_id"), "it is not listed any more", "it is");
}

void the_expired_are_revoked(scenario& s) {
    auto const p = expired(s, {.signing_key = s.fresh_key()});
    auto const x = s.admin().del("/peers/" + p.peer_id());
    s.accepted(x, "DELETE of an expired peer by an administrator");
    s.expect(x.text("/status") == "revoked", "status revoked", x.text("/status"));
    s.refused(s.try_register({.backend_id = p.backend_id(), .signing_key = s.key()}), "a registration of the revoked backend", {.statuses = {403}, .codes = {"peer-revoked"}});
}

/// The target's own clock, as finely as it tells it, and surely later than now.
instant moment_after(scenario& s, caller const& who) {
    auto const x = who.write(s.fresh("c"), "what time is it");
    s.control(x, "a write without timestamp");
    auto const text = x.text("/timestamp");
    auto const t = parse_timestamp(text);
    s.control(t.has_value(), "the server's time");
    return text.find('.') == std::string::npos ? *t + seconds{1} : *t + std::chrono::milliseconds{2};
}

edit lives(instant from, instant to) { return both(set("created_at", format_timestamp(from)), set("expires_at", format_timestamp(to))); }

void pairing_again_at_once(scenario& s) {
    auto r = s.settled({.created = seconds{-30}});
    for (int i = 0; i < 3; ++i) {
        auto const p = s.register_peer(r);
        s.control(s.user().del("/peers/" + p.peer_id()), "an unpairing");
        auto const moment = moment_after(s, s.user());
        r.sbt = lives(moment, moment + seconds{3600});
        s.accepted(s.try_register(r), "a registration with a token of " + format_timestamp(moment) + ", right after the unpairing");
    }
}

void tokens_of_one_second(scenario& s) {
    instant const second{s.now().seconds - 60};
    auto r = s.settled({.sbt = lives(second + std::chrono::milliseconds{200}, second + seconds{1800})});
    auto const a = s.register_peer(r);
    for (int const fraction : {201, 700, 999}) {
        auto const created = second + std::chrono::milliseconds{fraction};
        r.sbt = lives(created, created + seconds{3600});
        s.control(s.try_register(r), "a registration with a token of the same second");
        auto const list = s.user().get("/peers");
        s.control(list, "the user's list of peers");
        auto const* entry = find_by_id(list.body(), "/peers", a.peer_id(), "peer_id");
        auto const held = entry ? text_at(json::value(*entry), "/sbt/created_at") : "absent";
        s.expect(held == format_timestamp(created), "the later token, of " + format_timestamp(created) + ", takes the place of the earlier one", held);
    }
}

// ---- registrations -------------------------------------------------------------------------------------------

void the_key_outlives_the_token(scenario& s) {
    auto const r = s.settled({.created = seconds{-60}, .lifetime = seconds{62}});
    auto const p = s.register_peer(r);
    s.wait_until(s.now() + seconds{3});
    auto newer = r;
    newer.created = seconds{-10};
    newer.lifetime = seconds{3600};
    auto other = newer;
    other.signing_key = s.key();
    s.refused(s.try_register(other), "a registration of an expired backend with another key", {.statuses = {409}, .codes = {"key-mismatch"}});
    auto const x = s.try_register(newer);
    s.accepted(x, "a registration of an expired backend with its own key");
    s.expect(x.text("/peer_id") == p.peer_id(), "the same peer_id", x.text("/peer_id"));
    s.accepted(p.push({}), "a push with that key");
}

void capabilities_follow_each_registration(scenario& s) {
    auto r = s.settled({.created = seconds{-100}});
    r.identity = set("capabilities", json::array{"offline", "x-first"});
    auto const p = s.register_peer(r);
    int step = 0;
    for (auto const& [what, change, expected] : std::vector<std::tuple<std::string, edit, json::array>>{
             {"others", set("capabilities", json::array{"x-second"}), json::array{"x-second"}},
             {"none", set("capabilities", json::array{}), json::array{}},
             {"some again", set("capabilities", json::array{"a", "b"}), json::array{"a", "b"}},
             {"no member capabilities", drop("capabilities"), json::array{}}}) {
        r.created = seconds{-90 + 10 * step++};
        r.identity = change;
        s.control(s.try_register(r), "a registration again, with " + what);
        auto const list = s.user().get("/peers");
        s.control(list, "the user's list of peers");
        auto const* entry = find_by_id(list.body(), "/peers", p.peer_id(), "peer_id");
        s.expect(entry != nullptr, "the peer is listed", "it is not");
        s.expect_same("capabilities after a registration with " + what, json::value(expected), entry->if_contains("capabilities"));
    }
}

void removals_survive_a_restart(scenario& s) {
    auto const unpaired = s.settled({.created = seconds{-60}}), kept = s.settled({.created = seconds{-60}});
    auto const p = s.register_peer(unpaired), q = s.register_peer(kept);
    s.control(p.unpair(), "an unpairing");
    auto const c = s.fresh("c");
    auto const path = "/conversations/" + c + "/messages";
    json::object const body{{"role", "user"}, {"content", "once"}, {"surface", "web"}};
    auto const field = q.authorization("POST", path);
    s.control(q.post(path, body, {.authorization = field}), "a write");
    s.restart();
    s.refused(s.try_register(unpaired), "a registration, after a restart, with a token of before the unpairing", {.statuses = {401}, .codes = {"invalid-sbt"}});
    s.refused(q.post(path, body, {.authorization = field}), "the write again, after a restart, with its assertion", stale);
    s.expect(message_ids(s, q, c).size() == 1, "one message", show(message_ids(s, q, c)));
    auto later = unpaired;
    later.created = seconds{30};
    s.control(s.try_register(later), "a registration with a token of after the unpairing");
}

void revocations_survive_a_restart(scenario& s) {
    auto const r = s.settled({.signing_key = s.fresh_key(), .created = seconds{-60}});
    auto const p = s.register_peer(r);
    s.control(s.admin().del("/peers/" + p.peer_id()), "a revocation");
    s.restart();
    exactly_as const revoked{.statuses = {403}, .codes = {"peer-revoked"}};
    auto other_key = r, other_id = s.settled({.signing_key = r.signing_key});
    other_key.signing_key = s.key();
    s.refused(s.try_register(r), "a registration of a revoked backend, after a restart", revoked);
    s.refused(s.try_register(other_key), "a registration of a revoked backend with another key, after a restart", revoked);
    s.refused(s.try_register(other_id), "a registration of another backend with a revoked key, after a restart", revoked);
    s.refused(p.push({}), "a push by a revoked peer, after a restart", {.statuses = {403, 404}});
    s.control(s.try_register(), "a registration of another backend");
}

void each_name_of_the_audience_counts(scenario& s) {
    auto const a = s.register_peer();
    auto const c = s.fresh("c");
    auto const other = s.register_peer();
    auto const self = s.identity().backend_id;
    std::vector<std::pair<char const*, std::vector<std::string>>> const wrong{
        {"peer_id", {other.peer_id(), "", self}}, {"target_backend_id", {other.backend_id(), a.backend_id(), self + "0", ""}}, {"source_backend_id", {other.backend_id(), self, a.backend_id() + "0", ""}}};
    for (auto const& [member, values] : wrong)
        for (auto const& value : values) {
            s.refused(a.push({s.conversation(c, 1, {s.message("m1", "x")})},
                             {.before_signing = [&, name = member](json::object& o) {
                                 for (char const* each : {"peer_id", "target_backend_id", "source_backend_id"}) o.erase(each);
                                 o[name] = value;
                             }}),
                      std::string{"a push with "} + member + " " + show(json::value(value)) + " alone", {.statuses = {403, 422}});
        }
    s.expect(a.read(c).status() == 404, "nothing is stored", a.read(c).describe());
    s.control(a.push({s.conversation(c, 1, {s.message("m1", "x")})}), "the same push with the right names");
}

// ---- the feed ------------------------------------------------------------------------------------------------

/// Whatever makes a conversation read differently is in the next pull, and the pull gives what is read.
void what_changed_is_news(scenario& s) {
    auto const a = s.register_peer();
    auto const who = s.user();
    auto const c = s.fresh("c"), early = s.in_seconds(-300), late = s.in_seconds(-200), latest = s.in_seconds(-100);
    auto const pushed = [&](std::int64_t version, std::vector<json::object> messages, edit const& more) { s.control(a.push({s.conversation(c, version, std::move(messages), more)}), "a push"); };
    auto const base = [&](edit const& more) { return both(both(set("last_modified", early), set("title", "first")), more); };
    auto const at_time = [&](std::string const& when, edit const& more = [](json::object&) {}) { return both(set("timestamp", when), more); };
    edit const nothing = [](json::object&) {};
    pushed(5, {s.message("m1", "one", 5, at_time(early)), s.message("m2", "two", 5, at_time(early, set("redacted", true))), s.message("m3", "three", 5, at_time(early))}, base(nothing));

    // Two messages alike but for their text: the one of the greater digest comes second.
    std::vector<json::object> tie{s.message("m4", "tie 0", 5, at_time(early)), s.message("m4", "tie 1", 5, at_time(early))};
    auto const octets = [](json::object const& m) { return to_hex(sha256(json::canonicalize(m).value())); };
    if (octets(tie[0]) > octets(tie[1])) std::swap(tie[0], tie[1]);
    pushed(5, {tie[0]}, base(nothing));

    std::vector<std::pair<std::string, std::function<void()>>> const changes{
        {"a new surface", [&] { pushed(5, {}, base(set("surfaces", json::array{"web", "watch"}))); }},
        {"a later last_modified in a write of lower version", [&] { pushed(2, {}, both(base(nothing), both(set("last_modified", late), set("title", "lost")))); }},
        {"a message of equal version and later timestamp", [&] { pushed(5, {s.message("m1", "one, later", 5, at_time(late))}, base(nothing)); }},
        {"the unredacted copy of a message", [&] { pushed(5, {s.message("m2", "two", 5, at_time(early))}, base(nothing)); }},
        {"a message of equal version and timestamp and greater digest", [&] { pushed(5, {tie[1]}, base(nothing)); }},
        {"the tombstone of a message", [&] { pushed(5, {s.message("m3", "", 6, set("deleted", true))}, base(nothing)); }},
        {"a title in a greater write", [&] { pushed(6, {}, both(base(nothing), set("title", "second"))); }},
        {"an unknown member in a write of equal version and later last_modified", [&] { pushed(6, {}, both(base(nothing), both(set("last_modified", latest), set("x-colour", "blue")))); }},
        {"a user's write", [&] { s.control(who.write(c, "written", set("id", "w1")), "a write"); }},
        {"a title that comes with a repeated write", [&] { s.control(who.write(c, "written", both(set("id", "w1"), set("title", "third"))), "a write"); }},
        {"a user's edit", [&] { s.control(who.write(c, "edited", set("id", "w1")), "a write"); }},
        {"a user's deletion of a message", [&] { s.control(who.del("/conversations/" + c + "/messages/m1"), "a deletion"); }},
        {"a user's deletion of the conversation", [&] { s.control(who.del("/conversations/" + c), "a deletion"); }},
        {"a message pushed into the deleted conversation", [&] { pushed(1, {s.message("m5", "five", 1, at_time(early))}, base(nothing)); }},
        {"a user's write into the deleted conversation", [&] { s.control(who.write(c, "back", set("id", "w2")), "a write"); }},
    };
    bool hidden = false;
    for (auto const& [what, change] : changes) {
        auto const mark = watermark(s, a);
        change();
        auto const feed = a.pull_all({.since = mark, .limit = 200});
        auto const x = a.read(c);
        auto const state = of_conversation(feed.conversations, c);
        bool const gone = x.status() != 200 || (x.at("/deleted") && *x.at("/deleted") == json::value(true));
        if (gone && hidden) continue;  // nothing to be seen by anybody
        hidden = gone;
        s.expect(state.present, what + " is in the next pull", "the conversation is absent since " + mark);
        if (gone) {
            auto const* flag = at(state.entry, "/deleted");
            s.expect(flag && *flag == json::value(true), what + ": the entry has deleted true", show(state.entry));
            s.expect(std::none_of(state.messages.begin(), state.messages.end(), [](json::object const& m) { return !text_at(json::value(m), "/content").empty(); }), what + ": no content in the pull", show(state.entry));
            continue;
        }
        for (char const* name : {"/title", "/version", "/last_modified", "/source_backend", "/x-colour"}) {
            auto const *read = x.at(name), *pulled = at(state.entry, name);
            s.expect((read ? show(*read) : "absent") == (pulled ? show(*pulled) : "absent"), what + ": " + (name + 1) + " in the pull as it is read, " + (read ? show(*read) : "absent"), pulled ? show(*pulled) : "absent");
        }
        for (auto const& m : objects_at(x.body(), "/messages")) {
            auto const id = text_at(json::value(m), "/id");
            auto const* given = state.message(id);
            if (!given) continue;
            json::value const pulled = *given;
            s.expect_same(what + ": message " + id + " in the pull", json::value(m), &pulled);
        }
        auto const changed = std::map<std::string, std::string>{{"a message of equal version and later timestamp", "m1"}, {"the unredacted copy of a message", "m2"},
                                                                {"a message of equal version and timestamp and greater digest", "m4"}, {"the tombstone of a message", "m3"}, {"a user's write", "w1"},
                                                                {"a user's edit", "w1"}, {"a user's deletion of a message", "m1"}};
        if (auto const found = changed.find(what); found != changed.end()) s.expect(state.message(found->second) != nullptr, what + " is in the next pull, with the message", show(state.entry));
        if (what == "a user's write into the deleted conversation")
            for (char const* id : {"m2", "m4", "m5", "w1", "w2"}) s.expect(state.message(id) != nullptr, std::string{"the conversation comes back in the next pull with message "} + id, show(state.entry));
    }
}

void entries_are_in_order(scenario& s) {
    auto const a = s.register_peer();
    auto const c = s.fresh("c");
    auto const mark = watermark(s, a);
    std::vector<json::object> messages;
    struct row { char const *id, *timestamp; };
    for (auto const& [id, timestamp] : {row{"a", "2025-03-04T05:06:09Z"}, {"b", "2025-03-04T05:06:07Z"}, {"m10", "2025-03-04T05:06:08Z"}, {"m9", "2025-03-04T05:06:08Z"}, {"M9", "2025-03-04T05:06:08.0Z"},
                                        {"z", "2025-03-04T04:06:07Z"}, {"y", "2025-03-04T05:06:07.000000001Z"}, {"x", "2025-03-04T06:06:07.000000000+01:00"}})
        messages.push_back(s.message(id, "x", 1, set("timestamp", timestamp)));
    s.control(a.push({s.conversation(c, 1, messages)}), "a push");
    auto const feed = a.pull_all({.since = mark, .limit = 200});
    bool some = false;
    for (auto const& entry : feed.conversations) {
        std::vector<std::pair<instant, std::string>> order;
        for (auto const& m : objects_at(json::value(entry), "/messages")) {
            auto const t = parse_timestamp(text_at(json::value(m), "/timestamp"));
            if (t) order.emplace_back(*t, text_at(json::value(m), "/id"));
        }
        some = some || order.size() > 1;
        std::string shown;
        for (auto const& [t, id] : order) shown += (shown.empty() ? "" : ", ") + id;
        s.expect(std::is_sorted(order.begin(), order.end()), "the messages of an entry by timestamp and then by id", shown);
    }
    s.control(of_conversation(feed.conversations, c).messages.size() == messages.size(), "all messages are in the pull");
    s.evidence("an entry of the feed");
}

void long_conversations(scenario& s) {
    auto const a = s.register_peer();
    auto const c = s.fresh("c");
    auto const mark = watermark(s, a);
    std::size_t const pushes = 3, each = 450;
    for (std::size_t i = 0; i < pushes; ++i) {
        std::vector<json::object> messages;
        for (std::size_t j = 0; j < each; ++j) messages.push_back(s.message("m" + std::to_string(i * each + j), "x"));
        s.control(a.push({s.conversation(c, 1, std::move(messages))}), "a push of 450 messages");
    }
    auto const read = message_ids(s, a, c).size();
    s.expect(read == pushes * each, "a conversation that grew to 1350 messages is read whole", std::to_string(read) + " messages");
    auto const pulled = of_conversation(a.pull_all({.since = mark, .limit = 200}).conversations, c).messages.size();
    s.expect(pulled == pushes * each, "a conversation that grew to 1350 messages is pulled whole", std::to_string(pulled) + " messages");
}

void long_feeds(scenario& s) {
    auto const a = s.register_peer();
    auto const who = s.user();
    auto const first = s.fresh("first"), c = s.fresh("c");
    auto const mark = watermark(s, a);
    s.control(who.write(first, "first"), "a write");
    for (int i = 0; i < 350; ++i) s.control(who.write(c, "x"), "a write");
    s.expect(of_conversation(a.pull_all({.since = mark, .limit = 200}).conversations, first).present, "what was written before 350 other writes is in a pull since before", "it is absent");
}

void scalars_by_the_nanosecond(scenario& s) {
    auto const a = s.register_peer();
    for (auto const& [earlier, later] : {std::pair{"2025-03-04T05:06:07.123456788Z", "2025-03-04T05:06:07.123456789Z"}, std::pair{"2025-03-04T05:06:07.1234Z", "2025-03-04T05:06:07.1235Z"},
                                         std::pair{"2025-03-04T05:06:07.9Z", "2025-03-04T06:06:07.900000001+01:00"}, std::pair{"0050-01-01T00:00:00Z", "1949-01-01T00:00:00Z"}})
        for (int attempt = 0; attempt < 4; ++attempt)
            for (bool const later_first : {true, false}) {
                auto const c = s.fresh("c");
                auto const push = [&](bool is_later) { s.control(a.push({s.conversation(c, 3, {}, both(set("last_modified", is_later ? later : earlier), set("title", (is_later ? "later " : "earlier ") + s.canary(4))))}), "a push"); };
                push(later_first);
                push(!later_first);
                auto const x = a.read(c);
                s.control(x, "reading the conversation");
                s.expect(x.text("/title").starts_with("later"), std::string{"the title of the write of "} + later + " over that of " + earlier, x.text("/title"));
            }
}

// ---- writes --------------------------------------------------------------------------------------------------

void new_ids_are_new(scenario& s) {
    auto const who = s.user();
    auto const c = s.fresh("c");
    std::set<std::string> ids;
    std::size_t living = 0;
    auto const written = [&](edit const& more = {}) {
        auto const x = who.write(c, "message " + std::to_string(ids.size()), more);
        s.control(x, "a write");
        auto const id = x.text("/id");
        s.expect(ids.insert(id).second, "an id that no message of the conversation has", id + ", which is that of another message");
        ++living;
        return id;
    };
    for (int round = 0; round < 4; ++round) {
        auto const first = written();
        for (int i = 0; i < 6; ++i) written();
        s.control(who.del("/conversations/" + c + "/messages/" + first), "the deletion of a message");
        --living;
    }
    s.control(who.del("/conversations/" + c), "the deletion of the conversation");
    written();
    for (int i = 0; i < 3; ++i) written();
    auto const now = message_ids(s, who, c).size();
    s.expect(now == living, std::to_string(living) + " messages", std::to_string(now));
}

void refused_writes_leave_nothing(scenario& s) {
    auto const a = s.register_peer();
    auto const who = s.user();
    auto const fresh = s.fresh("c"), held = s.fresh("c"), deleted = s.fresh("c");
    s.control(who.write(held, "kept", both(set("id", "m1"), set("title", "kept"))), "a write");
    s.control(who.write(deleted, "gone", set("id", "m1")), "a write");
    s.control(who.del("/conversations/" + deleted), "a deletion");
    auto const before = who.read(held);
    s.control(before, "reading the conversation");
    auto const mark = watermark(s, a);
    auto const wrong = [&](std::string const& c) {
        for (auto const& [what, change] : std::vector<std::pair<std::string, edit>>{
                 {"without content", drop("content")}, {"without role", drop("role")}, {"without surface", drop("surface")}, {"with a number for content", set("content", 1)},
                 {"with null for content", set("content", nullptr)}, {"with null for id", set("id", nullptr)}, {"with null for timestamp", set("timestamp", nullptr)}, {"with null for title", set("title", nullptr)},
                 {"with a number for title", set("title", 1)}, {"with no identifier for id", set("id", "a b")}, {"with no timestamp for timestamp", set("timestamp", "now")},
                 {"dated two days ahead", set("timestamp", s.in_seconds(2 * 86'400))}})
            s.refused(who.write(c, "refused", both(both(set("id", "m2"), set("title", "refused")), change)), "a write " + what, {.statuses = {422, 400}});
    };
    for (auto const& c : {fresh, held, deleted}) {
        wrong(c);
        for (std::string const text : {R"({"id":"m2","role":"user","content":"one","content":"two","surface":"web"})", R"({"id":"m2","role":"user","content":"x","surface":"web","x":{"a":1,"a":2}})",
                                       R"({"id":"m2","role":"user","content":"x","surface":"web","\u0069d":"m3"})", R"({"id":"m2","role":"user","content":"\ud800","surface":"web"})",
                                       R"({"id":"m2","role":"user","content":"x","surface":"web","x":NaN})", R"({"id":"m2","role":"user","content":"x","surface":"web",})",
                                       R"({"id":"m2","role":"user","content":"x","surface":"web"} {})", R"([{"id":"m2","role":"user","content":"x","surface":"web"}])",
                                       "{\"id\":\"m2\",\"role\":\"user\",\"content\":\"\xff\",\"surface\":\"web\"}", ""})
            s.refused(who.call("POST", "/conversations/" + c + "/messages", text), "a write with the body " + show(json::value(text.substr(0, 100))), {.statuses = {400, 422, 415}});
    }
    auto const now = who.read(held);
    s.control(now, "reading the conversation");
    s.expect(now.body() == before.body(), "the conversation is as it was: " + show(before.body()), show(now.body()));
    s.expect(who.read(fresh).status() == 404, "no conversation came to be", who.read(fresh).describe());
    s.expect(who.read(deleted).status() == 404 || (who.read(deleted).at("/deleted") != nullptr) || who.read(deleted).status() == 410, "the deleted conversation is deleted", who.read(deleted).describe());
    auto const feed = a.pull_all({.since = mark, .limit = 200});
    s.expect(!of_conversation(feed.conversations, fresh).present, "a refused write is not in the feed", "it is");
    s.control(who.write(fresh, "accepted", set("id", "m2")), "the same write without the fault");
}

void peers_write_under_our_label(scenario& s) {
    auto const a = s.register_peer();
    auto const c = s.fresh("c");
    auto const x = a.write(c, "by a peer"), y = s.user().write(c, "by the user");
    s.control(x, "a write by a peer");
    s.control(y, "a write by the user");
    for (auto const& taken : {a.backend_id(), a.peer_id(), s.account().id}) {
        s.expect(x.text("/source_backend") != taken, "a label of the server's own on what a peer wrote", x.text("/source_backend"));
        s.expect(a.read(c).text("/source_backend") != taken, "a label of the server's own on the conversation", a.read(c).text("/source_backend"));
    }
}

void deletions_stay_where_they_are(scenario& s) {
    auto const who = s.user();
    auto const here = s.fresh("c"), there = s.fresh("c");
    s.control(who.write(here, "here", set("id", "m1")), "a write");
    s.control(who.write(there, "there", set("id", "m2")), "a write");
    for (auto const& path : {"/conversations/" + there + "/messages/m1", "/conversations/" + here + "/messages/m2", "/conversations/" + s.fresh("none") + "/messages/m1"}) (void)who.del(path);
    s.expect(message_ids(s, who, here) == std::vector<std::string>{"m1"}, "m1 is still in its conversation after a deletion in another one", show(message_ids(s, who, here)));
    s.expect(message_ids(s, who, there) == std::vector<std::string>{"m2"}, "m2 is still in its conversation after a deletion in another one", show(message_ids(s, who, there)));
    s.control(who.del("/conversations/" + here + "/messages/m1"), "a deletion where the message is");
}

void losers_go_with_their_message(scenario& s) {
    auto const a = s.register_peer();
    auto const late = s.in_seconds(-40), early = s.in_seconds(-50);
    for (bool const by_push : {true, false}) {
        auto const c = s.fresh("c");
        auto const left = s.canary(), right = s.canary();
        s.control(a.push({s.conversation(c, 1, {s.message("m1", left, 4, both(set("timestamp", early), set("x-kept", json::object{{"a", 1}})))})}), "a push");
        s.control(a.push({s.conversation(c, 1, {s.message("m1", right, 4, set("timestamp", late))})}), "a push of another message of the same version");
        auto const shown = a.get("/conversations/" + c + "?conflicts=1");
        s.control(shown, "reading with conflicts");
        auto const entries = objects_at(shown.body(), "/conflicts");
        if (entries.empty()) {
            s.note("losing messages are not kept");
            return s.evidence("a conversation without conflicts");
        }
        json::value const lost(entries.front());
        s.expect(text_at(lost, "/message/content") == left && at(lost, "/message/x-kept") != nullptr, "the losing message as it was pushed", show(lost));
        if (by_push) s.control(a.push({s.conversation(c, 1, {s.message("m1", "", 5, set("deleted", true))})}), "a push of the message's tombstone");
        else s.control(a.del("/conversations/" + c + "/messages/m1"), "the deletion of the message");
        auto const after = a.get("/conversations/" + c + "?conflicts=1");
        s.control(after, "reading with conflicts after the deletion");
        for (auto const& content : {left, right}) s.expect(after.bytes().find(content) == std::string::npos, std::string{"nothing of a message that a tombstone "} + (by_push ? "pushed here" : "written here") + " replaced", after.bytes().substr(0, 400));
    }
}

void refusals_are_problems(scenario& s) {
    auto const a = s.register_peer();
    auto const c = s.fresh("c");
    s.control(a.write(c, "x"), "a write");
    auto const judge = [&](exchange const& x, std::string const& what) {
        s.control(x.client_error(), what + " is refused");
        auto const* type = x.header("Content-Type");
        s.expect(type && type->find("application/problem+json") == 0, "application/problem+json on " + what, type ? *type : "no Content-Type");
        s.expect(integer_at(x.body(), "/status") == x.status(), "the member status on " + what, x.bytes().substr(0, 200));
        for (char const* member : {"/type", "/title", "/detail", "/code"}) s.expect(at(x.body(), member) && at(x.body(), member)->is_string(), std::string{member + 1} + " on " + what, x.bytes().substr(0, 200));
        if (x.status() == 401) s.expect(x.header("WWW-Authenticate") != nullptr, "WWW-Authenticate on " + what, "it is absent");
        if (x.status() == 401 || x.status() == 405) return;  // nobody was authenticated
        auto const* caching = x.header("Cache-Control");
        s.expect(caching && caching->find("no-store") != std::string::npos, "Cache-Control: no-store on " + what, caching ? *caching : "absent");
    };
    // A path that cannot be decoded may be refused by what stands before the backend (BSP-GEN-090).
    for (std::string const& segment : {std::string(200, 'x'), std::string{"a%20b"}, std::string{"a%C3%A9"}}) {
        auto const path = "/conversations/" + segment;
        judge(a.get(path), "GET " + path.substr(0, 40));
        judge(a.del(path), "DELETE " + path.substr(0, 40));
    }
    for (std::string const query : {"?limit=0", "?limit=x"}) judge(a.get("/conversations" + query), "GET /conversations" + query);
    judge(a.get("/conversations/" + s.fresh("none")), "GET of a conversation that does not exist");
    judge(a.write(c, "x", drop("role")), "an invalid write");
    judge(a.write(c, "x", {}, {.authorization = ""}), "a write without a credential");
    judge(a.write(c, "x", {}, {.authorization = "BSP x"}), "a write with a broken credential");
    judge(a.write(c, "x", {}, {.claims = [&](json::object& o) { o["iat"] = s.now().seconds - 400, o["exp"] = s.now().seconds - 200; }}), "a write with an expired assertion");
    judge(a.write(c, "x", {}, {.claims = set("aud", "hosted_sha256_0000000000000000")}), "a write with an assertion for another backend");
    judge(a.push({}, {.timestamp = s.in_seconds(-900)}), "a stale push");
    judge(a.push({}, {.sign = false}), "an unsigned push");
    judge(a.call("PATCH", "/conversations/" + c, std::nullopt), "PATCH of a conversation");
}

void tokens_are_listed_whole(scenario& s) {
    auto r = s.settled({.sbt = both(set("sbt_id", "token-1"), set("x-note", json::object{{"device", "a \U0001F600"}, {"none", nullptr}}))});
    auto const body = s.registration_body(r);
    auto const x = s.nobody().post("/register-peer", json::value(body));
    s.control(x, "a registration with a token that has more members");
    auto const list = s.user().get("/peers");
    s.control(list, "the user's list of peers");
    auto const* entry = find_by_id(list.body(), "/peers", x.text("/peer_id"), "peer_id");
    s.expect(entry != nullptr, "the peer is listed", "it is not");
    json::object token = body.at("sbt").get_object();
    token.erase("signature");
    s.expect_same("the token without its signature", json::value(token), entry->if_contains("sbt"));
    for (json::value const& wrong : {json::value(""), json::value("a b"), json::value(".."), json::value(std::string(129, 'x')), json::value(1), json::value(nullptr), json::value("caf\u00e9")})
        s.refused(s.try_register({.sbt = set("sbt_id", wrong)}), "a token with sbt_id " + show(wrong).substr(0, 40), {.statuses = {422, 400}, .codes = {"invalid-body"}});
}

void revocation_leaves_the_data(scenario& s) {
    auto const p = s.register_peer(s.settled({.signing_key = s.fresh_key()}));
    auto const c = s.fresh("c");
    auto const from_p = set("source_backend", p.backend_id());
    s.control(p.push({s.conversation(c, 1, {s.message("m1", "of the revoked", 1, from_p), s.message("m2", "of another")}, from_p)}), "a push");
    s.control(p.write(c, "written by the revoked", set("id", "m3")), "a write by the peer");
    s.control(s.admin().del("/peers/" + p.peer_id()), "a revocation");
    auto const ids = message_ids(s, s.user(), c);
    s.expect(ids == std::vector<std::string>{"m1", "m2", "m3"}, "all three messages after the revocation of the peer that brought them", show(ids));
    auto const feed = s.register_peer().pull_all({.since = s.in_seconds(-60), .limit = 200});
    s.expect(of_conversation(feed.conversations, c).messages.size() == 3, "all three in another peer's pull", std::to_string(of_conversation(feed.conversations, c).messages.size()) + " messages");
}

void the_others_go_on(scenario& s, bool by_admin) {
    auto const gone = s.register_peer(s.settled({.signing_key = s.fresh_key()})), stays = s.register_peer(s.settled({.signing_key = s.fresh_key()}));
    auto const c = s.fresh("c");
    s.control(stays.push({s.conversation(c, 1, {s.message("m1", "one")})}), "a push");
    s.control(by_admin ? s.admin().del("/peers/" + gone.peer_id()) : gone.unpair(), "the removal of another peer of the user");
    s.accepted(stays.push({s.conversation(c, 1, {s.message("m2", "two")})}), "a push after the removal of another peer of the user");
    s.accepted(stays.pull({.limit = 1}), "a pull after the removal of another peer of the user");
    s.accepted(stays.write(c, "three"), "a write after the removal of another peer of the user");
    auto const list = s.user().get("/peers");
    s.control(list, "the user's list of peers");
    s.expect(find_by_id(list.body(), "/peers", stays.peer_id(), "peer_id") != nullptr, "the other peer is still listed", "it is not");
}
void unpairing_leaves_the_others(scenario& s) { the_others_go_on(s, false); }
void revocation_leaves_the_others(scenario& s) { the_others_go_on(s, true); }

void one_device_of_two_users(scenario& s) {
    auto const r = s.settled({.signing_key = s.fresh_key()});
    auto theirs = r;
    theirs.user = s.other_account();
    auto const a = s.register_peer(r), b = s.register_peer(theirs);
    auto const c = s.fresh("c"), sync_id = s.fresh("sync");
    for (auto const* p : {&a, &b}) {
        auto const own = p == &a ? "of the first" : "of the second";
        s.accepted(p->push({s.conversation(c, 1, {s.message("m1", own)})}, {.sync_id = sync_id}), std::string{"a push "} + own + " user's registration, with the same sync_id");
        s.accepted(p->write(c, own, set("id", "w1")), std::string{"a write "} + own + " user's registration");
    }
    for (auto const& [who, own] : {std::pair<caller, std::string>{s.user(), "of the first"}, {s.other_user(), "of the second"}, {a, "of the first"}, {b, "of the second"}}) {
        auto const x = who.read(c);
        s.control(x, "reading the conversation");
        for (char const* id : {"m1", "w1"}) {
            auto const* m = find_by_id(x.body(), "/messages", id);
            s.expect(m && text_at(json::value(*m), "/content") == own, std::string{id} + " " + own + " user, read by that user", m ? show(json::value(*m)) : "absent");
        }
    }
    for (auto const& [p, own] : {std::pair{&a, "of the first"}, std::pair{&b, "of the second"}}) {
        auto const state = of_conversation(recent_feed(s, *p).conversations, c);
        auto const* m = state.message("m1");
        s.expect(m && text_at(json::value(*m), "/content") == own, std::string{"m1 "} + own + " user in that user's pull", m ? show(json::value(*m)) : "absent");
    }
}

void empty_is_not_absent(scenario& s) {
    auto const a = s.register_peer();
    auto const who = s.user();
    for (std::string const title : {"", " ", "0", "null"}) {
        auto const c = s.fresh("c");
        auto const mark = watermark(s, a);
        s.control(a.push({s.conversation(c, 1, {s.message("m1", "")}, both(set("title", title), both(set("surfaces", json::array{}), set("x-empty", ""))))}), "a push");
        auto const x = a.read(c);
        s.control(x, "reading the conversation");
        auto const entry = of_conversation(a.pull_all({.since = mark, .limit = 200}).conversations, c).entry;
        for (auto const& [way, state] : {std::pair<std::string, json::value>{"read", x.body()}, {"pulled", entry}}) {
            auto const* held = at(state, "/title");
            s.expect(held && *held == json::value(title), "the title " + show(json::value(title)) + ", " + way, held ? show(*held) : "absent");
            auto const* unknown = at(state, "/x-empty");
            s.expect(unknown && *unknown == json::value(""), "an unknown member that is empty, " + way, unknown ? show(*unknown) : "absent");
        }
        // A title that comes with a repeated message is all that changes.
        json::object const message = objects_at(x.body(), "/messages").front();
        auto const same = [&](json::object& o) {
            o["id"] = "m1";
            for (char const* name : {"role", "surface", "timestamp"}) o[name] = message.at(name);
            o["title"] = "titled";
        };
        s.control(who.write(c, "", same), "the same message with another title");
        auto const now = who.read(c);
        s.control(now, "reading the conversation");
        s.expect(now.text("/title") == "titled", "the title that came with a repeated message", now.text("/title"));
        s.expect(now.at("/x-empty") && *now.at("/x-empty") == json::value(""), "the unknown member after that", now.at("/x-empty") ? show(*now.at("/x-empty")) : "absent");
        s.expect(now.text("/source_backend") == x.text("/source_backend"), "the source_backend after that", now.text("/source_backend"));
    }
}

check const checks[] = {
    {.id = "syn/cursor-endures",
     .title = "whatever happens between two pages of a pull, its cursor goes on, and may be used again",
     .clauses = {"BSP-SYN-116", "BSP-SYN-104", "BSP-SYN-105"},
     .impact = "a pull over a bad connection never comes to its end, or loses conversations",
     .likely_cause = "cursors are kept in the server, one at a time, and end with a session or with their first use",
     .run = pulls_go_on},
    {.id = "cnv/list-endures",
     .title = "whatever happens to other conversations between two pages of the list, none is lost",
     .clauses = {"BSP-CNV-033", "BSP-CNV-038"},
     .impact = "conversations vanish from the list while somebody tidies up",
     .likely_cause = "a cursor that counts rows, or the list ends where the cursor's conversation is gone",
     .run = lists_go_on_beside_others},
    {.id = "cnv/list-while-writing",
     .title = "a write between two pages of the list hides no conversation, nor its own",
     .clauses = {"BSP-CNV-074"},
     .impact = "conversations vanish from the list while somebody writes",
     .likely_cause = "the list is in the order of last_modified and continued by it",
     .run = lists_go_on_while_moving,
     .strength = obligation::should},
    {.id = "syn/limit-of-each-page",
     .title = "each page keeps to the limit of its own request",
     .clauses = {"BSP-SYN-112", "BSP-SYN-114", "BSP-CNV-035"},
     .impact = "a client that asks for less after a failure gets as much as before, and fails again",
     .likely_cause = "the limit is part of the cursor",
     .run = each_page_has_its_limit},
    {.id = "syn/receipts-endure",
     .title = "sync ids are remembered across a newer token and refused reuses, those of empty pushes, too",
     .clauses = {"BSP-SYN-070", "BSP-SYN-072"},
     .impact = "after a renewal a push is taken for a new one, or a wrong one for its repetition",
     .likely_cause = "what was accepted is kept with the session, or replaced by what was refused",
     .run = a_new_token_forgets_nothing},
    {.id = "aut/jti-lasts",
     .title = "a jti stays used until its assertion expires, however many requests come between",
     .clauses = {"BSP-AUT-044"},
     .impact = "a captured request can be repeated when the server is busy",
     .likely_cause = "a cache of bounded size or of a fixed time",
     .run = single_use_lasts},
    {.id = "aut/jti-of-refused",
     .title = "an assertion that was accepted is used up, although the request found nothing to do",
     .clauses = {"BSP-AUT-062"},
     .impact = "a deletion that found nothing is kept by whoever captured it until there is something",
     .likely_cause = "the jti is stored in the transaction of the request, and rolled back with it",
     .run = refusal_uses_up,
     .strength = obligation::should},
    {.id = "peer/unpair-expired",
     .title = "the user can unpair a peer whose token has expired",
     .clauses = {"BSP-REG-041", "BSP-SBT-036"},
     .impact = "a lost device stays in the list for ever",
     .likely_cause = "removal looks for a live session",
     .run = the_user_unpairs_the_expired},
    {.id = "peer/revoke-expired",
     .title = "an administrator can revoke a peer whose token has expired",
     .clauses = {"BSP-REG-049", "BSP-REG-051"},
     .impact = "a stolen device is locked out only while it is in use",
     .likely_cause = "removal looks for a live session",
     .run = the_expired_are_revoked,
     .needs = need::admin_token | need::hosted_target},
    {.id = "reg/again-at-once",
     .title = "a token that was created right after an unpairing is accepted",
     .clauses = {"BSP-REG-045", "BSP-GEN-055"},
     .impact = "who unpairs and pairs again is refused now and then",
     .likely_cause = "times are compared in whole seconds",
     .run = pairing_again_at_once},
    {.id = "reg/newer-by-a-fraction",
     .title = "of two tokens of one second the later one counts",
     .clauses = {"BSP-REG-025", "BSP-GEN-055"},
     .impact = "a renewal is dropped now and then",
     .likely_cause = "times are compared in whole seconds",
     .run = tokens_of_one_second},
    {.id = "reg/key-outlives-token",
     .title = "the key stays pinned after the token expired",
     .clauses = {"BSP-REG-028", "BSP-SBT-036", "BSP-SBT-037"},
     .impact = "who steals a token takes over every device that was away for a day",
     .likely_cause = "an expired registration is treated as none",
     .run = the_key_outlives_the_token},
    {.id = "reg/capabilities-each-time",
     .title = "each registration with a newer token states the capabilities anew, and none when it has none",
     .clauses = {"BSP-REG-027"},
     .impact = "a backend is asked for what it no longer offers",
     .likely_cause = "absent members are left out of the UPDATE, or lists are merged",
     .run = capabilities_follow_each_registration,
     .strength = obligation::should},
    {.id = "reg/removals-durable",
     .title = "unpairings and used assertions survive a restart",
     .clauses = {"BSP-GEN-112", "BSP-REG-044", "BSP-AUT-044"},
     .impact = "after a restart a removed device is back, and captured requests can be repeated",
     .likely_cause = "kept in memory only",
     .run = removals_survive_a_restart,
     .needs = need::restart_hook | need::alone},
    {.id = "peer/revocation-durable",
     .title = "a revocation survives a restart",
     .clauses = {"BSP-REG-055", "BSP-GEN-112"},
     .impact = "after a restart a stolen device is let in again",
     .likely_cause = "kept in memory only",
     .run = revocations_survive_a_restart,
     .needs = need::restart_hook | need::alone | need::admin_token | need::hosted_target},
    {.id = "syn/audience-alone",
     .title = "each of the three names of a push's audience is looked at by itself",
     .clauses = {"BSP-SYN-034", "BSP-SYN-035", "BSP-SYN-036"},
     .impact = "a captured push is good at another backend",
     .likely_cause = "the audience is checked when it is complete",
     .run = each_name_of_the_audience_counts},
    {.id = "syn/changes-are-news",
     .title = "whatever makes a conversation read differently is in the next pull",
     .clauses = {"BSP-SYN-104", "BSP-SYN-107", "BSP-SYN-118", "BSP-CNV-007", "BSP-SYN-128"},
     .impact = "devices differ for good, because a change that everybody needs is told to nobody",
     .likely_cause = "the place in the feed is moved where a message is inserted, and forgotten on every other way",
     .run = what_changed_is_news},
    {.id = "syn/entries-in-order",
     .title = "the messages of an entry of the feed are sorted by timestamp and then by id",
     .clauses = {"BSP-SYN-127"},
     .impact = "clients that trust the order show conversations in disorder",
     .likely_cause = "only the answer to a read is sorted",
     .run = entries_are_in_order},
    {.id = "syn/long-conversation",
     .title = "a conversation that grew by several pushes is read and pulled whole",
     .clauses = {"BSP-MRG-010", "BSP-CNV-010", "BSP-SYN-105"},
     .impact = "the beginning of long conversations is lost",
     .likely_cause = "a limit of one push taken for one of the conversation, or a default LIMIT of a query",
     .run = long_conversations},
    {.id = "cnv/new-ids",
     .title = "a message written without id gets one that no message of the conversation ever had",
     .clauses = {"BSP-CNV-043"},
     .impact = "a new message overwrites an old one",
     .likely_cause = "ids are counted, or made of the time",
     .run = new_ids_are_new},
    {.id = "cnv/refused-writes",
     .title = "a refused write creates nothing, changes nothing and brings nothing back",
     .clauses = {"BSP-CNV-042", "BSP-CNV-059", "BSP-CNV-056"},
     .impact = "conversations appear, change their titles or come back by requests that were refused",
     .likely_cause = "the conversation is made ready before the message is checked",
     .run = refused_writes_leave_nothing},
    {.id = "cnv/label-of-writes",
     .title = "what a peer writes for its user carries the server's label, not the peer's",
     .clauses = {"BSP-CNV-048"},
     .impact = "a message seems to come from a backend that never held it",
     .likely_cause = "the label is taken from the caller",
     .run = peers_write_under_our_label,
     .strength = obligation::should},
    {.id = "cnv/delete-here-only",
     .title = "a message is deleted in the conversation of the path and in no other",
     .clauses = {"BSP-MRG-002", "BSP-CNV-063"},
     .impact = "tidying up one conversation takes messages out of another",
     .likely_cause = "the message is looked for by its id alone",
     .run = deletions_stay_where_they_are},
    {.id = "syn/long-feed",
     .title = "a change is in the feed however many came after it",
     .clauses = {"BSP-SYN-104", "BSP-SYN-107"},
     .impact = "a device that was away for a week misses what happened first",
     .likely_cause = "the feed is a log of bounded length",
     .run = long_feeds},
    {.id = "mrg/scalars-by-instant",
     .title = "between scalar writes of one version the later last_modified wins, by its nanoseconds",
     .clauses = {"BSP-MRG-030", "BSP-GEN-055"},
     .impact = "the older title stands at one backend and the newer one at another",
     .likely_cause = "a column that holds milliseconds or microseconds",
     .run = scalars_by_the_nanosecond},
    {.id = "reg/one-device-of-two-users",
     .title = "what a backend does under one user's registration stays with that user, although its key is the other one's, too",
     .clauses = {"BSP-REG-031", "BSP-SYN-042", "BSP-SYN-074", "BSP-CNV-003"},
     .impact = "on a shared computer everything lands with whoever paired it first",
     .likely_cause = "the user is found by the key or by the backend_id",
     .run = one_device_of_two_users,
     .needs = need::second_user},
    {.id = "peer/unpairing-of-one",
     .title = "an unpairing ends one registration, and the user's others go on",
     .clauses = {"BSP-REG-041", "BSP-SYN-020"},
     .impact = "who removes one device loses them all",
     .likely_cause = "registrations are deleted by user",
     .run = unpairing_leaves_the_others},
    {.id = "peer/revocation-of-one",
     .title = "a revocation ends the registrations of one backend and key, and the user's others go on",
     .clauses = {"BSP-REG-053", "BSP-SYN-020"},
     .impact = "who has one device locked out loses them all",
     .likely_cause = "registrations are revoked by user",
     .run = revocation_leaves_the_others,
     .needs = need::admin_token | need::hosted_target},
    {.id = "cnv/losers-deleted",
     .title = "losing versions go with their message, whoever deleted it",
     .clauses = {"BSP-CNV-023", "BSP-CNV-021"},
     .impact = "what was deleted can still be read",
     .likely_cause = "losing versions are cleared by the route for deletions, not by the merge",
     .run = losers_go_with_their_message},
    {.id = "gen/refusals-are-problems",
     .title = "refusals of every kind are problem documents that no cache keeps",
     .clauses = {"BSP-GEN-086", "BSP-GEN-087", "BSP-GEN-092", "BSP-GEN-105"},
     .impact = "clients cannot tell why they were refused, and a cache may repeat it to them",
     .likely_cause = "the framework answers broken paths itself, and headers are set where requests succeed",
     .run = refusals_are_problems,
     .about = aspect::exactness},
    {.id = "peer/list-tokens",
     .title = "the list of peers shows the whole token but its signature, and a token with a bad sbt_id is refused",
     .clauses = {"BSP-REG-034", "BSP-GEN-057"},
     .impact = "interfaces cannot tell their tokens apart",
     .likely_cause = "the token is stored in columns of known members",
     .run = tokens_are_listed_whole,
     .strength = obligation::should},
    {.id = "peer/revocation-keeps-data",
     .title = "a revocation removes no message, nor one that the revoked backend brought",
     .clauses = {"BSP-REG-048"},
     .impact = "who revokes a lost telephone loses what was written on it",
     .likely_cause = "rows of the backend are deleted by cascade",
     .run = revocation_leaves_the_data,
     .needs = need::admin_token | need::hosted_target},
    {.id = "syn/empty-is-not-absent",
     .title = "an empty title and empty members stay, and a title that comes with a repeated message changes nothing else",
     .clauses = {"BSP-MRG-030", "BSP-GEN-056", "BSP-GEN-069", "BSP-CNV-070"},
     .impact = "two backends that hold the same write emit different conversations",
     .likely_cause = "empty values are taken for none (omitempty, truthiness)",
     .run = empty_is_not_absent},
};

}  // namespace

group interplay_group() { return {"interplay", profile::syn, checks}; }

}  // namespace bsp::conformance
