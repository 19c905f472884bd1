#include "../registry.hpp"
#include "../scenario.hpp"
#include "../surroundings.hpp"
#include "guarded.hpp"
#include "privacy.hpp"
#include "rotation.hpp"
#include "telemetry.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <optional>
#include <thread>

// Chapter 14: how many pushes pass, what is said to the others, and whom it concerns. Whoever limits makes the suite wait
// elsewhere; here pushes are sent past that patience.

namespace bsp::conformance {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using clock = std::chrono::steady_clock;

/// One of many small pushes, and what became of it.
struct shot {
    http_request request;
    std::string conversation;
    answer got;

    [[nodiscard]] int status() const { return got.why == fault::none ? got.response.status : 0; }
};

/// Pushes of one peer in quick succession, up to its first refusal by a limit.
class flood {
public:
    explicit flood(scenario& s, peer const& from) : world_{s}, from_{from} {}

    /// `message` is how the one message of the push departs from a right one.
    [[nodiscard]] shot next(edit const& message = {}) const {
        shot out{{}, world_.fresh("flood"), {}};
        auto payload = from_.payload({world_.conversation(out.conversation, 1, {world_.message("m1", "x", 1, message)})}, {.sync_id = world_.fresh("s"), .signer = signer_});
        out.request = {"POST", world_.target_path("/sync/" + from_.peer_id()), {{"Content-Type", "application/json"}}, json::serialize(payload), {}};
        return out;
    }

    void send(shot& one) const { one.got = world_.shared().target.send(one.request, world_.shared().options.timeout); }

    /// Signs with another key from now on.
    void sign_with(key by) { signer_ = std::move(by); }

    /// `most` pushes in all, a few at a time, until one is answered with 429. INCONCLUSIVE when one is answered otherwise, or
    /// they take so long that the first no longer count.
    void run(std::size_t most) { run(most, 2, [this] { return next(); }); }
    /// The same of pushes that `make` makes, each of which is answered with 429 or a status of the hundred `expected`.
    void run(std::size_t most, int expected, std::function<shot()> const& make) {
        constexpr std::size_t at_once = 4;
        auto const begun = shots_.empty() ? clock::now() : begun_;
        begun_ = begun;
        while (shots_.size() < most && limited() == 0) {
            std::vector<shot> batch;
            for (std::size_t i = 0; i < at_once && shots_.size() + batch.size() < most; ++i) batch.push_back(make());
            std::vector<std::thread> running;
            for (auto& one : batch) running.emplace_back([this, &one] { send(one); });
            for (auto& one : running) one.join();
            last_ = clock::now();
            std::move(batch.begin(), batch.end(), std::back_inserter(shots_));
        }
        in_time_ = last_ - begun < seconds{55};
        for (auto const& one : shots_)
            if (one.status() / 100 != expected && one.status() != 429)
                world_.inconclusive("a push in quick succession was answered with " + (one.got.why == fault::none ? std::to_string(one.status()) : "nothing: " + one.got.detail));
    }

    [[nodiscard]] std::size_t count(int status) const {
        return static_cast<std::size_t>(std::count_if(shots_.begin(), shots_.end(), [&](shot const& one) { return one.status() == status; }));
    }
    [[nodiscard]] std::size_t limited() const { return count(429); }
    [[nodiscard]] std::size_t passed() const { return shots_.size() - limited(); }
    [[nodiscard]] bool in_time() const { return in_time_; }
    [[nodiscard]] clock::time_point last() const { return last_; }
    [[nodiscard]] shot const* refused() const {
        auto const found = std::find_if(shots_.begin(), shots_.end(), [](shot const& one) { return one.status() == 429; });
        return found == shots_.end() ? nullptr : &*found;
    }
    [[nodiscard]] std::vector<shot> const& shots() const { return shots_; }

private:
    scenario& world_;
    peer from_;
    std::vector<shot> shots_;
    key signer_ = {};
    clock::time_point begun_{}, last_{};
    bool in_time_ = true;
};

/// More than every budget. Ends the check when the target limits nothing and says so.
flood exhausted(scenario& s, peer const& a) {
    flood f{s, a};
    f.run(210);
    if (f.limited() == 0 && !offers_limits(s)) s.not_applicable("the target neither limits pushes nor claims to");
    if (f.limited() == 0 && !f.in_time()) s.inconclusive("210 pushes took longer than a minute");
    return f;
}

std::string const over = "beyond a peer's budget";

/// Positive when it can be read; from now on.
std::optional<seconds> wait_of(scenario const& s, shot const& one) {
    auto const* field = one.got.response.headers.find("Retry-After");
    if (!field || field->empty()) return std::nullopt;
    if (field->find_first_not_of("0123456789") == std::string::npos) return field->size() < 9 ? std::optional{seconds{std::stoll(*field)}} : std::nullopt;
    auto const date = parse_http_date(*field);
    if (!date) return std::nullopt;
    return seconds{date->seconds - s.now().seconds};
}

void a_hundred_pass(scenario& s) {
    auto const a = s.register_peer();
    flood f{s, a};
    f.run(100);
    s.expect(f.limited() == 0, "each of 100 pushes within a minute passes", "after " + std::to_string(f.passed()) + " came 429");
    s.evidence("100 pushes");
}

void excess_is_refused(scenario& s) {
    auto const a = s.register_peer();
    auto const f = exhausted(s, a);
    s.expect(f.limited() > 0, "of 210 pushes of one peer within a minute some are answered with 429", "all were accepted");
    s.expect(f.passed() >= 100, "the first 100 pushes of a peer pass", std::to_string(f.passed()) + " did");
    s.evidence("pushes up to the budget");
    auto const& refused = f.refused()->got.response;
    auto const body = json::parse(refused.body);
    s.exactly(body && text_at(*body, "/code") == "rate-limited", "the answer " + over + " has the code rate-limited", body ? text_at(*body, "/code") : "no JSON");
    s.expect(refused.headers.find("Retry-After") != nullptr, "429 carries Retry-After", "it does not");
    auto const wait = wait_of(s, *f.refused());
    s.expect(wait && (*wait > seconds{0} || refused.headers.find("Retry-After")->size() > 9), "Retry-After is a positive whole number of seconds, or a date", *refused.headers.find("Retry-After"));
}

void waits_are_short(scenario& s) {
    auto const a = s.register_peer();
    auto const f = exhausted(s, a);
    s.control(f.limited() > 0, "a budget is reached");
    auto const wait = wait_of(s, *f.refused());
    s.control(wait.has_value(), "Retry-After can be read");
    s.expect(*wait <= seconds{61}, "Retry-After is no more than 60 seconds", std::to_string(wait->count()) + " s");
}

void others_are_not_concerned(scenario& s) {
    auto r = s.settled();
    r.signing_key = s.key();
    auto const a = s.register_peer(r), sibling = s.register_peer(), twin = s.register_peer({.signing_key = r.signing_key});
    std::optional<peer> theirs;
    if (s.shared().options.users.size() > 1) {
        r.user = s.other_account();
        theirs = s.register_peer(r);
    }
    auto const f = exhausted(s, a);
    s.control(f.limited() > 0, "a budget is reached");
    auto const passes = [&](peer const& who, std::string const& what) {
        flood one{s, who};
        one.run(1);
        s.expect(one.limited() == 0, what + " may push while the first is " + over, "429");
    };
    // At once: there may soon be room for one more.
    if (theirs) passes(*theirs, "the same backend as another user's peer");
    passes(twin, "another peer with the same key");
    passes(sibling, "another peer of the same user, registered before,");
    passes(s.register_peer(), "another peer of the same user");
    if (theirs) passes(s.register_peer_of(s.other_account()), "a peer of another user");
    flood again{s, a};
    again.run(4);
    s.note(again.limited() > 0 ? "the first peer is still beyond it" : "the first peer has room again");
    s.evidence("pushes of others");
}

void garbage_costs_nobody(scenario& s) {
    auto const a = s.register_peer();
    auto const other = s.key();
    flood f{s, a};
    std::size_t turned_away = 0;
    auto const harass = [&](shot one) {
        f.send(one);
        s.control(one.status() / 100 == 4, "a push that nobody has signed is refused");
        turned_away += one.status() == 429;
    };
    for (int i = 0; i < 20; ++i) {
        auto forged = f.next(), unsigned_one = f.next(), broken = f.next();
        forged.request.body = json::serialize(a.payload({s.conversation(s.fresh("c"), 1, {})}, {.signer = other}));
        unsigned_one.request.body = json::serialize(a.payload({s.conversation(s.fresh("c"), 1, {})}, {.sign = false}));
        broken.request.body = "{\"sync_id\": ";
        harass(forged), harass(unsigned_one), harass(broken);
    }
    if (turned_away > 0) s.not_applicable("the target limits what comes from one address after " + std::to_string(60 - turned_away) + " refusals");
    f.run(100);
    s.expect(f.limited() == 0, "after 60 pushes in a peer's name that others made up, each of its own 100 within a minute passes", "after " + std::to_string(f.passed()) + " came 429");
    s.evidence("100 pushes");
}

/// Whoever has seen a push can send it again, here or elsewhere: it costs its peer nothing once it is old or meant for others.
void old_and_foreign_pushes_are_free(scenario& s) {
    auto const a = s.register_peer();
    flood f{s, a};
    std::size_t turned_away = 0;
    auto const harass = [&](push_options const& o) {
        auto one = f.next();
        one.request.body = json::serialize(a.payload({s.conversation(s.fresh("c"), 1, {})}, o));
        f.send(one);
        s.control(one.status() / 100 == 4, "a push that is old or meant for others is refused");
        turned_away += one.status() == 429;
    };
    for (int i = 0; i < 30; ++i) {
        harass({.timestamp = s.in_seconds(-900)});
        harass({.before_signing = set("target_backend_id", s.fresh_backend_id())});
        harass({.before_signing = set("peer_id", s.fresh("peer"))});
    }
    if (turned_away > 0) s.not_applicable("the target limits what comes from one address after " + std::to_string(90 - turned_away) + " refusals");
    f.run(100);
    s.expect(f.limited() == 0, "after 90 pushes of a peer that are old or meant for others, each of 100 within a minute passes", "after " + std::to_string(f.passed()) + " came 429");
    s.evidence("100 pushes");
}

/// Consent is asked after the budget (section 5.7), and a push counts whether it is accepted in the end or not.
void paused_pushes_count(scenario& s) {
    if (!s.shared().has_privacy) s.not_applicable("the target has no privacy settings");
    own_settings mine{s};
    s.control(exhausted(s, s.register_peer()).limited() > 0, "a budget is reached");
    mine.say({{"sync_enabled", false}});
    flood f{s, s.register_peer()};
    f.run(210, 4, [&] { return f.next(); });
    if (f.limited() == 0 && !f.in_time()) s.inconclusive("210 pushes took longer than a minute");
    s.expect(f.limited() > 0, "of 210 pushes of one peer within a minute some are answered with 429, though its user has paused sync", "none was");
    s.evidence("pushes up to the budget");
}

void refused_has_no_effect(scenario& s) {
    auto const a = s.register_peer();
    auto const f = exhausted(s, a);
    s.control(f.limited() > 0, "a budget is reached");
    for (auto const& one : f.shots()) {
        if (one.status() != 429) continue;
        auto const x = s.user().read(one.conversation);
        s.control(x.answered() && x.status() < 500 && x.status() != 429, "reading a conversation");
        s.expect(ids_at(x.body(), "/messages").empty(), "a push that was answered with 429 has no effect", show(x.body()));
    }
    s.evidence("the pushes that were refused");
}

/// Whoever goes on finds room all the same: what counts is what came within a minute.
void going_on_is_no_offence(scenario& s) {
    auto const a = s.register_peer();
    auto const f = exhausted(s, a);
    s.control(f.limited() > 0, "a budget is reached");
    int refused = 0;
    for (auto at = f.last() + seconds{4}; at < f.last() + seconds{61}; at += seconds{4}) {
        std::this_thread::sleep_until(at);
        auto one = f.next();
        f.send(one);
        refused += one.status() == 429;
    }
    std::this_thread::sleep_until(f.last() + seconds{62});
    auto last = f.next();
    f.send(last);
    s.expect(last.status() != 429, "a push is not refused because of the budget 62 s after the flood, although one was sent every four seconds meanwhile, of which " + std::to_string(refused) + " were refused", "429");
}

void refused_is_good_later(scenario& s) {
    auto const a = s.register_peer();
    auto const f = exhausted(s, a);
    s.control(f.limited() > 0, "a budget is reached");
    auto again = *f.refused();
    auto const told = wait_of(s, again).value_or(seconds{60});
    auto const wait = std::clamp(told, seconds{1}, seconds{60});
    std::this_thread::sleep_until(f.last() + wait + milliseconds{700});
    f.send(again);
    if (again.status() == 429 && wait < seconds{60}) {
        s.exactly(false, "a peer that sent nothing for as long as Retry-After said, " + std::to_string(wait.count()) + " s, finds room", "429");
        std::this_thread::sleep_until(clock::now() + seconds{61});
        f.send(again);
    }
    s.expect(again.status() / 100 == 2, "a push that was answered with 429 is accepted, unchanged, once a minute has passed", std::to_string(again.status()) + " " + again.got.response.body.substr(0, 120));
    auto const x = s.user().read(again.conversation);
    s.expect(ids_at(x.body(), "/messages") == std::vector<std::string>{"m1"}, "and then takes effect", show(x.body()));
    s.evidence("the push that was refused");
}

/// What a peer sends that is no new push: it counts all the same (section 14.1).
void every_push_counts(scenario& s) {
    auto const is_limited = [&](flood& f, std::string const& what) {
        if (f.limited() == 0 && !f.in_time()) s.inconclusive("210 pushes took longer than a minute");
        s.expect(f.limited() > 0, "of 210 pushes of one peer within a minute, " + what + ", some are answered with 429", "none was");
        s.expect(f.passed() >= 100, "the first 100 pushes of a peer, " + what + ", are none of them beyond its budget", "after " + std::to_string(f.passed()) + " came 429");
    };
    s.control(exhausted(s, s.register_peer()).limited() > 0, "a budget is reached");
    auto const a = s.register_peer(), b = s.register_peer();
    flood invalid{s, a};
    invalid.run(210, 4, [&] { return invalid.next(set("version", -1)); });
    is_limited(invalid, "refused for their content");
    flood repeated{s, b};
    auto const one = repeated.next();
    repeated.run(210, 2, [&] { return one; });
    is_limited(repeated, "all of them the same");
    s.evidence("pushes up to the budget");
}

/// A budget is the registration's: neither what renews it nor what changes its key begins another.
void budgets_endure(scenario& s) {
    s.control(exhausted(s, s.register_peer()).limited() > 0, "a budget is reached");
    auto const in_thirds = [&](flood& f, registration r, std::function<key()> const& rotate) {
        for (int third = 1; third <= 3 && f.limited() == 0; ++third) {
            f.run(static_cast<std::size_t>(70 * third));
            if (third == 3 || f.limited() > 0) break;
            r.created = seconds{10 * third};
            s.control(s.try_register(r), "the registration with a newer token");
            if (rotate) f.sign_with(r.signing_key = rotate());
        }
        if (f.limited() == 0 && !f.in_time()) s.inconclusive("210 pushes took longer than a minute");
        s.expect(f.limited() > 0, "of 210 pushes of one peer within a minute some are answered with 429, though its token was renewed twice meanwhile" + std::string{rotate ? ", and its key" : ""}, "none was");
    };
    auto const probe = s.nobody().post("/peers/" + s.register_peer().peer_id() + "/rotate-key", json::object{}).status();
    if (probe == 404 || probe == 405 || probe == 501) {
        auto const r = s.settled();
        flood f{s, s.register_peer(r)};
        in_thirds(f, r, {});
    } else {
        rotating r{s};
        flood f{s, r.a};
        in_thirds(f, r.registered, [&] { return r.must_rotate(s.fresh_key()), r.current; });
    }
    s.evidence("pushes up to the budget");
}

/// What is no push uses up nothing of it.
void pushes_have_a_budget_of_their_own(scenario& s) {
    auto const a = s.register_peer();
    bool others_limited = false;
    for (int i = 0; i < 40 && !others_limited; ++i) {
        auto const target = "/sync/" + a.peer_id() + "?limit=1&since=" + percent_encode_segment(s.in_seconds(3600));
        http_request const pull{"GET", s.target_path(target), {{"Authorization", a.authorization("GET", target)}}, {}, {}};
        auto const got = s.shared().target.send(pull, s.shared().options.timeout);
        s.control(got.why == fault::none && (got.response.status == 200 || got.response.status == 429), "a pull");
        others_limited = got.response.status == 429;
    }
    if (s.has_telemetry()) {
        line l{s, a};
        opens(s, l, "a peer");
        std::vector<std::string> texts;
        for (int i = 0; i < 40; ++i) texts.push_back(json::serialize(event(s, "src")));
        l.send_all(texts, "40 events");
        s.control(l.answers(texts.size()).size() == texts.size(), "all events are answered");
    }
    flood f{s, a};
    f.run(100);
    s.expect(f.limited() == 0, "after 40 pulls and as many events of a peer each of its 100 pushes passes", "after " + std::to_string(f.passed()) + " came 429");
    s.evidence("100 pushes");
}

check const checks[] = {
    {.id = "lim/hundred", .title = "100 pushes of a peer within a minute pass", .clauses = {"BSP-LIM-001"}, .impact = "a device that comes back after a day offline cannot deliver what it wrote", .likely_cause = "a budget that does not allow bursts, or counts other requests as well", .run = a_hundred_pass},
    {.id = "lim/excess", .title = "of 210 pushes of a peer within a minute some are answered with 429 and Retry-After, none of the first 100", .clauses = {"BSP-LIM-002", "BSP-LIM-010", "BSP-LIM-001"},
     .impact = "one client in a loop makes the backend slow for everyone", .likely_cause = "the limiter is declared, and never runs", .run = excess_is_refused},
    {.id = "lim/wait", .title = "Retry-After asks for no more than a minute", .clauses = {"BSP-LIM-014"}, .impact = "devices wait longer than they need to", .likely_cause = "an hour as a default", .run = waits_are_short, .strength = obligation::should},
    {.id = "lim/others", .title = "a peer beyond its budget costs no other peer anything", .clauses = {"BSP-LIM-004"}, .impact = "everyone behind one router, or every device of a user, is locked out by one of them", .likely_cause = "the budget's key is the remote address or the user",
     .run = others_are_not_concerned, .needs = need::all_users},
    {.id = "lim/garbage", .title = "what others send in a peer's name does not use up its budget", .clauses = {"BSP-LIM-003"}, .impact = "anyone who knows a peer_id can stop that device from syncing", .likely_cause = "requests are counted before they are authenticated", .run = garbage_costs_nobody},
    {.id = "lim/every-push", .title = "pushes that are refused for their content, and repetitions, use up the budget as others do", .clauses = {"BSP-LIM-002", "BSP-LIM-001"}, .impact = "a client that repeats one broken push in a loop is never slowed down",
     .likely_cause = "a push is counted when it is stored; or a refusal counts for several", .run = every_push_counts},
    {.id = "lim/old-and-foreign", .title = "pushes that are old or meant for others use up nothing of the budget", .clauses = {"BSP-LIM-001"}, .impact = "whoever has seen one push of a device can stop the device from syncing", .likely_cause = "a push is counted as soon as its signature verifies",
     .run = old_and_foreign_pushes_are_free},
    {.id = "lim/paused", .title = "pushes that a pause refuses use up the budget too", .clauses = {"BSP-LIM-002", "BSP-AUT-054"}, .impact = "a client that pushes in a loop against a pause is never slowed down", .likely_cause = "a push is counted when its user wants it", .run = paused_pushes_count,
     .needs = need::own_user, .strength = obligation::should},
    {.id = "lim/endures", .title = "neither a new token nor a new key brings a new budget", .clauses = {"BSP-LIM-002"}, .impact = "whoever registers again in a loop has no limit", .likely_cause = "the budget's key is the token, the session or the public key",
     .run = budgets_endure},
    {.id = "lim/pushes-only", .title = "pulls and telemetry use up nothing of the budget of pushes", .clauses = {"BSP-LIM-001"}, .impact = "a device that reads much cannot deliver what it wrote", .likely_cause = "one counter for all requests of a peer",
     .run = pushes_have_a_budget_of_their_own, .needs = need::sockets},
    {.id = "lim/no-effect", .title = "a push answered with 429 has no effect", .clauses = {"BSP-LIM-011"}, .impact = "messages are applied though refused", .likely_cause = "the limit is looked at after the merge", .run = refused_has_no_effect},
    {.id = "lim/good-later", .title = "a push answered with 429 is good as it is when the time has come", .clauses = {"BSP-LIM-012", "BSP-LIM-013"}, .impact = "what was refused once is lost for ever",
     .likely_cause = "a refused sync_id is remembered, or the counter is never reset", .run = refused_is_good_later, .needs = need::a_minute},
    {.id = "lim/going-on", .title = "pushes that go on slowly after a flood find room when a minute is over", .clauses = {"BSP-LIM-001"}, .impact = "a device that keeps trying is locked out for ever",
     .likely_cause = "every push, a refused one too, begins the minute anew", .run = going_on_is_no_offence, .needs = need::a_minute},
};

}  // namespace

group limits_group() { return {"limits", profile::sec, checks}; }

}  // namespace bsp::conformance
