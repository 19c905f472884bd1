#!/usr/bin/env python3
"""With --encrypt-content no file of the data directory has anything that anybody said; all of it comes back, after a
restart, after re-keying and after re-keying that was killed; and what cannot be opened is never passed over."""

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from support.backends import SERVER, Backend  # noqa: E402
from support.peer import Peer, signed_push  # noqa: E402

PLAIN = {name: value for name, value in os.environ.items() if not name.startswith("BSP_") and name != "BACKEND_PRIVATE_KEY"}
COLUMNS = {"conversation": "scalars_body", "message": "body", "loser": "body", "receipt": "acknowledgement", "event": "body", "privacy_settings": "body"}


class ContentAtRest(unittest.TestCase):
    def setUp(self):
        self.data = Path(self.enterContext(tempfile.TemporaryDirectory())) / "data"
        self.key = os.urandom(32).hex()

    def server(self, *options, key=None):
        backend = Backend(["env", "BSP_KEY_ENCRYPTION_KEY=" + (key or self.key), SERVER, *options], self.data)
        self.addCleanup(backend.stop)
        return backend.start()

    def command(self, *arguments, key=None, wait=True):
        given = {"BSP_KEY_ENCRYPTION_KEY": key} if key else {}
        process = subprocess.Popen([SERVER, *arguments, "--data-dir", self.data], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**PLAIN, **given})
        if not wait:
            return process
        out, err = process.communicate(timeout=120)
        return process.returncode, out + err

    def say_everything(self, backend, word):
        """The word by every way that content takes; gives what reads it back."""
        peer = Peer(backend)
        scalars = {"title": word + "title", "x_extra": {"deep": [word + "extension"]}}
        self.assertEqual(200, signed_push(peer, "s1", word + "pushed", **scalars)[0])
        self.assertEqual(200, signed_push(peer, "s2", word + "lost", message_id="ms1", **scalars)[0])  # the same version, another content
        peer.write("local", word + "written")
        status, answer = peer.ask_as_user("PUT", "/privacy-settings", {"user_id": peer.user, "x_note": word + "note"})
        self.assertEqual(200, status, answer)
        stream = peer.stream()
        stream.send('{"event_id": "e-%s", "event_type": "query", "timestamp": "%s", "source_backend": "t", "user_id": "alice", "surface": "web", "metadata": {"question": "%sasked"}}'
                    % (peer.peer_id, time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), word))
        self.told = stream.receive()
        stream.close()
        return peer

    def everything(self, peer):
        targets = ("/conversations/main?conflicts=1", "/conversations/local", "/privacy/export", "/telemetry/events", "/privacy-settings")
        answers = [peer.ask_as_user("GET", target) for target in targets]
        self.assertEqual([200] * len(answers), [status for status, _ in answers], answers)
        for _, answer in answers:
            answer.pop("exported_at", None)
        return answers

    def assert_in_no_file(self, word):
        found = [file.name for file in self.data.rglob("*") if file.is_file() and word.encode() in file.read_bytes()]
        self.assertEqual([], found)

    @contextlib.contextmanager
    def database(self):
        with contextlib.closing(sqlite3.connect(self.data / "bsp.db")) as db, db:
            yield db

    def test_nothing_is_readable_and_all_comes_back(self):
        backend = self.server("--encrypt-content")
        word = "canary" + os.urandom(6).hex()
        peer = self.say_everything(backend, word)
        before = self.everything(peer)
        for part in ("title", "extension", "pushed", "lost", "written", "note"):
            self.assertIn(word + part, str(before), part)
        self.assertTrue((self.data / "bsp.db-wal").exists())
        self.assert_in_no_file(word)
        backend.stop(signal.SIGKILL)
        self.assert_in_no_file(word)
        backend = self.server()
        peer.backend, peer.port = backend, int(backend.url.rsplit(":", 1)[1])
        self.assertEqual(before, self.everything(peer))
        status, text = self.command("content", "rekey", key=self.key)
        self.assertEqual((2, True), (status, "is in use" in text), text)
        backend.stop()
        with self.database() as db:
            for table, column in COLUMNS.items():
                kinds = db.execute(f"SELECT DISTINCT typeof({column}) FROM {table}").fetchall()
                self.assertLessEqual(set(kinds), {("blob",)}, table)
        status, text = self.command("content", "rekey", key=self.key)
        self.assertEqual(0, status, text)
        self.assert_in_no_file(word)
        backend = self.server()
        peer.port = int(backend.url.rsplit(":", 1)[1])
        self.assertEqual(before, self.everything(peer))

    def test_what_was_there_before_is_sealed_too(self):
        backend = self.server()
        word = "canary" + os.urandom(6).hex()
        peer = self.say_everything(backend, word)
        before = self.everything(peer)
        backend.stop()
        self.assertIn(word.encode(), (self.data / "bsp.db").read_bytes())
        backend = self.server("--encrypt-content")
        self.assert_in_no_file(word)
        peer.port = int(backend.url.rsplit(":", 1)[1])
        self.assertEqual(before, self.everything(peer))

    def test_killed_while_re_keying(self):
        backend = self.server("--encrypt-content")
        peer = Peer(backend)
        for i in range(60):
            self.assertEqual(200, signed_push(peer, f"s{i}", f"content {i} " + "x" * 100, count=200)[0])
        backend.stop()
        log = self.data / "bsp.db-wal"
        killed = 0
        for pause in (0.05, 0.1, 0.2, 0.4):
            process = self.command("content", "rekey", key=self.key, wait=False)
            deadline = time.monotonic() + 30
            while process.poll() is None and time.monotonic() < deadline and not (log.exists() and log.stat().st_size > 100_000):
                time.sleep(0.002)
            time.sleep(pause / 10)
            process.kill()
            process.communicate()
            with self.database() as db:
                rows = db.execute("SELECT count(*) FROM content_key WHERE use = 'content'").fetchone()[0]
                keys = dict(db.execute("SELECT hex(substr(body, 2, 8)), count(*) FROM message GROUP BY 1").fetchall())
            killed += rows == 2 and len(keys) == 2
            backend = self.server()
            peer.port = int(backend.url.rsplit(":", 1)[1])
            status, answer = peer.ask_as_user("GET", "/conversations/main?limit=500")
            self.assertEqual(200, status, answer)
            self.assertIn("content 59", str(answer) + str(peer.ask_as_user("GET", "/privacy/export")[1]))
            backend.stop()
        self.assertGreater(killed, 0, "re-keying was never met in its middle")
        status, text = self.command("content", "rekey", key=self.key)
        self.assertEqual(0, status, text)
        with self.database() as db:
            self.assertEqual(1, db.execute("SELECT count(*) FROM content_key WHERE use = 'content'").fetchone()[0])
            self.assertEqual(1, db.execute("SELECT count(DISTINCT hex(substr(body, 2, 8))) FROM message").fetchone()[0])

    def test_without_the_right_key_it_does_not_start(self):
        self.server("--encrypt-content").stop()
        for key, word in ((None, "BSP_KEY_ENCRYPTION_KEY is not set"), ("00" * 32, "was sealed with the key"), ("no key", "64 hexadecimal digits")):
            for options in ([], ["--encrypt-content"], ["content", "rekey"]):
                status, text = self.command(*options, *(["--port", "0"] if "content" not in options else []), key=key)
                self.assertEqual(2, status, text)
                self.assertIn(word, text)
        self.assertEqual(0, self.command("audit", "verify")[0])  # has no content
        status, text = self.command("--store", "memory", "--encrypt-content", "--port", "0", key=self.key)
        self.assertEqual((2, True), (status, "--encrypt-content" in text))

    def test_tampering_is_told(self):
        backend = self.server("--encrypt-content")
        peer = self.say_everything(backend, "word")
        signed_push(peer, "s3", "another", message_id="m3")
        backend.stop()
        changes = {"swapped": "UPDATE message SET body = (SELECT body FROM message AS other WHERE other.id = CASE message.id WHEN 'ms1' THEN 'm3' ELSE 'ms1' END) WHERE id IN ('ms1', 'm3')",
                   "plain": "UPDATE message SET body = '{}' WHERE id = 'ms1'", "cut": "UPDATE message SET body = substr(body, 1, length(body) - 1) WHERE id = 'ms1'",
                   "emptied": "UPDATE message SET body = x'' WHERE id = 'ms1'", "digest": "UPDATE message SET digest = zeroblob(32) WHERE id = 'ms1'"}
        whole = (self.data / "bsp.db").read_bytes()
        for what, change in changes.items():
            (self.data / "bsp.db").write_bytes(whole)
            with self.database() as db:
                db.execute(change)
            backend = self.server()
            peer.port = int(backend.url.rsplit(":", 1)[1])
            status, answer = peer.ask_as_user("GET", "/conversations/main")
            self.assertEqual(503, status, f"{what}: {answer}")
            self.assertEqual(200, peer.ask_as_user("GET", "/conversations/local")[0], what)
            self.assertIn("a kept message.body", (self.data.parent / "log").read_text(errors="replace"))
            backend.stop()
            for extra in ("bsp.db-wal", "bsp.db-shm"):
                (self.data / extra).unlink(missing_ok=True)


if __name__ == "__main__":
    unittest.main()
