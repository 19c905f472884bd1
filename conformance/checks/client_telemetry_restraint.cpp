#include "as_client.hpp"
#include "client_telemetry.hpp"

#include "../surroundings.hpp"

#include <memory>
#include <mutex>

// Chapters 10 and 11, when a client may not send events, and that telemetry is in nobody's way. The suite is the other backend.

namespace bsp::conformance {
namespace {

std::vector<told_event> events_since(stand_in const& b, moment since) {
    auto all = b.events();
    std::erase_if(all, [&](told_event const& e) { return e.at < since; });
    return all;
}

std::vector<arrival> streams_since(stand_in const& b, moment since) {
    auto all = b.streams();
    std::erase_if(all, [&](arrival const& a) { return a.at < since; });
    return all;
}

void a_pause_is_kept(scenario& s) {
    constexpr seconds pause{6};
    stand_in b{s};
    b.settle_telemetry();
    limiting const l{b, [pause](moment first) { return first + pause; }};
    s.control(provoke(s, b, in_the_end, [&] { return !l.limited().empty(); }), "another event");
    while (std::chrono::steady_clock::now() < l.over()) {
        write(s, b.user(), s.fresh("told"));
        pass(milliseconds{500});
    }
    auto const limited = l.limited();
    auto const from = limited.front().at;
    for (std::size_t i = 1; i < limited.size(); ++i) {
        auto const& e = limited[i];
        auto const after = seconds_text(between(from, e.at));
        bool const again = std::any_of(limited.begin(), limited.begin() + static_cast<std::ptrdiff_t>(i), [&](told_event const& x) { return x.id() == e.id(); });
        bool const nearly = e.at + grain >= l.over();
        s.expect(!again || nearly, "an event that was answered rate_limited not before retry_after_ms have passed, which are 6 s", e.id() + " again after " + after);
        s.expect(e.at < from + slack || nearly, "no event to that peer before retry_after_ms have passed, which are 6 s", "one after " + after);
    }
    bool const one_stream = std::all_of(limited.begin(), limited.end(), [&](told_event const& e) { return e.stream == limited.front().stream; });
    come_again(s, b, limited, [&] { return events_since(b, l.over()); }, one_stream, "after the pause");
}

/// One stand-in for each of `what`, from which events came already.
std::vector<std::unique_ptr<stand_in>> told_once(scenario& s, std::size_t count) {
    auto const account = teller_of(s);
    std::vector<std::unique_ptr<stand_in>> all;
    for (std::size_t i = 0; i < count; ++i) all.push_back(std::make_unique<stand_in>(s, stand_in::options{.user = account}));
    for (auto const& b : all) b->settle_telemetry();
    return all;
}

script refusing(int status, std::string code) {
    return [status, code = std::move(code)](arrival const&) { return stand_in::problem(status, code); };
}

void refused_streams_do_not_make_it_hurry(scenario& s) {
    std::vector<std::pair<int, char const*>> const refusals{{403, "forbidden"}, {404, "unknown-peer"}, {401, "invalid-credential"}, {426, "upgrade-required"}, {418, "no-such-code"}};
    auto const all = told_once(s, refusals.size());
    for (std::size_t i = 0; i < all.size(); ++i) all[i]->on_stream(refusing(refusals[i].first, refusals[i].second)), break_streams(*all[i]);
    for (int i = 0; i < 8; ++i) {
        write(s, all.front()->user(), s.fresh("told"));
        pass(milliseconds{1'000});
    }
    std::size_t refused = 0;
    for (std::size_t i = 0; i < all.size(); ++i) {
        auto streams = all[i]->streams();
        std::erase_if(streams, [&](arrival const& a) { return a.status != refusals[i].first; });
        refused += streams.size();
        auto const hurry = faster_than_two_a_second(streams);
        s.expect(hurry.empty(), "at most two opening handshakes in a second that are refused with " + std::to_string(refusals[i].first), hurry);
    }
    s.control(refused > 0, "streams that were refused");
}

void refused_streams_wait(scenario& s) {
    constexpr seconds asked{9};
    std::vector<std::pair<int, char const*>> const refusals{{503, "unavailable"}, {429, "rate-limited"}};
    auto const all = told_once(s, refusals.size());
    for (std::size_t i = 0; i < all.size(); ++i) {
        all[i]->on_stream([status = refusals[i].first, code = refusals[i].second, asked](arrival const&) { return stand_in::problem(status, code, {{"Retry-After", std::to_string(asked.count())}}); });
        break_streams(*all[i]);
    }
    for (int i = 0; i < 12; ++i) {
        write(s, all.front()->user(), s.fresh("told"));
        pass(milliseconds{1'000});
    }
    std::size_t seen = 0;
    for (std::size_t i = 0; i < all.size(); ++i) {
        auto streams = all[i]->streams();
        std::erase_if(streams, [&](arrival const& a) { return a.status != refusals[i].first || !a.over; });
        seen += streams.size();
        for (std::size_t n = 1; n < streams.size(); ++n) {
            auto const gap = between(*streams[n - 1].over, streams[n].at);
            s.expect(gap + grain >= asked, "no opening handshake before 9 s have passed, as the " + std::to_string(refusals[i].first) + " to the one before said with Retry-After: 9", "one after " + seconds_text(gap));
        }
    }
    s.control(seen > 0, "streams that were refused");
}

/// Ends and following beginnings of streams since: the gaps, unless several streams were open at a time.
std::vector<milliseconds> gaps(stand_in const& b, moment since) {
    std::vector<milliseconds> out;
    auto const all = streams_since(b, since);
    for (std::size_t i = 1; i < all.size(); ++i) {
        if (!all[i - 1].over || *all[i - 1].over > all[i].at) return {};
        out.push_back(between(*all[i - 1].over, all[i].at));
    }
    return out;
}

void streams_are_opened_again_with_patience(scenario& s) {
    struct obstacle {
        std::string what;
        script stream;
        int close;
        bool grows;  ///< who closes after 101 may have ended the row of failures
    };
    auto const close = [](arrival const&) { return stand_in::close(); };
    std::vector<obstacle> const obstacles{{"503", refusing(503, "unavailable"), 0, true}, {"a closed connection", close, 0, true}, {"1011", {}, 1011, false}, {"1013", {}, 1013, false}, {"1008", {}, 1008, false}};
    auto const all = told_once(s, obstacles.size());
    auto const since = std::chrono::steady_clock::now() + milliseconds{200};
    for (std::size_t i = 0; i < all.size(); ++i) {
        all[i]->on_stream(obstacles[i].stream);
        if (obstacles[i].stream) break_streams(*all[i]);
        else all[i]->on_event([code = obstacles[i].close](told_event const&) { return event_reaction{.close = code}; });
    }
    for (int i = 0; i < 8; ++i) {
        write(s, all.front()->user(), s.fresh("told"));
        pass(milliseconds{2'000});
    }
    for (std::size_t i = 0; i < all.size(); ++i) {
        auto const pauses = gaps(*all[i], since);
        for (std::size_t n = 0; n < pauses.size() && n < 4; ++n) {
            auto const least = obstacles[i].close == 1008 ? milliseconds{300'000} : milliseconds{1'000 << (obstacles[i].grows ? n : 0)};
            s.expect(pauses[n] + grain >= least, "at least " + seconds_text(least) + " before the next stream after " + obstacles[i].what, seconds_text(pauses[n]));
        }
    }
    s.evidence("streams that were refused or ended");
}

void telemetry_is_in_nobodys_way(scenario& s) {
    std::vector<std::pair<std::string, std::function<void(stand_in&)>>> const obstacles{
        {"answers no event", [](stand_in& b) { b.on_event([](told_event const&) { return event_reaction{}; }); }},
        {"does not answer the opening of a stream", [](stand_in& b) { b.on_stream([](arrival const&) { return stand_in::hang(); }), break_streams(b); }},
        {"has no telemetry", [](stand_in& b) { b.on_stream(refusing(404, "not-found")), break_streams(b); }},
        {"answers 501 to telemetry", [](stand_in& b) { b.on_stream(refusing(501, "not-found")), break_streams(b); }},
        {"breaks every stream", [](stand_in& b) { b.on_event([](told_event const&) { return event_reaction{.cut = true}; }); }}};
    auto const all = told_once(s, obstacles.size());
    for (std::size_t i = 0; i < all.size(); ++i) obstacles[i].second(*all[i]);
    auto const since = std::chrono::steady_clock::now();
    for (int i = 0; i < 6; ++i) {
        auto const c = s.fresh("told");
        write(s, all.front()->user(), c);
        for (std::size_t k = 0; k < all.size(); ++k) s.expect(all[k]->delivered(seconds{10} + slack, c), "a push to a peer that " + obstacles[k].first, "none within 12 s");
        pass(milliseconds{800});
    }
    for (std::size_t i = 0; i < all.size(); ++i) {
        auto const pulls = all[i]->pulls().size();
        s.expect(all[i]->until(seconds{5} + 2 * slack, [&] { return all[i]->pulls().size() > pulls; }), "a pull in each interval from a peer that " + obstacles[i].first, "none");
        for (auto const& push : all[i]->pushes())
            if (push.at >= since)
                for (auto const& c : objects_at(push.body, "/conversations")) s.expect(!c.contains("event_id") && c.contains("conversation_id"), "payloads that hold conversations and nothing else", show(c));
    }
}

void events_go_to_their_user_only(scenario& s) {
    stand_in mine{s, {.user = s.account()}}, theirs{s, {.user = s.other_account()}};
    mine.settle_telemetry(), theirs.settle_telemetry();
    auto const since = std::chrono::steady_clock::now();
    std::set<std::string> names;
    auto const come = [&] { return events_since(mine, since).size() >= 5; };
    for (auto const end = since + seconds{30}; !come() && std::chrono::steady_clock::now() < end; mine.until(seconds{1}, come)) {
        names.insert(s.fresh("told"));
        write(s, mine.user(), *names.rbegin());
        for (auto const& name : names) write(s, mine.user(), name);
    }
    s.control(come(), "events to the peer of the user who writes");
    pass(seconds{2});
    for (auto const& push : mine.pushes())
        if (push.at >= since && std::any_of(names.begin(), names.end(), [&](auto const& name) { return push.conversation(name); })) names.insert(push.sync_id());
    std::size_t shared = 0;
    auto const own = events_since(mine, since);
    for (auto const& e : events_since(theirs, since)) {
        for (auto const& name : names) s.expect(e.text.find(name) == std::string::npos, "no event of one user at a peer of another", e.text);
        shared += static_cast<std::size_t>(std::any_of(own.begin(), own.end(), [&](told_event const& x) { return same_value(x.body, e.body); }));
    }
    s.expect(shared < 3, "no event of one user at a peer of another", std::to_string(shared) + " events that came to peers of both");
}

void unpaired_peers_are_told_nothing(scenario& s) {
    auto const account = teller_of(s);
    stand_in gone{s, {.user = account}}, stays{s, {.user = account}};
    gone.settle_telemetry(), stays.settle_telemetry();
    // Something is due after the unpairing.
    limiting const l{gone, [](moment first) { return first + seconds{5}; }};
    if (!provoke(s, gone, in_the_end, [&] { return !l.limited().empty(); })) s.inconclusive("no further event");
    gone.unpair();
    auto const since = std::chrono::steady_clock::now() + slack;
    auto const told = stays.events().size();
    for (auto const end = std::chrono::steady_clock::now() + seconds{10}; std::chrono::steady_clock::now() < end; pass(seconds{1})) write(s, stays.user(), s.fresh("told"));
    s.control(stays.until(soon, [&] { return stays.events().size() > told; }), "events to the peer that is still registered");
    auto const events = events_since(gone, since);
    s.expect(events.empty(), "no event to a peer that was unpaired", events.empty() ? "" : events.front().text);
    s.expect(streams_since(gone, since).empty(), "no stream to a peer that was unpaired", std::to_string(streams_since(gone, since).size()));
}

void expired_registrations_are_told_nothing(scenario& s) {
    constexpr seconds lifetime{40};
    stand_in b{s, {.token_lifetime = lifetime}};
    auto const expiry = std::chrono::steady_clock::now() + lifetime;
    b.settle_telemetry();
    std::this_thread::sleep_until(expiry - seconds{8});
    // Something is due after the expiry.
    limiting const l{b, [expiry](moment) { return expiry + slack + seconds{1}; }};
    bool const came = provoke(s, b, seconds{5}, [&] { return !l.limited().empty(); });
    if (!came || std::chrono::steady_clock::now() > expiry - seconds{1}) s.inconclusive("no event in the last seconds before the token expires");
    std::this_thread::sleep_until(expiry + slack + seconds{6});
    auto const events = events_since(b, expiry + slack);
    auto const streams = streams_since(b, expiry + slack);
    s.expect(events.empty(), "no event once the session binding token has expired", events.empty() ? "" : events.front().text);
    s.expect(streams.empty(), "no stream once the session binding token has expired", std::to_string(streams.size()));
    b.renew(lifetime + seconds{20}, std::chrono::hours{8});
    auto const renewed = std::chrono::steady_clock::now();
    s.expect(provoke(s, b, in_the_end, [&] { return holds_event(events_since(b, renewed - slack), l.limited().front().id()); }), "the event that was due, once there is another token", "none within 75 s");
}

void events_do_not_hold_what_was_said(scenario& s) {
    stand_in b{s};
    b.settle_telemetry();
    auto const secret = s.canary(24);
    auto const before = b.events().size();
    for (int i = 0; i < 3; ++i) write(s, b.user(), s.fresh("c"), "please keep " + secret + " to yourself");
    b.publish(s.conversation(s.fresh("theirs"), 1, {s.message("m1", "and " + secret + ", too")}));
    s.control(provoke(s, b, seconds{30}, [&] { return b.events().size() >= before + 3; }), "events of what was written");
    pass(seconds{6});
    for (auto const& e : b.events()) s.expect(e.text.find(secret) == std::string::npos, "events that count what was exchanged, without the content of messages", e.text);
}

/// What one registration was not told is nobody else's, and what the next one is told has other names.
void paired_again_tells_anew(scenario& s) {
    auto const& users = s.shared().options.users;
    auto const account = teller_of(s);
    stand_in b{s, {.user = account}};
    b.settle_telemetry();
    b.on_event([](told_event const&) { return event_reaction{}; });
    auto const waiting = [&] {
        auto all = b.events();
        std::erase_if(all, [](told_event const& e) { return e.answered; });
        return all;
    };
    if (!provoke(s, b, in_the_end, [&] { return !waiting().empty(); })) s.inconclusive("no further event");
    provoke(s, b, seconds{3}, [&] { return waiting().size() >= 3; });
    b.unpair();
    pass(slack);
    auto const before = b.events();
    auto const due = waiting();
    b.on_event({});
    auto const is_new = [&](told_event const& e) {
        for (auto const& old : before) {
            if (old.id() != e.id()) continue;
            s.expect(!same_value(old.body, e.body), "no event that was due to a registration which has ended at another one of the same backend", e.text);
            s.expect(false, "an event_id of its own for every event of a user, also after the backend was paired anew", e.id() + " for two of them");
        }
    };
    if (users.size() > 1) {
        // The first registration of the backend after that is another person's.
        stand_in theirs{s, {.user = users.front(), .same_backend = &b}};
        bool const told = provoke(s, theirs, seconds{15}, [&] { return theirs.events().size() >= 2; });
        for (auto const& e : theirs.events())
            for (auto const& old : due) s.expect(old.id() != e.id() || !same_value(old.body, e.body), "no event of one user on a stream of another to the same backend", e.text);
        if (!told) s.note("the other user's registration was told nothing");
    }
    b.renew(seconds{60}, std::chrono::hours{8});
    bool const told = provoke(s, b, in_the_end, [&] { return b.events().size() >= before.size() + 3; });
    auto const all = b.events();
    for (std::size_t i = before.size(); i < all.size(); ++i) is_new(all[i]);
    s.control(told, "events to the backend when it is paired again");
}

/// Another token is no answer to the one who asked for patience.
void a_renewal_ends_no_pause(scenario& s) {
    constexpr seconds pause{15};
    stand_in b{s};
    b.settle_telemetry();
    limiting const l{b, [pause](moment first) { return first + pause; }};
    s.control(provoke(s, b, in_the_end, [&] { return !l.limited().empty(); }), "another event");
    pass(slack);
    auto const since = std::chrono::steady_clock::now();
    b.renew(seconds{2}, std::chrono::hours{8});
    while (std::chrono::steady_clock::now() < l.over() - milliseconds{500}) {
        write(s, b.user(), s.fresh("told"));
        pass(milliseconds{500});
    }
    for (auto const& e : l.limited()) s.expect(e.at < since || e.at + grain >= l.over(), "no event before retry_after_ms have passed, though the peer has registered again meanwhile", e.id() + " after " + seconds_text(between(l.limited().front().at, e.at)));
    s.expect(provoke(s, b, in_the_end, [&] { return holds_event(events_since(b, l.over()), l.limited().front().id()); }), "the event again after the pause", "none");
}

/// Answers may come in any order, and events are in one. The longest of several times holds.
void limited_in_another_order(scenario& s) {
    constexpr milliseconds longest{4'000}, shortest{300};
    stand_in b{s};
    b.settle_telemetry();
    struct pair_of_events {
        std::mutex mutex;
        std::vector<told_event> all;
        bool answered = false;
    };
    auto const two = std::make_shared<pair_of_events>();
    b.on_event([two, longest, shortest](told_event const& e) {
        std::lock_guard const lock{two->mutex};
        if (two->answered) return stand_in::acked(e);
        two->all.push_back(e);
        if (two->all.size() < 2) return event_reaction{};
        if (two->all.front().stream != e.stream || two->all.front().id() == e.id()) return two->all = {e}, event_reaction{};
        two->answered = true;
        event_reaction out;
        for (auto const& [one, time] : {std::pair{&two->all[1], longest}, {&two->all[0], shortest}}) out.frames.push_back({.payload = json::serialize(stand_in::answer("rate_limited", one->id(), {{"retry_after_ms", time.count()}}))});
        return out;
    });
    auto const answered = [&] { return (std::lock_guard{two->mutex}, two->answered); };
    bool const came = provoke(s, b, seconds{25}, answered);
    if (!came) b.on_event({}), s.untested("the target sends an event when the one before was answered");
    auto const limited = (std::lock_guard{two->mutex}, two->all);
    auto const since = limited[1].at + milliseconds{1};
    auto const is_there = [&](std::size_t i) { return holds_event(events_since(b, since), limited[i].id()); };
    bool const again = b.until(seconds{10}, [&] { return is_there(0) && is_there(1); });
    b.on_event({});
    s.expect(again, "both events again after both were answered rate_limited, the later one first", is_there(0) ? "only the first" : is_there(1) ? "only the second" : "none");
    auto const all = events_since(b, since);
    auto const place = [&](std::size_t i) { return std::ranges::find(all, limited[i].id(), &told_event::id) - all.begin(); };
    s.expect(place(0) < place(1), "events in the order in which they came to be", "the second before the first");
    for (auto const& e : all) {
        bool const was_limited = e.id() == limited[0].id() || e.id() == limited[1].id();
        s.expect(!was_limited || e.at + grain >= limited[1].at + longest, "none of them before 4 s have passed, as the first rate_limited said, whatever the next one said", e.id() + " after " + seconds_text(between(limited[1].at, e.at)));
    }
}

check const checks[] = {
    {.id = "off/telemetry-paired-again",
     .title = "after an unpairing nothing is told of what was before it, and new events have new ids",
     .clauses = {"BSP-OFF-071", "BSP-TEL-134", "BSP-TEL-135"},
     .impact = "a record of what one person does is filed under another, or new events are taken for old ones, and lost",
     .likely_cause = "events are kept by backend; or counted by registration, with the count in their names",
     .run = paired_again_tells_anew,
     .needs = as_teller | need::all_users},
    {.id = "off/telemetry-pause",
     .title = "after rate_limited nothing is sent before retry_after_ms have passed, and then the event again in its old place",
     .clauses = {"BSP-TEL-132", "BSP-TEL-130"},
     .impact = "a server that asks for a pause gets none, or the event is lost",
     .likely_cause = "every answer removes the event from the queue, or the pause is of the event and not of the peer",
     .run = a_pause_is_kept,
     .needs = as_teller},
    {.id = "off/telemetry-refused",
     .title = "refused streams are not answered by more than two opening handshakes in a second",
     .clauses = {"BSP-OFF-034"},
     .impact = "a client that is refused floods the server with handshakes",
     .likely_cause = "a loop that connects for as long as something is due, without a pause",
     .run = refused_streams_do_not_make_it_hurry,
     .needs = as_teller},
    {.id = "off/telemetry-retry-after",
     .title = "a stream that was refused with Retry-After is not opened before",
     .clauses = {"BSP-OFF-032"},
     .impact = "a server that asks for a pause gets a handshake every few seconds from every device",
     .likely_cause = "Retry-After is read where pushes and pulls are answered, and streams are opened by a library",
     .run = refused_streams_wait,
     .needs = as_teller},
    {.id = "off/telemetry-backoff",
     .title = "pauses between streams grow with every failure, and 1008 ends them for minutes",
     .clauses = {"BSP-TEL-133"},
     .impact = "a server that struggles is kept down by handshakes",
     .likely_cause = "the library connects again by itself",
     .run = streams_are_opened_again_with_patience,
     .needs = as_teller,
     .strength = obligation::should},
    {.id = "off/telemetry-in-nobodys-way",
     .title = "a peer that takes no telemetry is pushed to and pulled from like others",
     .clauses = {"BSP-OFF-010", "BSP-OFF-012", "BSP-OFF-024"},
     .impact = "conversations wait for telemetry, or events are pushed as conversations",
     .likely_cause = "one queue and one loop for everything that goes to a peer",
     .run = telemetry_is_in_nobodys_way,
     .needs = as_teller},
    {.id = "off/telemetry-user-isolation",
     .title = "the events of one user never go to a peer of another",
     .clauses = {"BSP-TEL-134", "BSP-OFF-071"},
     .impact = "what one person does is told to another",
     .likely_cause = "one queue of events for all peers",
     .run = events_go_to_their_user_only,
     .needs = as_teller | need::second_user},
    {.id = "off/telemetry-unpaired",
     .title = "nothing is told to a peer that was unpaired",
     .clauses = {"BSP-TEL-134"},
     .impact = "who was sent away goes on hearing what happens",
     .likely_cause = "the stream outlives the registration",
     .run = unpaired_peers_are_told_nothing,
     .needs = as_teller},
    {.id = "off/telemetry-expired",
     .title = "nothing is told once the token has expired, and what is due goes out under the next one",
     .clauses = {"BSP-TEL-134", "BSP-TEL-130"},
     .impact = "a pairing that ran out goes on, or its renewal has lost what was due",
     .likely_cause = "the token is looked at when the stream is opened, or never",
     .run = expired_registrations_are_told_nothing,
     .needs = as_teller},
    {.id = "off/telemetry-content",
     .title = "events do not hold what was said",
     .clauses = {"BSP-TEL-138"},
     .impact = "conversations are read wherever metrics are looked at",
     .likely_cause = "the whole payload is put into the event",
     .run = events_do_not_hold_what_was_said,
     .needs = as_teller,
     .strength = obligation::should},
    {.id = "off/telemetry-pause-renewed",
     .title = "the time of rate_limited does not end with a new token",
     .clauses = {"BSP-TEL-132"},
     .impact = "a server that asks for patience is asked again at every renewal",
     .likely_cause = "a registration builds everything of the peer anew, what it asked for included",
     .run = a_renewal_ends_no_pause,
     .needs = as_teller},
    {.id = "off/telemetry-limited-out-of-order",
     .title = "events that were answered rate_limited in another order come again in theirs, after the longest of their times",
     .clauses = {"BSP-TEL-130", "BSP-TEL-132", "BSP-OFF-062"},
     .impact = "what a device tells under load arrives with holes",
     .likely_cause = "sending goes on from the event whose answer came first, or when the last answer allows it",
     .run = limited_in_another_order,
     .needs = as_teller},
};

}  // namespace

group client_telemetry_restraint_group() { return {"client_telemetry_restraint", profile::off, checks}; }

}  // namespace bsp::conformance
