#!/usr/bin/env python3
"""The SARIF report is what the standard's schema and the rules of its reference tools ask for.

Judged by @microsoft/sarif-multitool-linux in BSP_SARIF_VALIDATOR, a directory made by `npm ci` from sarif_validator/.
Without that variable, and on other processors than its own, the test is skipped.
"""

import json
import os
import platform
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from support.backends import ADMIN_TOKEN, SUITE, USERS, faulty_backend  # noqa: E402

VALIDATOR = os.environ.get("BSP_SARIF_VALIDATOR")


@unittest.skipUnless(VALIDATOR, "BSP_SARIF_VALIDATOR is not set")
@unittest.skipUnless(platform.machine() == "x86_64", "the validator is a program for x86-64")
class SarifIsValid(unittest.TestCase):
    def setUp(self):
        self.scratch = Path(self.enterContext(tempfile.TemporaryDirectory()))

    def log_of(self, fault, *options):
        """The SARIF log of a run against a backend with this fault."""
        users, token, log = self.scratch / "users.json", self.scratch / "token", self.scratch / "report.sarif"
        users.write_text(json.dumps(USERS), encoding="utf-8")
        token.write_text(ADMIN_TOKEN, encoding="utf-8")
        with faulty_backend(users, "--fault", fault) as url:
            subprocess.run([SUITE, url, "--users", users, "--admin-token-file", token, "--sarif", log, *options], capture_output=True, check=False, timeout=300)
        return json.loads(log.read_text(encoding="utf-8"))

    def errors_in(self, log):
        """What the validator calls an error."""
        given, found = self.scratch / "given.sarif", self.scratch / "found.sarif"
        given.write_text(json.dumps(log), encoding="utf-8")
        program = Path(VALIDATOR) / "node_modules" / "@microsoft" / "sarif-multitool-linux" / "Sarif.Multitool"
        program.chmod(0o755)  # its own installation script would do that
        done = subprocess.run([program, "validate", given, "--output", found, "--log", "ForceOverwrite"], capture_output=True, text=True, check=False, timeout=300,
                              env={**os.environ, "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1", "DOTNET_BUNDLE_EXTRACT_BASE_DIR": str(self.scratch)})
        self.assertEqual(done.returncode, 0, done.stdout[-3000:] + done.stderr[-3000:])
        results = json.loads(found.read_text(encoding="utf-8-sig"))["runs"][0]["results"]
        # It ends in silence when it cannot read a log; one that it can read always gets some advice on style.
        self.assertTrue(results, "the validator could not read the log")
        return [f"{result['ruleId']} {result['message']}" for result in results if result.get("level") == "error"]

    def test_a_run_with_failures(self):
        log = self.log_of("F-GEN-08", "--only", "gen/p*,gen/method-not-allowed,gen/unknown-path,id/*")
        self.assertGreater(len(log["runs"][0]["results"]), 1)
        self.assertEqual(self.errors_in(log), [])

    def test_what_is_tolerated(self):
        known = {"check": "gen/problem-documents", "reason": "problem+json", "comment": "known", "expires": "2999-01-01"}
        baseline = self.scratch / "baseline.json"
        baseline.write_text(json.dumps({"expected_failures": [known]}), encoding="utf-8")
        log = self.log_of("F-GEN-08", "--only", "gen/problem-documents", "--expected-failures", str(baseline))
        self.assertEqual(log["runs"][0]["results"][0]["suppressions"][0]["justification"], "known")
        self.assertEqual(self.errors_in(log), [])

    def test_what_is_open(self):
        log = self.log_of("F-SYN-10", "--only", "cnv/delete-again")
        self.assertEqual([result["kind"] for result in log["runs"][0]["results"]], ["open"])
        self.assertEqual(self.errors_in(log), [])

    def test_a_run_without_findings(self):
        log = self.log_of("F-GEN-08", "--only", "id/*")  # none of them sees this fault
        self.assertEqual(log["runs"][0]["results"], [])
        self.assertEqual(self.errors_in(log), [])

    def test_the_validator_sees_what_is_wrong(self):
        for spoil, rule in ((lambda result: result.pop("message"), "JSON1002"),
                            (lambda result: result.update(unknown=1), "JSON1005"),
                            (lambda result: result.update(ruleIndex=999), "SARIF1009")):
            with self.subTest(rule):
                log = self.log_of("F-GEN-08", "--only", "gen/problem-documents")
                spoil(log["runs"][0]["results"][0])
                self.assertEqual([error.split()[0] for error in self.errors_in(log)], [rule])


if __name__ == "__main__":
    unittest.main()
