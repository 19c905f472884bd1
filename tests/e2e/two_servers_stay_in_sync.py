#!/usr/bin/env python3
"""Two servers on one desk stay in sync by themselves, whatever happens to one of them in between."""

import contextlib
import hashlib
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from support.backends import HEAVY, REPOSITORY, SERVER, Backend  # noqa: E402
from support.person import Person, ask, eventually  # noqa: E402
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key  # noqa: E402


@contextlib.contextmanager
def desk(allowed=True):
    """A local and a hosted server, paired for alice: (local, hosted, alice, ids)."""
    with tempfile.TemporaryDirectory() as scratch:
        folders = {name: Path(scratch) / name for name in ("hosted", "local")}
        for folder in folders.values():
            folder.mkdir()
        users = Path(scratch) / "users.json"
        users.write_text(json.dumps({"alice": "a pairing secret for alice, long enough"}))
        users.chmod(0o600)
        hosted = Backend([SERVER, "--type", "hosted", "--users", users], folders["hosted"] / "data").start()
        local = Backend([SERVER, "--type", "local", "--users", users, *(("--peer-allow", hosted.url) if allowed else ())], folders["local"] / "data")
        try:
            local.start()
            alice = Person("alice", "a pairing secret for alice, long enough")
            yield local, hosted, alice, alice.pairs(local, hosted)
        finally:
            local.stop(signal.SIGKILL)
            hosted.stop(signal.SIGKILL)


def command(backend, *words, status=0):
    """What a command on the backend's data directory prints."""
    done = subprocess.run([SERVER, "--data-dir", backend.data, *words], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


def der_of(backend):
    """The public key that a backend shows."""
    pem = ask(backend.url + "/identity")[1]["public_key"].encode()
    return load_pem_public_key(pem).public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def users_of(backend):
    return backend.command[backend.command.index("--users") + 1]


def port_of(backend):
    return backend.url.rstrip("/").rsplit(":", 1)[1]


class TwoServers(unittest.TestCase):
    def assert_everywhere(self, alice, backends, expected, conversation="main", patience=30.0):
        for backend in backends:
            eventually(lambda b=backend: alice.contents(b, conversation) == sorted(expected), patience)
            self.assertEqual(alice.contents(backend, conversation), sorted(expected), f"{backend.command}\n" + log_of(backend))

    def assert_same_digest(self, alice, local, hosted, ids):
        def digests():
            return alice.digest(hosted, ids[0], local), alice.digest(local, ids[1], hosted)
        eventually(lambda: digests()[0] == digests()[1])
        at_hosted, at_local = digests()
        self.assertEqual(at_hosted, at_local)

    def test_what_is_written_into_either_is_in_both(self):
        with desk() as (local, hosted, alice, ids):
            alice.writes(local, "main", "from local")
            alice.writes(hosted, "main", "from hosted")
            self.assert_everywhere(alice, (local, hosted), ["from local", "from hosted"])
            # On change, and not in the next interval only (BSP-OFF-010).
            begun = time.monotonic()
            alice.writes(local, "main", "at once")
            self.assert_everywhere(alice, (hosted,), ["from local", "from hosted", "at once"])
            self.assertLess(time.monotonic() - begun, 1.5)
            self.assert_same_digest(alice, local, hosted, ids)

    def test_an_outage_of_hosted_costs_nothing(self):
        with desk() as (local, hosted, alice, ids):
            alice.writes(local, "main", "before")
            self.assert_everywhere(alice, (hosted,), ["before"])
            port = port_of(hosted)
            hosted.stop(signal.SIGKILL)
            written = ["before"] + [f"meanwhile {i}" for i in range(20)]
            for content in written[1:]:
                alice.writes(local, "main", content)
            hosted.start(port)
            alice.writes(hosted, "other", "over there")
            self.assert_everywhere(alice, (local, hosted), written, patience=60)
            self.assert_everywhere(alice, (local, hosted), ["over there"], "other", patience=60)
            self.assert_same_digest(alice, local, hosted, ids)

    def test_a_crash_of_local_costs_nothing(self):
        with desk() as (local, hosted, alice, ids):
            written = [f"before {i}" for i in range(20)]
            for content in written:
                alice.writes(local, "main", content)  # some of it is under way when the process dies
            local.stop(signal.SIGKILL)
            alice.writes(hosted, "main", "meanwhile")
            local.start()
            alice.writes(local, "main", "after")
            self.assert_everywhere(alice, (local, hosted), [*written, "meanwhile", "after"], patience=60)
            self.assert_same_digest(alice, local, hosted, ids)

    def test_crash_after_crash_costs_nothing(self):
        dice = random.Random(7)
        with desk() as (local, hosted, alice, ids):
            written = {f"c{i}": [] for i in range(5)}
            for crash in range(30 if HEAVY else 5):
                for i in range(dice.randrange(1, 30)):
                    conversation, content = f"c{dice.randrange(5)}", f"{crash}.{i}"
                    alice.writes(dice.choice((local, hosted)), conversation, content)
                    written[conversation].append(content)
                victim = dice.choice((local, hosted))  # a push, a pull or the joining of a page may be under way
                port = port_of(victim)
                victim.stop(signal.SIGKILL)
                victim.start(port)
            for conversation, contents in written.items():
                self.assert_everywhere(alice, (local, hosted), contents, conversation, patience=60)
            self.assert_same_digest(alice, local, hosted, ids)

    def test_what_the_operator_switches_off_waits(self):
        with desk() as (local, hosted, alice, ids):
            alice.writes(local, "main", "before")
            self.assert_everywhere(alice, (hosted,), ["before"])
            self.assertIn("sync is off", command(local, "sync", "off"))
            self.assertTrue(eventually(lambda: "switched off" in log_of(local)), log_of(local))
            alice.writes(local, "main", "later")
            local.stop(signal.SIGKILL)
            local.start()  # and it stays off
            self.assertTrue(eventually(lambda: log_of(local).count("switched off") == 2), log_of(local))
            self.assertIn("due           1 conversations", command(local, "sync", "status"))
            self.assertEqual(alice.contents(hosted, "main"), ["before"])
            command(local, "sync", "on")
            self.assert_everywhere(alice, (hosted,), ["before", "later"])
            # Nobody has to wait for the next look at a server that is back.
            port = port_of(hosted)
            hosted.stop(signal.SIGKILL)
            alice.writes(local, "main", "last")
            self.assertTrue(eventually(lambda: "cannot be reached" in command(local, "sync", "status")), log_of(local))
            hosted.start(port)
            status = command(local, "sync", "now")
            self.assertIn("state         nothing is in the way", status)
            self.assertIn("due           0 conversations", status)
            self.assertEqual(alice.contents(hosted, "main"), sorted(["before", "later", "last"]))

    def test_a_hosted_backend_of_another_make(self):
        with tempfile.TemporaryDirectory() as scratch, contextlib.ExitStack() as ending:
            def start(name, *words):
                (Path(scratch) / name).mkdir()
                backend = Backend(words, Path(scratch) / name / "data")
                ending.callback(backend.stop, signal.SIGKILL)
                return backend.start()

            hosted = start("hosted", sys.executable, REPOSITORY / "examples" / "python_backend", "--type", "hosted")
            local = start("local", SERVER, "--users", hosted.users, "--peer-allow", hosted.url.rstrip("/"))
            alice = Person("alice", json.loads(hosted.users.read_text())["alice"])
            self.assertIn("mode: hybrid", command(local, "handshake", local.url, hosted.url, "--user", "alice", "--users", hosted.users))
            written = [f"from local {i}" for i in range(10)]
            for content in written:
                alice.writes(local, "main", content)
            alice.writes(hosted, "main", "from hosted")
            self.assert_everywhere(alice, (local, hosted), [*written, "from hosted"])
            port = port_of(hosted)
            hosted.stop(signal.SIGKILL)
            alice.writes(local, "main", "meanwhile")
            hosted.start(port)
            self.assert_everywhere(alice, (local, hosted), [*written, "from hosted", "meanwhile"])

    def test_the_handshake_pairs_and_pairs_again(self):
        with desk() as (local, hosted, alice, ids):
            fingerprint = hashlib.sha256(der_of(hosted)).hexdigest()
            pairing = ["handshake", local.url, hosted.url, "--user", "alice", "--users", users_of(local)]
            again = command(local, *pairing, "--hosted-fingerprint", fingerprint)
            self.assertIn("mode: hybrid", again)
            self.assertIn(f"as {ids[0]};", again)  # the registrations are those of before
            self.assertIn(f"as {ids[1]};", again)
            alice.writes(local, "main", "still there")
            self.assert_everywhere(alice, (hosted,), ["still there"])
            self.assertIn("not the expected one", command(local, *pairing, "--hosted-fingerprint", "0" * 64, status=1))
            hosted.stop()
            self.assertIn("mode: local-only", command(local, *pairing, status=1))

    def test_a_server_that_is_not_listed_is_not_called(self):
        with desk(allowed=False) as (local, hosted, alice, _):
            alice.writes(local, "main", "stays here")
            self.assertTrue(eventually(lambda: "has not listed the origin " + hosted.url in log_of(local)), log_of(local))
            self.assertEqual(alice.contents(hosted, "main"), [])
            self.assertNotIn("/sync/", log_of(hosted))


def log_of(backend):
    return (backend.data.parent / "log").read_text(errors="replace")


if __name__ == "__main__":
    unittest.main()
