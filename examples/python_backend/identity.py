"""Who this backend is, chapter 2: an id, a key and a time of creation, made once and kept in the store."""

from __future__ import annotations

import hashlib
import secrets
import time
from dataclasses import dataclass

import keys
import timestamps
from store import Store

CAPABILITIES = {"local": ["offline", "conversation_storage", "key_rotation"], "hosted": ["scale", "persistence", "key_rotation"]}


@dataclass(frozen=True)
class Identity:
    backend_id: str
    backend_type: str
    key: keys.PrivateKey
    created_at: str
    epoch: str

    def document(self) -> dict[str, object]:
        """The answer of GET /identity."""
        return {
            "backend_id": self.backend_id,
            "backend_type": self.backend_type,
            "public_key": self.key.public.pem,
            "capabilities": CAPABILITIES[self.backend_type],
            "version": "1.0",
            "created_at": self.created_at,
            "epoch": self.epoch,
        }


def load(store: Store, backend_type: str, private_key_pem: str | None) -> Identity:
    """The identity in the store, made at the first call; a key given from outside takes the place of the stored one.

    Raises ValueError if the store belongs to a backend of the other type, InvalidKey if the key is not acceptable.
    """
    with store.transaction():
        if store.constant("backend_type", lambda: backend_type) != backend_type:
            raise ValueError("the data directory belongs to a backend of the other type")
        installation = store.constant("installation", lambda: secrets.token_hex(16))
        created_at = store.constant("created_at", lambda: timestamps.format(time.time_ns()))
        epoch = store.constant("epoch", lambda: secrets.token_hex(8))
        pem = private_key_pem or store.constant("private_key", keys.generate_private_pem)
    digest = hashlib.sha256(bytes.fromhex(installation)).hexdigest()
    return Identity(f"{backend_type}_sha256_{digest[:16]}", backend_type, keys.parse_private(pem), created_at, epoch)
