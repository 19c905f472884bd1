#!/usr/bin/env python3
"""A server on SQLite, under load, while it is killed, its disk is full and its file is locked: what was acknowledged is there,
once; who is not served is told 503 with Retry-After, and is served again within 30 seconds after the fault is over. A file that is
damaged, cut off, emptied or gone is never begun anew in silence."""

import contextlib
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from support import small_disk  # noqa: E402
from support.backends import HEAVY, SERVER, Backend, reference_server  # noqa: E402
from support.load import Load  # noqa: E402
from support.peer import Peer  # noqa: E402

ROUNDS = 5 if HEAVY else 1
KILLS = 30 if HEAVY else 5


def status_of(url):
    """(status, Retry-After, what was answered)"""
    try:
        with urllib.request.urlopen(url, timeout=15) as answer:
            return answer.status, None, answer.read()
    except urllib.error.HTTPError as refusal:
        return refusal.code, refusal.headers["Retry-After"], refusal.read()


def command(backend, *words):
    return subprocess.run([SERVER, *words, "--data-dir", backend.data], capture_output=True, text=True, check=False, timeout=120)


class UnderLoad(unittest.TestCase):
    def under_load(self, server, fault, rounds=ROUNDS):
        with Load(server, pushers=4, scribes=2) as load:
            for _ in range(rounds):
                fault(load)
                load.wait_until_all_are_served()
            met = load.judge(self)
        self.assert_sound(server, load)
        return met, load

    def assert_sound(self, server, load):
        check = command(server, "store", "check")
        self.assertEqual(0, check.returncode, check.stderr)
        server.stop()
        trail = command(server, "audit", "verify")
        self.assertEqual(0, trail.returncode, trail.stderr)
        self.assertGreaterEqual(int(trail.stdout.split("whole: ")[1].split()[0]), load.acknowledged_pushes)

    def assert_only_writes_are_refused(self, server, load):
        """While no write succeeds: who balances load is told, and whoever reads is served."""
        load.wait_for_status(503)
        load.wait_for(lambda: status_of(server.url + "/health/ready")[0] == 503, "ready, and takes no writes")
        status, retry_after, _ = status_of(server.url + "/health")
        self.assertEqual((503, True), (status, bool(retry_after)))
        self.assertEqual(200, status_of(server.url + "/health/live")[0])
        self.assertEqual(200, status_of(server.url + "/identity")[0])
        scribe = load.writers[-1]
        self.assertEqual(200, scribe.peer.ask_as_user("GET", "/conversations/" + scribe.conversation)[0])
        pusher = load.writers[0]
        self.assertEqual(200, pusher.peer.ask("GET", f"/sync/{pusher.peer.peer_id}")[0])

    def test_killed_again_and_again(self):
        dice = random.Random(11)
        with reference_server("--type", "hosted") as server:
            port = server.url.rsplit(":", 1)[1]

            def fault(load):
                time.sleep(dice.uniform(0, 0.7))  # somewhere in the middle of what is under way
                server.stop(signal.SIGKILL)
                server.start(port)
                load.wait_for(lambda: status_of(server.url + "/health/ready")[0] == 200, "not ready again")
            self.under_load(server, fault, KILLS)

    @unittest.skipUnless(small_disk.is_possible(), small_disk.WHY_NOT)
    def test_the_disk_is_full(self):
        with tempfile.TemporaryDirectory() as scratch, small_disk.small_disk(Path(scratch) / "disk", 24) as disk:
            server = Backend([SERVER, "--type", "hosted"], disk.folder / "data")
            self.addCleanup(server.stop, signal.SIGKILL)
            server.start()

            def fault(load):
                disk.fill()
                self.assert_only_writes_are_refused(server, load)
                disk.free()
                load.wait_for(lambda: status_of(server.url + "/health/ready")[0] == 200, "not ready again")
            met, _ = self.under_load(server, fault)
            self.assertIn(503, met)

    @unittest.skipUnless(small_disk.is_possible(), small_disk.WHY_NOT)
    def test_killed_while_the_disk_is_full(self):
        with tempfile.TemporaryDirectory() as scratch, small_disk.small_disk(Path(scratch) / "disk", 24) as disk:
            server = Backend([SERVER, "--type", "hosted"], disk.folder / "data")
            self.addCleanup(server.stop, signal.SIGKILL)
            server.start()
            port = server.url.rsplit(":", 1)[1]

            def fault(load):
                disk.fill()
                load.wait_for_status(503)
                server.stop(signal.SIGKILL)
                disk.free()
                server.start(port)
            self.under_load(server, fault)

    def test_another_process_has_the_file(self):
        with reference_server("--type", "hosted") as server:
            def fault(load):
                with contextlib.closing(sqlite3.connect(server.data / "bsp.db", isolation_level=None)) as other:
                    load.wait_for(lambda: self.locks(other), "the file could not be locked")
                    self.assert_only_writes_are_refused(server, load)
                    other.execute("ROLLBACK")
                load.wait_for(lambda: status_of(server.url + "/health/ready")[0] == 200, "not ready again")
            met, load = self.under_load(server, fault)
            self.assertIn(503, met)
            self.assertLess(max(writer.waited_max for writer in load.writers), 15, "an answer came late")

    @staticmethod
    def locks(other):
        try:
            other.execute("BEGIN EXCLUSIVE")
            return True
        except sqlite3.OperationalError:
            return False


class Damage(unittest.TestCase):
    """Of the file of a server that has ended or was killed."""

    def setUp(self):
        self.scratch = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.backend = Backend([SERVER, "--type", "hosted"], self.scratch / "data")
        self.addCleanup(self.backend.stop, signal.SIGKILL)
        self.file = self.backend.data / "bsp.db"
        self.backend.start()
        self.peer = Peer(self.backend)
        for i in range(50):
            self.peer.write("main", f"text {i} " + "x" * 1000)

    def refused(self):
        """Starts the server, which must not begin; what it says, in one line."""
        done = subprocess.run([SERVER, "--data-dir", self.backend.data, "--port", "0"], capture_output=True, text=True, check=False, timeout=60)
        self.assertEqual(2, done.returncode, done.stdout + done.stderr)
        errors = [line for line in done.stderr.splitlines() if line.startswith("bsp-server:")]
        self.assertEqual(1, len(errors), done.stderr)
        return errors[0]

    def test_what_is_not_sound_is_refused_and_left_as_it_is(self):
        self.backend.stop()
        whole = self.file.read_bytes()
        garbage = random.Random(3).randbytes
        for what, octets, words in (("a garbled header", garbage(100) + whole[100:], "not an SQLite database"),
                                    ("a garbled middle", whole[:16384] + garbage(len(whole) - 32768) + whole[-16384:], "is damaged"),
                                    ("cut off", whole[:len(whole) // 2 // 8192 * 8192], "is damaged"),
                                    ("cut off within a page", whole[:len(whole) // 2 // 8192 * 8192 + 100], "is damaged"),
                                    ("the first page alone", whole[:8192], "is damaged"),
                                    ("nothing", b"", "is empty"),
                                    ("something else", garbage(len(whole)), "not an SQLite database")):
            with self.subTest(what):
                self.file.write_bytes(octets)
                said = self.refused()
                self.assertIn(str(self.file), said)
                self.assertIn(words, said)
                self.assertEqual(octets, self.file.read_bytes(), "it was changed")
        self.file.write_bytes(whole)
        self.assert_all_is_there()

    def test_a_file_that_is_gone_is_not_begun_anew(self):
        self.backend.stop()
        self.file.rename(self.scratch / "away")
        said = self.refused()
        self.assertIn("bsp.db is missing", said)
        self.assertFalse(self.file.exists())
        (self.scratch / "away").rename(self.file)
        self.assert_all_is_there()

    def test_a_store_without_its_identity_is_not_given_another(self):
        self.backend.stop()
        (self.backend.data / "identity.json").rename(self.scratch / "away")
        self.assertIn("identity.json is missing", self.refused())
        self.assertFalse((self.backend.data / "identity.json").exists())
        (self.scratch / "away").rename(self.backend.data / "identity.json")
        self.assert_all_is_there()

    def test_a_log_that_is_gone_is_told(self):
        """What a killed server has committed is in the log alone; without it the file is sound, and older."""
        copy = self.scratch / "copy"
        self.wait_for_trail(1)
        self.backend.stop(signal.SIGKILL)
        shutil.copytree(self.backend.data, copy)
        log = self.backend.data / "bsp.db-wal"
        self.assertGreater(log.stat().st_size, 0)
        log.write_bytes(b"")
        self.refused()
        shutil.rmtree(self.backend.data)
        copy.rename(self.backend.data)
        self.assert_all_is_there()

    def test_an_older_copy_is_told(self):
        self.backend.stop()
        older = self.file.read_bytes()
        before = len(self.trail())
        self.backend.start()
        Peer(self.backend)
        self.wait_for_trail(before + 1)
        self.backend.stop()
        self.file.write_bytes(older)
        said = self.refused()
        self.assertIn("audit.jsonl reaches further than the store", said)
        done = command(self.backend, "store", "new-epoch")
        self.assertEqual(0, done.returncode, done.stderr)
        self.assert_all_is_there()
        self.assertEqual(1, len(list(self.backend.data.glob("audit.until-*.jsonl"))))

    def test_damage_meets_a_running_server(self):
        """It never answers with what is wrong, and a copy from before brings everything back."""
        done = command(self.backend, "store", "backup", self.scratch / "copy.db")
        self.assertEqual(0, done.returncode, done.stderr)
        self.backend.stop()
        self.backend.start()
        size = self.file.stat().st_size
        with open(self.file, "r+b") as file:
            file.seek(8192)
            file.write(random.Random(5).randbytes(size - 8192))
        for target in ("/conversations/main", "/conversations"):
            peer = self.peer_again()
            status, answer = peer.ask_as_user("GET", target)
            self.assertEqual(503, status, answer)
        status, retry_after, _ = status_of(self.backend.url + "/health/ready")
        self.assertEqual((503, True), (status, bool(retry_after)))
        self.backend.stop()
        self.assertIn("is damaged", self.refused())
        done = command(self.backend, "store", "restore", self.scratch / "copy.db")
        self.assertEqual(0, done.returncode, done.stderr)
        self.assert_all_is_there()

    def trail(self):
        return (self.backend.data / "audit.jsonl").read_bytes().splitlines()

    def wait_for_trail(self, lines):
        Load.wait_for(lambda: len(self.trail()) >= lines, f"the trail has not got {lines} lines")

    def peer_again(self):
        """The same user, whatever port the server has now."""
        self.peer.port = int(self.backend.url.rsplit(":", 1)[1])
        return self.peer

    def assert_all_is_there(self):
        self.backend.start()
        status, page = self.peer_again().ask_as_user("GET", "/conversations/main")
        self.assertEqual(200, status, page)
        self.assertLessEqual({f"text {i} " + "x" * 1000 for i in range(50)}, {message["content"] for message in page["messages"]})


if __name__ == "__main__":
    small_disk.enter()
    unittest.main()
