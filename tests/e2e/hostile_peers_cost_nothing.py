#!/usr/bin/env python3
"""Whatever the other side answers, it costs an error that is logged and counted, and nothing that was written."""

import contextlib
import http.client
import json
import signal
import sys
import tempfile
import threading
import time
import unittest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from support.backends import SERVER, Backend  # noqa: E402
from support.person import Person, ask, eventually  # noqa: E402


class Proxy(ThreadingHTTPServer):
    """Stands before a server and spoils some of its answers: `spoil(handler, method, path) -> bool` answers by itself
    when it likes to."""

    daemon_threads = True
    block_on_close = False

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.origin = f"http://127.0.0.1:{self.server_address[1]}"
        self.port_behind = None
        self.spoil = None
        self.spoilt = 0
        self.ended = False
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, request, client_address):
        """A client that hangs up is what is expected here."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def forward(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        spoil = self.server.spoil
        if spoil and "/sync/" in self.path:
            self.server.spoilt += 1
            self.close_connection = True
            if spoil(self, self.command, body):
                return
        behind = http.client.HTTPConnection("127.0.0.1", self.server.port_behind, timeout=60)
        behind.request(self.command, self.path, body, {**self.headers, "Connection": "close"})
        answer = behind.getresponse()
        text = answer.read()
        self.answer(answer.status, text, Content_Type=answer.headers.get("Content-Type", ""))

    do_GET = do_POST = forward


def drip(handler, *_):
    """One byte in a while, for as long as somebody listens."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    with contextlib.suppress(OSError):
        while not handler.server.ended:
            handler.wfile.write(b" ")
            handler.wfile.flush()
            time.sleep(0.2)
    return True


def drip_head(handler, *_):
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
    with contextlib.suppress(OSError):
        while not handler.server.ended:
            handler.wfile.write(b"X: y\r\n")
            handler.wfile.flush()
            time.sleep(0.2)
    return True


def endless(handler, *_):
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    with contextlib.suppress(OSError):
        while not handler.server.ended:
            handler.wfile.write(b"10000\r\n" + b"{" * 0x10000 + b"\r\n")
    return True


def endless_head(handler, *_):
    with contextlib.suppress(OSError):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
        while not handler.server.ended:
            handler.wfile.write(b"X-Filler: " + b"x" * 1000 + b"\r\n")
    return True


def answering(status, body, **headers):
    return lambda handler, *_: handler.answer(status, body, **headers) or True


def wrong_acknowledgement(handler, method, body):
    if method != "POST":
        return False
    acknowledgement = {"status": "accepted", "acked_sync_id": "sync_of_somebody_else", "next_sync_in_ms": 1}
    return handler.answer(200, json.dumps(acknowledgement).encode()) or True


def acknowledging(changes):
    """Lets the server answer, and changes members of what it acknowledges a push with."""
    def spoil(handler, method, body):
        if method != "POST":
            return False
        behind = http.client.HTTPConnection("127.0.0.1", handler.server.port_behind, timeout=60)
        behind.request(method, handler.path, body, {**handler.headers, "Connection": "close"})
        answer = behind.getresponse()
        return handler.answer(answer.status, json.dumps({**json.load(answer), **changes}).encode()) or True
    return spoil


def hang_up(handler, *_):
    handler.connection.close()
    return True


SECRET = "a pairing secret for alice, long enough"


@contextlib.contextmanager
def desk(hosted_count=1):
    """A local server, and hosted ones behind proxies, paired for alice."""
    with tempfile.TemporaryDirectory() as scratch, contextlib.ExitStack() as ending:
        users = Path(scratch) / "users.json"
        users.write_text(json.dumps({"alice": SECRET}))
        users.chmod(0o600)
        proxies, alice = [Proxy() for _ in range(hosted_count)], Person("alice", SECRET)

        def start(name, *options):
            (Path(scratch) / name).mkdir()
            backend = Backend([SERVER, "--users", users, *options], Path(scratch) / name / "data").start()
            ending.callback(backend.stop, signal.SIGKILL)
            return backend

        hosted = [start(f"hosted{i}", "--type", "hosted", "--base-url", p.origin) for i, p in enumerate(proxies)]
        local = start("local", "--type", "local", *(word for p in proxies for word in ("--peer-allow", p.origin)))
        for proxy, behind in zip(proxies, hosted):
            proxy.port_behind = int(behind.url.rsplit(":", 1)[1])
            ending.callback(setattr, proxy, "ended", True)
        yield local, hosted, proxies, alice


def log_of(backend):
    return (backend.data.parent / "log").read_text(errors="replace")


class HostilePeers(unittest.TestCase):
    def assert_nothing_is_lost(self, spoil, in_the_log):
        with desk() as (local, (hosted,), (proxy,), alice):
            alice.pairs(local, hosted)
            alice.writes(local, "main", "before")
            self.assertTrue(eventually(lambda: alice.contents(hosted, "main") == ["before"]))
            proxy.spoil = spoil
            alice.writes(local, "main", "under fire")
            alice.writes(hosted, "main", "over there")
            self.assertTrue(eventually(lambda: in_the_log in log_of(local)), f"'{in_the_log}' is not in\n" + log_of(local))
            self.assertEqual(ask(local.url + "/health")[0], 200)
            proxy.spoil = None
            everything = ["before", "over there", "under fire"]
            for backend in (local, hosted):
                eventually(lambda b=backend: alice.contents(b, "main") == everything, 40)
                self.assertEqual(alice.contents(backend, "main"), everything, log_of(local))

    def test_garbage(self):
        self.assert_nothing_is_lost(answering(200, b"\xff\x00 no JSON"), "does not acknowledge the push")

    def test_acknowledgement_of_another_push(self):
        self.assert_nothing_is_lost(wrong_acknowledgement, "does not acknowledge the push")

    def test_endless_body(self):
        self.assert_nothing_is_lost(endless, "the answer is larger than")

    def test_endless_head(self):
        self.assert_nothing_is_lost(endless_head, "the head of the answer is too large")

    def test_redirection(self):
        self.assert_nothing_is_lost(answering(307, b"", Location="http://127.0.0.1:1/elsewhere"), "307")

    def test_hanging_up(self):
        self.assert_nothing_is_lost(hang_up, "the connection ended without an answer")

    def test_intervals_that_nobody_could_mean(self):
        """A client neither hammers a peer that says so, nor sleeps for ever (BSP-OFF-013)."""
        with desk() as (local, (hosted,), (proxy,), alice):
            alice.pairs(local, hosted, without={"live_pull"})  # or pulls would come when there is something, not at intervals
            for i, interval in enumerate((-1, 0, 10**18, "soon", None, 1)):
                proxy.spoil = acknowledging({"next_sync_in_ms": interval})
                alice.writes(local, f"c{i}", "hello")
                self.assertTrue(eventually(lambda c=f"c{i}": alice.contents(hosted, c) == ["hello"]), log_of(local))
            before, begun = proxy.spoilt, time.monotonic()
            self.assertTrue(eventually(lambda: proxy.spoilt >= before + 3))  # it was asked for every millisecond
            self.assertGreater(time.monotonic() - begun, 1.5)

    def test_a_dripping_peer_delays_no_other_one_and_no_farewell(self):
        for spoil in (drip, drip_head):
            with self.subTest(spoil.__name__), desk(2) as (local, (slow, quick), (spoilt, _), alice):
                spoilt.spoil = spoil
                alice.pairs(local, slow)
                alice.pairs(local, quick)
                self.assertTrue(eventually(lambda p=spoilt: p.spoilt >= 1))  # a pull is under way, and stays so
                for i in range(5):
                    begun = time.monotonic()
                    alice.writes(local, f"c{i}", "hello")
                    self.assertTrue(eventually(lambda c=f"c{i}", q=quick: alice.contents(q, c) == ["hello"], 10), log_of(local))
                    self.assertLess(time.monotonic() - begun, 1.5)
                begun = time.monotonic()
                local.stop()
                self.assertLess(time.monotonic() - begun, 1.5)
                self.assertEqual(local.process.returncode, 0)


if __name__ == "__main__":
    unittest.main()
