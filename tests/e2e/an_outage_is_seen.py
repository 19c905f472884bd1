#!/usr/bin/env python3
"""While the hosted side of a pair is away, the local one says what waits, for how long and why; and when it is back, that it is over."""

import signal
import sys
import unittest
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from support.person import ask, eventually  # noqa: E402
from two_servers_stay_in_sync import desk, port_of  # noqa: E402


class Outage(unittest.TestCase):
    def look(self, backend, path):
        status, body = ask(backend.url + path, authorization="Bearer " + backend.admin_token.read_text(encoding="utf-8").strip())
        self.assertEqual(200, status, path)
        return body

    def test_both_sides_tell_the_same_of_what_goes_well(self):
        with desk() as (local, hosted, alice, (at_hosted, at_local)):
            for i in range(3):
                alice.writes(local, "main", f"word {i}")
                self.assertTrue(eventually(lambda n=i + 1: len(alice.contents(hosted, "main")) == n))
            # What was told of the last exchange may be on its way for a moment.
            self.assertTrue(eventually(lambda: self.look(local, f"/sync/metrics/{at_local}")["queue_depth"] == 0))
            there = self.look(hosted, f"/sync/metrics/{at_hosted}")
            here = self.look(local, f"/sync/metrics/{at_local}")
            self.assertEqual(there["total_syncs"], here["total_syncs"])
            self.assertEqual((1, 1), (there["sync_success_rate"], here["sync_success_rate"]))
            self.assertEqual(0, there["queue_depth"])
            self.assertLess(max(there["sync_lag_seconds"], here["sync_lag_seconds"]), 30)
            debug = self.look(local, f"/debug/sync/{at_local}")
            self.assertTrue(debug["network_status"])
            self.assertIsNone(self.look(hosted, f"/debug/sync/{at_hosted}")["network_status"])

    def test_what_waits_is_told(self):
        with desk() as (local, hosted, alice, (_, at_local)):
            alice.writes(local, "main", "before")
            self.assertTrue(eventually(lambda: alice.contents(hosted, "main") == ["before"]))
            port = port_of(hosted)
            hosted.stop(signal.SIGKILL)
            alice.writes(local, "secret-diary", "a word that nobody may read")
            self.assertTrue(eventually(lambda: self.look(local, f"/sync/metrics/{at_local}")["queue_depth"] >= 1))
            self.assertTrue(eventually(lambda: self.look(local, f"/debug/sync/{at_local}")["network_status"] is False, 60))
            debug = self.look(local, f"/debug/sync/{at_local}")
            item = next(i for i in debug["offline_queue"] if i["type"] == "conversation")
            self.assertEqual({"id", "type", "created_at", "attempts", "bytes"}, set(item))
            self.assertEqual("secret-diary", item["id"])
            self.assertGreater(item["bytes"], 20)
            self.assertNotIn("nobody may read", str(debug))
            hosted.start(port)
            self.assertTrue(eventually(lambda: self.look(local, f"/sync/metrics/{at_local}")["queue_depth"] == 0, 60))
            self.assertTrue(eventually(lambda: self.look(local, f"/debug/sync/{at_local}")["network_status"] is True, 60))
            self.assertTrue(eventually(lambda: "bsp_queue_items 0\n" in self.counters(local)))

    def counters(self, backend):
        request = urllib.request.Request(backend.url + "/metrics", headers={"Authorization": "Bearer " + backend.admin_token.read_text(encoding="utf-8").strip()})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.read().decode()


if __name__ == "__main__":
    unittest.main()
