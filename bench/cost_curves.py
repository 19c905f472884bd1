#!/usr/bin/env python3
"""What a request costs against the size of what the server holds, on SQLite and on PostgreSQL, over loopback; and what memory
the server takes. Draws the curves of bench/README.md.

    /usr/bin/python3 bench/cost_curves.py [--build build/bench] [--stores sqlite,postgresql] [--only push,large,pull,read,memory,peers]
                                          [--size-max 100000] [--repeats 15] [--into bench/curves]

Times are medians; the sizes and the stores take turns, so that what else the machine does falls on all alike. Processor time is
that of the server and its database. Ends with 1 when a cost that should not depend on the size grows with it."""

import argparse
import base64
import contextlib
import http.client
import json
import math
import os
import resource
import shutil
import signal
import statistics
import sys
import tempfile
import time
import uuid
from pathlib import Path

from chart import line_chart

ROOT = Path(__file__).resolve().parents[1]
CONTENT = "Could you move the meeting with Zo\u00eb to Thursday, and tell the others? I shall be travelling until noon."
SECRET = "a pairing secret for everyone, long enough"
STORES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
PEERS = [10, 100, 1_000]
LARGE = [1, 10, 100, 1_000]  # messages
LARGE_CONTENT = "x" * 100_000
GROWTH_MAX = 0.4  # the exponent over the last two decades; what is quadratic in all is 1 in each


def options():
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument("--build", default=ROOT / "build" / "bench", type=Path)
    words.add_argument("--stores", default="sqlite,postgresql")
    words.add_argument("--only", default="push,large,pull,read,memory,peers")
    words.add_argument("--size-max", default=100_000, type=int)
    words.add_argument("--repeats", default=15, type=int)
    words.add_argument("--into", default=ROOT / "bench" / "curves", type=Path)
    return words.parse_args()


ASKED = options()
SIZES = [size for size in (10, 100, 1_000, 10_000, 100_000, 1_000_000) if size <= ASKED.size_max]
os.environ["BSP_BUILD"] = str(ASKED.build.resolve())
sys.path.insert(0, str(ROOT / "tests" / "e2e"))
from support.backends import SERVER, Backend  # noqa: E402
from support.instances import Database  # noqa: E402
from support.peer import KEY, PSS, Peer, hashes, timestamp  # noqa: E402


class Measured(Backend):
    """A server on one kind of store, and what it and its database use of the machine."""

    def __init__(self, store, scratch, ending):
        self.store = store
        (scratch / store).mkdir(mode=0o711)
        users = scratch / store / "users.json"
        users.write_text(json.dumps({f"user{i}": SECRET for i in range(len(SIZES))}))
        users.chmod(0o600)
        self.database = None
        place = store
        if store == "postgresql":
            self.database = Database(scratch / store / "database")
            ending.callback(self.database.stop, "immediate")
            place = self.database.hosting_url
        super().__init__([SERVER, "--type", "hosted", "--users", users, "--store", place, "--log-level", "warning"], scratch / store / "data")
        ending.callback(self.stop)
        self.start()
        self.users = users

    def processes(self):
        yield self.process.pid
        if self.database:
            postmaster = (self.database.folder / "data" / "postmaster.pid").read_text().split()[0]
            yield from map(int, Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split())

    def cpu_ms(self):
        """So far, of all threads and, on PostgreSQL, of all of its processes."""
        total = 0
        for pid in self.processes():
            for thread in Path(f"/proc/{pid}/task").iterdir():
                with contextlib.suppress(OSError):
                    total += int((thread / "schedstat").read_text().split()[0])
        return total / 1e6

    def resident_mib(self):
        """Of the server alone: what it shares with other programs, too, such as libraries."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024


class Line(Peer):
    """A paired backend on a kept connection. It may push 100 times in a minute, so it registers anew before that."""

    sources = 0

    def __init__(self, backend, user="user0"):
        Line.sources += 1
        self.source = f"127.1.{Line.sources // 250}.{1 + Line.sources % 250}"  # 600 registrations in a minute from each address
        self.http = http.client.HTTPConnection("127.0.0.1", int(backend.url.rsplit(":", 1)[1]), timeout=300, source_address=(self.source, 0))
        self.pushes = 0
        super().__init__(backend, user)

    def octets(self, method, target, authorization=None, body=None):
        for again in (True, False):
            try:
                headers = {"Authorization": authorization} if authorization else {}
                self.http.request(method, target, body, headers | ({"Content-Type": "application/json"} if body else {}))
                answer = self.http.getresponse()
                return answer.status, answer.read()
            except (http.client.RemoteDisconnected, BrokenPipeError):  # it was idle for long
                self.http.close()
                if not again:
                    raise

    def call(self, method, target, authorization=None, body=None, timeout=20):
        status, text = self.octets(method, target, authorization, None if body is None else json.dumps(body))
        return status, json.loads(text or "null")

    def signed(self, conversations, content=CONTENT):
        """The text of a push; `conversations`: pairs of an id and a number of messages."""
        now = timestamp(time.time())
        origin = {"source_backend": "t", "version": 1}

        def messages(count):
            return [{"id": uuid.uuid4().hex, "role": "user", "content": content, "timestamp": now, "surface": "web", **origin} for _ in range(count)]
        body = {"sync_id": uuid.uuid4().hex, "timestamp": now,
                "conversations": [{"conversation_id": one, "messages": messages(count), "surfaces": ["web"], "last_modified": now, **origin} for one, count in conversations]}
        body["signature"] = base64.b64encode(KEY.sign(json.dumps(body, sort_keys=True).encode(), PSS, hashes.SHA256())).decode()
        self.pushes += 1
        if self.pushes % 95 == 0:
            self.backend_id = f"local_sha256_{uuid.uuid4().hex[:16]}"
            self.peer_id = self.register()
        return json.dumps(body)

    def push(self, conversations, content=CONTENT):
        text = self.signed(conversations, content)
        status, answer = self.octets("POST", f"/sync/{self.peer_id}", body=text)
        assert status == 200, answer

    def fill(self, conversation, count):
        for done in range(0, count, 5_000):
            self.push([(conversation, min(5_000, count - done))])

    def timed(self, method, target, authorization=None, body=None):
        """(elapsed, processor time) in milliseconds, and the body."""
        cpu, begun = self.backend.cpu_ms(), time.perf_counter()
        status, answer = self.octets(method, target, authorization, body)
        elapsed = 1000 * (time.perf_counter() - begun)
        assert status == 200, answer
        return elapsed, self.backend.cpu_ms() - cpu, answer

    def timed_pull(self, query):
        target = f"/sync/{self.peer_id}{query}"
        return self.timed("GET", target, self.assertion("GET", target))

    def all_pages(self, since=""):
        elapsed = cpu = count = 0
        query = "?limit=500" + (f"&since={since}" if since else "")
        while query:
            e, c, answer = self.timed_pull(query)
            elapsed, cpu, count = elapsed + e, cpu + c, count + answer.count(b'"role"')
            page = json.loads(answer)
            query = f"?limit=500&cursor={page['cursor']}" if page["has_more"] else ""
        return elapsed, cpu, count, page["last_sync"]


class Figures:
    """Runs of every store and size, in turn; then their medians as a table, and a chart."""

    def __init__(self):
        self.runs = {}

    def note(self, store, what, size, value):
        self.runs.setdefault((store, what), {}).setdefault(size, []).append(value)

    def points(self, store, what):
        return [(size, max(1e-3, statistics.median(values))) for size, values in sorted(self.runs.get((store, what), {}).items())]

    def draw(self, name, title, x_label, y_label, curves, flat=()):
        """`curves`: (what, its words, whether dashed). Whether those of `flat` are flat."""
        series = [(f"{STORES[store]}, {said}" if said else STORES[store], number, dashed, self.points(store, what))
                  for number, store in enumerate(ASKED.stores.split(",")) for what, said, dashed in curves if self.points(store, what)]
        ASKED.into.mkdir(parents=True, exist_ok=True)
        (ASKED.into / f"{name}.svg").write_text(line_chart(title, x_label, y_label, series), encoding="utf-8")
        print(f"\n{title} ({y_label})\n\n| | " + " | ".join(f"{size:,}" for size, _ in series[0][3]) + " |\n|---|" + "---|" * len(series[0][3]))
        for name_of, _, _, points in series:
            print(f"| {name_of} | " + " | ".join(f"{value:.3g}" if value < 100 else f"{value:,.0f}" for _, value in points) + " |")
        grows = False
        for store in ASKED.stores.split(","):
            for what in flat:
                points = self.points(store, what)[-3:]
                if len(points) < 3:
                    continue
                (x0, y0), (x1, y1) = points[0], points[-1]
                exponent = math.log(y1 / y0) / math.log(x1 / x0)
                if exponent > GROWTH_MAX:
                    print(f"\n{title}: {STORES[store]}, {what}, grows as the size to the power of {exponent:.2f}")
                    grows = True
        sys.stdout.flush()
        return not grows


def pushes(backends, figures, lines, sizes, what):
    """One message into the conversation of each size, again and again."""
    for _ in range(ASKED.repeats):
        for size in sizes:
            for backend in backends:
                line = lines[backend]
                text = line.signed([(f"c{size}", 1)])
                elapsed, cpu, _ = line.timed("POST", f"/sync/{line.peer_id}", body=text)
                figures.note(backend.store, f"{what} elapsed", size, elapsed)
                figures.note(backend.store, f"{what} cpu", size, cpu)


def push(backends, figures):
    lines = {backend: Line(backend) for backend in backends}
    for line in lines.values():
        for size in SIZES:
            line.fill(f"c{size}", size)
    pushes(backends, figures, lines, SIZES, "push")
    return figures.draw("push", "A push of one message", "messages in the conversation", "milliseconds",
                        [("push elapsed", "elapsed", False), ("push cpu", "CPU", True)], ["push cpu"])


def large(backends, figures):
    lines = {backend: Line(backend) for backend in backends}
    for line in lines.values():
        for size in LARGE:
            for done in range(0, size, 50):
                line.push([(f"c{size}", min(50, size - done))], LARGE_CONTENT)
    pushes(backends, figures, lines, LARGE, "large")
    return figures.draw("large", "A push of one message, where those held have 100 kB each", "messages in the conversation", "milliseconds",
                        [("large elapsed", "elapsed", False), ("large cpu", "CPU", True)], ["large cpu"])


def pull(backends, figures):
    lines = {(backend, size): Line(backend, f"user{SIZES.index(size)}") for backend in backends for size in SIZES}
    since = {}
    for (_, size), line in lines.items():
        for done in range(0, size, 1_000):
            line.push([(f"p{i}", 1) for i in range(done, min(size, done + 1_000))])
    for key, line in lines.items():
        since[key] = line.all_pages()[3]
    for _ in range(ASKED.repeats):
        for size in SIZES:
            for backend in backends:
                line = lines[backend, size]
                line.push([(f"p{size // 2}", 1)])
                elapsed, cpu, answer = line.timed_pull(f"?since={since[backend, size]}")
                page = json.loads(answer)
                assert len(page["conversations"]) == 1 and len(page["conversations"][0]["messages"]) == 1, page
                since[backend, size] = page["last_sync"]
                figures.note(backend.store, "pull elapsed", size, elapsed)
                figures.note(backend.store, "pull cpu", size, cpu)
    return figures.draw("pull", "A pull of one changed conversation", "conversations of the user", "milliseconds",
                        [("pull elapsed", "elapsed", False), ("pull cpu", "CPU", True)], ["pull cpu"])


def read(backends, figures):
    users = {(backend, size): Line(backend, f"user{SIZES.index(size)}") for backend in backends for size in SIZES}
    for (_, size), line in users.items():
        line.before = line.all_pages()[3]
        line.fill(f"r{size}", size)
    for turn in range(max(3, ASKED.repeats // 3)):
        for (backend, size), line in users.items():
            target = f"/conversations/r{size}"
            elapsed, cpu, answer = line.timed("GET", target, line.assertion("GET", target))
            assert answer.count(b'"role"') == size
            figures.note(backend.store, "read elapsed", size, 1000 * elapsed / size)
            figures.note(backend.store, "read cpu", size, 1000 * cpu / size)
            del answer
            _, cpu, count, _ = line.all_pages(line.before)
            assert count == size, (count, size)
            figures.note(backend.store, "pages cpu", size, 1000 * cpu / size)
    return figures.draw("read", "Reading a conversation, for each message", "messages in the conversation", "microseconds",
                        [("read cpu", "CPU", False), ("pages cpu", "CPU, pulled in pages", True)], ["read cpu", "pages cpu"])


def memory(backends, figures):
    for backend in backends:
        line, held = Line(backend), 0
        for size in SIZES:
            while held < size:
                count = min(1_000, size - held)
                line.push([(f"m{held // 1_000}", count)])
                held += count
            figures.note(backend.store, "memory", size, backend.resident_mib())
    return figures.draw("memory", "Memory of the server, filled by pushes of 1,000 messages", "messages stored", "MiB resident", [("memory", "", False)])


def peers(backends, figures):
    for backend in backends:
        Line(backend).push([("main", 1)])
        idle, open_ones = backend.resident_mib(), []
        for size in PEERS:
            while len(open_ones) < size:
                line = Line(backend)
                line.push([(f"peer{len(open_ones)}", 1)])
                line.all_pages(timestamp(time.time()))
                line.stream()
                open_ones.append(line)
            figures.note(backend.store, "peers", size, backend.resident_mib())
            figures.note(backend.store, "each", size, 1024 * (backend.resident_mib() - idle) / size)
        for line in open_ones:
            line.close()
            line.http.close()
    return figures.draw("peers", "Memory of the server with active peers", "peers", "MiB resident", [("peers", "", False)])


def main():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 8_192)), hard))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started ends, too
    figures, flat = Figures(), []
    for measure in (push, large, pull, read, memory, peers):
        if measure.__name__ not in ASKED.only.split(","):
            continue
        scratch = Path(tempfile.mkdtemp(prefix="bsp-curves-"))
        scratch.chmod(0o711)  # PostgreSQL may run as somebody else
        try:
            with contextlib.ExitStack() as ending:
                flat.append(measure([Measured(store, scratch, ending) for store in ASKED.stores.split(",")], figures))
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    return 0 if all(flat) else 1


if __name__ == "__main__":
    sys.exit(main())
