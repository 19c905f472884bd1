"""The client side, chapter 10: what is pushed to and pulled from the peers that may be called.

Every registration with endpoints has a `Link` with three threads: one asks for /health, one pushes, one pulls, so that no
peer and no direction waits for another. What has to outlive the process is in the store.
"""

from __future__ import annotations

import base64
import contextlib
import email.utils
import http.client
import json
import secrets
import socket
import sqlite3
import sys
import threading
import time
import traceback
import urllib.parse
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import canonical
import ijson
import timestamps
from endpoints import check_conversation
from grammar import is_timestamp
from identity import Identity
from problems import Problem
from store import Store
from telling import Teller, queue, stream_url

HEALTH_PERIOD, HEALTH_TIMEOUT, ANSWER_TIMEOUT = 10, 5, 30  # seconds
FIRST_INTERVAL, SHORTEST_INTERVAL, LONGEST_INTERVAL = 5.0, 1.0, 300.0
LIVE_WAIT = 25  # seconds for which a peer that declares live_pull may hold a pull
REFUSAL_PAUSE = 1.1  # after a 4xx: of pushes and pulls together there are at most two in a second (BSP-OFF-034)
PUSH_BURST, PUSH_GAP = 15, 0.7  # so many pushes at once, then one in each gap: within the budget of a minute (BSP-OFF-017)
SET_ASIDE = 300
MAX_CONVERSATIONS, MAX_MESSAGES, MAX_BYTES = 500, 1000, 8 * 1024 * 1024  # what every server takes, with room for the rest
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


def may_call(endpoint: str, allowed: frozenset[str]) -> bool:
    """Whether the operator has listed the origin of an endpoint, and it is encrypted or on this machine."""
    url = urllib.parse.urlsplit(endpoint)
    return f"{url.scheme}://{url.netloc}" in allowed and (url.scheme == "https" or url.hostname in _LOOPBACK)


@dataclass(frozen=True)
class Answer:
    """What a request brought; status 0: nothing. `body` is None when it is not a JSON object."""

    status: int
    body: dict | None = None
    retry_after: str | None = None

    @property
    def code(self) -> object:
        return (self.body or {}).get("code") if self.status >= 400 else None


@dataclass
class Parcel:
    """A push on its way; it stays as it is until it is acknowledged. Only the last of a snapshot moves the position."""

    sync_id: str
    conversations: list[dict]
    position: int | None


class Client:
    """Keeps a link for every registration whose endpoint may be called."""

    def __init__(self, store: Store, identity: Identity, allowed: frozenset[str], clock: Callable[[], int] = time.time_ns) -> None:
        self._store, self._identity, self._allowed, self._clock = store, identity, allowed, clock
        self._links: set[str] = set()

    def start(self) -> None:
        """A hosted backend calls nobody (BSP-REG-062)."""
        if self._identity.backend_type == "local" and self._allowed:
            _thread(self._watch)

    def _watch(self) -> None:
        while True:
            seen = self._store.changes
            with self._store.transaction() as store:
                peers = store.active_peers(None)
            for peer in peers:
                if peer["peer_id"] in self._links or peer["endpoints"] is None:
                    continue
                if may_call(json.loads(peer["endpoints"])["sync_endpoint"], self._allowed):
                    self._links.add(peer["peer_id"])
                    Link(self._store, self._identity, peer["peer_id"], self._allowed, self._clock).start()
            self._store.wait(seen, 5)


class Link:
    """The exchange with one peer, until it is no longer registered."""

    def __init__(self, store: Store, identity: Identity, peer_id: str, allowed: frozenset[str], clock: Callable[[], int]) -> None:
        self._store, self._identity, self._peer_id, self._allowed, self._clock = store, identity, peer_id, allowed, clock
        self._parcels: deque[Parcel] = deque()
        self._nudge = threading.Event()  # of the pulls
        self._lock = threading.Lock()  # over what follows
        self._reachable = False
        self._failures = {"push": 0, "pull": 0}
        self._retry_at = {"push": 0.0, "pull": 0.0}
        self._not_before = {"push": 0.0, "pull": 0.0}
        self._refused_token: str | None = None
        self._registered_as: str | None = None
        self._interval = FIRST_INTERVAL
        self._pull_begun = self._pull_due = 0.0
        self._pushes_paid = 0.0  # when the gaps of all pushes are over

    def start(self) -> None:
        self._teller = Teller(self._store, self._peer_id, self._registration, self._may_tell,
                              lambda peer, url: {"Authorization": self._assertion(peer, url)}, self._asked_to_wait)
        for loop in (self._health_loop, self._push_loop, self._pull_loop, self._teller.run):
            _thread(loop)

    # When

    def _registration(self) -> sqlite3.Row | None:
        with self._store.transaction() as store:
            peer = store.peer(self._peer_id)
        if peer is None or peer["state"] != "active":
            return None
        with self._lock:
            if peer["sbt"] != self._registered_as:  # whatever was refused, this is a new start
                self._registered_as, self._not_before, self._refused_token = peer["sbt"], {"push": 0.0, "pull": 0.0}, None
        return peer

    def _may_call(self, peer: sqlite3.Row) -> bool:
        """Asked each time: a repeated registration may have brought other endpoints."""
        return may_call(json.loads(peer["endpoints"])["sync_endpoint"], self._allowed)

    def _may_exchange(self, peer: sqlite3.Row) -> bool:
        expired = self._clock() >= timestamps.parse(json.loads(peer["sbt"])["expires_at"])
        with self._lock:
            return self._may_call(peer) and self._reachable and not expired and self._refused_token != peer["sbt"]

    def _may_tell(self, peer: sqlite3.Row) -> bool:
        return self._may_exchange(peer) and may_call(stream_url(peer), self._allowed)

    def _pause(self, kind: str, peer: sqlite3.Row) -> float:
        """Seconds until the next exchange may begin; 0: now."""
        if not self._may_exchange(peer):
            return 1.0
        with self._lock:
            return max(0.0, max(self._retry_at[kind], self._not_before[kind]) - time.monotonic())

    def _failed(self, kind: str, answer: Answer) -> None:
        """BSP-OFF-030 and BSP-OFF-032."""
        with self._lock:
            self._failures[kind] += 1
            now = time.monotonic()
            self._retry_at[kind] = now + min(64, 2 ** min(self._failures[kind] - 1, 6))
            self._not_before[kind] = now + self._asked_to_wait(answer.retry_after)

    def _asked_to_wait(self, field: str | None) -> float:
        if field is None:
            return 0
        try:
            seconds = int(field) if field.isascii() and field.isdigit() else email.utils.parsedate_to_datetime(field).timestamp() - self._clock() / timestamps.SECOND
        except (ValueError, TypeError):
            return 0
        return min(max(seconds, 0), 3600)

    def _succeeded(self, kind: str) -> None:
        with self._lock:
            self._failures[kind] = 0

    def _hold(self, seconds: float, *kinds: str) -> None:
        with self._lock:
            for kind in kinds:
                self._not_before[kind] = max(self._not_before[kind], time.monotonic() + seconds)

    # Reachability

    def _health_loop(self) -> None:
        while (peer := self._registration()) is not None:
            begun = time.monotonic()
            endpoints = json.loads(peer["endpoints"])
            base = endpoints["sync_endpoint"].removesuffix(f"/sync/{endpoints['peer_id']}")
            answer = _request("GET", f"{base}/health", HEALTH_TIMEOUT) if self._may_call(peer) else Answer(0)
            healthy = answer.status == 200 and (answer.body or {}).get("status") == "healthy"
            with self._lock:
                changed, self._reachable = healthy != self._reachable, healthy
                if changed and healthy:  # BSP-OFF-043
                    self._failures, self._retry_at, self._pull_due = {"push": 0, "pull": 0}, {"push": 0.0, "pull": 0.0}, 0.0
            if changed:
                self._store.touch()
                self._nudge.set()
            time.sleep(max(0.0, begun + HEALTH_PERIOD - time.monotonic()))

    # Push

    def _push_loop(self) -> None:
        while True:
            seen = self._store.changes  # before anything is looked at, so that no change is slept through
            if (peer := self._registration()) is None:
                return
            if (pause := self._pause("push", peer)) > 0:
                self._store.wait(seen, pause)
                continue
            if not self._parcels:
                self._parcels.extend(self._snapshot(peer))
                if not self._parcels:
                    self._store.wait(seen, self._interval)
                continue  # with the registration as it is now
            parcel, endpoints = self._parcels[0], json.loads(peer["endpoints"])
            body = json.dumps(self._payload(peer, endpoints, parcel)).encode()
            self._pushes_paid = max(self._pushes_paid, time.monotonic()) + PUSH_GAP
            answer = _request("POST", endpoints["sync_endpoint"], ANSWER_TIMEOUT, {"Content-Type": "application/json"}, body)
            self._hold(self._pushes_paid - PUSH_BURST * PUSH_GAP - time.monotonic(), "push")
            self._settle_push(peer, parcel, answer)

    def _snapshot(self, peer: sqlite3.Row) -> list[Parcel]:
        """What the peer does not know yet, in the order of commits, in pieces that every server takes."""
        parcels: list[Parcel] = []
        size = 0
        with self._store.transaction() as store:
            position = store.last_commit(peer["user_id"])
            for conversation_id, since in store.due(peer, self._clock()):
                conversation = store.conversation(peer["user_id"], conversation_id)
                conversation.messages = store.messages(peer["user_id"], conversation_id, since)
                scalars = conversation.emitted()
                for messages, length in _in_pieces(conversation.served_messages(True), len(canonical.octets(scalars))):
                    goes_on = parcels and parcels[-1].conversations[-1]["conversation_id"] == conversation_id
                    if not parcels or goes_on or size + length > MAX_BYTES or len(parcels[-1].conversations) == MAX_CONVERSATIONS:
                        parcels.append(Parcel(_new_sync_id(), [], None))
                        size = 0
                    parcels[-1].conversations.append({**scalars, "messages": messages})
                    size += length
        if parcels:
            parcels[-1].position = position
        return parcels

    def _payload(self, peer: sqlite3.Row, endpoints: dict, parcel: Parcel) -> dict:
        payload = {
            "sync_id": parcel.sync_id, "timestamp": timestamps.format(self._clock()), "conversations": parcel.conversations,
            "peer_id": endpoints["peer_id"], "source_backend_id": self._identity.backend_id, "target_backend_id": peer["backend_id"]}
        return {**payload, "signature": self._identity.key.sign_object(payload)}

    def _settle_push(self, peer: sqlite3.Row, parcel: Parcel, answer: Answer) -> None:
        if answer.status == 200 and (answer.body or {}).get("acked_sync_id") == parcel.sync_id:
            self._succeeded("push")
            self._take_interval(answer.body.get("next_sync_in_ms"))
            with self._store.transaction() as store:
                if not self._is_next(parcel):
                    return
                store.acknowledged(self._peer_id, self._whole(parcel), parcel.position)
                queue(store, self._peer_id, self._identity.backend_type, self._clock(), "push", parcel.conversations)
            self._teller.wake()
            if self._is_next(parcel):
                self._parcels.popleft()
        elif answer.status in (400, 413, 422):
            self._hold(REFUSAL_PAUSE, "push")
            self._narrow_down(parcel)
        elif answer.code == "epoch-changed":
            self._begin_anew()
        elif answer.code == "sync-id-reuse":
            parcel.sync_id = _new_sync_id()
            self._failed("push", answer)
        else:
            self._refused_or_failed("push", peer, answer)

    def _is_next(self, parcel: Parcel) -> bool:
        """Not when it was begun anew meanwhile, because of what was pulled."""
        return bool(self._parcels) and self._parcels[0] is parcel

    def _whole(self, parcel: Parcel) -> list[str]:
        """The conversations of the first parcel that do not go on in the second."""
        ids = [c["conversation_id"] for c in parcel.conversations]
        return ids[:-1] if len(self._parcels) > 1 and self._parcels[1].conversations[0]["conversation_id"] == ids[-1] else ids

    def _refused_or_failed(self, kind: str, peer: sqlite3.Row, answer: Answer) -> None:
        if answer.code in ("sbt-expired", "invalid-sbt"):
            with self._lock:
                self._refused_token = peer["sbt"]
        elif 400 <= answer.status < 500 and answer.status not in (408, 425, 429) and answer.code != "stale-request":
            self._hold(SET_ASIDE, "push", "pull")
        else:
            self._failed(kind, answer)

    def _take_interval(self, milliseconds: object) -> None:
        if isinstance(milliseconds, int) and not isinstance(milliseconds, bool):
            self._interval = min(max(milliseconds / 1000, SHORTEST_INTERVAL), LONGEST_INTERVAL)
            self._nudge.set()

    def _narrow_down(self, parcel: Parcel) -> None:
        """Two halves of what was refused; one conversation alone is set aside (BSP-OFF-031)."""
        if not self._is_next(parcel):
            return
        self._parcels.popleft()
        if len(parcel.conversations) == 1:
            conversation_id, position = parcel.conversations[0]["conversation_id"], parcel.position
            while self._parcels and self._parcels[0].conversations[0]["conversation_id"] == conversation_id:  # it is due as a whole
                following = self._parcels[0]
                del following.conversations[0]
                if following.conversations:
                    break
                position = self._parcels.popleft().position
            with self._store.transaction() as store:
                store.set_aside(self._peer_id, conversation_id, self._clock() + SET_ASIDE * timestamps.SECOND)
                store.acknowledged(self._peer_id, [], position)
            return
        half = len(parcel.conversations) // 2
        self._parcels.appendleft(Parcel(_new_sync_id(), parcel.conversations[half:], parcel.position))
        self._parcels.appendleft(Parcel(_new_sync_id(), parcel.conversations[:half], None))

    def _begin_anew(self) -> None:
        """BSP-SYN-134."""
        self._parcels.clear()
        with self._store.transaction() as store:
            store.begin_anew(self._peer_id)
        self._hold(REFUSAL_PAUSE, "push", "pull")
        self._pull_due = 0.0
        self._nudge.set()

    # Pull

    def _pull_loop(self) -> None:
        while (peer := self._registration()) is not None:
            due = min(self._pull_due, self._pull_begun + self._interval) - time.monotonic()
            if (pause := max(self._pause("pull", peer), due)) > 0:
                self._nudge.wait(pause)
                self._nudge.clear()
                continue
            with self._store.transaction() as store:
                place = store.place_in_feed(self._peer_id)
            given = {**place, "wait": str(LIVE_WAIT) if _is_live(peer) else None}
            query = urllib.parse.urlencode({name: value for name, value in given.items() if value}, quote_via=urllib.parse.quote, safe="")
            url = json.loads(peer["endpoints"])["sync_endpoint"] + ("?" + query if query else "")
            fields = {"Authorization": self._assertion(peer, url)}
            self._pull_begun, self._pull_due = time.monotonic(), float("inf")
            self._settle_pull(peer, place, _request("GET", url, ANSWER_TIMEOUT + LIVE_WAIT, fields))

    def _assertion(self, peer: sqlite3.Row, url: str) -> str:
        parts, now = urllib.parse.urlsplit(url), self._clock() // timestamps.SECOND
        claims = {"iss": self._identity.backend_id, "sub": json.loads(peer["endpoints"])["peer_id"], "aud": peer["backend_id"],
                  "iat": now, "exp": now + 60, "jti": secrets.token_hex(16), "htm": "GET",
                  "htu": parts.path + ("?" + parts.query if parts.query else "")}
        signed = ".".join(_base64url(json.dumps(part).encode()) for part in ({"alg": "PS256", "typ": "bsp-peer+jwt"}, claims))
        return f"BSP {signed}.{_base64url(self._identity.key.sign(signed.encode()))}"

    def _settle_pull(self, peer: sqlite3.Row, place: dict, answer: Answer) -> None:
        if answer.status == 200 and answer.body is not None and self._take_in(peer, place, answer.body):
            self._succeeded("pull")
            return
        if answer.status in (400, 413, 422) and (place["since"] or place["cursor"]):  # BSP-OFF-054
            with self._store.transaction() as store:
                store.keep_place(self._peer_id, None, None, place["epoch"])
            self._pull_due = time.monotonic() + REFUSAL_PAUSE
        elif answer.code == "epoch-changed":
            self._begin_anew()
        else:
            self._refused_or_failed("pull", peer, answer)
            self._pull_due = 0.0

    def _take_in(self, peer: sqlite3.Row, place: dict, page: dict) -> bool:
        """Joins a page, as a whole and together with its place in the feed; False when it cannot be read."""
        epoch, more, cursor = page.get("epoch"), page.get("has_more"), page.get("cursor")
        entries: dict[str, list[dict]] = {}
        try:
            for conversation in page["conversations"]:
                check_conversation(conversation)
                canonical.octets(conversation)
                entries.setdefault(conversation["conversation_id"], []).append(conversation)
        except (Problem, KeyError, TypeError, ValueError):
            return False
        if not isinstance(more, bool) or not is_timestamp(page.get("last_sync")) or (more and not isinstance(cursor, str)):
            return False
        if place["epoch"] and epoch and epoch != place["epoch"]:  # BSP-OFF-055
            self._begin_anew()
            return True
        with self._store.transaction() as store:
            for conversation_id, of_one in entries.items():
                store.join(peer["user_id"], conversation_id, of_one, self._clock(), origin=self._peer_id)
            if entries:
                queue(store, self._peer_id, self._identity.backend_type, self._clock(), "pull", page["conversations"])
            store.keep_place(self._peer_id, place["since"] if more else page["last_sync"], cursor if more else None, epoch or place["epoch"])
        self._teller.wake()
        if more:
            self._pull_due = 0.0
        elif _is_live(peer):  # the next one waits there; if this one did not, at a distance (BSP-OFF-057)
            self._pull_due = self._pull_begun + SHORTEST_INTERVAL
        return True


def _is_live(peer: sqlite3.Row) -> bool:
    return "live_pull" in json.loads(peer["capabilities"])


def _in_pieces(messages: list[dict], beside: int) -> list[tuple[list[dict], int]]:
    """Messages in lists that fit into a push, with the sizes that they have with `beside` octets more; at least one list."""
    pieces: list[tuple[list[dict], int]] = [([], beside)]
    for message in messages:
        length = len(canonical.octets(message)) + 1
        held, size = pieces[-1]
        if held and (len(held) == MAX_MESSAGES or size + length > MAX_BYTES):
            pieces.append(([], beside))
            held, size = pieces[-1]
        held.append(message)
        pieces[-1] = (held, size + length)
    return pieces


def _request(method: str, url: str, timeout: float, fields: dict[str, str] | None = None, body: bytes | None = None) -> Answer:
    """One request on a connection of its own; the whole answer has to be there when `timeout` seconds are over.
    Redirections are answers like any other (BSP-GEN-015)."""
    parts = urllib.parse.urlsplit(url)
    connection = (http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection)(parts.netloc, timeout=timeout)
    # The timeout of a socket begins anew with each piece that arrives.
    end: threading.Timer | None = None
    try:
        connection.connect()
        end = threading.Timer(timeout, _shut, (connection.sock,))
        end.daemon = True
        end.start()
        connection.request(method, parts.path + ("?" + parts.query if parts.query else ""), body, fields or {})
        response = connection.getresponse()
        content = response.read(64 * 1024 * 1024)
        if not response.isclosed() and response.length:
            return Answer(0)
    except (OSError, http.client.HTTPException, ValueError):
        return Answer(0)
    finally:
        if end:
            end.cancel()
        connection.close()
    try:
        read = ijson.parse(content)
    except ValueError:
        read = None
    return Answer(response.status, read if isinstance(read, dict) else None, response.headers.get("Retry-After"))


def _shut(connected: socket.socket) -> None:
    with contextlib.suppress(OSError):  # it is gone already
        connected.shutdown(socket.SHUT_RDWR)


def _thread(work: Callable[[], None]) -> None:
    def guarded() -> None:
        while True:
            try:
                return work()
            except Exception:  # the store may be busy: whatever it is, nothing that is due is given up
                traceback.print_exc(file=sys.stderr)
                time.sleep(1)

    threading.Thread(target=guarded, daemon=True).start()


def _base64url(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def _new_sync_id() -> str:
    return f"sync_{secrets.token_hex(12)}"
