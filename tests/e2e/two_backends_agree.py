#!/usr/bin/env python3
"""Two backends agree over a bad line, unless one of them is wrong."""

import subprocess
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from support.backends import SUITE, faulty_backend, free_address, users_file  # noqa: E402


def pair(first, second, users, address, *options):
    return subprocess.run([SUITE, "pair", first, second, "--users", users, "--peer-listen", address, "--seed", "1", *options],
                          capture_output=True, text=True, check=False, timeout=400)


class Pairs(unittest.TestCase):
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


if __name__ == "__main__":
    unittest.main()
