#!/usr/bin/env python3
"""This server under the load of many peers of many users: `bsp-conformance load` against a server of its own on SQLite, in
memory, or on a private PostgreSQL as one instance or several behind a round-robin proxy. All is gone when it ends.

    /usr/bin/python3 bench/under_load.py [--store sqlite|memory|postgresql] [--instances 2] [--peers 1000 --rate 500 …]

Options that are not its own go to `load`. Ends with the exit status of `load`. Beside other work on the same cores the times
say little."""

import argparse
import contextlib
import json
import os
import secrets
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


@contextlib.contextmanager
def target(store, count, users):
    sys.path.insert(0, str(ROOT / "tests" / "e2e"))
    from support import backends, instances  # pylint: disable=import-outside-toplevel

    options = ("--log-level", "warning", "--users", users)
    if store != "postgresql":
        with backends.reference_server("--type", "hosted", "--store", store, *options) as server:
            yield backends.SUITE, server.url
    elif not instances.is_installed():
        raise SystemExit("PostgreSQL is not installed here; scripts/install-dependencies --tests does it")
    else:
        with instances.instances(count, options=options) as running:
            # One instance is asked without the proxy, which costs more than it.
            yield backends.SUITE, running.url if count > 1 else running.urls[0]


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--build", default=ROOT / "build" / "release", type=Path)
    arguments.add_argument("--store", choices=("sqlite", "memory", "postgresql"), default="sqlite")
    arguments.add_argument("--instances", type=int, default=1, help="of the server, on PostgreSQL")
    arguments.add_argument("--people", type=int, default=100, help="users that the peers belong to")
    given, of_load = arguments.parse_known_args()
    if given.instances > 1 and given.store != "postgresql":
        arguments.error("several instances need --store postgresql")
    os.environ["BSP_BUILD"] = str(given.build.resolve())
    with tempfile.TemporaryDirectory() as scratch:
        users = Path(scratch) / "users.json"
        users.write_text(json.dumps({f"person{n}": secrets.token_urlsafe(32) for n in range(given.people)}), encoding="utf-8")
        with target(given.store, given.instances, users) as (suite, url):
            return subprocess.run([suite, "load", url, "--users", users, *of_load], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
