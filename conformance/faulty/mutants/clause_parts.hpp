#pragma once

#include "../observed_backend.hpp"

/// What the files of faults in parts of clauses have in common.
namespace bsp::faulty {

std::vector<fault> clause_part_faults_of_records();

inline std::string text_of_member(json::object const& o, std::string_view name) {
    auto const* s = json::find_string(o, name);
    return s ? std::string{json::view(*s)} : "";
}

}  // namespace bsp::faulty
