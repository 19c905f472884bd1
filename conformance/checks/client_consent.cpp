#include "client_telemetry.hpp"
#include "privacy.hpp"

#include "../surroundings.hpp"

#include <algorithm>

// Section 16.3: what a user does not allow does not leave the target, and what waited leaves it afterwards. The user says
// so at the target; the suite is the backend to which it would go. These checks run alone, for settings are the user's.

namespace bsp::conformance {
namespace {

constexpr unsigned as_quiet_client = need::peer_listener | need::local_target | need::alone;

constexpr seconds effective{2};  // after which a change of the settings has taken effect
constexpr seconds watched{8};    // a whole interval of 5 s and more

json::object const all_on{{"sync_enabled", true}, {"sync_conversations", true}, {"sync_telemetry", true}};

/// Pushes of this conversation fail; what fails first keeps its place, so others do not.
script failing(std::string c) {
    return [c = std::move(c)](arrival const& a) { return a.conversation(c) ? stand_in::problem(503, "unavailable") : stand_in::acknowledge(a); };
}

void only_with_settings(scenario& s) {
    if (!s.shared().has_privacy) s.not_applicable("the target has no privacy settings");
}

/// Pushes and pulls that arrived after `since`.
std::vector<arrival> exchanges_after(stand_in const& b, moment since) {
    auto out = b.pushes();
    for (auto& a : b.pulls()) out.push_back(std::move(a));
    std::erase_if(out, [&](arrival const& a) { return a.at < since; });
    return out;
}

void a_pause_holds_back(scenario& s) {
    only_with_settings(s);
    stand_in b{s, {.user = s.account()}};
    own_settings mine{s};
    mine.say(all_on);
    b.settle();
    for (json::object const& off : {json::object{{"sync_enabled", false}}, json::object{{"sync_enabled", true}, {"sync_conversations", false}}}) {
        auto const before = s.fresh("before"), c = s.fresh("c");
        write(s, b.user(), before);
        s.control(b.delivered(soon, before), "a push of a change");
        // What is queued when the pause begins is kept like what comes later.
        auto const queued = s.fresh("queued");
        b.on_push(failing(queued));
        write(s, b.user(), queued);
        s.control(b.until(soon, [&] { return !b.pushes_of(queued).empty(); }), "a push that has to come again");
        mine.say(off);
        auto const since = std::chrono::steady_clock::now() + effective;
        b.on_push({});
        std::this_thread::sleep_until(since);
        write(s, b.user(), c);
        pass(watched);
        auto const came = exchanges_after(b, since);
        s.expect(came.empty(), "no push and no pull from 2 s after " + show(off) + " on", came.empty() ? "" : came.front().request.method + ' ' + came.front().request.target.substr(0, 60) + ", " + seconds_text(between(since, came.front().at)) + " later");
        auto const pulls = b.pulls().size();
        mine.say(all_on);
        s.expect(b.delivered_in_the_end(c), "a push of what was written meanwhile, once it is allowed again", "none");
        s.expect(b.delivered_in_the_end(queued), "a push of what was queued before, once it is allowed again", "none");
        s.expect(b.until(seconds{10} + slack, [&] { return b.pulls().size() > pulls; }), "a pull, once it is allowed again", "none");
    }
}

void a_pause_of_one_holds_up_nobody(scenario& s) {
    only_with_settings(s);
    stand_in mine{s, {.user = s.account()}}, theirs{s, {.user = s.other_account()}};
    own_settings of_one{s}, of_other{s, s.other_user(), s.other_account().id};
    of_one.say(all_on), of_other.say(all_on);
    mine.settle(), theirs.settle();
    of_one.say({{"sync_enabled", false}});
    for (int i = 0; i < 3; ++i) {
        auto const c = s.fresh("c");
        write(s, mine.user(), s.fresh("held"));
        write(s, theirs.user(), c);
        s.expect(theirs.delivered(seconds{10} + slack, c), "a push for a user while another one has paused", "none");
        pass(seconds{1});
    }
    auto const pulls = theirs.pulls().size();
    s.expect(theirs.until(seconds{10} + slack, [&] { return theirs.pulls().size() > pulls; }), "a pull for a user while another one has paused", "none");
}

void surfaces_stay_here(scenario& s) {
    only_with_settings(s);
    stand_in b{s, {.user = s.account()}};
    own_settings mine{s};
    mine.say({{"sync_enabled", true}, {"sync_conversations", true}, {"allowed_surfaces", {"web", "watch"}}});
    b.settle();
    auto const c = s.fresh("c"), word = s.canary();
    auto const shown_word = [&](std::string const& text, std::size_t from) {
        auto const all = b.pushes();
        return std::any_of(all.begin() + static_cast<std::ptrdiff_t>(std::min(from, all.size())), all.end(), [&](arrival const& a) { return a.request.body.find(text) != std::string::npos; });
    };
    // One that is queued while it is allowed, and may not go any more when its turn comes.
    b.on_push(failing(c));
    s.control(b.user().write(c, word, set("surface", "watch")), "a write from an allowed surface");
    s.control(b.until(soon, [&] { return shown_word(word, 0); }), "a push of it");
    mine.say({{"allowed_surfaces", json::array{"web"}}});
    pass(effective);
    auto const from = b.pushes().size();
    b.on_push({});
    auto const hidden = s.canary(), open = s.canary();
    s.control(b.user().write(c, hidden, set("surface", "watch")), "a write from a surface that is not allowed");
    auto const x = b.user().write(c, open, set("surface", "web"));
    s.control(x, "a write from an allowed surface");
    s.expect(b.delivered_in_the_end(c, x.text("/id")), "a push of the message from the allowed surface", "none");
    pass(seconds{3});
    s.expect(!shown_word(hidden, from), "no message from a surface that is not allowed", "it was pushed");
    s.expect(!shown_word(word, from), "nor one that was queued when it still was", "it was pushed");
}

void erased_stays_here(scenario& s) {
    only_with_settings(s);
    stand_in b{s, {.user = s.account()}};
    own_settings mine{s};
    mine.say(all_on);
    b.settle();
    auto const c = s.fresh("c"), word = s.canary();
    b.on_push(failing(c));
    write(s, b.user(), c, word);
    s.control(b.until(soon, [&] { return !b.pushes_of(c).empty(); }), "a push of it, which fails");
    s.control(b.user().del("/privacy/data"), "an erasure");
    auto const since = std::chrono::steady_clock::now() + milliseconds{500};  // for what was under way
    std::this_thread::sleep_until(since);
    b.on_push({});
    auto const d = s.fresh("d");
    write(s, b.user(), d);
    s.expect(b.delivered_in_the_end(d), "a push of what was written after the erasure", "none");
    pass(seconds{3});
    for (auto const& a : b.pushes()) s.expect(a.at < since || a.request.body.find(word) == std::string::npos, "no push of what was erased", "one " + seconds_text(between(since, a.at)) + " after the erasure");
}

void telemetry_stays_here(scenario& s) {
    only_with_settings(s);
    stand_in b{s, {.user = s.account()}};
    own_settings mine{s};
    mine.say(all_on);
    b.settle_telemetry();
    for (json::object const& off : {json::object{{"sync_enabled", true}, {"sync_telemetry", false}}, json::object{{"sync_enabled", false}, {"sync_telemetry", true}}}) {
        // One that is queued: told, and not answered.
        b.on_event([](told_event const&) { return event_reaction{}; });
        auto const told = b.events().size();  // what came before may have been acknowledged
        s.control(provoke(s, b, seconds{30}, [&] { return b.events().size() > told; }), "another event");
        auto const waits = b.events()[told].id();
        mine.say(off);
        auto const since = std::chrono::steady_clock::now() + effective;
        std::this_thread::sleep_until(since);
        b.on_event({});
        for (int i = 0; i < 4; ++i) {
            write(s, b.user(), s.fresh("told"));
            pass(seconds{2});
        }
        for (auto const& e : b.events()) s.expect(e.at < since, "no telemetry event from 2 s after " + show(off) + " on", e.id() + ", " + seconds_text(between(since, e.at)) + " later");
        mine.say(all_on);
        bool const came = provoke(s, b, in_the_end, [&] {
            auto const all = b.events();
            return std::any_of(all.begin(), all.end(), [&](told_event const& e) { return e.at >= since && e.id() == waits; });
        });
        s.expect(came, "what was queued is told once it is allowed again", "it is not");
        pass(seconds{1});
    }
}

check const checks[] = {
    {.id = "off/paused", .title = "nothing is pushed or pulled for a user who has paused, and what waited goes afterwards", .clauses = {"BSP-PRV-040", "BSP-PRV-041"}, .impact = "what people write leaves the house although they said no; or is lost while it waits",
     .likely_cause = "the pause is enforced where requests come in, and not where they go out", .run = a_pause_holds_back, .needs = as_quiet_client},
    {.id = "off/pause-of-one", .title = "the pause of one user holds up no other", .clauses = {"BSP-PRV-042"}, .impact = "one person's choice stops everybody's sync",
     .likely_cause = "the pause stops the scheduler", .run = a_pause_of_one_holds_up_nobody, .needs = as_quiet_client | need::second_user},
    {.id = "off/surfaces", .title = "messages from surfaces that are not allowed are not sent", .clauses = {"BSP-PRV-043"}, .impact = "what was said on a watch leaves the house although it should not",
     .likely_cause = "only what comes in is filtered; or what is queued is sent as it was queued", .run = surfaces_stay_here, .needs = as_quiet_client},
    {.id = "off/erased", .title = "what was erased is not sent", .clauses = {"BSP-PRV-044"}, .impact = "what a person had erased turns up elsewhere afterwards",
     .likely_cause = "the queue holds copies that an erasure does not know", .run = erased_stays_here, .needs = as_quiet_client},
    {.id = "off/telemetry-paused", .title = "no telemetry is sent for a user who does not allow it, and what was queued is kept", .clauses = {"BSP-PRV-045"}, .impact = "a record of what people do leaves the house although they said no",
     .likely_cause = "an open stream goes on", .run = telemetry_stays_here, .needs = as_quiet_client},
};

}  // namespace

group client_consent_group() { return {"client_consent", profile::off, checks}; }

}  // namespace bsp::conformance
