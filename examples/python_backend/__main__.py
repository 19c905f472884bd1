"""Starts the backend: `python3 examples/python_backend --data DIR --port 8080 --type hosted`."""

from __future__ import annotations

import argparse
import json
import os
import secrets
import signal
import sys
from pathlib import Path

import identity
import keys
from client import Client
from endpoints import Backend, Configuration
from grammar import is_http_url, is_user_id
from http_server import Server
from store import Store


def _made_once(path: Path, content: str) -> str:
    """The content of a file that only this user can read, made if there is none."""
    if not path.exists():
        _write(path, content)
    return path.read_text("utf-8")


def _write(path: Path, content: str) -> None:
    """Writes a file in one step, so that whoever waits for it finds it complete."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with open(draft, "w", encoding="utf-8") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(draft, path)


def _users(text: str) -> dict[str, str]:
    users = json.loads(text)
    if not isinstance(users, dict) or not all(is_user_id(u) and isinstance(s, str) for u, s in users.items()):
        raise ValueError("users.json is an object of user ids and their pairing secrets")
    return users


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python_backend", description="A BSP backend in Python.")
    parser.add_argument("--data-dir", dest="data", type=Path, required=True, metavar="DIR", help="where everything is kept")
    parser.add_argument("--type", choices=("local", "hosted"), default="hosted")
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0, the default, takes a free one")
    parser.add_argument("--base-url", metavar="URL", help="the URL by which clients reach this backend")
    parser.add_argument("--allow-origin", action="append", default=[], metavar="ORIGIN",
                        help="an origin whose web pages may call; may be repeated")
    parser.add_argument("--peer-allow", action="append", default=[], metavar="ORIGIN",
                        help="an origin of other backends that may be called; may be repeated")
    parser.add_argument("--ready-file", type=Path, metavar="FILE", help="gets the base URL when requests are served")
    arguments = parser.parse_args()
    if arguments.base_url is not None and not (
            is_http_url(arguments.base_url) and "?" not in arguments.base_url and "#" not in arguments.base_url):
        parser.error("--base-url is an http or https URL without query and fragment")
    return arguments


def main() -> None:
    arguments = _arguments()
    os.umask(0o077)  # the store holds keys and conversations, the files beside it hold secrets
    arguments.data.mkdir(parents=True, exist_ok=True)
    users = {user: secrets.token_urlsafe(32) for user in ("alice", "bob", "carol", "dave")}
    pairing_secrets = _users(_made_once(arguments.data / "users.json", json.dumps(users, indent=2) + "\n"))
    admin_token = _made_once(arguments.data / "admin.token", secrets.token_urlsafe(32) + "\n").strip()
    if not admin_token:
        raise ValueError("admin.token is empty")
    store = Store(arguments.data / "store.sqlite")
    own = identity.load(store, arguments.type, os.environ.get("BACKEND_PRIVATE_KEY"))
    server = Server(arguments.port)
    base_url = (arguments.base_url or f"http://127.0.0.1:{server.server_address[1]}").rstrip("/")
    server.application = backend = Backend(
        store, own, Configuration(base_url, pairing_secrets, admin_token, frozenset(arguments.allow_origin)))
    Client(store, own, frozenset(arguments.peer_allow)).start()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    print(f"{own.backend_id} serves {base_url}", flush=True)
    if arguments.ready_file is not None:
        _write(arguments.ready_file, base_url + "\n")
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass
    finally:
        backend.close_streams()


if __name__ == "__main__":
    try:
        main()
    except (ValueError, OSError, keys.InvalidKey) as error:
        sys.exit(f"python_backend: {error}")
