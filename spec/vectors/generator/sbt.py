"""sbt.json: session binding tokens, accepted and refused."""
import datetime
import json

from .c14n import SECTION_0
from .common import EXAMPLE_SECRET, OTHER_SECRET, SECRET, Numbered, b64, c14n, hmac_hex, sha256_hex, without

ABOUT = ("Session binding tokens. `token` is the object as received, `secret` the pairing secret that the receiver holds for its user_id (null: it holds none), "
         "`now` the receiver's clock. `expect` is `accept`, or `refuse` with `why` and the error `code`; without `expect` only the bytes and the MAC are meant. Every rule is about the token alone; whether it names the right backends is "
         "decided by registration. Members of `token` are in the order in which they arrive. Where given, `canonical` is the text under the MAC and `mac` its "
         "HMAC-SHA-256. `reference_macs` are the values that two tempting mistakes yield for the same token.")

NOW = "2025-12-31T01:00:00Z"
BASE = {
    "session_id": "sess_1", "local_backend_id": "local_sha256_7d4b82b21655494e", "hosted_backend_id": "hosted_sha256_a9bece05ad4ed0b0",
    "user_id": "user_1", "created_at": "2025-12-31T00:00:00Z", "expires_at": "2025-12-31T08:00:00Z",
}
E3_PREFIXES = [f"-----BEGIN PRIVATE KEY-----\nMIIEv{a}IBADANBgkqhkiG9w0BAQEFAASCBK{b}w" for a, b in zip("AQgw", "Ycgk")]


CODES = {"malformed": "invalid-body", "expired": "sbt-expired", "not-canonicalizable": "not-canonicalizable"}


def compact(value, ensure_ascii=True):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=ensure_ascii)


def signed(body, secret=SECRET):
    return {**body, "signature": hmac_hex(secret, c14n(body))}


def after(seconds):
    """The `created_at` of BASE plus some seconds."""
    return (datetime.datetime(2025, 12, 31) + datetime.timedelta(seconds=seconds)).isoformat(timespec="milliseconds" if seconds % 1 else "seconds") + "Z"


def vectors(previous):
    out = Numbered("sbt")

    def accept(catches, token, secret=SECRET, now=NOW, **more):
        canonical = c14n(without(token, "signature"))
        assert token["signature"] == hmac_hex(secret, canonical)
        out.add(catches, token=token, secret=secret, now=now, expect="accept", canonical=canonical, mac=token["signature"], **more)

    def refuse(why, catches, token, secret=SECRET, now=NOW, **more):
        out.add(catches, token=token, secret=secret, now=now, expect="refuse", why=why, code=CODES.get(why, "invalid-sbt"), **more)

    reference = {**SECTION_0, "signature": hmac_hex("shared_secret", c14n(SECTION_0))}
    out.add("the reference bytes: any other canonical form (its user_id has control characters, so no backend accepts the token)",
            token=reference, secret="shared_secret", now=NOW, canonical=c14n(SECTION_0), mac=reference["signature"],
            reference_macs={"compact-ascii": hmac_hex("shared_secret", compact(SECTION_0)), "compact-raw-utf8": hmac_hex("shared_secret", compact(SECTION_0, ensure_ascii=False))})
    joerg = {**BASE, "user_id": "J\u00f6rg \U0001f600 \u2028</a>"}
    accept("a user outside ASCII", signed(joerg))
    refuse("invalid-signature", "MAC over compact JSON", {**joerg, "signature": hmac_hex(SECRET, compact(joerg))})
    refuse("invalid-signature", "MAC over compact JSON in raw UTF-8 (JCS)", {**joerg, "signature": hmac_hex(SECRET, compact(joerg, ensure_ascii=False))})
    refuse("malformed", "a control character in user_id", signed({**BASE, "user_id": "a\u007f"}))

    accept("an ordinary token, of 8 h", signed(BASE))
    good = signed(BASE)
    accept("MAC over the order of arrival", dict(sorted(good.items(), key=lambda kv: kv[0][::-1])))
    accept("the signature first", {"signature": good["signature"], **BASE})
    accept("MAC over six fixed members: an additional member is covered", signed({**BASE, "sbt_id": "sbt_1", "x_note": {"b": [1, True, None], "a": "\u00e9"}}))
    accept("key pins are covered too", signed({**BASE, "local_key_sha256": "ab" * 32, "hosted_key_sha256": "cd" * 32}))
    accept("a token that Python made: no offset, microseconds", signed({**BASE, "created_at": "2025-12-31T00:00:00.123456", "expires_at": "2025-12-31T08:00:00.123456"}))
    accept("times rewritten before the MAC is computed", signed({**BASE, "created_at": "2025-12-31T02:00:00.000+02:00", "expires_at": "2025-12-31T08:00:00.000000Z"}))
    accept("8 h and a few milliseconds, as the first clients made them", signed({**BASE, "expires_at": after(28800.007)}))
    accept("8 h and the whole tolerance", signed({**BASE, "expires_at": after(28860)}))
    accept("a short token", signed({**BASE, "expires_at": after(3601)}))
    accept("one millisecond before it expires", good, now="2025-12-31T07:59:59.999Z")
    accept("made by a clock 300 s ahead", good, now="2025-12-30T23:55:00Z")
    accept("white space trimmed from a value", signed({**BASE, "session_id": "s", "user_id": " user "}))

    refuse("expired", "now equals expires_at", good, now="2025-12-31T08:00:00Z")
    refuse("expired", "one second late", good, now="2025-12-31T08:00:01Z")
    refuse("expired", "expired long ago: expiry recomputed from now", good, now="2026-12-31T00:00:00Z")
    refuse("not-yet-valid", "made by a clock 301 s ahead", good, now="2025-12-30T23:54:59Z")
    refuse("not-yet-valid", "made one hour from now", good, now="2025-12-30T23:00:00Z")
    refuse("lifetime", "one second beyond the tolerance", signed({**BASE, "expires_at": after(28861)}))
    refuse("lifetime", "one millisecond beyond the tolerance: seconds rounded down", signed({**BASE, "expires_at": after(28860.001)}))
    refuse("lifetime", "ten years", signed({**BASE, "expires_at": "2035-12-31T00:00:00Z"}))
    refuse("lifetime", "no lifetime at all", signed({**BASE, "created_at": "2025-12-31T01:00:30Z", "expires_at": "2025-12-31T01:00:30Z"}))
    refuse("lifetime", "expires before it was made, both ahead of now", signed({**BASE, "created_at": "2025-12-31T01:04:00Z", "expires_at": "2025-12-31T01:02:00Z"}))

    for member, other in (("session_id", "sess_2"), ("local_backend_id", "local_sha256_0000000000000000"), ("hosted_backend_id", "hosted_sha256_0000000000000000"),
                          ("user_id", "user_2"), ("created_at", "2025-12-31T00:00:01Z"), ("expires_at", "2025-12-31T08:00:01Z")):
        refuse("invalid-signature", f"{member} changed after signing", {**good, member: other})
    refuse("invalid-signature", "the same instant in other words: times are signed as text", {**good, "expires_at": "2025-12-31T08:00:00.000Z"})
    refuse("invalid-signature", "a member added after signing", {**good, "sbt_id": "sbt_1"})
    refuse("invalid-signature", "an additional member changed after signing", {**signed({**BASE, "sbt_id": "sbt_1"}), "sbt_id": "sbt_2"})
    refuse("invalid-signature", "an additional member removed after signing", without({**signed({**BASE, "sbt_id": "sbt_1"})}, "sbt_id"))
    refuse("invalid-signature", "the secret of another user", signed(BASE, OTHER_SECRET))
    refuse("invalid-signature", "verify() that signs first and compares with itself", {**BASE, "signature": "5a" * 32})
    refuse("invalid-signature", "all zeros", {**BASE, "signature": "0" * 64})
    refuse("invalid-signature", "the last digit changed", {**good, "signature": good["signature"][:-1] + ("0" if good["signature"][-1] != "0" else "1")})
    refuse("invalid-signature", "MAC under the empty key", signed(BASE, ""))
    refuse("invalid-signature", "MAC under the user's name", signed(BASE, "user_1"))
    refuse("invalid-signature", "a plain SHA-256 instead of a MAC", {**BASE, "signature": sha256_hex(c14n(BASE))})
    refuse("invalid-signature", "MAC over the object with \"signature\": \"\"", {**BASE, "signature": hmac_hex(SECRET, c14n({**BASE, "signature": ""}))})
    impact = "the first 64 characters of every PKCS#8 PEM are public: anybody can make tokens for anybody"
    for prefix in E3_PREFIXES:
        refuse("invalid-signature", "MAC key taken from the PEM of a private key", signed(BASE, prefix[:64]), impact=impact)

    mac = good["signature"]
    for catches, signature in (("upper-case hexadecimal", mac.upper()), ("base64 of the MAC", b64(bytes.fromhex(mac))), ("the empty text", ""),
                               ("a prefix: compared only as far as it goes", mac[:8]), ("31 of 32 bytes", mac[:62]), ("an odd number of digits", mac[:63]), ("a byte too many", mac + "00"),
                               ("white space after", mac + "\n"), ("white space before", " " + mac), ("0x before", "0x" + mac), ("letters that are not hexadecimal", "g" * 64), ("null", None), ("a number", 0),
                               ("true", True), ("a list of the right text", [mac])):
        refuse("signature-form", f"signature: {catches}", {**BASE, "signature": signature})
    refuse("signature-form", "no signature", BASE)
    for member in BASE:
        refuse("malformed", f"no {member}", signed(without(BASE, member)))
    for member in ("local_backend_id", "hosted_backend_id", "user_id", "expires_at"):
        refuse("malformed", f"{member} is null", signed({**BASE, member: None}))
    refuse("malformed", "an empty slot", signed({**BASE, "local_backend_id": ""}))
    refuse("malformed", "an empty user", signed({**BASE, "user_id": ""}))
    refuse("malformed", "a user that is a number", signed({**BASE, "user_id": 1}))
    refuse("malformed", "a session_id outside the grammar", signed({**BASE, "session_id": "a/b"}))
    refuse("malformed", "a time in seconds since the epoch", signed({**BASE, "expires_at": 1767168000}))
    refuse("malformed", "a date without time", signed({**BASE, "created_at": "2025-12-31"}))
    refuse("malformed", "a slot of 129 characters", signed({**BASE, "local_backend_id": "local_" + "a" * 123}))
    refuse("malformed", "a slot with a space", signed({**BASE, "local_backend_id": "local_ a"}))
    refuse("malformed", "a key pin in upper case", signed({**BASE, "local_key_sha256": "AB" * 32}))
    refuse("malformed", "an sbt_id outside the grammar", signed({**BASE, "sbt_id": "a b"}))
    refuse("reserved-user", "the user that every anonymous client would share", signed({**BASE, "user_id": "anonymous"}))
    refuse("not-canonicalizable", "a fraction in an additional member", signed({**BASE, "x_weight": 0.5}))
    refuse("not-canonicalizable", "an integer beyond 2^53-1 in an additional member", signed({**BASE, "x_big": 2 ** 53}))
    refuse("unknown-user", "no secret held: a missing secret read as the empty one", signed(BASE, ""), secret=None)
    refuse("unknown-user", "an empty secret held", signed(BASE, ""), secret="")
    accept("the example of the specification; a secret that looks like base64 is not decoded", signed({**BASE, "user_id": "ada"}, EXAMPLE_SECRET), EXAMPLE_SECRET)
    return out.vectors
