#!/usr/bin/env python3
"""Two instances on one PostgreSQL, under load, while instances and the database die, the network between them freezes, is cut and
forgets connections, and the database's disk is full: what was acknowledged is there, once; who is not served is told 503 with
Retry-After, and is served again within 30 seconds after the fault is over."""

import contextlib
import os
import shutil
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
from support.backends import HEAVY, SERVER  # noqa: E402
from support.instances import instances, is_installed  # noqa: E402
from support.load import BACK_WITHIN, Load  # noqa: E402

ROUNDS = 6 if HEAVY else 1


def status_of(url):
    try:
        with urllib.request.urlopen(url, timeout=BACK_WITHIN) as answer:
            return answer.status
    except urllib.error.HTTPError as refusal:
        return refusal.code


@unittest.skipUnless(is_installed(), "PostgreSQL is not installed")
class Faults(unittest.TestCase):
    def under_load(self, fault, rounds=ROUNDS, **how):
        """Runs `fault(running, load)` in the middle of a load, and judges what is left; the statuses that were met."""
        with instances(**how) as running, Load(running, pushers=4, scribes=1) as load:
            for _ in range(rounds):
                fault(running, load)
                load.wait_until_all_are_served()
            met = load.judge(self)
            self.assertLess(max(writer.waited_max for writer in load.writers), BACK_WITHIN, "an answer came too late for who waits")
            self.assert_whole_trail(running, load)
            return met

    def assert_whole_trail(self, running, load):
        """One entry for each acknowledged push, of one chain."""
        done = subprocess.run([SERVER, "audit", "verify", "--data-dir", running.data, "--store", running.database.url], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        entries = int(done.stdout.split("whole: ")[1].split()[0])
        self.assertGreaterEqual(entries, load.acknowledged_pushes)

    def test_an_instance_is_killed(self):
        def fault(running, load):
            running.kill(0)
            time.sleep(0.5)  # of load on the other one alone
            running.start(0)
        self.under_load(fault)

    def test_the_database_restarts(self):
        def fault(running, load):
            running.database.stop("fast")
            time.sleep(1.5)  # of load without it
            running.database.start_again()
        self.assertIn(503, self.under_load(fault))

    def test_the_database_crashes(self):
        def fault(running, load):
            running.database.stop("immediate")
            running.database.start_again()
        self.under_load(fault)

    def test_connections_run_out(self):
        def fault(running, load):
            running.database.run("ALTER ROLE hosting CONNECTION LIMIT 0", "SELECT count(pg_terminate_backend(pid, 10000)) FROM pg_stat_activity WHERE usename = 'hosting'")
            time.sleep(1.5)  # of load without a connection
            running.database.run("ALTER ROLE hosting CONNECTION LIMIT -1")
        self.assertIn(503, self.under_load(fault))

    def test_the_network_is_cut(self):
        def fault(running, load):
            running.network.cut()
            load.wait_for_status(503)
            load.wait_for(lambda: status_of(running.url + "/health/ready") == 503, "ready without a database")
            running.network.mend()
            load.wait_for(lambda: status_of(running.url + "/health/ready") == 200, "not ready again")
        self.under_load(fault, networked=True)

    def test_the_network_freezes(self):
        def fault(running, load):
            running.network.freeze()
            load.wait_for_status(503)
            load.wait_for(lambda: status_of(running.url + "/health/ready") == 503, "ready without a database")
            self.assertEqual(200, status_of(running.url + "/health/live"))
            running.network.mend()
        self.under_load(fault, networked=True)

    def test_connections_are_lost_without_a_word(self):
        def fault(running, load):
            running.network.lose()
        self.under_load(fault, networked=True)

    @unittest.skipUnless(small_disk.is_possible(), small_disk.WHY_NOT)
    def test_the_disk_of_the_database_is_full(self):
        scratch = tempfile.mkdtemp(prefix="bsp-disk-")
        self.addCleanup(shutil.rmtree, scratch)
        os.chmod(scratch, 0o711)
        with small_disk.small_disk(Path(scratch) / "disk", 24) as disk:
            def prepare(database):
                space = disk.folder / "space"
                space.mkdir()
                if os.geteuid() == 0:
                    shutil.chown(space, database.owner())
                database.run(f"CREATE TABLESPACE small LOCATION '{space}'")
                database.run("GRANT CREATE ON TABLESPACE small TO hosting", "ALTER ROLE hosting SET default_tablespace = small")

            def fault(running, load):
                disk.fill()
                load.wait_for_status(503)
                load.wait_for(lambda: status_of(running.urls[0] + "/health/ready") == 503 or status_of(running.urls[1] + "/health/ready") == 503, "ready, and takes no writes")
                self.assertEqual(200, status_of(running.url + "/identity"))
                # Who reads shows an assertion, which is entered as used.
                self.assertIn(load.writers[-1].peer.ask_as_user("GET", "/conversations")[0], (200, 503))
                disk.free()
            self.under_load(fault, prepare=prepare)

    @unittest.skipUnless(small_disk.is_possible(), small_disk.WHY_NOT)
    def test_the_disk_of_everything_is_full(self):
        """Of the database's log, too, without which it ends itself, and of what the instances keep."""
        scratch = tempfile.mkdtemp(prefix="bsp-disk-")
        self.addCleanup(shutil.rmtree, scratch)
        os.chmod(scratch, 0o711)
        with small_disk.small_disk(Path(scratch) / "disk", 160) as disk:
            def fault(running, load):
                disk.fill()
                with contextlib.suppress(subprocess.CalledProcessError):
                    running.database.run("SELECT pg_switch_wal()", "CREATE TABLE more AS SELECT generate_series(1, 1000)")
                load.wait_for_status(503)
                load.wait_for(lambda: status_of(running.url + "/health/ready") == 503, "ready without a database")
                disk.free()
                running.database.see_that_it_runs()
            self.under_load(fault, folder=disk.folder)


if __name__ == "__main__":
    small_disk.enter()
    unittest.main()
