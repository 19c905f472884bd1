"""assertions.json: the credentials of peers and users on requests."""
import hmac
import json

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from .common import EXAMPLE_SECRET, OTHER_SECRET, SECRET, Numbered, b64url, b64url_decode, kept_signature, private_key, pss, public_pem, sha256_hex

ABOUT = ("Request assertions. `authorization` is the header as sent with `request` (method, and path with query) at the time `now`. The receiver is the backend "
         "`audience`; it knows the peer `peer` (peer_id, backend_id, public_key) and the user `user` (user_id, secret). `expect` is `accept`, or `refuse` with `why` "
         "and the error `code` (absent where no scheme of an assertion was used, so that another rule decides). "
         "Replay (`jti` seen before) is not part of these vectors.")

NOW = 1767139200
AUDIENCE = "hosted_sha256_a9bece05ad4ed0b0"
PEER = {"peer_id": "peer_0123456789abcdef0123456789abcdef", "backend_id": "local_sha256_7d4b82b21655494e"}
USER = {"user_id": "user_1", "secret": SECRET}
PULL = {"method": "GET", "target": f"/sync/{PEER['peer_id']}?since=2025-12-31T00:00:00Z&limit=10"}
LIST = {"method": "GET", "target": "/conversations"}


CODES = {"expired": "stale-request", "not-yet-valid": "stale-request", "audience": "wrong-audience"}


def refusal(why):
    return {} if why is None else {"why": why} if why == "scheme" else {"why": why, "code": CODES.get(why, "invalid-credential")}


def jose(value):
    return b64url(json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode())


def vectors(previous):
    out = Numbered("assert")
    a, b = private_key("test-peer-a"), private_key("test-peer-b")
    peer_claims = {"iss": PEER["backend_id"], "sub": PEER["peer_id"], "aud": AUDIENCE, "iat": NOW, "exp": NOW + 60, "jti": "j-0001", "htm": "GET", "htu": PULL["target"]}
    user_claims = {"iss": "user_1", "sub": "user_1", "aud": AUDIENCE, "iat": NOW, "exp": NOW + 60, "jti": "j-0002", "htm": "GET", "htu": LIST["target"]}
    peer_header = {"alg": "PS256", "typ": "bsp-peer+jwt"}
    user_header = {"alg": "HS256", "typ": "bsp-user+jwt"}

    def signing_input(header, claims):
        return f"{header if isinstance(header, str) else jose(header)}.{claims if isinstance(claims, str) else jose(claims)}"

    def ps256(header, claims, key=a, pad=None, digest=hashes.SHA256):
        text = signing_input(header, claims)
        try:
            earlier = b64url_decode(previous.get(f"assert-{len(out.vectors) + 1:03d}", {}).get("authorization", "").rsplit(".", 1)[1])
        except (IndexError, ValueError):
            earlier = None
        return f"{text}.{b64url(kept_signature(earlier, key, text.encode(), pad or pss(32), digest))}"

    def hs(header, claims, secret=SECRET, digest="sha256"):
        text = signing_input(header, claims)
        return f"{text}.{b64url(hmac.new(secret if isinstance(secret, bytes) else secret.encode(), text.encode(), digest).digest())}"

    def add(expect, catches, authorization, why=None, request=PULL, now=NOW, known_user=USER):
        out.add(catches, authorization=authorization, now=now, request=request, audience=AUDIENCE,
                peer={**PEER, "public_key": public_pem("test-peer-a")}, user=known_user, expect=expect, **refusal(why))

    def peer(expect, catches, why=None, header=None, request=PULL, now=NOW, drop=(), **changes):
        claims = {k: v for k, v in {**peer_claims, **changes}.items() if k not in drop}
        add(expect, catches, "BSP " + ps256({**peer_header, **(header or {})}, claims), why, request, now)

    def user(expect, catches, why=None, header=None, request=LIST, now=NOW, drop=(), **changes):
        claims = {k: v for k, v in {**user_claims, **changes}.items() if k not in drop}
        add(expect, catches, "BSP-User " + hs({**user_header, **(header or {})}, claims), why, request, now)

    peer("accept", "an ordinary peer assertion")
    peer("accept", "the longest lifetime", exp=NOW + 300)
    peer("accept", "the last second", now=NOW + 59)
    peer("accept", "a clock 300 s behind", iat=NOW + 300, exp=NOW + 360)
    peer("accept", "unknown claims and header members", header={"kid": "1"}, x_note="n")
    peer("accept", "a write", request={"method": "DELETE", "target": f"/peers/{PEER['peer_id']}"}, htm="DELETE", htu=f"/peers/{PEER['peer_id']}")

    peer("refuse", "expired: now equals exp", "expired", now=NOW + 60)
    peer("refuse", "expired a minute ago", "expired", now=NOW + 120)
    peer("refuse", "a lifetime of 301 s", "lifetime", exp=NOW + 301)
    peer("refuse", "a lifetime of a year", "lifetime", exp=NOW + 31536000)
    peer("refuse", "made 301 s from now", "not-yet-valid", iat=NOW + 301, exp=NOW + 361)
    peer("refuse", "exp not after iat", "lifetime", iat=NOW + 60, exp=NOW + 60)
    peer("refuse", "another audience: replay to another backend", "audience", aud="hosted_sha256_0000000000000000")
    peer("refuse", "its own id as audience", "audience", aud=PEER["backend_id"])
    peer("refuse", "another method", "request", htm="POST")
    peer("refuse", "a method in lower case: methods are case-sensitive", "request", htm="get")
    peer("refuse", "another path", "request", htu="/conversations")
    peer("refuse", "another query", "request", htu=f"/sync/{PEER['peer_id']}?since=2025-12-31T00:00:00Z&limit=1000")
    peer("refuse", "the query left out", "request", htu=f"/sync/{PEER['peer_id']}")
    peer("refuse", "the peer_id of somebody else", "subject", sub="peer_00000000000000000000000000000000")
    peer("refuse", "another issuer", "subject", iss="local_sha256_0000000000000000")
    peer("refuse", "typ of a user assertion", "type", header={"typ": "bsp-user+jwt"})
    peer("refuse", "typ JWT: a token made for something else", "type", header={"typ": "JWT"})
    add("refuse", "no typ", "BSP " + ps256({"alg": "PS256"}, peer_claims), "type")
    peer("refuse", "a critical extension that nobody knows", "malformed", header={"crit": ["x"], "x": 1})
    for claim in ("iss", "sub", "aud", "iat", "exp", "jti", "htm", "htu"):
        peer("refuse", f"no {claim}", "malformed", drop=(claim,))
    peer("refuse", "exp as text", "malformed", exp=str(NOW + 60))
    peer("refuse", "exp null", "malformed", exp=None)
    peer("refuse", "an empty jti", "malformed", jti="")
    peer("refuse", "a jti outside the grammar", "malformed", jti="a/b")
    peer("refuse", "a jti that is a number", "malformed", jti=1)
    peer("refuse", "exp with a fraction", "malformed", exp=NOW + 60.5)
    peer("refuse", "an audience list (RFC 7519 allows it, BSP does not)", "malformed", aud=[AUDIENCE])

    none = signing_input({"alg": "none", "typ": "bsp-peer+jwt"}, peer_claims)
    add("refuse", "alg none, no signature", f"BSP {none}.", "algorithm")
    add("refuse", "alg None, in another case", f"BSP {signing_input({'alg': 'None', 'typ': 'bsp-peer+jwt'}, peer_claims)}.", "algorithm")
    add("refuse", "HS256 keyed with the public key's PEM", "BSP " + hs({"alg": "HS256", "typ": "bsp-peer+jwt"}, peer_claims, public_pem("test-peer-a")), "algorithm",)
    add("refuse", "HS256 keyed with the pairing secret, under BSP", "BSP " + hs({"alg": "HS256", "typ": "bsp-peer+jwt"}, peer_claims), "algorithm")
    add("refuse", "RS256", "BSP " + ps256({"alg": "RS256", "typ": "bsp-peer+jwt"}, peer_claims, pad=padding.PKCS1v15()), "algorithm")
    add("refuse", "an RS256 signature called PS256", "BSP " + ps256(peer_header, peer_claims, pad=padding.PKCS1v15()), "signature")
    add("refuse", "PS512", "BSP " + ps256({"alg": "PS512", "typ": "bsp-peer+jwt"}, peer_claims, pad=padding.PSS(padding.MGF1(hashes.SHA512()), 64), digest=hashes.SHA512), "algorithm")
    add("refuse", "no alg", "BSP " + ps256({"typ": "bsp-peer+jwt"}, peer_claims), "algorithm")
    add("refuse", "the key of another peer", "BSP " + ps256(peer_header, peer_claims, key=b), "signature")
    add("refuse", "the sender's key in the header", "BSP " + ps256({**peer_header, "jwk": {"kty": "RSA", "n": b64url(b.public_key().public_numbers().n.to_bytes(256, "big")), "e": "AQAB"}}, peer_claims, key=b), "signature")

    control = "BSP " + ps256(peer_header, peer_claims)
    add("accept", "the control of what follows", control)
    head, body, signature = control[4:].split(".")
    swapped = jose({**peer_claims, "exp": NOW + 300})
    add("refuse", "claims changed after signing", f"BSP {head}.{swapped}.{signature}", "signature")
    add("refuse", "padding in base64url", f"BSP {head}.{body}.{signature}==", "malformed")
    add("refuse", "the standard base64 alphabet", f"BSP {head}.{body}.{signature.replace('-', '+').replace('_', '/')}", "malformed")
    add("refuse", "two parts", f"BSP {head}.{body}", "malformed")
    add("refuse", "four parts", f"BSP {head}.{body}.{signature}.{signature}", "malformed")
    add("refuse", "an empty signature", f"BSP {head}.{body}.", "signature")
    add("refuse", "nothing after the scheme", "BSP ", "malformed")
    add("refuse", "a peer assertion under BSP-User", f"BSP-User {control[4:]}", "algorithm")
    add("refuse", "a peer assertion as bearer token", f"Bearer {control[4:]}", "scheme")
    add("refuse", "the assertion without a scheme", control[4:], "scheme")
    add("accept", "the scheme in lower case: scheme names are case-insensitive", f"bsp {control[4:]}")
    doubled = b64url(('{"sub":"peer_00000000000000000000000000000000",' + json.dumps(peer_claims, separators=(",", ":"))[1:]).encode())
    add("refuse", "a claim given twice", "BSP " + ps256(peer_header, doubled), "malformed")
    twice = b64url(b'{"alg":"none","alg":"PS256","typ":"bsp-peer+jwt"}')
    add("refuse", "alg given twice", "BSP " + ps256(twice, peer_claims), "malformed")
    add("refuse", "claims that are no object", "BSP " + ps256(peer_header, jose([peer_claims])), "malformed")
    add("refuse", "claims that are no JSON", "BSP " + ps256(peer_header, b64url(b"{")), "malformed")
    add("refuse", "an unsecured header on a signed body", f"BSP {jose({'alg': 'none', 'typ': 'bsp-peer+jwt'})}.{body}.{signature}", "algorithm")

    user("accept", "an ordinary user assertion")
    user("accept", "the longest lifetime", exp=NOW + 300)
    user("accept", "unknown claims and header members", header={"kid": "1"}, x_note="n")
    user("refuse", "expired: now equals exp", "expired", now=NOW + 60)
    user("refuse", "a lifetime of 301 s", "lifetime", exp=NOW + 301)
    user("refuse", "made 301 s from now", "not-yet-valid", iat=NOW + 301, exp=NOW + 361)
    user("refuse", "another audience", "audience", aud="hosted_sha256_0000000000000000")
    user("refuse", "another method", "request", htm="DELETE")
    user("refuse", "another path", "request", htu="/conversations/main")
    user("refuse", "another user, with this user's secret", "subject", sub="user_2", iss="user_2")
    user("refuse", "iss and sub differ: issued by one user for another", "subject", iss="user_2")
    user("refuse", "the user that every anonymous client would share", "subject", sub="anonymous", iss="anonymous")
    user("refuse", "typ of a peer assertion", "type", header={"typ": "bsp-peer+jwt"})
    user("accept", "no iss, which a user may leave out", drop=("iss",))
    for claim in ("sub", "aud", "iat", "exp", "jti", "htm", "htu"):
        user("refuse", f"no {claim}", "malformed", drop=(claim,))
    add("refuse", "the secret of another user", "BSP-User " + hs(user_header, user_claims, OTHER_SECRET), "signature", LIST)
    add("refuse", "the empty secret", "BSP-User " + hs(user_header, user_claims, ""), "signature", LIST)
    add("refuse", "the digest of the secret as key", "BSP-User " + hs(user_header, user_claims, sha256_hex(SECRET)), "signature", LIST)
    add("refuse", "the secret's base64url decoded: its UTF-8 bytes are the key", "BSP-User " + hs(user_header, user_claims, b64url_decode(SECRET)), "signature", LIST)
    add("refuse", "alg none", f"BSP-User {signing_input({'alg': 'none', 'typ': 'bsp-user+jwt'}, user_claims)}.", "algorithm", LIST)
    add("refuse", "PS256 under BSP-User", "BSP-User " + ps256({"alg": "PS256", "typ": "bsp-user+jwt"}, user_claims), "algorithm", LIST)
    add("refuse", "HS512", "BSP-User " + hs({"alg": "HS512", "typ": "bsp-user+jwt"}, user_claims, digest="sha512"), "algorithm", LIST)
    add("refuse", "a user assertion under BSP", "BSP " + hs(user_header, user_claims), "algorithm", LIST)
    add("refuse", "a MAC cut to 16 bytes", "BSP-User " + (lambda t: t.rsplit(".", 1)[0] + "." + t.rsplit(".", 1)[1][:22])(hs(user_header, user_claims)), "signature", LIST)
    example = {"iss": "ada", "sub": "ada", "aud": AUDIENCE, "iat": NOW, "exp": NOW + 60, "jti": "b1d0c0de7f4e4c61", "htm": "GET", "htu": "/conversations?limit=20"}
    add("accept", "the example of the specification", "BSP-User " + hs(user_header, example, EXAMPLE_SECRET), None, {"method": "GET", "target": example["htu"]},
        known_user={"user_id": "ada", "secret": EXAMPLE_SECRET})
    return out.vectors
