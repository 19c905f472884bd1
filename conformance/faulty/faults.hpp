#pragma once

#include "backend.hpp"
#include "door.hpp"

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

namespace bsp::faulty {

/// What a fault asks of whoever wants to see it.
enum class setting : std::uint8_t {
    plain,
    local,        ///< only a backend of type local can have it
    restart,      ///< seen only after `backend::restart()`
    client,       ///< a fault of a local backend that calls its peers; seen by who is called
    hosted_client,
    unreachable,  ///< cannot be seen through the profiles GEN, ID, REG, SYN and OFF; the title says why
};

/// How a fault fared that was thought up after the checks were written, when it first met the suite as it then was.
struct trial {
    int round;
    bool caught;  ///< by a check of the suite, none of which had been written or changed for it
};

using maker = std::unique_ptr<backend> (*)(settings const&);

/// A wrong backend: the correct one with one step overridden.
struct fault {
    std::string_view id;                       ///< permanent: F-GEN-01 … of the catalogue, from 101 on our own
    std::string_view title;                    ///< what the backend does wrong
    std::vector<std::string_view> killed_by;   ///< checks of which at least one must fail, and should
    maker make = nullptr;                      ///< null only when unreachable
    setting needs = setting::plain;
    std::optional<framing> door = {};          ///< served through a door of our own with this mistake
    std::optional<trial> first_sight = {};
};

template <class Mutant>
std::unique_ptr<backend> make(settings const& s) {
    return std::make_unique<Mutant>(s);
}

/// A fault of a round of those thought up afterwards.
inline fault tried(int round, bool caught, fault f) {
    f.first_sight = trial{round, caught};
    return f;
}
template <class Mutant>
fault tried(int round, bool caught, std::string_view id, std::string_view title, std::vector<std::string_view> killed_by, setting needs = setting::plain, std::optional<framing> door = {}) {
    return tried(round, caught, {id, title, std::move(killed_by), make<Mutant>, needs, door});
}

std::vector<fault> gen_faults();
std::vector<fault> id_faults();
std::vector<fault> sbt_faults();
std::vector<fault> reg_faults();
std::vector<fault> peer_faults();
std::vector<fault> aut_faults();
std::vector<fault> syn_faults();
std::vector<fault> pull_faults();
std::vector<fault> live_pull_faults();
std::vector<fault> mrg_faults();
std::vector<fault> cnv_faults();
std::vector<fault> authority_faults();
std::vector<fault> race_faults();
std::vector<fault> twice_faults();
std::vector<fault> rare_faults();
std::vector<fault> framing_faults();
std::vector<fault> browser_faults();
std::vector<fault> fuzz_faults();
std::vector<fault> every_answer_faults();
std::vector<fault> tel_stream_faults();
std::vector<fault> tel_events_faults();
std::vector<fault> mpp_faults();
std::vector<fault> off_faults();
std::vector<fault> limit_faults();
std::vector<fault> audit_faults();
std::vector<fault> rot_faults();
std::vector<fault> red_faults();
std::vector<fault> off_telemetry_faults();
std::vector<fault> battery_faults();
std::vector<fault> long_time_faults();
std::vector<fault> client_consent_faults();
std::vector<fault> client_endpoints_faults();

std::vector<fault> first_sight_text_faults();
std::vector<fault> first_sight_feed_faults();
std::vector<fault> first_sight_state_faults();
std::vector<fault> second_sight_faults();
std::vector<fault> idioms_text_faults();
std::vector<fault> idioms_web_faults();
std::vector<fault> idioms_store_faults();
std::vector<fault> idioms_event_faults();
std::vector<fault> answer_member_faults();
std::vector<fault> clause_part_faults();
std::vector<fault> crossing_key_faults();
std::vector<fault> crossing_registration_faults();
std::vector<fault> crossing_privacy_faults();
std::vector<fault> crossing_record_faults();
std::vector<fault> later_push_faults();
std::vector<fault> restart_faults();
std::vector<fault> client_registration_faults();
std::vector<fault> client_wait_faults();
std::vector<fault> client_join_faults();
std::vector<fault> credentials_meanwhile_faults();
std::vector<fault> again_and_beside_faults();
std::vector<fault> later_registration_faults();
std::vector<fault> refusal_faults();
std::vector<fault> stream_right_faults();
std::vector<fault> afterwards_privacy_faults();
std::vector<fault> afterwards_record_faults();
std::vector<fault> library_habit_faults();
std::vector<fault> client_habit_faults();
std::vector<fault> client_memory_faults();

/// Every fault, in the order of the lists above.
std::vector<fault> const& all_faults();

fault const* find_fault(std::string_view id);

}  // namespace bsp::faulty
