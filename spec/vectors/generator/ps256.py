"""ps256.json: body signatures of a SyncPayload."""
import base64
import json

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from .common import Numbered, b64, c14n, kept_signature, private_key, pss, public_pem, sha256_hex

ABOUT = ("Body signatures (PS256). `payload` is the received object, its `signature` included; `public_key` is the signer's. `expect` is `accept`, `refuse` with "
         "`why` and the error `code`, or `may`. `signed_bytes`, where given, is the text that was signed. Only the signature is judged, not the freshness or the schema of the payload.")

PAYLOAD = {
    "sync_id": "sync_0001", "timestamp": "2025-12-31T00:00:00Z", "source_backend_id": "local_sha256_7d4b82b21655494e",
    "target_backend_id": "hosted_sha256_a9bece05ad4ed0b0", "peer_id": "peer_0123456789abcdef0123456789abcdef",
    "conversations": [{
        "conversation_id": "main", "version": 2, "surfaces": ["web"], "last_modified": "2025-12-31T00:00:00Z", "source_backend": "local", "title": "Gr\u00fc\u00dfe",
        "messages": [{"id": "m1", "role": "user", "content": "Hello \U0001f600\u2028\u007f", "timestamp": "2025-12-31T00:00:00.5Z", "surface": "web",
                      "source_backend": "local", "version": 2, "x_unknown": {"z": [1, None], "a": True}}]}],
}


def refusal(why):
    return {"why": why, "code": "not-canonicalizable" if why == "not-canonicalizable" else "invalid-signature"} if why else {}


def vectors(previous):
    out = Numbered("ps256")
    a, b = private_key("test-peer-a"), private_key("test-peer-b")
    modulus = a.public_key().public_numbers().n

    def earlier(identifier):
        signature = previous.get(identifier, {}).get("payload", {}).get("signature")
        try:
            return base64.b64decode(signature, validate=True)
        except (TypeError, ValueError):
            return None

    def next_id():
        return f"ps256-{len(out.vectors) + 1:03d}"

    def made(message=None, key=a, pad=None, digest=hashes.SHA256, fits=lambda s: True):
        return kept_signature(earlier(next_id()), key, (message or c14n(PAYLOAD)).encode(), pad or pss(32), digest, fits)

    def add(expect, catches, signature, why=None, payload=PAYLOAD, key="test-peer-a", **more):
        text = b64(signature) if isinstance(signature, bytes) else signature
        out.add(catches, payload={**payload, "signature": text}, public_key=public_pem(key), expect=expect, **refusal(why), **more)

    plain = made()
    add("accept", "a salt length other than 32 required", plain, signed_bytes=c14n(PAYLOAD))
    shuffled = json.loads(c14n(PAYLOAD))
    add("accept", "signed over the order of arrival: the same signature, other order", plain, payload=dict(reversed(shuffled.items())))
    extended = {**PAYLOAD, "x_extension": ["\u00e9", 9007199254740991]}
    add("accept", "an unknown member left out of verification", made(c14n(extended)), payload=extended)
    minimal = {"sync_id": "sync_0002", "timestamp": "2025-12-31T00:00:00", "conversations": []}
    add("accept", "the smallest payload, as the source documents have it", made(c14n(minimal)), payload=minimal)
    add("accept", "another key", made(key=b), key="test-peer-b")
    add("accept", "a signature whose first byte is zero, cut short by integer arithmetic", made(fits=lambda s: s[0] == 0))

    add("may", "salt of 20 bytes", made(pad=pss(20)))
    add("may", "salt of 222 bytes, the maximum: what the prototype signs", made(pad=pss(222)))
    add("may", "no salt", made(pad=pss(0)))
    add("may", "signed with \"signature\": \"\" in place", made(c14n({**PAYLOAD, "signature": ""})))

    for catches, pad, digest in (("PKCS#1 v1.5 with SHA-256 (RS256)", padding.PKCS1v15(), hashes.SHA256), ("PSS with SHA-1", padding.PSS(padding.MGF1(hashes.SHA1()), 20), hashes.SHA1),
                                 ("PSS with SHA-512 (PS512)", padding.PSS(padding.MGF1(hashes.SHA512()), 64), hashes.SHA512),
                                 ("PSS with SHA-384 (PS384)", padding.PSS(padding.MGF1(hashes.SHA384()), 48), hashes.SHA384),
                                 ("SHA-256 with MGF1 over SHA-1", pss(32, hashes.SHA1), hashes.SHA256)):
        add("refuse", catches, made(pad=pad, digest=digest), "invalid-signature")
    add("refuse", "the key of another peer", made(key=b), "invalid-signature")

    def tampered(catches, change):
        changed = json.loads(json.dumps(PAYLOAD))
        change(changed)
        add("refuse", catches, plain, "invalid-signature", payload=changed)

    message = lambda p: p["conversations"][0]["messages"][0]
    tampered("content changed", lambda p: message(p).update(content="Hello"))
    tampered("one unknown member of a message added: verification over a model", lambda p: message(p).update(x_injected=1))
    tampered("one unknown member of a message removed", lambda p: message(p).pop("x_unknown"))
    tampered("one unknown member at the top added", lambda p: p.update(x_injected=1))
    tampered("sync_id changed", lambda p: p.update(sync_id="sync_0003"))
    tampered("a fresh timestamp on an old payload", lambda p: p.update(timestamp="2025-12-31T01:00:00Z"))
    tampered("the audience removed", lambda p: p.pop("target_backend_id"))
    tampered("the order of an array changed", lambda p: message(p)["x_unknown"]["z"].reverse())
    tampered("a string composed differently (NFC against NFD)", lambda p: p["conversations"][0].update(title="Gru\u0308\u00dfe"))
    tampered("an inner `signature` member: only the outermost one is left out", lambda p: message(p).update(signature="x"))

    add("refuse", "signed over compact JSON", made(json.dumps(PAYLOAD, sort_keys=True, separators=(",", ":"))), "invalid-signature")
    add("refuse", "signed over raw UTF-8", made(json.dumps(PAYLOAD, sort_keys=True, ensure_ascii=False)), "invalid-signature")
    add("refuse", "signed over the order of arrival", made(json.dumps(PAYLOAD)), "invalid-signature")
    add("refuse", "signed over the SHA-256 of the bytes, hashed twice", made(sha256_hex(c14n(PAYLOAD))), "invalid-signature")

    text = b64(plain)
    url = text.replace("+", "-").replace("/", "_")
    assert url != text
    for catches, signature in (("a line feed within", text[:76] + "\n" + text[76:]), ("CRLF at the end", text + "\r\n"), ("a space before", " " + text), ("a '!' within, dropped by lenient decoders", text[:10] + "!" + text[10:]),
                               ("the URL-safe alphabet", url), ("no padding", text.rstrip("=")), ("too much padding", text + "="), ("data after the padding", text + "AAAA"),
                               ("the empty text", ""), ("a NUL within", text[:10] + "\u0000" + text[10:]), ("null", None), ("a number", 1), ("a list", [text])):
        add("refuse", f"signature encoding: {catches}", signature, "malformed")
    last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    assert text.endswith("==")
    add("may", "signature encoding: unused bits before the padding are not zero", text[:-3] + last[last.index(text[-3]) | 1] + "==")
    add("refuse", "signature encoding: hexadecimal, whose characters are all base64", plain.hex(), "invalid-signature")
    add("refuse", "255 bytes", plain[1:], "invalid-signature")
    add("refuse", "257 bytes, a zero before", b"\0" + plain, "invalid-signature")
    add("refuse", "257 bytes, a zero behind", plain + b"\0", "invalid-signature")
    add("refuse", "all zeros", bytes(256), "invalid-signature", impact="0 to any power is 0")
    add("refuse", "the number 1", bytes(255) + b"\1", "invalid-signature")
    add("refuse", "the modulus itself", modulus.to_bytes(256, "big"), "invalid-signature")
    small = made(fits=lambda s: int.from_bytes(s, "big") + modulus < 1 << 2048)
    add("accept", "a small signature, the control of the next vector", small)
    add("refuse", "signature plus modulus: a second spelling of a valid signature", (int.from_bytes(small, "big") + modulus).to_bytes(256, "big"), "invalid-signature")
    add("refuse", "one bit changed", plain[:-1] + bytes([plain[-1] ^ 1]), "invalid-signature")
    number = {**PAYLOAD, "x_ratio": 0.5}
    add("refuse", "a fraction in the signed object", made(c14n(number)), "not-canonicalizable", payload=number)
    out.add("no signature at all", payload=PAYLOAD, public_key=public_pem("test-peer-a"), expect="refuse", **refusal("malformed"))
    return out.vectors
