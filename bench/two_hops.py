#!/usr/bin/env python3
"""How soon what is written at one local backend can be read at the hosted one and at another local one, all three of them
this server, on SQLite, over loopback; how soon an outage is made up for; and what a peer costs in memory.

    /usr/bin/python3 bench/two_hops.py [--build build/release] [--writes 100]

Prints rows for bench/README.md. Beside other work on the same cores the times say little."""

import argparse
import contextlib
import hashlib
import hmac
import http.client
import json
import os
import signal
import sys
import tempfile
import time
import uuid
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SECRET = "a pairing secret for alice, long enough"


def quantiles(seconds):
    """p50, p95 and p99 in milliseconds."""
    ordered = sorted(seconds)
    return tuple(1000 * ordered[min(len(ordered) - 1, int(len(ordered) * q))] for q in (0.5, 0.95, 0.99))


def resident_mib(backend):
    status = Path(f"/proc/{backend.process.pid}/status").read_text(encoding="ascii")
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--build", default=ROOT / "build" / "release", type=Path)
    arguments.add_argument("--writes", default=100, type=int)
    asked = arguments.parse_args()
    os.environ["BSP_BUILD"] = str(asked.build.resolve())
    sys.path.insert(0, str(ROOT / "tests" / "e2e"))
    from support.backends import SERVER, Backend
    from support.peer import Peer
    from support.person import Person, ask, compact, eventually

    class Line:
        """A kept connection on which alice asks a backend; signing costs some 30 µs of each request."""

        def __init__(self, backend):
            self.backend_id = ask(backend.url + "/identity")[1]["backend_id"]
            self.http = http.client.HTTPConnection("127.0.0.1", int(backend.url.rsplit(":", 1)[1]), timeout=60)
            self.used_at = time.monotonic()

        def asks(self, method, path, body=None):
            if time.monotonic() - self.used_at > 30:
                self.http.close()  # before the server finds it idle
            self.used_at = time.monotonic()
            now = int(time.time())
            claims = {"iss": "alice", "sub": "alice", "aud": self.backend_id, "iat": now, "exp": now + 60, "jti": uuid.uuid4().hex, "htm": method, "htu": path}
            token = compact({"alg": "HS256", "typ": "bsp-user+jwt"}, claims, lambda text: hmac.new(SECRET.encode(), text, hashlib.sha256).digest())
            self.http.request(method, path, body and json.dumps(body), {"Authorization": "BSP-User " + token, "Content-Type": "application/json"})
            answer = self.http.getresponse()
            return answer.status, json.loads(answer.read())

        def writes(self, conversation, content="a sentence as people write them"):
            """The version of the message."""
            status, message = self.asks("POST", f"/conversations/{conversation}/messages", {"role": "user", "content": content, "surface": "web"})
            assert status == 201, message
            return message["version"]

        def version(self):
            """Of the only conversation: the list tells it cheaply, however long that is."""
            entries = self.asks("GET", "/conversations?limit=1")[1]["conversations"]
            return entries[0]["version"] if entries else 0

    with tempfile.TemporaryDirectory() as scratch, contextlib.ExitStack() as ending:
        users = Path(scratch) / "users.json"
        users.write_text(json.dumps({"alice": SECRET}))
        users.chmod(0o600)

        def start(name, *options):
            (Path(scratch) / name).mkdir()
            backend = Backend([SERVER, "--users", users, *options], Path(scratch) / name / "data")
            ending.callback(backend.stop, signal.SIGKILL)
            return backend.start()

        hosted = start("hosted", "--type", "hosted")
        a = start("a", "--type", "local", "--peer-allow", hosted.url)
        b = start("b", "--type", "local", "--peer-allow", hosted.url)
        alice = Person("alice", SECRET)
        for local in (a, b):
            alice.pairs(local, hosted)
        at_a, at_hosted, at_b = (Line(backend) for backend in (a, hosted, b))
        at_a.writes("main")
        assert eventually(lambda: at_b.version() == 1), "what was written did not arrive"

        print("| what | size | p50 | p95 | p99 |\n|---|---|---|---|---|")

        def travel(size):
            to_hosted, to_b = [], []
            for _ in range(asked.writes):
                begun = time.perf_counter()
                version = at_a.writes("main")
                while at_hosted.version() < version:
                    pass
                to_hosted.append(time.perf_counter() - begun)
                while at_b.version() < version:
                    pass
                to_b.append(time.perf_counter() - begun)
                time.sleep(0.8)  # a push for each: more often than every 750 ms a client would put changes together (BSP-OFF-017)
            for what, times in (("written at a local backend, read at the hosted one", to_hosted), ("… and at another local one, by live pull", to_b)):
                print(f"| {what} | {size} | " + " | ".join(f"{ms:.1f} ms" for ms in quantiles(times)) + " |", flush=True)

        travel("a short conversation")
        for _ in range(10_000):
            version = at_a.writes("main")
        assert eventually(lambda: at_b.version() == version, 120)
        travel("10,000 messages")

        port = hosted.url.rsplit(":", 1)[1]
        hosted.stop(signal.SIGKILL)
        for i in range(1_000):
            version = at_a.writes("main", f"said during the outage: {i}")
        hosted.start(port)
        begun = time.perf_counter()
        at_hosted = Line(hosted)
        assert eventually(lambda: at_hosted.version() == version, 120)
        print(f"| an outage with 1,000 changes is made up for | | {time.perf_counter() - begun:.1f} s after the first answer | | |")

        busy = start("busy", "--type", "hosted")
        busy.users = users
        Peer(busy).write("main")
        idle = resident_mib(busy)
        peers = [Peer(busy) for _ in range(100)]
        for peer in peers:
            ending.callback(peer.close)
            peer.stream()
            peer.ask("GET", f"/sync/{peer.peer_id}")
        print(f"| memory of an active peer, with an open stream | 100 peers | {1024 * (resident_mib(busy) - idle) / len(peers):.0f} KiB each | | |")


if __name__ == "__main__":
    main()
