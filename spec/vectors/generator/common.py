"""What every vector family shares: canonical bytes, digests, test keys, and the rule that a random signature is made once and kept."""
import base64
import hashlib
import hmac
import json
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding

VECTORS = Path(__file__).resolve().parent.parent
KEYS = VECTORS / "keys"

# 32 random bytes each, as base64url text: the form in which a pairing secret is handed to a person.
SECRET = "0fW3xq2nJ5c9bVtK7yPzL1mR8sHdGuEwTaXoBiQjNk4"
EXAMPLE_SECRET = "k3mUv0qg7cJ2yT1wZr8nXh5bQe9dLpA4sFoYtGiHjNs"  # the one of the chapters' examples
OTHER_SECRET = "Zk1pYw7Vd3eRtG6hUjMn0bSxCqAl9OiFyP2TzHw5LQ8"


def c14n(value):
    """C14N-1: CPython's default separators and ASCII escapes, members sorted by code point."""
    return json.dumps(value, sort_keys=True)


def sha256_hex(data):
    return hashlib.sha256(data if isinstance(data, bytes) else data.encode()).hexdigest()


def hmac_hex(secret, text):
    return hmac.new(secret.encode(), text if isinstance(text, bytes) else text.encode(), hashlib.sha256).hexdigest()


def without(value, *names):
    return {k: v for k, v in value.items() if k not in names}


def private_key(name):
    return serialization.load_pem_private_key((KEYS / f"{name}.private.pem").read_bytes(), None)


def public_pem(name):
    return (KEYS / f"{name}.public.pem").read_text()


def pss(salt, mgf_hash=hashes.SHA256):
    return padding.PSS(mgf=padding.MGF1(mgf_hash()), salt_length=salt)


def kept_signature(previous, key, message, pad, digest=hashes.SHA256, fits=lambda signature: True):
    """`previous` if it still is a signature of `message` in exactly this form, else a fresh one. PSS is randomised, the vectors are not."""
    if previous is not None and fits(previous):
        try:
            key.public_key().verify(previous, message, pad, digest())
            return previous
        except InvalidSignature:
            pass
    while True:
        fresh = key.sign(message, pad, digest())
        if fits(fresh):
            return fresh


def b64(data):
    return base64.b64encode(data).decode()


def b64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def b64url_decode(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Numbered:
    """Gives out permanent ids in order of writing: add new vectors at the end of a family, never in between."""

    def __init__(self, prefix):
        self.prefix, self.vectors = prefix, []

    def add(self, catches, **members):
        self.vectors.append({"id": f"{self.prefix}-{len(self.vectors) + 1:03d}", "catches": catches, **members})
        return self.vectors[-1]
