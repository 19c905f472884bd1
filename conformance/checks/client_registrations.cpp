#include "as_client.hpp"
#include "../surroundings.hpp"
#include "client_telemetry.hpp"

#include <bsp/base/encoding.hpp>
#include <bsp/json/c14n.hpp>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <memory>

// Chapter 10, what becomes of the work for a peer when its registration changes: another token, another place, another key,
// an end. The suite is the other backend.

namespace bsp::conformance {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::chrono::hours for_long{8};
constexpr seconds next_pull{5};

void nothing_since(scenario& s, stand_in const& b, moment since, std::string const& when) {
    auto const came = exchanges_since(b, since);
    s.expect(came.empty(), "no push and no pull " + when, came.empty() ? "" : came.front().request.method + ' ' + came.front().request.target + ", " + seconds_text(between(since, came.front().at)) + " later");
}

void pulls_go_on(scenario& s, stand_in const& b, std::string const& when) {
    auto const before = b.pulls().size();
    s.expect(b.until(next_pull + 2 * slack, [&] { return b.pulls().size() > before; }), "a pull in each interval of 5 s " + when, "none");
}

// ---- another token ----

/// A device renews its token long before it is needed.
void renewed_in_time(scenario& s) {
    constexpr seconds lifetime{25};
    stand_in b{s, {.token_lifetime = lifetime}};
    auto const expiry = std::chrono::steady_clock::now() + lifetime;
    b.settle();
    b.renew(seconds{5}, for_long);
    if (std::chrono::steady_clock::now() > expiry - seconds{1}) s.inconclusive("the first token has expired before the second one was registered");
    std::this_thread::sleep_until(expiry + slack);
    auto const c = s.fresh("c");
    write(s, b.user(), c);
    s.expect(b.delivered(soon, c), "a push of a change under the token that was registered before the first one expired", "none within " + seconds_text(soon));
    pulls_go_on(s, b, "under that token");
}

/// The token that was made last counts, and not the one that lasts longest.
void renewed_for_less(scenario& s) {
    stand_in b{s};
    b.settle();
    constexpr seconds ahead{3}, lifetime{12};
    b.renew(ahead, lifetime);
    auto const expiry = std::chrono::steady_clock::now() + ahead + lifetime;
    std::this_thread::sleep_until(expiry + slack);
    auto const c = s.fresh("c");
    write(s, b.user(), c);
    pass(seconds{7});
    nothing_since(s, b, expiry + slack, "once the later token has expired, whatever the one before would have allowed");
    b.renew(seconds{60}, for_long);
    s.expect(b.delivered(seconds{10} + slack, c), "a push of what became due meanwhile, once there is another token", "none");
}

void pulls_wait_for_a_token(scenario& s) {
    stand_in b{s};
    b.settle();
    b.on_pull([](arrival const&) { return stand_in::problem(401, "sbt-expired"); });
    auto const is_refused = [&] { return std::ranges::any_of(b.pulls(), [](arrival const& a) { return a.status == 401 && a.over; }); };
    if (!b.until(next_pull + 2 * slack, is_refused)) s.inconclusive("no pull to be refused");
    pass(seconds{2});
    b.on_pull({});
    b.renew(seconds{20}, std::chrono::hours{1});  // it is another one, though it expires earlier
    auto const before = b.pulls().size();
    s.expect(b.until(soon, [&] { return b.pulls().size() > before; }), "a pull, once there is another token than the one for which pulls were refused", "none within " + seconds_text(soon));
    auto const c = s.fresh("c");
    write(s, b.user(), c);
    s.expect(b.delivered(soon, c), "a push under the new token", "none");
}

/// The time `from_now`, as clocks that are `hours` ahead of UTC show it.
std::string elsewhere(scenario& s, seconds from_now, int hours) {
    auto const text = s.at(from_now + std::chrono::hours{hours});
    return text.substr(0, 19) + (hours < 0 ? "-0" : "+0") + std::to_string(std::abs(hours)) + ":00";
}

/// A token may be spelled with any offset (BSP-GEN-055).
void expiry_is_an_instant(scenario& s) {
    constexpr seconds left{9};
    auto const account = s.account();
    stand_in east{s, {.user = account}}, west{s, {.user = account}};
    east.settle(), west.settle();
    auto const spelled = [&](stand_in& b, seconds lifetime, int hours) {
        return b.register_endpoints({}, b.endpoints(), [&](json::object& sbt) { sbt["created_at"] = elsewhere(s, seconds{2}, hours), sbt["expires_at"] = elsewhere(s, lifetime, hours); });
    };
    auto const expiry = std::chrono::steady_clock::now() + left;
    s.control(spelled(east, left, 5), "a registration with a token whose times are spelled with +05:00");
    s.control(spelled(west, std::chrono::hours{1}, -5), "a registration with a token whose times are spelled with -05:00");
    auto const c = s.fresh("c"), d = s.fresh("d");
    write(s, west.user(), c);
    s.expect(west.delivered(soon, c), "a push under a token that expires in an hour, spelled with -05:00", "none within " + seconds_text(soon));
    pulls_go_on(s, west, "under that token");
    std::this_thread::sleep_until(expiry + slack);
    write(s, west.user(), d);
    s.expect(west.delivered(soon, d), "a push under a token that expires in an hour, spelled with -05:00", "none within " + seconds_text(soon));
    pass(seconds{6});
    nothing_since(s, east, expiry + slack, "once the token has expired whose times are spelled with +05:00");
    east.renew(seconds{60}, for_long);
    s.expect(east.delivered(seconds{10} + slack, d), "a push of what became due meanwhile, once there is another token", "none");
}

// ---- another place ----

/// "Not older" is what the clause says, and as old is not older.
void moves_with_the_same_token(scenario& s) {
    stand_in b{s};
    b.settle();
    auto const created = s.in_seconds(20), expires = s.in_seconds(20 + 8 * 3600);
    auto const same_times = [&](json::object& sbt) { sbt["created_at"] = created, sbt["expires_at"] = expires; };
    s.control(b.register_endpoints({}, b.endpoints(), same_times), "a registration with a newer token");
    auto const id = "moved~" + s.fresh("id");
    s.control(b.register_endpoints({}, b.endpoints(id), same_times), "the registration with a token of the same created_at, and other endpoints");
    pass(slack);  // a push that was about to begin may have looked at the endpoints before
    auto const c = s.fresh("c");
    write(s, b.user(), c);
    s.expect(b.delivered(soon + seconds{2}, c), "a push of a change", "none");
    auto const push = b.pushes_of(c).back();
    s.expect(push.request.target.starts_with("/sync/" + id), "the push at the endpoint that came with a token as old as the stored one", push.request.target);
}

/// A server that has moved is not there any more where it was: neither for what has failed there, nor for /health.
void moves_while_something_is_due(scenario& s) {
    stand_in b{s};
    b.settle();
    auto const c = s.fresh("c"), old = b.box_name();
    b.on_push([c](arrival const& a) { return a.conversation(c) ? stand_in::problem(503, "unavailable") : stand_in::acknowledge(a); });
    write(s, b.user(), c);
    s.control(b.until(2 * soon, [&] { return !b.pushes_of(c).empty(); }), "a push that fails");
    for (auto const set : {&stand_in::on_push, &stand_in::on_pull, &stand_in::on_health}) (b.*set)([](arrival const&) { return stand_in::close(); });
    b.move();
    s.control(b.register_endpoints(seconds{20}, b.endpoints()), "a repeated registration with endpoints at another base URL");
    pass(seconds{1});  // for what was under way to the old place
    b.leave(old);
    auto const since = std::chrono::steady_clock::now();
    for (auto const set : {&stand_in::on_push, &stand_in::on_pull, &stand_in::on_health}) (b.*set)({});
    bool const came = b.delivered_in_the_end(c);
    auto const is_new = [&](arrival const& a) { return a.at > since; };
    bool const asked = b.until(seconds{20} + slack, [&] { return std::ranges::any_of(b.arrivals(arrival::route::health), is_new); });
    bool const pulled = b.until(next_pull + 2 * slack, [&] { return std::ranges::any_of(b.pulls(), is_new); });
    s.expect(came, "the push that failed at the old place at the new one", "none");
    s.expect(asked, "GET /health at the base URL that was registered last", "none within 22 s");
    s.expect(pulled, "pulls at the new place", "none");
}

/// It is the same registration, wherever it is: nothing begins anew.
void moves_leave_positions(scenario& s) {
    stand_in b{s};
    b.settle();
    auto const c = s.fresh("c"), d = s.fresh("d");
    write(s, b.user(), c);
    s.control(b.delivered(soon, c), "a push of a change");
    pass(milliseconds{500});
    s.control(b.register_endpoints(seconds{20}, b.endpoints("moved~" + s.fresh("id"))), "a repeated registration with other endpoints");
    write(s, b.user(), d);
    s.expect(b.delivered(soon + seconds{2}, d), "a push of a change to the peer that has moved", "none");
    pass(seconds{3});
    s.expect(b.pushes_of(c).size() == 1, "no second push of what the peer acknowledged before it moved", std::to_string(b.pushes_of(c).size()) + " pushes");
}

void streams_move_too(scenario& s) {
    stand_in b{s};
    b.settle_telemetry();
    auto const id = "moved~" + s.fresh("id");
    s.control(b.register_endpoints(seconds{20}, b.endpoints(id)), "a repeated registration with other endpoints");
    pass(slack);
    auto const before = b.streams().size();
    break_streams(b);
    provoke(s, b, in_the_end, [&] { return b.streams().size() > before; });
    b.on_silence({});
    auto const all = b.streams();
    if (all.size() == before) s.inconclusive("no further stream");
    s.expect(all[before].request.target.starts_with("/telemetry/" + id), "a stream at the telemetry_endpoint that was registered last", all[before].request.target);
}

/// Who could not be called at first says later where it can be.
void endpoints_come_later(scenario& s) {
    auto const account = s.account();
    stand_in known{s, {.user = account}}, b{s, {.user = account, .places = false}};
    known.settle();
    s.control(b.register_endpoints(seconds{20}, b.endpoints()), "a repeated registration, with the first endpoints");
    auto const c = s.fresh("c");
    write(s, b.user(), c);
    b.until(seconds{20}, [&] { return !b.pushes().empty(); });
    s.expect(b.delivered_in_turn(c), "pushes to a peer that gave its endpoints when it registered again", std::to_string(b.pushes().size()) + " pushes, none of them with the change");
    pulls_go_on(s, b, "from it");
}

void live_pull_comes_later(scenario& s) {
    stand_in b{s};
    b.settle();
    registration again{.user = b.account(), .backend_id = b.backend_id(), .backend_type = b.at_target().backend_type(), .signing_key = b.at_target().signing_key(), .created = seconds{20}};
    again.identity = [](json::object& who) { who["capabilities"] = json::array{"conversation_storage", "persistence", "live_pull"}; };
    s.control(s.try_register(again), "a repeated registration that declares live_pull");
    auto const since = std::chrono::steady_clock::now() + slack;
    bool const held = b.until(3 * next_pull + slack, [&] {
        auto const all = b.pulls();
        return std::ranges::any_of(all, [&](arrival const& a) { return a.at > since && a.parameter("wait"); });
    });
    s.expect(held, "pulls with wait from a peer that declares live_pull since it registered again", "none within 17 s");
}

// ---- another key, and the end ----

void a_rotation_changes_nothing_else(scenario& s) {
    stand_in b{s, {.signing_key = s.fresh_key()}};
    b.settle();
    auto const c = s.fresh("c"), d = s.fresh("d");
    write(s, b.user(), c);
    s.control(b.delivered(soon, c), "a push of a change");
    pass(milliseconds{500});
    auto const next = s.fresh_key();
    json::object notice{{"typ", "bsp-key-rotation"}, {"peer_id", b.at_target().peer_id()}, {"backend_id", b.backend_id()}, {"target_backend_id", s.identity().backend_id},
                        {"new_public_key", next->public_key().pem()}, {"rotated_at", s.at()}, {"grace_expires_at", s.in_seconds(3600)}};
    auto const text = json::canonicalize(notice).value();
    notice["signature"] = to_base64(s.seal(b.at_target().signing_key(), text));
    notice["new_key_signature"] = to_base64(s.seal(next, text));
    auto const x = s.nobody().post("/peers/" + b.at_target().peer_id() + "/rotate-key", json::value(notice));
    if (x.status() == 404 || x.status() == 405 || x.status() == 501) s.not_applicable("the target does not offer key rotation");
    s.control(x, "a rotation notice of the peer");
    write(s, b.user(), d);
    s.expect(b.delivered(soon, d), "a push of a change to a peer that has another key", "none within " + seconds_text(soon));
    pulls_go_on(s, b, "from it");
    s.expect(b.pushes_of(c).size() == 1, "no second push of what the peer acknowledged before its rotation", std::to_string(b.pushes_of(c).size()) + " pushes");
}

void revoked_peers_get_nothing(scenario& s) {
    auto const account = s.account();
    stand_in gone{s, {.user = account, .signing_key = s.fresh_key()}}, stays{s, {.user = account}};
    gone.settle(), stays.settle();
    s.control(s.admin().del("/peers/" + gone.at_target().peer_id()), "DELETE of the peer by an administrator");
    auto const since = std::chrono::steady_clock::now() + slack;
    std::this_thread::sleep_until(since);
    auto const c = s.fresh("c");
    write(s, stays.user(), c);
    s.expect(stays.delivered(soon, c), "a push to the peer that is still registered", "none");
    pass(seconds{6});
    nothing_since(s, gone, since, "to and from a peer that was revoked");
}

/// What failed before is a change like others, and nobody's any more.
void unpaired_while_something_is_due(scenario& s) {
    stand_in b{s};
    b.settle();
    auto const c = s.fresh("c");
    b.on_push([c](arrival const& a) { return a.conversation(c) ? stand_in::problem(503, "unavailable") : stand_in::acknowledge(a); });
    write(s, b.user(), c);
    s.control(b.until(soon, [&] { return !b.pushes_of(c).empty(); }), "a push that fails");
    b.unpair();
    auto const since = std::chrono::steady_clock::now() + slack;
    pass(seconds{10});
    nothing_since(s, b, since, "to a peer that was unpaired while a push to it waited to be repeated");
}

/// An answer is about the token under which the request was sent.
void refused_after_its_renewal(scenario& s) {
    auto const account = s.account();
    stand_in pushed{s, {.user = account}}, pulled{s, {.user = account}};
    pushed.settle(), pulled.settle();
    auto const late = [](std::shared_ptr<std::atomic<int>> const& asked) {
        reaction r = stand_in::problem(401, "sbt-expired");
        r.delay = ++*asked == 1 ? seconds{6} : seconds{0};
        return r;
    };
    auto const pushes = std::make_shared<std::atomic<int>>(0), pulls = std::make_shared<std::atomic<int>>(0);
    pushed.on_push([=](arrival const& a) { return *pushes == 0 ? late(pushes) : stand_in::acknowledge(a); });
    pulled.on_pull([=, &pulled](arrival const& a) { return *pulls == 0 ? late(pulls) : pulled.feed(a); });
    auto const c = s.fresh("c");
    write(s, pushed.user(), c);
    bool const came = pushed.until(soon, [&] { return *pushes > 0; }) && pulled.until(soon, [&] { return *pulls > 0; });
    if (!came) pulled.on_pull({}), s.inconclusive("no push and no pull to be answered late");
    pushed.renew(seconds{2}, for_long), pulled.renew(seconds{2}, for_long);
    bool const in_time = !pushed.pushes().back().over || !pulled.pulls().back().over;
    bool const again = pushed.delivered(seconds{6} + soon, c);
    bool const pulls_again = pulled.until(seconds{6} + soon, [&] { auto const all = pulled.pulls(); return !all.empty() && all.back().status == 200; });
    auto const d = s.fresh("d");
    write(s, pulled.user(), d);
    bool const goes_on = pulled.delivered(soon, d);
    pulled.on_pull({});
    if (!in_time) s.inconclusive("the registrations took longer than the slow answers");
    s.expect(again, "the push again under the token that was registered while the answer 401 sbt-expired was on its way", "none");
    s.expect(pulls_again && goes_on, "pulls and pushes under the token that was registered while the answer 401 sbt-expired to a pull was on its way", pulls_again ? "no push" : "no pull");
}

check const checks[] = {
    {.id = "off/renewed-in-time",
     .title = "the exchange goes on under a token that was registered before the last one expired",
     .clauses = {"BSP-OFF-010", "BSP-OFF-012"},
     .impact = "every eight hours a device falls silent, though it renewed its token in time",
     .likely_cause = "a timer for the expiry is set with the first token, and not reset with the next",
     .run = renewed_in_time,
     .needs = as_client},
    {.id = "off/renewed-for-less",
     .title = "of two tokens the later one says when the exchange ends",
     .clauses = {"BSP-OFF-025", "BSP-REG-025"},
     .impact = "who shortens a session goes on being sent everything",
     .likely_cause = "the latest expiry of all tokens is kept",
     .run = renewed_for_less,
     .needs = as_client},
    {.id = "off/expiry-spelled",
     .title = "the exchange ends at the instant at which the token expires, however it is spelled",
     .clauses = {"BSP-OFF-025", "BSP-GEN-055", "BSP-OFF-010"},
     .impact = "with a server in another time zone nothing is ever sent, or everything for hours too long",
     .likely_cause = "expires_at is compared with the present as text, or its offset is cut off",
     .run = expiry_is_an_instant,
     .needs = as_client},
    {.id = "off/token-refused-pulls",
     .title = "pulls that were refused for an expired token begin again with the next one",
     .clauses = {"BSP-OFF-035", "BSP-OFF-012"},
     .impact = "after a night without network nothing is ever pulled again",
     .likely_cause = "the refusal is remembered for each channel, and forgotten for pushes only",
     .run = pulls_wait_for_a_token,
     .needs = as_client},
    {.id = "off/endpoints-move-same-token",
     .title = "endpoints count when they come with a token as old as the stored one",
     .clauses = {"BSP-REG-027"},
     .impact = "a backend that moves within a session is not heard of before the next",
     .likely_cause = "everything of a registration is stored only when its token is later",
     .run = moves_with_the_same_token,
     .needs = as_client},
    {.id = "off/endpoints-move-while-due",
     .title = "what failed at the old place of a peer goes to the new one, and so does /health",
     .clauses = {"BSP-REG-027", "BSP-OFF-001", "BSP-OFF-033", "BSP-OFF-040"},
     .impact = "a server that has moved is asked for ever where it was",
     .likely_cause = "the URL is a part of what is queued, or of the loop",
     .run = moves_while_something_is_due,
     .needs = as_client},
    {.id = "off/endpoints-move-positions",
     .title = "what a peer acknowledged is not pushed again because it has moved",
     .clauses = {"BSP-OFF-020"},
     .impact = "with every change of address the whole history travels again",
     .likely_cause = "positions are kept by URL",
     .run = moves_leave_positions,
     .needs = as_client},
    {.id = "off/telemetry-moves",
     .title = "streams are opened at the telemetry_endpoint that was registered last",
     .clauses = {"BSP-TEL-136", "BSP-REG-027"},
     .impact = "a server that has moved is told nothing any more",
     .likely_cause = "only the sync_endpoint of a repeated registration is stored",
     .run = streams_move_too,
     .needs = as_client},
    {.id = "off/endpoints-later",
     .title = "a peer that gives its endpoints when it registers again is called from then on",
     .clauses = {"BSP-REG-027", "BSP-OFF-001", "BSP-OFF-012"},
     .impact = "who could not be called at first never is",
     .likely_cause = "the work for a peer begins with its first registration, or never",
     .run = endpoints_come_later,
     .needs = as_client},
    {.id = "off/live-pull-later",
     .title = "a pull with wait is kept open to a peer that declares live_pull when it registers again",
     .clauses = {"BSP-OFF-056", "BSP-REG-027"},
     .impact = "changes come seconds late until the client is started again",
     .likely_cause = "capabilities are read once",
     .run = live_pull_comes_later,
     .needs = as_client,
     .strength = obligation::should},
    {.id = "off/peer-rotates",
     .title = "a peer that rotates its key is pushed to and pulled from as before",
     .clauses = {"BSP-OFF-010", "BSP-OFF-012", "BSP-OFF-020"},
     .impact = "whoever changes a key is forgotten, or gets everything again",
     .likely_cause = "the notice makes a new row of the registration",
     .run = a_rotation_changes_nothing_else,
     .needs = as_client},
    {.id = "off/revoked",
     .title = "a peer that was revoked gets nothing more",
     .clauses = {"BSP-OFF-025"},
     .impact = "a stolen backend goes on receiving everything after it was locked out",
     .likely_cause = "the mark of a revocation is read where requests come in, and not where they go out",
     .run = revoked_peers_get_nothing,
     .needs = as_client | need::admin_token},
    {.id = "off/unpaired-while-due",
     .title = "a push that failed is not repeated after the peer was unpaired",
     .clauses = {"BSP-OFF-025"},
     .impact = "what was written yesterday goes to a backend that the user has parted with",
     .likely_cause = "the queue of repetitions has its own copy of the peer",
     .run = unpaired_while_something_is_due,
     .needs = as_client},
    {.id = "off/token-refused-late",
     .title = "a refusal of the token before is not one of the token that was registered meanwhile",
     .clauses = {"BSP-OFF-035", "BSP-OFF-010", "BSP-OFF-012"},
     .impact = "a device that renewed its token in time falls silent until the next renewal",
     .likely_cause = "the refusal is entered with the token that is stored when the answer comes",
     .run = refused_after_its_renewal,
     .needs = as_client},
};

}  // namespace

group client_registrations_group() { return {"client_registrations", profile::off, checks}; }

}  // namespace bsp::conformance
