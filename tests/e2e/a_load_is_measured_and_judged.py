#!/usr/bin/env python3
"""The load generator: figures and a clean verdict of a good backend, the right words for one that loses, doubles or dies."""

import contextlib
import json
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from support.backends import SUITE, USERS, faulty_backend, reference_server  # noqa: E402


def load(url, users, *options, peers=10, rate=14, duration="3s"):
    return subprocess.run([SUITE, "load", url, "--users", users, "--peers", str(peers), "--rate", str(rate), "--duration", duration, *map(str, options)],
                          capture_output=True, text=True, errors="replace", check=False, timeout=240)


def wait_for_a_read(server):
    """Its log tells of the first request that only a run makes, and no preparation."""
    log = server.data.parent / "log"
    deadline = time.monotonic() + 60
    while "GET /conversations/*" not in log.read_text(errors="replace") and time.monotonic() < deadline:
        time.sleep(0.02)


class Load(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.scratch = Path(scratch.name)
        self.users = self.scratch / "users.json"
        self.users.write_text(json.dumps(USERS), encoding="utf-8")

    def figures(self):
        return json.loads((self.scratch / "load.json").read_text(encoding="utf-8"))

    def test_a_good_backend_is_measured(self):
        page = self.scratch / "load.html"
        with reference_server("--type", "hosted") as server:
            server_users = server.users.read_text(encoding="utf-8")
            done = load(server.url, server.users, "--mix", "push=4,pull=2,read=2,telemetry=2", "--report", page, "--json", self.scratch / "load.json", rate=20)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertRegex(done.stdout, r"(?m)^GOOD +Everything acknowledged is there$")
        self.assertIn("every digest agrees", done.stdout)
        told = self.figures()
        self.assertEqual(told["success_ratio"], 1)
        self.assertEqual(told["offered"], told["ended"]["ok"])
        self.assertEqual(set(told["operations"]), {"push", "pull", "read", "telemetry"})
        for one in told["operations"].values():
            at = one["since_due_us"]
            self.assertEqual(at["count"], one["offered"])
            self.assertTrue(0 < at["p50"] <= at["p90"] <= at["p99"] <= at["p99.9"] <= at["max"])
        self.assertEqual(sum(piece["offered"] for piece in told["over_time"]), told["offered"])
        self.assertEqual(told["data"]["conversations"], 40)
        self.assertEqual(told["data"]["followers"], len(json.loads(server_users)))
        self.assertEqual(told["data"]["followed_messages"], told["data"]["acknowledged_messages"])
        self.assertGreater(told["data"]["acknowledged_messages"], 40)
        text = page.read_text(encoding="utf-8")
        self.assertEqual(text.count("<svg"), 4)
        self.assertNotRegex(text, r"(src|href)=.http")
        for secret in USERS.values():
            self.assertNotIn(secret, text + json.dumps(told) + done.stdout)

    def test_a_message_that_is_lost_is_named(self):
        with faulty_backend(self.users, "--forget-every", "9") as url:
            done = load(url, self.users, "--json", self.scratch / "load.json")
            self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
            self.assertRegex(done.stdout, r"lost: message load-\S+ of conversation load-\S+ of (alice|bob)\n +it is not there, though its push load-\S+ was acknowledged")
            self.assertRegex(done.stdout, r"(?m)^FAIL +\d+ conversations? (is|are) not as acknowledged$")
            # The line shows that it is so.
            row = self.figures()["data"]["flaws"][0]
            self.assertEqual(row["flaw"], "lost")
            shown = subprocess.run(["sh", "-c", row["curl"]], capture_output=True, text=True, check=True, timeout=30).stdout
            self.assertRegex(shown, r"^HTTP/1.1 (200|404)")
            self.assertNotIn(row["message"], shown)

    def test_a_message_that_is_doubled_is_named(self):
        with faulty_backend(self.users, "--fault", "F-SYN-17") as url:
            done = load(url, self.users)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertRegex(done.stdout, r"twice: message load-\S+ of conversation load-\S+ of (alice|bob)\n +it is there more than once")

    def test_a_feed_that_loses_entries_is_named(self):
        with faulty_backend(self.users, "--fault", "F-SYN-154") as url:  # last_sync is a second ahead
            done = load(url, self.users, rate=15, duration="6s")
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertRegex(done.stdout, r"lost: message load-\S+ of conversation load-\S+ of (alice|bob)\n +it was in no pull of peer \S+, which followed the feed by last_sync")

    def test_limits_are_no_failures(self):
        with reference_server("--type", "hosted") as server:
            refused = load(server.url, server.users, "--mix", "push=1", peers=2, rate=60)
            self.assertEqual(refused.returncode, 3, refused.stdout)
            self.assertRegex(refused.stderr, r"30 pushes a second of every peer.*--peers 38 or --rate 3; or --over-limits")
            done = load(server.url, server.users, "--mix", "push=1", "--over-limits", "--json", self.scratch / "load.json", peers=2, rate=100)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertRegex(done.stdout, r"(?m)^put off +\d+ limited \(429\)\n +first: a push of peer")
        self.assertIn("no error", done.stdout)
        told = self.figures()
        self.assertGreater(told["ended"]["limited"], 50)
        self.assertEqual(told["success_ratio"], 1)

    def test_a_target_that_dies_leaves_a_report(self):
        with reference_server("--type", "hosted") as server:
            def kill_when_it_runs():
                wait_for_a_read(server)
                server.stop(signal.SIGKILL)
            killer = threading.Thread(target=kill_when_it_runs)
            killer.start()
            done = load(server.url, server.users, "--report", self.scratch / "load.html", "--json", self.scratch / "load.json", rate=20, duration="4s")
            killer.join()
        self.assertEqual(done.returncode, 4, done.stdout + done.stderr)
        self.assertRegex(done.stdout, r"(?m)^OPEN +Cannot be told: the target no longer answers")
        self.assertIn("no connection", done.stdout)
        self.assertEqual((self.scratch / "load.html").read_text(encoding="utf-8").count("<svg"), 5)
        told = self.figures()
        self.assertEqual(told["exit_status"], 4)
        self.assertGreater(told["ended"]["refused"], 0)

    def test_wrong_usage_is_told_in_words(self):
        with reference_server("--type", "hosted") as server:
            wrong = self.scratch / "wrong.json"
            wrong.write_text(json.dumps({next(iter(json.loads(server.users.read_text(encoding="utf-8")))): "another secret, which is as long as it must be"}), encoding="utf-8")
            for options, words in (((server.url, server.users, "--mix", "pul=1"), 'no operation "pul"'), ((server.url, server.users, "--rate", "0"), "--rate is"), ((server.url, server.users, "--peers", "0"), "--peers is"),
                                   ((server.url, server.users, "--duration", "soon"), "no duration"), ((server.url, server.users, "--report", self.scratch / "no" / "x.html"), "cannot write"), ((server.url, wrong), "pairing secret"),
                                   (("", server.users), "which backend?"), (("localhost", server.users), "http://")):
                with self.subTest(options=options):
                    done = subprocess.run([SUITE, "load", options[0], "--users", *map(str, options[1:])], capture_output=True, text=True, check=False, timeout=60)
                    self.assertEqual(done.returncode, 3, done.stdout + done.stderr)
                    self.assertRegex(done.stderr, re.escape(words))
        gone = load("http://127.0.0.1:9", self.users)
        self.assertEqual(gone.returncode, 4, gone.stdout + gone.stderr)
        self.assertIn("Nothing answers", gone.stderr)

    def test_ctrl_c_ends_the_run_with_a_report(self):
        with reference_server("--type", "hosted") as server:
            process = subprocess.Popen([SUITE, "load", server.url, "--users", server.users, "--peers", "4", "--rate", "10", "--duration", "5m"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            try:
                for line in process.stdout:
                    if "the run begins" in line:
                        break
                wait_for_a_read(server)
                process.send_signal(signal.SIGINT)
                rest, _ = process.communicate(timeout=60)
            finally:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
        self.assertEqual(process.returncode, 0, rest)
        self.assertIn("cut short after", rest)
        self.assertIn("every digest agrees", rest)


if __name__ == "__main__":
    unittest.main()
