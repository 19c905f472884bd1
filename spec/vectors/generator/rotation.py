"""rotation.json: the two signatures of a key rotation notice."""
import base64
import json

from cryptography.hazmat.primitives.asymmetric import padding

from .common import Numbered, b64, c14n, kept_signature, private_key, pss, public_pem, without

ABOUT = ("Key rotation notices (chapter 13). `notice` is the body as received, `public_key` the peer's current key; the new key is in the notice. `expect` is `accept`, or "
         "`refuse` with `why` and the error `code`. `signed_bytes`, where given, is the text that both keys signed. Only the type, the two signatures and the new key are judged, "
         "not the time, the audience or what was accepted before.")

UNSIGNED = ("signature", "new_key_signature")
NOTICE = {"typ": "bsp-key-rotation", "peer_id": "peer_0123456789abcdef0123456789abcdef", "backend_id": "local_sha256_7d4b82b21655494e",
          "target_backend_id": "hosted_sha256_a9bece05ad4ed0b0", "new_public_key": public_pem("test-peer-b"),
          "rotated_at": "2025-12-31T00:00:05Z", "grace_expires_at": "2026-01-07T00:00:05Z"}


def vectors(previous):
    out = Numbered("rotation")
    a, b = private_key("test-peer-a"), private_key("test-peer-b")

    def earlier(member):
        signature = previous.get(f"rotation-{len(out.vectors) + 1:03d}", {}).get("notice", {}).get(member)
        try:
            return base64.b64decode(signature, validate=True)
        except (TypeError, ValueError):
            return None

    def signed(notice, current=a, new=b, over=None, pad=None):
        texts = over or (c14n(notice), c14n(notice))
        return {**notice, **{member: b64(kept_signature(earlier(member), key, text.encode(), pad or pss(32)))
                             for member, key, text in zip(UNSIGNED, (current, new), texts)}}

    def add(expect, catches, notice, why=None, **more):
        refusal = {"why": why, "code": "invalid-key" if why == "key" else "invalid-signature"} if why else {}
        out.add(catches, notice=notice, public_key=public_pem("test-peer-a"), expect=expect, **refusal, **more)

    add("accept", "one of the signatures taken into the signed text", signed(NOTICE), signed_bytes=c14n(NOTICE))
    shuffled = dict(reversed(json.loads(json.dumps(signed(NOTICE))).items()))
    add("accept", "signed over the order of arrival", shuffled)
    extended = {**NOTICE, "x_reason": "j\u00e4hrlich \U0001f511", "x_deep": {"signature": "of something else", "new_key_signature": [1]}}
    add("accept", "members nobody knows left out of the signed text, or removed at every depth", signed(extended), signed_bytes=c14n(extended))
    crlf = {**NOTICE, "new_public_key": public_pem("test-peer-b").replace("\n", "\r\n")}
    add("accept", "the key is written anew before the signatures are verified", signed(crlf))
    no_grace = {**NOTICE, "grace_expires_at": NOTICE["rotated_at"]}
    add("accept", "a rotation without grace", signed(no_grace))

    add("refuse", "the signature of the current key is not asked for", without(signed(NOTICE), "signature"), "missing")
    add("refuse", "the proof of the new key is not asked for", without(signed(NOTICE), "new_key_signature"), "missing")
    for value in (None, "", 7):
        add("refuse", "a signature that is no text", {**signed(NOTICE), "signature": value}, "missing")
        add("refuse", "a proof that is no text", {**signed(NOTICE), "new_key_signature": value}, "missing")
    add("refuse", "the new key signs for both", signed(NOTICE, current=b), "signature")
    add("refuse", "the current key signs for both", signed(NOTICE, new=a), "signature")
    add("refuse", "the signatures exchanged", signed(NOTICE, current=b, new=a), "signature")
    add("refuse", "the proof is over the notice with its signature", signed(NOTICE, over=(c14n(NOTICE), c14n({**NOTICE, "signature": ""}))), "signature")
    add("refuse", "signed over compact JSON", signed(NOTICE, over=(json.dumps(NOTICE, sort_keys=True, separators=(",", ":")),) * 2), "signature")
    for member, value in (("grace_expires_at", "2026-12-31T00:00:05Z"), ("rotated_at", "2025-12-31T00:00:06Z"), ("peer_id", "peer_ffffffffffffffffffffffffffffffff"),
                          ("backend_id", "local_sha256_0000000000000000"), ("target_backend_id", "hosted_sha256_0000000000000000"), ("x_added", True)):
        add("refuse", f"{member} is not part of the signed text", {**signed(NOTICE), member: value}, "signature")
    add("refuse", "another key than the one that was signed", {**signed(NOTICE), "new_public_key": public_pem("test-rsa-3072")}, "signature")
    for typ in ("bsp-challenge", "BSP-KEY-ROTATION", ""):
        add("refuse", "a signed object of another type", signed({**NOTICE, "typ": typ}), "typ")
    add("refuse", "a signed object without a type", signed(without(NOTICE, "typ")), "typ")
    weak = {**NOTICE, "new_public_key": public_pem("bad-rsa-1024")}
    add("refuse", "the new key is not held to section 2.3", signed(weak), "key")
    add("refuse", "PKCS #1 v1.5", signed(NOTICE, pad=padding.PKCS1v15()), "signature")
    return out.vectors
