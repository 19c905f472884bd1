#!/usr/bin/env python3
"""A person pauses, allows, exports and erases, on two servers that stay in sync by themselves."""

import json
import sys
import time
import unittest
import uuid
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from support.backends import reference_server  # noqa: E402
from support.person import Person, eventually  # noqa: E402


class TwoServers(unittest.TestCase):
    def setUp(self):
        self.hosted = self.enterContext(reference_server("--type", "hosted"))
        self.local = self.enterContext(reference_server("--peer-allow", self.hosted.url, "--users", self.hosted.users))
        user, secret = next(iter(json.loads(self.hosted.users.read_text(encoding="utf-8")).items()))
        self.person = Person(user, secret)
        self.person.pairs(self.local, self.hosted)
        self.arrives("first", self.local, self.hosted)

    def says(self, backend, **settings):
        status, answer = self.person.asks(backend, "PUT", "/privacy-settings", {"user_id": self.person.user, **settings})
        self.assertEqual((200, {"status": "updated"}), (status, answer))

    def arrives(self, content, here, there, conversation="main"):
        self.person.writes(here, conversation, content)
        self.assertTrue(eventually(lambda: content in self.person.contents(there, conversation)), content)

    def test_a_pause_on_the_senders_side_holds_everything_and_loses_nothing(self):
        self.says(self.local, sync_enabled=False)
        held = [f"held {i}" for i in range(5)]
        for content in held:
            self.person.writes(self.local, "main", content)
        self.person.writes(self.hosted, "main", "there")
        time.sleep(3)  # nothing must happen, so there is nothing to wait for
        self.assertEqual(["first", "there"], self.person.contents(self.hosted, "main"))
        self.assertNotIn("there", self.person.contents(self.local, "main"))
        self.says(self.local, sync_enabled=True)
        for backend in (self.local, self.hosted):
            self.assertTrue(eventually(lambda b=backend: set(held + ["first", "there"]) == set(self.person.contents(b, "main"))), backend.url)

    def test_what_is_not_allowed_stays_where_it_was_written(self):
        self.says(self.local, allowed_surfaces=["ios"])
        self.person.writes(self.local, "main", "not for others")
        _, answer = self.person.asks(self.local, "POST", "/conversations/main/messages", {"role": "user", "content": "for others", "surface": "ios"})
        self.assertTrue(eventually(lambda: "for others" in self.person.contents(self.hosted, "main")), answer)
        self.assertNotIn("not for others", self.person.contents(self.hosted, "main"))
        self.assertIn("not for others", self.person.contents(self.local, "main"))

    def test_what_was_erased_is_in_no_file_and_does_not_come_back(self):
        canary = "canary" + uuid.uuid4().hex
        self.arrives(canary, self.local, self.hosted)
        _, everything = self.person.asks(self.hosted, "GET", "/privacy/export")
        self.assertIn(canary, json.dumps(everything))
        status, receipt = self.person.asks(self.hosted, "DELETE", "/privacy/data")
        self.assertEqual((200, "erased"), (status, receipt["status"]))
        self.assertGreaterEqual(receipt["messages"], 2)

        def files():
            return [f.name for f in self.hosted.data.rglob("*") if f.is_file() and canary.encode() in f.read_bytes()]
        self.assertTrue(eventually(lambda: not files()), files())
        self.arrives("afterwards", self.local, self.hosted)  # pushed by the server that still has the rest
        self.assertEqual(["afterwards"], self.person.contents(self.hosted, "main"))
        self.assertIn(canary, self.person.contents(self.local, "main"))
        self.assertEqual([], files())


if __name__ == "__main__":
    unittest.main()
