"""A headless Chromium, driven through its DevTools protocol over a pair of pipes."""

import contextlib
import json
import os
import shutil
import subprocess
import tempfile

CHROMIUM = shutil.which("chromium")
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--remote-debugging-pipe"]


class Page:
    def __init__(self, commands, answers, session):
        self.commands, self.answers, self.session = commands, answers, session
        self.last = 0

    def send(self, method, **parameters):
        self.last += 1
        message = {"id": self.last, "method": method, "params": parameters, **({"sessionId": self.session} if self.session else {})}
        self.commands.write(json.dumps(message).encode() + b"\0")
        self.commands.flush()
        while True:
            text = b"".join(iter(lambda: self.answers.read(1), b"\0"))
            answer = json.loads(text)
            if answer.get("id") == self.last:
                if "error" in answer:
                    raise RuntimeError(answer["error"]["message"])
                return answer["result"]

    def run(self, script):
        """The value of an expression; a promise is awaited."""
        done = self.send("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in done:
            raise RuntimeError(json.dumps(done["exceptionDetails"])[:2000])
        return done["result"].get("value")


@contextlib.contextmanager
def page(url):
    """The page at the URL, in a browser of its own."""
    to_browser, from_us = os.pipe()
    to_us, from_browser = os.pipe()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        # The browser reads descriptor 3 and writes to 4.
        command = f'exec 3<&{to_browser} 4>&{from_browser}; exec "$0" "$@"'
        browser = subprocess.Popen(["sh", "-c", command, CHROMIUM, *FLAGS, "--user-data-dir=" + profile, "about:blank"],
                                   pass_fds=(to_browser, from_browser), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_browser)
        os.close(from_browser)
        try:
            with os.fdopen(from_us, "wb") as commands, os.fdopen(to_us, "rb") as answers:
                control = Page(commands, answers, None)
                target = control.send("Target.createTarget", url=url)["targetId"]
                session = control.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
                shown = Page(commands, answers, session)
                shown.last = 1000
                yield shown
        finally:
            browser.kill()
            browser.wait()
