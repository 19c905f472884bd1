#!/usr/bin/env python3
"""Two instances on one PostgreSQL, under load, while instances and the database die: what was acknowledged is there, once;
who is not served is told 503 with Retry-After, and is served again within 30 seconds after the fault is over."""

import http.client
import json
import subprocess
import sys
import threading
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from support.backends import HEAVY, SERVER  # noqa: E402
from support.instances import instances, is_installed  # noqa: E402
from support.peer import Peer  # noqa: E402
from support.pushes import push_body  # noqa: E402

ROUNDS = 6 if HEAVY else 1
BACK_WITHIN = 30
MESSAGES = 5


@unittest.skipUnless(is_installed(), "PostgreSQL is not installed")
class Faults(unittest.TestCase):
    def under_load(self, fault):
        """Runs `fault(running)` in the middle of a load, and judges what is left."""
        with instances() as running:
            ended = threading.Event()
            writers = [Writer(running, number, ended) for number in range(4)]
            for writer in writers:
                writer.start()
            self.wait_for(lambda: all(len(writer.acknowledged) >= 2 * MESSAGES for writer in writers), "the load did not begin")
            for _ in range(ROUNDS):
                fault(running)
                over = time.monotonic()
                self.wait_for(lambda over=over: all(writer.last_acknowledged > over for writer in writers), "not everybody is served again")
            ended.set()
            for writer in writers:
                writer.join(timeout=30)
            answers = [answer for writer in writers for answer in writer.answers]
            self.assertLessEqual({status for _, status, _ in answers}, {0, 200, 503})
            self.assertEqual([], [answer for answer in answers if answer[1] == 503 and not answer[2]])
            for writer in writers:
                held = messages_of(writer.peer, writer.conversation)
                self.assertEqual(len(held), len(set(held)), "duplicates")
                self.assertEqual(set(), set(writer.acknowledged) - set(held), "acknowledged and lost")
            self.assert_whole_trail(running, writers)
            return answers

    def wait_for(self, condition, words):
        deadline = time.monotonic() + BACK_WITHIN
        while not condition():
            self.assertLess(time.monotonic(), deadline, words)
            time.sleep(0.02)

    def assert_whole_trail(self, running, writers):
        """One entry for each acknowledged push, of one chain."""
        done = subprocess.run([SERVER, "audit", "verify", "--data-dir", running.data, "--store", running.database.url], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        entries = int(done.stdout.split("whole: ")[1].split()[0])
        self.assertGreaterEqual(entries, sum(len(writer.acknowledged) for writer in writers) // MESSAGES)

    def test_an_instance_is_killed(self):
        def fault(running):
            running.kill(0)
            time.sleep(0.5)  # of load on the other one alone
            running.start(0)
        self.under_load(fault)

    def test_the_database_restarts(self):
        def fault(running):
            running.database.stop("fast")
            time.sleep(1.5)  # of load without it
            running.database.start_again()
        answers = self.under_load(fault)
        self.assertIn(503, {status for _, status, _ in answers})

    def test_the_database_crashes(self):
        def fault(running):
            running.database.stop("immediate")
            running.database.start_again()
        self.under_load(fault)

    def test_connections_run_out(self):
        def fault(running):
            running.database.run("ALTER ROLE hosting CONNECTION LIMIT 0", "SELECT count(pg_terminate_backend(pid, 10000)) FROM pg_stat_activity WHERE usename = 'hosting'")
            time.sleep(1.5)  # of load without a connection
            running.database.run("ALTER ROLE hosting CONNECTION LIMIT -1")
        answers = self.under_load(fault)
        self.assertIn(503, {status for _, status, _ in answers})


if __name__ == "__main__":
    unittest.main()
