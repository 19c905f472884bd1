#pragma once

#include "check.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Every file of checks/, in the order of reports. A line here declares the group and tabulates it: a file
/// without a line warns (-Wmissing-declarations), a line without a file does not link.
#define BSP_CHECK_GROUPS(X) \
    X(http) \
    X(request_sizes) \
    X(browser) \
    X(every_answer) \
    X(transport) \
    X(json_bodies) \
    X(identity) \
    X(sbt) \
    X(sbt_times) \
    X(sbt_binding) \
    X(registration) \
    X(registration_identity) \
    X(registration_again) \
    X(concurrent_registrations) \
    X(peers) \
    X(peers_removal) \
    X(peers_removal_again) \
    X(authentication) \
    X(user_assertions) \
    X(authority) \
    X(order_of_checks) \
    X(merge_messages) \
    X(merge_conversations) \
    X(conflicts) \
    X(merge_properties) \
    X(conversations) \
    X(local_writes) \
    X(conversation_versions) \
    X(claimed_users) \
    X(push_signatures) \
    X(push_admission) \
    X(push_validity) \
    X(push_keeping) \
    X(push_effects) \
    X(concurrent_requests) \
    X(pull) \
    X(pull_pages) \
    X(pull_epoch) \
    X(live_pull) \
    X(digest) \
    X(shifting_pages) \
    X(losing_side) \
    X(exact_names) \
    X(narrow_forms) \
    X(feed_meanwhile) \
    X(large_feeds) \
    X(lifetimes) \
    X(writes_and_refusals) \
    X(meetings) \
    X(registrations_meanwhile) \
    X(telemetry_connection) \
    X(telemetry_events) \
    X(telemetry_keeping) \
    X(telemetry_frames) \
    X(telemetry_lists) \
    X(privacy_settings) \
    X(privacy_consent) \
    X(privacy_retention) \
    X(privacy_meetings) \
    X(privacy_data) \
    X(privacy_meanwhile) \
    X(redaction_pull) \
    X(redaction_copies) \
    X(platforms) \
    X(rotation) \
    X(rotation_keys) \
    X(keys_meanwhile) \
    X(limits) \
    X(audit) \
    X(battery) \
    X(long_times) \
    X(observe) \
    X(observe_all) \
    X(records_meanwhile) \
    X(observe_meanwhile) \
    X(histories) \
    X(client_push) \
    X(client_answers) \
    X(client_reach) \
    X(client_pull) \
    X(client_pull_times) \
    X(client_sweeps) \
    X(client_requests) \
    X(client_endpoints) \
    X(client_registrations) \
    X(client_users) \
    X(client_waits) \
    X(client_epochs) \
    X(client_refusals) \
    X(client_joins) \
    X(client_telemetry) \
    X(client_telemetry_restraint) \
    X(client_consent) \
    X(redaction_push) \
    X(fuzz)

namespace bsp::conformance {

#define BSP_X(name) group name##_group();
BSP_CHECK_GROUPS(BSP_X)
#undef BSP_X

/// A check and where it belongs. `index` is unique within this build, and nothing more.
struct registered_check {
    conformance::check const* check;
    conformance::profile profile;
    std::string_view group;
    std::size_t index;
};

/// All checks, in the order of BSP_CHECK_GROUPS.
std::vector<registered_check> const& all_checks();

registered_check const* find_check(std::string_view id);

std::string_view to_string(profile) noexcept;
std::string_view title_of(profile) noexcept;
std::optional<profile> profile_from(std::string_view text);  ///< any case
std::string_view to_string(obligation) noexcept;             ///< "MUST" …
std::string_view to_string(aspect) noexcept;

/// Shell pattern with `*` and `?`; a pattern without either also matches as a prefix ending at '/'.
bool matches(std::string_view pattern, std::string_view text);

/// The closest of `candidates` to `text` by edit distance, or "" when nothing is near.
std::string did_you_mean(std::string_view text, std::vector<std::string> const& candidates);

}  // namespace bsp::conformance
