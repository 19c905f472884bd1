"""Canonical bytes: C14N-1, section 1.4."""

from __future__ import annotations

import hashlib
import json


class NotCanonicalizable(ValueError):
    """The value holds a number that is not a plain integer within ±(2^53−1) (BSP-GEN-034)."""


def _refuse(value: object) -> None:
    raise NotCanonicalizable(type(value).__name__)  # ijson.Number: all else is encoded without asking


_ENCODER = json.JSONEncoder(sort_keys=True, ensure_ascii=True, check_circular=False, default=_refuse)


def text(value: object) -> str:
    """C14N-1 of a value from `ijson.parse`, as ASCII text."""
    return _ENCODER.encode(value)


def octets(value: object) -> bytes:
    """C14N-1 of a value from `ijson.parse`."""
    return text(value).encode("ascii")


def sha256(value: object) -> bytes:
    """SHA-256 of C14N-1."""
    return hashlib.sha256(octets(value)).digest()


def without(value: dict[str, object], *names: str) -> dict[str, object]:
    """The object without some of its members; the object itself is left as it is."""
    return {name: member for name, member in value.items() if name not in names}
