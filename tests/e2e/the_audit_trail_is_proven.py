#!/usr/bin/env python3
"""`audit verify` tells every kind of tampering with the trail's file, a crash costs no line, and nothing secret is in it."""

import contextlib
import http.client
import json
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parent))
from support.backends import SERVER, Backend  # noqa: E402
from support.peer import Peer  # noqa: E402


def verify(backend, *options):
    return subprocess.run([SERVER, "audit", "verify", "--data-dir", backend.data, *options], capture_output=True, text=True, check=False, timeout=120)


def request(backend, method, target, headers=None, body=None):
    parts = urlsplit(backend.url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=60)
    connection.request(method, target, body, {"Content-Type": "application/json", **(headers or {})})
    with contextlib.closing(connection):
        response = connection.getresponse()
        return response.status, json.loads(response.read() or b"{}")


class Trail(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory()
        self.addCleanup(self.scratch.cleanup)
        self.backend = Backend([SERVER], Path(self.scratch.name) / "data").start()
        self.addCleanup(self.backend.stop)
        self.file = self.backend.data / "audit.jsonl"

    def admin(self):
        return {"Authorization": "Bearer " + self.backend.admin_token.read_text().strip()}

    def lines(self, at_least):
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            found = self.file.read_bytes().splitlines(keepends=True) if self.file.exists() else []
            if len(found) >= at_least:
                return found
            time.sleep(0.05)
        self.fail(f"{at_least} lines did not come")

    def happenings(self, secret):
        """A few, with `secret` where it must not stay; gives how many entries they make at least."""
        peers = [Peer(self.backend) for _ in range(3)]
        for peer in peers:
            request(self.backend, "POST", f"/sync/{peer.peer_id}", body=json.dumps({"sync_id": secret}))
        request(self.backend, "GET", "/audit", {"Authorization": "Bearer " + secret, "User-Agent": secret + "\\n{}"})
        request(self.backend, "POST", "/register-peer", body=json.dumps({"backend_identity": {"backend_id": "local_x\n" + secret}, "sbt": {}}))
        return 8

    def test_tampering_is_told(self):
        self.lines(self.happenings("a-secret"))
        good = verify(self.backend)
        self.assertEqual(0, good.returncode, good.stderr)
        head = good.stdout.split()[-1]
        self.backend.stop()
        whole = self.file.read_bytes().splitlines(keepends=True)
        swapped = [*whole[:2], whole[3], whole[2], *whole[4:]]
        altered = [line.replace(b"sync_rejected", b"sync_accepted") for line in whole]
        for what, lines in {"removed": whole[:3] + whole[4:], "first removed": whole[1:], "altered": altered, "swapped": swapped, "repeated": whole[:2] + whole[1:],
                            "cut off": whole[:-2], "cut off within a line": [*whole[:-1], whole[-1][:-9]], "lengthened": [*whole, whole[-1]], "emptied": []}.items():
            self.file.write_bytes(b"".join(lines))
            found = verify(self.backend)
            self.assertEqual(1, found.returncode, f"{what}: {found.stdout}")
            self.assertEqual(1, found.stderr.count("\n"), what)
        self.file.write_bytes(b"".join(whole))
        self.assertEqual(0, verify(self.backend, "--head", head).returncode)
        self.assertEqual(1, verify(self.backend, "--head", "3:" + "0" * 64).returncode)
        self.assertEqual(0, verify(self.backend, "--file", str(self.file), "--head", head).returncode)

    def test_a_copy_without_its_end_is_whole_in_itself_and_lacks_the_head(self):
        self.lines(self.happenings("a-secret"))
        self.backend.stop()
        head = verify(self.backend).stdout.split()[-1]
        copy = Path(self.scratch.name) / "copy.jsonl"
        copy.write_bytes(b"".join(self.file.read_bytes().splitlines(keepends=True)[:-1]))
        self.assertEqual(0, verify(self.backend, "--file", str(copy)).returncode)
        self.assertEqual(1, verify(self.backend, "--file", str(copy), "--head", head).returncode)

    def test_a_crash_costs_no_line(self):
        before = self.lines(self.happenings("a-secret"))
        self.backend.stop(signal.SIGKILL)
        self.file.write_bytes(b"".join(before[:-2]) + before[-2][:20])  # as if it had been written in part
        self.backend.start()
        self.assertEqual(before, self.lines(len(before))[:len(before)])
        self.assertEqual(0, verify(self.backend).returncode)

    def test_another_trail_is_never_continued(self):
        self.lines(self.happenings("a-secret"))
        self.backend.stop()
        lines = self.file.read_bytes().splitlines(keepends=True)
        forged = b"".join([*lines[:-1], lines[-1].replace(b"details", b"detailed")])
        self.file.write_bytes(forged)
        self.backend.start()
        self.lines(8)
        self.assertEqual(0, verify(self.backend).returncode)
        aside = list(self.backend.data.glob("audit.until-*.jsonl"))
        self.assertEqual([forged], [path.read_bytes() for path in aside])

    def test_what_is_too_old_goes_and_the_rest_is_proven(self):
        self.backend.stop()
        self.backend.command += ["--test-clock", "--audit-days", "10"]
        self.backend.start()
        old = self.lines(self.happenings("a-secret"))
        head = verify(self.backend).stdout.split()[-1]
        self.advance(11)
        first = json.loads(self.trimmed(old)[0])
        self.assertEqual((True, True), (first["pruned"], first["number"] > 0))
        good = verify(self.backend)
        self.assertEqual(0, good.returncode, good.stderr)
        self.assertIn("after what was too old", good.stdout)
        self.assertIn("too old to be kept", verify(self.backend, "--head", head.replace(head.split(":")[0], "1", 1)).stderr)
        status, page = request(self.backend, "GET", "/audit?event_type=retention_enforced", self.admin())
        self.assertEqual((200, first["number"]), (status, page["entries"][0]["details"]["audit_through"]))
        # It goes on, over a restart and over the next time.
        self.backend.stop(signal.SIGKILL)
        self.backend.start()
        self.happenings("a-secret")
        self.assertEqual(0, verify(self.backend, "--head", good.stdout.split()[-1]).returncode)
        self.backend.stop()

        whole = self.file.read_bytes().splitlines(keepends=True)
        number, later = first["number"], json.loads(whole[2])
        moved = json.dumps({"number": number + 2, "pruned": True, "hash": later["hash"]}).encode() + b"\n"
        for what, lines in {"another seal": [whole[0].replace(b'"hash": "', b'"hash": "0', 1), *whole[1:]], "no seal": whole[1:], "more than was recorded": [moved, *whole[3:]],
                            "removed": whole[:2] + whole[3:], "altered": [*whole[:1], whole[1].replace(b"timestamp", b"timestomp"), *whole[2:]], "the seal alone": whole[:1],
                            "a seal in the middle": [*whole[:2], moved, *whole[3:]]}.items():
            self.file.write_bytes(b"".join(lines))
            found = verify(self.backend)
            self.assertEqual(1, found.returncode, f"{what}: {found.stdout}")
        self.file.write_bytes(b"".join(whole))
        self.assertEqual(0, verify(self.backend).returncode)
        for what, change in {"removed": f"DELETE FROM audit WHERE number = {number + 2}", "altered": f"UPDATE audit SET details = '{{}}' WHERE number = {number + 1}",
                             "the first removed": f"DELETE FROM audit WHERE number = {number + 1}",
                             "more than was recorded": f"DELETE FROM audit WHERE number <= {number + 2}; UPDATE meta SET value = '{number + 2}:{later['hash']}' WHERE name = 'audit_begin'"}.items():
            copy = Path(self.scratch.name) / "copy"
            shutil.copytree(self.backend.data, copy)
            with contextlib.closing(sqlite3.connect(copy / "bsp.db")) as db:
                db.executescript(change)
            found = subprocess.run([SERVER, "audit", "verify", "--data-dir", copy], capture_output=True, text=True, check=False, timeout=120)
            self.assertEqual(1, found.returncode, f"{what}: {found.stdout}")
            shutil.rmtree(copy)

    def advance(self, days):
        status, answer = request(self.backend, "POST", "/clock", self.admin(), json.dumps({"advance_ms": days * 86_400_000}))
        self.assertEqual(200, status, answer)

    def trimmed(self, old):
        """The lines of the file, once those of before are gone."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            lines = self.file.read_bytes().splitlines(keepends=True)
            if len(lines) > 1 and lines[0] != old[0] and lines[-1] not in old:
                return lines
            time.sleep(0.05)
        self.fail("nothing was removed")

    def test_nothing_secret_is_in_it(self):
        secret = "canary-b1f0c7"
        lines = self.lines(self.happenings(secret))
        for line in lines:
            self.assertLessEqual({"timestamp", "event_type", "peer_id", "details"}, set(json.loads(line)))
        everything = b"".join(lines) + (self.backend.data.parent / "log").read_bytes()
        self.assertNotIn(secret.encode(), everything)
        self.assertNotIn(self.backend.admin_token.read_bytes().strip(), everything)
        self.assertEqual(0o600, self.file.stat().st_mode & 0o777)
        status, page = request(self.backend, "GET", "/audit?limit=500", self.admin())
        self.assertEqual((200, [json.loads(line) for line in lines]), (status, page["entries"][:len(lines)]))


if __name__ == "__main__":
    unittest.main()
