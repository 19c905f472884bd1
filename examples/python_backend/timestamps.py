"""Timestamps, section 1.6: text to and from nanoseconds since 1970-01-01T00:00:00Z.

`datetime` knows neither the year 0 nor nine fractional digits nor the second 60, so the calendar is done here.
"""

from __future__ import annotations

import re

SECOND = 1_000_000_000  # nanoseconds
DAY = 86_400  # seconds

_GRAMMAR = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:Z|([+-])(\d\d):(\d\d))?", re.ASCII | re.IGNORECASE)
_MONTH_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def _days_in_month(year: int, month: int) -> int:
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return 29 if month == 2 and leap else _MONTH_DAYS[month - 1]


def _days_from_civil(year: int, month: int, day: int) -> int:
    """Days since 1970-01-01 of a Gregorian date; years begin in March, so that leap days come last."""
    year -= month <= 2
    era, year_of_era = divmod(year, 400)
    day_of_year = (153 * (month - 3 if month > 2 else month + 9) + 2) // 5 + day - 1
    return era * 146_097 + year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + day_of_year - 719_468


def _civil_from_days(days: int) -> tuple[int, int, int]:
    era, day_of_era = divmod(days + 719_468, 146_097)
    year = (day_of_era - day_of_era // 1460 + day_of_era // 36_524 - day_of_era // 146_096) // 365
    day_of_year = day_of_era - (365 * year + year // 4 - year // 100)
    shifted = (5 * day_of_year + 2) // 153
    month = shifted + 3 if shifted < 10 else shifted - 9
    return era * 400 + year + (month <= 2), month, day_of_year - (153 * shifted + 2) // 5 + 1


def parse(text: str) -> int:
    """The instant of a timestamp, in nanoseconds. Raises ValueError (BSP-GEN-054)."""
    match = _GRAMMAR.fullmatch(text)
    if match is None:
        raise ValueError("not a timestamp")
    year, month, day, hour, minute, second = (int(match[i]) for i in range(1, 7))
    if not 1 <= month <= 12 or not 1 <= day <= _days_in_month(year, month) or hour > 23 or minute > 59 or second > 60:
        raise ValueError("no such date or time")
    offset = 0
    if match[8]:
        if int(match[9]) > 23 or int(match[10]) > 59:
            raise ValueError("no such offset")
        offset = (int(match[9]) * 60 + int(match[10])) * (-60 if match[8] == "-" else 60)
    start_of_minute = _days_from_civil(year, month, day) * DAY + hour * 3600 + minute * 60 - offset
    return (start_of_minute + second) * SECOND + int((match[7] or "").ljust(9, "0"))


def format(instant: int) -> str:
    """An instant as a timestamp in UTC with `T` and `Z` (BSP-GEN-050), with nine fractional digits or none."""
    seconds, nanoseconds = divmod(instant, SECOND)
    days, rest = divmod(seconds, DAY)
    year, month, day = _civil_from_days(days)
    fraction = f".{nanoseconds:09}" if nanoseconds else ""
    return f"{year:04}-{month:02}-{day:02}T{rest // 3600:02}:{rest // 60 % 60:02}:{rest % 60:02}{fraction}Z"
