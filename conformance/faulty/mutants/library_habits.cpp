#include "eighth.hpp"

/// Faults of servers that libraries and frameworks bring with them, and those who trust them.
namespace bsp::faulty {

namespace {

}  // namespace

std::vector<fault> library_habit_faults() {
    return {};
}

}  // namespace bsp::faulty
