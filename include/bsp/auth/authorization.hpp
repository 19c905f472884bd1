#pragma once

#include <bsp/base/http.hpp>

#include <cstddef>
#include <string_view>

namespace bsp {

/// A credential as the Authorization header carries it (RFC 9110 §11.6.2).
struct authorization {
    std::string_view scheme;      ///< as sent; compared without case
    std::string_view credential;  ///< "" when there is none

    [[nodiscard]] bool is(std::string_view name) const { return http_headers::same_name(scheme, name); }
};

/// Splits the header's value at its first space.
inline authorization split_authorization(std::string_view value) {
    std::size_t const space = value.find(' ');
    if (space == std::string_view::npos) return {value, {}};
    std::size_t const begin = value.find_first_not_of(' ', space);
    return {value.substr(0, space), begin == std::string_view::npos ? std::string_view{} : value.substr(begin)};
}

}  // namespace bsp
