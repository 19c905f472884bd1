"""Starts the programs as their users do, on a scratch folder and a free port, and stops them."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]
BUILD = Path(os.environ.get("BSP_BUILD", REPOSITORY / "build" / "test"))
HEAVY = os.environ.get("BSP_HEAVY") == "1"

SERVER = BUILD / "reference_server" / "bsp-server"
SUITE = BUILD / "conformance" / "bsp-conformance"
FAULTY = BUILD / "conformance" / "faulty" / "bsp-faulty"

# Of the wrong backends.
USERS = {"alice": "a pairing secret for alice, long enough", "bob": "a pairing secret for bob, long enough, too"}
ADMIN_TOKEN = "an admin token"


class Backend:
    """A running backend: `url`, and the files that its first start wrote."""

    def __init__(self, command, data):
        self.command = [str(part) for part in command]
        self.data = Path(data)
        self.users = self.data / "users.json"
        self.admin_token = self.data / "admin.token"
        self.url = None
        self.process = None

    def start(self, port="0"):
        ready = self.data.parent / "url"
        ready.unlink(missing_ok=True)
        with open(self.data.parent / "log", "ab") as log:
            self.process = subprocess.Popen([*self.command, "--data-dir", self.data, "--port", str(port), "--ready-file", ready],
                                            stdout=log, stderr=log, cwd=REPOSITORY)
        deadline = time.monotonic() + 30
        while not (ready.exists() and ready.read_text(encoding="utf-8").strip()):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("the backend did not start:\n" + (self.data.parent / "log").read_text(errors="replace"))
            time.sleep(0.02)
        self.url = ready.read_text(encoding="utf-8").strip()
        return self

    def stop(self, how=signal.SIGTERM):
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(timeout=30)


@contextlib.contextmanager
def reference_server(*options):
    with tempfile.TemporaryDirectory() as scratch:
        yield from running([SERVER, *options], scratch)


@contextlib.contextmanager
def python_backend(*options):
    with tempfile.TemporaryDirectory() as scratch:
        yield from running([sys.executable, REPOSITORY / "examples" / "python_backend", *options], scratch)


def running(command, scratch):
    backend = Backend(command, Path(scratch) / "data")
    try:
        yield backend.start()
    finally:
        backend.stop()


def judge(backend, *options):
    """Runs the suite against a backend; the completed process with its output."""
    return subprocess.run([SUITE, backend.url, "--users", backend.users, "--admin-token-file", backend.admin_token, *map(str, options)],
                          capture_output=True, text=True, errors="replace", check=False, timeout=600)


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def free_address():
    return f"127.0.0.1:{free_port()}"


@contextlib.contextmanager
def users_file():
    """Of the users whom `faulty_backend` is to know."""
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "users.json"
        file.write_text(json.dumps(USERS), encoding="utf-8")
        yield file


def findings(said):
    """Of what the suite said, all but the checks that passed: what a test that fails has to show."""
    return "".join(line for line in said.splitlines(keepends=True) if not line.startswith("PASS "))


@contextlib.contextmanager
def faulty_backend(users, *options):
    """The URL of a running bsp-faulty; `users` is a file."""
    process = subprocess.Popen([FAULTY, *options, "--port", "0", "--users", users, "--admin-token", ADMIN_TOKEN], stdout=subprocess.PIPE, text=True)
    try:
        yield next(word for word in process.stdout.readline().split() if word.startswith("http://"))
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
