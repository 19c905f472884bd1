"""c14n.json: JSON text to C14N-1 bytes."""
import json

from .common import Numbered, c14n, sha256_hex

ABOUT = ("C14N-1, the canonical bytes of a signed object. `json` is a JSON text as it may arrive; `canonical` is what a signer signs and a digest "
         "covers, pure ASCII, given with its SHA-256. A vector with `refused` has no canonical form: its numbers are outside the allowed domain.")

SECTION_0 = {
    "user_id": "J\u00f6rg \U0001f600 \u007f\u2028</a>\t", "session_id": "sess_1",
    "local_backend_id": "local_sha256_7d4b82b21655494e", "hosted_backend_id": "hosted_sha256_a9bece05ad4ed0b0",
    "created_at": "2025-12-31T00:00:00Z", "expires_at": "2025-12-31T08:00:00Z",
}


def vectors(previous):
    out = Numbered("c14n")

    def good(catches, text):
        canonical = c14n(json.loads(text))
        out.add(catches, json=text, canonical=canonical, sha256=sha256_hex(canonical))

    def bad(catches, text):
        out.add(catches, json=text, refused="not-canonicalizable")

    good("the reference object: compact separators, raw UTF-8, or insertion order", json.dumps(SECTION_0, ensure_ascii=False))
    good("separators without the space", '{"a":1,"b":[1,2,{"c":3}]}')
    good("members in order of arrival", '{"b": 1, "a": 2, "c": {"z": 1, "y": 2}}')
    good("the empty object written as '{ }'", "{ }")
    good("the empty array written as '[ ]'", '{"a": [ ], "b": { }, "c": ""}')
    good("DEL (U+007F) left unescaped: printable ASCII ends at U+007E", '{"a": "\u007f~\\u007f"}')
    good("U+2028 and U+2029 left unescaped, or escaped only for JavaScript", '{"a": "\u2028\u2029"}')
    good("names sorted by UTF-16 code unit (JCS): U+E000 sorts before U+1F600 by code point", '{"\U0001f600": 1, "\ue000": 2, "\uffff": 3}')
    good("names sorted after escaping, so that '\\\\u' sorts below letters", '{"z": 1, "\u00e9": 2, "a": 3, "Z": 4}')
    good("'\\/' kept as it arrived: the solidus is not escaped", r'{"a": "\/ <\/a>"}')
    good("upper-case hexadecimal in escapes", r'{"a": "\u00E9\u00AB\uFFFD"}')
    good("an escaped ASCII letter kept as an escape", r'{"\u0061": "\u0041\u007A"}')
    good("an escaped surrogate pair kept apart from the same raw character", '{"a": "\\uD83D\\uDE00", "b": "\U0001f600"}')
    good("control characters without their short form", r'{"a": "\u0008\u0009\u000A\u000C\u000D\u0022\u005C"}')
    good("control characters that have no short form (\\v is not one)", r'{"a": "\u0000\u0001\u000B\u001B\u001F"}')
    good("the last and first code points of each plane", '{"a": "\ud7ff\ue000\ufffd\U00010000\U0010fffd"}')
    good("a combining sequence composed (NFC) before signing", '{"a": "e\u0301", "b": "\u00e9"}')
    good("white space inside strings trimmed or folded", '{" a ": "  b \u00a0 "}')
    good("insignificant white space copied into the output", '\r\n{\t"a"\n:\r1 ,\n"b" : [ 1\t,2 ] }\n')
    good("integers read into a double: 2^53-1 must survive", '{"max": 9007199254740991, "min": -9007199254740991}')
    good("small integers, and zero with its only spelling", '{"a": 0, "b": -1, "c": 10, "d": 1000000000000000}')
    good("booleans and null written as in Python source", '{"t": true, "f": false, "n": null, "list": [true, false, null]}')
    good("an empty member name, and one that is a prefix of another", '{"ab": 1, "": 2, "a": 3, "a ": 4}')
    good("sorting only the outermost object", '{"o": {"b": {"d": 1, "c": [{"f": 1, "e": 2}]}, "a": 0}}')
    good("digits sorted as numbers: names are text", '{"10": 1, "9": 2, "1": 3, "02": 4}')
    good("array elements sorted", '{"a": [3, 1, 2, "b", "a"]}')
    good("nesting to the depth every receiver accepts (32)", '{"a": ' + "[" * 31 + "]" * 31 + "}")
    good("HTML-sensitive characters escaped", '{"a": "<>&\'=+"}')

    bad("a fraction that is whole: 1.0 is not the integer 1", '{"a": 1.0}')
    bad("an exponent: 1e2 is not the integer 100", '{"a": 1e2}')
    bad("an upper-case exponent", '{"a": 1E2}')
    bad("negative zero, which some parsers turn into 0", '{"a": -0}')
    bad("negative zero as a fraction", '{"a": -0.0}')
    bad("2^53: the first integer that doubles cannot tell from its neighbour", '{"a": 9007199254740992}')
    bad("-2^53", '{"a": -9007199254740992}')
    bad("2^64: wraps to 0 in a 64-bit integer", '{"a": 18446744073709551616}')
    bad("an integer that becomes a double in most parsers", '{"a": 100000000000000000000000000000}')
    bad("a float nested where a shallow check does not look", '{"a": [{"b": [0.5]}]}')
    bad("a float in an unknown member, which is signed too", '{"a": 1, "x_unknown": 0.1}')
    bad("a negative exponent", '{"a": 1e-7}')
    return out.vectors
