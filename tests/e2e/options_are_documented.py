#!/usr/bin/env python3
"""The reference of all options and commands is what the program itself says: none is missing, none is of the past, and the
defaults are right."""

import os
import re
import subprocess
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from support.backends import REPOSITORY, SERVER  # noqa: E402

PAGE = REPOSITORY / "reference_server" / "CONFIGURATION.md"
PLAIN = {name: value for name, value in os.environ.items() if not name.startswith("BSP_")}
OPTION = re.compile(r"^  (?:-\w,)?--([a-z-]+)( [A-Z][^ =:]*)?(?::\{[^}]*\}|:[A-Z]+ in \[[^]]*\])?(?:=(\S+))?", re.MULTILINE)
ROW = re.compile(r"^\| `--([a-z-]+)( [^`]*)?` \|([^|]*)\|([^|]*)\|([^|]*)\|$", re.MULTILINE)


def says(*words):
    return subprocess.run([SERVER, *words], capture_output=True, text=True, check=True, env=PLAIN, timeout=30).stdout


def commands_of(*words):
    _, _, listed = says(*words, "--help").partition("Subcommands:")
    found = []
    for name in re.findall(r"^  ([a-z][a-z-]*)", listed, re.MULTILINE):
        found += commands_of(*words, name) or [" ".join((*words, name))]
    return found


class Reference(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.page = PAGE.read_text(encoding="utf-8")
        cls.rows = {name: (variable.strip().strip("`"), default.strip()) for name, _, variable, default, _ in ROW.findall(cls.page)}

    def test_every_option_is_there_once(self):
        options = [name for name, _, _ in OPTION.findall(says("--help"))]
        self.assertGreater(len(options), 30)
        self.assertEqual(sorted(options), sorted(name for name, *_ in ROW.findall(self.page)))

    def test_defaults_are_those_of_the_program(self):
        for name, _, default in OPTION.findall(says("--help")):
            # Some are told in words, because they depend on another option.
            if default:
                with self.subTest(name):
                    self.assertEqual(f"`{default}`", self.rows[name][1])

    def test_variables_are_heard_by_the_program(self):
        """Each is given a value that it does not take, or, where any text will do, is known by its name."""
        for name, (variable, _) in self.rows.items():
            with self.subTest(name):
                if variable == "none":
                    continue
                self.assertIn(variable, ("BSP_" + name.replace("-", "_").upper(), "BSP_USERS_FILE"))
        for name in ("port", "workers", "audit-days", "limiter", "store", "type", "log-level", "key-store", "behind-tls-proxy", "encrypt-content", "head-deadline-ms"):
            with self.subTest(name):
                done = subprocess.run([SERVER, "user", "list"], capture_output=True, text=True, check=False, env={**PLAIN, self.rows[name][0]: "no such thing"}, timeout=30)
                self.assertEqual(2, done.returncode, done.stdout + done.stderr)
                self.assertIn("--" + name, done.stderr)

    def test_every_command_is_there_and_no_other(self):
        _, _, table = self.page.partition("| command |")
        documented = [name for cell in re.findall(r"^\| (`[^|]*) \|", table, re.MULTILINE) for name in re.findall(r"`([^`]*)`", cell)]
        commands = commands_of()
        self.assertGreater(len(commands), 20)
        self.assertEqual(sorted(commands), sorted(documented))


if __name__ == "__main__":
    unittest.main()
