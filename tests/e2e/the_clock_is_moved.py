#!/usr/bin/env python3
"""`--test-clock` moves every rule that waits for time, for whoever has the admin token; without it there is no such thing."""

import os
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parent))
from support.backends import SERVER, Backend  # noqa: E402
from support.peer import Peer, signed_push, timestamp  # noqa: E402
from support.person import eventually  # noqa: E402

DAY = 86_400
REAL_TIME = time.time


class Moved(unittest.TestCase):
    def setUp(self):
        self.scratch = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.ahead = 0
        self.enterContext(mock.patch("time.time", lambda: REAL_TIME() + self.ahead))

    def server(self, *options, environment=()):
        backend = Backend(["env", *environment, SERVER, "--type", "hosted", *options], self.scratch / "data")
        self.addCleanup(backend.stop)
        return backend.start()

    def admin(self, backend):
        return "Bearer " + backend.admin_token.read_text().strip()

    def advance(self, peer, seconds):
        status, answer = peer.call("POST", "/clock", self.admin(peer.backend), {"advance_ms": seconds * 1000})
        self.assertEqual(200, status, answer)
        self.ahead += seconds
        self.assertEqual(self.ahead * 1000, answer["ahead_ms"])

    def test_rules_go_with_it(self):
        backend = self.server("--test-clock")
        peer = Peer(backend)
        self.assertEqual((200, None), signed_push(peer, "first"))
        # The budget of a minute, and the next minute.
        outcomes = [signed_push(peer, f"many{i}")[0] for i in range(101)]
        self.assertEqual(429, outcomes[-1])
        self.advance(peer, 61)
        self.assertEqual((200, None), signed_push(peer, "later"))
        # The token that lets the peer in.
        self.advance(peer, 3600)
        self.assertEqual((401, "sbt-expired"), signed_push(peer, "expired"))
        peer.register()
        self.assertEqual((200, None), signed_push(peer, "renewed"))
        # What is kept for ninety days, and the record of its removal.
        self.assertEqual(200, peer.ask_as_user("GET", "/conversations/main")[0])
        self.advance(peer, 91 * DAY)
        self.assertEqual(404, peer.ask_as_user("GET", "/conversations/main")[0])
        self.assertTrue(eventually(lambda: peer.call("GET", "/audit?event_type=retention_enforced", self.admin(backend))[1]["entries"]))
        entry = peer.call("GET", "/audit?event_type=retention_enforced", self.admin(backend))[1]["entries"][0]
        self.assertEqual(timestamp(time.time())[:10], entry["timestamp"][:10])

    def test_it_is_for_the_administrator(self):
        backend = self.server("--test-clock")
        peer = Peer(backend)
        right = self.admin(backend)
        for authorization, status in ((None, 401), ("Bearer wrong", 403), (peer.user_assertion("POST", "/clock"), 401)):
            self.assertEqual(status, peer.call("POST", "/clock", authorization, {"advance_ms": 1})[0])
        for body in ({}, {"advance_ms": -1}, {"advance_ms": "1"}, {"advance_ms": 10**15}, []):
            self.assertEqual(422, peer.call("POST", "/clock", right, body)[0], body)
        self.assertEqual(405, peer.call("DELETE", "/clock", right)[0])
        self.assertEqual(0, peer.call("GET", "/clock", right)[1]["ahead_ms"])
        self.assertIn("--test-clock", (self.scratch / "log").read_text())

    def test_nobody_gets_it_who_does_not_ask(self):
        backend = self.server(environment=["BSP_TEST_CLOCK=1"])
        peer = Peer(backend)
        self.assertEqual(404, peer.call("POST", "/clock", self.admin(backend), {"advance_ms": 1})[0])
        backend.stop()
        config = self.scratch / "config"
        config.write_text("test-clock = true\n")
        for options in (["--test-clock", "--host", "0.0.0.0", "--base-url", "https://sync.example.org", "--behind-tls-proxy"], ["--test-clock", "--behind-tls-proxy"], ["--config", str(config)]):
            done = subprocess.run([SERVER, "--data-dir", self.scratch / "other", "--port", "0", *options], capture_output=True, text=True, check=False, timeout=30, env={"PATH": os.environ["PATH"]})
            self.assertEqual(2, done.returncode, done.stderr)
            self.assertIn("test-clock", done.stderr)


if __name__ == "__main__":
    unittest.main()
