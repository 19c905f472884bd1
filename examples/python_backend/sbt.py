"""Session binding tokens, section 3.3."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable

import canonical
import timestamps
from grammar import check_members, is_identifier, is_received_id, is_sha256, is_timestamp, is_user_id
from problems import Problem

MAX_LIFETIME = 28_860 * timestamps.SECOND
MAX_SKEW = 300 * timestamps.SECOND

_REQUIRED = {
    "session_id": is_identifier,
    "local_backend_id": is_received_id,
    "hosted_backend_id": is_received_id,
    "user_id": is_user_id,
    "created_at": is_timestamp,
    "expires_at": is_timestamp,
}
_OPTIONAL = {"sbt_id": is_identifier, "local_key_sha256": is_sha256, "hosted_key_sha256": is_sha256}


def mac(token: dict[str, object], secret: str) -> str:
    """HMAC-SHA-256 over C14N-1 of all members but `signature` (BSP-SBT-003). Raises NotCanonicalizable."""
    signed = canonical.octets(canonical.without(token, "signature"))
    return hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def verify(token: object, secret_of: Callable[[str], str | None], now: int) -> dict[str, object]:
    """The token, after steps 1 to 8 of section 3.3; the steps after them need the registry. Raises Problem.

    `secret_of` gives the pairing secret of a user, `now` is in nanoseconds.
    """
    members = check_members(token, "sbt", _REQUIRED, _OPTIONAL)
    user_id, signature = members["user_id"], members.get("signature")
    try:
        canonical.octets(members)
    except canonical.NotCanonicalizable:
        raise Problem("not-canonicalizable", "The sbt holds a number that is not a plain integer.") from None
    if not is_sha256(signature):
        raise Problem("invalid-sbt", "The signature of the sbt is not 64 lower-case hexadecimal digits.")
    secret = None if user_id == "anonymous" else secret_of(user_id)
    if not secret or not hmac.compare_digest(mac(members, secret), signature):
        raise Problem("invalid-sbt", "The sbt does not verify for its user.")
    created, expires = timestamps.parse(members["created_at"]), timestamps.parse(members["expires_at"])
    if not 0 < expires - created <= MAX_LIFETIME:
        raise Problem("invalid-sbt", "The sbt is valid for no time, or for more than 8 hours.")
    if created > now + MAX_SKEW:
        raise Problem("invalid-sbt", "The sbt was created in the future.")
    if now >= expires:
        raise Problem("sbt-expired", f"The sbt expired at {members['expires_at']}.")
    return members
