"""Makes the test keys that are missing. Run once; the keys are committed and never change."""
import datetime
import hashlib

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from .common import KEYS, private_key

PEM, SPKI = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo


def put(name, data):
    path = KEYS / name
    if not path.exists():
        path.write_bytes(data)


def put_public(name, make):
    if not (KEYS / f"{name}.public.pem").exists():
        put(f"{name}.public.pem", make().public_key().public_bytes(PEM, SPKI))


def put_pair(name):
    if not (KEYS / f"{name}.private.pem").exists():
        key = rsa.generate_private_key(65537, 2048)
        put(f"{name}.private.pem", key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
        put(f"{name}.public.pem", key.public_key().public_bytes(PEM, SPKI))


def odd_number(bits, label):
    """A fixed odd number of exactly `bits` bits: enough where only the size of a modulus matters."""
    stream = b"".join(hashlib.sha256(f"{label} {i}".encode()).digest() for i in range(bits // 256 + 1))
    return (int.from_bytes(stream, "big") % (1 << (bits - 2))) | (3 << (bits - 2)) | 1


def put_modulus(name, bits, exponent=65537):
    key = rsa.RSAPublicNumbers(exponent, odd_number(bits, name)).public_key()
    put(f"{name}.public.pem", key.public_bytes(PEM, SPKI))


def make_keys():
    for name in ("test-peer-a", "test-peer-b"):
        put_pair(name)
    put_public("test-exponent-3", lambda: rsa.generate_private_key(3, 2048))
    put_public("bad-rsa-1024", lambda: rsa.generate_private_key(65537, 1024))
    put_public("bad-ec-p256", lambda: ec.generate_private_key(ec.SECP256R1()))
    put_modulus("bad-rsa-2047", 2047)
    for bits in (3072, 4096, 8192):
        put_modulus(f"test-rsa-{bits}", bits)
    put_modulus("bad-rsa-8193", 8193)
    peer = private_key("test-peer-a")
    put("bad-pkcs1.public.pem", peer.public_key().public_bytes(PEM, serialization.PublicFormat.PKCS1))
    if not (KEYS / "bad-certificate.pem").exists():
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "BSP test certificate")])
        start = datetime.datetime(2025, 1, 1)
        put("bad-certificate.pem", x509.CertificateBuilder(name, name, peer.public_key(), 1, start, start + datetime.timedelta(36500))
            .sign(peer, hashes.SHA256()).public_bytes(PEM))
