#pragma once

#include <bsp/base/limits.hpp>
#include <bsp/policy/sync_ledger.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

/// What every ledger promises (policy/sync_ledger.hpp), as one list of clauses, used like `store_contract`.
namespace bsp::test {

struct ledger_clause {
    std::string_view promise;
    void (*check)(sync_ledger&);
    friend std::ostream& operator<<(std::ostream& out, ledger_clause const& c) { return out << c.promise; }
};

namespace ledger_promises {

using namespace std::chrono_literals;

inline constexpr instant t0{1'767'139'200, 500};

inline peer_progress full_progress() {
    peer_progress p;
    p.peer_id = "peer_1";
    p.own_epoch = "ours";
    p.pushed = {t0, position{t0 + 1ns, "c1"}, position{t0 + 2ns, "m1"}};
    p.refused = {{"bad", {t0 - 1ns, {}, position{t0, "m0"}}, "422 invalid-body"}, {"worse", {}, ""}};
    p.peer_epoch = "theirs";
    p.since = "2025-12-31T00:00:04.000000017Z";
    p.cursor = "opaque / \xF0\x9F\x98\x80";
    p.known_key = "7d4b";
    p.counters = {.pushes_acknowledged = 1, .pushes_failed = 2, .pages_pulled = 3, .pulls_failed = 4, .last_success = t0, .push_error = "503", .pull_error = "no answer"};
    return p;
}

inline std::vector<std::string> ids(std::vector<queued_event> const& events) {
    std::vector<std::string> all;
    for (auto const& e : events) all.push_back(e.event_id);
    return all;
}

inline void nothing_is_there_at_first(sync_ledger& l) {
    BOOST_TEST(!l.progress("peer_1").value().has_value());
    BOOST_TEST(l.history("peer_1", 10).value().empty());
    BOOST_TEST(l.events("peer_1", 0, 10).value().empty());
    BOOST_TEST(l.usage("peer_1").value().items == 0u);
    BOOST_TEST(l.remove_event("peer_1", "e1").has_value());
    BOOST_TEST(l.forget("peer_1").has_value());
}

inline void progress_comes_back_as_it_was(sync_ledger& l) {
    BOOST_TEST(l.save(full_progress(), {}).has_value());
    BOOST_TEST((l.progress("peer_1").value() == full_progress()));
    peer_progress other;
    other.peer_id = "peer_2";
    BOOST_TEST(l.save(other, {}).has_value());
    BOOST_TEST((l.progress("peer_1").value() == full_progress()));
    BOOST_TEST((l.progress("peer_2").value() == other));
    other.peer_id = "peer_1";  // a save replaces all of it
    BOOST_TEST(l.save(other, {}).has_value());
    BOOST_TEST((l.progress("peer_1").value() == other));
}

inline void the_history_is_bounded_and_latest_first(sync_ledger& l) {
    auto const p = full_progress();
    for (std::size_t i = 0; i < limits::sync_history_max + 5; ++i)
        BOOST_TEST(l.save(p, sync_occurrence{.what = sync_occurrence::kind::failed, .at = t0 + i * 1s, .sync_id = "sync_" + std::to_string(i), .conversations = i, .messages = 2, .error = "503"}).has_value());
    auto const all = l.history("peer_1", 1'000).value();
    BOOST_TEST(all.size() == limits::sync_history_max);
    BOOST_TEST(all.front().sync_id == "sync_" + std::to_string(limits::sync_history_max + 4));
    BOOST_TEST((all.front().at == t0 + (limits::sync_history_max + 4) * 1s));
    BOOST_TEST((all.front().what == sync_occurrence::kind::failed));
    BOOST_TEST(all.front().conversations == limits::sync_history_max + 4);
    BOOST_TEST(all.front().error == "503");
    BOOST_TEST(l.history("peer_1", 3).value().size() == 3u);
    BOOST_TEST(l.history("peer_2", 3).value().empty());
}

inline void events_are_a_queue_for_each_peer(sync_ledger& l) {
    for (char const* id : {"e3", "e1", "e2"}) BOOST_TEST(l.append("peer_1", {0, id, "body of " + std::string{id}, t0}, 0).has_value());
    BOOST_TEST(l.append("peer_2", {0, "e1", "another", t0 + 1s}, 0).has_value());
    auto const queue = l.events("peer_1", 0, 10).value();
    BOOST_TEST(ids(queue) == (std::vector<std::string>{"e3", "e1", "e2"}), boost::test_tools::per_element());
    BOOST_TEST(queue[1].body == "body of e1");
    BOOST_TEST((queue[1].queued_at == t0));
    BOOST_TEST((queue[0].number < queue[1].number && queue[1].number < queue[2].number));
    BOOST_TEST(ids(l.events("peer_1", queue[0].number, 1).value()) == (std::vector<std::string>{"e1"}), boost::test_tools::per_element());
    BOOST_TEST(l.remove_event("peer_1", "e1").has_value());
    BOOST_TEST(ids(l.events("peer_1", 0, 10).value()) == (std::vector<std::string>{"e3", "e2"}), boost::test_tools::per_element());
    BOOST_TEST(ids(l.events("peer_2", 0, 10).value()) == (std::vector<std::string>{"e1"}), boost::test_tools::per_element());
}

inline void what_is_dropped_is_counted(sync_ledger& l) {
    for (char const* id : {"e1", "e2", "e3"}) BOOST_TEST(l.append("peer_1", {0, id, "12345", t0 + 1s}, 0).has_value());
    BOOST_TEST(l.append("peer_1", {0, "e4", "123", t0 + 2s}, 2).has_value());
    BOOST_TEST(ids(l.events("peer_1", 0, 10).value()) == (std::vector<std::string>{"e3", "e4"}), boost::test_tools::per_element());
    auto usage = l.usage("peer_1").value();
    BOOST_TEST(usage.items == 2u);
    BOOST_TEST(usage.bytes == 8u);
    BOOST_TEST(usage.dropped == 2u);
    BOOST_TEST((usage.oldest == t0 + 1s));
    BOOST_TEST(l.append("peer_1", {0, "e5", "", t0}, 10).has_value());  // more than there are
    usage = l.usage("peer_1").value();
    BOOST_TEST(usage.items == 1u);
    BOOST_TEST(usage.dropped == 4u);
    BOOST_TEST(l.remove_event("peer_1", "e5").has_value());             // acknowledged is not dropped
    BOOST_TEST(l.usage("peer_1").value().dropped == 4u);
}

inline void forgetting_is_of_one_peer_and_of_all_its_data(sync_ledger& l) {
    auto p = full_progress();
    for (char const* id : {"peer_1", "peer_2"}) {
        p.peer_id = id;
        BOOST_TEST(l.save(p, sync_occurrence{}).has_value());
        BOOST_TEST(l.append(id, {0, "e1", "{}", t0}, 0).has_value());
    }
    BOOST_TEST(l.forget("peer_1").has_value());
    nothing_is_there_at_first(l);
    BOOST_TEST((l.progress("peer_2").value() == p));
    BOOST_TEST(l.history("peer_2", 10).value().size() == 1u);
    BOOST_TEST(l.events("peer_2", 0, 10).value().size() == 1u);
}

}  // namespace ledger_promises

inline constexpr ledger_clause ledger_contract[] = {
#define BSP_X(name) {#name, ledger_promises::name},
    BSP_X(nothing_is_there_at_first)
    BSP_X(progress_comes_back_as_it_was)
    BSP_X(the_history_is_bounded_and_latest_first)
    BSP_X(events_are_a_queue_for_each_peer)
    BSP_X(what_is_dropped_is_counted)
    BSP_X(forgetting_is_of_one_peer_and_of_all_its_data)
#undef BSP_X
};

}  // namespace bsp::test
