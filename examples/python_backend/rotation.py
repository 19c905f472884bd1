"""Key rotation notices, chapter 13."""

from __future__ import annotations

from dataclasses import dataclass

import canonical
import keys
import timestamps
from grammar import is_string, is_timestamp
from problems import Problem

TYPE = "bsp-key-rotation"
MAX_GRACE = 7 * timestamps.DAY * timestamps.SECOND
FRESHNESS = 300 * timestamps.SECOND
SIGNATURES = ("signature", "new_key_signature")
NAMES = ("peer_id", "backend_id", "target_backend_id", "new_public_key")


@dataclass(frozen=True)
class Notice:
    """A notice that both keys have signed. Instants in nanoseconds."""

    new_key: keys.PublicKey
    rotated_at: int
    previous_key_expires_at: int


def read(body: dict[str, object], current: keys.PublicKey, expected: dict[str, str], now: int) -> Notice:
    """Verifies a notice under the current key of its peer; `expected` holds what its names have to be.

    Raises invalid-signature, stale-request, wrong-audience, invalid-key or invalid-body.
    """
    if body.get("typ") != TYPE:
        raise Problem("invalid-signature", "This is not a rotation notice.")
    try:
        signed = canonical.octets(canonical.without(body, *SIGNATURES))
    except canonical.NotCanonicalizable:
        raise Problem("not-canonicalizable", "The notice has no canonical form.") from None
    if not current.verifies_text(body.get("signature"), signed):
        raise Problem("invalid-signature", "The current key of this peer has not signed the notice.")
    if not all(is_string(body.get(name)) for name in NAMES):
        raise Problem("invalid-body", "A name or the new key is missing, or is no text.")
    if not all(is_timestamp(body.get(name)) for name in ("rotated_at", "grace_expires_at")):
        raise Problem("invalid-body", "rotated_at or grace_expires_at is missing or malformed.")
    rotated_at, grace = (timestamps.parse(body[name]) for name in ("rotated_at", "grace_expires_at"))
    if abs(rotated_at - now) > FRESHNESS:
        raise Problem("stale-request", "rotated_at is more than 300 seconds from now.")
    for name, value in expected.items():
        if body[name] != value:
            raise Problem("wrong-audience", f"The member {name} of the notice names another one.")
    try:
        new_key = keys.parse_public(body["new_public_key"])
    except keys.InvalidKey as why:
        raise Problem("invalid-key", f"The new key is {why}.") from None
    if not new_key.verifies_text(body.get("new_key_signature"), signed):
        raise Problem("invalid-signature", "The new key has not signed the notice.")
    return Notice(new_key, rotated_at, min(grace, rotated_at + MAX_GRACE))
