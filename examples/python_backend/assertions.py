"""Assertions that authenticate one request, sections 5.3 and 5.4.

The steps are split where the caller has to look something up: `from_header` reads, the caller finds the key of `sub`,
`verify_*` proves, `check_request` and `check_time` compare with the request and the clock.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass

import ijson
from grammar import is_identifier
from keys import PublicKey
from problems import Problem

MAX_LIFETIME = 300  # seconds
MAX_SKEW = 300  # seconds

_PART = re.compile(r"[A-Za-z0-9_-]+")
_KINDS = {"bsp": ("PS256", "bsp-peer+jwt"), "bsp-user": ("HS256", "bsp-user+jwt")}


@dataclass(frozen=True)
class Assertion:
    """A well-formed assertion, not yet verified. `scheme` is `bsp` or `bsp-user`."""

    scheme: str
    claims: dict[str, object]
    signed: bytes
    signature: bytes

    @property
    def subject(self) -> str:
        return self.claims["sub"]

    @property
    def issuer(self) -> str:
        """What a `jti` is unique for: peers and users have names of their own."""
        return f"{self.scheme}:{self.subject}"


def _invalid(detail: str) -> Problem:
    return Problem("invalid-credential", detail)


def _decode(part: str) -> bytes:
    if not _PART.fullmatch(part) or len(part) % 4 == 1:
        raise _invalid("The assertion is not three parts of base64url without padding.")
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _decode_object(part: str) -> dict[str, object]:
    try:
        value = ijson.parse(_decode(part))
    except ijson.Malformed:
        value = None
    if not isinstance(value, dict):
        raise _invalid("The header or the claims of the assertion are not an I-JSON object.")
    return value


def from_header(field: str) -> Assertion:
    """Reads an Authorization header field. Raises credential-required for another scheme, or invalid-credential."""
    scheme, _, credential = field.partition(" ")
    scheme = scheme.lower()  # BSP-AUT-018
    if scheme not in _KINDS:
        raise Problem("credential-required", "The scheme of the credential is not accepted here.")
    return parse(scheme, credential.strip(" "))


def parse(scheme: str, credential: str) -> Assertion:
    """Reads the credential of the scheme `bsp` or `bsp-user`. Raises invalid-credential."""
    parts = credential.split(".")
    if len(parts) != 3:
        raise _invalid("The assertion is not three parts of base64url without padding.")
    header, claims, signature = _decode_object(parts[0]), _decode_object(parts[1]), _decode(parts[2])
    algorithm, kind = _KINDS[scheme]
    if header.get("alg") != algorithm or header.get("typ") != kind or "crit" in header:
        raise _invalid(f"The header of this assertion must have alg {algorithm}, typ {kind} and no crit.")
    texts = ["sub", "aud", "jti", "htm", "htu"] + (["iss"] if scheme == "bsp" or "iss" in claims else [])
    if not all(isinstance(claims.get(name), str) for name in texts):
        raise _invalid("A claim is missing or not a string.")
    if not all(type(claims.get(name)) is int for name in ("iat", "exp")) or not is_identifier(claims["jti"]):
        raise _invalid("The claims iat and exp must be integers, and jti an identifier.")
    return Assertion(scheme, claims, f"{parts[0]}.{parts[1]}".encode(), signature)


def verify_peer(assertion: Assertion, key: PublicKey, backend_id: str) -> None:
    """Proves a peer assertion with the key and the backend_id registered for its `sub`. Raises invalid-credential."""
    if not key.verifies(assertion.signature, assertion.signed) or assertion.claims["iss"] != backend_id:
        raise _invalid("The assertion does not verify for its peer.")


def verify_user(assertion: Assertion, secret: str | None) -> None:
    """Proves a user assertion with the pairing secret of its `sub`. Raises invalid-credential."""
    expected = hmac.new((secret or "").encode(), assertion.signed, hashlib.sha256).digest()
    if not secret or assertion.subject == "anonymous" or not hmac.compare_digest(expected, assertion.signature):
        raise _invalid("The assertion does not verify for its user.")
    if assertion.claims.get("iss", assertion.subject) != assertion.subject:
        raise _invalid("The claims iss and sub differ.")


def check_request(assertion: Assertion, method: str, target: str) -> None:
    """Compares with the method and with path and query as sent. Raises invalid-credential."""
    if assertion.claims["htm"] != method or assertion.claims["htu"] != target:
        raise _invalid("The assertion was made for another request.")


def check_time(assertion: Assertion, now: float) -> None:
    """Checks lifetime and freshness; `now` in seconds. Raises invalid-credential or stale-request."""
    issued, expires = assertion.claims["iat"], assertion.claims["exp"]
    if not 1 <= expires - issued <= MAX_LIFETIME:
        raise _invalid("The assertion lives for no time, or for more than 300 seconds.")
    if now >= expires or now < issued - MAX_SKEW:
        raise Problem("stale-request", "The assertion has expired, or was issued in the future.")


def check_audience(assertion: Assertion, backend_id: str) -> None:
    """Raises wrong-audience (BSP-AUT-029)."""
    if assertion.claims["aud"] != backend_id:
        raise Problem("wrong-audience", "The assertion names another backend.")
