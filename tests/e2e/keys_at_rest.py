#!/usr/bin/env python3
"""Wherever the server's secrets are told to lie, they are there, nowhere else, and the server works with them."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from support.backends import SERVER, Backend  # noqa: E402
from support.person import ask  # noqa: E402

IN_SESSION = "BSP_TEST_KEY_CHAIN"
PLAIN = {name: value for name, value in os.environ.items() if not name.startswith("BSP_") and name != "BACKEND_PRIVATE_KEY"}


class KeysAtRest(unittest.TestCase):
    def setUp(self):
        self.data = Path(self.enterContext(tempfile.TemporaryDirectory())) / "data"

    def server(self, *options, **environment):
        settings = [f"{name}={value}" for name, value in environment.items()]
        backend = Backend(["env", *settings, SERVER, *options], self.data)
        self.addCleanup(backend.stop)
        return backend.start()

    def command(self, *arguments, **environment):
        done = subprocess.run([SERVER, *arguments, "--data-dir", self.data], capture_output=True, text=True, check=False, timeout=60, env={**PLAIN, **environment})
        return done.returncode, done.stdout + done.stderr

    def assert_shows(self, *nothing):
        """No file of the data directory has any of these, nor a private key."""
        for file in self.data.rglob("*"):
            if file.is_file():
                content = file.read_bytes()
                for text in ("PRIVATE KEY", *nothing):
                    self.assertNotIn(text.encode(), content, file)

    def registers(self, backend, **environment):
        """Somebody pairs with the server, by what the command line can tell of its secrets."""
        status, body = self.command("token", "register", **environment)
        self.assertEqual(status, 0, body)
        done = subprocess.run(["curl", "-s", "-o", "-", "-w", "%{http_code}", backend.url + "/register-peer", "-H", "Content-Type: application/json", "-d", body.strip()],
                              capture_output=True, text=True, check=True, timeout=60)
        self.assertTrue(done.stdout.endswith("200"), done.stdout)
        shutil.rmtree(self.data / "peers")  # the throwaway peer has a key, too

    def test_encrypted(self):
        key = {"BSP_KEY_ENCRYPTION_KEY": os.urandom(32).hex()}
        backend = self.server("--key-store", "encrypted", **key)
        identity = ask(backend.url + "/identity")[1]
        self.registers(backend, **key)
        secret = self.command("token", "secret", **key)[1].strip()
        backend.stop()
        self.assert_shows(secret, key["BSP_KEY_ENCRYPTION_KEY"])
        self.assertEqual(ask(self.server(**key).url + "/identity")[1], identity)
        status, text = self.command("token", "secret", BSP_KEY_ENCRYPTION_KEY="00" * 32)
        self.assertEqual(status, 2)
        self.assertIn("was sealed with the key", text)

    def test_moved(self):
        key = {"BSP_KEY_ENCRYPTION_KEY": os.urandom(32).hex()}
        backend = self.server()
        identity = ask(backend.url + "/identity")[1]
        backend.stop()
        status, text = self.command("keys", "move", "encrypted", **key)
        self.assertEqual(status, 0, text)
        self.assertEqual(self.command("keys", "where")[1], "encrypted\n")
        self.assert_shows()
        backend = self.server(**key)
        self.assertEqual(ask(backend.url + "/identity")[1], identity)
        self.registers(backend, **key)

    def test_key_chain(self):
        if os.environ.get(IN_SESSION) != "1":
            self.run_in_session()
            return
        backend = self.server("--key-store", "keychain")
        identity = ask(backend.url + "/identity")[1]
        self.registers(backend)
        secret = self.command("token", "secret", **os.environ)[1].strip()
        status, text = self.command("user", "add", "erin", **os.environ)
        self.assertEqual(status, 0, text)
        backend.stop()
        self.assert_shows(secret, text.strip())
        self.assertEqual(ask(self.server().url + "/identity")[1], identity)
        self.assertIn("erin", self.command("user", "list", **os.environ)[1])
        # The key with which others are sealed can lie there, too.
        self.data = self.data.parent / "sealed" / "data"
        self.data.parent.mkdir()
        backend = self.server("--key-store", "encrypted")
        self.registers(backend)
        self.assert_shows()
        self.assertTrue((self.data / "identity.key.sealed").exists())

    def run_in_session(self):
        """This test again, in a session bus of its own with a key ring of its own."""
        for program in ("dbus-run-session", "gnome-keyring-daemon"):
            if not shutil.which(program):
                self.skipTest(f"there is no {program}; scripts/install-dependencies --tests installs it")
        if "without libsecret" in self.command("keys", "move", "keychain")[1]:
            self.skipTest("bsp-server was built without libsecret")
        with tempfile.TemporaryDirectory() as home:
            start = f'printf password | gnome-keyring-daemon --unlock --components=secrets >/dev/null && exec "{sys.executable}" "{__file__}" -v KeysAtRest.test_key_chain'
            own = {"HOME": home, "XDG_DATA_HOME": home + "/data", "XDG_RUNTIME_DIR": home, "XDG_CACHE_HOME": home, "XDG_CONFIG_HOME": home, IN_SESSION: "1"}
            done = subprocess.run(["dbus-run-session", "--", "sh", "-c", start], capture_output=True, text=True, check=False, timeout=120,
                                  env={**PLAIN, **{k: v for k, v in os.environ.items() if k == "BSP_BUILD"}, **own})
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assertIn("test_key_chain", done.stderr)
            for _ in range(100):  # the daemon leaves with the session; the folder is its
                if not list(Path(home).glob("keyring")):
                    break
                time.sleep(0.05)


if __name__ == "__main__":
    unittest.main()
