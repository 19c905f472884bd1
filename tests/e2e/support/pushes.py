"""Signed pushes of a `support.peer.Peer`."""

import base64
import json
import time

from cryptography.hazmat.primitives import hashes

from support.peer import KEY, PSS, timestamp


def push_body(peer, sync_id, conversation, ids):
    """One conversation with messages of these ids, all of now."""
    now = timestamp(time.time())
    origin = {"source_backend": peer.own_type, "version": 1}
    messages = [{"id": id_, "role": "user", "content": "hi", "timestamp": now, "surface": "web", **origin} for id_ in ids]
    body = {"sync_id": sync_id, "timestamp": now,
            "conversations": [{"conversation_id": conversation, "messages": messages, "surfaces": ["web"], "last_modified": now, **origin}]}
    signed = json.dumps(body, sort_keys=True).encode()
    body["signature"] = base64.b64encode(KEY.sign(signed, PSS, hashes.SHA256())).decode()
    return body
