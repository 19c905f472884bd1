#pragma once

#include "backend.hpp"

#include <functional>
#include <string_view>
#include <vector>

namespace bsp::faulty {

using handler = std::function<http_response(http_request const&, instant now)>;

/// A target that is no backend at all, save for a correct `GET /identity`, without which nobody would look
/// further. A check that passes against it proved nothing.
struct degenerate {
    std::string_view name;
    std::string_view title;
    handler (*make)(settings const&);
};

/// A response with this status stands for a connection that ends without an answer.
inline constexpr int hung_up = 0;

std::vector<degenerate> const& all_degenerates();

}  // namespace bsp::faulty
