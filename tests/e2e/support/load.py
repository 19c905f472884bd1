"""Writers that do not give up, and what judges whether everything that was acknowledged to them is there, once."""

import collections
import http.client
import json
import threading
import time

from support.peer import Peer
from support.pushes import push_body

BACK_WITHIN = 30
MESSAGES = 5  # of a push


class Writer(threading.Thread):
    """Writes without a pause, each write until it is acknowledged; `peer` gives the credentials and the address."""

    pause = 0.65  # within the budget of 100 a minute

    def __init__(self, peer, number, ended):
        super().__init__(daemon=True)
        self.peer, self.number, self.ended = peer, number, ended
        self.conversation = f"{type(self).__name__.lower()}{number}"
        self.tried = set()           # ids
        self.acknowledged = []       # ids
        self.answers = []            # (time, status or 0, Retry-After)
        self.refusals = collections.Counter()
        self.waited_max = 0.0        # seconds, for an answer of any kind
        self.last_acknowledged = time.monotonic()

    def run(self):
        for turn in range(10**6):
            ids = self.ids_of(turn)
            self.tried |= set(ids)
            while not self.write(turn, ids):
                if self.ended.wait(0.1):
                    return
            self.acknowledged += ids
            self.last_acknowledged = time.monotonic()
            if self.ended.wait(self.pause):
                return

    def send(self, target, body, headers=None):
        """The status; 0 when there was no answer."""
        connection = http.client.HTTPConnection(self.peer.host, self.peer.port, timeout=BACK_WITHIN)
        begun = time.monotonic()
        try:
            connection.request("POST", target, json.dumps(body), {"Content-Type": "application/json", **(headers or {})})
            answer = connection.getresponse()
            words = answer.read()
            if answer.status >= 400:
                self.refusals[answer.status, words] += 1
            status, retry_after = answer.status, answer.getheader("Retry-After")
        except (OSError, http.client.HTTPException):
            status, retry_after = 0, None
        finally:
            connection.close()
        self.waited_max = max(self.waited_max, time.monotonic() - begun)
        self.answers.append((time.monotonic(), status, retry_after))
        return status


class Pusher(Writer):
    """A peer with signed pushes; what is repeated under a `sync_id` is the same."""

    body = (None, None)  # of a turn

    def ids_of(self, turn):
        return [f"m{self.number}-{turn}-{i}" for i in range(MESSAGES)]

    def write(self, turn, ids):
        if self.body[0] != turn:
            self.body = turn, push_body(self.peer, f"sync-{self.number}-{turn}", self.conversation, ids)
        return self.send(f"/sync/{self.peer.peer_id}", self.body[1]) == 200

    def held(self):
        found, cursor = [], ""
        while True:
            status, page = self.peer.ask("GET", f"/sync/{self.peer.peer_id}?limit=100" + (f"&cursor={cursor}" if cursor else ""))
            assert status == 200, page
            for entry in page["conversations"]:
                if entry["conversation_id"] == self.conversation:
                    found += [message["id"] for message in entry["messages"]]
            if not page["has_more"]:
                return found
            cursor = page["cursor"]


class Scribe(Writer):
    """A user, who writes message by message."""

    pause = 0.05

    def ids_of(self, turn):
        return [f"u{self.number}-{turn}"]

    def write(self, turn, ids):
        target = f"/conversations/{self.conversation}/messages"
        return self.send(target, {"id": ids[0], "role": "user", "content": ids[0], "surface": "web"}, {"Authorization": self.peer.user_assertion("POST", target)}) in (200, 201)

    def held(self):
        status, whole = self.peer.ask_as_user("GET", "/conversations/" + self.conversation)
        assert status == 200, whole
        assert all(message["id"] == message["content"] for message in whole["messages"]), whole
        return [message["id"] for message in whole["messages"]]


class Load:
    """Several writers at once, as a context; `judge` ends them."""

    def __init__(self, running, pushers=4, scribes=0):
        self.ended = threading.Event()
        peers = [Peer(running) for _ in range(max(pushers, 1))]
        self.writers = [Pusher(peers[number], number, self.ended) for number in range(pushers)]
        self.writers += [Scribe(peers[0], number, self.ended) for number in range(scribes)]

    def __enter__(self):
        for writer in self.writers:
            writer.start()
        self.wait_for(lambda: all(len(writer.acknowledged) >= 2 * MESSAGES for writer in self.writers), "the load did not begin")
        return self

    def __exit__(self, *_):
        self.end()

    def end(self):
        self.ended.set()
        for writer in self.writers:
            writer.join(timeout=2 * BACK_WITHIN)

    @staticmethod
    def wait_for(condition, words, patience=BACK_WITHIN):
        deadline = time.monotonic() + patience
        while not condition():
            if time.monotonic() > deadline:
                raise AssertionError(words)
            time.sleep(0.02)

    def wait_until_all_are_served(self):
        now = time.monotonic()
        deadline = now + BACK_WITHIN
        while waiting := [writer for writer in self.writers if writer.last_acknowledged <= now]:
            if time.monotonic() > deadline:
                raise AssertionError(f"not everybody is served again: {[(writer.conversation, writer.answers[-3:], writer.refusals.most_common(3)) for writer in waiting]}")
            time.sleep(0.02)

    def wait_for_status(self, status):
        """Until somebody has got it as an answer, from now on."""
        now = time.monotonic()
        self.wait_for(lambda: any(at > now and got == status for writer in self.writers for at, got, _ in writer.answers[-3:]), f"nobody is told {status}")

    @property
    def acknowledged_pushes(self):
        return sum(len(writer.acknowledged) for writer in self.writers if isinstance(writer, Pusher)) // MESSAGES

    def judge(self, test):
        """Ends the writing and holds what is there against what was acknowledged; the statuses that were met."""
        self.end()
        answers = [answer for writer in self.writers for answer in writer.answers]
        test.assertLessEqual({status for _, status, _ in answers}, {0, 200, 201, 503}, [writer.refusals for writer in self.writers])
        test.assertEqual([], [answer for answer in answers if answer[1] == 503 and not answer[2]], "503 without Retry-After")
        for writer in self.writers:
            held = writer.held()
            test.assertEqual(len(held), len(set(held)), "duplicates")
            test.assertEqual(set(), set(writer.acknowledged) - set(held), "acknowledged and lost")
            test.assertEqual(set(), set(held) - writer.tried, "there, and never sent")
        return {status for _, status, _ in answers}
