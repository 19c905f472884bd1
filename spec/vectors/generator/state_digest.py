"""digest.json: the digest by which two replicas prove that they are in sync."""
from .common import Numbered, c14n, sha256_hex, without
from .merge import conversation, message

ABOUT = ("The digest of a user's live state. `state` lists joined conversations, tombstones included; `digest` and `conversations` are what the digest endpoint answers. "
         "`conversation_digests` has the pair [conversation_id, digest] of every live conversation, in order, and `message_digests` the digests of its live messages, in the order of their ids.")


def vectors(previous):
    out = Numbered("digest")

    def one(catches, *state, **more):
        pairs, message_digests = [], {}
        for c in sorted((c for c in state if c.get("deleted") is not True), key=lambda c: c["conversation_id"]):
            live = sorted((m for m in c["messages"] if m.get("deleted") is not True), key=lambda m: m["id"])
            digests = [sha256_hex(c14n(m)) for m in live]
            message_digests[c["conversation_id"]] = digests
            body = {"conversation": without(c, "messages", "surfaces"), "messages": digests, "surfaces": sorted(c["surfaces"])}
            pairs.append([c["conversation_id"], sha256_hex(c14n(body))])
        out.add(catches, state=list(state), digest=sha256_hex(c14n(pairs)), conversations=len(pairs),
                conversation_digests=pairs, message_digests=message_digests, **more)

    named = lambda name, *messages, **more: {**conversation(*messages, **more), "conversation_id": name}
    one("an empty state")
    one("the worked example of the specification",
        {"conversation_id": "main", "version": 3, "last_modified": "2025-12-31T00:00:02Z", "source_backend": "local", "title": "J\u00f6rg", "surfaces": ["web", "ios"],
         "messages": [{"id": "m1", "role": "user", "content": "hi \U0001f600", "timestamp": "2025-12-31T00:00:01.5Z", "surface": "ios", "source_backend": "local", "version": 1},
                      {"id": "m2", "role": "user", "content": "", "timestamp": "2025-12-31T00:00:02Z", "surface": "web", "source_backend": "local", "version": 3, "deleted": True}]},
        {"conversation_id": "notes", "version": 1, "last_modified": "2025-12-31T00:00:00Z", "source_backend": "hosted", "surfaces": [], "messages": []})
    one("a conversation without messages", named("main"))
    one("deleted conversations counted", named("gone", message(), deleted=True))
    one("deleted:false taken for a tombstone", named("main", message(deleted=False), deleted=False))
    one("conversations in order of arrival", named("b"), named("a"), named("B"))
    one("conversation ids sorted as numbers or by locale", named("10"), named("9"), named("_"), named("~"), named("A"), named("a"))
    one("messages in order of time, not of id", named("main", message("later", 1, "2025-12-31T00:00:02Z", "a"), message("earlier", 1, "2025-12-31T00:00:01Z", "b")))
    one("the order of surfaces", named("main", surfaces=("web", "android", "ios")))
    one("unknown members left out", named("main", message(x_meta={"b": [1, None], "a": True}), x_pinned=True))
    one("redacted copies digested like their originals", named("main", message("call [PHONE]", redacted=True)))
    one("characters outside ASCII", named("main", message("Gr\u00fc\u00dfe \U0001f600 \u2028"), title="\u007f"))
    return out.vectors
