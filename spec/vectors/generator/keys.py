"""keys.json: which public keys are accepted, and their fingerprints."""
import base64
import textwrap

from cryptography.hazmat.primitives import serialization

from .common import KEYS, Numbered, public_pem, sha256_hex

ABOUT = ("Public keys as they arrive in an identity. `pem` is accepted (`expect` \"accept\", with `spki_sha256`, the SHA-256 of the DER SubjectPublicKeyInfo, "
         "which is what gets pinned), refused (`why`; on the wire always `invalid-key`), or either (`may`). Parsing never fails with anything but a refusal.")

RSA_OID = bytes.fromhex("300d06092a864886f70d0101010500")
PSS_OID = bytes.fromhex("300b06092a864886f70d01010a")


def der_of(pem):
    return base64.b64decode("".join(pem.strip().splitlines()[1:-1]))


def pem_of(der, label="PUBLIC KEY"):
    return "\n".join([f"-----BEGIN {label}-----", *textwrap.wrap(base64.b64encode(der).decode(), 64), f"-----END {label}-----", ""])


def tlv(tag, body):
    size = len(body)
    length = bytes([size]) if size < 128 else (lambda b: bytes([0x80 | len(b)]) + b)(size.to_bytes((size.bit_length() + 7) // 8, "big"))
    return bytes([tag]) + length + body


def integer(value):
    return tlv(2, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def spki(modulus, exponent, algorithm=RSA_OID):
    return tlv(0x30, algorithm + tlv(3, b"\0" + tlv(0x30, integer(modulus) + integer(exponent))))


def vectors(previous):
    out = Numbered("key")
    good_pem = public_pem("test-peer-a")
    good_der = der_of(good_pem)
    modulus = serialization.load_pem_public_key(good_pem.encode()).public_numbers().n

    def accept(catches, pem, expect="accept"):
        out.add(catches, pem=pem, expect=expect, spki_sha256=sha256_hex(der_of(pem)))

    def refuse(catches, why, pem):
        out.add(catches, pem=pem, expect="refuse", why=why)

    accept("an ordinary RSA-2048 key", good_pem)
    accept("another key: fingerprints must differ", public_pem("test-peer-b"))
    accept("exponent 3: acceptable, though nobody must take it", public_pem("test-exponent-3"), "may")
    accept("8192 bits, the largest acceptable size, though nobody must take it", public_pem("test-rsa-8192"), "may")
    accept("3072 bits", public_pem("test-rsa-3072"))
    accept("4096 bits", public_pem("test-rsa-4096"))
    accept("the fingerprint taken over the PEM text: without the last line feed it is the same key", good_pem.rstrip("\n"))
    accept("the fingerprint taken over the PEM text: with CRLF it is the same key", good_pem.replace("\n", "\r\n"))

    refuse("1024 bits", "too-short", public_pem("bad-rsa-1024"))
    refuse("2047 bits: a 256-byte modulus whose top bit is clear", "too-short", public_pem("bad-rsa-2047"))
    refuse("8193 bits: verification as a denial of service", "too-long", public_pem("bad-rsa-8193"))
    refuse("an elliptic-curve key", "not-rsa", public_pem("bad-ec-p256"))
    refuse("PKCS#1 ('RSA PUBLIC KEY') instead of SPKI", "not-spki", public_pem("bad-pkcs1"))
    refuse("a certificate", "not-spki", (KEYS / "bad-certificate.pem").read_text())
    refuse("a private key handed out in public", "private-key", (KEYS / "test-peer-b.private.pem").read_text())
    refuse("exponent 1: every message is its own signature", "bad-exponent", pem_of(spki(modulus, 1)))
    refuse("an even exponent", "bad-exponent", pem_of(spki(modulus, 65536)))
    refuse("exponent 0", "bad-exponent", pem_of(spki(modulus, 0)))
    refuse("modulus 0", "too-short", pem_of(spki(0, 65537)))
    refuse("a negative modulus (no leading zero octet)", "malformed",
           pem_of(tlv(0x30, RSA_OID + tlv(3, b"\0" + tlv(0x30, tlv(2, modulus.to_bytes(256, "big")) + integer(65537))))))
    refuse("truncated DER", "malformed", pem_of(good_der[:-10]))
    refuse("bytes after the structure", "malformed", pem_of(good_der + b"\0\0"))
    refuse("PKCS#1 bytes under the SPKI label", "malformed", pem_of(der_of(public_pem("bad-pkcs1"))))
    refuse("SPKI bytes under another label", "not-spki", pem_of(good_der, "RSA PUBLIC KEY"))
    refuse("no END line", "malformed", good_pem.replace("-----END PUBLIC KEY-----", ""))
    refuse("characters outside the base64 alphabet", "malformed", good_pem.replace("MIIB", "MI!B", 1))
    refuse("DER in bare base64, without the PEM lines", "malformed", base64.b64encode(good_der).decode())
    refuse("the empty text", "malformed", "")
    refuse("PEM lines around nothing", "malformed", "-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n")
    refuse("garbage", "malformed", "not a key")
    refuse("an OpenSSH key", "malformed", "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQ== test")
    refuse("huge garbage", "malformed", "-----BEGIN PUBLIC KEY-----\n" + "A" * 20000 + "\n-----END PUBLIC KEY-----\n")

    refuse("no parameters where NULL belongs", "malformed", pem_of(spki(modulus, 65537, bytes.fromhex("300b06092a864886f70d010101"))))
    refuse("the RSASSA-PSS key type: RSA, but not the one that peers exchange", "not-rsa", pem_of(spki(modulus, 65537, PSS_OID)))
    refuse("two keys in one text: which one is pinned?", "malformed", good_pem + public_pem("test-peer-b"))
    refuse("text before the key", "malformed", "this is my key\n" + good_pem)
    refuse("more than 4096 characters", "malformed", "-----BEGIN PUBLIC KEY-----\n" + ("A" * 64 + "\n") * 63 + "-----END PUBLIC KEY-----\n")
    accept("surrounded by white space", "\n  " + good_pem + " \n\n", "may")
    accept("an even modulus, which no key generator makes", pem_of(spki(modulus - 1, 65537)), "may")
    accept("the whole key on one line", "-----BEGIN PUBLIC KEY-----\n" + base64.b64encode(good_der).decode() + "\n-----END PUBLIC KEY-----\n", "may")
    return out.vectors
