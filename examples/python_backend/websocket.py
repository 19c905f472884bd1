"""The server's end of a WebSocket (RFC 6455) that carries text messages, without extensions and subprotocols.

It knows nothing of BSP. One thread reads it; any thread may send.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator

from http_server import WRITE_SECONDS, Disconnected, Fields, Request, Stream

MAX_MESSAGE = 65_536
TICK_SECONDS = 0.5  # how often `check` is asked while nothing arrives
PING_SECONDS = 20.0
SILENCE_SECONDS = 60.0
CLOSING_SECONDS = 1.0

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
    accept = base64.b64encode(hashlib.sha1(keys[0].encode() + _GUID).digest()).decode()
    return [("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Accept", accept)]


class WebSocket:
    """`check` is called twice a second while nothing arrives, and raises Closing when the connection is to end."""

    def __init__(self, sock: socket.socket, stream: Stream, check: Callable[[], None]) -> None:
        self._socket, self._stream, self._check = sock, stream, check
        self._sending = threading.Lock()
        self._closed = False
        self._heard_at = self._pinged_at = time.monotonic()

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
            if self._stream.more(TICK_SECONDS):
                self._heard_at = time.monotonic()
                continue
            self._check()
            now = time.monotonic()
            if now - self._heard_at > SILENCE_SECONDS:
                raise Disconnected
            if now - max(self._heard_at, self._pinged_at) > PING_SECONDS:
                self._pinged_at = now
                self._send(_PING, b"")
        return self._stream.exactly(count)


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
