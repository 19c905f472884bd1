#pragma once

#include "contract/audit.hpp"
#include "contract/content.hpp"
#include "contract/events.hpp"
#include "contract/peers.hpp"
#include "contract/privacy.hpp"
#include "contract/transactions.hpp"

#include <bsp/policy/store.hpp>

#include <ostream>
#include <string_view>

/// What every store promises (policy/store.hpp), as one list of clauses. A store is held to it with
///
///     BOOST_DATA_TEST_CASE(keeps_the_contract, boost::unit_test::data::make(bsp::test::store_contract), clause) {
///         my_store store{…};
///         clause.check(store);
///     }
namespace bsp::test {

struct store_clause {
    std::string_view promise;
    void (*check)(store_base&);
    friend std::ostream& operator<<(std::ostream& out, store_clause const& c) { return out << c.promise; }
};

inline constexpr store_clause store_contract[] = {
#define BSP_X(name) {#name, contract::name},
    BSP_X(nothing_is_there_at_first)
    BSP_X(heads_and_messages_come_back_as_they_were)
    BSP_X(a_put_replaces)
    BSP_X(messages_are_read_by_time_then_id_in_pages)
    BSP_X(heads_are_listed_by_id_in_pages)
    BSP_X(commit_instants_increase_for_each_user)
    BSP_X(the_feed_is_in_the_order_of_commits)
    BSP_X(users_do_not_see_each_other)
    BSP_X(messages_of_different_conversations_are_unrelated)
    BSP_X(a_refused_transaction_leaves_no_trace)
    BSP_X(a_transaction_reads_its_own_writes)
    BSP_X(losers_are_kept_oldest_first_and_once)
    BSP_X(losers_of_a_message_are_removed)
    BSP_X(receipts_are_kept_by_peer_and_sync_id)
    BSP_X(events_are_stored_once_for_each_user)
    BSP_X(events_are_listed_in_the_order_of_receipt)
    BSP_X(statistics_are_kept_by_registration)
    BSP_X(telemetry_is_summed_up_by_peer)
    BSP_X(an_event_of_a_refused_transaction_is_not_stored)
    BSP_X(privacy_settings_are_the_defaults_until_they_are_put)
    BSP_X(messages_expire_by_their_age)
    BSP_X(what_is_removed_is_gone_and_of_one_user)
    BSP_X(the_departed_are_remembered)
    BSP_X(users_are_listed)
    BSP_X(a_text_may_have_any_character)
    BSP_X(peers_come_back_as_they_were)
    BSP_X(ended_registrations_remain_but_are_not_active)
    BSP_X(those_that_say_where_they_are_are_found)
    BSP_X(registrations_are_found_by_backend_and_by_key)
    BSP_X(floors_and_revocations)
    BSP_X(an_assertion_is_claimed_once)
    BSP_X(the_audit_trail_is_a_chain_in_order)
    BSP_X(the_audit_trail_is_read_by_filters_in_pages)
    BSP_X(the_oldest_of_the_audit_trail_go_and_the_rest_is_proven)
    BSP_X(an_audit_entry_of_a_refused_transaction_is_not_kept)
    BSP_X(requests_are_counted_by_windows)
    BSP_X(concurrent_writers_of_one_user_do_not_lose_each_others_writes)
    BSP_X(a_snapshot_does_not_change_while_it_is_read)
    BSP_X(commits_are_told_and_refusals_are_not)
#undef BSP_X
};

}  // namespace bsp::test
