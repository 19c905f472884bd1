#!/usr/bin/env python3
"""The dashboard page with no peer, one and a hundred: what it says, on a phone, in light and dark, to everybody."""

import base64
import contextlib
import json
import os
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from support import browser  # noqa: E402
from support.canned_server import TOKEN, ago, canned_server, overview, peer  # noqa: E402
from support.person import eventually  # noqa: E402

# Of every text that is shown: colour against what is behind it (WCAG 2.1, 1.4.3).
POOR_CONTRAST = """(() => {
    const rgba = (text) => (text.match(/[\\d.]+/g) ?? []).map(Number);
    const channel = (v) => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
    const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
    const behind = (e) => { for (; e; e = e.parentElement) { const c = rgba(getComputedStyle(e).backgroundColor); if (c.length === 3 || c[3] === 1) return c; } return [255, 255, 255]; };
    return [...document.querySelectorAll('main *')].filter((e) => e.checkVisibility() && !e.classList.contains('unseen') && [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim())).map((e) => {
        const a = light(rgba(getComputedStyle(e).color)), b = light(behind(e));
        return [(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), e.textContent.slice(0, 60)];
    }).filter(([ratio]) => ratio < 4.5);
})()"""


def hundred():
    peers = [peer(n) for n in range(1, 101)]
    for n, seconds in ((17, 754), (42, 75_000)):
        peers[n] = peer(n + 1, contact={"obstacle": "the peer cannot be reached: connection refused", "since": ago(seconds)},
                        metrics={"sync_lag_seconds": seconds, "queue_depth": 3 * n, "last_sync": ago(seconds)})
    peers[63] = peer(64, metrics={"last_error": {"type": "https://bsp.dev/errors/invalid-signature", "at": ago(100)}, "last_sync": ago(400), "sync_success_rate": 0.62})
    peers[7] = peer(8, metrics={"queue_depth": 4})
    alerts = [{"type": "sync_lag", "peer_id": peers[n]["peer_id"], "value": s, "threshold": 300, "raised_at": ago(s - 300)} for n, s in ((17, 754), (42, 75_000))]
    alerts += [{"type": "success_rate", "peer_id": peers[63]["peer_id"], "value": 0.62, "threshold": 0.9, "raised_at": ago(90)},
               {"type": "disk_space", "peer_id": None, "value": 80_000_000, "threshold": 104_857_600, "raised_at": ago(4000)}]
    return overview(peers, alerts)


def unreachable(seconds):
    return peer(1, contact={"obstacle": "the peer cannot be reached: connection refused", "since": ago(seconds)}, metrics={"queue_depth": 2, "sync_lag_seconds": seconds + 1})


class Dashboard(unittest.TestCase):
    @contextlib.contextmanager
    def open(self, canned, token=TOKEN):
        with browser.page(canned.url) as page:
            self.wide(page, 1280)
            self.assertTrue(eventually(lambda: page.run("document.readyState === 'complete' && document.getElementById('enter')?.hidden === false")))
            page.run(f"document.getElementById('token').value = {json.dumps(token)}; document.querySelector('#enter button').click()")
            yield page

    def wide(self, page, width):
        page.send("Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=width < 500)

    def shown(self, page, what="main"):
        return page.run(f"document.querySelector({json.dumps(what)}).innerText")

    def assert_says(self, page, text, where="main", patience=30.0):
        self.assertTrue(eventually(lambda: text in self.shown(page, where), patience), f"no {text!r} in:\n{self.shown(page, where)}")

    def keep_picture(self, page, name):
        """For people who want to see it: BSP_PICTURES names a folder."""
        if os.environ.get("BSP_PICTURES"):
            shot = page.send("Page.captureScreenshot", captureBeyondViewport=True, format="png")
            (Path(os.environ["BSP_PICTURES"]) / f"{name}.png").write_bytes(base64.b64decode(shot["data"]))

    def test_with_no_peer_it_says_how_to_get_one(self):
        with canned_server(lambda: overview([])) as canned, self.open(canned) as page:
            self.assert_says(page, "Nobody is paired with this server yet")
            self.assert_says(page, "✓ This server is well", "#banner")
            self.assertFalse(page.run("document.getElementById('alerts').checkVisibility()"))

    def test_with_one_peer_it_tells_the_trouble_and_its_end(self):
        said = [overview([peer(1)])]
        with canned_server(lambda: said[0]) as canned, self.open(canned) as page:
            self.assert_says(page, "✓ The one peer is well.", "#banner")
            self.assert_says(page, "Well", "#cards")
            said[0] = overview([unreachable(42)])
            self.assert_says(page, "the peer cannot be reached: connection refused, since", "#banner")
            self.assert_says(page, "for 42 s", "#banner")
            self.assert_says(page, "Trouble since", "#cards")
            self.assertIn("curl -i", page.run("document.querySelector('#cards details').textContent"), "what to do, from the runbook")
            said[0] = overview([peer(1)])
            self.assert_says(page, "✓ The one peer is well.", "#banner")
            self.assert_says(page, "works again, after 4", "#story")  # 42 s, and the time until it asked
            self.assertEqual(page.run("document.querySelectorAll('#cards details').length"), 0)

    def test_with_a_hundred_peers_the_sick_come_first_and_the_others_are_folded(self):
        with canned_server(hundred) as canned, self.open(canned) as page:
            self.assert_says(page, "✕ 3 of 100 peers are in trouble", "#banner")
            self.assert_says(page, "97 others are not in trouble", "#fold-title")
            self.assertEqual(page.run("document.querySelectorAll('#cards > li').length"), 3)
            self.assertIn("20 h", page.run("document.querySelector('#cards > li .state').innerText"), "the longest trouble first")
            self.assert_says(page, "Behind. hosted_", "#alerts")
            self.assert_says(page, "80 MB are free", "#alerts")
            self.assertLess(page.run("document.querySelector('main').offsetHeight"), 2200, "no wall")
            page.run("document.querySelector('#fold').open = true")
            self.assertEqual(page.run("document.querySelectorAll('#rows > tr').length"), 97)
            self.assertIn("Sending", page.run("document.querySelector('#rows > tr').innerText"), "who waits comes before who is well")

    def test_when_all_are_sick_it_is_no_wall_either(self):
        sick = [peer(n, contact={"obstacle": "the peer cannot be reached: timed out", "since": ago(60 + n)}) for n in range(1, 101)]
        with canned_server(lambda: overview(sick)) as canned, self.open(canned) as page:
            self.assert_says(page, "✕ 100 of 100 peers are in trouble", "#banner")
            self.assert_says(page, "91 more in trouble", "#fold-title")
            self.assertLess(page.run("document.querySelector('main').offsetHeight"), 2600)

    def test_it_fits_a_phone_in_light_and_dark(self):
        for name, answers in (("hundred", hundred), ("one", lambda: overview([unreachable(42)])), ("none", lambda: overview([]))):
            with canned_server(answers) as canned, self.open(canned) as page:
                self.assertTrue(eventually(lambda: canned.asked > 3 and self.shown(page, "#banner")))
                page.run("document.querySelectorAll('#cards details')[0]?.setAttribute('open', '')")
                for width in (360, 1280):
                    self.wide(page, width)
                    for scheme in ("light", "dark"):
                        with self.subTest(peers=name, width=width, scheme=scheme):
                            page.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
                            self.assertLessEqual(page.run("document.documentElement.scrollWidth"), width)
                            self.assertEqual(page.run(POOR_CONTRAST), [])
                            self.keep_picture(page, f"{name}-{width}-{scheme}")

    def test_whoever_does_not_see_it_hears_it(self):
        said = hundred()
        later = lambda: {**said, "server": {**said["server"], "now": ago(0)}}  # noqa: E731
        with canned_server(later) as canned, self.open(canned) as page:
            self.assert_says(page, "✕ 3 of 100", "#banner")
            page.send("Accessibility.enable")
            tree = page.send("Accessibility.getFullAXTree")["nodes"]
            told = [(n.get("role", {}).get("value"), n.get("name", {}).get("value", "")) for n in tree if not n.get("ignored")]
            self.assertEqual([role for role, name in told if role in ("image", "img", "button", "link", "textbox") and not name], [])
            self.assertTrue(any(role in ("image", "img") and "Lag over the last" in name for role, name in told))
            spoken = page.run("document.querySelector('[role=status]').textContent")
            self.assertIn("✕ 3 of 100 peers are in trouble", spoken)
            asked = canned.asked
            self.assertTrue(eventually(lambda: canned.asked > asked + 2))
            self.assertEqual(page.run("document.querySelector('[role=status]').textContent"), spoken, "the time that goes on is not read out")
            headings = [name for role, name in told if role == "heading"]
            self.assertIn("Alerts", headings)
            self.assertIn("Peers", headings)

    def test_a_rate_that_only_looks_back_is_no_trouble_of_now(self):
        shaky = peer(1, metrics={"sync_success_rate": 0.2})
        alert = {"type": "success_rate", "peer_id": shaky["peer_id"], "value": 0.2, "threshold": 0.9, "raised_at": ago(30)}
        said = [overview([shaky], [alert])]
        with canned_server(lambda: said[0]) as canned, self.open(canned) as page:
            self.assert_says(page, "◔ The one peer works after failures.", "#banner")
            self.assert_says(page, "Failing. hosted_", "#alerts")
            shaky["metrics"]["last_error"] = {"type": "https://bsp.dev/errors/invalid-body", "at": ago(1)}
            shaky["metrics"]["last_sync"] = ago(60)
            self.assert_says(page, "✕ The one peer is in trouble", "#banner")

    def test_a_store_that_is_gone_is_told_with_its_time(self):
        alert = {"type": "store_down", "peer_id": None, "value": 1, "threshold": 0, "raised_at": ago(61)}
        with canned_server(lambda: overview(None, [alert], health="unavailable", telemetry=None)) as canned, self.open(canned) as page:
            self.assert_says(page, "✕ The store of this server does not answer, since", "#banner")
            self.assert_says(page, "Store down.", "#alerts")
            self.assertFalse(page.run("document.getElementById('no-peers').checkVisibility()"), "nobody knows")

    def test_a_pause_is_a_wish_and_no_trouble(self):
        paused = peer(1, contact={"obstacle": "the user has paused sync", "since": ago(4000)})
        alert = {"type": "sync_lag", "peer_id": paused["peer_id"], "value": 4000, "threshold": 300, "raised_at": ago(3700)}
        with canned_server(lambda: overview([paused, peer(2)], [alert])) as canned, self.open(canned) as page:
            self.assert_says(page, "✓ No peer is in trouble; one is paused by the user.", "#banner")
            self.assert_says(page, "‖ Paused by the user", "#cards")

    def test_another_token_is_asked_for_again(self):
        with canned_server(lambda: overview([])) as canned, self.open(canned, token="another") as page:
            self.assert_says(page, "This is not the admin token of this server.")
            self.assertIsNone(page.run("sessionStorage.getItem('bsp-admin-token')"))
            page.run(f"document.getElementById('token').value = {json.dumps(TOKEN)}; document.querySelector('#enter button').click()")
            self.assert_says(page, "This server is well")
            self.assertEqual(page.run("localStorage.length"), 0)
            self.assertEqual(page.run("document.getElementById('token').value"), "")

    def test_a_silent_server_is_told_with_its_time_and_its_return(self):
        said = [overview([peer(1)])]
        with canned_server(lambda: said[0]) as canned, self.open(canned) as page:
            self.assert_says(page, "The one peer is well", "#banner")
            said[0] = None
            self.assert_says(page, "✕ This server does not answer since", "#banner")
            self.assert_says(page, "Below is what it said at", "#banner")
            said[0] = overview([peer(1)])
            self.assert_says(page, "The one peer is well", "#banner")
            self.assert_says(page, "This server answers again, after", "#story")

    def test_nobody_is_asked_while_nobody_looks(self):
        with canned_server(lambda: overview([peer(1)])) as canned, self.open(canned) as page:
            self.assert_says(page, "The one peer is well", "#banner")
            page.run("Object.defineProperty(document, 'hidden', {configurable: true, get: () => true}); document.dispatchEvent(new Event('visibilitychange'))")
            page.run("new Promise((done) => setTimeout(done, 500))")  # one may be under way
            before = canned.asked
            self.assertFalse(eventually(lambda: canned.asked > before, patience=5))
            page.run("delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))")
            self.assertTrue(eventually(lambda: canned.asked > before))

    def test_what_others_wrote_stays_text(self):
        bad = peer(1, contact={"obstacle": "<img src=x onerror=document.title='hit'>", "since": ago(5)})
        with canned_server(lambda: overview([bad])) as canned, self.open(canned) as page:
            canned.lines = [{"time": ago(1), "level": "warning", "event": "message", "message": "<b>bold</b>"}]
            self.assert_says(page, "<b>bold</b>", "#errors")
            self.assertEqual(page.run("document.title"), "Backend sync")
            self.assertEqual(page.run("document.querySelectorAll('main img, main b').length"), 0)

    def test_the_runbook_is_a_page(self):
        with canned_server(lambda: overview([])) as canned, browser.page(canned.url + "/ui/runbook.html#stale-request") as page:
            self.assertTrue(eventually(lambda: page.run("document.getElementById('stale-request')?.innerText?.includes('clocks of both machines')")))
            self.assertGreater(page.run("document.querySelectorAll('section').length"), 40)


if __name__ == "__main__":
    unittest.main()
