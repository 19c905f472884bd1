#pragma once

#include <bsp/json/value.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace bsp::conformance {

/// Whose tables say what an answer has in it: an area is what one check judges.
enum class form_area : std::uint8_t { identity, registrations, sync, telemetry, rotation, audit, privacy, observability };
inline constexpr std::size_t form_areas = 8;

/// A member that is not what the table of its endpoint says.
struct misshape {
    form_area area;
    std::string clause;    ///< that asks for it
    std::string expected;  ///< "/peers/0/registered_at is a timestamp of the backend's own, with T and Z"
    std::string actual;    ///< "absent", or the value
};

/// A timestamp in the form that a backend gives its own: in UTC, with T and Z (BSP-GEN-050).
bool is_own_time(std::string_view text);

/// The first member of the answer with 2xx to `method` `path` (below the base path, without a query) that is not as its table
/// says. Nothing when all are, or when no table speaks of such an answer.
std::optional<misshape> misshape_of(std::string_view method, std::string_view path, json::value const& body);

}  // namespace bsp::conformance
