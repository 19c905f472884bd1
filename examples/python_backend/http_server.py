"""A small, strict, threaded HTTP/1.1 server (RFC 9110, RFC 9112), section 1.2 and 1.9.

It knows nothing of BSP: an `Application` says how large a body may be and answers requests. Whatever cannot be framed
beyond doubt is refused and the connection closed, so that no byte of a body is ever taken for a request (BSP-GEN-011).
"""

from __future__ import annotations

import contextlib
import email.utils
import re
import socket
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from problems import Problem

MAX_TARGET = 8 * 1024
MAX_HEADERS = 32 * 1024  # bytes of a header or trailer section
MAX_CHUNK_LINE = 1024
MAX_CONNECTIONS = 512
IDLE_SECONDS = 30.0  # between two requests
HEAD_SECONDS = 10.0  # for request line and header fields
BODY_SECONDS = 60.0
WRITE_SECONDS = 60.0
LINGER_SECONDS = 2.0  # for reading on after a refusal, so that the answer is not lost to a reset

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_REQUEST_LINE = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+) ([!-~]+) HTTP/1\.([01])")
_FIELD_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_CHUNK_LINE = re.compile(r"([0-9A-Fa-f]{1,16})[\t ]*(?:;[\t\x20-\x7e\x80-\xff]*)?")
_AUTHORITY = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~!$&'()*+,;=%-]*)(:[0-9]*)?")
_ABSOLUTE = re.compile(r"https?://([^/?]*)(.*)", re.IGNORECASE)

Fields = list[tuple[str, str]]


@dataclass
class Request:
    """One request. `target` is path and query as sent, `host` the authority it was sent to."""

    method: str
    target: str
    host: str
    fields: Fields  # names in lower case
    body: bytes = b""

    def values(self, name: str) -> list[str]:
        return [value for field_name, value in self.fields if field_name == name]

    def value(self, name: str) -> str | None:
        """The only value of a field, or None. Raises bad-request for several."""
        values = self.values(name)
        if len(values) > 1:
            raise Problem("bad-request", f"The header field {name} appears more than once.")
        return values[0] if values else None


@dataclass
class Response:
    status: int
    fields: Fields = field(default_factory=list)
    body: bytes = b""
    upgraded: Callable[[socket.socket, Stream], None] | None = None  # with 101: goes on with the connection, which then ends


class Application(Protocol):
    def body_limit(self, request: Request) -> int:
        """Greatest number of bytes that the body of this request may have."""

    def handle(self, request: Request) -> Response:
        """The answer. Does not raise."""

    def refuse(self, problem: Problem, request: Request | None) -> Response:
        """The answer to a request that could not be read; `request` is what is known of it."""


class Disconnected(Exception):
    """The client is gone, or idle for too long: there is nobody to answer."""


class Stream:
    """Reads from a socket until a deadline. Raises Disconnected, or request-timeout."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._buffer = bytearray()
        self._deadline = 0.0

    def allow(self, seconds: float) -> None:
        self._deadline = time.monotonic() + seconds

    def _receive(self) -> None:
        remaining = self._deadline - time.monotonic()
        if remaining <= 0:
            raise Problem("request-timeout", "The request did not arrive in time.")
        try:
            self._socket.settimeout(remaining)
            received = self._socket.recv(65536)
        except TimeoutError:
            raise Problem("request-timeout", "The request did not arrive in time.") from None
        except OSError:
            raise Disconnected from None
        if not received:
            raise Disconnected
        self._buffer += received

    def wait(self, seconds: float) -> None:
        """Waits for the first byte of a request."""
        self.allow(seconds)
        try:
            if not self._buffer:
                self._receive()
        except Problem:
            raise Disconnected from None

    def line(self, limit: int, too_long: Problem) -> str:
        """One line without its CRLF."""
        scanned = 0
        while (end := self._buffer.find(b"\n", scanned, limit + 2)) < 0:
            scanned = len(self._buffer)
            if scanned >= limit + 2:
                raise too_long
            self._receive()
        line = bytes(self._buffer[:end])
        del self._buffer[:end + 1]
        if not line.endswith(b"\r") or b"\r" in line[:-1]:
            raise Problem("bad-request", "A line does not end with CRLF.")
        return line[:-1].decode("latin-1")

    def holds(self, count: int) -> bool:
        """Whether that many bytes were received and not taken yet."""
        return len(self._buffer) >= count

    def more(self, seconds: float) -> bool:
        """Receives what comes next; False when nothing comes within the time."""
        self.allow(seconds)
        try:
            self._receive()
        except Problem:
            return False
        return True

    def exactly(self, count: int) -> bytes:
        while len(self._buffer) < count:
            self._receive()
        octets = bytes(self._buffer[:count])
        del self._buffer[:count]
        return octets

    def discard(self) -> None:
        """Reads and forgets until the client closes or the deadline passes."""
        try:
            while True:
                self._buffer.clear()
                self._receive()
        except (Disconnected, Problem):
            pass


def _bad(detail: str) -> Problem:
    return Problem("bad-request", detail)


def _read_fields(stream: Stream) -> Fields:
    fields: Fields = []
    too_large = Problem("headers-too-large", f"The header section is larger than {MAX_HEADERS} bytes.")
    left = MAX_HEADERS
    while line := stream.line(left, too_large):
        left -= len(line) + 2
        if left < 0:
            raise too_large
        name, colon, value = line.partition(":")
        if not colon or not _TOKEN.fullmatch(name) or not _FIELD_VALUE.fullmatch(value):
            raise _bad("A header field is malformed.")  # folded lines and space before the colon included
        fields.append((name.lower(), value.strip(" \t")))
    return fields


def _split_target(method: str, target: str, host: str) -> tuple[str, str]:
    """Path and query, and the authority, of a request target in origin, absolute or asterisk form."""
    if "#" in target:
        raise _bad("The request target has a fragment.")
    if absolute := _ABSOLUTE.fullmatch(target):
        rest = absolute[2] if absolute[2].startswith("/") else "/" + absolute[2]
        host, target = absolute[1], rest
        if not host or not _AUTHORITY.fullmatch(host):
            raise _bad("The authority of the request target is malformed.")
    elif not target.startswith("/") and not (method == "OPTIONS" and target == "*"):
        raise _bad("The request target is neither a path nor an http URL.")
    return target, host


def read_head(stream: Stream) -> tuple[Request, bool]:
    """The request without its body, and whether the client wants to keep the connection."""
    too_long = Problem("uri-too-long", f"The request line is longer than {MAX_TARGET} bytes.")
    line = stream.line(MAX_TARGET, too_long)
    for _ in range(2):
        if not line:  # RFC 9112, section 2.2: a client may send an empty line before a request
            line = stream.line(MAX_TARGET, too_long)
    match = _REQUEST_LINE.fullmatch(line)
    if match is None:
        raise _bad("The request line is malformed, or not of HTTP/1.1.")
    method, target, minor = match.groups()
    request = Request(method, target, "", _read_fields(stream))
    hosts = request.values("host")
    if len(hosts) > 1 or (not hosts and minor == "1") or not all(map(_AUTHORITY.fullmatch, hosts)):
        raise _bad("A request has exactly one well-formed Host.")
    request.target, request.host = _split_target(method, target, hosts[0] if hosts else "")
    options = [option.strip().lower() for value in request.values("connection") for option in value.split(",")]
    if minor == "0" and request.values("transfer-encoding"):
        raise _bad("HTTP/1.0 has no Transfer-Encoding.")
    return request, minor == "1" and "close" not in options


def body_length(request: Request) -> int | None:
    """The declared length of the body, or None for a chunked one."""
    lengths = {part.strip(" \t") for value in request.values("content-length") for part in value.split(",")}
    codings = request.values("transfer-encoding")
    if codings:
        if lengths:
            raise _bad("A request has Content-Length or Transfer-Encoding, not both.")
        if [coding.lower() for coding in codings] != ["chunked"]:
            raise _bad("The only transfer coding known here is chunked.")
        return None
    if not lengths:
        return 0
    length = lengths.pop()
    if lengths or not re.fullmatch(r"[0-9]+", length):
        raise _bad("Content-Length is not one decimal number.")
    digits = length.lstrip("0") or "0"
    return int(digits) if len(digits) <= 18 else 10**18


def read_body(stream: Stream, length: int | None, limit: int) -> bytes:
    too_large = Problem("payload-too-large", f"The body is larger than {limit} bytes.")
    if length is not None:
        if length > limit:
            raise too_large
        return stream.exactly(length)
    body = bytearray()
    while True:
        match = _CHUNK_LINE.fullmatch(stream.line(MAX_CHUNK_LINE, _bad("A chunk line is too long.")))
        if match is None:
            raise _bad("A chunk size is malformed.")
        size = int(match[1], 16)
        if size == 0:
            _read_fields(stream)  # trailers, which mean nothing here
            return bytes(body)
        if len(body) + size > limit:
            raise too_large
        body += stream.exactly(size)
        if stream.exactly(2) != b"\r\n":
            raise _bad("A chunk is longer than its size.")


class Connection(socketserver.BaseRequestHandler):
    server: Server

    def handle(self) -> None:
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        stream = Stream(self.request)
        try:
            while self._serve_one(stream):
                pass
        except (Disconnected, OSError):
            pass

    def _serve_one(self, stream: Stream) -> bool:
        """Answers one request; whether the connection can carry another."""
        application = self.server.application
        request = None
        with self.server.idle(self.request):
            stream.wait(IDLE_SECONDS)
        try:
            with self.server.idle(self.request):
                stream.allow(HEAD_SECONDS)
                request, keep = read_head(stream)
            length = body_length(request)
            limit = application.body_limit(request)
            self._answer_expectation(request, length, limit)
            stream.allow(BODY_SECONDS)
            request.body = read_body(stream, length, limit)
        except Problem as problem:
            # Where this request ends, and the next one begins, is unknown from here on.
            self._send(application.refuse(problem, request), request, keep=False)
            self.request.shutdown(socket.SHUT_WR)
            stream.allow(LINGER_SECONDS)
            stream.discard()
            return False
        response = application.handle(request)
        self._send(response, request, keep)
        if response.upgraded is not None:
            response.upgraded(self.request, stream)
            return False
        return keep

    def _answer_expectation(self, request: Request, length: int | None, limit: int) -> None:
        expectations = [value.lower() for value in request.values("expect")]
        if not expectations:
            return
        if expectations != ["100-continue"]:
            raise Problem("expectation-failed", "The only expectation known here is 100-continue.")
        if length is None or 0 < length <= limit:
            self.request.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _send(self, response: Response, request: Request | None, keep: bool) -> None:
        fields = [("Date", email.utils.formatdate(usegmt=True)), *response.fields]
        if response.status not in (101, 204):
            fields.append(("Content-Length", str(len(response.body))))
        if not keep:
            fields.append(("Connection", "close"))
        reason = _REASONS.get(response.status, "")
        head = f"HTTP/1.1 {response.status} {reason}\r\n" + "".join(f"{n}: {v}\r\n" for n, v in fields) + "\r\n"
        body = b"" if request is not None and request.method == "HEAD" else response.body
        self.request.settimeout(WRITE_SECONDS)
        self.request.sendall(head.encode("latin-1") + body)


_REASONS = {
    101: "Switching Protocols", 200: "OK", 201: "Created", 204: "No Content", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden",
    404: "Not Found", 405: "Method Not Allowed", 408: "Request Timeout", 409: "Conflict", 413: "Content Too Large",
    414: "URI Too Long", 415: "Unsupported Media Type", 417: "Expectation Failed", 421: "Misdirected Request",
    422: "Unprocessable Content", 426: "Upgrade Required", 431: "Request Header Fields Too Large", 500: "Internal Server Error",
    503: "Service Unavailable",
}


class Server(socketserver.ThreadingTCPServer):
    """Listens on a loopback address. When all places are taken, the connection that is idle longest gives way."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int) -> None:
        self.application: Application | None = None
        self._lock = threading.Lock()
        self._idle: dict[socket.socket, None] = {}
        self._places = threading.Semaphore(MAX_CONNECTIONS)
        super().__init__(("127.0.0.1", port), Connection)

    @contextlib.contextmanager
    def idle(self, sock: socket.socket) -> Iterator[None]:
        """Within it a connection waits for a request, and may be closed in favour of another."""
        with self._lock:
            self._idle[sock] = None
        try:
            yield
        finally:
            with self._lock:
                self._idle.pop(sock, None)

    def _close_idle(self) -> None:
        with self._lock:
            if self._idle:
                sock = next(iter(self._idle))
                del self._idle[sock]
                try:
                    sock.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def process_request(self, request: socket.socket, client_address: object) -> None:
        while not self._places.acquire(timeout=0.05):
            self._close_idle()
        super().process_request(request, client_address)

    def process_request_thread(self, request: socket.socket, client_address: object) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()

    def handle_error(self, request: socket.socket, client_address: object) -> None:
        pass  # what may fail here is the connection itself; the application answers for its own faults
