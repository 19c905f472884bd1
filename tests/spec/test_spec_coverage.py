"""tools/spec_coverage.py: what the page says of a clause, and that a stale page is told."""

import contextlib
import io
import json
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import spec_coverage  # noqa: E402

B = "BSP"  # keeps the ids of these fake clauses out of the reach of the real check


def clause(number, tail=""):
    clause_id = f"{B}-GEN-{number:03d}"
    return f'<a id="{clause_id.lower()}"></a>**{clause_id}** *(server; A-001)* A server MUST answer.{tail}\n\n'


MATRIX = """| Fault | What is wrong | Verdict | Killed by | Clauses | Beside it |
|---|---|---|---|---|---|
| F-GEN-01 | a | b | KILLED | gen/a, gen/b | – | – |
| F-GEN-02 | c | KILLED | gen/b | – | 3 |
| F-GEN-03 | d | SURVIVED | gen/a | – | – |
| F-GEN-04 | e | UNREACHABLE | – | – | – |
"""
CHECKS = [{"id": "gen/a", "clauses": [f"{B}-GEN-001", f"{B}-GEN-002"], "needs": []},
          {"id": "gen/b", "clauses": [f"{B}-GEN-001"], "needs": ["a second user"]},
          {"id": "gen/c", "clauses": [f"{B}-GEN-003"], "needs": ["--restart-cmd"]}]


class SpecCoverage(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        (self.root / "spec").mkdir()
        self.put("spec/01-conventions.md", "# 1. Conventions\n\n" + clause(1) + clause(2) + clause(3, " *(needs --restart-cmd)*")
                 + clause(4, " *(untested: client role)*") + clause(5))
        self.put("spec/kill-matrix.md", MATRIX)
        self.put("checks.json", json.dumps(CHECKS))

    def put(self, name, text):
        (self.root / name).write_text(text, encoding="utf-8")

    def run_tool(self, *arguments):
        err = io.StringIO()
        with contextlib.redirect_stderr(err):
            return spec_coverage.main(["--root", str(self.root), "--checks", str(self.root / "checks.json"), *arguments]), err.getvalue()

    def test_page(self):
        self.assertEqual(self.run_tool("--write"), (0, ""))
        page = (self.root / "spec/coverage.md").read_text(encoding="utf-8")
        link = f"[{B}-GEN-%03d](01-conventions.md#{B.lower()}-gen-%03d) | MUST |"
        for row in ("| 1. Conventions | 5 | 3 | 1 | 1 | 1 |",
                    "| all | 5 | 3 | 1 | 1 | 1 |",
                    f"| {link % (1, 1)} gen/a | F-GEN-01 |",
                    f"| {link % (1, 1)} gen/b | F-GEN-01, F-GEN-02 |",
                    f"| {link % (2, 2)} gen/a | F-GEN-01 |",
                    f"| {link % (3, 3)} gen/c (needs --restart-cmd) | – |",
                    f"| {link % (4, 4)} – | cannot be judged: client role |",
                    f"| {link % (5, 5)} – | *no check yet* |"):
            self.assertIn(row + "\n", page)

    def test_a_stale_page_is_told(self):
        self.assertEqual(self.run_tool()[0], 1)
        self.run_tool("--write")
        self.assertEqual(self.run_tool(), (0, ""))
        self.put("spec/kill-matrix.md", MATRIX.replace("F-GEN-02", "F-GEN-05"))
        status, err = self.run_tool()
        self.assertEqual(status, 1)
        self.assertIn("spec/coverage.md is stale", err)


if __name__ == "__main__":
    unittest.main()
