#!/usr/bin/env python3
"""A local server synchronizes over https with whom its authorities vouch for, and with nobody else."""

import contextlib
import json
import signal
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from support.backends import SERVER, Backend, free_port  # noqa: E402
from support.person import Person, eventually  # noqa: E402
from support.tls import Authority, https_front, self_signed  # noqa: E402

SECRET = "a pairing secret for alice, long enough"


class SyncOverTls(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.authority = Authority(cls.scratch)

    @contextlib.contextmanager
    def desk(self, certificate):
        """Paired servers, hosted behind TLS with the certificate: (local, hosted, alice)."""
        with tempfile.TemporaryDirectory() as scratch, contextlib.ExitStack() as ending:
            users = Path(scratch) / "users.json"
            users.write_text(json.dumps({"alice": SECRET}))
            users.chmod(0o600)
            port = free_port()
            origin = f"https://localhost:{ending.enter_context(https_front(f'http://127.0.0.1:{port}', certificate))}"

            def start(name, *options, at="0"):
                (Path(scratch) / name).mkdir()
                backend = Backend(["env", f"SSL_CERT_FILE={self.authority.file}", SERVER, "--users", users, *options], Path(scratch) / name / "data").start(at)
                ending.callback(backend.stop, signal.SIGKILL)
                return backend

            hosted = start("hosted", "--type", "hosted", "--base-url", origin, at=port)
            local = start("local", "--type", "local", "--peer-allow", origin)
            alice = Person("alice", SECRET)
            alice.pairs(local, hosted)
            yield local, hosted, alice

    def test_an_authority_that_is_trusted(self):
        with self.desk(self.authority.certificate("localhost")) as (local, hosted, alice):
            alice.writes(local, "main", "from local")
            alice.writes(hosted, "main", "from hosted")
            for backend in (local, hosted):
                self.assertTrue(eventually(lambda b=backend: alice.contents(b, "main") == ["from hosted", "from local"]), log_of(local))

    def assert_nothing_is_sent(self, certificate, why):
        with self.desk(certificate) as (local, hosted, alice):
            alice.writes(local, "main", "stays here")
            self.assertTrue(eventually(lambda: why in log_of(local)), log_of(local))
            self.assertNotIn("/sync/", log_of(hosted))
            self.assertNotIn("/health", log_of(hosted))

    def test_a_stranger(self):
        self.assert_nothing_is_sent(self_signed(self.scratch, "localhost"), "TLS certificate: self-signed certificate")

    def test_another_name(self):
        self.assert_nothing_is_sent(self.authority.certificate("elsewhere.example"), "TLS certificate: it is not for localhost")

    def test_an_expired_certificate(self):
        self.assert_nothing_is_sent(self.authority.certificate("localhost", days=-1), "TLS certificate: certificate has expired")


def log_of(backend):
    return (backend.data.parent / "log").read_text(errors="replace")


if __name__ == "__main__":
    unittest.main()
