#!/usr/bin/env python3
"""The reference server speaks HTTPS and WSS by itself: to whom it should, with what it should, and however many connect."""

import contextlib
import http.client
import os
import resource
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import unittest
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from support.backends import HEAVY, SERVER, SUITE, Backend, findings, free_port, reference_server  # noqa: E402
from support.person import Person, eventually  # noqa: E402
from support.tls import Authority, https_front, self_signed  # noqa: E402

SECRET = "a pairing secret for alice, long enough"
STRANGER = {name: value for name, value in os.environ.items() if not name.startswith("SSL_CERT_")}  # knows the system's authorities only
USERS = f'{{"alice": "{SECRET}", "bob": "a pairing secret for bob, long enough, too"}}'


def certificate(authority, *names, days=1):
    file = authority.certificate(*names, days=days)
    file.chmod(0o600)
    return file


class Https(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.authority = Authority(cls.scratch)
        cls.certificate = certificate(cls.authority, "localhost", "127.0.0.1")
        os.environ["SSL_CERT_FILE"] = str(cls.authority.file)  # whom this program trusts

    @contextlib.contextmanager
    def server(self, *options, shown=None, port="0"):
        """A running server with a folder of its own; alice and bob are its users."""
        with tempfile.TemporaryDirectory() as scratch:
            users = Path(scratch) / "users.json"
            users.write_text(USERS, encoding="utf-8")
            users.chmod(0o600)
            shown = shown or self.certificate
            backend = Backend([SERVER, "--users", users, "--tls-cert", shown, "--tls-key", shown, *options], Path(scratch) / "data")
            backend.users = users
            try:
                yield backend.start(port)
            finally:
                backend.stop()

    def judge(self, url, backend, *options):
        done = subprocess.run([SUITE, url, "--users", backend.users, "--admin-token-file", backend.admin_token, "--timeout", "20", *map(str, options)],
                              capture_output=True, text=True, errors="replace", check=False, timeout=900, env=STRANGER)
        return done.returncode, done.stdout + done.stderr

    # ---- whom the suite judges, and whom it does not ----

    def assert_green(self, kind, *options):
        with self.server("--type", kind) as backend:
            self.assertTrue(backend.url.startswith("https://"), backend.url)
            status, text = self.judge(backend.url, backend, "--ca-file", self.authority.file, *options)
            self.assertEqual(status, 0, findings(text))

    def test_both_types_are_green(self):
        # Streams and held pulls are where TLS could be in the way; the rest is the same code.
        wanted = [] if HEAVY else ["--only", "gen/*,id/*,trn/*,tel/*,syn/live-pull*"]
        self.assert_green("hosted", *wanted)
        self.assert_green("local", *wanted)

    def test_a_certificate_that_is_not_trusted_is_not_judged(self):
        with self.server() as backend:
            for url, trust, why in ((backend.url, [], "not trusted"),
                                    (backend.url, ["--ca-file", Authority(self.scratch, "stranger").file], "not trusted")):
                status, text = self.judge(url, backend, *trust, "--quick")
                self.assertEqual(status, 4, text)
                self.assertIn(why, text)
                self.assertNotIn("PASS", text)
        elsewhere = certificate(self.authority, "elsewhere.example")
        with self.server(shown=elsewhere) as backend:
            status, text = self.judge(backend.url, backend, "--ca-file", self.authority.file, "--quick")
            self.assertEqual(status, 4, text)
            self.assertIn("elsewhere.example", text)
        alone = self_signed(self.scratch, "localhost", "127.0.0.1")
        alone.chmod(0o600)
        with self.server(shown=alone) as backend:
            status, text = self.judge(backend.url, backend, "--quick")
            self.assertEqual(status, 4, text)
            self.assertIn("self-signed", text)

    def test_old_versions_and_cleartext_are_noticed(self):
        options = ["--ca-file", self.authority.file, "--only", "trn/tls-floor,trn/no-cleartext", "--fail-on", "should"]
        with self.server() as backend:
            status, text = self.judge(backend.url, backend, *options)
            self.assertEqual(status, 0, text)
            self.assertEqual(text.count("PASS  trn/"), 2, text)
        with reference_server("--allow-host", "127.0.0.1") as backend:
            for wrong, named in (({"old": True}, "trn/tls-floor"), ({"cleartext_too": True}, "trn/no-cleartext")):
                with https_front(backend.url, self.certificate, **wrong) as port:
                    status, text = self.judge(f"https://127.0.0.1:{port}", backend, *options)
                self.assertEqual(status, 1, text)
                self.assertRegex(text, f"(FAIL|WARN).*{named}")
            status, text = self.judge(backend.url, backend, *options)
            self.assertIn("reached in cleartext", text)

    # ---- two servers ----

    def test_two_servers_stay_in_sync(self):
        port = free_port()
        origin = f"https://localhost:{port}"
        trust = ["--ca-file", self.authority.file]
        with self.server("--type", "hosted", "--base-url", origin, port=port) as hosted, \
                self.server("--type", "local", "--peer-allow", origin, *trust) as local:
            paired = subprocess.run([SERVER, "handshake", local.url, origin, "--user", "alice", "--users", local.users, *trust],
                                    capture_output=True, text=True, check=False, timeout=60)
            self.assertEqual(paired.returncode, 0, paired.stdout + paired.stderr)
            alice = Person("alice", SECRET)
            alice.writes(local, "main", "from local")
            alice.writes(hosted, "main", "from hosted")
            for backend in (local, hosted):
                self.assertTrue(eventually(lambda b=backend: alice.contents(b, "main") == ["from hosted", "from local"]), log_of(local))

    def test_a_handshake_trusts_nobody_else(self):
        with self.server("--type", "hosted") as hosted, self.server("--type", "local") as local:
            refused = subprocess.run([SERVER, "handshake", local.url, hosted.url, "--user", "alice", "--users", local.users],
                                     capture_output=True, text=True, check=False, timeout=60, env=STRANGER)
            self.assertEqual(refused.returncode, 1, refused.stdout + refused.stderr)
            self.assertIn("TLS certificate", refused.stdout + refused.stderr)

    # ---- what is spoken ----

    def test_old_versions_and_cleartext_are_not_spoken(self):
        with self.server() as backend:
            host, port = backend.url.removeprefix("https://").split(":")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
                old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
                old.set_ciphers("ALL:@SECLEVEL=0")
                old.minimum_version = ssl.TLSVersion.TLSv1
                old.maximum_version = ssl.TLSVersion.TLSv1_1
            with self.assertRaises(ssl.SSLError), socket.create_connection((host, int(port)), 5) as raw:
                old.wrap_socket(raw)
            weak = ssl.create_default_context(cafile=self.authority.file)
            weak.maximum_version = ssl.TLSVersion.TLSv1_2
            weak.set_ciphers("ECDHE-ECDSA-AES128-SHA256")  # without authenticated encryption
            with self.assertRaises(ssl.SSLError), socket.create_connection((host, int(port)), 5) as raw:
                weak.wrap_socket(raw, server_hostname=host)
            fine = ssl.create_default_context(cafile=self.authority.file)
            fine.maximum_version = ssl.TLSVersion.TLSv1_2
            fine.set_alpn_protocols(["h2", "http/1.1"])
            with socket.create_connection((host, int(port)), 5) as raw, fine.wrap_socket(raw, server_hostname=host) as spoken:
                self.assertEqual(spoken.selected_alpn_protocol(), "http/1.1")
            with self.assertRaises((http.client.HTTPException, OSError)), contextlib.closing(http.client.HTTPConnection(host, int(port), timeout=5)) as plain:
                plain.request("GET", "/identity")
                plain.getresponse()

    def test_an_answer_ends_as_tls_says(self):
        with self.server() as backend:
            host, port = backend.url.removeprefix("https://").split(":")
            context = ssl.create_default_context(cafile=self.authority.file)
            with socket.create_connection((host, int(port)), 5) as raw, \
                    context.wrap_socket(raw, server_hostname=host, suppress_ragged_eofs=False) as line:
                line.sendall(f"GET /health HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
                text = b""
                while data := line.recv(4096):  # an end without farewell raises
                    text += data
            self.assertIn(b"healthy", text)

    # ---- however many connect ----

    def test_a_thousand_idle_clients_and_slow_handshakes_starve_nobody(self):
        wanted = 1200
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        with self.server("--head-deadline-ms", "60000") as backend, contextlib.ExitStack() as all_of_them:
            host, port = backend.url.removeprefix("https://").split(":")
            context = ssl.create_default_context(cafile=self.authority.file)
            for i in range(wanted):
                raw = all_of_them.enter_context(socket.create_connection((host, int(port)), 20))
                if i % 6 == 0:
                    raw.sendall(b"\x16\x03\x01"[:i % 4])  # a handshake that does not go on
                    continue
                line = all_of_them.enter_context(context.wrap_socket(raw, server_hostname=host))
                if i % 2:
                    line.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
                    self.assertTrue(line.recv(4096).startswith(b"HTTP/1.1 200"))
            begun = time.monotonic()
            newcomer = all_of_them.enter_context(contextlib.closing(http.client.HTTPSConnection(host, int(port), timeout=20, context=context)))
            newcomer.request("GET", "/identity")
            self.assertEqual(newcomer.getresponse().status, 200)
            self.assertLess(time.monotonic() - begun, 5)
            self.assertLess(resident_kilobytes(backend.process.pid), 400_000)
            begun = time.monotonic()
            backend.stop()
            self.assertLess(time.monotonic() - begun, 10)

    # ---- certificates ----

    def shown_by(self, backend):
        host, port = backend.url.removeprefix("https://").split(":")
        return ssl.get_server_certificate((host, int(port)))

    def test_a_new_certificate_is_shown_without_a_restart(self):
        shown = self.scratch / "renewed.pem"
        shown.write_bytes(self.certificate.read_bytes())
        shown.chmod(0o600)
        with self.server(shown=shown) as backend:
            before = self.shown_by(backend)
            shown.write_text("nothing", encoding="utf-8")
            backend.process.send_signal(signal.SIGHUP)
            self.assertTrue(eventually(lambda: "the certificate stays as it was" in log_of(backend)), log_of(backend))
            self.assertEqual(self.shown_by(backend), before)
            shown.write_bytes(certificate(self.authority, "localhost", "127.0.0.1").read_bytes())
            backend.process.send_signal(signal.SIGHUP)
            self.assertTrue(eventually(lambda: self.shown_by(backend) != before), log_of(backend))

    def test_what_cannot_be_shown_is_said_in_one_line(self):
        other = certificate(self.authority, "localhost")
        broken = self.scratch / "broken.pem"
        broken.write_text("nothing", encoding="utf-8")
        broken.chmod(0o600)
        secret = self.scratch / "open.pem"
        secret.write_bytes(self.certificate.read_bytes())
        secret.chmod(0o644)
        locked = self.scratch / "locked.pem"
        subprocess.run(["openssl", "ec", "-in", self.certificate, "-aes128", "-passout", "pass:secret", "-out", locked], check=True, capture_output=True)
        locked.chmod(0o600)
        late = certificate(self.authority, "localhost", days=-1)
        for shown, key, why in ((self.scratch / "none.pem", other, "does not exist"), (broken, other, "holds no certificate in PEM"), (other, broken, "holds no private key in PEM"),
                                (self.certificate, other, "is not the key of the certificate"), (late, late, "has expired at"), (self.certificate, secret, "can be read by everybody"),
                                (self.certificate, locked, "is protected by a passphrase")):
            with tempfile.TemporaryDirectory() as scratch:
                done = subprocess.run([SERVER, "--data-dir", scratch, "--port", "0", "--tls-cert", shown, "--tls-key", key],
                                      capture_output=True, text=True, check=False, timeout=30)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn(why, done.stderr.splitlines()[-1])
            self.assertNotIn("PRIVATE KEY", done.stderr)

    def test_cleartext_stays_on_this_machine(self):
        for options in (["--host", "0.0.0.0", "--base-url", "https://sync.example"], ["--host", "0.0.0.0", "--base-url", "https://sync.example", "--type", "hosted"]):
            with tempfile.TemporaryDirectory() as scratch:
                done = subprocess.run([SERVER, "--data-dir", scratch, "--port", "0", *options], capture_output=True, text=True, check=False, timeout=30)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn("--behind-tls-proxy", done.stderr)

    def test_only_a_proxy_is_believed(self):
        for options, named in (([], "127.0.0.1"), (["--behind-tls-proxy"], "203.0.113.7")):
            with tempfile.TemporaryDirectory() as scratch:
                backend = Backend([SERVER, "--host", "127.0.0.1", *options], Path(scratch) / "data").start()
                try:
                    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", int(backend.url.rsplit(":", 1)[1]), timeout=5)) as line:
                        line.request("GET", "/health", headers={"X-Forwarded-For": "198.51.100.1, 203.0.113.7"})
                        self.assertEqual(line.getresponse().status, 200)
                    self.assertTrue(eventually(lambda b=backend, n=named: f"/health from {n}," in log_of(b), 5), log_of(backend))
                finally:
                    backend.stop()


def resident_kilobytes(pid):
    for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    return 0


def log_of(backend):
    return (backend.data.parent / "log").read_text(errors="replace")


if __name__ == "__main__":
    unittest.main()
