#!/usr/bin/env python3
"""What a local server exchanges with a hosted one is told there by telemetry: each exchange once, whatever happens in between."""

import contextlib
import json
import signal
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from support.backends import SERVER, Backend  # noqa: E402
from support.person import Person, eventually  # noqa: E402

SECRET = "a pairing secret for alice, long enough"


@contextlib.contextmanager
def desk():
    """A local and a hosted server, paired by the handshake for alice: (local, hosted, alice)."""
    with tempfile.TemporaryDirectory() as scratch, contextlib.ExitStack() as ending:
        users = Path(scratch) / "users.json"
        users.write_text(json.dumps({"alice": SECRET}))
        users.chmod(0o600)

        def start(name, *options):
            (Path(scratch) / name).mkdir()
            backend = Backend([SERVER, "--type", name, "--users", users, *options], Path(scratch) / name / "data")
            ending.callback(backend.stop, signal.SIGKILL)
            return backend.start()

        hosted = start("hosted")
        local = start("local", "--peer-allow", hosted.url)
        paired = subprocess.run([SERVER, "--data-dir", local.data, "handshake", local.url, hosted.url, "--user", "alice", "--users", users],
                                capture_output=True, text=True, check=False, timeout=60)
        assert "mode: hybrid" in paired.stdout, paired.stdout + paired.stderr
        yield local, hosted, Person("alice", SECRET)


def events(alice, backend):
    """All that the backend was told, oldest first."""
    told, cursor = [], ""
    while True:
        status, page = alice.asks(backend, "GET", "/telemetry/events?limit=100" + cursor)
        if status != 200:
            return []
        told += page["events"]
        if not page["has_more"]:
            return told
        cursor = "&cursor=" + page["cursor"]


def log_of(backend):
    return (backend.data.parent / "log").read_text(errors="replace")


class Telemetry(unittest.TestCase):
    def eventually_told(self, alice, hosted, local, messages):
        """The events, once pushes of so many messages are told of."""
        def pushed():
            told = events(alice, hosted)
            return told if sum(e["metadata"]["messages"] for e in told if e["metadata"]["direction"] == "push") >= messages else None
        told = eventually(pushed, 90)
        self.assertTrue(told, f"{events(alice, hosted)}\n" + log_of(local)[-4000:])
        return told

    def test_a_write_is_told_of_without_its_content(self):
        with desk() as (local, hosted, alice):
            alice.writes(local, "main", "nobody else's business")
            told = self.eventually_told(alice, hosted, local, 1)
            self.assertEqual({e["event_type"] for e in told}, {"conversation_sync"})
            self.assertEqual({e["source_backend"] for e in told}, {"local"})
            self.assertNotIn("business", json.dumps(told))
            push = next(e for e in told if e["metadata"]["direction"] == "push" and e["metadata"]["messages"] == 1)
            self.assertEqual(push["metadata"]["conversations"], 1)
            self.assertGreaterEqual(push["latency_ms"], 0)
            self.assertLess(push["latency_ms"], 30_000)
            # What comes the other way is told of, too.
            alice.writes(hosted, "other", "over there")
            self.assertTrue(eventually(lambda: any(e["metadata"]["direction"] == "pull" for e in events(alice, hosted))), log_of(local))

    def test_an_outage_of_hosted_loses_and_doubles_nothing(self):
        with desk() as (local, hosted, alice):
            port = hosted.url.rstrip("/").rsplit(":", 1)[1]
            written = 0
            for crash in range(3):
                for i in range(5):
                    alice.writes(local, "main", f"{crash}.{i}")  # a push or an event may be under way when hosted dies
                    written += 1
                hosted.stop(signal.SIGKILL)
                alice.writes(local, "main", f"{crash} meanwhile")
                written += 1
                hosted.start(port)
            told = self.eventually_told(alice, hosted, local, written)
            names = [e["event_id"] for e in told]
            self.assertEqual(len(names), len(set(names)))
            pushes = [e["metadata"] for e in told if e["metadata"]["direction"] == "push"]
            # No push was acknowledged twice, so what they tell of adds up.
            self.assertEqual(len({p["sync_id"] for p in pushes}), len(pushes))
            self.assertEqual(sum(p["messages"] for p in pushes), written)
            stamps = [e["timestamp"].rstrip("Z") for e in told]  # the fraction has as many digits as it needs
            self.assertEqual(stamps, sorted(stamps))
            self.assertEqual(len(alice.contents(hosted, "main")), written)

    def test_a_crash_of_local_loses_and_doubles_nothing(self):
        with desk() as (local, hosted, alice):
            port = hosted.url.rstrip("/").rsplit(":", 1)[1]
            alice.writes(local, "main", "before")
            before = {e["event_id"] for e in self.eventually_told(alice, hosted, local, 1)}
            alice.writes(local, "main", "last")
            self.assertTrue(eventually(lambda: len(alice.contents(hosted, "main")) == 2))
            local.stop(signal.SIGKILL)  # with or without the event acknowledged
            hosted.stop(signal.SIGKILL)
            hosted.start(port)
            local.start()
            alice.writes(local, "main", "after")
            told = self.eventually_told(alice, hosted, local, 2)
            names = [e["event_id"] for e in told]
            self.assertEqual(len(names), len(set(names)))
            self.assertLessEqual(before, set(names))


if __name__ == "__main__":
    unittest.main()
