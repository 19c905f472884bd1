#include "faults.hpp"

#include "observed_backend.hpp"

#include <algorithm>

namespace bsp::faulty {

std::vector<fault> const& all_faults() {
    static std::vector<fault> const all = [] {
        std::vector<fault> out;
        for (auto list : {gen_faults, id_faults, sbt_faults, reg_faults, peer_faults, aut_faults, syn_faults, pull_faults, live_pull_faults, mrg_faults, cnv_faults,
                          authority_faults, race_faults, twice_faults, rare_faults, framing_faults, fuzz_faults, every_answer_faults,
                          browser_faults, tel_stream_faults, tel_events_faults, prv_faults, red_faults, mpp_faults, off_faults, off_telemetry_faults, rot_faults, limit_faults, audit_faults, battery_faults, long_time_faults, client_consent_faults, client_endpoints_faults,
                          client_registration_faults, client_wait_faults, client_join_faults, refusal_faults, stream_right_faults, obs_faults,
                          first_sight_text_faults, first_sight_feed_faults, first_sight_state_faults, second_sight_faults, hunt_faults, states_faults,
                          idioms_text_faults, idioms_web_faults, idioms_store_faults, idioms_event_faults, answer_member_faults, clause_part_faults,
                          crossing_key_faults, crossing_registration_faults, crossing_privacy_faults, crossing_record_faults, later_push_faults, restart_faults,
                          again_and_beside_faults, later_registration_faults, afterwards_privacy_faults, afterwards_record_faults,
                          library_habit_faults, client_habit_faults, client_memory_faults, credentials_meanwhile_faults}) {
            std::vector<fault> rows = list();
            out.insert(out.end(), rows.begin(), rows.end());
        }
        return out;
    }();
    return all;
}

fault const* find_fault(std::string_view id) {
    auto const& all = all_faults();
    auto const found = std::find_if(all.begin(), all.end(), [&](fault const& f) { return f.id == id; });
    return found == all.end() ? nullptr : &*found;
}

}  // namespace bsp::faulty
