"""Serves the dashboard page with answers that a test makes up."""

import contextlib
import json
import threading
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from .backends import REPOSITORY

WEB = REPOSITORY / "reference_server" / "web"
TYPES = {"html": "text/html", "js": "text/javascript", "css": "text/css", "md": "text/plain"}
TOKEN = "the admin token of a test"


def ago(seconds):
    return (datetime.now(timezone.utc) - timedelta(seconds=seconds)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def peer(n, **changes):
    """A peer that is well."""
    metrics = {"peer_id": f"peer_{n:032x}", "backend_id": f"hosted_{n:016x}", "last_sync": ago(3), "sync_lag_seconds": 3.2 + n % 7, "queue_depth": 0,
               "sync_success_rate": 1.0, "last_error": None, "total_syncs": 49 + n, "total_events": 1200 * n, **changes.pop("metrics", {})}
    return {"peer_id": metrics["peer_id"], "backend_id": metrics["backend_id"], "backend_type": "hosted", "capabilities": [],
            "sbt": {"session_id": "sess_1", "user_id": f"user-{n}"}, "registered_at": ago(90_000), "contact": {"obstacle": "", "since": ago(80_000)},
            "metrics": metrics, **changes}


def overview(peers, alerts=(), **changes):
    return {"server": {"backend_id": "local_9b1d04c2a7e35f68", "backend_type": "local", "url": "http://127.0.0.1:8825", "version": "1.0.0",
                       "started_at": ago(90_061), "now": ago(0)},
            "sync": "on", "health": "healthy", "alerts": list(alerts), "peers": peers,
            "telemetry": {"total_peers": len(peers or ()), "online_peers": len(peers or ()), "total_events_24h": 48211, "avg_latency_ms": 412.5,
                          "total_cost_24h": 3.75, "top_peers_by_events": []}, **changes}


class CannedServer:
    """`answers` gives the overview when it is asked for; None: no answer. `asked` counts."""

    def __init__(self, answers):
        self.answers = answers
        self.asked = 0
        self.lines = []
        canned = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                path = self.path.split("?")[0]
                if path.startswith("/operator/"):
                    return self.tell(path)
                name = "dashboard.html" if path == "/" else path.rsplit("/", 1)[1]
                file = REPOSITORY / "docs" / name if name.endswith(".md") else WEB / name
                self.give(200, file.read_bytes(), TYPES[file.suffix[1:]]) if file.exists() else self.give(404, b"", "text/plain")

            def tell(self, path):
                if self.headers["Authorization"] != "Bearer " + TOKEN:
                    return self.give(403, b"{}", "application/problem+json")
                if path == "/operator/log":
                    return self.give(200, json.dumps({"lines": canned.lines, "next": 0, "started_at": "2026-01-01T00:00:00Z"}).encode(), "application/json")
                canned.asked += 1
                said = canned.answers()
                if said is None:
                    return self.connection.close()
                self.give(200, json.dumps(said).encode(), "application/json")

            def give(self, status, body, kind):
                self.send_response(status)
                self.send_header("Content-Type", kind + "; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@contextlib.contextmanager
def canned_server(answers):
    canned = CannedServer(answers)
    thread = threading.Thread(target=canned.server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield canned
    finally:
        canned.server.shutdown()
        canned.server.server_close()
        thread.join()
