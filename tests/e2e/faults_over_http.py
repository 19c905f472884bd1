#!/usr/bin/env python3
"""Wrong backends are caught over real HTTP, too: each fault is served by bsp-faulty and judged by the checks
that name it. The whole table with BSP_HEAVY, otherwise every twentieth row; the kill matrix runs all of it
in process."""

import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from support.backends import ADMIN_TOKEN, FAULTY, HEAVY, SUITE, USERS, faulty_backend  # noqa: E402

ORIGIN = "https://app.example"

# What the HTTP library that carries bsp-faulty corrects before the fault can show.
HIDDEN_BY_CARRIER = {"F-GEN-07"}  # it has a body limit of its own


def faults():
    return json.loads(subprocess.run([FAULTY, "--list", "--format", "json"], capture_output=True, text=True, check=True).stdout)


class FaultsOverHttp(unittest.TestCase):
    def test_named_checks_fail(self):
        rows = [row for row in faults() if row["killed_by"] and not row["needs_restart"] and not row["needs_listener"] and row["id"] not in HIDDEN_BY_CARRIER]
        self.assertGreater(len(rows), 300)
        with tempfile.TemporaryDirectory() as scratch:
            users, token = Path(scratch) / "users.json", Path(scratch) / "token"
            users.write_text(json.dumps(USERS), encoding="utf-8")
            token.write_text(ADMIN_TOKEN, encoding="utf-8")
            for row in rows if HEAVY else rows[::20]:
                with self.subTest(fault=row["id"]), faulty_backend(users, "--fault", row["id"], "--allow-origin", ORIGIN, "--test-clock") as url:
                    only = [option for check in row["killed_by"] for option in ("--only", check)]
                    done = subprocess.run([SUITE, url, "--users", users, "--admin-token-file", token, "--level", "strict", "--fail-on", "should", "--origin", ORIGIN, "--clock-url", f"{url}/clock",
                                           "--seed", "1", "--battery", "6000", *only],  # as in the kill matrix: a part of a battery meets few faults
                                          capture_output=True, text=True, errors="replace", check=False, timeout=240)
                    # 4: what it was asked has brought it down.
                    self.assertIn(done.returncode, (1, 4), done.stdout[-3000:] + done.stderr[-1000:])
                    self.assertRegex(done.stdout, "(?m)^(FAIL|WARN)", done.stderr[-1000:])


if __name__ == "__main__":
    unittest.main()
