#!/usr/bin/env python3
"""A copy of the store is made while the server runs; put back, it is older than what peers know, and a new epoch has them send what
it lacks: nothing is lost that a peer still has. Whatever cannot be restored leaves the store as it is."""

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from support.backends import SERVER, Backend, reference_server  # noqa: E402
from support.load import Load, Scribe  # noqa: E402
from support.peer import Peer  # noqa: E402
from support.person import ask, eventually  # noqa: E402
from two_servers_stay_in_sync import desk, port_of  # noqa: E402

PLAIN = {name: value for name, value in os.environ.items() if not name.startswith("BSP_")}


def command(data, *words, key=None, store=None):
    given = {"BSP_KEY_ENCRYPTION_KEY": key} if key else {}
    return subprocess.run([SERVER, *words, "--data-dir", data, *(["--store", store] if store else [])], capture_output=True, text=True, check=False, timeout=120, env={**PLAIN, **given})


class Desk(unittest.TestCase):
    def setUp(self):
        self.copy = Path(self.enterContext(tempfile.TemporaryDirectory())) / "copy.db"

    def succeeds(self, *words, **how):
        done = command(*words, **how)
        self.assertEqual(0, done.returncode, done.stderr)
        return done.stdout

    def assert_everywhere(self, alice, backends, expected):
        for backend in backends:
            self.assertTrue(eventually(lambda b=backend: alice.contents(b, "main") == sorted(expected), 60), (backend.command, alice.contents(backend, "main")))

    def restored_is_whole_again(self, which):
        with desk() as (local, hosted, alice, ids):
            victim = {"local": local, "hosted": hosted}[which]
            written = [f"before {i}" for i in range(20)]
            for n, content in enumerate(written):
                alice.writes((local, hosted)[n % 2], "main", content)
            self.assert_everywhere(alice, (local, hosted), written)
            said = self.succeeds(victim.data, "store", "backup", self.copy)
            self.assertIn("20 messages", said)
            for n in range(20):
                alice.writes((local, hosted)[n % 2], "main", f"since {n}")
                written.append(f"since {n}")
            self.assert_everywhere(alice, (local, hosted), written)
            epoch = ask(victim.url + "/identity")[1]["epoch"]
            port = port_of(victim)
            victim.stop(signal.SIGKILL)
            other = hosted if victim is local else local
            alice.writes(other, "main", "meanwhile")
            self.succeeds(victim.data, "store", "restore", self.copy)
            victim.start(port)
            self.assertNotEqual(epoch, ask(victim.url + "/identity")[1]["epoch"])
            alice.writes(victim, "main", "after")
            self.assert_everywhere(alice, (local, hosted), [*written, "meanwhile", "after"])
            self.assertTrue(eventually(lambda: alice.digest(hosted, ids[0], local) == alice.digest(local, ids[1], hosted)))
            victim.stop()
            self.assertIn("whole", self.succeeds(victim.data, "audit", "verify"))

    def test_hosted_is_restored(self):
        self.restored_is_whole_again("hosted")

    def test_local_is_restored(self):
        self.restored_is_whole_again("local")


class Copies(unittest.TestCase):
    def setUp(self):
        self.scratch = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.copy = self.scratch / "copy.db"

    def refused(self, data, *words, **how):
        done = command(data, *words, **how)
        self.assertEqual(2, done.returncode, done.stdout)
        self.assertEqual(1, done.stderr.count("\n"), done.stderr)
        return done.stderr

    def succeeds(self, data, *words, **how):
        done = command(data, *words, **how)
        self.assertEqual(0, done.returncode, done.stderr)
        return done.stdout

    def test_a_copy_that_is_made_under_load_has_all_of_before(self):
        with reference_server("--type", "hosted") as server, Load(server, pushers=4, scribes=2) as load:
            before = {writer: list(writer.acknowledged) for writer in load.writers}
            self.succeeds(server.data, "store", "backup", self.copy)
            load.wait_until_all_are_served()
            self.assertIn("sound", self.succeeds(server.data, "store", "check", self.copy))
            self.assertEqual(0o600, self.copy.stat().st_mode & 0o777)
            self.assertEqual(["copy.db"], [file.name for file in self.scratch.iterdir()])
            load.end()
            server.stop()
            # On another machine, with who this backend is.
            elsewhere = self.scratch / "elsewhere"
            elsewhere.mkdir(mode=0o700)
            for name in ("identity.json", "identity.key", "users.json", "admin.token"):
                shutil.copy2(server.data / name, elsewhere / name)
            self.succeeds(elsewhere, "store", "restore", self.copy)
            again = Backend([SERVER], elsewhere)
            self.addCleanup(again.stop, signal.SIGKILL)
            again.start()
            port = int(port_of(again))
            for writer, acknowledged in before.items():
                writer.peer.port = port
                held = writer.held() if isinstance(writer, Scribe) else [message["id"] for message in writer.peer.ask_as_user("GET", "/conversations/" + writer.conversation)[1]["messages"]]
                self.assertLessEqual(set(acknowledged), set(held))
                self.assertEqual(len(held), len(set(held)))

    def test_what_cannot_be_restored_changes_nothing(self):
        with reference_server("--type", "hosted") as server:
            Peer(server).write("main", "kept")
            self.succeeds(server.data, "store", "backup", self.copy)
            self.assertIn("exists already", self.refused(server.data, "store", "backup", self.copy))
            self.assertIn("is in use", self.refused(server.data, "store", "restore", self.copy))
            self.assertEqual(200, ask(server.url + "/health")[0])
            server.stop()
            before = self.files_of(server)
            whole = self.copy.read_bytes()
            for what, octets, words in (("garbage", random.Random(1).randbytes(5000), "not an SQLite database"), ("cut off", whole[:len(whole) // 2], "is damaged"),
                                        ("garbled", whole[:16384] + bytes(16384) + whole[32768:], "is damaged"), ("nothing", b"", "is not a store of bsp-server")):
                with self.subTest(what):
                    self.copy.write_bytes(octets)
                    self.assertIn(words, self.refused(server.data, "store", "check", self.copy))
                    self.assertIn(words, self.refused(server.data, "store", "restore", self.copy))
            self.copy.unlink()
            self.assertIn("does not exist", self.refused(server.data, "store", "restore", self.copy))
            sqlite3.connect(self.copy).execute("CREATE TABLE other (x)").connection.close()
            self.assertIn("is not a store of bsp-server", self.refused(server.data, "store", "restore", self.copy))
            self.assertEqual(before, self.files_of(server))

    @staticmethod
    def files_of(server):
        return {file.name: file.read_bytes() for file in server.data.iterdir() if file.is_file()}

    def test_sealed_content_stays_sealed_and_needs_its_key(self):
        data, key = self.scratch / "data", os.urandom(32).hex()
        server = Backend(["env", "BSP_KEY_ENCRYPTION_KEY=" + key, SERVER, "--type", "hosted", "--encrypt-content"], data)
        self.addCleanup(server.stop, signal.SIGKILL)
        server.start()
        peer = Peer(server)
        peer.write("main", "a-word-that-is-sealed")
        self.succeeds(data, "store", "backup", self.copy)
        self.assertNotIn(b"a-word-that-is-sealed", self.copy.read_bytes())
        server.stop()
        whole = (data / "bsp.db").read_bytes()
        self.assertIn("sealed with the key", self.refused(data, "store", "restore", self.copy, key=os.urandom(32).hex()))
        self.assertEqual(whole, (data / "bsp.db").read_bytes())
        self.succeeds(data, "store", "restore", self.copy, key=key)
        server.start()
        peer.port = int(port_of(server))
        self.assertEqual(["a-word-that-is-sealed"], [message["content"] for message in peer.ask_as_user("GET", "/conversations/main")[1]["messages"]])

    def test_other_stores_say_what_is_for_them(self):
        for words in (("backup", self.copy), ("restore", self.copy), ("check",)):
            self.assertIn("pg_dump", self.refused(self.scratch / "data", "store", *words, store="postgresql://db.example/bsp"))
            self.assertIn("has no file", self.refused(self.scratch / "data", "store", *words, store="memory"))
        self.assertIn("has no store", self.refused(self.scratch / "data", "store", "backup", self.copy))


if __name__ == "__main__":
    unittest.main()
