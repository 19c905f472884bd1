"""timestamps.json: text to instant, and the order of instants."""
from datetime import datetime, timezone, timedelta

from .common import Numbered

ABOUT = ("Timestamps. `text` either denotes an instant (`ok` true: `seconds` since 1970-01-01T00:00:00Z, rounded down, and `nanoseconds`), or is refused "
         "(`ok` false). A vector with `order` compares two texts as "
         "instants: `before`, `same` or `after` says where `a` stands to `b`.")


def instant(year, *rest, offset_minutes=0, nanoseconds=0):
    moment = datetime(year, *rest, tzinfo=timezone.utc) - timedelta(minutes=offset_minutes)
    return {"seconds": (moment - datetime(1970, 1, 1, tzinfo=timezone.utc)) // timedelta(seconds=1), "nanoseconds": nanoseconds}


def plus(at, seconds):
    """Beyond what Python's datetime can hold."""
    return {**at, "seconds": at["seconds"] + seconds}


def vectors(previous):
    out = Numbered("time")
    ok = lambda catches, text, at: out.add(catches, text=text, ok=True, **at)
    bad = lambda catches, text: out.add(catches, text=text, ok=False)
    order = lambda catches, a, b, order: out.add(catches, a=a, b=b, order=order)
    day = (2025, 12, 31)

    ok("the plain form", "2025-12-31T00:00:00Z", instant(*day))
    ok("the epoch", "1970-01-01T00:00:00Z", instant(1970, 1, 1))
    ok("a fraction of one digit", "2025-12-31T00:00:00.5Z", instant(*day, nanoseconds=500_000_000))
    ok("milliseconds, as JavaScript writes them", "2025-12-31T00:00:00.123Z", instant(*day, nanoseconds=123_000_000))
    ok("microseconds, as Python writes them", "2025-12-31T00:00:00.123456Z", instant(*day, nanoseconds=123_456_000))
    ok("nine digits cut to microseconds", "2025-12-31T00:00:00.123456789Z", instant(*day, nanoseconds=123_456_789))
    ok("one nanosecond lost", "2025-12-31T00:00:00.000000001Z", instant(*day, nanoseconds=1))
    ok("a fraction of zeros", "2025-12-31T00:00:00.000000000Z", instant(*day))
    ok("no offset taken as local time: it is UTC", "2025-12-31T00:00:00", instant(*day))
    ok("no offset, microseconds: Python's naive isoformat()", "2025-12-31T00:00:00.654321", instant(*day, nanoseconds=654_321_000))
    ok("a lower-case t", "2025-12-31t00:00:00Z", instant(*day))
    ok("a lower-case z", "2025-12-31T00:00:00z", instant(*day))
    ok("an offset ahead of UTC", "2025-12-31T01:30:00+02:00", instant(2025, 12, 31, 1, 30, offset_minutes=120))
    ok("an offset behind UTC", "2025-12-31T01:30:00-05:30", instant(2025, 12, 31, 1, 30, offset_minutes=-330))
    ok("offset zero", "2025-12-31T00:00:00+00:00", instant(*day))
    ok("offset -00:00, which RFC 3339 allows and ISO 8601 does not", "2025-12-31T00:00:00-00:00", instant(*day))
    ok("the largest offset", "2025-12-31T00:00:00+23:59", instant(*day, offset_minutes=1439))
    ok("the smallest offset", "2025-12-31T00:00:00-23:59", instant(*day, offset_minutes=-1439))
    ok("an offset with a fraction before it", "2025-12-31T00:00:00.25+01:00", instant(*day, offset_minutes=60, nanoseconds=250_000_000))
    ok("an offset that crosses the year", "2026-01-01T00:30:00+01:00", instant(2026, 1, 1, 0, 30, offset_minutes=60))
    ok("a leap day", "2024-02-29T12:00:00Z", instant(2024, 2, 29, 12))
    ok("the leap day of a year divisible by 400", "2000-02-29T00:00:00Z", instant(2000, 2, 29))
    ok("the day after 28 February of a common century", "2100-03-01T00:00:00Z", instant(2100, 3, 1))
    ok("before the epoch, rounded towards zero", "1969-12-31T23:59:59.5Z", instant(1969, 12, 31, 23, 59, 59, nanoseconds=500_000_000))
    ok("the first instant of year 0001", "0001-01-01T00:00:00Z", instant(1, 1, 1))
    ok("a leap day before the Gregorian calendar came into use", "0004-02-29T00:00:00Z", instant(4, 2, 29))
    ok("an offset that leads out of the years that can be written, before them", "0001-01-01T00:00:00+01:00", plus(instant(1, 1, 1), -3600))
    ok("an offset that leads out of the years that can be written, after them", "9999-12-31T23:59:59-00:01", plus(instant(9999, 12, 31, 23, 59, 59), 60))
    ok("the last nanosecond of year 9999", "9999-12-31T23:59:59.999999999Z", instant(9999, 12, 31, 23, 59, 59, nanoseconds=999_999_999))
    ok("beyond 32 bits", "2038-01-19T03:14:08Z", instant(2038, 1, 19, 3, 14, 8))
    ok("a leap second: it is the instant at which the next minute begins", "2016-12-31T23:59:60Z", instant(2017, 1, 1))
    ok("a leap second seen from another offset", "2016-12-31T18:59:60-05:00", instant(2017, 1, 1))
    ok("second 60 where no leap second ever was", "2025-11-30T23:59:60Z", instant(2025, 12, 1))
    ok("a fraction within a leap second", "2016-12-31T23:59:60.5Z", instant(2017, 1, 1, nanoseconds=500_000_000))

    for catches, text in (
            ("a date alone", "2025-12-31"), ("the basic format", "20251231T000000Z"), ("a week date", "2026-W01-3T00:00:00Z"),
            ("an ordinal date", "2025-365T00:00:00Z"), ("ten fractional digits", "2025-12-31T00:00:00.1234567890Z"),
            ("a fraction without digits", "2025-12-31T00:00:00.Z"), ("a comma before the fraction", "2025-12-31T00:00:00,5Z"),
            ("24:00", "2025-12-31T24:00:00Z"), ("hour 25", "2025-12-31T25:00:00Z"), ("minute 60", "2025-12-31T00:60:00Z"),
            ("second 61", "2025-12-31T23:59:61Z"), ("29 February of a common year", "2025-02-29T00:00:00Z"),
            ("29 February 1900: centuries are common years", "1900-02-29T00:00:00Z"), ("29 February 2100", "2100-02-29T00:00:00Z"),
            ("31 April", "2025-04-31T00:00:00Z"), ("month 13", "2025-13-01T00:00:00Z"), ("month 00", "2025-00-01T00:00:00Z"),
            ("day 00", "2025-01-00T00:00:00Z"), ("day 32", "2025-01-32T00:00:00Z"), ("a space for the T", "2025-12-31 00:00:00Z"),
            ("a space before", " 2025-12-31T00:00:00Z"), ("a space after", "2025-12-31T00:00:00Z "), ("a line feed after", "2025-12-31T00:00:00Z\n"),
            ("a space before the offset", "2025-12-31T00:00:00 +00:00"), ("no seconds", "2025-12-31T00:00Z"), ("an offset without colon", "2025-12-31T00:00:00+0200"),
            ("an offset of hours only", "2025-12-31T00:00:00+02"), ("offset hour 24", "2025-12-31T00:00:00+24:00"), ("offset minute 60", "2025-12-31T00:00:00+02:60"),
            ("two offsets", "2025-12-31T00:00:00Z+00:00"), ("Z twice", "2025-12-31T00:00:00ZZ"), ("a zone name", "2025-12-31T00:00:00UTC"),
            ("a zone annotation (RFC 9557)", "2025-12-31T00:00:00Z[Europe/Berlin]")):
        bad(catches, text)

    ok("year 0000, which is a leap year", "0000-02-29T00:00:00Z", plus(instant(1, 3, 1), -366 * 86400))

    for catches, text in (
            ("a five-digit year", "12025-12-31T00:00:00Z"), ("a signed year", "-0001-12-31T00:00:00Z"),
            ("a two-digit year", "25-12-31T00:00:00Z"), ("single digits", "2025-1-1T0:0:0Z"), ("the empty text", ""), ("a word", "now"),
            ("seconds since the epoch", "1767139200"), ("digits of another script", "\u0662\u0660\u0662\u0665-12-31T00:00:00Z"),
            ("a Unicode minus before the offset", "2025-12-31T00:00:00\u221205:00"), ("a NUL and more behind it", "2025-12-31T00:00:00Z\u0000Z"),
            ("a sign inside a field", "2025-12-31T+1:00:00Z"), ("slashes", "2025/12/31T00:00:00Z"), ("the form of HTTP", "Wed, 31 Dec 2025 00:00:00 GMT")):
        bad(catches, text)

    order("a fraction compared as text: '.' sorts before 'Z'", "2025-12-31T00:00:00Z", "2025-12-31T00:00:00.500Z", "before")
    order("an offset compared as text", "2025-12-31T01:30:00+02:00", "2025-12-31T00:05:00Z", "before")
    order("a negative offset compared as text", "2025-12-31T00:05:00Z", "2025-12-30T23:00:00-05:00", "before")
    order("digits beyond the microsecond dropped", "2025-12-31T00:00:00.123456788Z", "2025-12-31T00:00:00.123456789Z", "before")
    order("fractions of different length compared as integers", "2025-12-31T00:00:00.09Z", "2025-12-31T00:00:00.1Z", "before")
    order("no offset compared as text with Z", "2025-12-31T00:00:00", "2025-12-31T00:00:00Z", "same")
    order("trailing zeros taken for a later time", "2025-12-31T00:00:00Z", "2025-12-31T00:00:00.000Z", "same")
    order("two offsets of one instant", "2025-12-31T02:00:00+02:00", "2025-12-30T19:00:00-05:00", "same")
    order("the case of t and z", "2025-12-31t00:00:00z", "2025-12-31T00:00:00Z", "same")
    order("before the epoch, fractions turned round", "1969-12-31T23:59:58.9Z", "1969-12-31T23:59:59.1Z", "before")
    order("years, with an offset across the boundary", "2026-01-01T00:30:00+01:00", "2025-12-31T23:45:00Z", "before")
    order("later, as text and as instant", "2025-12-31T00:00:01Z", "2025-12-31T00:00:00.999999999Z", "after")
    return out.vectors
