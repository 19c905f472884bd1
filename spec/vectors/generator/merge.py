"""merge.json: which version of a message wins, and the join of conversations."""
from datetime import datetime, timedelta, timezone
from fractions import Fraction

from .common import Numbered, c14n, sha256_hex, without

ABOUT = ("Merging. A vector with `writes` lists versions of one message; `winner` is the index of the one that every replica ends with, whatever the order and "
         "repetition of arrival, and `digests` the SHA-256 of the C14N-1 of each. A vector with `inputs` lists versions of one conversation; `joined` is the state that every "
         "replica ends with, whether or not it is served: `surfaces` in any order, `messages` in this order. `surfaces_may` are further strings that `surfaces` may hold: those of messages that lost or are tombstones. `scalar_digests` are those of the inputs without `messages` and `surfaces`. "
         "Several messages with one id inside one input are versions like any others.")


def instant(text):
    """Exact instant of the RFC 3339 subset used here, as a Fraction of seconds."""
    body, fraction = text, Fraction(0)
    if body[19:20] == ".":
        digits = "".join(c for c in body[20:].split("Z")[0].split("+")[0].split("-")[0])
        fraction = Fraction(int(digits), 10 ** len(digits))
        body = body[:19] + body[20 + len(digits):]
    body = body.replace("Z", "+00:00")
    moment = datetime.fromisoformat(body)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return (moment - datetime(1970, 1, 1, tzinfo=timezone.utc)) // timedelta(seconds=1) + fraction


def digest(value):
    return sha256_hex(c14n(value))


def message_rank(m):
    return m["version"], instant(m["timestamp"]), m.get("redacted") is not True, digest(m)


def scalars(conversation):
    return without(conversation, "messages", "surfaces")


def scalar_rank(c):
    return c["version"], instant(c["last_modified"]), c.get("redacted") is not True, digest(scalars(c))


def join(inputs):
    everything = [m for c in inputs for m in c["messages"]]
    winners = {}
    for m in everything:
        if m["id"] not in winners or message_rank(m) > message_rank(winners[m["id"]]):
            winners[m["id"]] = m
    register = max(inputs, key=scalar_rank)
    held = list(winners.values())
    return {**scalars(register),
            "version": max(c["version"] for c in inputs),
            "last_modified": max((c["last_modified"] for c in inputs), key=lambda text: (instant(text), text)),
            "surfaces": sorted({s for c in inputs for s in c["surfaces"]} | {m["surface"] for m in held if m.get("deleted") is not True}),
            "messages": sorted(held, key=lambda m: (instant(m["timestamp"]), m["id"]))}


def message(content="hello", version=1, timestamp="2025-12-31T00:00:00Z", id="m1", **more):
    return {"id": id, "role": "user", "content": content, "timestamp": timestamp, "surface": "web", "source_backend": "local", "version": version, **more}


def conversation(*messages, version=1, last_modified="2025-12-31T00:00:00Z", surfaces=("web",), **more):
    return {"conversation_id": "main", "version": version, "messages": list(messages), "surfaces": list(surfaces),
            "last_modified": last_modified, "source_backend": "local", **more}


def vectors(previous):
    out = Numbered("merge")

    def one(catches, *writes, **more):
        ranked = [message_rank(w) for w in writes]
        out.add(catches, writes=list(writes), digests=[digest(w) for w in writes], winner=ranked.index(max(ranked)), **more)

    def joined(catches, *inputs, **more):
        result = join(inputs)
        optional = sorted({m["surface"] for c in inputs for m in c["messages"]} - set(result["surfaces"]))
        out.add(catches, inputs=list(inputs), scalar_digests=[digest(scalars(c)) for c in inputs], joined=result,
                **({"surfaces_may": optional} if optional else {}), **more)

    one("a single write", message())
    one("arrival order: the greater version", message("old", 1), message("new", 2))
    one("the wall clock before the version: a skewed clock wins", message("skewed", 1, "2030-01-01T00:00:00Z"), message("newer", 2), impact="one wrong clock overwrites everybody")
    one("versions compared as text", message("nine", 9), message("ten", 10))
    one("versions read into doubles", message("a", 9007199254740990), message("b", 9007199254740991))
    one("equal versions: the later timestamp", message("early", 3, "2025-12-31T00:00:01Z"), message("late", 3, "2025-12-31T00:00:02Z"))
    one("a fraction compared as text", message("half", 3, "2025-12-31T00:00:00.500Z"), message("whole", 3, "2025-12-31T00:00:00Z"))
    one("an offset compared as text", message("early", 3, "2025-12-31T01:30:00+02:00"), message("late", 3, "2025-12-31T00:05:00Z"))
    one("microseconds: the last nanosecond dropped", message("later", 3, "2025-12-31T00:00:00.000000002Z"), message("earlier", 3, "2025-12-31T00:00:00.000000001Z"))
    one("no offset taken as local time", message("later", 3, "2025-12-31T00:00:01"), message("earlier", 3, "2025-12-31T00:00:00Z"))
    one("equal version and timestamp: keep the local copy", message("one", 3), message("two", 3), impact="two replicas never agree again")
    one("the same, three ways", message("one", 3), message("two", 3), message("three", 3), message("four", 3))
    one("digest of the content alone: the difference is an unknown member", message("same", 3, x_mood="a"), message("same", 3, x_mood="b"), message("same", 3))
    one("one instant in two spellings is a tie, settled by digest", message("same", 3, "2025-12-31T00:00:00Z"), message("same", 3, "2025-12-31T02:00:00+02:00"), message("same", 3, "2025-12-31T00:00:00.000Z"))
    one("a redacted copy that comes back", message("call 555-123-4567", 3), message("call [PHONE]", 3, redacted=True), impact="the original is lost")
    one("redacted beaten by unredacted, whatever the digests: several", *[message(f"copy {i}", 3, redacted=True) for i in range(6)], message("the original", 3))
    one("two redacted copies: digest again", message("call [PHONE]", 3, redacted=True), message("call ***", 3, redacted=True))
    one("redacted:false taken for redacted", message("plain", 3, redacted=False), message("hidden", 3, redacted=True))
    one("redacted before timestamp: a later redacted copy still wins by time", message("early", 3), message("late [PHONE]", 3, "2025-12-31T00:00:01Z", redacted=True))
    one("a newer redacted version wins by version", message("old", 3), message("new [PHONE]", 4, redacted=True))
    one("a tombstone overridden by an older version", message("", 5, deleted=True), message("back again", 4))
    one("a tombstone that deletes a newer edit", message("", 5, deleted=True), message("edited", 6))
    one("a tombstone and an edit of one version: the later timestamp", message("", 5, "2025-12-31T00:00:01Z", deleted=True), message("edited", 5, "2025-12-31T00:00:02Z"))
    one("tombstones given a precedence of their own: a full tie is settled by digest", message("", 5, deleted=True), message("edited", 5))
    one("version 0 taken for no version", message("zero", 0), message("zero, later", 0, "2025-12-31T00:00:01Z"))
    one("characters outside ASCII in the digest", message("Gr\u00fc\u00dfe \U0001f600", 3), message("Gru\u0308\u00dfe \U0001f600", 3))
    one("the same write again", message("once", 3), message("once", 3))
    one("members in another order are the same write", message("once", 3), dict(reversed(message("once", 3).items())))
    one("before the epoch", message("later", 3, "1969-12-31T23:59:59.5Z"), message("earlier", 3, "1969-12-31T23:59:58.9Z"))
    one("at the largest version timestamps decide", message("a", 9007199254740991, "2025-12-31T00:00:01Z"), message("b", 9007199254740991))

    joined("a conversation replaced as a whole", conversation(message("one", 1, id="m1"), version=1), conversation(message("two", 2, id="m2"), version=2), impact="acknowledged messages vanish")
    joined("a lower conversation version ignored", conversation(message("one", 5, id="m1"), version=5, last_modified="2025-12-31T00:00:05Z"), conversation(message("two", 3, id="m2"), version=3), impact="a new message never arrives")
    joined("an empty list of messages taken for a deletion", conversation(message("one")), conversation(version=2))
    joined("duplicates inside one input: the first one kept", conversation(message("first", 1), message("third", 3), message("second", 2)))
    joined("duplicates inside one input, a full tie", conversation(message("one", 3), message("two", 3)))
    joined("surfaces overwritten", conversation(surfaces=("web", "ios")), conversation(surfaces=("android", "web"), version=2))
    joined("surfaces of messages left out", conversation({**message(), "surface": "extension"}), conversation(surfaces=("ios",)))
    joined("the surface of a message that lost", conversation({**message("old", 1), "surface": "ios"}), conversation({**message("new", 2), "surface": "web"}, surfaces=()))
    joined("duplicates among surfaces", conversation(surfaces=("web", "web", "ios")))
    joined("title by time, not by version", conversation(version=5, title="five"), conversation(version=4, title="four", last_modified="2025-12-31T01:00:00Z"))
    joined("equal versions: the title last modified", conversation(version=5, title="early"), conversation(version=5, title="late", last_modified="2025-12-31T00:00:00.001Z"))
    joined("equal versions and times: the title that is there", conversation(version=5, title="one"), conversation(version=5, title="two"), conversation(version=5, title="three"))
    joined("a redacted title", conversation(version=5, title="call [PHONE]", redacted=True), conversation(version=5, title="call 555-123-4567"))
    joined("the digest of scalars takes in messages", conversation(message("m", 1), version=5, title="one"), conversation(version=5, title="two"), conversation(message("n", 2), version=5, title="one"))
    joined("emitted maxima used as the register's stamp: the result depends on the order of arrival",
           conversation(version=5, last_modified="2025-12-31T00:00:10Z", title="x"), conversation(version=3, last_modified="2025-12-31T00:00:20Z", title="y"),
           conversation(version=5, last_modified="2025-12-31T00:00:15Z", title="z"), impact="replicas that saw the same writes show different titles")
    joined("scalar members merged one by one: the register is replaced as a whole", conversation(version=2, title="both", x_color="red"), conversation(version=3, title="new"))
    joined("source_backend of the receiver", {**conversation(version=2), "source_backend": "android_local"}, {**conversation(version=1), "source_backend": "hosted"})
    joined("last_modified compared as text", conversation(version=1, last_modified="2025-12-31T01:30:00+02:00"), conversation(version=1, last_modified="2025-12-31T00:05:00Z", title="t"))
    joined("one instant in two spellings: the emitted last_modified depends on the order of arrival", conversation(version=2, last_modified="2025-12-31T00:00:00Z"),
           conversation(version=1, last_modified="2025-12-31T00:00:00.000Z"), conversation(version=1, last_modified="2025-12-31T01:00:00+01:00"))
    joined("version raised by merging", conversation(version=5), conversation(version=5))
    joined("messages in order of arrival", conversation(message("c", 1, "2025-12-31T00:00:03Z", "a"), message("a", 1, "2025-12-31T00:00:01Z", "c"), message("b", 1, "2025-12-31T00:00:02Z", "b")))
    joined("messages sorted by text of the timestamp, ties by id", conversation(
        message("half past", 1, "2025-12-31T00:00:00.5Z", "m1"), message("with offset", 1, "2025-12-31T02:00:00+02:00", "m3"),
        message("plain", 1, "2025-12-31T00:00:00Z", "m2"), message("capital", 1, "2025-12-31T00:00:00.000Z", "M9")))
    joined("a tombstone of a message among others", conversation(message("one", 1, id="m1"), message("two", 1, id="m2")), conversation(message("", 2, id="m1", deleted=True), version=2))
    joined("the surface of a tombstone", conversation({**message("", 2, deleted=True), "surface": "ios"}))
    joined("a deleted conversation, and an older write to it", conversation(version=6, deleted=True), conversation(version=5, title="alive"))
    joined("a deleted conversation, and a newer write to it", conversation(version=6, deleted=True), conversation(message("again", 7, id="m2"), version=7, title="alive"))
    joined("unknown members dropped", conversation({**message("one"), "x_meta": {"b": 1, "a": [True, None]}}, x_pinned=True))
    joined("three replicas, interleaved: not associative",
           conversation(message("a1", 1, id="m1"), message("a2", 4, id="m2"), version=4, title="A"),
           conversation(message("b1", 2, id="m1"), message("b3", 3, id="m3"), version=3, surfaces=("ios",), title="B"),
           conversation(message("c1", 2, id="m1"), message("c2", 4, "2025-12-31T00:00:01Z", "m2"), version=4, surfaces=("android",), title="C"))
    return out.vectors
