"""The endpoints: routing, who may call, the order of checks (section 5.7), and the operations themselves."""

from __future__ import annotations

import base64
import contextlib
import hmac
import json
import re
import socket
import sqlite3
import sys
import time
import traceback
import urllib.parse
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import assertions
import canonical
import ijson
import keys
import merge
import rotation
import sbt
import telemetry
import timestamps
import websocket
from grammar import (
    check_members, is_backend, is_boolean, is_capabilities, is_challenge, is_endpoint_url, is_http_url, is_identifier,
    is_label, is_protocol_version, is_received_id, is_string, is_timestamp, is_version, require_object)
from http_server import Request, Response, Stream
from identity import Identity
from problems import Problem
from store import Store, new_peer_id

MAX_BODY = 12 * 1024 * 1024  # of a POST; the specification asks for 10 MiB of pushes
MAX_SMALL_BODY = 256 * 1024  # of requests whose body means nothing
MAX_CONTENT = 1_048_576  # bytes of UTF-8
MAX_PAGE_BYTES = 4 * 1024 * 1024  # a page of a pull ends after the entry that exceeds this
FRESHNESS = 300 * timestamps.SECOND
FUTURE_TOLERANCE = timestamps.DAY * timestamps.SECOND
SYNC_INTERVAL_MS = 5000

_LOOPBACK = re.compile(r"(localhost|127\.0\.0\.1|\[::1\])(:[0-9]*)?", re.IGNORECASE)
_LIMIT = re.compile(r"[1-9][0-9]{0,2}")
_BAD_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_BASE64URL = re.compile(r"[A-Za-z0-9_-]+")

# What a section of the path is for; every other one stands for itself.
PEER, CONVERSATION, MESSAGE = "{peer_id}", "{conversation_id}", "{message_id}"


@dataclass(frozen=True)
class Principal:
    """Who a verified credential belongs to. `kind` is `peer`, `user` or `admin`."""

    kind: str
    user_id: str | None = None
    peer: sqlite3.Row | None = None
    fingerprint: str | None = None  # of the key by which a peer was proven


@dataclass(frozen=True)
class Configuration:
    base_url: str
    secrets: dict[str, str]
    admin_token: str
    origins: frozenset[str] = frozenset()


class Backend:
    """An `http_server.Application` that speaks BSP. `clock` gives nanoseconds since 1970-01-01T00:00:00Z."""

    def __init__(self, store: Store, identity: Identity, configuration: Configuration,
                 clock: Callable[[], int] = time.time_ns) -> None:
        self.store = store
        self.identity = identity
        self.configuration = configuration
        self.clock = clock
        base = urllib.parse.urlsplit(configuration.base_url)
        self._base_path, self._authority = base.path, base.netloc.lower()
        self._budget = telemetry.Budget()
        self._streams: set[websocket.WebSocket] = set()
        self._routes = {
            ("identity",): {"GET": self.get_identity},
            ("health",): {"GET": self.get_health},
            ("register-peer",): {"POST": self.register_peer},
            ("peers",): {"GET": self.list_peers},
            ("peers", PEER): {"DELETE": self.remove_peer},
            ("peers", PEER, "rotate-key"): {"POST": self.rotate_key},
            ("sync", PEER): {"GET": self.pull, "POST": self.push},
            ("sync", PEER, "digest"): {"GET": self.digest},
            ("telemetry", "events"): {"GET": self.list_events},
            ("telemetry", PEER): {"GET": self.stream_events},
            ("conversations",): {"GET": self.list_conversations},
            ("conversations", CONVERSATION): {"GET": self.read_conversation, "DELETE": self.delete_conversation},
            ("conversations", CONVERSATION, "messages"): {"POST": self.write_message},
            ("conversations", CONVERSATION, "messages", MESSAGE): {"DELETE": self.delete_message},
        }

    # The Application of http_server

    def body_limit(self, request: Request) -> int:
        return MAX_BODY if request.method == "POST" else MAX_SMALL_BODY

    def handle(self, request: Request) -> Response:
        try:
            response = self._answer(request)
        except Problem as problem:
            return self.refuse(problem, request)
        except Exception:  # whatever it is, the client gets an answer and the others are served on
            traceback.print_exc(file=sys.stderr)
            return self.refuse(Problem("internal", "The server failed to handle the request."), request)
        return self._dress(response, request)

    def refuse(self, problem: Problem, request: Request | None) -> Response:
        fields = [("Content-Type", "application/problem+json"), *problem.headers]
        if problem.status == 401:
            fields.append(("WWW-Authenticate", "BSP, BSP-User, Bearer"))
        return self._dress(Response(problem.status, fields, json.dumps(problem.document()).encode()), request)

    def _dress(self, response: Response, request: Request | None) -> Response:
        """Adds what every response carries."""
        names = {name for name, _ in response.fields}
        if "Cache-Control" not in names:
            response.fields.append(("Cache-Control", "no-store"))
        response.fields += [("X-Content-Type-Options", "nosniff"), ("Content-Security-Policy", "default-src 'none'"),
                            ("Referrer-Policy", "no-referrer"), ("Vary", "Origin")]
        origins = request.values("origin") if request is not None else []
        if len(origins) == 1 and origins[0] in self.configuration.origins:
            response.fields += [("Access-Control-Allow-Origin", origins[0]),
                                ("Access-Control-Expose-Headers", "Date, WWW-Authenticate")]
        return response

    # Routing and the checks that come before all others

    def _answer(self, request: Request) -> Response:
        self._check_host_and_origin(request)
        methods, arguments = self._route(request)
        if request.method == "OPTIONS":
            return self._preflight(methods)
        method = "GET" if request.method == "HEAD" else request.method
        if method not in methods:
            raise Problem("method-not-allowed", "This path does not take this method.", (("Allow", _allow(methods)),))
        request.value("authorization")  # at most one (BSP-AUT-004)
        if (request.value("content-encoding") or "identity").lower() != "identity":
            raise Problem("unsupported-media-type", "No content coding is supported.")
        if request.body:
            media_type = (request.value("content-type") or "").partition(";")[0].strip().lower()
            if media_type != "application/json":
                raise Problem("unsupported-media-type", "The body must be application/json.")
        return methods[method](request, *arguments)

    def _check_host_and_origin(self, request: Request) -> None:
        """Keeps web pages of other origins, and names that were bound to this address, away (section 1.11)."""
        if self.identity.backend_type != "local":
            return
        if not _LOOPBACK.fullmatch(request.host) and request.host.lower() != self._authority:
            raise Problem("misdirected-request", "This server does not answer for that host.")
        foreign = any(origin not in self.configuration.origins for origin in request.values("origin"))
        if foreign and (request.method not in ("GET", "HEAD", "OPTIONS") or websocket.is_asked_for(request)):
            raise Problem("forbidden", "Requests from that origin are not accepted.")

    def _route(self, request: Request) -> tuple[dict[str, Callable], list[str]]:
        """The methods of the path, and the identifiers in it."""
        path = request.target.partition("?")[0]
        if path == "*":
            return {}, []
        not_found = Problem("not-found", "This server has no such path.")
        if not path.startswith(self._base_path + "/"):
            raise not_found
        sections = [_decode(section, "bad-request") for section in path[len(self._base_path) + 1:].split("/")]
        for pattern, methods in self._routes.items():
            if len(pattern) == len(sections) and all(p == s or p[0] == "{" for p, s in zip(pattern, sections)):
                arguments = []
                for name, section in zip(pattern, sections):
                    if name in (CONVERSATION, MESSAGE) and not is_identifier(section):
                        raise Problem("bad-request", "The path holds a malformed identifier.")
                    if name[0] == "{":
                        arguments.append(section)
                return methods, arguments
        raise not_found

    def _preflight(self, methods: dict[str, Callable]) -> Response:
        allowed = _allow(methods)
        return Response(204, [("Allow", allowed), ("Access-Control-Allow-Methods", allowed),
                              ("Access-Control-Allow-Headers", "Authorization, Content-Type"),
                              ("Access-Control-Max-Age", "600")])

    # Authentication

    def _authenticate(self, request: Request, *kinds: str, expired_may: bool = False) -> Principal:
        """The caller, who has to be of one of the kinds. Called within a transaction: it uses up the `jti`.

        A peer whose token has expired passes only if `expired_may`.
        """
        field = request.value("authorization")
        scheme, _, credential = (field or "").partition(" ")
        if not scheme:
            raise Problem("credential-required", "This request needs a credential.")
        if scheme.lower() == "bearer":
            genuine = hmac.compare_digest(
                credential.strip(" ").encode("latin-1"), self.configuration.admin_token.encode())
            if genuine and "admin" in kinds:
                return Principal("admin")
            if genuine or "admin" in kinds:
                raise Problem("forbidden", "This takes the administrator, and the administrator's token.")
        assertion = assertions.from_header(field)
        now = self.clock()
        peer = None
        if assertion.scheme == "bsp":
            peer = self.store.peer(assertion.subject)
            if peer is None or peer["state"] == "unpaired":
                raise Problem("invalid-credential", "The assertion names no registered peer.")
            key = next((k for k in self._believed(peer, now) if k.verifies(assertion.signature, assertion.signed)), None)
            assertions.verify_peer(assertion, key or keys.parse_public(peer["public_key"]), peer["backend_id"])
            if peer["state"] == "revoked":
                raise _revoked()
        else:
            assertions.verify_user(assertion, self.configuration.secrets.get(assertion.subject))
        assertions.check_request(assertion, request.method, request.target)
        assertions.check_time(assertion, now / timestamps.SECOND)
        if peer is not None and not expired_may:
            _check_sbt(peer, now)
        assertions.check_audience(assertion, self.identity.backend_id)
        principal = Principal("user", assertion.subject) if peer is None else Principal("peer", peer["user_id"], peer, key.fingerprint)
        if not self.store.use_jti(assertion.issuer, assertion.claims["jti"], assertion.claims["exp"], now // timestamps.SECOND):
            raise Problem("stale-request", "The jti of the assertion was used before.")
        if principal.kind not in kinds:
            raise Problem("forbidden", "Callers of this kind may not do this.")
        return principal

    def _believed(self, peer: sqlite3.Row, now: int) -> list[keys.PublicKey]:
        """The keys that count for a peer, its current one first. Called within a transaction."""
        former = self.store.former_keys(peer["peer_id"], now)
        return [keys.parse_public(row["public_key"]) for row in (peer, *former)]

    def _check_key(self, peer: sqlite3.Row, fingerprint: str) -> None:
        """Raises invalid-credential when the key no longer counts for the peer."""
        if fingerprint not in (k.fingerprint for k in self._believed(peer, self.clock())):
            raise Problem("invalid-credential", "The key is no longer one of this peer.")

    def _user_of(self, request: Request) -> str:
        return self._authenticate(request, "user", "peer").user_id

    def _registered(self, peer_id: str) -> sqlite3.Row:
        """The peer of a path /sync/{peer_id}. Raises unknown-peer or peer-revoked."""
        peer = self.store.peer(peer_id)
        if peer is None or peer["state"] == "unpaired":
            raise _unknown_peer()
        if peer["state"] == "revoked":
            raise _revoked()
        return peer

    def _authenticate_as(self, request: Request, peer_id: str) -> Principal:
        """The caller of a path /sync/{peer_id}, who has to be that peer."""
        self._registered(peer_id)
        principal = self._authenticate(request, "peer")
        if principal.peer["peer_id"] != peer_id:
            raise Problem("forbidden", "This path belongs to another peer.")
        return principal

    # Identity and health

    def get_identity(self, request: Request) -> Response:
        _ignore_body(request)
        response = _json(200, self.identity.document())
        response.fields.append(("Cache-Control", "no-cache"))
        return response

    def get_health(self, request: Request) -> Response:
        _ignore_body(request)
        with self.store.transaction():
            return _json(200, {"status": "healthy"})

    # Registration

    def register_peer(self, request: Request) -> Response:
        now = self.clock()
        body = check_members(_body(request), "the registration", {"backend_identity": _any, "sbt": _any}, {})
        stated = require_object(body["backend_identity"], "backend_identity")
        key = _key_or_none(stated.get("public_key"))
        with self.store.transaction() as store:
            backend_id = stated.get("backend_id")
            if isinstance(backend_id, str) and store.is_revoked(backend_id, key and key.fingerprint):
                raise _revoked()  # whatever the rest of the request is (BSP-REG-051)
            token = sbt.verify(body["sbt"], self.configuration.secrets.get, now)
            self._check_registration(body, stated, key)
            self._check_binding(token, stated, key)
            peer_id = self._enter(store, body, token, key, now)
        base = self.configuration.base_url
        answer = {
            "status": "registered",
            "peer_id": peer_id,
            "sync_endpoint": f"{base}/sync/{peer_id}",
            "telemetry_endpoint": f"ws{base.removeprefix('http')}/telemetry/{peer_id}",
            "sync_interval_ms": SYNC_INTERVAL_MS,
        }
        if "challenge" in body:
            answer["challenge_signature"] = self.identity.key.sign_object({
                "typ": "bsp-challenge", "challenge": body["challenge"], "backend_id": self.identity.backend_id,
                "peer_id": peer_id})
        if "sbt_id" in token:
            answer["sbt_id"] = token["sbt_id"]
        return _json(200, answer)

    def _check_registration(self, body: dict, stated: dict, key: keys.PublicKey | None) -> None:
        """The schema of a registration, its version and its key."""
        check_members(stated, "backend_identity", {
            "backend_id": is_received_id, "backend_type": is_string, "public_key": is_string, "version": is_protocol_version,
        }, {"capabilities": is_capabilities, "created_at": is_timestamp})
        if not is_backend(stated["backend_id"], stated["backend_type"]):
            raise Problem("invalid-body", "backend_type is local or hosted, and backend_id begins with it and _.")
        check_members(body, "the registration", {}, {"challenge": is_challenge, "endpoints": _is_object})
        if "endpoints" in body:
            check_members(body["endpoints"], "endpoints", {
                "peer_id": is_received_id, "sync_endpoint": is_http_url, "telemetry_endpoint": is_endpoint_url}, {})
        if stated["version"].partition(".")[0] != "1":
            raise Problem("unsupported-version", "This server speaks version 1.0.", supported=["1.0"])
        if key is None:
            raise Problem("invalid-key", "public_key is not an RSA key of 2048 to 8192 bits in PEM.")

    def _check_binding(self, token: dict, stated: dict, key: keys.PublicKey) -> None:
        """Steps 9 and 10 of section 3.3. Raises wrong-audience."""
        own, other = self.identity.backend_type, "hosted" if self.identity.backend_type == "local" else "local"
        ids = {own: self.identity.backend_id, other: stated["backend_id"]}
        fingerprints = {own: self.identity.key.public.fingerprint, other: key.fingerprint}
        if stated["backend_type"] != other or ids[own] == ids[other]:
            raise Problem("wrong-audience", f"A {own} backend pairs with {other} backends only.")
        for side in (own, other):
            if token[f"{side}_backend_id"] != ids[side]:
                raise Problem("wrong-audience", f"The sbt names another {side} backend.")
            if token.get(f"{side}_key_sha256", fingerprints[side]) != fingerprints[side]:
                raise Problem("wrong-audience", f"The sbt names another key of the {side} backend.")

    def _enter(self, store: Store, body: dict, token: dict, key: keys.PublicKey, now: int) -> str:
        """Adds or renews the registration; its peer_id."""
        stated, user_id = body["backend_identity"], token["user_id"]
        created = timestamps.parse(token["created_at"])
        unpaired = store.unpaired_at(user_id, stated["backend_id"])
        if unpaired is not None and created <= unpaired:
            raise Problem("invalid-sbt", "The backend was unpaired after this sbt was created.")
        kept = json.dumps(canonical.without(token, "signature"))
        capabilities = json.dumps(stated.get("capabilities", []))
        endpoints = json.dumps(_plain(body["endpoints"])) if "endpoints" in body else None
        held = store.active_peer(user_id, stated["backend_id"])
        if held is None:
            peer_id = new_peer_id()
            store.add_peer(
                peer_id=peer_id, user_id=user_id, backend_id=stated["backend_id"], backend_type=stated["backend_type"],
                public_key=key.pem, fingerprint=key.fingerprint, capabilities=capabilities, endpoints=endpoints, sbt=kept,
                registered_at=timestamps.format(now))
            return peer_id
        if held["fingerprint"] != key.fingerprint:
            raise Problem("key-mismatch", "The backend is registered with another key.")
        stored = timestamps.parse(json.loads(held["sbt"])["created_at"])
        if created >= stored:
            store.renew_peer(held["peer_id"], kept if created > stored else held["sbt"], capabilities, endpoints)
        return held["peer_id"]

    def list_peers(self, request: Request) -> Response:
        with self.store.transaction() as store:
            caller = self._authenticate(request, "admin", "user", "peer")
            _ignore_body(request)
            peers = store.active_peers(caller.user_id)
        return _json(200, {"peers": [{
            "peer_id": peer["peer_id"], "backend_id": peer["backend_id"], "backend_type": peer["backend_type"],
            "public_key": peer["public_key"], "capabilities": json.loads(peer["capabilities"]),
            "sbt": json.loads(peer["sbt"]), "registered_at": peer["registered_at"],
        } for peer in peers]})

    def remove_peer(self, request: Request, peer_id: str) -> Response:
        with self.store.transaction() as store:
            peer = store.peer(peer_id)
            if _scheme(request) == "bsp" and (peer is None or peer["state"] != "active"):
                raise _revoked() if peer is not None and peer["state"] == "revoked" else _unknown_peer()
            caller = self._authenticate(request, "admin", "user", "peer", expired_may=True)
            _ignore_body(request)
            if peer is None or peer["state"] != "active" or not _owns(caller, peer):
                raise _unknown_peer()
            if caller.kind == "admin":
                store.revoke(peer)
            else:
                store.unpair(peer, self.clock())
        return _json(200, {"status": "revoked" if caller.kind == "admin" else "unpaired", "peer_id": peer_id})

    def rotate_key(self, request: Request, peer_id: str) -> Response:
        with self.store.transaction():
            peer = self._registered(peer_id)
        body = require_object(_body(request), "the notice")
        names = {"peer_id": peer_id, "backend_id": peer["backend_id"], "target_backend_id": self.identity.backend_id}
        notice = rotation.read(body, keys.parse_public(peer["public_key"]), names, self.clock())
        with self.store.transaction() as store:
            if self._registered(peer_id)["fingerprint"] != peer["fingerprint"]:
                raise Problem("invalid-signature", "The key that signed was replaced meanwhile.")
            last = store.last_rotation(peer_id)
            if last is not None and notice.rotated_at <= last:
                raise Problem("stale-request", "rotated_at is not later than that of the last rotation.")
            if store.is_revoked("", notice.new_key.fingerprint):
                raise _revoked()
            if notice.new_key.fingerprint == peer["fingerprint"]:
                raise Problem("invalid-body", "The new key is the current one.")
            store.rotate_peer(peer, notice.new_key.pem, notice.new_key.fingerprint, notice.rotated_at, notice.previous_key_expires_at)
        return _json(200, {"status": "rotated", "peer_id": peer_id,
                           "previous_key_expires_at": timestamps.format(notice.previous_key_expires_at)})

    # Synchronization

    def push(self, request: Request, peer_id: str) -> Response:
        with self.store.transaction():
            peer = self._registered(peer_id)
            believed = self._believed(peer, self.clock())
        payload, key = self._verified_payload(request, believed)  # outside of the transaction: this is where the time goes
        now = self.clock()
        _check_freshness(payload, now)
        _check_sbt(peer, now)
        self._check_payload_audience(payload, peer)
        _check_payload(payload, now)
        digest = canonical.sha256(payload["conversations"])
        with self.store.transaction() as store:
            held = self._registered(peer_id)
            _check_sbt(held, now)  # it may have been removed, or renewed, or had its key replaced meanwhile
            self._check_key(held, key.fingerprint)
            earlier = store.accepted_push(peer_id, payload["sync_id"])
            if earlier is not None and earlier["digest"] != digest:
                raise Problem("sync-id-reuse", "This sync_id was accepted with other conversations.")
            if earlier is not None:
                conflicts = json.loads(earlier["conflicts"])
            else:
                conflicts = self._join(store, peer, payload["conversations"], now)
                store.remember_push(peer_id, payload["sync_id"], digest, conflicts, now)
        return _json(200, {"status": "synced", "acked_sync_id": payload["sync_id"], "conflicts": conflicts,
                           "next_sync_in_ms": SYNC_INTERVAL_MS})

    def _verified_payload(self, request: Request, believed: list[keys.PublicKey]) -> tuple[dict, keys.PublicKey]:
        """The payload, and the one of these keys that has signed it."""
        payload = require_object(_body(request), "the payload")
        try:
            key = next((k for k in believed if k.verifies_object(payload.get("signature"), payload)), None)
        except canonical.NotCanonicalizable:
            raise _not_canonicalizable() from None
        if key is None:
            raise Problem("invalid-signature", "The signature does not verify under the key of this peer.")
        return payload, key

    def _check_payload_audience(self, payload: dict, peer: sqlite3.Row) -> None:
        """Raises wrong-audience (BSP-SYN-034 to BSP-SYN-036)."""
        expected = {"peer_id": peer["peer_id"], "source_backend_id": peer["backend_id"],
                    "target_backend_id": self.identity.backend_id}
        for name, value in expected.items():
            if name in payload and payload[name] != value:
                raise Problem("wrong-audience", f"The member {name} of the payload names another one.")

    @staticmethod
    def _join(store: Store, peer: sqlite3.Row, pushed: list[dict], now: int) -> list[dict]:
        """Joins all conversations of a push; the entries of `conflicts`."""
        by_id: dict[str, list[dict]] = {}
        for conversation in pushed:
            by_id.setdefault(conversation["conversation_id"], []).append(conversation)
        return [divergence.entry(conversation_id) for conversation_id, entries in by_id.items()
                for divergence in store.join(peer["user_id"], conversation_id, entries, now, origin=peer["peer_id"])]

    def pull(self, request: Request, peer_id: str) -> Response:
        with self.store.transaction() as store:
            user_id = self._authenticate_as(request, peer_id).user_id
            _ignore_body(request)
            query = _query(request, "since", "limit", "cursor", "epoch")
            if query.get("epoch", self.identity.epoch) != self.identity.epoch:
                raise _epoch_changed()
            limit, since, after = _limit(query), _since(query), (-1, "")
            if "cursor" in query:
                since, after = self._pull_cursor(query["cursor"])
            feed = store.feed(user_id, since, after, limit + 1)
            entries, size = [], 0
            for committed, conversation_id, revived, conversation in feed[:limit]:
                # One that came back is given whole: its messages were withheld while it was deleted (BSP-SYN-118).
                conversation.messages = store.messages(user_id, conversation_id, 0 if revived >= since else since)
                entry = json.dumps({**conversation.emitted(), "messages": conversation.served_messages(True)})
                entries.append(entry)
                after, size = (committed, conversation_id), size + len(entry)
                if size > MAX_PAGE_BYTES:
                    break
            more = len(entries) < len(feed)
            # The instant after the last commit: the next commit cannot be earlier, and nothing is given twice. On a
            # page that is not the last it stays where it was, so that a client that misuses it loses nothing.
            watermark = since if more else store.last_commit(user_id) + 1
        answer = {"last_sync": timestamps.format(max(watermark, 0)), "has_more": more, "epoch": self.identity.epoch}
        if more:
            answer["cursor"] = _cursor("pull", self.identity.epoch, str(since), str(after[0]), after[1])
        body = f'{{"conversations": [{", ".join(entries)}], {json.dumps(answer)[1:]}'
        return Response(200, [("Content-Type", "application/json")], body.encode())

    def _pull_cursor(self, text: str) -> tuple[int, tuple[int, str]]:
        """`since` of the first page and the place after the last entry of the preceding one."""
        epoch, since, committed, conversation_id = _read_cursor(text, "pull", 4)
        if not re.fullmatch(r"-?[0-9]{1,25}", since) or not re.fullmatch(r"[0-9]{1,18}|[0-8][0-9]{18}", committed):
            raise _bad_cursor()
        if epoch != self.identity.epoch:
            raise _epoch_changed()
        return int(since), (int(committed), conversation_id)

    def digest(self, request: Request, peer_id: str) -> Response:
        with self.store.transaction() as store:
            conversations = store.conversations(self._authenticate_as(request, peer_id).user_id)
            _ignore_body(request)
        return _json(200, merge.state_digest(conversations))

    # Conversations

    def list_conversations(self, request: Request) -> Response:
        with self.store.transaction() as store:
            user_id = self._user_of(request)
            _ignore_body(request)
            query = _query(request, "limit", "cursor")
            limit = _limit(query)
            after = _read_cursor(query["cursor"], "list", 1)[0] if "cursor" in query else ""
            page = store.live_page(user_id, after, limit + 1)
        answer = {"conversations": [{"message_count": live, **conversation.emitted()} for conversation, live in page[:limit]],
                  "has_more": len(page) > limit}
        if answer["has_more"]:
            answer["cursor"] = _cursor("list", answer["conversations"][-1]["conversation_id"])
        return _json(200, answer)

    def read_conversation(self, request: Request, conversation_id: str) -> Response:
        with self.store.transaction() as store:
            user_id = self._user_of(request)
            _ignore_body(request)
            conversation = self._live(store, user_id, conversation_id)
            conversation.messages = store.messages(user_id, conversation_id)
            losers = store.losers(user_id, conversation_id)
        answer = {**conversation.emitted(), "messages": conversation.served_messages(False)}
        if _query(request, "conflicts").get("conflicts") == "1":
            answer["conflicts"] = [{"message_id": message["id"], "conflict_type": "diverged_messages",
                                    "recorded_at": timestamps.format(at), "message": message} for at, message in losers]
        return _json(200, answer)

    @staticmethod
    def _live(store: Store, user_id: str, conversation_id: str) -> merge.Conversation:
        conversation = store.conversation(user_id, conversation_id)
        if conversation.register is None or conversation.deleted:
            raise Problem("not-found", "There is no such conversation.")
        return conversation

    def write_message(self, request: Request, conversation_id: str) -> Response:
        with self.store.transaction() as store:
            user_id = self._user_of(request)
            now = self.clock()
            given = _check_write(_body(request), now)
            title = given.pop("title", None)
            conversation = store.conversation(user_id, conversation_id)
            held = store.message(user_id, conversation_id, given["id"]) if "id" in given else None
            repeats = (held is not None and not merge.is_deleted(held) and not conversation.deleted
                       and all(name in held and _same(held[name], value) for name, value in given.items()))
            if repeats and title in (None, conversation.register.get("title")):
                return _json(200, held)
            version = merge.next_version(store.greatest_version(user_id, conversation_id, conversation))
            if not repeats:
                written_at = _later_at_the_top(now, held, version)
                given = {"id": _new_message_id(), "timestamp": timestamps.format(written_at), **given,
                         "source_backend": self.identity.backend_id, "version": version}
            scalars = self._scalar_write(conversation, conversation_id, version, now)
            if title is not None:
                scalars["title"] = title
            store.join(user_id, conversation_id, [{**scalars, "surfaces": [] if repeats else [given["surface"]],
                                                  "messages": [] if repeats else [given]}], now)
            stored = store.message(user_id, conversation_id, given["id"])
        return _json(200 if repeats else 201, stored)

    def _scalar_write(self, conversation: merge.Conversation, conversation_id: str, version: int, now: int) -> dict:
        """The conversation's own members after a local write: as they were, but not deleted."""
        held = canonical.without(conversation.register or {}, "deleted")
        return {"source_backend": self.identity.backend_id, **held, "conversation_id": conversation_id, "version": version,
                "last_modified": timestamps.format(_after_emitted(conversation, now))}

    def delete_conversation(self, request: Request, conversation_id: str) -> Response:
        with self.store.transaction() as store:
            user_id = self._user_of(request)
            _ignore_body(request)
            conversation, now = self._live(store, user_id, conversation_id), self.clock()
            version = merge.next_version(store.greatest_version(user_id, conversation_id, conversation))
            store.join(user_id, conversation_id, [{
                "conversation_id": conversation_id, "version": version,
                "last_modified": timestamps.format(_after_emitted(conversation, now)),
                "source_backend": conversation.register["source_backend"], "deleted": True, "surfaces": [], "messages": [],
            }], now)
        return _json(200, {"status": "deleted", "version": version})

    def delete_message(self, request: Request, conversation_id: str, message_id: str) -> Response:
        with self.store.transaction() as store:
            user_id = self._user_of(request)
            _ignore_body(request)
            conversation, now = self._live(store, user_id, conversation_id), self.clock()
            held = store.message(user_id, conversation_id, message_id)
            if held is None or merge.is_deleted(held):
                raise Problem("not-found", "There is no such message.")
            version = merge.next_version(store.greatest_version(user_id, conversation_id, conversation))
            tombstone = {"id": message_id, "role": held["role"], "content": "", "surface": held["surface"],
                         "source_backend": held["source_backend"], "version": version, "deleted": True,
                         "timestamp": timestamps.format(_later_at_the_top(now, held, version))}
            scalars = self._scalar_write(conversation, conversation_id, version, now)
            store.join(user_id, conversation_id, [{**scalars, "surfaces": [], "messages": [tombstone]}], now)
        return _json(200, {"status": "deleted", "version": version})


    # Telemetry

    def stream_events(self, request: Request, peer_id: str) -> Response:
        with self.store.transaction():
            key = self._authenticate_as(request, peer_id).fingerprint
            _ignore_body(request)
        if not websocket.is_asked_for(request) or request.body:
            raise Problem("upgrade-required", "Connect with an upgrade to WebSocket.", (("Upgrade", "websocket"),))
        fields = websocket.acceptance(request)
        if fields is None:
            raise Problem("bad-request", "The opening handshake is not that of RFC 6455, version 13.")
        return Response(101, fields, upgraded=lambda sock, stream: self._stream(peer_id, key, sock, stream))

    def _stream(self, peer_id: str, key: str, sock: socket.socket, stream: Stream) -> None:
        def check() -> None:
            with self._as_the_end():
                with self.store.transaction():
                    self._check_right(peer_id, key)

        connection = websocket.WebSocket(sock, stream, check)
        self._streams.add(connection)
        try:
            connection.serve(lambda text: self._take_event(peer_id, key, text))
        finally:
            self._streams.discard(connection)

    def _take_event(self, peer_id: str, key: str, text: str) -> str:
        """Stores the event of a message; the answer. Raises Closing when the peer has lost its right."""
        try:
            value, problem = telemetry.parse(text), None
        except Problem as malformed:
            value, problem = None, malformed
        with self._as_the_end(), self.store.transaction() as store:
            peer = self._check_right(peer_id, key)
            if wait := self._budget.count(peer_id):
                return telemetry.rate_limited(telemetry.id_of(value), wait)
            try:
                if problem is not None:
                    raise problem
                event = telemetry.read(value, text)
            except Problem as invalid:
                return telemetry.rejected(telemetry.id_of(value), invalid)
            store.add_event(peer["user_id"], event.event_id, event.source_backend, event.body, self.clock())
        return telemetry.acked(event.event_id)

    def _check_right(self, peer_id: str, key: str) -> sqlite3.Row:
        """The registration, if a new connection would be accepted (BSP-TEL-060 to BSP-TEL-063)."""
        peer = self._registered(peer_id)
        _check_sbt(peer, self.clock())
        self._check_key(peer, key)  # BSP-ROT-039
        return peer

    @staticmethod
    @contextlib.contextmanager
    def _as_the_end() -> Iterator[None]:
        """Turns refusals into the end of a stream."""
        try:
            yield
        except Problem as problem:
            if problem.code == "unavailable":
                raise websocket.Closing(1011, problem.title) from None
            raise websocket.Closing(1008, "Peer not found" if problem.code == "unknown-peer" else problem.title) from None

    def close_streams(self) -> None:
        """The server stops (BSP-TEL-076)."""
        for connection in list(self._streams):
            connection.close(1012, "The server stops.")

    def list_events(self, request: Request) -> Response:
        with self.store.transaction() as store:
            user_id = self._user_of(request)
            _ignore_body(request)
            query = _query(request, "source_backend", "since", "limit", "cursor")
            limit, since, after = _limit(query), _since(query), -1
            if "source_backend" in query and not is_label(query["source_backend"]):
                raise Problem("invalid-query", "source_backend has 1 to 128 characters, none of them a control character.")
            if "cursor" in query:
                received, _ = _read_cursor(query["cursor"], "events", 2)
                if not re.fullmatch(r"[0-9]{1,18}|[0-8][0-9]{18}", received):
                    raise _bad_cursor()
                after = int(received)
            rows = store.events(user_id, query.get("source_backend"), since, after, limit + 1)
        page, size = [], 0
        for row in rows[:limit]:
            page.append(f'{row["body"][:-1]}, "received_at": "{timestamps.format(row["received"])}"}}')
            size += len(page[-1])
            if size > MAX_PAGE_BYTES:
                break
        answer = {"has_more": len(page) < len(rows)}
        if answer["has_more"]:
            last = rows[len(page) - 1]
            answer["cursor"] = _cursor("events", str(last["received"]), last["event_id"])
        body = f'{{"events": [{", ".join(page)}], {json.dumps(answer)[1:]}'
        return Response(200, [("Content-Type", "application/json")], body.encode())


# Small parts of the above


def _json(status: int, value: object) -> Response:
    return Response(status, [("Content-Type", "application/json")], json.dumps(value).encode())


def _allow(methods: dict[str, Callable]) -> str:
    return ", ".join([*methods, *(["HEAD"] if "GET" in methods else []), "OPTIONS"])


def _any(_: object) -> bool:
    return True


def _is_object(value: object) -> bool:
    return isinstance(value, dict)


def _plain(endpoints: dict) -> dict:
    """The members that have a meaning: the others may hold numbers that cannot be kept."""
    return {name: endpoints[name] for name in ("peer_id", "sync_endpoint", "telemetry_endpoint")}


def _body(request: Request) -> object:
    try:
        return ijson.parse(request.body)
    except ijson.Malformed as malformed:
        raise Problem("malformed-body", f"The body cannot be read: {malformed}.") from None


def _ignore_body(request: Request) -> None:
    """A body that means nothing has to be I-JSON all the same."""
    if request.body:
        _body(request)


def _decode(text: str, code: str) -> str:
    if not _BAD_PERCENT.search(text):
        with contextlib.suppress(UnicodeDecodeError):
            return urllib.parse.unquote_to_bytes(text).decode("utf-8")
    raise Problem(code, "The request target holds malformed percent-encoding.")


def _query(request: Request, *known: str) -> dict[str, str]:
    """The known parameters, each at most once; others are ignored (BSP-GEN-008)."""
    found: dict[str, str] = {}
    for pair in request.target.partition("?")[2].split("&"):
        name, _, value = pair.partition("=")
        if name in known:
            if name in found:
                raise Problem("invalid-query", f"The parameter {name} appears more than once.")
            found[name] = _decode(value, "invalid-query")
    return found


def _limit(query: dict[str, str]) -> int:
    text = query.get("limit", "100")
    if not _LIMIT.fullmatch(text) or int(text) > 500:
        raise Problem("invalid-query", "limit is a decimal integer from 1 to 500.")
    return int(text)


def _since(query: dict[str, str]) -> int:
    if "since" not in query:
        return 0
    try:
        return timestamps.parse(query["since"])
    except ValueError:
        raise Problem("invalid-query", "since is not a timestamp.") from None


def _cursor(*parts: str) -> str:
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


def _bad_cursor() -> Problem:
    return Problem("invalid-query", "The cursor is not one that this server gave here.")


def _read_cursor(text: str, kind: str, count: int) -> list[str]:
    """The parts of a cursor after its kind. Raises invalid-query."""
    try:
        if not _BASE64URL.fullmatch(text):
            raise _bad_cursor()
        parts = ijson.parse(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except ValueError:
        raise _bad_cursor() from None
    if not isinstance(parts, list) or len(parts) != count + 1 or not all(isinstance(p, str) for p in parts):
        raise _bad_cursor()
    if parts[0] != kind or not is_identifier(parts[-1]):
        raise _bad_cursor()
    return parts[1:]


def _scheme(request: Request) -> str:
    return (request.value("authorization") or "").partition(" ")[0].lower()


def _owns(caller: Principal, peer: sqlite3.Row) -> bool:
    """Whether a caller may remove a registration (BSP-REG-040)."""
    if caller.kind == "peer":
        return caller.peer["peer_id"] == peer["peer_id"]
    return caller.kind == "admin" or caller.user_id == peer["user_id"]


def _unknown_peer() -> Problem:
    return Problem("unknown-peer", "There is no such registration.")


def _revoked() -> Problem:
    return Problem("peer-revoked", "An administrator revoked this backend.")


def _epoch_changed() -> Problem:
    return Problem("epoch-changed", "The store was recreated or restored; pull from the beginning.")


def _not_canonicalizable() -> Problem:
    return Problem("not-canonicalizable", "The body holds a number that is not a plain integer within 2^53-1.")


def _key_or_none(pem: object) -> keys.PublicKey | None:
    try:
        return keys.parse_public(pem) if isinstance(pem, str) else None
    except keys.InvalidKey:
        return None


def _check_sbt(peer: sqlite3.Row, now: int) -> None:
    """Raises sbt-expired (BSP-SBT-035)."""
    expires_at = json.loads(peer["sbt"])["expires_at"]
    if now >= timestamps.parse(expires_at):
        raise Problem("sbt-expired", f"The session binding token of this peer expired at {expires_at}.")


def _check_freshness(payload: dict, now: int) -> None:
    if not is_timestamp(payload.get("timestamp")):
        raise Problem("invalid-body", "The timestamp of the payload is missing or malformed.")
    if abs(timestamps.parse(payload["timestamp"]) - now) > FRESHNESS:
        raise Problem("stale-request", "The timestamp of the payload is more than 300 seconds from now.")


def _is_content(value: object) -> bool:
    return isinstance(value, str) and len(value.encode()) <= MAX_CONTENT


_MESSAGE = {"id": is_identifier, "role": is_label, "content": _is_content, "timestamp": is_timestamp, "surface": is_label,
            "source_backend": is_label, "version": is_version}
_CONVERSATION = {"conversation_id": is_identifier, "version": is_version, "messages": lambda v: isinstance(v, list),
                 "surfaces": lambda v: isinstance(v, list) and all(map(is_label, v)), "last_modified": is_timestamp,
                 "source_backend": is_label}
_FLAGS = {"deleted": is_boolean, "redacted": is_boolean}
_WRITE = {"role": is_label, "content": _is_content, "surface": is_label}
_OPTIONAL_IN_WRITE = {"id": is_identifier, "timestamp": is_timestamp, "title": is_string}
_SET_BY_SERVER = ("version", "source_backend", "deleted", "redacted")


def _check_not_in_future(instant: str, now: int) -> None:
    if timestamps.parse(instant) > now + FUTURE_TOLERANCE:
        raise Problem("invalid-body", "A timestamp lies more than 24 hours in the future.")


def _check_payload(payload: dict, now: int) -> None:
    """The schema of a push (sections 6.1 and 6.2). Raises invalid-body."""
    check_members(payload, "the payload", {"sync_id": is_identifier, "conversations": lambda v: isinstance(v, list)}, {})
    if "typ" in payload:
        raise Problem("invalid-body", "A payload has no member typ.")
    for conversation in payload["conversations"]:
        check_conversation(conversation)
        for instant in (conversation["last_modified"], *(message["timestamp"] for message in conversation["messages"])):
            _check_not_in_future(instant, now)


def check_conversation(conversation: object) -> None:
    """The schema of a conversation, in a push or in a feed (section 6.1). Raises invalid-body."""
    check_members(conversation, "a conversation", _CONVERSATION, {"title": is_string, **_FLAGS})
    for message in conversation["messages"]:
        check_members(message, "a message", _MESSAGE, _FLAGS)
        if merge.is_deleted(message) and message["content"]:
            raise Problem("invalid-body", "A tombstone has content.")


def _check_write(body: object, now: int) -> dict:
    """A copy of the body of a local write. Raises invalid-body or not-canonicalizable."""
    given = check_members(body, "the message", _WRITE, _OPTIONAL_IN_WRITE)
    for name in _SET_BY_SERVER:
        if name in given:
            raise Problem("invalid-body", f"The member {name} is set by the server.")
    if ijson.depth(given) > ijson.MAX_DEPTH - 4:  # the levels that a push wraps around a message (BSP-CNV-071)
        raise Problem("invalid-body", "The message is nested too deeply to be pushed to another backend.")
    try:
        canonical.octets(given)
    except canonical.NotCanonicalizable:
        raise _not_canonicalizable() from None
    if "timestamp" in given:
        _check_not_in_future(given["timestamp"], now)
    return dict(given)


def _same(a: object, b: object) -> bool:
    return canonical.octets(a) == canonical.octets(b)  # and not ==, to which True is 1


def _new_message_id() -> str:
    return new_peer_id().replace("peer_", "msg_")


def _after_emitted(conversation: merge.Conversation, now: int) -> int:
    """The last_modified of a local write: it wins, even at the greatest version (BSP-MRG-073, BSP-MRG-075)."""
    return now if conversation.register is None else max(now, timestamps.parse(conversation.last_modified) + 1)


def _later_at_the_top(now: int, held: merge.Message | None, version: int) -> int:
    """The timestamp of a new version of a message, which decides where versions cannot grow any more."""
    if held is None or held["version"] < version:
        return now
    return max(now, timestamps.parse(held["timestamp"]) + 1)
