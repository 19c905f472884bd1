#pragma once

#include "../faults.hpp"

/// What the seventh series of faults shares: mistakes that show only when something comes again, afterwards, beside something
/// else, or for somebody else.
namespace bsp::faulty {

template <class Mutant>
fault seventh(bool caught, std::string_view id, std::string_view title, std::vector<std::string_view> killed_by, setting needs = setting::plain, std::optional<framing> door = {}) {
    return tried(7, caught, {id, title, std::move(killed_by), make<Mutant>, needs, door});
}

std::vector<fault> again_and_beside_faults();
std::vector<fault> later_registration_faults();
std::vector<fault> refusal_faults();
std::vector<fault> stream_right_faults();
std::vector<fault> afterwards_privacy_faults();
std::vector<fault> afterwards_record_faults();

}  // namespace bsp::faulty
