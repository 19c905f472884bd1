#pragma once

#include <bsp/base/result.hpp>

#include <array>
#include <chrono>
#include <compare>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

namespace bsp {

/// A point in time, exact to the nanosecond, seconds since 1970-01-01T00:00:00Z. Wide enough for the
/// years 0000 to 9999, and an offset's width beyond.
struct instant {
    std::int64_t seconds = 0;
    std::uint32_t nanoseconds = 0;  ///< 0 … 999,999,999

    friend auto operator<=>(instant const&, instant const&) = default;

    template <class Rep, class Period>
    friend instant operator+(instant t, std::chrono::duration<Rep, Period> d) {
        constexpr std::uint32_t giga = 1'000'000'000;
        auto const whole = std::chrono::floor<std::chrono::seconds>(d);
        auto const sum = t.nanoseconds + static_cast<std::uint32_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(d - whole).count());
        std::uint32_t const carry = sum / giga;
        return {t.seconds + whole.count() + carry, sum - carry * giga};
    }
    template <class Rep, class Period>
    friend instant operator-(instant t, std::chrono::duration<Rep, Period> d) { return t + -d; }
};

namespace detail {
// Howard Hinnant's civil-calendar identity: days since 1970-01-01 of a proleptic Gregorian date.
constexpr std::int64_t days_from_civil(std::int64_t y, unsigned m, unsigned d) {
    y -= m <= 2;
    std::int64_t const era = (y >= 0 ? y : y - 399) / 400;
    auto const yoe = static_cast<unsigned>(y - era * 400);
    unsigned const doy = (153 * (m > 2 ? m - 3 : m + 9) + 2) / 5 + d - 1;
    unsigned const doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    return era * 146'097 + static_cast<std::int64_t>(doe) - 719'468;
}
}  // namespace detail

/// Reads a timestamp as BSP does: RFC 3339 date-time with any offset, `t` and `z` in
/// either case, or no offset at all, which means UTC; up to nine fractional digits; `:60` reads as the
/// first instant of the next minute. Anything else is `invalid_body`.
result<instant> parse_timestamp(std::string_view text);

/// Writes `t` in UTC with `Z` and as many fractional digits (0, 3, 6 or 9) as it needs.
std::string format_timestamp(instant t);

inline result<instant> parse_timestamp(std::string_view text) {
    auto const bad = [&](char const* why) { return fail(errc::invalid_body, std::string{"not an RFC 3339 timestamp: "} + why); };
    std::size_t at = 0;
    auto digits = [&](int n) -> int {
        int value = 0;
        for (int i = 0; i < n; ++i, ++at) {
            if (at >= text.size() || text[at] < '0' || text[at] > '9') return -1;
            value = value * 10 + (text[at] - '0');
        }
        return value;
    };
    auto take = [&](char c) { return at < text.size() && text[at] == c ? (++at, true) : false; };

    int const year = digits(4);
    if (year < 0 || !take('-')) return bad("expected a four-digit year and '-'");
    int const month = digits(2);
    if (month < 1 || month > 12 || !take('-')) return bad("expected a month 01-12 and '-'");
    int const day = digits(2);
    bool const leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    constexpr std::array<int, 12> month_days{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int const days = month < 1 ? 0 : month_days[static_cast<std::size_t>(month - 1)] + (month == 2 && leap);
    if (day < 1 || day > days) return bad("no such day in that month");
    if (!take('T') && !take('t')) return bad("expected 'T' and a time of day");
    int const hour = digits(2);
    if (hour < 0 || hour > 23 || !take(':')) return bad("expected an hour 00-23 and ':'");
    int const minute = digits(2);
    if (minute < 0 || minute > 59 || !take(':')) return bad("expected a minute 00-59 and ':'");
    int const second = digits(2);
    if (second < 0 || second > 60) return bad("expected a second 00-60");

    std::uint32_t nanoseconds = 0;
    if (take('.')) {
        std::uint32_t scale = 100'000'000;
        std::size_t const from = at;
        for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at, scale /= 10) {
            if (at - from == 9) return bad("more than nine fractional digits");
            nanoseconds += scale * static_cast<std::uint32_t>(text[at] - '0');
        }
        if (at == from) return bad("a '.' without fractional digits");
    }

    int offset_minutes = 0;
    if (at < text.size() && !take('Z') && !take('z')) {
        int const sign = take('+') ? 1 : take('-') ? -1 : 0;
        if (sign == 0) return bad("expected 'Z', an offset or the end");
        int const offset_hour = digits(2);
        if (offset_hour < 0 || offset_hour > 23 || !take(':')) return bad("expected an offset ±hh:mm");
        int const offset_minute = digits(2);
        if (offset_minute < 0 || offset_minute > 59) return bad("expected an offset ±hh:mm");
        offset_minutes = sign * (offset_hour * 60 + offset_minute);
    }
    if (at != text.size()) return bad("characters after the timestamp");

    std::int64_t const day_number = detail::days_from_civil(year, static_cast<unsigned>(month), static_cast<unsigned>(day));
    return instant{day_number * 86'400 + hour * 3'600 + minute * 60 + second - offset_minutes * 60, nanoseconds};
}

inline std::string format_timestamp(instant t) {
    std::int64_t const day_number = t.seconds >= 0 ? t.seconds / 86'400 : (t.seconds - 86'399) / 86'400;
    auto const of_day = static_cast<int>(t.seconds - day_number * 86'400);
    std::int64_t const z = day_number + 719'468;
    std::int64_t const era = (z >= 0 ? z : z - 146'096) / 146'097;
    auto const doe = static_cast<unsigned>(z - era * 146'097);
    unsigned const yoe = (doe - doe / 1'460 + doe / 36'524 - doe / 146'096) / 365;
    unsigned const doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    unsigned const mp = (5 * doy + 2) / 153;
    unsigned const day = doy - (153 * mp + 2) / 5 + 1;
    unsigned const month = mp < 10 ? mp + 3 : mp - 9;
    std::int64_t const year = static_cast<std::int64_t>(yoe) + era * 400 + (month <= 2);

    std::string out;
    auto put = [&](std::int64_t value, int width) {
        std::string text = std::to_string(value);
        out.append(static_cast<std::size_t>(width) > text.size() ? static_cast<std::size_t>(width) - text.size() : 0, '0') += text;
    };
    put(year, 4), out += '-', put(month, 2), out += '-', put(day, 2), out += 'T';
    put(of_day / 3'600, 2), out += ':', put(of_day / 60 % 60, 2), out += ':', put(of_day % 60, 2);
    if (t.nanoseconds != 0) {
        out += '.';
        if (t.nanoseconds % 1'000'000 == 0) put(t.nanoseconds / 1'000'000, 3);
        else if (t.nanoseconds % 1'000 == 0) put(t.nanoseconds / 1'000, 6);
        else put(t.nanoseconds, 9);
    }
    return out += 'Z';
}

}  // namespace bsp
