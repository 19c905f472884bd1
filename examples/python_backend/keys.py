"""RSA keys and PS256, sections 1.5 and 2.3."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

import canonical

_PEM = re.compile(
    r"-----BEGIN PUBLIC KEY-----\r?\n((?:[A-Za-z0-9+/]{64}\r?\n)*[A-Za-z0-9+/=]{1,64}\r?\n)-----END PUBLIC KEY-----(?:\r?\n)?")
_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
_PSS = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=32)


class InvalidKey(ValueError):
    """The text is not an acceptable key by the definition of section 2.3."""


@dataclass(frozen=True)
class PublicKey:
    """An acceptable key. `fingerprint` is the SHA-256 of its DER, in lower-case hexadecimal (section 2.4)."""

    key: rsa.RSAPublicKey
    pem: str
    fingerprint: str

    def verifies(self, signature: bytes, signed: bytes) -> bool:
        """Whether this is a PS256 signature with a salt of 32 bytes."""
        try:
            self.key.verify(signature, signed, _PSS, hashes.SHA256())
        except (InvalidSignature, ValueError):
            return False
        return True

    def verifies_object(self, signature: object, value: dict[str, object]) -> bool:
        """Whether `signature` is standard base64 of the PS256 of C14N-1 of the object without its `signature`.

        Raises NotCanonicalizable.
        """
        return self.verifies_text(signature, canonical.octets(canonical.without(value, "signature")))

    def verifies_text(self, signature: object, signed: bytes) -> bool:
        """Whether `signature` is standard base64 of the PS256 of `signed`."""
        if not isinstance(signature, str) or not signature or not _BASE64.fullmatch(signature):
            return False
        return self.verifies(base64.b64decode(signature), signed)


def parse_public(pem: str) -> PublicKey:
    """An acceptable key from its text. Raises InvalidKey."""
    match = _PEM.fullmatch(pem) if len(pem) <= 4096 else None
    if match is None:
        raise InvalidKey("not one PUBLIC KEY of at most 4096 characters")
    try:
        der = base64.b64decode(re.sub(r"\s", "", match[1]), validate=True)
        key = serialization.load_der_public_key(der)
    except (binascii.Error, ValueError, UnsupportedAlgorithm):
        raise InvalidKey("not a SubjectPublicKeyInfo") from None
    if not isinstance(key, rsa.RSAPublicKey):
        raise InvalidKey("not an RSA key")
    numbers = key.public_numbers()
    if not 2048 <= key.key_size <= 8192 or numbers.n % 2 == 0 or numbers.e < 3 or numbers.e % 2 == 0:
        raise InvalidKey("the modulus or the exponent is not acceptable")
    # Encoding it again shows trailing bytes, lengths that are not DER, and other parameters than NULL.
    if key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo) != der:
        raise InvalidKey("not the DER of an rsaEncryption key")
    return PublicKey(key, pem, hashlib.sha256(der).hexdigest())


@dataclass(frozen=True)
class PrivateKey:
    """The signing key of this backend."""

    key: rsa.RSAPrivateKey
    public: PublicKey

    def sign(self, octets: bytes) -> bytes:
        """A PS256 signature."""
        return self.key.sign(octets, _PSS, hashes.SHA256())

    def sign_object(self, value: dict[str, object]) -> str:
        """Standard base64 of the PS256 over C14N-1 of the object."""
        return base64.b64encode(self.sign(canonical.octets(value))).decode()


def generate_private_pem() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()


def parse_private(pem: str) -> PrivateKey:
    """The private key in a PEM text, whose line ends may be written as the characters `\\n` (BSP-ID-028).

    Raises InvalidKey if it cannot be read or its public key is not acceptable.
    """
    try:
        key = serialization.load_pem_private_key(pem.replace("\\r", "\r").replace("\\n", "\n").encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise InvalidKey("not an unencrypted private key in PEM") from None
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return PrivateKey(key, parse_public(public.decode()))
