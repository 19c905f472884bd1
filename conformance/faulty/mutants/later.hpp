#pragma once

#include "states.hpp"

/// What the fifth series of faults shares: mistakes that show in the second of several, after something else was done,
/// or at the edge of what is permitted.
namespace bsp::faulty {

template <class Mutant>
fault fifth(std::string_view id, std::string_view title, std::vector<std::string_view> killed_by, bool caught, setting needs = setting::plain) {
    return {id, title, std::move(killed_by), make<Mutant>, needs, {}, trial{5, caught}};
}

std::vector<fault> later_feed_faults();
std::vector<fault> later_request_faults();
std::vector<fault> later_client_faults();

}  // namespace bsp::faulty
