#!/usr/bin/env python3
"""A server gets another key while it runs, and goes on synchronizing: with those who hear of it at once, and with those
who were away."""

import hashlib
import signal
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from support.person import eventually  # noqa: E402
from two_servers_stay_in_sync import command, der_of, desk, port_of  # noqa: E402


def fingerprint(backend):
    return hashlib.sha256(der_of(backend)).hexdigest()


def rotation_file(backend):
    return backend.data / "rotation.json"


class KeysAreRotated(unittest.TestCase):
    def assert_in_sync(self, alice, local, hosted, conversation):
        """What is written on either side from now on is on the other one soon."""
        alice.writes(local, conversation, "of local")
        alice.writes(hosted, conversation, "of hosted")
        for backend in (hosted, local):
            eventually(lambda b=backend: alice.contents(b, conversation) == ["of hosted", "of local"])
            self.assertEqual(["of hosted", "of local"], alice.contents(backend, conversation), (backend.data.parent / "log").read_text(errors="replace")[-3000:])

    def assert_told(self, local):
        """Everybody was told, and the key before is destroyed."""
        eventually(lambda: not rotation_file(local).exists())
        self.assertIn("no rotation is under way", command(local, "keys", "status"))

    def test_a_rotation_is_noticed_by_nobody(self):
        with desk() as (local, hosted, alice, _):
            self.assert_in_sync(alice, local, hosted, "before")
            before = fingerprint(local)
            said = command(local, "keys", "rotate", "--grace", "1h")
            eventually(lambda: fingerprint(local) != before)
            after = fingerprint(local)
            self.assertNotEqual(before, after)
            self.assertIn(after, said)
            self.assertIn(before, said)
            self.assert_in_sync(alice, local, hosted, "after")
            self.assert_told(local)
            # The registration is the same, and its renewal as well.
            self.assertIn(after, command(local, "keys", "status"))
            alice.pairs(local, hosted)
            self.assert_in_sync(alice, local, hosted, "renewed")

    def test_without_grace_nothing_is_lost_either(self):
        with desk() as (local, hosted, alice, _):
            self.assert_in_sync(alice, local, hosted, "before")
            for number in range(3):
                for part in range(5):
                    alice.writes(local, f"busy{number}", f"{part}")
                command(local, "keys", "rotate", "--grace", "0")
                self.assert_in_sync(alice, local, hosted, f"after{number}")
                self.assert_told(local)
                eventually(lambda n=number: alice.contents(hosted, f"busy{n}") == [f"{p}" for p in range(5)])
                self.assertEqual([f"{p}" for p in range(5)], alice.contents(hosted, f"busy{number}"))

    def test_who_was_away_is_told_later(self):
        with desk() as (local, hosted, alice, _):
            self.assert_in_sync(alice, local, hosted, "before")
            at_hosted, at_local = port_of(hosted), port_of(local)
            hosted.stop(signal.SIGKILL)
            command(local, "keys", "rotate", "--grace", "1d")
            after = fingerprint(local)
            self.assertIn("not told yet", command(local, "keys", "status"))
            self.assertIn("a rotation is under way", command(local, "keys", "rotate", status=2))
            local.stop(signal.SIGKILL)
            self.assertTrue(rotation_file(local).exists())
            local.start(at_local)
            self.assertEqual(after, fingerprint(local))
            self.assertIn("not told yet", command(local, "keys", "status"))
            hosted.start(at_hosted)
            self.assert_in_sync(alice, local, hosted, "after")
            self.assert_told(local)

    def test_a_rotation_before_the_start_and_one_of_hosted(self):
        with desk() as (local, hosted, alice, _):
            at_local = port_of(local)
            local.stop()
            command(local, "keys", "rotate")
            local.start(at_local)
            self.assert_in_sync(alice, local, hosted, "after")
            self.assert_told(local)
            before = fingerprint(hosted)
            said = command(hosted, "keys", "rotate")
            eventually(lambda: fingerprint(hosted) != before)
            self.assertIn(fingerprint(hosted), said)
            self.assertFalse(rotation_file(hosted).exists())
            self.assert_in_sync(alice, local, hosted, "hosted-rotated")


if __name__ == "__main__":
    unittest.main()
