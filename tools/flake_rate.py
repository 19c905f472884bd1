#!/usr/bin/env python3
"""How often does the suite blame a right backend? Judges both good backends again and again, each time with another
seed, all four at once so that the machine is busy, through a proxy that delays what is sent, and counts the verdicts.

    tools/flake_rate.py [--seeds 20] [--minutes 60] [--again]

What is known is kept in spec/flake-rate.json and shown in spec/flake-rate.md; a run goes on where the last one
ended, and begins anew with --again, as it should once checks have changed.
A verdict counts against the suite when it is neither PASS nor NOT-APPLICABLE nor UNTESTED. Exit status 1 if any does."""

import argparse
import asyncio
import collections
import concurrent.futures
import contextlib
import json
import random
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "e2e"))
from support.backends import SUITE, python_backend, reference_server  # noqa: E402

KNOWN, PAGE = ROOT / "spec" / "flake-rate.json", ROOT / "spec" / "flake-rate.md"
DELAY_MS = 10
GREEN = {"PASS", "NOT-APPLICABLE", "UNTESTED"}


class DelayingProxy:
    """Passes bytes on in both directions, each piece up to `delay_ms` late; one piece in fifty ten times as late."""

    def __init__(self, delay_ms, seed):
        self.delay_ms, self.chance = delay_ms, random.Random(seed)
        self.port, self.upstream = None, None
        self.loop = asyncio.new_event_loop()
        self.loop.set_exception_handler(lambda *_: None)  # what is under way when a run ends is of no interest
        ready = threading.Event()
        self.thread = threading.Thread(target=self._run, args=(ready,), daemon=True)
        self.thread.start()
        ready.wait()

    def _run(self, ready):
        asyncio.set_event_loop(self.loop)
        server = self.loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=512))
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        self.loop.run_forever()

    async def _serve(self, reader, writer):
        try:
            to_reader, to_writer = await asyncio.open_connection("127.0.0.1", self.upstream)
        except OSError:
            writer.close()
            return
        await asyncio.gather(self._pass(reader, to_writer), self._pass(to_reader, writer))
        for w in (to_writer, writer):
            with contextlib.suppress(OSError):
                w.close()

    async def _pass(self, source, sink):
        try:
            while piece := await source.read(65536):
                late = self.chance.random() * self.delay_ms * (10 if self.chance.random() < 0.02 else 1)
                await asyncio.sleep(late / 1000)
                sink.write(piece)
                await sink.drain()
            if sink.can_write_eof():
                sink.write_eof()
        except OSError:
            sink.close()

    def stop(self):
        self.loop.call_soon_threadsafe(self.loop.stop)


def judge(start, seed):
    """The checks and verdicts of one run through the proxy."""
    proxy = DelayingProxy(DELAY_MS, seed)
    url = f"http://127.0.0.1:{proxy.port}"
    with start("--base-url", url) as backend, tempfile.TemporaryDirectory() as scratch:
        # The ready file holds the base URL, which is the proxy's; where the backend listens is its own matter.
        proxy.upstream = listening_port(backend)
        events = Path(scratch) / "events.jsonl"
        done = subprocess.run([SUITE, url, "--users", backend.users, "--admin-token-file", backend.admin_token, "--seed", str(seed), "--json", events],
                              capture_output=True, text=True, errors="replace", check=False, timeout=1800)
        proxy.stop()
        if not events.exists():
            sys.exit(f"flake_rate: the suite said nothing:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        for line in events.read_text(encoding="utf-8").splitlines():
            event = json.loads(line)
            if event.get("event") == "check":
                yield event["check"], event["verdict"]


def listening_port(backend):
    lines = subprocess.run(["ss", "-ltnpH"], capture_output=True, text=True, check=True).stdout.splitlines()
    return next(int(line.split()[3].rsplit(":", 1)[1]) for line in lines if f"pid={backend.process.pid}," in line)


BACKENDS = [("reference server, hosted", lambda *o: reference_server("--type", "hosted", *o)),
            ("reference server, local", lambda *o: reference_server("--type", "local", *o)),
            ("Python backend, hosted", lambda *o: python_backend("--type", "hosted", *o)),
            ("Python backend, local", lambda *o: python_backend("--type", "local", *o))]


def judge_with_every_seed(name, start, known, given, until, save):
    """Adds to `known`, by `save`, what became of each seed that is not in it."""
    for seed in range(1, given.seeds + 1):
        if str(seed) in known or time.monotonic() > until:
            continue
        verdicts, wrong = 0, {}
        for check, verdict in judge(start, seed):
            verdicts += 1
            if verdict not in GREEN:
                wrong[check] = verdict
        save(known, seed, {"verdicts": verdicts, "wrong": wrong})
        print(f"{name}, seed {seed}: {'; '.join(f'{c} {v}' for c, v in wrong.items()) or 'green'}", flush=True)


def page(known):
    rows = [(name, len(runs), sum(r["verdicts"] for r in runs.values()), sum(len(r["wrong"]) for r in runs.values())) for name, runs in known.items()]
    wrong = collections.Counter(f"{check} {verdict}" for runs in known.values() for r in runs.values() for check, verdict in r["wrong"].items())
    return "\n".join(["# How often a right backend is blamed", "",
                      f"Generated by `tools/flake_rate.py`: {sum(r[3] for r in rows)} of {sum(r[2] for r in rows)} verdicts wrong. {len(rows)} good backends were judged at once,",
                      f"each run with another seed, and through a proxy that delays each piece that is sent by up to {DELAY_MS} ms and, for one in fifty, ten times that.", "",
                      "| Backend | Runs | Verdicts | Wrong |", "|---|---|---|---|", *(f"| {n} | {r} | {v} | {b} |" for n, r, v, b in rows), "",
                      *(f"- `{what}`: {n}" for what, n in wrong.most_common())]).rstrip() + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--minutes", type=float, default=10**9, help="begin nothing new after so many minutes")
    parser.add_argument("--again", action="store_true", help="forget what is known")
    given = parser.parse_args()

    known = json.loads(KNOWN.read_text(encoding="utf-8")) if KNOWN.exists() and not given.again else {}
    for name, _ in BACKENDS:
        known.setdefault(name, {})
    until = time.monotonic() + 60 * given.minutes
    saving = threading.Lock()

    def save(runs, seed, run):
        with saving:
            runs[str(seed)] = run
            KNOWN.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")
            PAGE.write_text(page(known), encoding="utf-8")

    with concurrent.futures.ThreadPoolExecutor(len(BACKENDS)) as pool:
        under_way = [pool.submit(judge_with_every_seed, name, start, known[name], given, until, save) for name, start in BACKENDS]
    for done in under_way:
        done.result()
    print(page(known))
    return 1 if any(r["wrong"] for runs in known.values() for r in runs.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
