#include "../registry.hpp"
#include "edits.hpp"
#include "first_refusal.hpp"
#include "ground.hpp"

#include <bsp/base/instant.hpp>

#include <algorithm>
#include <functional>
#include <string>
#include <tuple>
#include <vector>

// What outlives what: tokens, single use, keys, registrations and what was accepted under them.

namespace bsp::conformance {
namespace {

using std::chrono::seconds;

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
    auto const begun = s.now();
    auto const path = "/conversations/" + c + "/messages";
    json::object const body{{"role", "user"}, {"content", "once"}, {"surface", "web"}};
    std::vector<std::pair<caller, std::string>> used;
    for (caller const& one : {static_cast<caller>(a), who}) {
        used.emplace_back(one, one.authorization("POST", path));
        s.control(one.post(path, body, {.authorization = used.back().second}), "a write");
        // Issued a good while ago, and valid for a while yet.
        used.emplace_back(one, one.authorization("POST", path, {.claims = [&](json::object& o) { o["iat"] = s.now().seconds - 200, o["exp"] = s.now().seconds + 90; }}));
        s.control(one.post(path, body, {.authorization = used.back().second}), "a write with an assertion of 200 s ago");
        // Lives a second only, and that is yet to come.
        used.emplace_back(one, one.authorization("POST", path, {.claims = [&](json::object& o) { o["iat"] = s.now().seconds + 120, o["exp"] = s.now().seconds + 121; }}));
        s.control(one.post(path, body, {.authorization = used.back().second}), "a write with an assertion by a clock that is 120 s ahead");
    }
    for (int i = 0; i < 300; ++i) s.control(who.get("/conversations/" + c), "a read");
    s.wait_until(begun + std::chrono::milliseconds{2'500});  // seconds taken for milliseconds are over by now
    for (auto const& [one, field] : used) s.refused(one.post(path, body, {.authorization = field}), "a write again with its assertion, after 300 other requests", stale);
    s.expect(message_ids(s, a, c).size() == used.size(), std::to_string(used.size()) + " messages", show(message_ids(s, a, c)));
}

/// An assertion that has not long to go is good for one request, as any other.
void single_use_of_brief_ones(scenario& s) {
    auto const a = s.register_peer();
    json::object const body{{"role", "user"}, {"content", "once"}, {"surface", "web"}};
    struct brief {
        char const* what;
        std::int64_t iat, exp;
    };
    for (caller const& who : {static_cast<caller>(a), s.user()}) {
        auto const c = s.fresh("c"), path = "/conversations/" + c + "/messages";
        std::vector<std::pair<std::string, std::string>> used;
        std::size_t written = 0;
        auto const made = [&](brief const& b) { return who.authorization("POST", path, {.claims = [&](json::object& o) { o["iat"] = s.now().seconds + b.iat, o["exp"] = s.now().seconds + b.exp; }}); };
        for (auto const& b : {brief{"that lives 20 s", 0, 20}, {"that lives 8 s", 0, 8}, {"that lives 5 s", 0, 5}, {"of 290 s ago that ends in 8 s", -290, 8}, {"of 294 s ago that ends in 5 s", -294, 5}}) {
            auto const field = made(b);
            s.control(who.post(path, body, {.authorization = field}), std::string{"a write with an assertion "} + b.what);
            ++written;
            for (int i = 0; i < 2; ++i) s.refused(who.post(path, body, {.authorization = field}), std::string{"another write with an assertion "} + b.what, stale);
            used.emplace_back(b.what, field);
        }
        auto const field = made({"", 0, 8});
        auto const all = s.together(std::vector<std::function<exchange()>>(4, [&] { return who.post(path, body, {.authorization = field}); }));
        auto const won = static_cast<std::size_t>(std::count_if(all.begin(), all.end(), [](exchange const& x) { return x.ok(); }));
        s.control(won > 0, "one of four writes at once with an assertion that lives 8 s");
        s.expect(won == 1, "of four writes at once with one assertion that lives 8 s one is accepted", std::to_string(won));
        ++written;
        s.wait_until(s.now() + std::chrono::milliseconds{1'500});
        for (auto const& [what, again] : used) s.refused(who.post(path, body, {.authorization = again}), "a write, a while later, with an assertion " + what, stale);
        auto const ids = message_ids(s, a, c);
        s.expect(ids.size() == written, std::to_string(written) + " messages", show(ids));
    }
}

/// What makes an assertion another one is its issuer and its jti, and not how it is brought.
void used_in_any_spelling(scenario& s) {
    auto const a = s.register_peer();
    auto const c = s.fresh("c"), path = "/conversations/" + c + "/messages";
    json::object const body{{"role", "user"}, {"content", "once"}, {"surface", "web"}};
    struct speaker {
        caller who;
        std::vector<std::string> schemes;
    };
    std::size_t written = 0;
    for (auto const& [who, schemes] : {speaker{a, {"BSP", "bsp", "Bsp"}}, speaker{s.user(), {"BSP-User", "bsp-user", "BSP-USER"}}})
        for (auto const& first : schemes) {
            auto const field = who.authorization("POST", path);
            auto const as = [&](std::string const& scheme) { return call_options{.authorization = scheme + field.substr(field.find(' '))}; };
            s.control(who.post(path, body, as(first)), "a write with an assertion under the scheme " + first);
            ++written;
            for (auto const& again : schemes) s.refused(who.post(path, body, as(again)), "another write with that assertion under the scheme " + again, stale);
        }
    auto const ids = message_ids(s, a, c);
    s.expect(ids.size() == written, std::to_string(written) + " messages", show(ids));
}

/// Whose clock is ahead makes nobody's assertions older.
void used_beside_early_clocks(scenario& s) {
    auto const a = s.register_peer(), other = s.register_peer();
    auto const c = s.fresh("c"), path = "/conversations/" + c + "/messages";
    json::object const body{{"role", "user"}, {"content", "once"}, {"surface", "web"}};
    auto const ahead = [&](caller const& who) {
        s.control(who.write(s.fresh("ahead"), "hello", {}, {.claims = [&](json::object& o) { o["iat"] = s.now().seconds + 280, o["exp"] = s.now().seconds + 570; }}), "a write by a clock that is 280 s ahead");
    };
    std::size_t written = 0;
    for (caller const& who : {static_cast<caller>(a), s.user()}) {
        auto const field = who.authorization("POST", path, {.claims = [&](json::object& o) { o["iat"] = s.now().seconds, o["exp"] = s.now().seconds + 40; }});
        s.control(who.post(path, body, {.authorization = field}), "a write with an assertion that lives 40 s");
        ++written;
        for (caller const& early : {static_cast<caller>(a), static_cast<caller>(other), s.user()}) {
            ahead(early);
            s.refused(who.post(path, body, {.authorization = field}), "another write with it, after one of " + early.name() + " by a clock that is ahead", stale);
        }
    }
    auto const ids = message_ids(s, a, c);
    s.expect(ids.size() == written, std::to_string(written) + " messages", show(ids));
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
    s.control(first_refusal(s, end, [&] { return p.pull({.limit = 1}); }).status() == 401, "the token has expired");
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
    auto early = s.settled({.created = seconds{200}});  // made by a clock that is ahead
    auto const p = s.register_peer(early);
    s.control(s.user().del("/peers/" + p.peer_id()), "the unpairing of a registration whose token is dated 200 s ahead");
    auto const moment = moment_after(s, s.user());
    early.sbt = lives(moment, moment + seconds{3600});
    s.accepted(s.try_register(early), "a registration with a token of " + format_timestamp(moment) + ", later than the unpairing, and not than the token before it");
}

/// An unpairing voids the tokens that were made before it (BSP-REG-044), and one of them may live longer than the one that was stored.
void voided_beyond_the_stored_token(scenario& s) {
    auto r = s.settled();
    auto const made = [&](seconds created, seconds lifetime) {
        auto out = r;
        out.created = created;
        out.lifetime = lifetime;
        out.body = set("sbt", s.session_binding_token(out));
        return out;
    };
    auto const first = made(seconds{-50}, seconds{8 * 3600}), unseen = made(seconds{-40}, seconds{8 * 3600}), brief = made(seconds{-30}, seconds{34});
    auto const end = s.now() + seconds{4};
    auto const p = s.peer_of(s.try_register(first), r);
    s.control(s.try_register(brief), "the registration with a later token that ends in 4 s");
    s.control(s.user().del("/peers/" + p.peer_id()), "the unpairing");
    auto const all_refused = [&](std::string const& when) {
        exactly_as const void_now{.statuses = {401}, .codes = {"invalid-sbt"}};
        s.refused(s.try_register(first), "a registration with the first token, made before the unpairing and good for hours, " + when, void_now);
        s.refused(s.try_register(unseen), "a registration with another token made before the unpairing and good for hours, " + when, void_now);
    };
    all_refused("right after the unpairing");
    s.wait_until(end + seconds{2});
    all_refused("when the token that was stored at the unpairing has expired");
    s.accepted(s.try_register(made(seconds{0}, seconds{8 * 3600})), "a registration with a token made after the unpairing");
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
    for (char const* name : {"sbt_id", "session_id"}) {
        for (std::string const& right : {std::string(128, 'x'), std::string{".-_~:@"}, std::string{"A"}}) s.accepted(s.try_register({.sbt = set(name, right)}), std::string{"a token with "} + name + ' ' + right.substr(0, 40));
        for (json::value const& wrong : {json::value(""), json::value("a b"), json::value(".."), json::value(std::string(129, 'x')), json::value(1), json::value(nullptr), json::value("caf\u00e9")})
            s.refused(s.try_register({.sbt = set(name, wrong)}), std::string{"a token with "} + name + ' ' + show(wrong).substr(0, 40), {.statuses = {422, 400}, .codes = {"invalid-body"}});
    }
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
    auto const feed = recent_feed(s, s.register_peer());
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

check const checks[] = {
    {.id = "syn/receipts-endure",
     .title = "sync ids are remembered across a newer token and refused reuses, those of empty pushes, too",
     .clauses = {"BSP-SYN-070", "BSP-SYN-072"},
     .impact = "after a renewal a push is taken for a new one, or a wrong one for its repetition",
     .likely_cause = "what was accepted is kept with the session, or replaced by what was refused",
     .run = a_new_token_forgets_nothing},
    {.id = "reg/voided-beyond-expiry",
     .title = "an unpairing voids all earlier tokens for as long as one of them lives",
     .clauses = {"BSP-REG-044"},
     .impact = "a device that was removed comes back by itself once its last token is over, with an earlier one",
     .likely_cause = "what an unpairing voids is remembered until the stored token expires",
     .run = voided_beyond_the_stored_token,
     .needs = need::patience},
    {.id = "aut/jti-brief",
     .title = "an assertion that has not long to go is good for one change",
     .clauses = {"BSP-AUT-044", "BSP-AUT-048"},
     .impact = "whoever captures a request repeats it in the last seconds of its assertion, or as often as they like if it is a brief one",
     .likely_cause = "used jtis are forgotten some seconds before the assertion expires, or a cache has no place for what ends so soon",
     .run = single_use_of_brief_ones, .needs = need::patience},
    {.id = "aut/jti-respelled",
     .title = "an assertion that was used is used under every spelling of its scheme",
     .clauses = {"BSP-AUT-044", "BSP-AUT-018"},
     .impact = "whoever captures a request repeats it eight times, in other letters",
     .likely_cause = "used jtis are kept under the Authorization field, or the scheme, as it came",
     .run = used_in_any_spelling},
    {.id = "aut/jti-beside-early",
     .title = "requests by a clock that is ahead make no used assertion new",
     .clauses = {"BSP-AUT-044"},
     .impact = "one device whose clock is ahead opens all others to replay",
     .likely_cause = "used jtis are forgotten by the iat of whoever calls next",
     .run = used_beside_early_clocks},
    {.id = "aut/jti-lasts",
     .title = "a jti stays used until its assertion expires, however many requests come between",
     .clauses = {"BSP-AUT-044"},
     .impact = "a captured request can be repeated when the server is busy",
     .likely_cause = "a cache of bounded size or of a fixed time",
     .run = single_use_lasts, .needs = need::patience},
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
     .run = the_user_unpairs_the_expired, .needs = need::patience},
    {.id = "peer/revoke-expired",
     .title = "an administrator can revoke a peer whose token has expired",
     .clauses = {"BSP-REG-049", "BSP-REG-051"},
     .impact = "a stolen device is locked out only while it is in use",
     .likely_cause = "removal looks for a live session",
     .run = the_expired_are_revoked,
     .needs = need::admin_token | need::hosted_target | need::patience},
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
     .run = the_key_outlives_the_token, .needs = need::patience},
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
    {.id = "peer/list-tokens",
     .title = "the list of peers shows the whole token but its signature, and a token with a bad sbt_id or session_id is refused",
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
};

}  // namespace

group lifetimes_group() { return {"lifetimes", profile::reg, checks}; }

}  // namespace bsp::conformance
