#include "as_client.hpp"
#include "client_telemetry.hpp"

#include <algorithm>
#include <atomic>

// Chapter 10, what a client does when the server's store is another one, when an answer is not that of its push, and when a row
// of pages is interrupted. The suite is the other backend.

namespace bsp::conformance {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

reaction give(json::object page, std::string_view epoch = {}) {
    if (!epoch.empty()) page["epoch"] = epoch;
    return stand_in::respond(200, page);
}

bool is_whole(arrival const& a) { return !a.parameter("since") && !a.parameter("cursor"); }

/// Whether `c` is pushed once more than `times`. It may stand at the end of a long row: it is waited for as long as pushes come.
bool comes_again(stand_in const& b, std::string const& c, std::size_t times) {
    for (int i = 0; i < 5; ++i) {
        auto const before = b.pushes().size();
        if (b.until(seconds{40}, [&] { return b.pushes_of(c).size() > times; })) return true;
        if (b.pushes().size() == before) return false;
    }
    return false;
}

/// Has the target keep a watermark of the first epoch.
void keep_first_epoch(scenario& s, stand_in& b) {
    constexpr auto mark = "2025-06-01T00:00:01Z";
    b.on_pull([](arrival const&) { return give(page({}, mark), "epoch1"); });
    if (!b.until(seconds{10} + 2 * slack, [&] { return !b.pulls().empty() && b.pulls().back().parameter("since") == std::optional<std::string>{mark}; })) s.inconclusive("no pull with the watermark of the epoch");
}

/// A pull is how most clients hear of it.
void told_by_a_pull(scenario& s) {
    stand_in b{s};
    b.settle();
    auto const c = s.fresh("c"), theirs = s.fresh("theirs");
    write(s, b.user(), c);
    s.control(b.delivered(soon, c), "a push of a change");
    keep_first_epoch(s, b);
    auto const pushes = b.pushes_of(c).size(), pulls = b.pulls().size();
    auto const entry = s.conversation(theirs, 1, {s.message("m1", "text")});
    b.on_pull([entry](arrival const& a) {
        bool const of_before = !is_whole(a) && a.parameter("since") != std::optional<std::string>{"2025-06-01T00:00:02Z"};
        bool const names_it = a.parameter("epoch") && *a.parameter("epoch") != "epoch2";
        return of_before || names_it ? stand_in::problem(409, "epoch-changed") : give(page(is_whole(a) ? json::array{entry} : json::array{}, "2025-06-01T00:00:02Z"), "epoch2");
    });
    auto const since_then = [&](auto const& holds) {
        auto const all = b.pulls();
        return std::any_of(all.begin() + static_cast<std::ptrdiff_t>(pulls), all.end(), holds);
    };
    if (!b.until(seconds{5} + 2 * slack, [&] { return since_then([](arrival const& a) { return a.status == 409; }); })) s.inconclusive("no pull to be answered 409");
    bool const anew = b.until(seconds{20} + slack, [&] { return since_then([](arrival const& a) { return a.status == 200 && is_whole(a); }); });
    bool const again = anew && comes_again(b, c, pushes);
    bool const came = anew && arrives(b.user(), theirs, "m1", seconds{5});
    b.on_pull({});
    s.expect(anew, "a pull from the beginning, without the epoch of before, after a pull was answered 409 epoch-changed", "none");
    s.expect(came, "what that pull gave at the target", "nothing");
    s.expect(again, "a push of what was acknowledged in the epoch before", "none");
}

/// One peer's store is another one: that says nothing of anybody else's.
void of_one_peer(scenario& s) {
    auto const account = s.account();
    stand_in b{s, {.user = account}}, other{s, {.user = account}};
    b.settle(), other.settle();
    auto const c = s.fresh("c");
    write(s, b.user(), c);
    s.control(b.delivered(soon, c) && other.delivered(soon, c), "pushes of a change to both");
    keep_first_epoch(s, b);
    auto const pushes = b.pushes_of(c).size(), to_other = other.pushes_of(c).size();
    b.on_pull([](arrival const&) { return give(page({}, "2025-06-01T00:00:02Z"), "epoch2"); });
    bool const again = comes_again(b, c, pushes);
    if (!again) b.on_pull({}), s.inconclusive("no push again after a page of another epoch");
    other.until(seconds{10}, [&] { return other.pushes_of(c).size() > to_other; });
    b.on_pull({});
    auto const n = other.pushes_of(c).size();
    s.expect(n == to_other, "no push again, to a peer whose epoch did not change, of what it acknowledged", std::to_string(n - to_other));
}

/// What was acknowledged by the store of before is not known to the new one, however late the acknowledgement came.
void told_during_a_push(scenario& s) {
    stand_in b{s};
    b.settle();
    auto const c = s.fresh("c"), slow = s.fresh("slow");
    write(s, b.user(), c);
    s.control(b.delivered(soon, c), "a push of a change");
    keep_first_epoch(s, b);
    std::atomic<bool> first = true;
    b.on_push([&](arrival const& a) {
        auto r = stand_in::acknowledge(a);
        if (a.conversation(slow) && first.exchange(false)) r.delay = seconds{10};
        return r;
    });
    auto const pushes = b.pushes_of(c).size(), pulls = b.pulls().size();
    write(s, b.user(), slow);
    if (!b.until(soon, [&] { return !b.pushes_of(slow).empty(); })) s.inconclusive("no push to be slow with");
    b.on_pull([](arrival const&) { return give(page({}, "2025-06-01T00:00:02Z"), "epoch2"); });
    bool const told = b.until(seconds{9}, [&] { return b.pulls().size() > pulls && b.pulls()[pulls].over; });
    if (!told || b.pushes_of(slow).front().over) s.inconclusive("no page of another epoch while the push was under way");
    bool const again = comes_again(b, c, pushes);
    b.on_push({}), b.on_pull({});
    s.expect(again, "a push of what was acknowledged in the epoch before, though a push that began before the change was acknowledged after it", "none");
}

/// That everything is due again has to be as durable as what was due before.
void a_restart_before_all_is_pushed_again(scenario& s) {
    stand_in b{s};
    b.settle();
    auto const c = s.fresh("c");
    write(s, b.user(), c);
    s.control(b.delivered(soon, c), "a push of a change");
    keep_first_epoch(s, b);
    auto const pushes = b.pushes().size(), pulls = b.pulls().size();
    b.on_push([](arrival const&) { return stand_in::problem(503, "unavailable"); });
    b.on_pull([](arrival const&) { return give(page({}, "2025-06-01T00:00:02Z"), "epoch2"); });
    bool const anew = b.until(seconds{20} + slack, [&] {
        auto const all = b.pulls();
        return std::any_of(all.begin() + static_cast<std::ptrdiff_t>(std::min(pulls, all.size())), all.end(), [](arrival const& a) { return a.over && is_whole(a); });
    });
    if (!anew) b.on_push({}), b.on_pull({}), s.inconclusive("no pull from the beginning after a page of another epoch");
    b.until(seconds{10}, [&] { return b.pushes().size() > pushes; });
    s.restart();
    auto const refused = b.pushes_of(c).size();
    b.on_push({});
    bool const again = comes_again(b, c, refused);
    b.on_pull({});
    s.expect(again, "a push, after a restart, of what was acknowledged in the epoch before and not yet in this one", "none");
}

/// A server that knows the `sync_id` will say so each time.
void another_sync_id_after_reuse(scenario& s) {
    stand_in b{s};
    b.settle();
    auto const c = s.fresh("c");
    auto const used = std::make_shared<std::string>();
    b.on_push([c, used](arrival const& a) {
        if (used->empty() && a.conversation(c)) *used = a.sync_id();
        return !used->empty() && a.sync_id() == *used ? stand_in::problem(409, "sync-id-reuse") : stand_in::acknowledge(a);
    });
    write(s, b.user(), c);
    bool const came = b.delivered_in_the_end(c);
    b.on_push({});
    s.expect(came, "the changes under another sync_id after 409 sync-id-reuse", std::to_string(b.pushes_of(c).size()) + " pushes under the one that was refused");
}

void former_acknowledgements_do_not_count(scenario& s) {
    stand_in b{s};
    b.settle();
    auto const before = s.fresh("before"), c = s.fresh("c");
    write(s, b.user(), before);
    s.control(b.delivered(soon, before), "a push of a change");
    auto const former = b.pushes_of(before).front().sync_id();
    std::atomic<int> left = 2;
    b.on_push([&](arrival const& a) { return a.conversation(c) && left-- > 0 ? stand_in::acknowledge(a, {{"acked_sync_id", former}}) : stand_in::acknowledge(a); });
    write(s, b.user(), c);
    bool const came = b.delivered_in_the_end(c);
    b.on_push({});
    s.expect(came, "the push again after an answer with the acked_sync_id of the push before", std::to_string(b.pushes_of(c).size()) + " pushes");
}

/// The two pages of a pull, of which the second can be had when `open` says so.
struct two_pages {
    static constexpr auto mark = "2025-06-01T00:00:01Z";
    two_pages(scenario& s, stand_in& b, reaction const& closed = stand_in::problem(503, "unavailable")) : first{s.fresh("first")}, second{s.fresh("second")} {
        auto const one = s.conversation(first, 1, {s.message("m1", "text")}), two = s.conversation(second, 1, {s.message("m1", "text")});
        b.on_pull([this, one, two, closed](arrival const& a) {
            if (a.parameter("cursor")) return ++asked, open ? give(page(json::array{two}, "2025-06-01T00:00:02Z")) : closed;
            auto const since = a.parameter("since");
            if (since == std::optional<std::string>{mark}) return passed_back = true, give(page({}, mark));
            if (since == std::optional<std::string>{"2025-06-01T00:00:02Z"}) return give(page({}, "2025-06-01T00:00:02Z"));
            return give(page(json::array{one}, mark, "second"));
        });
    }
    std::string const first, second;
    std::atomic<bool> open = false, passed_back = false;
    std::atomic<int> asked = 0;
};

void judge(scenario& s, stand_in& b, two_pages& p, std::string const& when) {
    bool const came = arrives(b.user(), p.second, "m1", seconds{20}) || (b.flap() && arrives(b.user(), p.second, "m1", seconds{20}));
    b.on_pull({});
    s.expect(!p.passed_back, "never the last_sync of a page that others follow as since, " + when, two_pages::mark);
    s.expect(came, "the conversation of the second page, " + when, "none");
}

void a_page_fails(scenario& s) {
    stand_in b{s};
    b.settle();
    two_pages p{s, b};
    if (!b.until(seconds{15} + slack, [&] { return p.asked > 0; })) b.on_pull({}), s.inconclusive("no pull with the cursor of a page");
    pass(seconds{3});
    p.open = true;
    judge(s, b, p, "after the second page failed");
}

/// The watermark of the page before is no way round the refused cursor.
void a_cursor_is_refused(scenario& s) {
    stand_in b{s};
    b.settle();
    two_pages p{s, b, stand_in::problem(400, "invalid-query")};
    if (!b.until(seconds{15} + slack, [&] { return p.asked > 0; })) b.on_pull({}), s.inconclusive("no pull with the cursor of a page");
    b.until(seconds{12}, [&] { return p.passed_back || p.asked > 1; });
    p.open = true;
    judge(s, b, p, "after the cursor of the second page was refused with 400");
}

void a_restart_between_pages(scenario& s) {
    stand_in b{s};
    b.settle();
    two_pages p{s, b};
    if (!b.until(seconds{15} + slack, [&] { return p.asked > 0; })) b.on_pull({}), s.inconclusive("no pull with the cursor of a page");
    pass(milliseconds{500});
    s.restart();
    p.open = true;
    judge(s, b, p, "after a restart between the two");
}

/// A counter that begins anew gives names that are taken.
void event_ids_after_a_restart(scenario& s) {
    stand_in b{s};
    b.settle_telemetry();
    auto const some = [&](std::size_t n) { return provoke(s, b, seconds{30}, [&, from = b.events().size()] { return b.events().size() >= from + n; }); };
    s.control(some(2), "events before the restart");
    s.restart();
    s.control(some(3), "events after the restart");
    std::map<std::string, json::value> seen;
    for (auto const& e : b.events()) {
        auto const [held, is_new] = seen.emplace(e.id(), e.body);
        s.expect(is_new || same_value(held->second, e.body), "an event_id of its own for every event, also after a restart", e.id() + " for two of them");
    }
}

check const checks[] = {
    {.id = "off/epoch-changed-pull",
     .title = "a pull that is answered 409 epoch-changed makes the client begin anew with both",
     .clauses = {"BSP-SYN-134"},
     .impact = "with a server that was restored from a backup there is no sync any more, or gaps for ever",
     .likely_cause = "409 is read in answers to pushes only; or the epoch of before is sent on",
     .run = told_by_a_pull,
     .needs = as_client},
    {.id = "off/epoch-of-one-peer",
     .title = "a new epoch of one peer makes nothing due at another",
     .clauses = {"BSP-OFF-020", "BSP-OFF-071"},
     .impact = "one server that was restored has every device send everything to all others, too",
     .likely_cause = "positions are reset for the user, and not for the registration",
     .run = of_one_peer,
     .needs = as_client},
    {.id = "off/epoch-changed-during-push",
     .title = "an acknowledgement that comes after a change of epoch makes nothing of the epoch before known",
     .clauses = {"BSP-SYN-134", "BSP-OFF-004"},
     .impact = "a server that was restored from a backup keeps its gaps when it was busy",
     .likely_cause = "the answer to a push moves the position, whatever was learnt meanwhile",
     .run = told_during_a_push,
     .needs = as_client},
    {.id = "off/sync-id-reuse",
     .title = "after 409 sync-id-reuse changes go under another sync_id",
     .clauses = {"BSP-GEN-095", "BSP-OFF-001"},
     .impact = "a collision of names stops the sync for a day",
     .likely_cause = "409 is treated as a failure like others, and the same push is repeated",
     .run = another_sync_id_after_reuse,
     .needs = as_client},
    {.id = "off/former-acknowledgement",
     .title = "the acked_sync_id of an earlier push acknowledges nothing",
     .clauses = {"BSP-SYN-066"},
     .impact = "an answer that a proxy kept makes changes be taken for delivered",
     .likely_cause = "the sync_id is looked up among all that were sent",
     .run = former_acknowledgements_do_not_count,
     .needs = as_client},
    {.id = "off/pull-page-fails",
     .title = "a pull whose second page fails is not taken for a whole one",
     .clauses = {"BSP-SYN-119", "BSP-OFF-050"},
     .impact = "everything after the page at which the network broke is missing",
     .likely_cause = "the loop over pages ends with an error as it does at the last page",
     .run = a_page_fails,
     .needs = as_client},
    {.id = "off/cursor-refused-amid-pages",
     .title = "after a cursor was refused with 400 the pull begins where it began, and not at the page before",
     .clauses = {"BSP-SYN-119", "BSP-OFF-054", "BSP-OFF-050"},
     .impact = "everything after the page whose cursor the server had forgotten is missing",
     .likely_cause = "the watermark of every page is stored, and sent when there is no cursor",
     .run = a_cursor_is_refused,
     .needs = as_client},
    {.id = "off/restart-between-pages",
     .title = "a restart between two pages loses none",
     .clauses = {"BSP-SYN-119", "BSP-OFF-002"},
     .impact = "everything after the page at which the device was switched off is missing",
     .likely_cause = "the watermark is stored with every page, and the cursor is not",
     .run = a_restart_between_pages,
     .needs = as_client | need::alone | need::restart_hook},
    {.id = "off/restart-after-epoch",
     .title = "a restart before everything was pushed again after a change of epoch loses none of it",
     .clauses = {"BSP-SYN-134", "BSP-OFF-002"},
     .impact = "a server that was restored from a backup keeps its gaps when the device is switched off meanwhile",
     .likely_cause = "the push position is left as it is, and a flag in memory says that everything is due",
     .run = a_restart_before_all_is_pushed_again,
     .needs = as_client | need::alone | need::restart_hook},
    {.id = "off/telemetry-restart-ids",
     .title = "events after a restart have other ids than those before",
     .clauses = {"BSP-TEL-135"},
     .impact = "after every restart the first events are taken for repetitions, and are lost",
     .likely_cause = "a counter that begins with the process",
     .run = event_ids_after_a_restart,
     .needs = as_client | need::alone | need::restart_hook},
};

}  // namespace

group client_epochs_group() { return {"client_epochs", profile::off, checks}; }

}  // namespace bsp::conformance
