"""How telemetry is sent, sections 10.7 and 11.8: what was exchanged with a peer is told to it.

Events wait in the store until the peer has answered them. One thread for each peer opens a stream when something waits,
keeps it open, and sends up to 64 events without waiting for their answers.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable

import ijson
import timestamps
from store import Store
from websocket import ClientSocket, Ended, Refused

MOST_WAITING, MOST_UNDER_WAY = 1_000, 64
OPENING_SECONDS, TURN_SECONDS, LOOK_SECONDS, SILENCE_SECONDS = 30, 0.2, 1.0, 30
LONGEST_PAUSE, AFTER_POLICY = 3_600, 300
POLICY = 1008
_RUN = f"run_{secrets.token_hex(8)}"


def queue(store: Store, peer_id: str, backend_type: str, now: int, direction: str, conversations: list[dict]) -> None:
    """Within a transaction: an event that counts what was exchanged, and says nothing of its content."""
    event_id = f"evt_{secrets.token_hex(12)}"
    store.tell(peer_id, event_id, json.dumps({
        "event_id": event_id, "event_type": "conversation_sync", "session_id": _RUN, "timestamp": timestamps.format(now),
        "source_backend": backend_type,
        "metadata": {"direction": direction, "conversations": len(conversations), "messages": sum(len(c["messages"]) for c in conversations)}}), MOST_WAITING)


class Teller:
    """The stream to one peer. `registration` gives the peer as long as it is registered, `may_call` whether anything may
    be sent to it now, `fields` those of an opening handshake, `asked_to_wait` the seconds of a Retry-After field."""

    def __init__(self, store: Store, peer_id: str, registration: Callable[[], sqlite3.Row | None], may_call: Callable[[sqlite3.Row], bool],
                 fields: Callable[[sqlite3.Row, str], dict[str, str]], asked_to_wait: Callable[[str | None], float]) -> None:
        self._store, self._peer_id, self._registration, self._may_call = store, peer_id, registration, may_call
        self._fields, self._asked_to_wait = fields, asked_to_wait
        self._failures = 0
        self._open_at = self._send_at = 0.0
        self._opened_as: str | None = None
        self._news = threading.Event()

    def wake(self) -> None:
        """Something was queued."""
        self._news.set()

    def run(self) -> None:
        while True:
            if (peer := self._registration()) is None:
                return
            if peer["sbt"] != self._opened_as:  # whatever was refused, this is a new start
                self._opened_as, self._open_at = peer["sbt"], 0.0
            pause = max(self._open_at, self._send_at) - time.monotonic()
            if pause > 0 or not self._may_call(peer) or not self._waiting(0, 1):
                self._news.wait(min(pause, LOOK_SECONDS) if pause > 0 else LOOK_SECONDS)
                self._news.clear()
                continue
            self._converse(peer)

    def _waiting(self, after: int, limit: int) -> list[sqlite3.Row]:
        with self._store.transaction() as store:
            return store.untold(self._peer_id, after, limit)

    def _failed(self) -> None:
        self._failures += 1
        self._open_at = time.monotonic() + min(64, 2 ** min(self._failures - 1, 6))

    def _converse(self, peer: sqlite3.Row) -> None:
        url = stream_url(peer)
        try:
            stream = ClientSocket(url, self._fields(peer, url), OPENING_SECONDS)
        except Refused as refused:
            self._failed()
            if 400 <= refused.status < 500 and refused.status not in (408, 425, 429):
                self._open_at = time.monotonic() + AFTER_POLICY
            self._send_at = max(self._send_at, time.monotonic() + self._asked_to_wait(refused.retry_after))
            return
        try:
            self._tell(stream)
        except Ended as ended:
            self._failed()
            if ended.code == POLICY:
                self._open_at = time.monotonic() + AFTER_POLICY
        finally:
            stream.close()

    def _tell(self, stream: ClientSocket) -> None:
        """Until there is nothing that may be sent on the stream any more."""
        under_way: dict[str, int] = {}  # number by event_id
        sent, heard_at, looked_at, more = 0, time.monotonic(), 0.0, True
        while True:
            if self._news.is_set():
                self._news.clear()
                more = True
            room = MOST_UNDER_WAY - len(under_way)
            sends = more and room > 0 and time.monotonic() >= self._send_at
            if sends or time.monotonic() - looked_at > LOOK_SECONDS:
                looked_at = time.monotonic()
                if (peer := self._registration()) is None or not self._may_call(peer):
                    return
            if sends:
                events = self._waiting(sent, room)
                more = len(events) == room
                for event in events:
                    if not under_way:
                        heard_at = time.monotonic()
                    sent = event["number"]
                    if event["event_id"] not in under_way:
                        under_way[event["event_id"]] = sent
                        stream.send(event["body"])
            texts = []
            try:
                while len(texts) < MOST_UNDER_WAY and (text := stream.receive(0 if texts else TURN_SECONDS)) is not None:
                    texts.append(text)
            finally:  # what came counts, however the connection ended
                answered, limited = self._settle(texts, under_way)
            if answered or limited:
                heard_at, more = time.monotonic(), True
                sent = min([sent, *(number - 1 for number in limited)])
            if under_way and time.monotonic() - heard_at > SILENCE_SECONDS:
                raise Ended(1006)

    def _settle(self, texts: list[str], under_way: dict[str, int]) -> tuple[list[int], list[int]]:
        """The numbers of the events that were answered for good, and of those that come again. What is no answer to an
        event under way changes nothing."""
        answered, limited = [], []
        for text in texts:
            try:
                answer = ijson.parse(text.encode())
            except ValueError:
                continue
            event_id = answer.get("event_id") if isinstance(answer, dict) else None
            if not isinstance(event_id, str) or event_id not in under_way:
                continue
            status, pause = answer.get("status"), answer.get("retry_after_ms")
            if status in ("acked", "rejected"):
                answered.append(under_way.pop(event_id))
            elif status == "rate_limited" and type(pause) is int and pause > 0:
                limited.append(under_way.pop(event_id))
                self._send_at = max(self._send_at, time.monotonic() + min(pause / 1000, LONGEST_PAUSE))
        if answered:
            with self._store.transaction() as store:
                store.told(answered)
            self._failures = 0
        return answered, limited


def stream_url(peer: sqlite3.Row) -> str:
    """The telemetry endpoint, with the scheme under which origins are listed."""
    endpoint = json.loads(peer["endpoints"])["telemetry_endpoint"]
    return f"http{endpoint[2:]}" if endpoint.startswith("ws") else endpoint
