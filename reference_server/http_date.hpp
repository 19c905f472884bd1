#pragma once

#include "clock.hpp"

#include <array>
#include <ctime>
#include <string>

namespace bsp::server {

/// The time of day as `Date` has it (RFC 9110 section 5.6.7): "Sun, 06 Nov 1994 08:49:37 GMT".
inline std::string http_date_now() {
    std::time_t const now = static_cast<std::time_t>(server_clock{}.now().seconds);
    std::tm parts{};
    gmtime_r(&now, &parts);
    // Written by hand: strftime would use the names of the process's locale.
    static constexpr std::array days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static constexpr std::array months{"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    auto const two = [](int n) { return std::string{static_cast<char>('0' + n / 10), static_cast<char>('0' + n % 10)}; };
    return std::string{days[static_cast<std::size_t>(parts.tm_wday)]} + ", " + two(parts.tm_mday) + ' ' +
           months[static_cast<std::size_t>(parts.tm_mon)] + ' ' + std::to_string(1900 + parts.tm_year) + ' ' + two(parts.tm_hour) + ':' +
           two(parts.tm_min) + ':' + two(parts.tm_sec) + " GMT";
}

}  // namespace bsp::server
