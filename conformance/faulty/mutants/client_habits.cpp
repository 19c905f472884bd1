#include "eighth.hpp"

/// Faults of clients that libraries and frameworks bring with them, and those who trust them.
namespace bsp::faulty {

namespace {

}  // namespace

std::vector<fault> client_habit_faults() {
    return {};
}

}  // namespace bsp::faulty
