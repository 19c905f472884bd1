#!/usr/bin/env python3
"""The page that the reference server serves pairs two backends in a browser, and shows the state of their sync."""

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
from support.backends import REPOSITORY, SERVER, Backend  # noqa: E402
from support.person import Person, ask, eventually  # noqa: E402

SECRET = "a pairing secret for alice, long enough"
VECTORS = REPOSITORY / "spec" / "vectors"


@contextlib.contextmanager
def desk(local_secret=SECRET):
    """A local and a hosted server, both of which allow the local one's page: (local, hosted)."""
    with tempfile.TemporaryDirectory() as scratch, contextlib.ExitStack() as ending:
        def prepare(name, secret, *options):
            folder = Path(scratch) / name
            folder.mkdir()
            users = folder / "users.json"
            users.write_text(json.dumps({"alice": secret}))
            users.chmod(0o600)
            backend = Backend([SERVER, "--type", name, "--users", users, *options], folder / "data").start()
            ending.callback(backend.stop, signal.SIGKILL)
            return backend

        local = prepare("local", local_secret)
        hosted = prepare("hosted", SECRET, "--allow-origin", local.url)
        port = local.url.rsplit(":", 1)[1]
        local.stop()
        local.command += ["--peer-allow", hosted.url, "--allow-origin", local.url]
        local.start(port)
        yield local, hosted


class PairingPage(unittest.TestCase):
    @contextlib.contextmanager
    def open(self, local):
        with browser.page(local.url + "/ui/handshake.html") as page:
            self.assertTrue(eventually(lambda: page.run("document.readyState === 'complete' && document.getElementById('local')?.value")))
            yield page

    def pair(self, page, hosted_url, secret=SECRET):
        page.run(f"""document.getElementById('hosted').value = {json.dumps(hosted_url)};
                     document.getElementById('secret').value = {json.dumps(secret)};
                     document.querySelector('button').click()""")

    def assert_shows(self, page, element, text, patience=30):
        shown = lambda: page.run(f"document.getElementById('{element}').textContent")  # noqa: E731
        eventually(lambda: text in shown(), patience)
        self.assertIn(text, shown(), page.run("document.getElementById('story').innerText"))

    def test_both_are_paired_and_shown_in_sync(self):
        with desk() as (local, hosted), self.open(local) as page:
            self.pair(page, hosted.url)
            self.assert_shows(page, "mode", "Mode: hybrid")
            self.assert_shows(page, "story", "hosted has proved its key")
            self.assertEqual(page.run("document.getElementById('secret').value"), "")
            alice = Person("alice", SECRET)
            alice.writes(local, "main", "from local")
            alice.writes(hosted, "other", "from hosted")
            self.assertTrue(eventually(lambda: alice.contents(hosted, "main") == ["from local"] and alice.contents(local, "other") == ["from hosted"]))
            self.assert_shows(page, "sync", "In sync: 2 conversations on both.")

    def test_a_half_registration_is_undone(self):
        with desk("another secret for alice, long enough") as (local, hosted), self.open(local) as page:
            self.pair(page, hosted.url)
            self.assert_shows(page, "mode", "Mode: hosted-only")
            self.assert_shows(page, "story", "invalid-sbt")
            self.assert_shows(page, "story", "The one at hosted was removed again.")
            _, peers = Person("alice", SECRET).asks(hosted, "GET", "/peers")
            self.assertEqual(peers, {"peers": []})

    def test_it_goes_on_with_whom_it_can_reach(self):
        with desk() as (local, hosted), self.open(local) as page:
            self.pair(page, "http://hosted.example")
            self.assert_shows(page, "mode", "Mode: local-only")
            self.assert_shows(page, "story", "it must be https")
            hosted.stop()
            self.pair(page, hosted.url)
            self.assert_shows(page, "story", "Is it running")
            self.assert_shows(page, "mode", "Mode: local-only")

    def test_the_key_cannot_be_read_and_signs_as_the_vectors_say(self):
        with desk() as (local, _), self.open(local) as page:
            self.assertIs(page.run("""import('./bsp.js').then(async (bsp) => {
                const key = await bsp.import_secret('a secret of thirty-two characters');
                return key.extractable || await crypto.subtle.exportKey('raw', key).then(() => true, () => false);
            })"""), False)
            canonical = [v for v in vectors("c14n.json") if "canonical" in v and not re.search(r"\d[.eE]", v["json"])]
            self.assertGreater(len(canonical), 10)
            for v in canonical:
                self.assertEqual(page.run(f"import('./bsp.js').then((bsp) => bsp.canonicalize(JSON.parse({json.dumps(v['json'])})))"), v["canonical"], v["id"])
            macs = [v for v in vectors("sbt.json") if v.get("mac") and v.get("secret") and v.get("canonical")]
            self.assertGreater(len(macs), 3)
            for v in macs:
                script = f"""import('./bsp.js').then(async (bsp) => {{
                    const {{ signature, ...token }} = {json.dumps(v['token'])};
                    return (await bsp.sign_token(token, await bsp.import_secret({json.dumps(v['secret'])}))).signature;
                }})"""
                self.assertEqual(page.run(script), v["mac"], v["id"])

    def test_nothing_foreign_is_loaded_and_nobody_frames_it(self):
        with desk() as (local, _):
            with urllib.request.urlopen(local.url + "/ui/handshake.html", timeout=10) as answer:
                policy = answer.headers["Content-Security-Policy"]
            self.assertIn("default-src 'none'; script-src 'self'", policy)
            self.assertIn("frame-ancestors 'none'", policy)
            self.assertEqual(ask(local.url + "/ui/elsewhere")[0], 404)
            self.assertIn(ask(local.url + "/ui/handshake.html", "POST", {})[0], (404, 405))


def vectors(name):
    return json.loads((VECTORS / name).read_text(encoding="utf-8"))["vectors"]


if __name__ == "__main__":
    unittest.main()
