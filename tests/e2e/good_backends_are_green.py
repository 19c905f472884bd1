#!/usr/bin/env python3
"""No right backend is blamed: the reference server, as hosted and as local, and the independent Python
backend are judged over HTTP, with one seed, or with ten when BSP_HEAVY is set."""

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from support.backends import HEAVY, findings, judge, python_backend, reference_server  # noqa: E402

ORIGIN = "https://app.example"
SEEDS = range(1, 11) if HEAVY else range(1, 2)


class GoodBackends(unittest.TestCase):
    def assert_green(self, start):
        for seed in SEEDS:
            with self.subTest(seed=seed), start() as backend:
                done = judge(backend, "--seed", seed, "--level", "strict", "--origin", ORIGIN, "--patient")
                self.assertEqual(done.returncode, 0, findings(done.stdout + done.stderr))
                self.assertNotIn("PARTIAL", done.stdout)

    def test_reference_server_as_hosted(self):
        self.assert_green(lambda: reference_server("--type", "hosted", "--allow-origin", ORIGIN))

    def test_reference_server_as_local(self):
        self.assert_green(lambda: reference_server("--type", "local", "--allow-origin", ORIGIN))

    def test_python_backend_as_hosted(self):
        self.assert_green(lambda: python_backend("--type", "hosted", "--allow-origin", ORIGIN))

    def test_python_backend_as_local(self):
        self.assert_green(lambda: python_backend("--type", "local", "--allow-origin", ORIGIN))


if __name__ == "__main__":
    unittest.main()
