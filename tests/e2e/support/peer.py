"""A local backend as the one that asks: registers itself, signs what it sends, and speaks WebSocket (RFC 6455)."""

import base64
import hashlib
import hmac
import http.client
import json
import os
import secrets
import socket
import struct
import time
from urllib.parse import urlsplit

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PSS = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=32)


def base64url(octets):
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def timestamp(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{int(seconds % 1 * 1000):03}Z"


class Peer:
    """A registration of `user` at the backend. `lifetime`: of the session binding token, in seconds."""

    def __init__(self, backend, user="alice", lifetime=3600):
        self.backend, self.user = backend, user
        self.secret = json.loads(backend.users.read_text())[user]
        parts = urlsplit(backend.url)
        self.host, self.port, self.base = parts.hostname, parts.port, parts.path
        identity = self.call("GET", "/identity")[1]
        self.callee, self.type = identity["backend_id"], identity["backend_type"]
        own_type = "local" if self.type == "hosted" else "hosted"
        self.backend_id = f"{own_type}_sha256_{secrets.token_hex(8)}"
        self.own_type = own_type
        self.peer_id = self.register(lifetime)
        self.streams = []

    def register(self, lifetime=3600):
        now = time.time()
        token = {"session_id": "sess_1", f"{self.own_type}_backend_id": self.backend_id, f"{self.type}_backend_id": self.callee, "user_id": self.user,
                 "created_at": timestamp(now), "expires_at": timestamp(now + lifetime)}
        token["signature"] = hmac.new(self.secret.encode(), json.dumps(token, sort_keys=True).encode(), hashlib.sha256).hexdigest()
        pem = KEY.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
        identity = {"backend_id": self.backend_id, "backend_type": self.own_type, "public_key": pem, "capabilities": [], "version": "1.0"}
        status, answer = self.call("POST", "/register-peer", body={"backend_identity": identity, "sbt": token})
        assert status == 200, answer
        return answer["peer_id"]

    def _claims(self, method, target, iss, sub):
        now = int(time.time())
        return {"iss": iss, "sub": sub, "aud": self.callee, "iat": now, "exp": now + 60, "jti": secrets.token_hex(16), "htm": method, "htu": self.base + target}

    def assertion(self, method, target, **claims):
        signed = ".".join(base64url(json.dumps(part).encode()) for part in ({"alg": "PS256", "typ": "bsp-peer+jwt"}, self._claims(method, target, self.backend_id, self.peer_id) | claims))
        return f"BSP {signed}.{base64url(KEY.sign(signed.encode(), PSS, hashes.SHA256()))}"

    def user_assertion(self, method, target):
        signed = ".".join(base64url(json.dumps(part).encode()) for part in ({"alg": "HS256", "typ": "bsp-user+jwt"}, self._claims(method, target, self.user, self.user)))
        return f"BSP-User {signed}.{base64url(hmac.new(self.secret.encode(), signed.encode(), hashlib.sha256).digest())}"

    def call(self, method, target, authorization=None, body=None, timeout=20):
        """(status, body as JSON)."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=timeout)
        headers = {"Authorization": authorization} if authorization else {}
        if body is not None:
            headers["Content-Type"] = "application/json"
        try:
            connection.request(method, self.base + target, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read() or "null")
        finally:
            connection.close()

    def ask(self, method, target, body=None, timeout=20):
        return self.call(method, target, self.assertion(method, target), body, timeout)

    def ask_as_user(self, method, target, body=None):
        return self.call(method, target, self.user_assertion(method, target), body)

    def write(self, conversation, content="hi"):
        status, answer = self.ask_as_user("POST", f"/conversations/{conversation}/messages", {"role": "user", "content": content, "surface": "web"})
        assert status == 201, answer

    def unpair(self):
        status, answer = self.ask("DELETE", f"/peers/{self.peer_id}")
        assert status == 200, answer

    def stream(self, **options):
        target = f"/telemetry/{self.peer_id}"
        options.setdefault("authorization", self.assertion("GET", target))
        self.streams.append(Stream(self.host, self.port, self.base + target, **options))
        return self.streams[-1]

    def close(self):
        for stream in self.streams:
            stream.close()


def signed_push(peer, sync_id, content="hi", message_id=None, count=1, **scalars):
    """Pushes `count` messages into the conversation `main`; (status, code of the refusal)."""
    now = timestamp(time.time())
    ids = [message_id or f"m{sync_id}"] + [f"m{sync_id}-{i}" for i in range(1, count)]
    messages = [{"id": one, "role": "user", "content": content, "timestamp": now, "surface": "web", "source_backend": "t", "version": 1} for one in ids]
    body = {"sync_id": sync_id, "timestamp": now,
            "conversations": [{"conversation_id": "main", "version": 1, "last_modified": now, "source_backend": "t", "surfaces": ["web"], "messages": messages, **scalars}]}
    body["signature"] = base64.b64encode(KEY.sign(json.dumps(body, sort_keys=True).encode(), PSS, hashes.SHA256())).decode()
    status, answer = peer.call("POST", "/sync/" + peer.peer_id, body=body)
    return status, answer.get("code")


class Refused(Exception):
    def __init__(self, status):
        super().__init__(status)
        self.status = status


class Stream:
    """The client's end of a WebSocket."""

    def __init__(self, host, port, target, authorization=None, origin=None, receive_buffer=None):
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(10)
        self.socket.connect((host, port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        fields = [f"GET {target} HTTP/1.1", f"Host: {host}:{port}", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
                  f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}"]
        if authorization:
            fields.append(f"Authorization: {authorization}")
        if origin:
            fields.append(f"Origin: {origin}")
        self.socket.sendall("\r\n".join([*fields, "", ""]).encode())
        self.buffer = b""
        while b"\r\n\r\n" not in self.buffer:
            self._receive()
        head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        self.head = head.decode()
        status = int(head.split()[1])
        if status != 101:
            self.socket.close()
            raise Refused(status)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _receive(self):
        octets = self.socket.recv(65536)
        if not octets:
            raise ConnectionError("the server has closed the connection")
        self.buffer += octets

    def _exactly(self, count):
        while len(self.buffer) < count:
            self._receive()
        octets, self.buffer = self.buffer[:count], self.buffer[count:]
        return octets

    @staticmethod
    def frame(payload, opcode=1, final=True):
        mask = os.urandom(4)
        length = bytes([0x80 | len(payload)]) if len(payload) < 126 else b"\xfe" + struct.pack(">H", len(payload)) if len(payload) < 65536 else b"\xff" + struct.pack(">Q", len(payload))
        masked = bytes(a ^ b for a, b in zip(payload, mask * (len(payload) // 4 + 1)))
        return bytes([(0x80 if final else 0) | opcode]) + length + mask + masked

    def send(self, message):
        self.socket.sendall(self.frame(message.encode() if isinstance(message, str) else message))

    def send_frames(self, *frames):
        self.socket.sendall(b"".join(frames))

    def receive(self, timeout=10):
        """The next message as JSON, or the close code; pongs are passed over."""
        self.socket.settimeout(timeout)
        while True:
            first, length = self._exactly(2)
            if length == 126:
                length, = struct.unpack(">H", self._exactly(2))
            elif length == 127:
                length, = struct.unpack(">Q", self._exactly(8))
            payload = self._exactly(length)
            if first & 15 == 8:
                return struct.unpack(">H", payload[:2])[0] if payload else 1005
            if first & 15 == 1:
                return json.loads(payload)
            if first & 15 == 9:
                self.send_frames(self.frame(payload, 10))

    def close(self):
        self.socket.close()
