#!/usr/bin/env python3
"""What an operator is told without a browser: on a terminal, in the log, and by a webhook that does not always answer."""

import hashlib
import hmac
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import unittest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from support.backends import SERVER, Backend, reference_server  # noqa: E402
from support.person import Person, ask, eventually  # noqa: E402
from the_dashboard_tells_an_outage import SECRET, desk  # noqa: E402

HOOK_SECRET = "a webhook secret of more than 32 bytes"


def command(data, *words, status=0, text=""):
    done = subprocess.run([SERVER, "--data-dir", data, *words], capture_output=True, text=True, input=text, check=False, timeout=60)
    assert done.returncode == status, f"{words}: {done.returncode}\n{done.stdout}{done.stderr}"
    return (done.stdout if status == 0 else done.stderr).rstrip("\n")


def conversation(name, version=1):
    return json.dumps({"conversation_id": name, "version": version, "surfaces": ["web"], "last_modified": "2026-01-01T10:00:00Z", "source_backend": "local",
                       "messages": [{"id": "m1", "role": "user", "content": "canary-content", "surface": "web", "timestamp": "2026-01-01T10:00:00Z",
                                     "source_backend": "local", "version": 1}]})


def push(backend, body):
    peer = command(backend.data, "token", "peer-id")
    return ask(f"{backend.url}/sync/{peer}", "POST", json.loads(command(backend.data, "token", "push", text=body)))


class Terminal(unittest.TestCase):
    def test_the_commands_say_how_it_goes_and_what_waits(self):
        with desk() as (local, hosted, alice):
            self.assertTrue(eventually(lambda: "trouble" not in command(local.data, "status")))
            said = command(local.data, "status")
            self.assertRegex(said, r"(?m)^local_\w+, local, at http://127\.0\.0\.1:\d+$")
            self.assertRegex(said, r"(?m)^server    healthy, up for .*sync is on$")
            self.assertRegex(said, r"(?m)^alerts    none$")
            hosted.stop(signal.SIGKILL)
            alice.writes(local, "main", "hello")
            self.assertTrue(eventually(lambda: "cannot be reached" in command(local.data, "status"), 60))
            self.assertRegex(command(local.data, "status"), r"(?m)^trouble   hosted_\w+: the peer cannot be reached: .*, for \d+ s$")
            head, row = command(local.data, "peers").splitlines()
            self.assertEqual(head.index("TROUBLE"), row.index("the peer cannot"), "columns are aligned")
            rows = command(local.data, "queue").splitlines()
            self.assertEqual(rows[0].split(), ["PEER", "TYPE", "ITEM", "WAITS", "FOR", "ATTEMPTS", "BYTES"])
            self.assertTrue(any("main" in row for row in rows[1:]), rows)
            self.assertEqual(json.loads(command(local.data, "peers", "--json"))[0]["metrics"]["queue_depth"], len(rows) - 1)
            self.assertEqual(json.loads(command(local.data, "status", "--json"))["server"]["backend_type"], "local")
            self.assertTrue(json.loads(command(local.data, "queue", "--json")))
            hosted.start(hosted.url.rsplit(":", 1)[1])
            self.assertTrue(eventually(lambda: command(local.data, "queue") == "nothing waits to be sent", 60))
            self.assertIn("nothing is in the way", command(local.data, "sync", "now"))

    def test_without_a_server_an_error_says_so(self):
        with tempfile.TemporaryDirectory() as scratch:
            backend = Backend([SERVER], Path(scratch) / "data")
            self.assertIn("belongs to no server", command(backend.data, "status", status=2))
            backend.start()
            backend.stop()
            self.assertIn("no server runs on", command(backend.data, "status", status=1))
            backend.start()
            backend.stop(signal.SIGKILL)
            self.assertIn(f"no server answers at {backend.url}", command(backend.data, "peers", status=1))
            backend.start()
            (backend.data / "admin.token").write_text("another token that is long enough\n")
            self.assertIn("does not accept the admin token", command(backend.data, "tail", status=1))
            backend.stop()

    def test_tail_follows_the_log_and_the_level_changes_while_it_runs(self):
        with reference_server() as backend:
            tail = subprocess.Popen([SERVER, "--data-dir", backend.data, "tail", "--level", "debug", "--json"], stdout=subprocess.PIPE, text=True)
            patience = threading.Timer(60, tail.kill)
            patience.start()
            try:
                self.assertEqual(command(backend.data, "log-level"), "info")
                self.assertEqual(command(backend.data, "log-level", "debug"), "debug")
                ask(backend.url + "/identity")
                for text in tail.stdout:
                    line = json.loads(text)
                    if line.get("path") == "/identity":
                        break
                self.assertEqual(line["status"], 200)
                command(backend.data, "log-level", "error")
                self.assertEqual(command(backend.data, "log-level"), "error")
                command(backend.data, "log-level", "loud", status=2)
            finally:
                patience.cancel()
                tail.kill()
                tail.wait()
                tail.stdout.close()


class Log(unittest.TestCase):
    def test_one_id_leads_from_the_answer_to_the_store_and_nothing_private_is_written(self):
        for form in ("json", "text"):
            with self.subTest(form), tempfile.TemporaryDirectory() as scratch:
                backend = Backend([SERVER, "--log-format", form, "--log-level", "debug"], Path(scratch) / "data").start()
                try:
                    register = json.loads(command(backend.data, "token", "register"))
                    self.assertEqual(ask(backend.url + "/register-peer", "POST", register)[0], 200)
                    self.assertEqual(push(backend, conversation("canary-name"))[0], 200)
                    self.assertEqual(push(backend, conversation("canary-name", -1))[0], 422)
                    alice = Person("alice", command(backend.data, "token", "secret"))
                    alice.writes(backend, "canary-name", "canary-content")
                    alice.asks(backend, "GET", "/conversations/canary-name?since=canary-query")
                    admin = backend.admin_token.read_text().strip()
                    ask(backend.url + "/operator/overview", authorization="Bearer " + admin)
                    ask(backend.url + "/conversations/canary-name", authorization="BSP-User canary-token")
                finally:
                    backend.stop()
                log = (backend.data.parent / "log").read_text()
                log = log[:log.index("Try it:")] + log[log.index("--help\n"):] if "Try it:" in log else log
                for private in ("canary", admin, command(backend.data, "token", "secret"), register["sbt"]["signature"], "PRIVATE", '"content"', "hello"):
                    self.assertNotIn(private, log)
                ids = re.findall(r'"request_id":"(\S+?)".*the store has committed' if form == "json" else r"\[(\S+)\] the store has committed", log)
                pushed = re.findall(r'"request_id":"(\S+?)".*"path":"/sync/peer_\w+","status":200' if form == "json" else r"\[(\S+)\] 200 POST /sync/peer_", log)
                self.assertEqual(len(pushed), 1, log)
                self.assertIn(pushed[0], ids, "what the push stored has its id")
                if form == "json":
                    for line in log.splitlines():
                        if line.startswith("{"):
                            self.assertLessEqual({"time", "level", "event"}, set(json.loads(line)))


class Receiver:
    """Takes what the webhook sends, from the third time on."""

    def __init__(self):
        receiver = self
        self.letters = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                receiver.letters.append((self.headers["BSP-Signature"], self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(503 if len(receiver.letters) < 3 else 204)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/alerts"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()


class Webhook(unittest.TestCase):
    def setUp(self):
        self.receiver = Receiver()
        self.addCleanup(self.receiver.server.server_close)
        self.addCleanup(self.receiver.server.shutdown)

    def test_an_alert_reaches_the_log_the_list_and_the_receiver_and_so_does_its_end(self):
        os.environ["BSP_ALERT_WEBHOOK_SECRET"] = HOOK_SECRET
        self.addCleanup(os.environ.pop, "BSP_ALERT_WEBHOOK_SECRET")
        with reference_server("--alert-webhook", self.receiver.url) as backend:
            admin = "Bearer " + backend.admin_token.read_text().strip()
            self.assertEqual(ask(backend.url + "/register-peer", "POST", json.loads(command(backend.data, "token", "register")))[0], 200)
            peer = command(backend.data, "token", "peer-id")
            for _ in range(12):
                self.assertEqual(push(backend, conversation("main", -1))[0], 422)
            letters = self.receiver.letters
            self.assertTrue(eventually(lambda: len(letters) >= 3, 60))
            self.assertEqual(len({body for _, body in letters[:3]}), 1, "the same comes again until it is taken")
            for signature, body in letters:
                self.assertEqual(signature, "sha256=" + hmac.new(HOOK_SECRET.encode(), body, hashlib.sha256).hexdigest())
            raised = json.loads(letters[0][1])
            self.assertEqual((raised["event"], raised["alert"]["type"], raised["alert"]["peer_id"]), ("raised", "success_rate", peer))
            self.assertIn(raised["alert"]["type"], [a["type"] for a in ask(backend.url + "/alerts", authorization=admin)[1]["alerts"]])
            self.assertIn("success_rate", command(backend.data, "status"))
            self.assertEqual(ask(f"{backend.url}/peers/{peer}", "DELETE", authorization=admin)[0], 200)
            self.assertTrue(eventually(lambda: json.loads(letters[-1][1])["event"] == "cleared", 60))
            self.assertEqual(json.loads(letters[-1][1])["alert"]["peer_id"], peer)
            log = (backend.data.parent / "log").read_text()
            self.assertIn("alert raised: success_rate", log)
            self.assertIn("alert cleared: success_rate", log)
            self.assertNotIn(HOOK_SECRET, log)

    def test_what_cannot_be_is_said_at_the_start(self):
        with tempfile.TemporaryDirectory() as scratch:
            data = Path(scratch) / "data"
            self.assertIn("--alert-webhook", command(data, "--port", "0", "--alert-webhook", "http://hosted.example/", status=2))
            self.assertIn("needs a secret", command(data, "--port", "0", "--alert-webhook", self.receiver.url, status=2))


if __name__ == "__main__":
    unittest.main()
