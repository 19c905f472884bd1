#!/usr/bin/env python3
"""Telemetry and held pulls over real sockets, at the reference server and at the independent backend."""

import json
import resource
import signal
import socket
import sys
import threading
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from support.backends import python_backend, reference_server  # noqa: E402
from support.peer import Peer, Refused, Stream  # noqa: E402


def event(event_id, **more):
    return json.dumps({"event_id": event_id, "event_type": "capture", "session_id": "s", "timestamp": "2025-12-31T00:00:00Z", "source_backend": "local",
                       "metadata": {"a": [1, 2.5]}, **more})


def ack(event_id):
    return {"status": "acked", "event_id": event_id}


class OneBackend(unittest.TestCase):
    """A test with a backend of its own, which `start` starts, and with peers of it."""

    def setUp(self):
        self.backend = self.enterContext(self.start())

    def peer(self, *arguments, **options):
        peer = Peer(self.backend, *arguments, **options)
        self.addCleanup(peer.close)
        return peer


class Telemetry:
    """What any backend of the profile does."""

    def listed(self, peer, query=""):
        status, body = peer.ask_as_user("GET", "/telemetry/events" + query)
        self.assertEqual(200, status, body)
        return [e["event_id"] for e in body["events"]]

    def refusal(self, peer, **options):
        try:
            stream = peer.stream(**options)
        except Refused as refused:
            return refused.status
        return stream.receive(2)

    def test_events_are_acknowledged_and_kept(self):
        peer = self.peer()
        stream = peer.stream()
        self.assertIn("\r\nCache-Control: no-store", stream.head)
        stream.send(event("e1", cost_usd=0.0045, latency_ms=None))
        self.assertEqual(ack("e1"), stream.receive())
        for text in (event("e2"), event("e3", latency_ms=-1), "{", event("e1"), event("e4")):
            stream.send(text)  # pipelined
        answers = [stream.receive() for _ in range(5)]
        self.assertEqual([ack("e2"), ack("e1"), ack("e4")], [a for a in answers if a["status"] == "acked"])
        self.assertEqual([("e3", 422), (None, 400)], [(a["event_id"], a["error"]["status"]) for a in answers if a["status"] == "rejected"])
        body = peer.ask("GET", "/telemetry/events")[1]
        self.assertEqual(["e1", "e2", "e4"], [e["event_id"] for e in body["events"]])
        self.assertEqual((0.0045, {"a": [1, 2.5]}), (body["events"][0]["cost_usd"], body["events"][0]["metadata"]))
        self.assertEqual([], self.listed(self.peer("bob")))

    def test_only_the_peer_itself_is_let_in(self):
        peer, other = self.peer(), self.peer()
        self.assertIn(self.refusal(peer, authorization=None), (401, 1008))
        self.assertIn(self.refusal(peer, authorization=other.assertion("GET", f"/telemetry/{peer.peer_id}")), (401, 403, 1008))
        once = peer.assertion("GET", f"/telemetry/{peer.peer_id}")
        peer.stream(authorization=once).close()
        self.assertIn(self.refusal(peer, authorization=once), (401, 1008))
        self.assertEqual(426, peer.ask("GET", f"/telemetry/{peer.peer_id}")[0])
        peer.unpair()
        self.assertIn(self.refusal(peer), (403, 404, 1008))

    def test_bad_frames_end_their_own_connection_only(self):
        peer = self.peer()
        healthy = peer.stream()
        for frame, code in ((Stream.frame(b"x", opcode=2), 1003), (Stream.frame(b"\xff\xfe"), 1007), (Stream.frame(b"x" * 65_537), 1009)):
            stream = peer.stream()
            stream.send_frames(frame)
            self.assertEqual(code, stream.receive())
        whole = event("large")
        whole = whole[:-1] + ', "pad": "' + "x" * (65_536 - len(whole) - 11) + '"}'
        self.assertEqual(65_536, len(whole))
        healthy.send(whole)
        self.assertEqual(ack("large"), healthy.receive())
        text = event("pieces").encode()
        healthy.send_frames(healthy.frame(text[:10], final=False), healthy.frame(b"ping", opcode=9), healthy.frame(text[10:], opcode=0))
        self.assertEqual(ack("pieces"), healthy.receive())

    def test_a_connection_ends_with_its_peers_right(self):
        peer = self.peer()
        idle, busy = peer.stream(), peer.stream()
        busy.send(event("before"))
        self.assertEqual(ack("before"), busy.receive())
        peer.unpair()
        begun = time.monotonic()
        busy.send(event("after"))
        self.assertEqual([1008, 1008], [busy.receive(), idle.receive()])
        self.assertLess(time.monotonic() - begun, 2)
        self.assertEqual(["before"], self.listed(peer))

    def test_a_connection_ends_with_its_token(self):
        peer = self.peer(lifetime=2)
        stream, begun = peer.stream(), time.monotonic()
        self.assertEqual(1008, stream.receive())
        self.assertTrue(1 < time.monotonic() - begun < 4, time.monotonic() - begun)
        peer.register()
        peer.stream().close()

    def test_an_acknowledged_event_survives_a_crash(self):
        peer = self.peer()
        stream = peer.stream()
        for i in range(20):
            stream.send(event(f"e{i}"))
        acked = [stream.receive()["event_id"] for _ in range(20)]
        self.backend.stop(signal.SIGKILL)
        self.backend.start(port=peer.port)
        self.assertEqual(acked, self.listed(peer))

    def test_a_stop_closes_with_1012(self):
        peer = self.peer()
        stream = peer.stream()
        stream.send(event("e"))
        self.assertEqual(ack("e"), stream.receive())
        begun = time.monotonic()
        self.backend.process.terminate()
        self.assertEqual(1012, stream.receive())
        self.backend.process.wait(10)
        self.assertLess(time.monotonic() - begun, 3)

    def test_who_does_not_read_delays_nobody(self):
        peer, other = self.peer(), self.peer("bob")
        slow = peer.stream(receive_buffer=4096)
        slow.socket.settimeout(0.2)
        try:
            for i in range(900):
                slow.send(event(f"s{i}", latency_ms=-1, pad="x" * 1000))
        except (TimeoutError, socket.timeout):
            pass
        brisk = other.stream()
        begun = time.monotonic()
        for i in range(20):
            brisk.send(event(f"b{i}"))
            self.assertEqual(ack(f"b{i}"), brisk.receive())
        self.assertLess(time.monotonic() - begun, 2)

    def test_a_budget_is_kept(self):
        peer = self.peer()
        stream = peer.stream()
        answers = []
        reader = threading.Thread(target=lambda: answers.extend(stream.receive() for _ in range(1_010)))
        reader.start()
        for i in range(1_010):
            stream.send(event(f"e{i}"))
        reader.join()
        self.assertEqual(1_000, sum(a["status"] == "acked" for a in answers[:1_000]))
        limited = [a for a in answers if a["status"] == "rate_limited"]
        self.assertEqual({f"e{i}" for i in range(1_000, 1_010)}, {a["event_id"] for a in limited})
        self.assertTrue(all(0 < a["retry_after_ms"] <= 60_000 for a in limited))


class HeldPulls:
    def pull(self, peer, query):
        begun = time.monotonic()
        status, body = peer.ask("GET", f"/sync/{peer.peer_id}{query}", timeout=40)
        return status, body, time.monotonic() - begun

    def test_a_commit_ends_the_wait(self):
        peer = self.peer()
        peer.write("main")
        since = self.pull(peer, "")[1]["last_sync"]
        status, body, took = self.pull(peer, f"?since={since}&wait=1")
        self.assertEqual((200, [], False), (status, body["conversations"], body["has_more"]))
        self.assertTrue(0.9 < took < 2, took)
        self.assertLess(self.pull(peer, "?wait=30")[2], 0.5)  # there is something
        writer = threading.Timer(0.3, peer.write, ["main"])
        writer.start()
        status, body, took = self.pull(peer, f"?since={since}&wait=20")
        self.assertEqual((200, 1), (status, len(body["conversations"])))
        self.assertLess(took, 1.3)
        self.assertEqual(400, self.pull(peer, "?wait=31")[0])

    def test_a_held_pull_ends_with_its_peers_right(self):
        peer, brief = self.peer(), self.peer(lifetime=2)
        leaver = threading.Timer(0.3, peer.unpair)
        leaver.start()
        status, _, took = self.pull(peer, "?wait=20")
        self.assertIn(status, (401, 403, 404))
        self.assertLess(took, 2.3)
        status, body, took = self.pull(brief, "?wait=20")
        self.assertEqual((401, "sbt-expired"), (status, body["code"]))
        self.assertLess(took, 4)

    def test_many_held_pulls_hold_nobody_up(self):
        peer, other = self.peer(), self.peer("bob")
        ended = []
        threads = [threading.Thread(target=lambda: ended.append(self.pull(peer, "?wait=20")[0])) for _ in range(60)]
        for thread in threads:
            thread.start()
        time.sleep(0.5)
        begun = time.monotonic()
        for _ in range(10):
            self.assertEqual(200, other.call("GET", "/health")[0])
            self.assertEqual(200, self.pull(other, "")[0])
        self.assertLess(time.monotonic() - begun, 2)
        other.write("main")  # of another user
        time.sleep(0.2)
        self.assertEqual([], ended)
        peer.write("main")
        for thread in threads:
            thread.join(5)
        self.assertEqual([200] * 60, ended)

    def test_a_stop_ends_held_pulls(self):
        peer = self.peer()
        stopper = threading.Timer(0.3, self.backend.process.terminate)
        stopper.start()
        status, _, took = self.pull(peer, "?wait=20")
        self.assertEqual(200, status)
        self.assertLess(took, 2)


class OfTheReferenceServer(Telemetry, HeldPulls, OneBackend):
    @staticmethod
    def start():
        return reference_server("--type", "hosted")

    def test_a_thousand_connections_hold_nobody_up(self):
        peer = self.peer()
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        streams = [peer.stream() for _ in range(1_000)]
        begun = time.monotonic()
        for _ in range(20):
            self.assertEqual(200, peer.call("GET", "/health")[0])
        self.assertLess(time.monotonic() - begun, 2)
        for i, stream in enumerate(streams[::10]):
            stream.send(event(f"e{i}"))
        self.assertEqual([ack(f"e{i}") for i in range(100)], [stream.receive() for stream in streams[::10]])
        peer.unpair()
        begun = time.monotonic()
        self.assertEqual([1008] * 1_000, [stream.receive() for stream in streams])
        self.assertLess(time.monotonic() - begun, 3)


class OfALocalServer(unittest.TestCase):
    def test_a_web_page_is_kept_out(self):
        with reference_server("--type", "local", "--allow-origin", "https://ui.example") as backend:
            peer = Peer(backend)
            self.addCleanup(peer.close)
            with self.assertRaises(Refused) as refused:
                peer.stream(origin="https://evil.example")
            self.assertEqual(403, refused.exception.status)
            peer.stream(origin="https://ui.example").close()


class OfThePythonBackend(Telemetry, OneBackend):
    @staticmethod
    def start():
        return python_backend("--type", "hosted")


if __name__ == "__main__":
    unittest.main()
