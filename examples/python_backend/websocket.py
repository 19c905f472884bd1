"""Both ends of a WebSocket (RFC 6455) that carries text messages, without extensions and subprotocols.

It knows nothing of BSP. Of the server's end one thread reads and any thread may send; the client's end is for one thread.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import socket
import ssl
import struct
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator

from http_server import WRITE_SECONDS, Disconnected, Fields, Request, Stream
from problems import Problem

MAX_MESSAGE = 65_536
TICK_SECONDS = 0.5  # how often `check` is asked while nothing arrives
PING_SECONDS = 20.0
SILENCE_SECONDS = 60.0
CLOSING_SECONDS = 1.0
MAX_HEAD_LINES, MAX_HEAD_LINE = 100, 16_384

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_CONTINUATION, _TEXT, _BINARY, _CLOSE, _PING, _PONG = 0, 1, 2, 8, 9, 10


class Closing(Exception):
    """The connection is to be closed with this code."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(code)
        self.code, self.reason = code, reason


def _tokens(request: Request, name: str) -> list[str]:
    return [token.strip().lower() for value in request.values(name) for token in value.split(",")]


def is_asked_for(request: Request) -> bool:
    """Whether a request is an opening handshake, correct or not."""
    return request.method == "GET" and "upgrade" in _tokens(request, "connection") and "websocket" in _tokens(request, "upgrade")


def acceptance(request: Request) -> Fields | None:
    """The fields of the answer 101 to an opening handshake, or None for one that is not correct."""
    keys = request.values("sec-websocket-key")
    try:
        correct = request.values("sec-websocket-version") == ["13"] and len(keys) == 1 and len(base64.b64decode(keys[0], validate=True)) == 16
    except binascii.Error:
        correct = False
    if not correct:
        return None
    return [("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Accept", _accept(keys[0]))]


def _accept(key: str) -> str:
    return base64.b64encode(hashlib.sha1(key.encode() + _GUID).digest()).decode()


class WebSocket:
    """`check` is called twice a second, whatever arrives meanwhile, and raises Closing when the connection is to end."""

    def __init__(self, sock: socket.socket, stream: Stream, check: Callable[[], None]) -> None:
        self._socket, self._stream, self._check = sock, stream, check
        self._sending = threading.Lock()
        self._closed = False
        self._heard_at = self._pinged_at = self._checked_at = time.monotonic()

    def serve(self, answer: Callable[[str], str]) -> None:
        """Sends the answer to each text message, until either side ends the connection. `answer` may raise Closing."""
        try:
            for message in self._messages():
                self._send(_TEXT, answer(message).encode())
        except Closing as closing:
            self.close(closing.code, closing.reason)
            self._socket.shutdown(socket.SHUT_WR)
            self._stream.allow(CLOSING_SECONDS)  # reading on, so that the code is not lost to a reset
            self._stream.discard()

    def close(self, code: int, reason: str) -> None:
        """Sends a close frame, once. Does not wait for a client that does not read."""
        if self._sending.acquire(timeout=CLOSING_SECONDS):
            try:
                if not self._closed:
                    self._closed = True
                    self._socket.settimeout(CLOSING_SECONDS)
                    self._socket.sendall(_frame(_CLOSE, struct.pack(">H", code) + reason.encode()))
            except OSError:
                pass
            finally:
                self._sending.release()

    def _send(self, opcode: int, payload: bytes) -> None:
        with self._sending:
            if self._closed:
                raise Disconnected
            self._socket.settimeout(WRITE_SECONDS)
            self._socket.sendall(_frame(opcode, payload))

    def _messages(self) -> Iterator[str]:
        message, begun = bytearray(), False
        while True:
            final, opcode, payload = self._read_frame(MAX_MESSAGE - len(message))
            if opcode == _CLOSE:
                raise Closing(1000, "")
            if opcode == _PING:
                self._send(_PONG, payload)
            if opcode in (_PING, _PONG):
                continue
            if opcode == _BINARY:
                raise Closing(1003, "text messages only")
            if (opcode == _CONTINUATION) != begun:
                raise Closing(1002, "a message is out of place")
            message += payload
            begun = not final
            if final:
                try:
                    text = message.decode("utf-8")
                except UnicodeDecodeError:
                    raise Closing(1007, "not UTF-8") from None
                message.clear()
                yield text

    def _read_frame(self, limit: int) -> tuple[bool, int, bytes]:
        first, second = self._exactly(2)
        opcode, length = first & 0x0F, second & 0x7F
        if first & 0x70 or opcode not in (_CONTINUATION, _TEXT, _BINARY, _CLOSE, _PING, _PONG) or not second & 0x80:
            raise Closing(1002, "a frame is malformed")
        if opcode >= _CLOSE and (length > 125 or not first & 0x80):
            raise Closing(1002, "a control frame is malformed")
        if length == 126:
            length, = struct.unpack(">H", self._exactly(2))
        elif length == 127:
            length, = struct.unpack(">Q", self._exactly(8))
        if opcode < _CLOSE and length > limit:
            raise Closing(1009, f"at most {MAX_MESSAGE} bytes")
        mask = self._exactly(4)
        return bool(first & 0x80), opcode, _unmasked(self._exactly(length), mask)

    def _exactly(self, count: int) -> bytes:
        while not self._stream.holds(count):
            heard, now = self._stream.more(TICK_SECONDS), time.monotonic()
            if now - self._checked_at >= TICK_SECONDS:
                self._check()
                self._checked_at = now
            if heard:
                self._heard_at = now
                continue
            if now - self._heard_at > SILENCE_SECONDS:
                raise Disconnected
            if now - max(self._heard_at, self._pinged_at) > PING_SECONDS:
                self._pinged_at = now
                self._send(_PING, b"")
        return self._stream.exactly(count)


class Ended(Exception):
    """The other side has ended the connection: its code, 1006 without a close frame."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class Refused(Exception):
    """The answer to an opening handshake that was not 101; status 0: there was none."""

    def __init__(self, status: int, retry_after: str | None = None) -> None:
        super().__init__(status)
        self.status, self.retry_after = status, retry_after


class ClientSocket:
    """The client's end. `url` is of http or https."""

    def __init__(self, url: str, fields: dict[str, str], seconds: float) -> None:
        parts = urllib.parse.urlsplit(url)
        try:
            self._socket = socket.create_connection((parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)), seconds)
        except (OSError, ValueError):
            raise Refused(0) from None
        try:
            if parts.scheme == "https":
                self._socket = ssl.create_default_context().wrap_socket(self._socket, server_hostname=parts.hostname)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._stream = Stream(self._socket)
            self._shake_hands(parts, fields, seconds)
        except (OSError, Disconnected, Problem, ValueError):
            self._socket.close()
            raise Refused(0) from None
        except Refused:
            self._socket.close()
            raise
        self._message = bytearray()

    def _shake_hands(self, parts: urllib.parse.SplitResult, fields: dict[str, str], seconds: float) -> None:
        key = base64.b64encode(os.urandom(16)).decode()
        wanted = {"Host": parts.netloc, "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": key, **fields}
        target = parts.path + ("?" + parts.query if parts.query else "")
        self._socket.sendall((f"GET {target} HTTP/1.1\r\n" + "".join(f"{n}: {v}\r\n" for n, v in wanted.items()) + "\r\n").encode("latin-1"))
        self._stream.allow(seconds)
        too_long = Problem("headers-too-large", "The answer is too long.")
        status = int(self._stream.line(MAX_HEAD_LINE, too_long).split(" ")[1])
        given: dict[str, str] = {}
        for _ in range(MAX_HEAD_LINES):
            if not (line := self._stream.line(MAX_HEAD_LINE, too_long)):
                break
            name, _, value = line.partition(":")
            given[name.lower()] = value.strip()
        if status != 101:
            raise Refused(status, given.get("retry-after"))
        if given.get("sec-websocket-accept") != _accept(key):
            raise Refused(0)

    def send(self, text: str) -> None:
        self._send(_TEXT, text.encode())

    def receive(self, seconds: float) -> str | None:
        """The next text message, or None when none comes in time. Raises Ended."""
        try:
            while (frame := self._frame(seconds)) is not None:
                first, payload = frame
                opcode = first & 0x0F
                if opcode == _CLOSE:
                    code = struct.unpack(">H", payload[:2])[0] if len(payload) > 1 else 1005
                    self._send(_CLOSE, payload[:2])
                    raise Ended(code)
                if opcode == _PING:
                    self._send(_PONG, payload)
                if opcode not in (_TEXT, _CONTINUATION):
                    continue
                self._message += payload
                if first & 0x80:
                    text = self._message.decode("utf-8", "replace")
                    self._message.clear()
                    return text
        except (OSError, Disconnected, Problem):
            raise Ended(1006) from None
        return None

    def close(self) -> None:
        try:
            self._send(_CLOSE, struct.pack(">H", 1000))
        except Ended:
            pass
        self._socket.close()

    def _send(self, opcode: int, payload: bytes) -> None:
        mask = os.urandom(4)
        head = bytearray(_frame(opcode, payload)[:-len(payload)] if payload else _frame(opcode, payload))
        head[1] |= 0x80
        try:
            self._socket.settimeout(WRITE_SECONDS)
            self._socket.sendall(bytes(head) + mask + _unmasked(payload, mask))
        except OSError:
            raise Ended(1006) from None

    def _frame(self, seconds: float) -> tuple[int, bytes] | None:
        """The first octet and the payload of a frame; None when none begins in time."""
        if not self._stream.holds(2) and not self._stream.more(seconds):
            return None
        self._stream.allow(WRITE_SECONDS)  # for the rest of what has begun
        first, second = self._stream.exactly(2)
        length = second & 0x7F
        if length == 126:
            length, = struct.unpack(">H", self._stream.exactly(2))
        elif length == 127:
            length, = struct.unpack(">Q", self._stream.exactly(8))
        if second & 0x80 or length + len(self._message) > MAX_MESSAGE:
            raise Disconnected
        return first, self._stream.exactly(length)


def _unmasked(payload: bytes, mask: bytes) -> bytes:
    repeated = int.from_bytes((mask * (len(payload) // 4 + 1))[:len(payload)], "big")
    return (int.from_bytes(payload, "big") ^ repeated).to_bytes(len(payload), "big")


def _frame(opcode: int, payload: bytes) -> bytes:
    head = bytes([0x80 | opcode])
    if len(payload) < 126:
        return head + bytes([len(payload)]) + payload
    if len(payload) < 65_536:
        return head + b"\x7e" + struct.pack(">H", len(payload)) + payload
    return head + b"\x7f" + struct.pack(">Q", len(payload)) + payload
