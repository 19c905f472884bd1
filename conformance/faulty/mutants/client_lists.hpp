#pragma once

#include "../faults.hpp"

/// What the sixth series of faults shares: clients, when something else has happened to a peer.
namespace bsp::faulty {

template <class Mutant>
fault sixth(bool caught, std::string_view id, std::string_view title, std::vector<std::string_view> killed_by) {
    return tried(6, caught, {id, title, std::move(killed_by), make<Mutant>, setting::client});
}

std::vector<fault> client_registration_faults();
std::vector<fault> client_wait_faults();
std::vector<fault> client_join_faults();

}  // namespace bsp::faulty
