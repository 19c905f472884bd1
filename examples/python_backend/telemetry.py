"""Events of telemetry and the answers to them, sections 11.1, 11.3 and 11.7."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass

import ijson
from grammar import check_members, is_identifier, is_label, is_string, is_timestamp, is_version
from problems import Problem

MAX_DEPTH = ijson.MAX_DEPTH - 2  # a list wraps two levels around an event (BSP-TEL-011)
MAX_COST = 1_000_000
BUDGET = 1_000  # messages of a peer in a window (BSP-TEL-120)
WINDOW_SECONDS = 60.0


@dataclass(frozen=True)
class Event:
    event_id: str
    source_backend: str
    body: str  # the event as text, as it came


def _is_cost(value: object) -> bool:
    number = float(value.spelling) if isinstance(value, ijson.Number) else value if type(value) is int else -1
    return 0 <= number <= MAX_COST


def _or_null(check: object) -> object:
    return lambda value: value is None or check(value)


_REQUIRED = {"event_id": is_identifier, "event_type": is_label, "session_id": is_identifier, "timestamp": is_timestamp,
             "source_backend": is_label, "metadata": lambda value: isinstance(value, dict)}
_OPTIONAL = {"latency_ms": _or_null(is_version), "tokens_used": _or_null(is_version), "cost_usd": _or_null(_is_cost),
             "model": _or_null(is_string)}


def parse(text: str) -> object:
    """The JSON value of a message. Raises malformed-body."""
    try:
        return ijson.parse(text.encode())
    except ijson.Malformed as malformed:
        raise Problem("malformed-body", f"The event cannot be read: {malformed}.") from None


def read(value: object, text: str) -> Event:
    """The event, if it is valid. Raises invalid-body."""
    members = check_members(value, "the event", _REQUIRED, _OPTIONAL)
    if ijson.depth(members) > MAX_DEPTH:
        raise Problem("invalid-body", "The event is nested too deeply to be given in a list.")
    if "received_at" in members:  # which a list gives with a meaning of its own
        text = json.dumps({name: member for name, member in json.loads(text).items() if name != "received_at"})
    return Event(members["event_id"], members["source_backend"], text.strip(" \t\r\n"))


def id_of(value: object) -> str | None:
    """What an answer to a message calls it (BSP-TEL-043)."""
    event_id = value.get("event_id") if isinstance(value, dict) else None
    return event_id if is_identifier(event_id) else None


def acked(event_id: str) -> str:
    return json.dumps({"status": "acked", "event_id": event_id})


def rejected(event_id: str | None, problem: Problem) -> str:
    return json.dumps({"status": "rejected", "event_id": event_id, "error": problem.document()})


def rate_limited(event_id: str | None, seconds: float) -> str:
    return json.dumps({"status": "rate_limited", "event_id": event_id, "retry_after_ms": max(1, int(seconds * 1000) + 1)})


class Budget:
    """Counts the messages of each peer, in windows that begin with the first one after the last window's end."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._windows: dict[str, tuple[float, int]] = {}

    def count(self, peer_id: str) -> float:
        """Counts one message. 0, or the seconds until the peer has a budget again."""
        now = time.monotonic()
        with self._lock:
            begin, count = self._windows.get(peer_id, (now, 0))
            if now - begin >= WINDOW_SECONDS:
                begin, count = now, 0
                self._windows = {peer: window for peer, window in self._windows.items() if now - window[0] < WINDOW_SECONDS}
            self._windows[peer_id] = (begin, count + 1)
        return begin + WINDOW_SECONDS - now if count + 1 > BUDGET else 0.0
