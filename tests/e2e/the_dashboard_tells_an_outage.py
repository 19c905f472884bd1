#!/usr/bin/env python3
"""Of two servers in sync the hosted one is killed and started again: whoever looks at the page of the other one, or at its
own, reads what is wrong and since when, and that it is over."""

import contextlib
import json
import re
import signal
import sys
import tempfile
import unittest
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from support import browser  # noqa: E402
from support.backends import SERVER, Backend  # noqa: E402
from support.person import Person, ask, eventually  # noqa: E402

SECRET = "a pairing secret for alice, long enough"


@contextlib.contextmanager
def desk():
    """A local and a hosted server, paired for alice: (local, hosted, alice)."""
    with tempfile.TemporaryDirectory() as scratch:
        for name in ("hosted", "local"):
            (Path(scratch) / name).mkdir()
        users = Path(scratch) / "users.json"
        users.write_text(json.dumps({"alice": SECRET}))
        users.chmod(0o600)
        hosted = Backend([SERVER, "--type", "hosted", "--users", users], Path(scratch) / "hosted" / "data").start()
        local = Backend([SERVER, "--type", "local", "--users", users, "--peer-allow", hosted.url], Path(scratch) / "local" / "data")
        try:
            local.start()
            alice = Person("alice", SECRET)
            alice.pairs(local, hosted)
            yield local, hosted, alice
        finally:
            local.stop(signal.SIGKILL)
            hosted.stop(signal.SIGKILL)


class Outage(unittest.TestCase):
    @contextlib.contextmanager
    def page_of(self, backend):
        with browser.page(backend.url + "/") as page:
            self.assertTrue(eventually(lambda: page.run("document.getElementById('enter')?.hidden === false")))
            token = backend.admin_token.read_text().strip()
            page.run(f"document.getElementById('token').value = {json.dumps(token)}; document.querySelector('#enter button').click()")
            yield page

    def assert_says(self, page, pattern, where="main"):
        said = lambda: page.run(f"document.querySelector({json.dumps(where)}).innerText")  # noqa: E731
        self.assertTrue(eventually(lambda: re.search(pattern, said()), 60), f"no {pattern!r} in:\n{said()}\n{page.run('document.body.innerText')}")

    def test_a_stranger_reads_what_is_wrong_for_how_long_and_that_it_is_over(self):
        with desk() as (local, hosted, alice), self.page_of(local) as page, self.page_of(hosted) as page_of_hosted:
            alice.writes(local, "main", "before")
            self.assertTrue(eventually(lambda: alice.contents(hosted, "main") == ["before"]))
            self.assert_says(page, "✓ The one peer is well", "#banner")
            self.assert_says(page_of_hosted, "✓ The one peer is well", "#banner")
            hosted_id = ask(hosted.url + "/identity")[1]["backend_id"]

            hosted.stop(signal.SIGKILL)
            alice.writes(local, "main", "meanwhile")
            self.assert_says(page, r"✕ The one peer is in trouble\. hosted_\w+…?: the peer cannot be reached: .+, since \d\d:\d\d:\d\d, for \d+ s", "#banner")
            self.assert_says(page, r"Trouble since \d\d:\d\d:\d\d", "#cards")
            self.assert_says(page, r"Waiting\s+[1-9]", "#cards")
            self.assert_says(page, "is in trouble: ", "#story")
            self.assertIn(hosted_id.replace("_sha256_", "_")[:15], page.run("document.querySelector('#cards h3').innerText"))
            self.assertIn("Start it", page.run("document.querySelector('#cards details').textContent"))
            self.assert_says(page_of_hosted, r"✕ This server does not answer since \d\d:\d\d:\d\d, for \d+ s: it cannot be reached", "#banner")
            longer = page.run("document.getElementById('banner').innerText")
            self.assertTrue(eventually(lambda: page.run("document.getElementById('banner').innerText") != longer), "the time goes on")

            hosted.start(hosted.url.rsplit(":", 1)[1])
            self.assert_says(page, "✓ The one peer is well|◔ The one peer works after failures", "#banner")
            self.assert_says(page, r"hosted_\w+…? works again, after ", "#story")
            self.assertTrue(eventually(lambda: alice.contents(hosted, "main") == ["before", "meanwhile"]))
            self.assert_says(page, r"Waiting\s+0\b", "#cards")
            self.assert_says(page_of_hosted, "✓ The one peer is well", "#banner")
            self.assert_says(page_of_hosted, "This server answers again, after", "#story")

    def test_the_page_lets_nobody_in_and_loads_nothing_foreign(self):
        with desk() as (local, _, _alice):
            with urllib.request.urlopen(local.url + "/", timeout=10) as answer:
                policy = answer.headers["Content-Security-Policy"]
                text = answer.read().decode()
            self.assertIn("default-src 'none'; script-src 'self'; style-src 'self'", policy)
            self.assertIn("connect-src 'self'", policy)
            self.assertIn("frame-ancestors 'none'", policy)
            self.assertNotIn("://", text)
            for method, path in (("GET", "overview"), ("GET", "log"), ("PUT", "log-level"), ("POST", "sync"), ("GET", "elsewhere")):
                self.assertEqual(ask(local.url + "/operator/" + path, method)[0], 401, path)
                self.assertEqual(ask(local.url + "/operator/" + path, method, authorization="Bearer another")[0], 403, path)
            admin = "Bearer " + local.admin_token.read_text().strip()
            self.assertEqual(ask(local.url + "/operator/elsewhere", authorization=admin)[0], 404)
            status, overview = ask(local.url + "/operator/overview", authorization=admin)
            self.assertEqual(status, 200)
            self.assertEqual(len(overview["peers"]), 1)
            told = json.dumps(overview)
            for hidden in (SECRET, local.admin_token.read_text().strip(), "signature", "PRIVATE KEY"):
                self.assertNotIn(hidden, told)
            _, trail = ask(local.url + "/audit?event_type=admin_auth_failed", authorization=admin)
            self.assertTrue(trail["entries"], "who was turned away is in the audit trail")


if __name__ == "__main__":
    unittest.main()
