#!/usr/bin/env python3
"""Several instances of the reference server on one private PostgreSQL, behind a round-robin proxy.

As a program (scripts/two-instances): starts it all, says what to try, and ends it all with Ctrl-C.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from support.backends import REPOSITORY, SERVER, SUITE, free_port  # noqa: E402
from support.network import Network  # noqa: E402

POSTGRES = REPOSITORY / "tests" / "support" / "postgres"
ROUND_ROBIN = Path(__file__).resolve().parent / "round_robin.py"


def is_installed():
    return any(Path(f"/usr/lib/postgresql/{version}/bin/initdb").exists() for version in (17, 16, 15))


class Database:
    """A private PostgreSQL: `url` is that of its superuser, `hosting_url` that of the role of the instances."""

    def __init__(self, folder, *settings):
        self.folder = Path(folder)
        self.url = subprocess.run([POSTGRES, "start", self.folder, *settings], check=True, capture_output=True, text=True).stdout.strip()
        self.run("CREATE ROLE hosting LOGIN", "ALTER DATABASE bsp OWNER TO hosting")
        self.hosting_url = self.url.replace("bsp@", "hosting@")

    def owner(self):
        """Who its server runs as."""
        return (self.folder / "data").owner()

    def run(self, *statements):
        commands = [part for statement in statements for part in ("-c", statement)]
        return subprocess.run(["psql", self.url, "-qAt", *commands], check=True, capture_output=True, text=True).stdout

    def stop(self, mode="fast"):
        subprocess.run([POSTGRES, "stop", self.folder, mode], check=True)

    def start_again(self):
        subprocess.run([POSTGRES, "again", self.folder], check=True)

    def see_that_it_runs(self):
        """As whoever watches over services does."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with contextlib.suppress(subprocess.CalledProcessError):
                return self.run("SELECT 1")
            if not (self.folder / "data" / "postmaster.pid").exists():
                return self.start_again()
            time.sleep(0.1)
        raise RuntimeError("the database neither runs nor has ended")


def wait_for_file(file, process, log):
    deadline = time.monotonic() + 60
    while not (file.exists() and file.read_text(encoding="utf-8").strip()):
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"{file.name} did not start:\n" + log.read_text(errors="replace")[-3000:])
        time.sleep(0.02)
    return file.read_text(encoding="utf-8").strip()


class Instances:
    """`url` is the proxy's, `users` and `admin_token` are files; `urls` are those of the instances. With `networked` they reach the
    database over `network`; `prepare(database)` is called before they start."""

    def __init__(self, scratch, count=2, options=(), settings=("max_connections = 60",), networked=False, prepare=None):
        self.scratch = Path(scratch)
        self.log = self.scratch / "log"
        self.data = self.scratch / "data"
        self.users, self.admin_token = self.data / "users.json", self.data / "admin.token"
        self.database = Database(self.scratch / "database", *settings)
        self.network = None
        if networked:
            parts = urlsplit(self.database.hosting_url)
            self.network = Network(parts.port)
            self.database.hosting_url = self.database.hosting_url.replace(f":{parts.port}/", f":{self.network.port}/")
        if prepare:
            prepare(self.database)
        self.ports = [free_port() for _ in range(count)]
        self.urls = [f"http://127.0.0.1:{port}" for port in self.ports]
        self.options = list(options)
        self.processes = [None] * count
        self.proxy = subprocess.Popen([sys.executable, ROUND_ROBIN, self.scratch / "proxy", *(f"127.0.0.1:{port}" for port in self.ports)])
        try:
            self.url = wait_for_file(self.scratch / "proxy", self.proxy, self.log)
            for number in range(count):
                self.start(number)
        except BaseException:
            self.close()
            raise

    def start(self, number):
        ready = self.scratch / f"instance{number}"
        ready.unlink(missing_ok=True)
        # The first start makes identity, key and users, which the others find in the same directory.
        command = [SERVER, "--type", "hosted", "--data-dir", self.data, "--port", str(self.ports[number]), "--base-url", self.url, "--ready-file", ready, *self.options]
        with open(self.log, "ab") as log:
            # The URL of a database may have a password in it, which others would see on a command line.
            self.processes[number] = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, "BSP_STORE": self.database.hosting_url})
        wait_for_file(ready, self.processes[number], self.log)

    def kill(self, number, how=signal.SIGKILL):
        self.processes[number].send_signal(how)
        self.processes[number].wait(timeout=30)

    def close(self):
        for process in [*self.processes, self.proxy]:
            if process and process.poll() is None:
                process.terminate()
        for process in [*self.processes, self.proxy]:
            if process:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(timeout=20)
                process.kill()
                process.wait()
        if self.network:
            self.network.close()
        with contextlib.suppress(subprocess.CalledProcessError):
            self.database.stop("immediate")


@contextlib.contextmanager
def instances(count=2, folder=None, **how):
    # Whoever PostgreSQL runs as must get to its folder.
    scratch = tempfile.mkdtemp(prefix="bsp-instances-", dir=folder)
    os.chmod(scratch, 0o711)
    running = None
    try:
        running = Instances(scratch, count, **how)
        yield running
    finally:
        if running:
            running.close()
        shutil.rmtree(scratch, ignore_errors=True)


def main():
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    with instances() as running:
        print(f"""Two instances of one backend, on one PostgreSQL:
  together   {running.url}   (every connection goes to the other one)
  alone      {"   ".join(running.urls)}
  users      {running.users}
  database   {running.database.url}
  log        {running.log}
Try it:
  curl -s {running.url}/identity
  {SUITE} {running.url} --users {running.users} --admin-token-file {running.admin_token}
  kill -9 {running.processes[0].pid}      (the other one goes on)
Stop it with Ctrl-C.""", flush=True)
        ended.wait()


if __name__ == "__main__":
    main()
