"""A person with two backends: signs what a user interface and the other backend would sign, and asks over HTTP."""

import base64
import hashlib
import hmac
import json
import time
import urllib.error
import urllib.request
import uuid
from datetime import datetime, timedelta, timezone

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding


def ask(url, method="GET", body=None, authorization=None):
    """Status and JSON of the answer; (0, None) when there is none."""
    request = urllib.request.Request(url, method=method, data=None if body is None else json.dumps(body).encode())
    if body is not None:
        request.add_header("Content-Type", "application/json")
    if authorization:
        request.add_header("Authorization", authorization)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refusal:
        return refusal.code, json.loads(refusal.read() or b"null")
    except OSError:
        return 0, None


def eventually(condition, patience=30.0):
    """The first true value of `condition()`; the last false one after `patience` seconds."""
    deadline = time.monotonic() + patience
    while True:
        value = condition()
        if value or time.monotonic() > deadline:
            return value
        time.sleep(0.02)


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def compact(header, claims, sign):
    text = ".".join(base64url(json.dumps(part).encode()) for part in (header, claims))
    return text + "." + base64url(sign(text.encode()))


def timestamp(moment):
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


class Person:
    def __init__(self, user, secret):
        self.user = user
        self.secret = secret.encode()

    def claims(self, backend, method, target, **more):
        now = int(time.time())
        return {"sub": self.user, "aud": ask(backend.url + "/identity")[1]["backend_id"], "iat": now, "exp": now + 60,
                "jti": uuid.uuid4().hex, "htm": method, "htu": target, **more}

    def asks(self, backend, method, target, body=None):
        mac = lambda text: hmac.new(self.secret, text, hashlib.sha256).digest()  # noqa: E731
        token = compact({"alg": "HS256", "typ": "bsp-user+jwt"}, self.claims(backend, method, target, iss=self.user), mac)
        return ask(backend.url + target, method, body, "BSP-User " + token)

    def writes(self, backend, conversation, content):
        """What the backend answers."""
        status, answer = self.asks(backend, "POST", f"/conversations/{conversation}/messages",
                                   {"role": "user", "content": content, "surface": "web"})
        assert status in (200, 201), answer
        return answer

    def contents(self, backend, conversation):
        status, answer = self.asks(backend, "GET", f"/conversations/{conversation}?limit=500")
        return sorted(m["content"] for m in answer["messages"]) if status == 200 else []

    def token(self, local, hosted):
        now = datetime.now(timezone.utc).replace(microsecond=0)
        token = {"session_id": "sess_" + uuid.uuid4().hex, "user_id": self.user,
                 "local_backend_id": ask(local.url + "/identity")[1]["backend_id"],
                 "hosted_backend_id": ask(hosted.url + "/identity")[1]["backend_id"],
                 "created_at": timestamp(now), "expires_at": timestamp(now + timedelta(hours=8))}
        canonical = json.dumps(token, sort_keys=True).encode()
        return {**token, "signature": hmac.new(self.secret, canonical, hashlib.sha256).hexdigest()}

    def pairs(self, local, hosted, without=()):
        """Registers local at hosted, then hosted at local, which is not told of the capabilities in `without`; the ids
        (at hosted, at local)."""
        sbt = self.token(local, hosted)
        status, at_hosted = ask(hosted.url + "/register-peer", "POST", {"backend_identity": ask(local.url + "/identity")[1], "sbt": sbt})
        assert status == 200, at_hosted
        endpoints = {name: at_hosted[name] for name in ("peer_id", "sync_endpoint", "telemetry_endpoint")}
        identity = ask(hosted.url + "/identity")[1]
        identity["capabilities"] = [c for c in identity["capabilities"] if c not in without]
        status, at_local = ask(local.url + "/register-peer", "POST", {"backend_identity": identity, "sbt": sbt, "endpoints": endpoints})
        assert status == 200, at_local
        return at_hosted["peer_id"], at_local["peer_id"]

    def digest(self, backend, peer_id, caller):
        """What `backend` says of its state to `caller`, whom it knows as `peer_id`."""
        key = serialization.load_pem_private_key((caller.data / "identity.key").read_bytes(), None)
        pss = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=32)
        target = f"/sync/{peer_id}/digest"
        claims = {**self.claims(backend, "GET", target), "sub": peer_id, "iss": json.loads((caller.data / "identity.json").read_text())["backend_id"]}
        token = compact({"alg": "PS256", "typ": "bsp-peer+jwt"}, claims, lambda text: key.sign(text, pss, hashes.SHA256()))
        status, answer = ask(backend.url + target, authorization="BSP " + token)
        assert status == 200, answer
        return answer
