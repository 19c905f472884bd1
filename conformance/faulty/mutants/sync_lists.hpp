#pragma once

#include "../faults.hpp"

/// What the seventh series of faults shares: pushes, pulls and conversations when something comes again, or beside something else.
namespace bsp::faulty {

template <class Mutant>
fault seventh(bool caught, std::string_view id, std::string_view title, std::vector<std::string_view> killed_by) {
    return tried(7, caught, {id, title, std::move(killed_by), make<Mutant>});
}

std::vector<fault> again_and_beside_faults();

}  // namespace bsp::faulty
