"""A store whose file is gone is told at once by /health, /alerts and the counters, and when it is back they say so."""

import re
import time
import unittest
import urllib.error
import urllib.request

from support.backends import reference_server


def get(url, token=None):
    request = urllib.request.Request(url, headers={"Authorization": "Bearer " + token} if token else {})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refusal:
        return refusal.code, refusal.read().decode()


class Gone(unittest.TestCase):
    def test_it_is_told_and_told_when_it_is_over(self):
        with reference_server("--type", "hosted") as server:
            token = server.admin_token.read_text(encoding="utf-8").strip()
            self.assertEqual(200, get(server.url + "/health")[0])
            database = next(server.data.glob("*.db"))
            away = server.data.parent / database.name
            database.rename(away)
            self.assertEqual(503, get(server.url + "/health")[0])
            self.assertEqual(503, get(server.url + "/health/ready")[0])
            self.assertEqual(200, get(server.url + "/health/live")[0])
            self.assertIn("store_down", get(server.url + "/alerts", token)[1])
            self.assertIn("bsp_store_up 0\n", get(server.url + "/metrics", token)[1])
            away.rename(database)
            self.assertEqual(200, get(server.url + "/health")[0])
            self.assertNotIn("store_down", get(server.url + "/alerts", token)[1])

    def test_nobody_needs_to_ask(self):
        with reference_server("--type", "hosted") as server:
            database = next(server.data.glob("*.db"))
            database.rename(server.data.parent / database.name)
            log, deadline = server.data.parent / "log", time.monotonic() + 60
            while not re.search("alert raised: store_down", log.read_text(errors="replace")):
                self.assertLess(time.monotonic(), deadline, "no alert within 60 seconds")
                time.sleep(0.1)


if __name__ == "__main__":
    unittest.main()
