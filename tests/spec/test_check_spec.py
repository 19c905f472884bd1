"""Each rule of tools/check_spec.py, broken once."""

import contextlib
import importlib.util
import io
import json
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_spec = importlib.util.spec_from_file_location("check_spec", ROOT / "tools" / "check_spec.py")
check_spec = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(check_spec)

B = "BSP"  # keeps the ids of these fake clauses out of the reach of the real check


def clause(number=1, sentence="A server MUST answer.", area="GEN", role="server", sources="A-001", tail=""):
    clause_id = f"{B}-{area}-{number:03d}"
    return f'<a id="{clause_id.lower()}"></a>**{clause_id}** *({role}; {sources})* {sentence}{tail}\n'


BOILERPLATE = 'The key words "MUST", "MAY" in this document are to be interpreted as described in BCP 14.\n'


class CheckSpec(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        (self.root / "spec").mkdir()

    def run_tool(self, *arguments):
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = check_spec.main(["--root", str(self.root), *arguments])
        return status, out.getvalue() + err.getvalue()

    def put(self, text, name="spec/01-conventions.md"):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def accepts(self, text):
        self.put(text)
        status, output = self.run_tool("--write")
        self.assertEqual(status, 0, output)
        status, output = self.run_tool()
        self.assertEqual(status, 0, output)

    def refuses(self, text, reason):
        self.put(text)
        status, output = self.run_tool("--write")
        self.assertEqual(status, 1, output)
        self.assertIn(reason, output)

    def register(self):
        return json.loads((self.root / "spec/clauses.json").read_text(encoding="utf-8"))

    def test_good_text(self):
        self.accepts(BOILERPLATE + "\n" + clause() + "\nProse with `MUST` in code.\n\n```\nA server MUST not.\n```\n\n"
                     + clause(2, "A client MAY wait.", role="client", tail=" *(untested: client role)*"))

    def test_register_row(self):
        self.accepts(clause(7, "A client SHOULD wait.", "SBT", "client", "A-001, T-09", " *(untested: client role)*"))
        self.assertEqual(self.register()["clauses"], [{
            "id": f"{B}-SBT-007", "profile": "REG", "area": "SBT", "level": "SHOULD", "role": "client",
            "sources": ["A-001", "T-09"], "sentence": "A client SHOULD wait.", "file": "spec/01-conventions.md",
            "anchor": f"{B}-SBT-007".lower(), "untested": "client role"}])

    def test_strongest_word_gives_the_level(self):
        self.accepts(clause(1, "A server MAY wait but MUST NOT lie."))
        self.assertEqual(self.register()["clauses"][0]["level"], "MUST")

    def test_hash_follows_the_sentences(self):
        self.accepts(clause())
        before = self.register()["clause_set_hash"]
        self.accepts(clause(sentence="A server MUST answer at once."))
        self.assertNotEqual(self.register()["clause_set_hash"], before)

    def test_write_adds_and_mends_anchors(self):
        self.put(clause().split("</a>")[1] + "\n" + clause(2).replace("gen-002\"", "gen-200\""))
        status, output = self.run_tool()
        self.assertEqual(status, 1)
        self.assertEqual(output.count("anchor missing or wrong"), 2)
        self.assertEqual(self.run_tool("--write")[0], 0)
        self.assertEqual(self.run_tool()[0], 0)

    def test_key_word_outside_a_clause(self):
        for word in ("MUST", "MUST NOT", "SHALL", "SHOULD", "RECOMMENDED", "MAY", "OPTIONAL", "REQUIRED"):
            for line in (f"A server {word} answer.", f"| a | {word} |", f"> {word}", f"# {word}"):
                with self.subTest(line):
                    self.refuses(clause() + f"\n{line}\n", "outside a clause")

    def test_key_words_in_the_middle_of_words_are_free(self):
        self.accepts(clause() + "\nMUSTARD, MAYBE, must, may.\n")

    def test_boilerplate_covers_its_own_line_only(self):
        self.refuses(BOILERPLATE + "A server MUST answer.\n\n" + clause(), "spec/01-conventions.md:2: MUST outside")

    def test_malformed_ids(self):
        good = f"{B}-GEN-001"
        for bad in (f"{B}-GEN-01", f"{B}-GEN-0001", f"{B}-gen-001", f"{B}-GEN001"):
            with self.subTest(bad):
                self.refuses(clause().replace(good, bad), "malformed clause")

    def test_malformed_clauses(self):
        for text, reason in (
                (clause(area="XYZ"), "unknown area"),
                (clause(role="robot"), "unknown role"),
                (clause(sources="rumour"), "malformed source"),
                (clause().replace("; A-001", ""), "malformed clause"),
                (clause(sentence="A server MUST answer"), "full stop"),
                (clause(tail=" *(untested:)*"), "malformed *(untested")):
            with self.subTest(reason):
                self.refuses(text, reason)

    def test_id_used_twice(self):
        self.put(clause(), "spec/02-identity.md")
        self.refuses(clause(), "used twice")

    def test_unknown_id_in_any_folder(self):
        for name in ("spec/notes.md", "include/bsp/a.hpp", "conformance/checks/a.cpp", "tests/a.cpp", "docs/a.md"):
            with self.subTest(name):
                self.put(f"see {B}-GEN-999\n", name)
                self.refuses(clause(), f"{name}:1: unknown clause {B}-GEN-999")
                (self.root / name).unlink()

    def test_known_id_in_any_folder(self):
        self.put(f"see {B}-GEN-001\n", "include/bsp/a.hpp")
        self.accepts(clause())

    def test_number_of_normative_sentences(self):
        self.refuses(clause(sentence="A server MUST answer. It MUST be quick."), "2 sentences")
        self.refuses(clause(sentence="A server MUST answer. `X` MUST be quick."), "2 sentences")
        self.refuses(clause(sentence="A server answers."), "0 sentences")
        self.accepts(clause(sentence="A server MUST answer with 1.5 or `a. B MUST c`."))

    def test_stale_register(self):
        self.accepts(clause())
        self.put(clause(sentence="A server MUST reply."))
        status, output = self.run_tool()
        self.assertEqual(status, 1)
        self.assertIn("stale", output)

    def test_missing_register(self):
        self.put(clause())
        self.assertIn("stale", self.run_tool()[1])

    def test_no_clauses_is_not_a_pass(self):
        self.refuses("Nothing here.\n", "no clauses")

    def test_generated_files_are_not_normative(self):
        self.put("<!-- generated by a tool -->\n| MUST |\n", "spec/kill-matrix.md")
        self.accepts(clause())

    def test_checks(self):
        self.accepts(clause(1) + "\n" + clause(2) + "\n" + clause(3, tail=" *(untested: why)*"))
        checks = self.root / "checks.json"
        checks.write_text(json.dumps([{"id": "a", "clauses": [f"{B}-GEN-001"], "needs": []}]))
        status, output = self.run_tool("--checks", str(checks))
        self.assertEqual(status, 0)
        self.assertIn(f"no check: {B}-GEN-002", output)
        self.assertNotIn("GEN-001", output)
        self.assertNotIn("GEN-003", output)
        checks.write_text(json.dumps([{"id": "a", "clauses": [f"{B}-GEN-404"], "needs": []}]))
        status, output = self.run_tool("--checks", str(checks))
        self.assertEqual(status, 1)
        self.assertIn(f"check a: unknown clause {B}-GEN-404", output)

    def test_a_check_contradicts_untested(self):
        self.accepts(clause(tail=" *(untested: why)*"))
        checks = self.root / "checks.json"
        checks.write_text(json.dumps([{"id": "a", "clauses": [f"{B}-GEN-001"], "needs": []}]))
        status, output = self.run_tool("--checks", str(checks))
        self.assertEqual(status, 1)
        self.assertIn("untested, it says, but a check judges it", output)

    def test_hooks(self):
        either = " *(needs --restart-cmd or --kill-cmd)*"
        self.accepts(clause(tail=either))
        self.assertEqual(self.register()["clauses"][0]["hooks"], ["--restart-cmd", "--kill-cmd"])
        self.refuses(clause(tail=" *(needs --reboot-cmd)*"), "unknown hook --reboot-cmd")
        checks = self.root / "checks.json"
        for tail, needs, agrees in ((either, (["--kill-cmd", "a second user"], ["--restart-cmd"]), True),
                                    (either, (["--kill-cmd"],), False),
                                    (either, (["--kill-cmd"], ["--restart-cmd"], []), False),
                                    ("", (["--kill-cmd"],), False),
                                    ("", (["--kill-cmd"], ["a second user"]), True)):
            with self.subTest(tail=tail, needs=needs):
                self.accepts(clause(tail=tail))
                checks.write_text(json.dumps([{"id": "a", "clauses": [f"{B}-GEN-001"], "needs": n} for n in needs]))
                status, output = self.run_tool("--checks", str(checks))
                self.assertEqual(status, 0 if agrees else 1, output)

    def test_this_repository(self):
        self.assertEqual(check_spec.main([]), 0)

    def list_of(self, change=lambda row: row):
        """An attackers' list of which every row was changed."""
        self.put(clause())
        self.put('    {.id = "gen/a", .title = ""},', "conformance/checks/gen.cpp")
        self.put('{"F-GEN-01", "a fault", {"gen/a"}, make<x>},\nrow<y>("F-GEN-02", "another", "gen/b"),', "conformance/faulty/mutants/gen.cpp")
        rows = [change(f"| T-{n:02d} | an attack | {B}-GEN-001 | gen/a | F-GEN-01 |") for n in range(1, 52)]
        self.put("\n".join(["| Threat | Attack | Answered by | Checks | Wrong backends |", "|---|---|---|---|---|", *rows]) + "\n", "spec/09-security.md")
        return self.run_tool("--write")

    def test_a_list_of_what_exists_is_good(self):
        status, output = self.list_of()
        self.assertEqual(status, 0, output)

    def test_names_of_nothing_fail(self):
        for old, new, reason in (("gen/a", "gen/gone", "no check is called gen/gone"), ("F-GEN-01", "F-GEN-09", "there is no wrong backend F-GEN-09"),
                                 ("F-GEN-01", "F-GEN-02", "F-GEN-02 is caught by gen/b"), ("T-50", "T-49", "expected T-50"),
                                 (f"{B}-GEN-001", "nothing", "no clause answers it"), (" | F-GEN-01", "", "expected threat")):
            with self.subTest(new):
                status, output = self.list_of(lambda row, old=old, new=new: row.replace(old, new))
                self.assertEqual(status, 1, output)
                self.assertIn(reason, output)

    def test_a_threat_that_is_left_out_fails(self):
        status, output = self.list_of(lambda row: "" if row.startswith("| T-51") else row)
        self.assertEqual(status, 1, output)
        self.assertIn("50 threats, expected 51", output)


if __name__ == "__main__":
    unittest.main()
