#!/usr/bin/env python3
"""What one instance has taken, every other one knows: registrations, pushes, assertions, the ends of registrations, pauses and
news. And the suite finds nothing to tell two instances behind a round-robin proxy from one."""

import subprocess
import sys
import tempfile
import threading
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from support.backends import HEAVY, SERVER, findings, judge  # noqa: E402
from support.instances import instances, is_installed  # noqa: E402
from support.peer import Peer  # noqa: E402
from support.pushes import push_body  # noqa: E402

ORIGIN = "https://app.example"
BOUND = 1  # second, within which an instance sees what another has done
SLACK = 3  # seconds, for a machine that is busy


class Through:
    """One instance as a backend of its own."""

    def __init__(self, running, number):
        self.url, self.users = running.urls[number], running.users


class AsSeenBy:
    """A peer's requests, by way of another instance than that where it registered."""

    def __init__(self, peer, url):
        self.peer, self.port = peer, int(url.rsplit(":", 1)[1])

    def __enter__(self):
        self.before, self.peer.port = self.peer.port, self.port
        return self.peer

    def __exit__(self, *_):
        self.peer.port = self.before


def seen_there(peer, running, seen):
    """The same by way of the first instance."""
    with AsSeenBy(peer, running.urls[0]):
        return seen(peer)


@unittest.skipUnless(is_installed(), "PostgreSQL is not installed")
class OneBackend(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = instances()
        cls.running = cls.stack.__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.stack.__exit__(None, None, None)

    def setUp(self):
        self.peer = Peer(Through(self.running, 0))
        self.there = AsSeenBy(self.peer, self.running.urls[1])

    def within(self, begun):
        self.assertLess(time.monotonic() - begun, BOUND + SLACK)

    def test_identity_and_registrations_are_the_same(self):
        here = self.peer.call("GET", "/identity")
        with self.there as peer:
            self.assertEqual(peer.call("GET", "/identity"), here)
            self.assertEqual(peer.ask("GET", f"/sync/{peer.peer_id}")[0], 200)

    def test_a_push_is_taken_once(self):
        body = push_body(self.peer, "sync-1", "once", ["m1", "m2"])
        target = f"/sync/{self.peer.peer_id}"
        first = self.peer.call("POST", target, body=body)
        self.assertEqual(first[0], 200)
        with self.there as peer:
            self.assertEqual(peer.call("POST", target, body=body), first)
            self.assertEqual(peer.call("POST", target, body=push_body(peer, "sync-1", "once", ["m3"]))[0], 409)

    def test_an_assertion_is_used_once(self):
        for method, target in (("GET", f"/sync/{self.peer.peer_id}"), ("DELETE", f"/peers/{self.peer.peer_id}")):
            authorization = self.peer.assertion(method, target)
            self.assertEqual(self.peer.call(method, target, authorization)[0], 200)
            with self.there as peer:
                self.assertIn(peer.call(method, target, authorization)[0], (401, 404))

    def test_an_assertion_that_was_used_to_read_changes_nothing_elsewhere(self):
        reading, ending = f"/sync/{self.peer.peer_id}", f"/peers/{self.peer.peer_id}"
        self.assertEqual(self.peer.call("GET", reading, self.peer.assertion("GET", reading, jti="used"))[0], 200)
        with self.there as peer:
            self.assertEqual(peer.call("DELETE", ending, peer.assertion("DELETE", ending, jti="used"))[0], 401)
            self.assertEqual(peer.call("DELETE", ending, peer.assertion("DELETE", ending, jti="fresh"))[0], 200)

    def test_a_pull_and_a_stream_are_seen_elsewhere(self):
        admin = "Bearer " + self.running.admin_token.read_text(encoding="utf-8").strip()

        def seen(peer):
            metrics = peer.ask("GET", f"/sync/metrics/{peer.peer_id}")[1]
            return metrics["last_sync"], peer.call("GET", "/dashboard/telemetry", admin)[1]["online_peers"]

        self.assertEqual(self.peer.ask("GET", f"/sync/{self.peer.peer_id}")[0], 200)
        pulled = seen(self.peer)[0]
        self.assertIsNotNone(pulled)
        stream = self.peer.stream()
        with self.there as peer:
            begun = time.monotonic()
            while seen(peer) != seen_there(self.peer, self.running, seen):
                self.within(begun)
                time.sleep(0.05)
            self.assertEqual(seen(peer)[0], pulled)
        stream.close()

    def test_the_balancer_has_no_counters(self):
        admin = "Bearer " + self.running.admin_token.read_text(encoding="utf-8").strip()
        asked = subprocess.run(["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "-H", f"Authorization: {admin}", self.running.url + "/metrics"], capture_output=True, text=True, check=True)
        self.assertEqual(asked.stdout, "404")
        asked = subprocess.run(["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "-H", f"Authorization: {admin}", self.running.urls[0] + "/metrics"], capture_output=True, text=True, check=True)
        self.assertEqual(asked.stdout, "200")

    def test_a_held_pull_hears_of_a_write_elsewhere(self):
        status, page = self.peer.ask("GET", f"/sync/{self.peer.peer_id}")
        self.assertEqual(status, 200)
        answers = []

        def pull():
            answers.append((self.peer.ask("GET", f"/sync/{self.peer.peer_id}?since={page['last_sync']}&wait=20", timeout=30), time.monotonic()))

        held = threading.Thread(target=pull)
        held.start()
        time.sleep(0.5)  # the pull is to be held when the write comes
        self.assertEqual(answers, [])
        writer = Peer(Through(self.running, 1))
        begun = time.monotonic()
        writer.write("news")
        held.join(timeout=30)
        (status, given), ended = answers[0]
        self.assertEqual(status, 200)
        self.assertEqual([entry["conversation_id"] for entry in given["conversations"]], ["news"])
        self.assertLess(ended - begun, BOUND + SLACK)

    def test_the_end_of_a_registration_closes_its_stream_elsewhere(self):
        with self.there as peer:
            stream = peer.stream()
        begun = time.monotonic()
        self.peer.unpair()
        self.assertEqual(stream.receive(), 1008)
        self.within(begun)
        stream.close()

    def test_a_pause_closes_streams_elsewhere(self):
        with self.there as peer:
            stream = peer.stream()
        settings = {"user_id": self.peer.user, "sync_enabled": False}
        begun = time.monotonic()
        self.assertEqual(self.peer.ask_as_user("PUT", "/privacy-settings", settings)[0], 200)
        try:
            self.assertEqual(stream.receive(), 1008)
            self.within(begun)
            with self.there as peer:
                self.assertEqual(peer.ask("GET", f"/sync/{peer.peer_id}")[0], 403)
        finally:
            self.peer.ask_as_user("PUT", "/privacy-settings", {**settings, "sync_enabled": True})
            stream.close()

    def test_another_backend_does_not_start_on_this_database(self):
        with tempfile.TemporaryDirectory() as scratch:
            done = subprocess.run([SERVER, "--type", "hosted", "--data-dir", Path(scratch) / "data", "--port", "0", "--store", self.running.database.url],
                                  capture_output=True, text=True, check=False, timeout=60)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn("instances of one database share", done.stderr)

    def test_the_suite_sees_one_backend(self):
        for seed in range(1, 4) if HEAVY else (1,):
            with self.subTest(seed=seed), instances(options=("--allow-origin", ORIGIN)) as running:
                done = judge(running, "--seed", seed, "--level", "strict", "--origin", ORIGIN)
                self.assertEqual(done.returncode, 0, findings(done.stdout + done.stderr))


if __name__ == "__main__":
    unittest.main()
