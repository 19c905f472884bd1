#pragma once

#include "../faults.hpp"

/// What the eighth series of faults shares: what libraries, frameworks and databases do by themselves, and habits of their users.
namespace bsp::faulty {

template <class Mutant>
fault eighth(bool caught, std::string_view id, std::string_view title, std::vector<std::string_view> killed_by, setting needs = setting::plain, std::optional<framing> door = {}) {
    return tried(8, caught, {id, title, std::move(killed_by), make<Mutant>, needs, door});
}

std::vector<fault> library_habit_faults();
std::vector<fault> client_habit_faults();

}  // namespace bsp::faulty
