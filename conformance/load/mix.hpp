#pragma once

#include <bsp/base/result.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace bsp::conformance::load {

/// What people's backends do: push what was said, pull what is new, read a conversation as the user, report an event.
enum class operation : std::uint8_t { push, pull, read, telemetry };
inline constexpr std::size_t operations = 4;
inline constexpr std::array<operation, operations> all_operations{operation::push, operation::pull, operation::read, operation::telemetry};

std::string_view to_string(operation) noexcept;

/// The share of each operation; together 1.
struct mix {
    std::array<double, operations> shares{};

    [[nodiscard]] double of(operation o) const { return shares[static_cast<std::size_t>(o)]; }
    /// The same without `o`; what is left makes up 1 again.
    [[nodiscard]] mix without(operation o) const;
};

inline constexpr std::string_view default_mix = "push=50,pull=25,read=20,telemetry=5";

/// Reads "push=50,pull=25": weights of any sum, what is not named has none. Errors (`bad_request`) are for people.
result<mix> parse_mix(std::string_view text);

/// "push 50 %, pull 25 %"
std::string in_words(mix const&);

}  // namespace bsp::conformance::load
