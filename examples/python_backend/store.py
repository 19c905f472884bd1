"""Durable state in SQLite. What a transaction changed is on the disk when the transaction is left (BSP-GEN-111)."""

from __future__ import annotations

import contextlib
import json
import secrets
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import canonical
import merge
import timestamps
from merge import Conversation
from problems import Problem

SYNC_ID_MEMORY = 48 * 3600 * timestamps.SECOND  # at least 24 hours (BSP-SYN-075)
LOSER_MEMORY = 30 * timestamps.DAY * timestamps.SECOND  # BSP-CNV-022
MAX_INSTANT = 2**63 - 1

_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS peers (
    peer_id TEXT PRIMARY KEY, user_id TEXT NOT NULL, backend_id TEXT NOT NULL, backend_type TEXT NOT NULL,
    public_key TEXT NOT NULL, fingerprint TEXT NOT NULL, capabilities TEXT NOT NULL, endpoints TEXT,
    sbt TEXT NOT NULL, registered_at TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'unpaired', 'revoked')));
CREATE UNIQUE INDEX IF NOT EXISTS one_active_peer ON peers (user_id, backend_id) WHERE state = 'active';
CREATE TABLE IF NOT EXISTS unpairings (
    user_id TEXT, backend_id TEXT, at INTEGER NOT NULL, PRIMARY KEY (user_id, backend_id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS revocations (kind TEXT, value TEXT, PRIMARY KEY (kind, value)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS rotations (
    number INTEGER PRIMARY KEY, peer_id TEXT NOT NULL, rotated_at TEXT NOT NULL,
    public_key TEXT NOT NULL, fingerprint TEXT NOT NULL, expires_at TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS rotations_of_peer ON rotations (peer_id, number);
CREATE TABLE IF NOT EXISTS used_jtis (
    issuer TEXT, jti TEXT, expires INTEGER NOT NULL, PRIMARY KEY (issuer, jti)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS used_jtis_by_time ON used_jtis (expires);
CREATE TABLE IF NOT EXISTS accepted_pushes (
    peer_id TEXT, sync_id TEXT, digest BLOB NOT NULL, conflicts TEXT NOT NULL, at INTEGER NOT NULL,
    PRIMARY KEY (peer_id, sync_id)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS accepted_pushes_by_time ON accepted_pushes (at);
CREATE TABLE IF NOT EXISTS conversations (
    user_id TEXT, conversation_id TEXT, register TEXT NOT NULL, version INTEGER NOT NULL, last_modified TEXT NOT NULL,
    surfaces TEXT NOT NULL, committed INTEGER NOT NULL, revived INTEGER NOT NULL,
    PRIMARY KEY (user_id, conversation_id)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS feed ON conversations (user_id, committed, conversation_id);
CREATE TABLE IF NOT EXISTS messages (
    user_id TEXT, conversation_id TEXT, id TEXT, version INTEGER NOT NULL, body TEXT NOT NULL,
    committed INTEGER NOT NULL, PRIMARY KEY (user_id, conversation_id, id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS losers (
    user_id TEXT, conversation_id TEXT, id TEXT, digest BLOB, body TEXT NOT NULL, at INTEGER NOT NULL,
    PRIMARY KEY (user_id, conversation_id, id, digest)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS events (
    user_id TEXT, event_id TEXT, source_backend TEXT NOT NULL, received INTEGER NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (user_id, event_id)) WITHOUT ROWID;
CREATE UNIQUE INDEX IF NOT EXISTS events_by_time ON events (user_id, received);
CREATE TABLE IF NOT EXISTS changes (
    user_id TEXT, conversation_id TEXT, origin TEXT, committed INTEGER NOT NULL,
    PRIMARY KEY (user_id, conversation_id, origin)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS links (
    peer_id TEXT PRIMARY KEY, pushed INTEGER NOT NULL DEFAULT 0, since TEXT, cursor TEXT, epoch TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS untold (
    number INTEGER PRIMARY KEY AUTOINCREMENT, peer_id TEXT NOT NULL, event_id TEXT NOT NULL, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS set_aside (
    peer_id TEXT, conversation_id TEXT, until INTEGER NOT NULL, PRIMARY KEY (peer_id, conversation_id)) WITHOUT ROWID;
"""


class Store:
    """One connection, used by one thread at a time.

    All methods but `transaction` are called within a transaction. Conversations are kept per user; `committed` is the
    instant of the last change of a row, which orders the change feed.
    """

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._news = threading.Condition()
        self.changes = 0  # grows with whatever a client of other backends may have to act on
        self._touched = False
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.executescript("BEGIN IMMEDIATE;" + _SCHEMA + "COMMIT;")

    @contextlib.contextmanager
    def transaction(self) -> Iterator[Store]:
        """All or nothing, one at a time.

        A Problem commits too: handlers refuse before they write, so that what is kept is the `jti` of an assertion
        that was accepted (BSP-AUT-044). Any other exception rolls back. Raises unavailable if SQLite fails.
        """
        with self._lock:
            try:
                self._db.execute("BEGIN IMMEDIATE")
                try:
                    yield self
                except Problem:
                    self._db.execute("COMMIT")
                    raise
                self._db.execute("COMMIT")
                if self._touched:
                    self.touch()
            except sqlite3.Error:
                raise Problem("unavailable", "The store is not available at present.") from None
            finally:
                self._touched = False
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")

    def touch(self) -> None:
        """Wakes whoever waits for changes."""
        with self._news:
            self.changes += 1
            self._news.notify_all()

    def wait(self, seen: int, seconds: float) -> None:
        """Until there is a change after those `seen`, or the time is over. Called outside of transactions."""
        with self._news:
            self._news.wait_for(lambda: self.changes != seen, seconds)

    # Names and secrets of this installation

    def constant(self, name: str, make: object) -> str:
        """A value that is made once, at the first call, and kept."""
        row = self._db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        if row is not None:
            return row["value"]
        value = make()
        self._db.execute("INSERT INTO meta VALUES (?, ?)", (name, value))
        return value

    # Peers

    def peer(self, peer_id: str) -> sqlite3.Row | None:
        """A registration in whatever state."""
        return self._db.execute("SELECT * FROM peers WHERE peer_id = ?", (peer_id,)).fetchone()

    def active_peer(self, user_id: str, backend_id: str) -> sqlite3.Row | None:
        return self._db.execute("SELECT * FROM peers WHERE user_id = ? AND backend_id = ? AND state = 'active'",
                                (user_id, backend_id)).fetchone()

    def active_peers(self, user_id: str | None) -> list[sqlite3.Row]:
        """The registrations of one user, or of all."""
        return self._db.execute("SELECT * FROM peers WHERE state = 'active' AND (?1 IS NULL OR user_id = ?1) "
                                "ORDER BY registered_at, peer_id", (user_id,)).fetchall()

    def add_peer(self, **columns: str | None) -> None:
        self._touched = True
        names = ", ".join(columns)
        self._db.execute(f"INSERT INTO peers ({names}) VALUES ({', '.join('?' * len(columns))})", (*columns.values(),))

    def renew_peer(self, peer_id: str, sbt: str, capabilities: str, endpoints: str | None) -> None:
        """Replaces the token and the capabilities, and the endpoints if there are any."""
        self._touched = True
        self._db.execute("UPDATE peers SET sbt = ?, capabilities = ?, endpoints = coalesce(?, endpoints) "
                         "WHERE peer_id = ?", (sbt, capabilities, endpoints, peer_id))

    def rotate_peer(self, peer: sqlite3.Row, public_key: str, fingerprint: str, rotated_at: int, expires_at: int) -> None:
        """Another key for a peer; the one before counts until `expires_at` (chapter 13)."""
        self._touched = True
        self._db.execute("INSERT INTO rotations (peer_id, rotated_at, public_key, fingerprint, expires_at) VALUES (?, ?, ?, ?, ?)",
                         (peer["peer_id"], str(rotated_at), peer["public_key"], peer["fingerprint"], str(expires_at)))
        self._db.execute("UPDATE peers SET public_key = ?, fingerprint = ? WHERE peer_id = ?", (public_key, fingerprint, peer["peer_id"]))

    def last_rotation(self, peer_id: str) -> int | None:
        """`rotated_at` of the last notice that was accepted, in nanoseconds (as text: it may be beyond 64 bits)."""
        row = self._db.execute("SELECT rotated_at FROM rotations WHERE peer_id = ? ORDER BY number DESC LIMIT 1", (peer_id,)).fetchone()
        return None if row is None else int(row["rotated_at"])

    def former_keys(self, peer_id: str, now: int) -> list[sqlite3.Row]:
        """Of the last two keys before the current one, those that count still (BSP-ROT-031 to BSP-ROT-035)."""
        rows = self._db.execute("SELECT * FROM rotations WHERE peer_id = ? ORDER BY number DESC LIMIT 2", (peer_id,)).fetchall()
        return [row for row in rows if now < int(row["expires_at"]) and not self.is_revoked("", row["fingerprint"])]

    def unpair(self, peer: sqlite3.Row, now: int) -> None:
        self._touched = True
        self._db.execute("UPDATE peers SET state = 'unpaired' WHERE peer_id = ?", (peer["peer_id"],))
        self._db.execute("INSERT OR REPLACE INTO unpairings VALUES (?, ?, ?)", (peer["user_id"], peer["backend_id"], now))

    def unpaired_at(self, user_id: str, backend_id: str) -> int | None:
        row = self._db.execute("SELECT at FROM unpairings WHERE user_id = ? AND backend_id = ?",
                               (user_id, backend_id)).fetchone()
        return None if row is None else row["at"]

    def revoke(self, peer: sqlite3.Row) -> None:
        """Locks out the backend and all keys it had, for all users (BSP-REG-053, BSP-ROT-060)."""
        former = self._db.execute("SELECT fingerprint FROM rotations WHERE peer_id = ?", (peer["peer_id"],)).fetchall()
        fingerprints = {peer["fingerprint"], *(row["fingerprint"] for row in former)}
        self._db.executemany("INSERT OR IGNORE INTO revocations VALUES (?, ?)",
                             [("backend_id", peer["backend_id"]), *(("key", f) for f in fingerprints)])
        self._db.execute("UPDATE peers SET state = 'revoked' WHERE state = 'active' AND (backend_id = ? OR "
                         "fingerprint IN (SELECT value FROM revocations WHERE kind = 'key'))", (peer["backend_id"],))

    def is_revoked(self, backend_id: str, fingerprint: str | None) -> bool:
        return self._db.execute("SELECT 1 FROM revocations WHERE (kind, value) IN (VALUES ('backend_id', ?), ('key', ?))",
                                (backend_id, fingerprint)).fetchone() is not None

    # Replay and repetition

    def use_jti(self, issuer: str, jti: str, expires: int, now: int) -> bool:
        """Remembers a `jti` until it expires; whether it was new. Times in seconds."""
        self._db.execute("DELETE FROM used_jtis WHERE expires <= ?", (now,))
        return self._db.execute("INSERT OR IGNORE INTO used_jtis VALUES (?, ?, ?)", (issuer, jti, expires)).rowcount == 1

    def accepted_push(self, peer_id: str, sync_id: str) -> sqlite3.Row | None:
        return self._db.execute("SELECT digest, conflicts FROM accepted_pushes WHERE peer_id = ? AND sync_id = ?",
                                (peer_id, sync_id)).fetchone()

    def remember_push(self, peer_id: str, sync_id: str, digest: bytes, conflicts: list, now: int) -> None:
        self._db.execute("DELETE FROM accepted_pushes WHERE at < ?", (now - SYNC_ID_MEMORY,))
        self._db.execute("INSERT INTO accepted_pushes VALUES (?, ?, ?, ?, ?)",
                         (peer_id, sync_id, digest, json.dumps(conflicts), now))

    # Telemetry

    def add_event(self, user_id: str, event_id: str, source_backend: str, body: str, now: int) -> None:
        """Keeps an event, later than all before, unless one with its id is held (BSP-TEL-053)."""
        last = self._db.execute("SELECT max(received) FROM events WHERE user_id = ?", (user_id,)).fetchone()[0]
        self._db.execute("INSERT OR IGNORE INTO events VALUES (?, ?, ?, ?, ?)",
                         (user_id, event_id, source_backend, now if last is None else max(now, last + 1), body))

    def events(self, user_id: str, source_backend: str | None, since: int, after: int, limit: int) -> list[sqlite3.Row]:
        """Events received at or after `since`, of one source or of all, in their order; those after `after`."""
        return self._db.execute("SELECT event_id, received, body FROM events WHERE user_id = ?1 AND received >= ?2 AND received > ?3 "
                                "AND (?4 IS NULL OR source_backend = ?4) ORDER BY received LIMIT ?5",
                                (user_id, min(max(since, 0), MAX_INSTANT), after, source_backend, limit)).fetchall()

    # Conversations

    def _conversation(self, row: sqlite3.Row) -> Conversation:
        return Conversation(json.loads(row["register"]), row["version"], row["last_modified"],
                            set(json.loads(row["surfaces"])))

    def conversation(self, user_id: str, conversation_id: str) -> Conversation:
        """A conversation without its messages; its register is None if there is none."""
        row = self._db.execute("SELECT * FROM conversations WHERE user_id = ? AND conversation_id = ?",
                               (user_id, conversation_id)).fetchone()
        return Conversation() if row is None else self._conversation(row)

    def message(self, user_id: str, conversation_id: str, message_id: str) -> merge.Message | None:
        row = self._db.execute("SELECT body FROM messages WHERE user_id = ? AND conversation_id = ? AND id = ?",
                               (user_id, conversation_id, message_id)).fetchone()
        return None if row is None else json.loads(row["body"])

    def messages(self, user_id: str, conversation_id: str, committed_from: int = 0) -> dict[str, merge.Message]:
        """The messages of a conversation that changed at or after an instant."""
        rows = self._db.execute("SELECT id, body FROM messages WHERE user_id = ? AND conversation_id = ? AND committed >= ?",
                                (user_id, conversation_id, committed_from))
        return {row["id"]: json.loads(row["body"]) for row in rows}

    def conversations(self, user_id: str) -> dict[str, Conversation]:
        """All conversations of a user with their messages."""
        found = {}
        for row in self._db.execute("SELECT * FROM conversations WHERE user_id = ?", (user_id,)).fetchall():
            found[row["conversation_id"]] = conversation = self._conversation(row)
            conversation.messages = self.messages(user_id, row["conversation_id"])
        return found

    def live_page(self, user_id: str, after: str, limit: int) -> list[tuple[Conversation, int]]:
        """Conversations that are not deleted, in the order of their ids, each with its number of live messages."""
        rows = self._db.execute(
            "SELECT * FROM conversations WHERE user_id = ? AND conversation_id > ? "
            "AND json_extract(register, '$.deleted') IS NOT 1 ORDER BY conversation_id LIMIT ?", (user_id, after, limit))
        return [(self._conversation(row), self._count_live(user_id, row["conversation_id"])) for row in rows.fetchall()]

    def _count_live(self, user_id: str, conversation_id: str) -> int:
        return self._db.execute("SELECT count(*) FROM messages WHERE user_id = ? AND conversation_id = ? "
                                "AND json_extract(body, '$.deleted') IS NOT 1", (user_id, conversation_id)).fetchone()[0]

    def greatest_version(self, user_id: str, conversation_id: str, conversation: Conversation) -> int:
        """The greatest version seen in a conversation, its messages included."""
        row = self._db.execute("SELECT max(version) FROM messages WHERE user_id = ? AND conversation_id = ?",
                               (user_id, conversation_id)).fetchone()
        return max(conversation.version, row[0] or 0)

    def last_commit(self, user_id: str) -> int:
        """The instant of the last change of a user's data, 0 if there was none."""
        return self._db.execute("SELECT max(committed) FROM conversations WHERE user_id = ?", (user_id,)).fetchone()[0] or 0

    def next_commit(self, user_id: str, now: int) -> int:
        """The instant of a change that is made now: later than all before, whatever the clock says."""
        return max(now, self.last_commit(user_id) + 1)

    def feed(self, user_id: str, since: int, after: tuple[int, str], limit: int) -> list[tuple[int, str, int, Conversation]]:
        """Conversations changed at or after `since`, in the order of their commits: (committed, id, revived, state)."""
        rows = self._db.execute(
            "SELECT * FROM conversations WHERE user_id = ? AND committed >= ? AND (committed, conversation_id) > (?, ?) "
            "ORDER BY committed, conversation_id LIMIT ?", (user_id, min(max(since, 0), MAX_INSTANT), *after, limit))
        return [(r["committed"], r["conversation_id"], r["revived"], self._conversation(r)) for r in rows.fetchall()]

    def join(self, user_id: str, conversation_id: str, incoming: list[dict], now: int, origin: str = "") -> list[merge.Divergence]:
        """Joins entries of one conversation into the state; the divergences that were met.

        `origin` is the peer_id of the peer that it came from, or empty for a write at this backend.
        """
        state = self.conversation(user_id, conversation_id)
        arriving = [message for entry in incoming for message in entry["messages"]]
        for message_id in {message["id"] for message in arriving}:
            if (held := self.message(user_id, conversation_id, message_id)) is not None:
                state.messages[message_id] = held
        before, was_deleted, row_before = dict(state.messages), state.deleted, self._row(state)
        for entry in incoming:
            state.join(entry)
        changed = {i: m for i, m in state.messages.items() if m is not before.get(i)}  # not !=, to which 1 is True
        commit = self.next_commit(user_id, now)
        if changed or self._row(state) != row_before:
            revived = commit if was_deleted and not state.deleted else None
            self._db.execute(
                "INSERT INTO conversations VALUES (?, ?, ?, ?, ?, ?, ?, coalesce(?, 0)) "
                "ON CONFLICT DO UPDATE SET register = excluded.register, version = excluded.version, "
                "last_modified = excluded.last_modified, surfaces = excluded.surfaces, committed = excluded.committed, "
                "revived = max(revived, excluded.revived)",
                (user_id, conversation_id, *self._row(state), commit, revived))
            self._db.execute("INSERT OR REPLACE INTO changes VALUES (?, ?, ?, ?)", (user_id, conversation_id, origin, commit))
            if revived:  # what was withheld from a peer is due to it, even if it was the one that brought the conversation back
                self._db.execute("UPDATE changes SET committed = ? WHERE user_id = ? AND conversation_id = ? AND origin <> ?",
                                 (commit, user_id, conversation_id, origin))
            self._touched = True
        self._db.executemany("INSERT OR REPLACE INTO messages VALUES (?, ?, ?, ?, ?, ?)", [
            (user_id, conversation_id, i, m["version"], canonical.text(m), commit) for i, m in changed.items()])
        found = merge.divergences(before, arriving, state.messages)
        self._keep_losers(user_id, conversation_id, state, found, now)
        return found

    @staticmethod
    def _row(state: Conversation) -> tuple:
        return (canonical.text(state.register), state.version, state.last_modified, canonical.text(sorted(state.surfaces)))

    # Messages that lost, for ?conflicts=1

    def _keep_losers(self, user_id: str, conversation_id: str, state: Conversation, found: list[merge.Divergence],
                     now: int) -> None:
        for divergence in found:
            loser = divergence.loser
            if not merge.is_deleted(loser) and not merge.is_deleted(state.messages[loser["id"]]):
                self._db.execute("INSERT OR IGNORE INTO losers VALUES (?, ?, ?, ?, ?, ?)", (
                    user_id, conversation_id, loser["id"], canonical.sha256(loser), canonical.text(loser), now))
        for message in state.messages.values():
            if merge.is_deleted(message):
                self._db.execute("DELETE FROM losers WHERE user_id = ? AND conversation_id = ? AND id = ?",
                                 (user_id, conversation_id, message["id"]))
        if state.deleted:
            self._db.execute("DELETE FROM losers WHERE user_id = ? AND conversation_id = ?", (user_id, conversation_id))
        self._db.execute("DELETE FROM losers WHERE at < ?", (now - LOSER_MEMORY,))

    def losers(self, user_id: str, conversation_id: str) -> list[tuple[int, merge.Message]]:
        rows = self._db.execute("SELECT at, body FROM losers WHERE user_id = ? AND conversation_id = ? ORDER BY at, id, digest",
                                (user_id, conversation_id))
        return [(row["at"], json.loads(row["body"])) for row in rows]

    # What is kept of the peers that are called, section 10.1

    def due(self, peer: sqlite3.Row, now: int) -> list[tuple[str, int]]:
        """What a peer does not know yet, in the order of commits: conversation ids, and from when on their messages count.

        What came from the peer itself is not due to it (BSP-OFF-026). A conversation that was set aside is due, as a
        whole, when its time has come.
        """
        pushed = self._db.execute("SELECT pushed FROM links WHERE peer_id = ?", (peer["peer_id"],)).fetchone()
        position = pushed["pushed"] if pushed else 0
        rows = self._db.execute(
            "SELECT c.conversation_id AS id, max(c.committed) AS at, s.until AS until, v.revived AS revived FROM changes c "
            "JOIN conversations v USING (user_id, conversation_id) "
            "LEFT JOIN set_aside s ON s.peer_id = ?1 AND s.conversation_id = c.conversation_id "
            "WHERE c.user_id = ?2 AND c.origin <> ?1 GROUP BY c.conversation_id "
            "HAVING CASE WHEN s.until IS NULL THEN max(c.committed) > ?3 ELSE s.until <= ?4 END ORDER BY at, id",
            (peer["peer_id"], peer["user_id"], position, now)).fetchall()
        return [(r["id"], 0 if r["until"] is not None or r["revived"] > position else position + 1) for r in rows]

    def acknowledged(self, peer_id: str, conversation_ids: list[str], position: int | None) -> None:
        """A push arrived; `position` is that of its snapshot, when it was the last of it."""
        self._db.executemany("DELETE FROM set_aside WHERE peer_id = ? AND conversation_id = ?", [(peer_id, i) for i in conversation_ids])
        if position is not None:
            self._db.execute("INSERT INTO links (peer_id, pushed) VALUES (?, ?) ON CONFLICT DO UPDATE SET pushed = excluded.pushed",
                             (peer_id, position))

    def set_aside(self, peer_id: str, conversation_id: str, until: int) -> None:
        self._db.execute("INSERT OR REPLACE INTO set_aside VALUES (?, ?, ?)", (peer_id, conversation_id, until))

    def place_in_feed(self, peer_id: str) -> dict[str, str | None]:
        row = self._db.execute("SELECT since, cursor, epoch FROM links WHERE peer_id = ?", (peer_id,)).fetchone()
        return dict(row) if row else {"since": None, "cursor": None, "epoch": None}

    def keep_place(self, peer_id: str, since: str | None, cursor: str | None, epoch: str | None) -> None:
        self._db.execute(
            "INSERT INTO links (peer_id, since, cursor, epoch) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
            "since = excluded.since, cursor = excluded.cursor, epoch = excluded.epoch", (peer_id, since, cursor, epoch))

    def tell(self, peer_id: str, event_id: str, body: str, most: int) -> None:
        """Queues an event for a peer, whose oldest ones make room for it (BSP-OFF-061)."""
        self._touched = True
        self._db.execute("INSERT INTO untold (peer_id, event_id, body) VALUES (?, ?, ?)", (peer_id, event_id, body))
        self._db.execute("DELETE FROM untold WHERE peer_id = ?1 AND number NOT IN "
                         "(SELECT number FROM untold WHERE peer_id = ?1 ORDER BY number DESC LIMIT ?2)", (peer_id, most))

    def untold(self, peer_id: str, after: int, limit: int) -> list[sqlite3.Row]:
        """The events that wait for a peer's answer, oldest first."""
        return self._db.execute("SELECT number, event_id, body FROM untold WHERE peer_id = ? AND number > ? ORDER BY number LIMIT ?",
                                (peer_id, after, limit)).fetchall()

    def told(self, numbers: list[int]) -> None:
        self._db.executemany("DELETE FROM untold WHERE number = ?", [(number,) for number in numbers])

    def begin_anew(self, peer_id: str) -> None:
        """Forgets what the peer knew and what it gave (BSP-SYN-134)."""
        self._db.execute("DELETE FROM links WHERE peer_id = ?", (peer_id,))
        self._touched = True


def new_peer_id() -> str:
    return f"peer_{secrets.token_hex(16)}"
