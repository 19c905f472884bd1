#!/usr/bin/env python3
"""The doctor tells a certificate that can be trusted from one that cannot, and says what to do."""

import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from support.backends import SUITE, reference_server  # noqa: E402
from support.tls import Authority, https_front, self_signed  # noqa: E402


class DoctorOverTls(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = cls.enterClassContext(tempfile.TemporaryDirectory())
        cls.authority = Authority(cls.scratch)
        cls.backend = cls.enterClassContext(reference_server())

    def ask(self, *arguments):
        """The exit status and all that was printed."""
        done = subprocess.run([SUITE, *arguments, "--users", self.backend.users, "--admin-token-file", self.backend.admin_token, "--timeout", "5"],
                              capture_output=True, text=True, check=False, timeout=120)
        return done.returncode, done.stdout + done.stderr

    def visit(self, certificate, *trust, host="localhost"):
        with https_front(self.backend.url, certificate) as port:
            return self.ask("doctor", f"https://{host}:{port}", *trust)

    def assert_ready(self, visit, tls):
        status, text = visit
        self.assertEqual(status, 0, text)
        self.assertIn(tls, text)
        self.assertNotIn("BAD", text)

    def assert_refused(self, visit, *parts):
        status, text = visit
        self.assertEqual(status, 4, text)
        for part in ("BAD   tls", *parts):
            self.assertIn(part, text)

    def test_an_authority_of_ones_own(self):
        trust = ["--ca-file", str(self.authority.file)]
        visit = self.visit(self.authority.certificate("localhost"), *trust)
        self.assert_ready(visit, f"ok    tls             the certificate is valid for this name, by an authority of {self.authority.file}")
        self.assertIn(" ".join(trust) + "\n", visit[1])  # in the run that it proposes
        self.assert_ready(self.visit(self.authority.certificate("127.0.0.1"), *trust, host="127.0.0.1"), "ok    tls")

    def test_nobody_vouches_for_it(self):
        alone = self_signed(self.scratch, "localhost")
        self.assert_refused(self.visit(alone), "its certificate is not trusted: self-signed certificate", "--ca-file FILE", "--insecure")
        self.assert_ready(self.visit(alone, "--insecure"), "note  tls             the certificate is not verified (--insecure)")
        self.assert_ready(self.visit(alone, "--ca-file", alone), "ok    tls")

    def test_an_authority_that_is_not_trusted(self):
        certificate = self.authority.certificate("localhost")
        self.assert_refused(self.visit(certificate), "its certificate is not trusted: unable to get local issuer certificate")
        self.assert_refused(self.visit(certificate, "--ca-file", Authority(self.scratch, "stranger").file), "its certificate is not trusted")

    def test_another_name(self):
        self.assert_refused(self.visit(self.authority.certificate("elsewhere.example", "127.0.0.1"), "--ca-file", self.authority.file),
                            "its certificate is not for localhost but for elsewhere.example, 127.0.0.1")

    def test_too_late(self):
        self.assert_refused(self.visit(self.authority.certificate("localhost", days=-1), "--ca-file", self.authority.file), "certificate has expired")

    def test_http_where_https_is_asked_for(self):
        self.assert_refused(self.ask("doctor", self.backend.url.replace("http:", "https:")), "Does it want http")

    def test_https_where_http_is_asked_for(self):
        with https_front(self.backend.url, self.authority.certificate("localhost")) as port:
            status, text = self.ask("doctor", f"http://localhost:{port}")
        self.assertEqual(status, 4, text)
        self.assertIn("https", text.split("BAD   reachable")[1])

    def test_a_file_without_certificates(self):
        empty = Path(self.scratch) / "empty.pem"
        empty.write_text("nothing", encoding="utf-8")
        status, text = self.visit(self.authority.certificate("localhost"), "--ca-file", empty)
        self.assertEqual(status, 3, text)
        self.assertIn("empty.pem holds no certificates in PEM", text)

    def test_a_run(self):
        with https_front(self.backend.url, self.authority.certificate("localhost")) as port:
            status, text = self.ask(f"https://localhost:{port}", "--ca-file", self.authority.file, "--only", "id/no-credential")
        self.assertEqual(status, 0, text)


if __name__ == "__main__":
    unittest.main()
