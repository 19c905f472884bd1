"""A second, independent reading of the specification: just enough of it to judge every test vector.

Shares nothing with the generator of the vectors: JSON, canonical bytes, timestamps, DER and PSS are read here by hand, so a slip in one of
Python's libraries, or in our use of it, shows as a disagreement.
"""
import base64
import hashlib
import hmac
import re
from fractions import Fraction

INTEGER_MAX = 2 ** 53 - 1
SHORT_ESCAPES = {"\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r", '"': '\\"', "\\": "\\\\"}
LONG_ESCAPES = {escape[1]: character for character, escape in SHORT_ESCAPES.items()} | {"/": "/"}


class Refused(Exception):
    """What was read is not allowed; the text says why, as the vectors name it."""


class Number(str):
    """A JSON number as it was spelled."""


# --- I-JSON -----------------------------------------------------------------------------------------------------------------

def parse_json(data):
    """Strict I-JSON; numbers stay text."""
    try:
        text = (data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data).decode("utf-8")
    except UnicodeDecodeError:
        raise Refused("not-utf-8") from None
    reader = JsonReader(text)
    value = reader.value(0)
    reader.space()
    if reader.at != len(text):
        raise Refused("trailing-data")
    return value


class JsonReader:
    NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
    DEPTH_MAX = 64

    def __init__(self, text):
        self.text, self.at = text, 0

    def space(self):
        while self.at < len(self.text) and self.text[self.at] in " \t\r\n":
            self.at += 1

    def peek(self):
        if self.at >= len(self.text):
            raise Refused("ends-early")
        return self.text[self.at]

    def take(self, literal):
        if not self.text.startswith(literal, self.at):
            raise Refused(f"expected-{literal}")
        self.at += len(literal)

    def value(self, depth):
        self.space()
        c = self.peek()
        if c in "{[":
            if depth == self.DEPTH_MAX:
                raise Refused("too-deep")
            return self.object(depth) if c == "{" else self.array(depth)
        if c == '"':
            return self.string()
        for literal, value in (("true", True), ("false", False), ("null", None)):
            if self.text.startswith(literal, self.at):
                self.at += len(literal)
                return value
        match = self.NUMBER.match(self.text, self.at)
        if not match:
            raise Refused("not-a-value")
        self.at = match.end()
        if abs(float(match.group())) == float("inf"):
            raise Refused("number-too-large")
        return Number(match.group())

    def items(self, close, one):
        self.at += 1
        self.space()
        if self.peek() == close:
            self.at += 1
            return
        while True:
            yield one()
            self.space()
            if self.peek() == close:
                self.at += 1
                return
            self.take(",")

    def array(self, depth):
        return list(self.items("]", lambda: self.value(depth + 1)))

    def object(self, depth):
        def member():
            self.space()
            name = self.string()
            self.space()
            self.take(":")
            return name, self.value(depth + 1)
        members = list(self.items("}", member))
        if len({name for name, _ in members}) != len(members):
            raise Refused("duplicate-name")
        return dict(members)

    def hex4(self):
        digits = self.text[self.at:self.at + 4]
        if not re.fullmatch("[0-9A-Fa-f]{4}", digits):
            raise Refused("bad-escape")
        self.at += 4
        return int(digits, 16)

    def string(self):
        self.take('"')
        out = []
        while True:
            c = self.peek()
            self.at += 1
            if c == '"':
                return "".join(out)
            if c < " ":
                raise Refused("raw-control")
            if c != "\\":
                out.append(c)
                continue
            kind = self.peek()
            self.at += 1
            if kind != "u":
                if kind not in LONG_ESCAPES:
                    raise Refused("bad-escape")
                out.append(LONG_ESCAPES[kind])
                continue
            unit = self.hex4()
            if 0xD800 <= unit <= 0xDBFF:
                self.take("\\u")
                low = self.hex4()
                if not 0xDC00 <= low <= 0xDFFF:
                    raise Refused("lone-surrogate")
                unit = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00)
            elif 0xDC00 <= unit <= 0xDFFF:
                raise Refused("lone-surrogate")
            out.append(chr(unit))


# --- C14N-1 -----------------------------------------------------------------------------------------------------------------

def escaped(c):
    if c in SHORT_ESCAPES:
        return SHORT_ESCAPES[c]
    code = ord(c)
    if 0x20 <= code <= 0x7E:
        return c
    units = [code] if code < 0x10000 else [0xD800 + ((code - 0x10000) >> 10), 0xDC00 + ((code - 0x10000) & 0x3FF)]
    return "".join(f"\\u{unit:04x}" for unit in units)


def canonical(value):
    """C14N-1 text of a value read by `parse_json`, or of Python's own values."""
    if value is None or value is True or value is False:
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, Number):
        if not re.fullmatch(r"0|-?[1-9][0-9]*", value) or len(value) > 17 or abs(int(value)) > INTEGER_MAX:
            raise Refused("not-canonicalizable")
        return str(value)
    if isinstance(value, int):
        return canonical(Number(value))
    if isinstance(value, float):
        raise Refused("not-canonicalizable")
    if isinstance(value, str):
        return '"' + "".join(map(escaped, value)) + '"'
    if isinstance(value, list):
        return "[" + ", ".join(map(canonical, value)) + "]"
    names = sorted(value, key=lambda name: [ord(c) for c in name])
    return "{" + ", ".join(f"{canonical(name)}: {canonical(value[name])}" for name in names) + "}"


def digest(value):
    return hashlib.sha256(canonical(value).encode("ascii")).hexdigest()


def without(value, *names):
    return {name: member for name, member in value.items() if name not in names}


# --- timestamps -------------------------------------------------------------------------------------------------------------

TIMESTAMP = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,9}))?"
                       r"(?:[Zz]|([+-])([0-9]{2}):([0-9]{2}))?")


def is_leap(year):
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def days_before(year):
    """Days from 1970-01-01 to 1 January of a year, counted over whole years."""
    leaps = lambda y: y // 4 - y // 100 + y // 400
    return 365 * (year - 1970) + leaps(year - 1) - leaps(1969)


def instant(text):
    """Exact seconds since the epoch."""
    match = TIMESTAMP.fullmatch(text) if isinstance(text, str) else None
    if not match:
        raise Refused("malformed")
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    lengths = [31, 28 + is_leap(year), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    if not 1 <= month <= 12 or not 1 <= day <= lengths[month - 1] or hour > 23 or minute > 59 or second > 60:
        raise Refused("malformed")
    offset = 0
    if match[8]:
        if int(match[9]) > 23 or int(match[10]) > 59:
            raise Refused("malformed")
        offset = (int(match[9]) * 60 + int(match[10])) * (60 if match[8] == "+" else -60)
    days = days_before(year) + sum(lengths[:month - 1]) + day - 1
    fraction = Fraction(int(match[7]), 10 ** len(match[7])) if match[7] else Fraction(0)
    return days * 86400 + hour * 3600 + minute * 60 + second - offset + fraction


# --- identifiers ------------------------------------------------------------------------------------------------------------

def is_id(text):
    return isinstance(text, str) and re.fullmatch(r"[A-Za-z0-9._:@~-]{1,128}", text) is not None and text not in (".", "..")


def is_user_id(text):
    return isinstance(text, str) and 1 <= len(text) <= 256 and not any(ord(c) < 0x20 or 0x7F <= ord(c) < 0xA0 or 0xD800 <= ord(c) < 0xE000 for c in text)


def is_visible_ascii(text):
    return isinstance(text, str) and re.fullmatch("[!-~]{1,128}", text) is not None


def is_backend_of(text, backend_type):
    return backend_type in ("local", "hosted") and is_visible_ascii(text) and text.startswith(backend_type + "_")


# --- RSA keys and PS256 -----------------------------------------------------------------------------------------------------

RSA_ENCRYPTION, NULL = bytes.fromhex("06092a864886f70d010101"), b"\5\0"


def der(data, at, tag):
    """Contents and end of one DER element."""
    if at + 2 > len(data) or data[at] != tag:
        raise Refused("malformed")
    length, at = data[at + 1], at + 2
    if length >= 0x80:
        size = length & 0x7F
        length, at = int.from_bytes(data[at:at + size], "big"), at + size
    if at + length > len(data):
        raise Refused("malformed")
    return data[at:at + length], at + length


def whole(data, tag):
    contents, end = der(data, 0, tag)
    if end != len(data):
        raise Refused("malformed")
    return contents


def der_integer(data, at):
    contents, end = der(data, at, 2)
    if not contents or contents[0] & 0x80:
        raise Refused("malformed")
    return int.from_bytes(contents, "big"), end


def read_public_key(pem):
    """(modulus, exponent, fingerprint) of an acceptable key."""
    if len(pem) > 4096:
        raise Refused("malformed")
    first = pem.split("\n", 1)[0].rstrip("\r")
    if re.fullmatch(r"-----BEGIN [A-Z ]*PRIVATE KEY-----", first):
        raise Refused("private-key")
    if first.startswith("-----BEGIN ") and first != "-----BEGIN PUBLIC KEY-----":
        raise Refused("not-spki")
    match = re.fullmatch(r"-----BEGIN PUBLIC KEY-----\r?\n((?:[A-Za-z0-9+/=]{64}\r?\n)*[A-Za-z0-9+/=]{1,64}\r?\n)-----END PUBLIC KEY-----(?:\r?\n)?", pem)
    if not match:
        raise Refused("malformed")
    try:
        data = base64.b64decode("".join(match[1].split()), validate=True)
    except ValueError:
        raise Refused("malformed") from None
    body = whole(data, 0x30)
    algorithm, end = der(body, 0, 0x30)
    _, oid_end = der(algorithm, 0, 6)
    if algorithm[:oid_end] != RSA_ENCRYPTION:
        raise Refused("not-rsa")
    if algorithm[oid_end:] != NULL:
        raise Refused("malformed")
    bits, bits_end = der(body, end, 3)
    if bits_end != len(body) or bits[:1] != b"\0":
        raise Refused("malformed")
    numbers = whole(bits[1:], 0x30)
    modulus, at = der_integer(numbers, 0)
    exponent, at = der_integer(numbers, at)
    if at != len(numbers):
        raise Refused("malformed")
    if modulus.bit_length() < 2048:
        raise Refused("too-short")
    if modulus.bit_length() > 8192:
        raise Refused("too-long")
    if exponent < 3 or exponent % 2 == 0:
        raise Refused("bad-exponent")
    return modulus, exponent, hashlib.sha256(data).hexdigest()


def mgf1(seed, length):
    out = b""
    while len(out) < length:
        out += hashlib.sha256(seed + (len(out) // 32).to_bytes(4, "big")).digest()
    return out[:length]


def ps256_salt_length(signature, message, pem):
    """EMSA-PSS by hand (RFC 8017, 8.1.2 and 9.1.2). Length of the salt of a valid signature, else None."""
    modulus, exponent, _ = read_public_key(pem)
    size, bits = (modulus.bit_length() + 7) // 8, modulus.bit_length() - 1
    number = int.from_bytes(signature, "big")
    if len(signature) != size or number >= modulus:
        return None
    encoded = pow(number, exponent, modulus)
    length = (bits + 7) // 8
    if encoded.bit_length() > bits:
        return None
    encoded = encoded.to_bytes(length, "big")
    masked, seed, trailer = encoded[:length - 33], encoded[length - 33:-1], encoded[-1]
    if trailer != 0xBC:
        return None
    block = bytearray(a ^ b for a, b in zip(masked, mgf1(seed, len(masked))))
    block[0] &= 0xFF >> (8 * length - bits)
    start = bytes(block).lstrip(b"\0")
    if start[:1] != b"\1":
        return None
    salt = start[1:]
    if hashlib.sha256(bytes(8) + hashlib.sha256(message).digest() + salt).digest() != seed:
        return None
    return len(salt)


def standard_base64(text):
    """Padded, no white space; (bytes, whether the unused bits are zero)."""
    if not isinstance(text, str) or not re.fullmatch(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?", text) or not text:
        raise Refused("malformed")
    data = base64.b64decode(text)
    return data, base64.b64encode(data).decode() == text


# --- session binding tokens -------------------------------------------------------------------------------------------------

def is_digest(text):
    return isinstance(text, str) and re.fullmatch("[0-9a-f]{64}", text) is not None


SBT_REQUIRED = {"session_id": is_id, "local_backend_id": is_visible_ascii, "hosted_backend_id": is_visible_ascii, "user_id": is_user_id}
SBT_OPTIONAL = {"sbt_id": is_id, "local_key_sha256": is_digest, "hosted_key_sha256": is_digest}


def check_sbt(token, secret, now):
    if not all(fits(token.get(name)) for name, fits in SBT_REQUIRED.items()):
        raise Refused("malformed")
    if not all(fits(token[name]) for name, fits in SBT_OPTIONAL.items() if name in token):
        raise Refused("malformed")
    created, expires = instant(token.get("created_at")), instant(token.get("expires_at"))
    text = canonical(without(token, "signature"))
    if not is_digest(token.get("signature")):
        raise Refused("signature-form")
    if token["user_id"] == "anonymous":
        raise Refused("reserved-user")
    if not secret:
        raise Refused("unknown-user")
    if not hmac.compare_digest(hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest(), token["signature"]):
        raise Refused("invalid-signature")
    if not 0 < expires - created <= 28860:
        raise Refused("lifetime")
    if now >= expires:
        raise Refused("expired")
    if created > now + 300:
        raise Refused("not-yet-valid")


def check_body_signature(payload, pem):
    """Salt length and whether the encoding is in its canonical spelling."""
    signature, exact = standard_base64(payload.get("signature"))
    message = canonical(without(payload, "signature")).encode()
    salt = ps256_salt_length(signature, message, pem)
    if salt is not None:
        return "omitted", salt, exact
    empty = canonical({**payload, "signature": ""}).encode()
    salt = ps256_salt_length(signature, empty, pem)
    if salt is None:
        raise Refused("invalid-signature")
    return "empty", salt, exact


def check_rotation(notice, pem):
    """The type, the new key and both signatures of a rotation notice (chapter 13)."""
    if notice.get("typ") != "bsp-key-rotation":
        raise Refused("typ")
    names = ("signature", "new_key_signature")
    if not all(isinstance(notice.get(name), str) and notice[name] for name in names):
        raise Refused("missing")
    message = canonical(without(notice, *names)).encode()
    if ps256_salt_length(standard_base64(notice["signature"])[0], message, pem) != 32:
        raise Refused("signature")
    try:
        read_public_key(notice["new_public_key"])
    except Refused:
        raise Refused("key") from None
    if ps256_salt_length(standard_base64(notice["new_key_signature"])[0], message, notice["new_public_key"]) != 32:
        raise Refused("signature")


# --- request assertions -----------------------------------------------------------------------------------------------------

SCHEMES = {"bsp": ("PS256", "bsp-peer+jwt", ("iss", "sub", "aud", "jti", "htm", "htu")),
           "bsp-user": ("HS256", "bsp-user+jwt", ("sub", "aud", "jti", "htm", "htu"))}


def base64url(text):
    if not re.fullmatch("[A-Za-z0-9_-]*", text) or len(text) % 4 == 1:
        raise Refused("malformed")
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def check_assertion(authorization, now, request, audience, peer, user):
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() not in SCHEMES:
        raise Refused("scheme")
    algorithm, kind, texts = SCHEMES[scheme.lower()]
    parts = token.split(".")
    if len(parts) != 3:
        raise Refused("malformed")
    header_bytes, claims_bytes, signature = (base64url(part) for part in parts)
    try:
        header, claims = parse_json(header_bytes), parse_json(claims_bytes)
    except Refused:
        raise Refused("malformed") from None
    if not isinstance(header, dict) or not isinstance(claims, dict) or "crit" in header:
        raise Refused("malformed")
    if header.get("alg") != algorithm:
        raise Refused("algorithm")
    if header.get("typ") != kind:
        raise Refused("type")
    if any(type(claims.get(name)) is not str or not claims[name] for name in texts):
        raise Refused("malformed")
    if any(not isinstance(claims.get(name), Number) or not claims[name].isdigit() for name in ("iat", "exp")):
        raise Refused("malformed")
    if not is_id(claims["jti"]):
        raise Refused("malformed")
    message = ".".join(parts[:2]).encode()
    if algorithm == "PS256":
        if claims["sub"] != peer["peer_id"] or claims["iss"] != peer["backend_id"]:
            raise Refused("subject")
        if ps256_salt_length(signature, message, peer["public_key"]) != 32:
            raise Refused("signature")
    else:
        if claims["sub"] != user["user_id"] or claims.get("iss", claims["sub"]) != claims["sub"]:
            raise Refused("subject")
        if not hmac.compare_digest(hmac.new(user["secret"].encode(), message, hashlib.sha256).digest(), signature):
            raise Refused("signature")
    if claims["aud"] != audience:
        raise Refused("audience")
    if claims["htm"] != request["method"] or claims["htu"] != request["target"]:
        raise Refused("request")
    issued, expires = int(claims["iat"]), int(claims["exp"])
    if not 0 < expires - issued <= 300:
        raise Refused("lifetime")
    if now >= expires:
        raise Refused("expired")
    if issued > now + 300:
        raise Refused("not-yet-valid")


# --- merge ------------------------------------------------------------------------------------------------------------------

def beats(a, b, time, identity):
    """Whether write `a` outranks write `b` (A-072)."""
    if a["version"] != b["version"]:
        return a["version"] > b["version"]
    if instant(a[time]) != instant(b[time]):
        return instant(a[time]) > instant(b[time])
    if (a.get("redacted") is True) != (b.get("redacted") is True):
        return b.get("redacted") is True
    return identity(a) > identity(b)


def message_beats(a, b):
    return beats(a, b, "timestamp", digest)


def scalar_digest(conversation):
    return digest(without(conversation, "messages", "surfaces"))


class Replica:
    """One conversation as a replica keeps it, fed one input at a time."""

    def __init__(self):
        self.messages, self.surfaces, self.register = {}, set(), None
        self.version, self.last_modified = -1, None

    def receive(self, conversation):
        for message in conversation["messages"]:
            held = self.messages.get(message["id"])
            if held is None or message_beats(message, held):
                self.messages[message["id"]] = message
        self.surfaces.update(conversation["surfaces"])
        if self.register is None or beats(conversation, self.register, "last_modified", scalar_digest):
            self.register = without(conversation, "messages", "surfaces")
        self.version = max(self.version, conversation["version"])
        latest = conversation["last_modified"]
        if self.last_modified is None or (instant(latest), latest) > (instant(self.last_modified), self.last_modified):
            self.last_modified = latest

    def state(self):
        live_surfaces = {m["surface"] for m in self.messages.values() if m.get("deleted") is not True}
        return {**self.register, "version": self.version, "last_modified": self.last_modified, "surfaces": sorted(self.surfaces | live_surfaces),
                "messages": sorted(self.messages.values(), key=lambda m: (instant(m["timestamp"]), m["id"]))}


def state_digest(conversations):
    """(digest, number of live conversations), by the three steps of the digest."""
    live = {c["conversation_id"]: c for c in conversations if c.get("deleted") is not True}
    pairs = [[name, conversation_digest(live[name])] for name in sorted(live)]
    return digest(pairs), len(pairs)


def conversation_digest(conversation):
    live = {m["id"]: m for m in conversation["messages"] if m.get("deleted") is not True}
    return digest({"conversation": without(conversation, "messages", "surfaces"), "messages": [digest(live[name]) for name in sorted(live)],
                   "surfaces": sorted(conversation["surfaces"])})
