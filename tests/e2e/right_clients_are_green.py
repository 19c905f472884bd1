#!/usr/bin/env python3
"""No right client is blamed: backends that call their peers are judged by the suite, which is one of them. A backend that
calls nobody is not judged, and told why. Two backends agree over a bad line, unless one of them is wrong."""

import contextlib
import json
import socket
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from support.backends import HEAVY, SUITE, USERS, Backend, faulty_backend, findings, judge, python_backend, reference_server  # noqa: E402


def free_address():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{one.getsockname()[1]}"


@contextlib.contextmanager
def users_file():
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "users.json"
        file.write_text(json.dumps(USERS), encoding="utf-8")
        yield file


def pair(first, second, users, address, *options):
    return subprocess.run([SUITE, "pair", first, second, "--users", users, "--peer-listen", address, "--seed", "1", *options],
                          capture_output=True, text=True, check=False, timeout=400)


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
            backend.admin_token.write_text("an admin token", encoding="utf-8")
            self.assert_green(backend, address)

    def test_two_right_backends_agree_over_a_bad_line(self):
        address = free_address()
        with users_file() as users, faulty_backend(users, "--type", "local", "--peer-allow", f"http://{address}") as local:
            with faulty_backend(users, "--type", "hosted") as hosted:
                done = pair(hosted, local, users, address)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(done.stdout.count("AGREE"), 3, done.stdout)

    def test_a_wrong_client_does_not_agree(self):
        address = free_address()
        with users_file() as users, faulty_backend(users, "--fault", "F-OFF-08", "--peer-allow", f"http://{address}") as local:
            with faulty_backend(users, "--type", "hosted") as hosted:
                done = pair(local, hosted, users, address)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn("DIFFER  cut off", done.stdout)

    def test_who_calls_nobody_is_not_judged(self):
        address = free_address()
        with python_backend("--type", "local") as backend:
            done = judge(backend, "--only", "off/pushes-on-change", "--peer-listen", address)
        self.assertEqual(done.returncode, 2, done.stdout)
        self.assertIn(f"--peer-allow http://{address}", done.stdout.replace("\n  ", " "))


if __name__ == "__main__":
    unittest.main()
