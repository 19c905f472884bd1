#include "../registry.hpp"
#include "../scenario.hpp"

#include <bsp/base/uri.hpp>

#include <set>
#include <string>
#include <vector>

// Section 6.4, the epoch of the store.

namespace bsp::conformance {
namespace {

void foreign_epoch(scenario& s) {
    auto const a = s.register_peer();
    auto const first = a.pull();
    s.control(first, "a pull");
    auto const epoch = first.text("/epoch");
    if (epoch.empty()) s.not_applicable("the backend gives no epoch");
    auto const path = "/sync/" + a.peer_id() + "?epoch=";
    auto const since = "&since=" + percent_encode_segment(s.in_seconds(-60));
    exactly_as const changed{.statuses = {409}, .codes = {"epoch-changed"}};
    s.accepted(a.get(path + percent_encode_segment(epoch)), "a pull with the present epoch");
    s.refused(a.get(path + s.fresh("epoch")), "a pull with a foreign epoch", changed);
    s.refused(a.get(path + s.fresh("epoch") + since), "a pull with a foreign epoch and since", changed);
    s.refused(a.get(path + percent_encode_segment(epoch + "0")), "a pull with an epoch that begins with the present one", changed);
    s.accepted(a.get(path + percent_encode_segment(epoch) + since), "a pull with the present epoch and since");
}

/// The epoch is there to be compared, on every page, and changes nothing else.
void pages_under_the_epoch(scenario& s) {
    auto const a = s.register_peer();
    auto const epoch = a.pull({.since = s.in_seconds(60), .limit = 1}).text("/epoch");
    if (epoch.empty()) s.not_applicable("the backend gives no epoch");
    auto const mark = s.since_begun();
    std::vector<std::string> pushed;
    std::vector<json::object> all;
    for (int i = 0; i < 70; ++i) {
        pushed.push_back(s.fresh("c"));
        all.push_back(s.conversation(pushed.back(), 1, {s.message("m1", "x")}));
    }
    s.control(a.push(all), "a push of 70 conversations");
    auto const path = "/sync/" + a.peer_id() + "?epoch=" + percent_encode_segment(epoch) + "&since=" + percent_encode_segment(mark) + "&limit=30";
    std::set<std::string> seen;
    std::string cursor, last;
    int repeated = 0;
    for (int pages = 0; pages < 300; ++pages) {
        auto const x = a.get(path + (cursor.empty() ? "" : "&cursor=" + percent_encode_segment(cursor)));
        s.accepted(x, "a page of a pull with the present epoch, since, limit" + std::string{cursor.empty() ? "" : " and cursor"});
        for (auto const& id : ids_at(x.body(), "/conversations", "conversation_id")) seen.insert(id);
        if (auto const* more = x.at("/has_more"); !more || *more != json::value(true)) {
            for (auto const& id : pushed) s.expect(seen.contains(id), "the pages of a pull with epoch and cursor have every conversation", id + " is absent");
            return;
        }
        auto const text = json::serialize(objects_at(x.body(), "/conversations").empty() ? json::value{} : x.body().at("conversations"));
        repeated = text == last && text != "null" ? repeated + 1 : 0;  // pages may be empty, and an entry may come twice
        s.expect(repeated < 3, "a page of a pull with epoch and cursor goes on where the one before it ended", "the same entries again and again");
        last = text;
        cursor = x.text("/cursor");
    }
    s.inconclusive("others wrote more than 300 pages meanwhile");
}

check const checks[] = {
    {.id = "syn/pull-epoch-pages",
     .title = "a cursor goes on where its page ended, with the present epoch beside it, too",
     .clauses = {"BSP-SYN-116", "BSP-SYN-104"},
     .impact = "a client that does as it is told pulls the first page for ever",
     .likely_cause = "a query with epoch is answered by a branch of its own",
     .run = pages_under_the_epoch},
    {.id = "syn/pull-epoch",
     .title = "a pull under a foreign epoch is told that the epoch changed",
     .clauses = {"BSP-SYN-131"},
     .impact = "after a backup was restored, clients go on from a watermark that the server never gave and miss what was lost",
     .likely_cause = "the parameter epoch is ignored",
     .run = foreign_epoch,
     .strength = obligation::should},
};

}  // namespace

group pull_epoch_group() { return {"pull-epoch", profile::syn, checks}; }

}  // namespace bsp::conformance
