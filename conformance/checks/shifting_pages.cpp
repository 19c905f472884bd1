#include "../registry.hpp"
#include "../scenario.hpp"
#include "conversing.hpp"
#include "ground.hpp"

#include <bsp/base/uri.hpp>

#include <algorithm>
#include <set>

// Pages of a list or a feed that changes while it is read.

namespace bsp::conformance {
namespace {

void list_while_deleting(scenario& s) {
    auto const user = s.user();
    auto const stem = s.fresh("c");  // neighbours in every order that a page may have
    std::vector<std::string> all;
    for (int i = 0; i < 6; ++i) {
        all.push_back(stem + "-" + std::to_string(i));
        s.control(user.write(all.back(), "listed"), "a write");
    }
    std::set<std::string> seen, changed;
    std::string cursor;
    auto const limit = std::to_string(list_page(s, user));
    for (int page = 0; page < 5000; ++page) {
        auto const x = user.get("/conversations?limit=" + limit + (cursor.empty() ? "" : "&cursor=" + percent_encode_segment(cursor)));
        s.control(x, "a page of the list");
        for (auto const& id : ids_at(x.body(), "/conversations", "conversation_id")) seen.insert(id);
        for (auto const& id : all)  // what was given goes, and what comes after it moves up
            if (seen.contains(id) && changed.insert(id).second) s.control(user.del("/conversations/" + id), "deleting what was listed");
        if (std::ranges::all_of(all, [&](std::string const& id) { return seen.contains(id); })) break;
        if (!x.at("/has_more") || *x.at("/has_more") != json::value(true)) break;
        cursor = x.text("/cursor");
    }
    std::string missing;
    for (auto const& id : all)
        if (!seen.contains(id)) missing += (missing.empty() ? "" : ", ") + id;
    s.evidence("pages of the list");
    s.expect(missing.empty(), "every conversation that was there all the time is listed", "not listed: " + missing);
}

void pull_while_changing(scenario& s) {
    auto const a = s.register_peer();
    auto const since = watermark(s, a);
    auto const stem = s.fresh("c");  // neighbours in every order that a page may have
    std::vector<std::string> all;
    for (int i = 0; i < 6; ++i) {
        all.push_back(stem + "-" + std::to_string(i));
        s.control(a.push({s.conversation(all.back(), 1, {s.message("m1", "pulled")})}), "a push");
    }
    std::set<std::string> seen, changed;
    std::string cursor;
    for (int page = 0; page < 5000; ++page) {
        auto const x = a.pull({.since = since, .cursor = cursor, .limit = 2});
        s.control(x, "a page of the pull");
        for (auto const& id : ids_at(x.body(), "/conversations", "conversation_id")) seen.insert(id);
        for (auto const& id : all)  // what was given moves to the end of the feed
            if (seen.contains(id) && changed.insert(id).second) s.control(a.push({s.conversation(id, 2, {s.message("m2", "changed")})}), "a change of what was pulled");
        if (!x.at("/has_more") || *x.at("/has_more") != json::value(true)) break;
        cursor = x.text("/cursor");
    }
    std::string missing;
    for (auto const& id : all)
        if (!seen.contains(id)) missing += (missing.empty() ? "" : ", ") + id;
    s.evidence("pages of the pull");
    s.expect(missing.empty(), "every conversation is on one of the pages", "not given: " + missing);
}

check const checks[] = {
    {.id = "cnv/list-while-deleting",
     .title = "a deletion between two pages of the list hides no other conversation",
     .clauses = {"BSP-CNV-033"},
     .impact = "conversations vanish from the list while another device tidies up",
     .likely_cause = "the cursor is a number of rows to skip (OFFSET)",
     .run = list_while_deleting},
    {.id = "syn/pull-while-changing",
     .title = "a change between two pages of a pull hides no other conversation",
     .clauses = {"BSP-SYN-104", "BSP-SYN-116"},
     .impact = "a device that pulls while another writes never learns of some conversations",
     .likely_cause = "the cursor is a number of rows to skip (OFFSET)",
     .run = pull_while_changing},
};

}  // namespace

group shifting_pages_group() { return {"shifting-pages", profile::syn, checks}; }

}  // namespace bsp::conformance
