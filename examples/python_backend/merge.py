"""The join, chapter 7, and the digest of a state, section 6.5. Nothing here knows about storage or HTTP."""

from __future__ import annotations

from dataclasses import dataclass, field

import canonical
import timestamps

MAX_VERSION = 2**53 - 1

Message = dict[str, object]


def _stamp(write: dict[str, object], instant_of: str) -> tuple[int, int, bool, bytes]:
    return (write["version"], timestamps.parse(write[instant_of]), write.get("redacted") is not True,
            canonical.sha256(write))


def message_order(message: Message) -> tuple[int, int, bool, bytes]:
    """The place of a message in the total order of section 7.2."""
    return _stamp(message, "timestamp")


def scalar_order(write: dict[str, object]) -> tuple[int, int, bool, bytes]:
    """The stamp of a scalar write, section 7.3."""
    return _stamp(write, "last_modified")


def is_deleted(write: dict[str, object]) -> bool:
    return write.get("deleted") is True


def by_time(messages: list[Message]) -> list[Message]:
    """Messages in the order in which they are served (BSP-CNV-012)."""
    return sorted(messages, key=lambda m: (timestamps.parse(m["timestamp"]), m["id"]))


def next_version(greatest_seen: int) -> int:
    """The version of a local write (BSP-MRG-070)."""
    return min(greatest_seen + 1, MAX_VERSION)


@dataclass
class Conversation:
    """The joined state of one conversation, or the part of it that a caller needs.

    `register` is the winning scalar write as received. `last_modified` and `version` are emitted apart from it.
    """

    register: dict[str, object] | None = None
    version: int = 0
    last_modified: str = ""
    surfaces: set[str] = field(default_factory=set)
    messages: dict[str, Message] = field(default_factory=dict)

    @property
    def deleted(self) -> bool:
        return self.register is not None and is_deleted(self.register)

    def join_scalar(self, write: dict[str, object]) -> None:
        """Joins the members other than `messages` and `surfaces`."""
        if self.register is None:
            self.register, self.version, self.last_modified = write, write["version"], write["last_modified"]
            return
        self.version = max(self.version, write["version"])
        self.last_modified = max(self.last_modified, write["last_modified"], key=lambda t: (timestamps.parse(t), t))
        self.register = max(self.register, write, key=scalar_order)

    def join_message(self, message: Message) -> None:
        """Joins one message. The surfaces of messages that lose count as well, or the order of arrival would show."""
        held = self.messages.get(message["id"])
        self.messages[message["id"]] = message if held is None else max(held, message, key=message_order)
        if not is_deleted(message):
            self.surfaces.add(message["surface"])

    def join(self, conversation: dict[str, object]) -> None:
        """Joins a conversation as it was pushed."""
        self.join_scalar(canonical.without(conversation, "messages", "surfaces"))
        self.surfaces.update(conversation["surfaces"])
        for message in conversation["messages"]:
            self.join_message(message)

    def emitted_scalars(self) -> dict[str, object]:
        """The conversation as emitted, without `messages` and `surfaces`."""
        return {**self.register, "version": self.version, "last_modified": self.last_modified}

    def emitted(self) -> dict[str, object]:
        """The conversation as emitted, without `messages`."""
        return {**self.emitted_scalars(), "surfaces": sorted(self.surfaces)}

    def served_messages(self, with_tombstones: bool) -> list[Message]:
        """What may be shown of the messages: of a deleted conversation tombstones at most (BSP-MRG-054)."""
        return by_time([m for m in self.messages.values()
                        if (with_tombstones if is_deleted(m) else not self.deleted)])


@dataclass(frozen=True)
class Divergence:
    """A pushed message that met another one of the same identity and version (BSP-MRG-060)."""

    held: Message
    incoming: Message
    incoming_stands: bool

    @property
    def loser(self) -> Message:
        return min(self.held, self.incoming, key=message_order)

    def entry(self, conversation_id: str) -> dict[str, object]:
        return {
            "conversation_id": conversation_id,
            "message_id": self.held["id"],
            "local_version": self.held["version"],
            "incoming_version": self.incoming["version"],
            "conflict_type": "diverged_messages",
            "resolution_strategy": "last_write_wins",
            "winner": "incoming" if self.incoming_stands else "local",
        }


def divergences(held: dict[str, Message], incoming: list[Message], joined: dict[str, Message]) -> list[Divergence]:
    """The divergences between what was held before a push and what the push brought."""
    found = []
    for message in incoming:
        before = held.get(message["id"])
        if (before is not None and before["version"] == message["version"]
                and (before.get("redacted") is True) == (message.get("redacted") is True)
                and canonical.octets(before) != canonical.octets(message)):
            stands = canonical.octets(joined[message["id"]]) != canonical.octets(before)
            found.append(Divergence(before, message, stands))
    return found


def conversation_digest(conversation: Conversation) -> str:
    """Step 2 of section 6.5, in lower-case hexadecimal."""
    live = sorted((m for m in conversation.messages.values() if not is_deleted(m)), key=lambda m: m["id"])
    return canonical.sha256({
        "conversation": conversation.emitted_scalars(),
        "messages": [canonical.sha256(m).hex() for m in live],
        "surfaces": sorted(conversation.surfaces),
    }).hex()


def state_digest(conversations: dict[str, Conversation]) -> dict[str, object]:
    """The answer of the digest endpoint over a user's conversations."""
    pairs = [[name, conversation_digest(c)] for name, c in sorted(conversations.items()) if not c.deleted]
    return {"digest": canonical.sha256(pairs).hex(), "conversations": len(pairs)}
