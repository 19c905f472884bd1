"""Grammars of identifiers and the checks on members of a body, sections 1.3 and 1.7."""

from __future__ import annotations

import re

import timestamps
from problems import Problem

_IDENTIFIER = re.compile(r"[A-Za-z0-9._:@~-]{1,128}")
_VISIBLE = re.compile(r"[!-~]{1,128}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_PRODUCED_BACKEND_ID = re.compile(r"(local|hosted)_sha256_[0-9a-f]{16,64}")
_PRODUCED_PEER_ID = re.compile(r"peer_[0-9a-f]{32,123}")
_VERSION = re.compile(r"(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)")
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]")  # the last of 43 holds two unused zero bits
_URL = re.compile(r"(https?|wss?)://[^/?#\s]+[!-~]*")


def is_identifier(value: object) -> bool:
    return isinstance(value, str) and _IDENTIFIER.fullmatch(value) is not None and value not in (".", "..")


def is_received_id(value: object) -> bool:
    """An id made by another backend: 1 to 128 visible ASCII characters."""
    return isinstance(value, str) and _VISIBLE.fullmatch(value) is not None


def is_user_id(value: object) -> bool:
    return isinstance(value, str) and 1 <= len(value) <= 256 and not _CONTROL.search(value)


def is_label(value: object) -> bool:
    """A word of an open set, such as `role` and `surface`: 1 to 128 characters, none of them a control character."""
    return isinstance(value, str) and 1 <= len(value) <= 128 and not _CONTROL.search(value)


def is_sha256(value: object) -> bool:
    return isinstance(value, str) and _SHA256.fullmatch(value) is not None


def is_produced_backend_id(value: object) -> bool:
    return isinstance(value, str) and _PRODUCED_BACKEND_ID.fullmatch(value) is not None


def is_produced_peer_id(value: object) -> bool:
    return isinstance(value, str) and _PRODUCED_PEER_ID.fullmatch(value) is not None


def is_backend(backend_id: object, backend_type: object) -> bool:
    """Whether a received id goes with the type stated with it (BSP-ID-009 to BSP-ID-011)."""
    return backend_type in ("local", "hosted") and is_received_id(backend_id) and backend_id.startswith(f"{backend_type}_")


def is_timestamp(value: object) -> bool:
    try:
        return isinstance(value, str) and timestamps.parse(value) is not None
    except ValueError:
        return False


def is_protocol_version(value: object) -> bool:
    return isinstance(value, str) and _VERSION.fullmatch(value) is not None


def is_version(value: object) -> bool:
    """A Lamport version. `type`, not `isinstance`: `True` is an `int` to Python (BSP-GEN-027)."""
    return type(value) is int and value >= 0


def is_boolean(value: object) -> bool:
    return isinstance(value, bool)


def is_string(value: object) -> bool:
    return isinstance(value, str)


def is_challenge(value: object) -> bool:
    return isinstance(value, str) and _CHALLENGE.fullmatch(value) is not None


def is_capabilities(value: object) -> bool:
    return (isinstance(value, list) and len(value) <= 64 and all(isinstance(v, str) and 1 <= len(v) <= 128 for v in value)
            and len(set(value)) == len(value))


def is_endpoint_url(value: object) -> bool:
    return isinstance(value, str) and len(value) <= 2048 and _URL.fullmatch(value) is not None


def is_http_url(value: object) -> bool:
    return is_endpoint_url(value) and value.startswith("http")


def require_object(value: object, what: str) -> dict[str, object]:
    if not isinstance(value, dict):
        raise Problem("invalid-body", f"{what} is not an object.")
    return value


def check_members(value: object, what: str, required: dict, optional: dict) -> dict[str, object]:
    """The object, whose members pass the checks they are given; others it may have. Raises invalid-body."""
    members = require_object(value, what)
    for name in required:
        if name not in members:
            raise Problem("invalid-body", f"{what} lacks the member {name}.")
    for name, check in (required | optional).items():
        if name in members and not check(members[name]):
            raise Problem("invalid-body", f"The member {name} of {what} has the wrong type or is outside its bounds.")
    return members
