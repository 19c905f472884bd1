#!/usr/bin/env python3
"""With --restart-cmd and --kill-cmd the suite judges what HTTP alone cannot reach, and good backends pass."""

import os
import shlex
import signal
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from support.backends import REPOSITORY, SERVER, Backend, findings, judge  # noqa: E402

HOOK = """#!/usr/bin/env bash
# Ends the backend with the given signal and starts it again on the same port and data.
set -eu
kill -"$1" "$(cat pid)"
while kill -0 "$(cat pid)" 2>/dev/null; do sleep 0.01; done
rm -f url
setsid {command} --data-dir data --port {port} --ready-file url >>log 2>&1 &
echo $! >pid
for _ in $(seq 500); do [ -s url ] && exit 0; sleep 0.02; done
exit 1
"""


class Hooks(unittest.TestCase):
    def judge_with_hooks(self, command):
        with tempfile.TemporaryDirectory() as scratch:
            backend = Backend(command, Path(scratch) / "data").start()
            hook, pid = Path(scratch) / "hook", Path(scratch) / "pid"
            port = backend.url.rstrip("/").rsplit(":", 1)[1]
            hook.write_text(HOOK.format(command=shlex.join(backend.command), port=port), encoding="utf-8")
            hook.chmod(0o755)
            pid.write_text(str(backend.process.pid), encoding="utf-8")
            try:
                in_scratch = f"cd {shlex.quote(scratch)} && "
                # The first process is this one's child: it has to be waited for, or it stays a zombie that `kill -0` sees.
                signal.signal(signal.SIGCHLD, lambda *_: backend.process.poll())
                done = judge(backend, "--restart-cmd", in_scratch + "./hook TERM", "--kill-cmd", in_scratch + "./hook KILL",
                             "--only", "id/restart", "--only", "reg/restart", "--only", "syn/durable",
                             "--only", "syn/history-restarts", "--only", "syn/history-crashes",
                             "--only", "reg/removals-durable", "--only", "rot/restart", "--only", "aud/restart", "--only", "syn/cursor-after-restart", "--only", "peer/revocation-durable", "--only", "tel/restart", "--only", "cnv/losers-survive", "--only", "prv/erase-telemetry-survives", "--only", "mrg/decides-after-restart")
                self.assertEqual(done.returncode, 0, findings(done.stdout + done.stderr))
                self.assertNotIn("UNTESTED", done.stdout)
            finally:
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                try:
                    os.kill(int(pid.read_text(encoding="utf-8")), signal.SIGKILL)
                except ProcessLookupError:
                    pass

    def test_reference_server(self):
        self.judge_with_hooks([SERVER])

    def test_python_backend(self):
        self.judge_with_hooks([sys.executable, REPOSITORY / "examples" / "python_backend"])


if __name__ == "__main__":
    unittest.main()
