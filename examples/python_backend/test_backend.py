"""Drives the backend through its door: framing, a pairing, a sync, and a kill without warning."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.parse
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import canonical
import keys
import sbt
import timestamps

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

PSS = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=32)


class Process:
    """A backend in a process of its own."""

    def __init__(self, data: Path, backend_type: str) -> None:
        self.data, self.backend_type = data, backend_type
        self.start()

    def start(self) -> None:
        ready = self.data / "ready"
        ready.unlink(missing_ok=True)
        self.data.mkdir(exist_ok=True)
        environment = {k: v for k, v in os.environ.items() if k != "BACKEND_PRIVATE_KEY"}
        self.process = subprocess.Popen(
            [sys.executable, str(HERE), "--data-dir", str(self.data), "--type", self.backend_type, "--ready-file", str(ready)],
            stdout=subprocess.DEVNULL, env=environment)
        deadline = time.monotonic() + 20
        while not ready.exists():
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise RuntimeError("the backend did not start")
            time.sleep(0.02)
        self.port = urllib.parse.urlsplit(ready.read_text().strip()).port
        self.secret = json.loads((self.data / "users.json").read_text())["alice"]
        self.admin = (self.data / "admin.token").read_text().strip()
        self.identity = self.call("GET", "/identity")[1]

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def exchange(self, octets: bytes) -> bytes:
        """Sends bytes as they are, and reads until the backend closes or is silent."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as sock:
            sock.sendall(octets)
            sock.shutdown(socket.SHUT_WR)
            received = b""
            while part := sock.recv(65536):
                received += part
        return received

    def call(self, method: str, target: str, body: object = None, authorization: str | None = None) -> tuple[int, dict]:
        head = f"{method} {target} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nConnection: close\r\n"
        octets = b"" if body is None else json.dumps(body).encode()
        if body is not None:
            head += f"Content-Type: application/json\r\nContent-Length: {len(octets)}\r\n"
        if authorization is not None:
            head += f"Authorization: {authorization}\r\n"
        answer_head, _, answer = self.exchange(head.encode() + b"\r\n" + octets).partition(b"\r\n\r\n")
        return int(answer_head.split()[1]), json.loads(answer) if answer else {}

    def as_user(self, method: str, target: str, body: object = None) -> tuple[int, dict]:
        return self.call(method, target, body, "BSP-User " + self.assertion(
            "HS256", "bsp-user+jwt", "alice", "alice", method, target,
            lambda signed: hmac.new(self.secret.encode(), signed, hashlib.sha256).digest()))

    def assertion(self, alg: str, typ: str, iss: str, sub: str, method: str, target: str, sign: object) -> str:
        now = int(time.time())
        claims = {"iss": iss, "sub": sub, "aud": self.identity["backend_id"], "iat": now, "exp": now + 60,
                  "jti": secrets.token_hex(8), "htm": method, "htu": target}
        signed = ".".join(_base64url(json.dumps(part).encode()) for part in ({"alg": alg, "typ": typ}, claims))
        return f"{signed}.{_base64url(sign(signed.encode()))}"


def _base64url(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).decode().rstrip("=")


class Peer:
    """A local backend, played by the test, that is registered with a hosted one."""

    def __init__(self, backend: Process) -> None:
        self.backend = backend
        self.key = keys.parse_private(keys.generate_private_pem())
        self.backend_id = f"local_sha256_{secrets.token_hex(8)}"

    def register(self, **further: object) -> tuple[int, dict]:
        now = time.time_ns()
        token = {
            "session_id": "sess_1", "local_backend_id": self.backend_id,
            "hosted_backend_id": self.backend.identity["backend_id"], "user_id": "alice",
            "created_at": timestamps.format(now), "expires_at": timestamps.format(now + 3600 * timestamps.SECOND),
        }
        token["signature"] = sbt.mac(token, self.backend.secret)
        stated = {"backend_id": self.backend_id, "backend_type": "local", "public_key": self.key.public.pem, "version": "1.0"}
        status, answer = self.backend.call("POST", "/register-peer", {"backend_identity": stated, "sbt": token, **further})
        self.peer_id = answer.get("peer_id")
        return status, answer

    def call(self, method: str, target: str) -> tuple[int, dict]:
        credential = self.backend.assertion(
            "PS256", "bsp-peer+jwt", self.backend_id, self.peer_id, method, target,
            lambda signed: self.key.key.sign(signed, PSS, hashes.SHA256()))
        return self.backend.call(method, target, None, f"BSP {credential}")

    def push(self, sync_id: str, *conversations: dict) -> tuple[int, dict]:
        payload = {"sync_id": sync_id, "timestamp": timestamps.format(time.time_ns()), "conversations": list(conversations)}
        payload["signature"] = self.key.sign_object(payload)
        return self.backend.call("POST", f"/sync/{self.peer_id}", payload)

    def pull(self, **query: str) -> dict:
        status, page = self.call("GET", f"/sync/{self.peer_id}?{urllib.parse.urlencode(query)}")
        if status != 200:
            raise AssertionError(page)
        return page


def conversation(conversation_id: str, *messages: dict, version: int = 1, **further: object) -> dict:
    return {"conversation_id": conversation_id, "version": version, "last_modified": "2025-12-31T00:00:00Z",
            "source_backend": "local", "surfaces": [], "messages": list(messages), **further}


def message(message_id: str, content: str, version: int = 1, **further: object) -> dict:
    return {"id": message_id, "role": "user", "content": content, "timestamp": "2025-12-31T00:00:00Z", "surface": "web",
            "source_backend": "local", "version": version, **further}


class BackendTest(unittest.TestCase):
    def setUp(self) -> None:
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.backend = Process(Path(directory.name) / "data", "hosted")
        self.addCleanup(lambda: self.backend.kill())

    def paired(self) -> Peer:
        peer = Peer(self.backend)
        self.assertEqual(peer.register()[0], 200)
        return peer

    def test_framing(self) -> None:
        get = b"GET /health HTTP/1.1\r\nHost: x\r\n"
        cases = {
            b"GET /health HTTP/1.1\r\n\r\n": 400,  # no Host
            get + b"Host: y\r\n\r\n": 400,
            get + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab": 400,
            get + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n": 400,
            get + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n": 400,
            get + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n\r\n": 400,
            get + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n": 400,
            get + b"Content-Length: +1\r\n\r\na": 400,
            get + b"X : y\r\n\r\n": 400,
            get + b"X: y\r\n folded\r\n\r\n": 400,
            b"GET /health HTTP/1.1\nHost: x\n\n": 400,
            b"GET  /health HTTP/1.1\r\nHost: x\r\n\r\n": 400,
            b"GET /health HTTP/2.0\r\nHost: x\r\n\r\n": 400,
            b"\x16\x03\x01\x02\x00\r\n\r\n": 400,
            b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n": 414,
            get + b"X: " + b"y" * 40_000 + b"\r\n\r\n": 431,
            get + b"Expect: tea\r\n\r\n": 417,
            get + b"Content-Length: 99999999999999999999999\r\n\r\n": 413,
            get + b"Transfer-Encoding: chunked\r\n\r\nffffff\r\n": 413,
            get + b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\n{}\r\n0\r\nX: y\r\n\r\n": 200,
            get + b"\r\n": 200,
        }
        for octets, status in cases.items():
            with self.subTest(octets[:80]):
                answer = self.backend.exchange(octets)
                self.assertEqual(int(answer.split()[1]), status)
                self.assertEqual(answer.count(b"HTTP/1.1 "), 1)

    def test_pipelining_keeps_bodies_apart(self) -> None:
        body = b'{"a": "GET /identity HTTP/1.1\\r\\n"}'
        post = b"POST /register-peer HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
        answer = self.backend.exchange((post + body) * 2 + b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        self.assertEqual([part[:3] for part in answer.split(b"HTTP/1.1 ")[1:]], [b"422", b"422", b"200"])

    def test_registration_answers_the_challenge(self) -> None:
        challenge = _base64url(secrets.token_bytes(32))
        peer = Peer(self.backend)
        status, answer = peer.register(challenge=challenge)
        self.assertEqual(status, 200)
        signed = {"typ": "bsp-challenge", "challenge": challenge, "backend_id": self.backend.identity["backend_id"],
                  "peer_id": answer["peer_id"]}
        key = keys.parse_public(self.backend.identity["public_key"])
        self.assertTrue(key.verifies_object(answer["challenge_signature"], signed))

    def test_push_read_and_pull(self) -> None:
        peer = self.paired()
        self.assertEqual(peer.push("s1", conversation("main", message("m1", "hi 😀", x={"y": [1]}), title="T"))[0], 200)
        self.assertEqual(peer.push("s1", conversation("main"))[1]["code"], "sync-id-reuse")
        status, answer = peer.push("s2", conversation("main", message("m1", "ho")))
        self.assertEqual([c["message_id"] for c in answer["conflicts"]], ["m1"])
        status, read = self.backend.as_user("GET", "/conversations/main?conflicts=1")
        self.assertEqual((status, len(read["messages"]), len(read["conflicts"])), (200, 1, 1))
        page = peer.pull()
        self.assertEqual([c["conversation_id"] for c in page["conversations"]], ["main"])
        self.assertEqual(peer.pull(since=page["last_sync"])["conversations"], [])
        self.assertEqual(self.backend.as_user("POST", "/conversations/b/messages", {
            "role": "user", "content": "new", "surface": "web"})[1]["version"], 1)
        self.assertEqual([c["conversation_id"] for c in peer.pull(since=page["last_sync"])["conversations"]], ["b"])

    def test_pages_of_a_pull(self) -> None:
        peer = self.paired()
        self.assertEqual(peer.push("s1", *(conversation(f"c{i}") for i in range(7)))[0], 200)
        found, page = [], peer.pull(limit="3")
        while page["has_more"]:
            found += page["conversations"]
            page = peer.pull(limit="3", cursor=page["cursor"])
        found += page["conversations"]
        self.assertEqual(sorted(c["conversation_id"] for c in found), [f"c{i}" for i in range(7)])

    def test_deletion_and_return(self) -> None:
        peer = self.paired()
        self.assertEqual(peer.push("s1", conversation("main", message("m1", "one"), message("m2", "two")))[0], 200)
        self.assertEqual(self.backend.as_user("DELETE", "/conversations/main/messages/m1")[1]["status"], "deleted")
        self.assertEqual(self.backend.as_user("DELETE", "/conversations/main")[0], 200)
        self.assertEqual(self.backend.as_user("GET", "/conversations/main")[0], 404)
        gone = peer.pull()
        self.assertEqual([m["content"] for m in gone["conversations"][0]["messages"]], [""])
        write = {"role": "user", "content": "three", "surface": "web"}
        self.assertEqual(self.backend.as_user("POST", "/conversations/main/messages", write)[0], 201)
        back = peer.pull(since=gone["last_sync"])["conversations"][0]["messages"]
        self.assertEqual(sorted(m["content"] for m in back), ["", "three", "two"])

    def test_unpairing_and_revocation(self) -> None:
        peer = self.paired()
        first = peer.peer_id
        self.assertEqual(peer.call("DELETE", f"/peers/{first}"), (200, {"status": "unpaired", "peer_id": first}))
        self.assertEqual(peer.call("GET", f"/sync/{first}")[1]["code"], "unknown-peer")
        self.assertEqual(peer.call("GET", "/conversations")[1]["code"], "invalid-credential")
        self.assertEqual(peer.register()[0], 200)
        self.assertNotEqual(peer.peer_id, first)
        revoked = peer.peer_id
        self.assertEqual(self.backend.call("DELETE", f"/peers/{revoked}", None, f"Bearer {self.backend.admin}")[0], 200)
        self.assertEqual(peer.push("s1")[1]["code"], "peer-revoked")
        self.assertEqual(peer.register()[1]["code"], "peer-revoked")

    def test_everything_acknowledged_survives_a_kill(self) -> None:
        peer = self.paired()
        self.assertEqual(peer.push("s1", conversation("main", message("m1", "kept")))[0], 200)
        page, identity = peer.pull(), self.backend.identity
        self.backend.kill()
        self.backend.start()
        self.assertEqual(self.backend.identity, identity)
        self.assertEqual(self.backend.as_user("GET", "/conversations/main")[1]["messages"][0]["content"], "kept")
        self.assertEqual(peer.pull(since=page["last_sync"])["conversations"], [])
        self.assertEqual(peer.push("s1", conversation("main", message("m1", "kept")))[0], 200)
        self.assertEqual(peer.push("s1", conversation("main"))[0], 409)

    def test_an_assertion_works_once(self) -> None:
        target = "/conversations/none"
        credential = "BSP-User " + self.backend.assertion(
            "HS256", "bsp-user+jwt", "alice", "alice", "DELETE", target,
            lambda signed: hmac.new(self.backend.secret.encode(), signed, hashlib.sha256).digest())
        self.assertEqual(self.backend.call("DELETE", target, None, credential)[1]["code"], "not-found")
        self.assertEqual(self.backend.call("DELETE", target, None, credential)[1]["code"], "stale-request")


if __name__ == "__main__":
    unittest.main()
