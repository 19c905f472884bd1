#!/usr/bin/env python3
"""A failure is saved as its requests, `replay` tells whether it comes again, and `--soak` finds what shows rarely."""

import json
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from support.backends import ADMIN_TOKEN, SUITE, USERS, faulty_backend, findings  # noqa: E402

OTHERS = {"carla": "quite another secret, of somebody else", "dora": "and one more for the second of these users"}


class Failures(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = Path(scratch.name)
        self.users = self.write("users.json", json.dumps(USERS))
        self.token = self.write("token", ADMIN_TOKEN)

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return path

    def suite(self, *arguments, users=None):
        return subprocess.run([SUITE, *map(str, arguments), "--users", users or self.users, "--admin-token-file", self.token],
                              capture_output=True, text=True, errors="replace", check=False, timeout=240)

    def failing_run(self, fault, check):
        # With a seed whose smallest case holds no tie, which names decide: those of a replay are others.
        with faulty_backend(self.users, "--fault", fault) as url:
            done = self.suite(url, "--only", check, "--seed", "1", "--report-dir", self.folder / "out")
        self.assertEqual(done.returncode, 1, findings(done.stdout + done.stderr))
        return done, self.folder / "out" / "replay" / (check.replace("/", "-") + ".json")

    def test_a_saved_failure_comes_again_where_the_fault_is(self):
        for fault, check in (("F-SYN-11", "mrg/history-states"), ("F-SYN-224", "aut/wrong-principal")):
            with self.subTest(fault=fault):
                done, file = self.failing_run(fault, check)
                self.assertIn(f"bsp-conformance replay {file} http://", done.stdout)
                self.assertIn("--only " + check, done.stdout)
                event = next(e for e in map(json.loads, (self.folder / "out" / "report.jsonl").read_text(encoding="utf-8").splitlines()) if e["event"] == "check")
                self.assertTrue(event["replay"].startswith("bsp-conformance replay "), event["replay"])
                for secret in (*USERS.values(), ADMIN_TOKEN):
                    self.assertNotIn(secret, file.read_text(encoding="utf-8"))

                with faulty_backend(self.users, "--fault", fault) as url:
                    again = self.suite("replay", file, url)
                self.assertEqual(again.returncode, 1, again.stdout + again.stderr)
                self.assertTrue(again.stdout.rstrip().endswith("\nreproduced"), again.stdout)

                others = self.write("others.json", json.dumps(OTHERS))
                with faulty_backend(others) as url:
                    right = self.suite("replay", file, url, users=others)
                self.assertEqual(right.returncode, 0, right.stdout + right.stderr)
                self.assertRegex(right.stdout, r"\nnot reproduced: step \d+ now answers")

    def test_the_same_answers_elsewhere_are_not_the_same_failure(self):
        _, file = self.failing_run("F-REG-21", "reg/peer-id-random")
        for fault, status, said in ((["--fault", "F-REG-21"], 1, "\nreproduced"), ([], 2, "but reg/peer-id-random passes here")):
            with faulty_backend(self.users, *fault) as url:
                done = self.suite("replay", file, url)
            self.assertEqual(done.returncode, status, done.stdout + done.stderr)
            self.assertIn(said, done.stdout)

    def test_the_first_case_is_told_before_the_small_one(self):
        done, _ = self.failing_run("F-SYN-11", "mrg/history-states")
        self.assertLess(done.stdout.index("FOUND"), done.stdout.index("FAIL"))
        self.assertRegex(done.stdout, r"shrunk from \d+\)   (reproduced|flaky) \d/3")

    def test_unusable_files_get_one_line(self):
        _, file = self.failing_run("F-SYN-224", "aut/wrong-principal")
        text = file.read_text(encoding="utf-8")
        with faulty_backend(self.users) as url:
            for name, content in (("empty", ""), ("prose", "hello"), ("half", text[: len(text) // 2]), ("report", (self.folder / "out" / "report.jsonl").read_text(encoding="utf-8").splitlines()[0]),
                                  ("later", text.replace('"version":1', '"version":7', 1))):
                with self.subTest(file=name):
                    done = self.suite("replay", self.write(name, content), url)
                    self.assertEqual(done.returncode, 3, done.stdout + done.stderr)
                    self.assertEqual(len(done.stderr.strip().splitlines()), 1, done.stderr)
            self.assertEqual(self.suite("replay", self.folder / "nowhere", url).returncode, 3)
        self.assertEqual(self.suite("replay", file, "http://127.0.0.1:1").returncode, 4)

    def test_soaking_goes_on_in_rounds_and_finds_what_shows_rarely(self):
        properties = "mrg/any-order,mrg/any-grouping,mrg/history-states,syn/history-feeds"
        with faulty_backend(self.users) as url:
            good = self.suite(url, "--soak", "8s", "--only", properties)
        self.assertEqual(good.returncode, 0, findings(good.stdout + good.stderr))
        rounds = re.findall(r"^round (\d+) +seed (\d+) +\d+ checks, (\d+) cases, .*nothing found", good.stdout, re.MULTILINE)
        self.assertGreater(len(rounds), 1, good.stdout)
        self.assertEqual(len({seed for _, seed, _ in rounds}), len(rounds))
        self.assertTrue(all(int(cases) > 0 for _, _, cases in rounds), rounds)

        with faulty_backend(self.users, "--forget-every", "700") as url:
            rare = self.suite(url, "--soak", "2m", "--only", properties)
        self.assertEqual(rare.returncode, 1, rare.stdout[-3000:] + rare.stderr)
        last = re.findall(r"^round \d+ +seed (\d+)", rare.stdout, re.MULTILINE)[-1]
        self.assertIn(f"--seed {last}", rare.stdout)

    def test_what_cannot_be_soaked_is_said(self):
        done = self.suite("http://127.0.0.1:1", "--soak", "5s", "--only", "id/members")
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn("generated", done.stderr)


if __name__ == "__main__":
    unittest.main()
