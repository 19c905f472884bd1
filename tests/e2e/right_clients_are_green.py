#!/usr/bin/env python3
"""No right client is blamed: backends that call their peers are judged by the suite, which is one of them. A backend that
calls nobody is not judged, and told why."""

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from support.backends import ADMIN_TOKEN, HEAVY, Backend, faulty_backend, findings, free_address, judge, python_backend, reference_server, users_file  # noqa: E402


class RightClients(unittest.TestCase):
    def assert_green(self, backend, address, patient=HEAVY):
        """`patient`: what waits for a minute is judged, too."""
        done = judge(backend, "--profile", "OFF", "--peer-listen", address, "--fail-on", "should", *(["--patient"] if patient else []))
        self.assertEqual(done.returncode, 0, findings(done.stdout + done.stderr))
        self.assertIn("PASS  off/pushes-on-change", done.stdout)
        for check in ("off/telemetry-again", "off/push-budget", "off/gives-up") if patient else ():
            self.assertIn("PASS  " + check, done.stdout)

    def test_reference_server(self):
        address = free_address()
        with reference_server("--type", "local", "--peer-allow", f"http://{address}") as backend:
            self.assert_green(backend, address, patient=True)

    def test_python_backend(self):
        address = free_address()
        with python_backend("--type", "local", "--peer-allow", f"http://{address}") as backend:
            self.assert_green(backend, address)

    def test_backend_without_a_fault(self):
        address = free_address()
        with users_file() as users, faulty_backend(users, "--type", "local", "--peer-allow", f"http://{address}") as url:
            backend = Backend([], users.parent)
            backend.url = url
            backend.admin_token.write_text(ADMIN_TOKEN, encoding="utf-8")
            self.assert_green(backend, address)

    def test_who_calls_nobody_is_not_judged(self):
        address = free_address()
        with python_backend("--type", "local") as backend:
            done = judge(backend, "--only", "off/pushes-on-change", "--peer-listen", address)
        self.assertEqual(done.returncode, 2, done.stdout)
        self.assertIn(f"--peer-allow http://{address}", done.stdout.replace("\n  ", " "))


if __name__ == "__main__":
    unittest.main()
