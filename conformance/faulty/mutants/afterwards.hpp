#pragma once

#include "states.hpp"

/// What the seventh series of faults shares: mistakes that show only after something else was done, a second time, or for
/// somebody else.
namespace bsp::faulty {

template <class Mutant>
fault seventh(std::string_view id, std::string_view title, bool caught, std::vector<std::string_view> killed_by, setting needs = setting::plain) {
    return tried(7, caught, {id, title, std::move(killed_by), make<Mutant>, needs});
}

std::vector<fault> afterwards_privacy_faults();
std::vector<fault> afterwards_record_faults();

}  // namespace bsp::faulty
