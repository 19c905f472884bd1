#include "as_client.hpp"
#include "client_assertion.hpp"

#include <algorithm>

// Chapter 10, what a client pulls. The suite is the other backend.

namespace bsp::conformance {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr seconds paging{45};  ///< for a few pages, of which a client may pull one in each interval

std::string queries(std::vector<arrival> const& pulls) {
    std::vector<std::string> out;
    for (auto const& a : pulls) out.push_back(std::string{a.request.target.find('?') == std::string::npos ? "(none)" : a.request.target.substr(a.request.target.find('?'))});
    return show(out);
}

void changes_are_pulled(scenario& s) {
    stand_in b{s};
    b.meet();
    for (int i = 0; i < 2; ++i) {
        auto const c = s.fresh("c");
        b.publish(s.conversation(c, 1, {s.message("m1", "written at the other side")}));
        auto const patience = seconds{i == 0 ? 20 : 5} + slack;  // the first contact has its own time
        s.expect(arrives(b.user(), c, "m1", patience), "a change of the peer at the target within an interval of 5 s", "none within " + seconds_text(patience));
    }
    s.evidence("a change of the peer, read at the target");
}

void pulls_are_authorized(scenario& s) {
    stand_in b{s};
    b.settle();
    b.publish(s.conversation(s.fresh("c"), 1, {s.message("m1", "text")}));
    b.until(seconds{10} + slack, [&] { return b.pulls().size() >= 3; });
    s.control(b.pulls().size() >= 2, "two pulls");
    are_authorized(s, b, b.pulls());
}

void pages_are_followed_to_the_last(scenario& s) {
    stand_in b{s};
    b.settle();
    auto const c1 = s.fresh("c"), c2 = s.fresh("c"), c3 = s.fresh("c");
    auto const one = [&](std::string const& id) { return json::array{s.conversation(id, 1, {s.message("m1", "text")})}; };
    std::atomic<bool> given = false;
    b.on_pull([&, pages = std::vector<json::object>{page(one(c1), "2025-06-01T00:00:01Z", "second page / ? & a=b; +%2B"), page(one(c2), "2025-06-01T00:00:02Z", "third"), page(one(c3), "2025-06-01T00:00:03Z")}](arrival const& a) {
        auto const cursor = a.parameter("cursor");
        if (cursor && *cursor == "second page / ? & a=b; +%2B") return stand_in::respond(200, pages[1]);
        if (cursor && *cursor == "third") return given = true, stand_in::respond(200, pages[2]);
        if (given) return stand_in::respond(200, page({}, "2025-06-01T00:00:04Z"));
        return b.pulls().size() > 40 ? stand_in::problem(503, "unavailable") : stand_in::respond(200, pages[0]);  // else it would begin a thousand times
    });
    bool const last = b.until(paging, [&] { return given.load(); });
    auto const user = b.user();
    bool const came = arrives(user, c1, "m1", seconds{5}) && arrives(user, c2, "m1", seconds{5}) && arrives(user, c3, "m1", seconds{5});
    bool const next = b.until(seconds{5} + 2 * slack, [&] { return !b.pulls().empty() && b.pulls().back().parameter("since") == std::optional<std::string>{"2025-06-01T00:00:03Z"}; });
    b.on_pull({});
    s.expect(last, "pulls with the cursor of each page, up to the last", queries(b.pulls()));
    s.expect(came, "the conversations of all three pages at the target", "not all of them");
    s.expect(next, "the last_sync of the last page as the next since", queries(b.pulls()));
    for (auto const& a : b.pulls()) {
        auto const since = a.parameter("since");
        s.expect(since != std::optional<std::string>{"2025-06-01T00:00:01Z"} && since != std::optional<std::string>{"2025-06-01T00:00:02Z"}, "never the last_sync of a page that others follow as since", *since);
    }
}

/// Has the target pull `pages` one after the other; whether it asked for the last of them.
bool serves(scenario& s, stand_in& b, std::vector<json::array> const& pages) {
    auto const last = std::make_shared<std::atomic<bool>>(false);
    auto const stem = s.fresh("page");
    b.on_pull([pages, last, stem](arrival const& a) {
        auto const cursor = a.parameter("cursor");
        std::size_t n = 0;
        for (std::size_t i = 1; i < pages.size(); ++i)
            if (cursor == std::optional{stem + std::to_string(i)}) n = i;
        if (n == 0 && last->load()) return stand_in::respond(200, page({}, "2025-06-01T00:00:09Z"));
        bool const more = n + 1 < pages.size();
        if (!more) *last = true;
        return stand_in::respond(200, page(pages[n], "2025-06-01T00:00:0" + std::to_string(n + 1) + "Z", more ? stem + std::to_string(n + 1) : ""));
    });
    return b.until(paging, [&] { return last->load(); });
}

/// A server may put fewer entries on a page than it could (BSP-SYN-113), none among them: `has_more` alone says whether it was the last.
void empty_pages_are_followed(scenario& s) {
    stand_in b{s};
    b.settle();
    auto const c1 = s.fresh("c"), c2 = s.fresh("c");
    bool const last = serves(s, b, {{}, {s.conversation(c1, 1, {s.message("m1", "text")})}, {}, {s.conversation(c2, 1, {s.message("m1", "text")})}});
    bool const came = last && arrives(b.user(), c1, "m1", seconds{5}) && arrives(b.user(), c2, "m1", seconds{5});
    b.on_pull({});
    s.expect(last, "pulls with the cursor of each page up to the last, though some pages have no entry", queries(b.pulls()));
    s.expect(came, "the conversations of all pages at the target", "not all of them");
}

/// One conversation may come in several entries, on one page and on several.
void split_conversations_are_joined(scenario& s) {
    stand_in b{s};
    b.settle();
    auto const c = s.fresh("c");
    auto const part = [&](std::string const& id) { return s.conversation(c, 1, {s.message(id, "text " + id)}); };
    bool const last = serves(s, b, {{part("m1"), part("m2"), part("m3")}, {part("m4"), part("m5")}});
    bool came = last;
    for (char const* id : {"m1", "m2", "m3", "m4", "m5"}) came = came && arrives(b.user(), c, id, seconds{5});
    b.on_pull({});
    s.control(last, "two pages were pulled");
    s.expect(came, "the messages of all entries of a conversation at the target", show(b.user().read(c).body()));
}

/// What was deleted at the other side is deleted here, by a tombstone of a message and by that of a conversation.
void deletions_are_pulled(scenario& s) {
    stand_in b{s};
    b.settle();
    auto const c = s.fresh("c"), d = s.fresh("d"), word = s.canary();
    b.publish(s.conversation(c, 1, {s.message("m1", word), s.message("m2", "stays")}));
    b.publish(s.conversation(d, 1, {s.message("m1", word)}));
    s.control(arrives(b.user(), c, "m1", seconds{10} + slack) && arrives(b.user(), d, "m1", seconds{10} + slack), "two conversations of the peer at the target");
    b.publish(s.conversation(c, 2, {s.message("m1", "", 2, [](json::object& m) { m["deleted"] = true; }), s.message("m3", "new", 2)}));
    b.publish(s.conversation(d, 2, {}, [](json::object& o) { o["deleted"] = true; }));
    s.control(arrives(b.user(), c, "m3", seconds{10} + slack), "a later message of the peer at the target");
    auto const gone = [&](std::string const& id) { return b.until(seconds{10} + slack, [&] { return b.user().read(id).bytes().find(word) == std::string::npos || (pass(milliseconds{200}), false); }); };
    s.expect(gone(c), "a message whose tombstone was pulled is deleted", show(b.user().read(c).body()));
    s.expect(gone(d), "a conversation whose deletion was pulled is deleted", show(b.user().read(d).body()));
    s.accepted(b.user().read(c), "reading the conversation that is left");
}

/// A page has what changed, and less than all where the other side's user wants it so: what it does not have is no deletion.
void what_is_not_given_is_kept(scenario& s) {
    stand_in b{s};
    b.settle();
    auto const c = s.fresh("c"), d = s.fresh("d"), here = s.fresh("c");
    b.publish(s.conversation(c, 1, {s.message("m1", "text"), s.message("m2", "text")}));
    b.publish(s.conversation(d, 1, {s.message("m1", "text")}));
    write(s, b.user(), here);
    s.control(arrives(b.user(), c, "m2", seconds{10} + slack) && arrives(b.user(), d, "m1", seconds{10} + slack), "two conversations of the peer at the target");
    auto const are_there = [&](std::string const& when) {
        for (auto const& [id, message] : {std::pair{c, "m1"}, {c, "m2"}, {d, "m1"}}) {
            auto const x = b.user().read(id);
            s.expect(x.ok() && find_by_id(x.body(), "/messages", message), "what was pulled before is there " + when, x.describe());
        }
        s.accepted(b.user().read(here), "reading what was written at the target, " + when);
    };
    b.publish(s.conversation(c, 2, {s.message("m3", "text", 2)}));
    s.control(arrives(b.user(), c, "m3", seconds{10} + slack), "a further message of the peer at the target");
    are_there("after a page without it");
    // The other side's store is a new one, in which little is yet: the client begins anew, with what it has.
    std::atomic<int> pulls = 0;
    b.on_pull([&](arrival const& a) {
        bool const is_first = pulls++ == 0, is_whole = !a.parameter("since") && !a.parameter("cursor");
        auto p = page(is_whole ? json::array{s.conversation(c, 3, {s.message("m4", "text", 3)})} : json::array{}, "2025-06-01T00:00:09Z");
        p["epoch"] = is_first ? "first" : "second";
        return stand_in::respond(200, p);
    });
    bool const came = arrives(b.user(), c, "m4", seconds{25} + slack);
    b.on_pull({});
    s.control(came, "a message of the new store at the target");
    are_there("after the first pages of another store");
}

void pulled_members_are_kept(scenario& s) {
    stand_in b{s};
    b.settle();
    auto const c = s.fresh("c");
    json::object const extra{{"of", json::array{"any", nullptr, 7}}, {"blank", ""}};
    auto const with = [&](json::object& o) { o["x_extra"] = extra; };
    auto const m = s.message("m1", "text", 1, with);
    b.publish(s.conversation(c, 1, {m}, with));
    s.control(arrives(b.user(), c, "m1", seconds{10} + slack), "a conversation of the peer at the target");
    auto const x = b.user().read(c);
    auto const* kept = find_by_id(x.body(), "/messages", "m1");
    s.control(kept != nullptr, "the message can be read");
    json::value const held(*kept);
    s.expect_same("the message that was pulled", m, &held);
    s.expect_same("the unknown member of the conversation that was pulled", extra, x.at("/x_extra"));
}

void pages_are_taken_in_as_a_whole(scenario& s) {
    stand_in b{s};
    b.settle();
    auto const good = s.fresh("good"), bad = s.fresh("bad");
    auto broken = s.conversation(bad, 1, {s.message("m1", "text")});
    broken["version"] = "one";
    json::array const both{s.conversation(good, 1, {s.message("m1", "text")}), broken};
    json::array const repaired{s.conversation(good, 1, {s.message("m1", "text")}), s.conversation(bad, 1, {s.message("m1", "text")})};
    std::atomic<int> n = 0;
    b.on_pull([&](arrival const&) {
        auto const i = n++;
        return i == 0 ? stand_in::respond(200, page({}, "2025-06-01T00:00:01Z")) : stand_in::respond(200, page(i == 1 ? both : repaired, "2025-06-01T00:00:02Z"));
    });
    if (!b.until(seconds{12} + slack, [&] { return n >= 2; })) s.inconclusive("no two pulls within 12 s");
    auto const half = b.user().read(good);
    bool const again = b.until(seconds{12}, [&] { return n >= 3; }) || (b.flap() && b.until(seconds{30}, [&] { return n >= 3; }));
    auto const pulls = b.pulls();
    bool const came = again && arrives(b.user(), bad, "m1", seconds{5});
    b.on_pull({});
    s.expect(!half.ok(), "nothing of a page of which one entry cannot be read", "its first conversation at the target");
    s.expect(again, "the same page once more", "no pull");
    auto const since = pulls[pulls.size() - 1].parameter("since");
    s.expect(pulls.back().parameter("since") == std::optional<std::string>{"2025-06-01T00:00:01Z"} || n > 3, "a pull from where the client was before", since ? *since : "no since");
    s.expect(came, "the content of the page once it can be read", "nothing of it");
}

void nothing_is_refused_for_number_or_time(scenario& s) {
    stand_in b{s};
    b.settle();
    auto const many = s.fresh("many"), ahead = s.fresh("ahead");
    std::vector<json::object> messages;
    for (int i = 0; i < 1'500; ++i) messages.push_back(s.message("m" + std::to_string(i), "text"));
    b.publish(s.conversation(many, 1, std::move(messages)));
    auto const day_after_next = s.at(std::chrono::hours{49});
    b.publish(s.conversation(ahead, 1, {s.message("m1", "text", 1, [&](json::object& m) { m["timestamp"] = day_after_next; })}, [&](json::object& c) { c["last_modified"] = day_after_next; }));
    s.expect(arrives(b.user(), many, "m1499", seconds{15} + slack), "a conversation of 1500 messages from the peer's feed", "none");
    s.expect(arrives(b.user(), ahead, "m1", seconds{10} + slack), "a message of the day after next from the peer's feed", "none");
}

void refused_positions_are_left_out(scenario& s) {
    stand_in b{s};
    b.settle();
    if (!b.until(seconds{10} + slack, [&] { return b.pulls().size() >= 2; })) s.inconclusive("no two pulls");
    auto const c = s.fresh("c");
    b.publish(s.conversation(c, 1, {s.message("m1", "text")}));
    b.on_pull([&](arrival const& a) { return a.parameter("since") || a.parameter("cursor") ? stand_in::problem(400, "invalid-query") : b.feed(a); });
    bool const came = arrives(b.user(), c, "m1", seconds{15});
    auto const pulls = b.pulls();
    b.on_pull({});
    s.control(std::any_of(pulls.begin(), pulls.end(), [](arrival const& a) { return a.parameter("since").has_value(); }), "a pull with since");
    s.expect(came, "a pull without since and cursor after they were refused with 400", queries({pulls.end() - static_cast<std::ptrdiff_t>(std::min<std::size_t>(pulls.size(), 4)), pulls.end()}));
}

void a_page_of_another_epoch_begins_anew(scenario& s) {
    stand_in b{s};
    b.settle();
    std::atomic<int> epoch = 1;
    b.on_pull([&](arrival const&) {
        auto p = page({}, "2025-06-01T00:00:0" + std::to_string(epoch.load()) + "Z");
        p["epoch"] = "epoch" + std::to_string(epoch.load());
        return stand_in::respond(200, p);
    });
    if (!b.until(seconds{10} + slack, [&] { return !b.pulls().empty() && b.pulls().back().parameter("since"); })) s.inconclusive("no pull with a since");
    for (int const next : {2, 3}) {
        if (!b.until(seconds{10} + slack, [&] { return b.pulls().back().parameter("since") == std::optional<std::string>{"2025-06-01T00:00:0" + std::to_string(next - 1) + "Z"}; })) s.inconclusive("no pull with the since of the epoch before");
        auto const before = b.pulls().size();
        epoch = next;
        bool const anew = b.until(seconds{15} + slack, [&] {
            auto const all = b.pulls();
            return std::any_of(all.begin() + static_cast<std::ptrdiff_t>(before), all.end(), [](arrival const& a) { return !a.parameter("since") && !a.parameter("cursor"); });
        });
        s.expect(anew, next == 2 ? "a pull from the beginning after a page of another epoch" : "the same after a page of a third epoch", queries(b.pulls()));
    }
    b.on_pull({});
}

void pulled_changes_go_to_other_peers_only(scenario& s, bool back) {
    auto const account = s.account();
    stand_in from{s, {.user = account}}, other{s, {.user = account}};
    from.settle(), other.settle();
    auto const c = s.fresh("c");
    from.publish(s.conversation(c, 1, {s.message("m1", "text")}));
    s.control(arrives(from.user(), c, "m1", seconds{10}), "a change of the peer at the target");
    bool const passed_on = other.delivered(soon, c, "m1");
    if (!back) {
        s.expect(passed_on, "a push of what was pulled from one peer to the other", "none");
        return;
    }
    pass(seconds{6});
    s.expect(from.pushes_of(c).empty(), "no push of what was pulled to the peer it came from", "one");
}

void pulled_changes_are_passed_on(scenario& s) { pulled_changes_go_to_other_peers_only(s, false); }
void pulled_changes_do_not_go_back(scenario& s) { pulled_changes_go_to_other_peers_only(s, true); }

void positions_are_not_shared(scenario& s) {
    auto const account = s.account();
    stand_in a{s, {.user = account}}, b{s, {.user = account}};
    a.settle(), b.settle();
    auto const before_a = a.pulls().size(), before_b = b.pulls().size();
    a.on_pull([](arrival const&) { return stand_in::respond(200, page({}, "2025-06-01T00:00:01Z")); });
    b.on_pull([](arrival const&) { return stand_in::respond(200, page({}, "2025-06-01T00:00:02Z")); });
    auto const with = [](stand_in const& which, std::string const& mark) {
        auto const all = which.pulls();
        return std::any_of(all.begin(), all.end(), [&](arrival const& x) { return x.parameter("since") == std::optional{mark}; });
    };
    bool const each = a.until(soon, [&] { return with(a, "2025-06-01T00:00:01Z"); }) && b.until(soon, [&] { return with(b, "2025-06-01T00:00:02Z"); });
    bool const crossed = with(a, "2025-06-01T00:00:02Z") || with(b, "2025-06-01T00:00:01Z");
    bool const both_asked_again = a.pulls().size() > before_a + 2 && b.pulls().size() > before_b + 2;  // one may have been under way
    a.on_pull({}), b.on_pull({});
    s.expect(!crossed, "no watermark of one peer in a pull from another", "since of the other peer");
    if (!each && !both_asked_again) s.inconclusive("the target did not pull again from both within " + seconds_text(soon));
    s.expect(each, "each peer's own last_sync as since", "another one, or none");
}

/// Whoever an entry says that it belongs to: the registration decides.
void pulled_for_its_user(scenario& s) {
    stand_in b{s, {.user = s.account()}};
    b.settle();
    auto const c = s.fresh("c"), word = s.canary();
    auto const of_other = [&](json::object& o) { o["user_id"] = s.other_account().id, o["user"] = s.other_account().id; };
    b.publish(s.conversation(c, 1, {s.message("m1", word, 1, of_other)}, of_other));
    bool const there = b.until(seconds{40}, [&] { return s.user().read(c).ok() || s.other_user().read(c).ok() || (pass(milliseconds{200}), false); });
    s.expect(there, "what is pulled for a user can be read", "it cannot, within 40 s");
    auto const x = s.other_user().read(c);
    s.expect(!x.ok() && x.bytes().find(word) == std::string::npos, "another user, whom the entry names, is not shown it", x.describe());
    s.accepted(s.user().read(c), "reading what was pulled, by the user of the registration");
}

check const checks[] = {
    {.id = "off/pulled-for-its-user",
     .title = "what is pulled belongs to the user of the registration, whatever it says",
     .clauses = {"BSP-OFF-072"},
     .impact = "a hosted backend puts words into anybody's history",
     .likely_cause = "an entry is stored under the user_id that it carries",
     .run = pulled_for_its_user,
     .needs = as_client | need::second_user},
    {.id = "off/pulls",
     .title = "a change at the peer is pulled and joined within an interval",
     .clauses = {"BSP-OFF-012", "BSP-OFF-051"},
     .impact = "what is said at the other side never comes home",
     .likely_cause = "only the push was written",
     .run = changes_are_pulled,
     .needs = as_client},
    {.id = "off/pull-authorized",
     .title = "every pull carries an assertion of its own with all claims",
     .clauses = {"BSP-AUT-036", "BSP-REG-009"},
     .impact = "no right peer answers a pull",
     .likely_cause = "one assertion made at the start, or claims in the caller's own terms",
     .run = pulls_are_authorized,
     .needs = as_client},
    {.id = "off/pull-pages",
     .title = "pages are followed to the last, and only its last_sync is passed back",
     .clauses = {"BSP-OFF-050", "BSP-SYN-119"},
     .impact = "everything after the first hundred conversations is missing",
     .likely_cause = "has_more is not read, or every page's last_sync is kept",
     .run = pages_are_followed_to_the_last,
     .needs = as_client},
    {.id = "off/pull-empty-page",
     .title = "a page without entries is not taken for the last one",
     .clauses = {"BSP-OFF-050"},
     .impact = "what stands behind an empty page never reaches the device",
     .likely_cause = "the loop ends when nothing came, and not when has_more is false",
     .run = empty_pages_are_followed,
     .needs = as_client},
    {.id = "off/pull-split",
     .title = "all entries of a conversation are taken, on one page and on several",
     .clauses = {"BSP-OFF-051"},
     .impact = "of a long conversation a device gets the end",
     .likely_cause = "entries are put into a map by conversation_id, where the last one stays",
     .run = split_conversations_are_joined,
     .needs = as_client},
    {.id = "off/pull-deletions",
     .title = "what was deleted at the peer is deleted at the client",
     .clauses = {"BSP-OFF-051"},
     .impact = "what a person deleted stays on their other devices",
     .likely_cause = "entries that are deleted are passed over",
     .run = deletions_are_pulled,
     .needs = as_client},
    {.id = "off/pull-is-no-deletion",
     .title = "what a pull does not give stays at the client",
     .clauses = {"BSP-PRV-060", "BSP-SYN-129"},
     .impact = "whatever one device may not see disappears from the others",
     .likely_cause = "a conversation is replaced by the entry that came, or the store is emptied before a pull from the beginning",
     .run = what_is_not_given_is_kept,
     .needs = as_client},
    {.id = "off/pull-members",
     .title = "unknown members of what is pulled are kept",
     .clauses = {"BSP-OFF-051", "BSP-GEN-069"},
     .impact = "what a newer app added is lost on the way, and the copies never agree",
     .likely_cause = "pages are read into a model of known members",
     .run = pulled_members_are_kept,
     .needs = as_client},
    {.id = "off/pull-whole-page",
     .title = "a page that cannot be read is taken in as a whole later, and the client stays where it is",
     .clauses = {"BSP-OFF-052", "BSP-OFF-005"},
     .impact = "one broken entry makes the client skip all others",
     .likely_cause = "entries are committed one by one, and the watermark is kept whatever happened",
     .run = pages_are_taken_in_as_a_whole,
     .needs = as_client},
    {.id = "off/pull-lenient",
     .title = "entries are taken in whatever the number of their messages and their timestamps",
     .clauses = {"BSP-OFF-053"},
     .impact = "the two sides never agree again",
     .likely_cause = "the checks of pushes are applied to pulls",
     .run = nothing_is_refused_for_number_or_time,
     .needs = as_client},
    {.id = "off/position-refused",
     .title = "a since that is refused with 400 is left out",
     .clauses = {"BSP-OFF-054"},
     .impact = "after a repair of the server the client never pulls again",
     .likely_cause = "400 is answered by the same request",
     .run = refused_positions_are_left_out,
     .needs = as_client},
    {.id = "off/epoch-of-page",
     .title = "a page of another epoch makes the client begin anew",
     .clauses = {"BSP-OFF-055"},
     .impact = "a server restored from a backup keeps its gaps",
     .likely_cause = "epoch is not read",
     .run = a_page_of_another_epoch_begins_anew,
     .needs = as_client},
    {.id = "off/passed-on",
     .title = "what was pulled from one peer is pushed to the others",
     .clauses = {"BSP-OFF-001"},
     .impact = "three devices never agree",
     .likely_cause = "only local writes are queued",
     .run = pulled_changes_are_passed_on,
     .needs = as_client},
    {.id = "off/not-pushed-back",
     .title = "what was pulled from a peer is not pushed back to it",
     .clauses = {"BSP-OFF-026"},
     .impact = "every change travels twice",
     .likely_cause = "a change is a change, wherever it came from",
     .run = pulled_changes_do_not_go_back,
     .needs = as_client,
     .strength = obligation::should},
    {.id = "off/positions-apart",
     .title = "each peer has its own pull position",
     .clauses = {"BSP-OFF-071"},
     .impact = "what one peer has is never asked for, because another one had less",
     .likely_cause = "one last_sync for all peers",
     .run = positions_are_not_shared,
     .needs = as_client},
};

}  // namespace

group client_pull_group() { return {"client_pull", profile::off, checks}; }

}  // namespace bsp::conformance
