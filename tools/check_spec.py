#!/usr/bin/env python3
"""Checks the clauses of spec/*.md and keeps their register, spec/clauses.json.

    check_spec.py                 fail if the text breaks a rule or the register is stale
    check_spec.py --write         give every clause its anchor and rewrite the register
    check_spec.py --checks FILE   also compare with `bsp-conformance list --format json`

A clause is one line, its sentence the only one in it with a BCP 14 key word:

    <a id="bsp-gen-014"></a>**BSP-GEN-014** *(server; A-008)* A server must … . *(untested: why)*

In place of the last remark stands `*(needs --restart-cmd)*` where every check of the clause needs a hook.

Exit status: 0 all rules kept, 1 a rule broken, 2 wrong usage.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
from collections import defaultdict
from pathlib import Path

PROFILES = {"GEN": "GEN", "ID": "ID", "SBT": "REG", "REG": "REG", "AUT": "REG", "SYN": "SYN",
            "MRG": "SYN", "CNV": "SYN", "OFF": "OFF", "TEL": "TEL", "MPP": "MPP", "TRN": "GEN", "ROT": "SEC", "LIM": "SEC", "AUD": "SEC", "PRV": "PRV", "RED": "PRV", "OBS": "OBS",
            "SEC": "SEC-considerations"}
ROLES = ("server", "client", "ui", "both", "operator")
SCANNED = ("README.md", "CONTRIBUTING.md", "spec", "include", "conformance", "reference_server",
           "tests", "docs", "fuzz", "examples", "tools")

THREATS = "spec/09-security.md"  # whose table of threats names checks and wrong backends
THREAT_COUNT = 51

BOILERPLATE = 'The key words "MUST"'
KEYWORD = re.compile(r"\b(MUST|SHALL|REQUIRED|SHOULD|RECOMMENDED|MAY|OPTIONAL)\b")
LEVEL = {"MUST": "MUST", "SHALL": "MUST", "REQUIRED": "MUST",
         "SHOULD": "SHOULD", "RECOMMENDED": "SHOULD", "MAY": "MAY", "OPTIONAL": "MAY"}
STRENGTH = ("MAY", "SHOULD", "MUST")
CLAUSE_START = re.compile(r'(?:<a id="[^"]*"></a>)?\*\*BSP-')
CLAUSE = re.compile(r'(?:<a id="(?P<anchor>[^"]*)"></a>)?\*\*(?P<id>BSP-(?P<area>[A-Z]+)-\d{3})\*\* '
                    r"\*\((?P<role>[a-z]+); (?P<sources>[^)]+)\)\* (?P<sentence>.+?)"
                    r"(?: \*\((?:untested: (?P<untested>.+)|needs (?P<hooks>--[a-z-]+(?: or --[a-z-]+)*))\)\*)?")
HOOKS = ("--restart-cmd", "--kill-cmd", "--clock-url")
SOURCE = re.compile(r"[ADT]-\d{2,3}|E\d+|F-[A-Z]+-\d{2}|S\d-\d+|[PC]-\d+|S\d:L\d+(?:[–-]\d+)?")
ID_LIKE = re.compile(r"\bBSP-[A-Z]+-\d+\b")
SENTENCE_END = re.compile(r"(?<=[.;!?])\s+(?=[A-Z`\"(*])")


def anchor_of(clause_id: str) -> str:
    return clause_id.lower()


def prose_lines(text: str):
    """Yields (line number, line) of everything outside fenced code blocks."""
    fence = None
    for number, line in enumerate(text.splitlines(), 1):
        mark = line.lstrip()[:3]
        if mark in ("```", "~~~") and fence in (None, mark):
            fence = mark if fence is None else None
        elif fence is None:
            yield number, line


def without_code(line: str) -> str:
    return re.sub(r"`[^`]*`", "`", line)


def parse_clause(line: str, file: str, problem) -> dict | None:
    """One clause line as a register row; rule breaks go to `problem`."""
    match = CLAUSE.fullmatch(line.strip())
    if not match:
        problem("malformed clause; expected **BSP-AREA-nnn** *(role; sources)* sentence")
        return None
    clause_id, area, sentence = match["id"], match["area"], match["sentence"]
    sources = [source.strip() for source in match["sources"].split(",")]
    if area not in PROFILES:
        problem(f"{clause_id}: unknown area {area}")
        return None
    if match["role"] not in ROLES:
        problem(f"{clause_id}: unknown role {match['role']}")
    for source in sources:
        if not SOURCE.fullmatch(source):
            problem(f"{clause_id}: malformed source {source!r}")
    if match["anchor"] != anchor_of(clause_id):
        problem(f"{clause_id}: anchor missing or wrong; run tools/check_spec.py --write")
    if "untested:" in sentence:
        problem(f"{clause_id}: malformed *(untested: reason)*")
    if not sentence.endswith((".", ".)")):
        problem(f"{clause_id}: the sentence does not end with a full stop")
    plain = without_code(sentence)
    normative = [part for part in SENTENCE_END.split(plain) if KEYWORD.search(part)]
    if len(normative) != 1:
        problem(f"{clause_id}: {len(normative)} sentences with a key word, expected 1")
    levels = [LEVEL[word] for word in KEYWORD.findall(plain)]
    row = {"id": clause_id, "profile": PROFILES[area], "area": area,
           "level": max(levels, key=STRENGTH.index, default="MUST"), "role": match["role"],
           "sources": sources, "sentence": sentence, "file": file,
           "anchor": anchor_of(clause_id), "untested": match["untested"]}
    if match["hooks"]:
        row["hooks"] = match["hooks"].split(" or ")
        for hook in row["hooks"]:
            if hook not in HOOKS:
                problem(f"{clause_id}: unknown hook {hook}")
    return row


def read_clauses(root: Path, problems: list[str]) -> list[dict]:
    clauses: list[dict] = []
    seen: dict[str, str] = {}
    for path in sorted((root / "spec").glob("*.md")):
        text = path.read_text(encoding="utf-8")
        if text.startswith("<!-- generated"):
            continue
        file = path.relative_to(root).as_posix()
        for number, line in prose_lines(text):
            where = f"{file}:{number}"
            if not CLAUSE_START.match(line.strip()):
                word = KEYWORD.search(without_code(line))
                if word and not line.startswith(BOILERPLATE):
                    problems.append(f"{where}: {word[0]} outside a clause")
                continue
            clause = parse_clause(line, file, lambda what, at=where: problems.append(f"{at}: {what}"))
            if clause is None:
                continue
            if clause["id"] in seen:
                problems.append(f"{where}: {clause['id']} is used twice, first at {seen[clause['id']]}")
            seen.setdefault(clause["id"], where)
            clauses.append(clause)
    return clauses


def check_references(root: Path, known: set[str], problems: list[str]) -> None:
    """Every clause id named anywhere in the repository exists."""
    for top in (root / name for name in SCANNED):
        files = sorted(top.rglob("*")) if top.is_dir() else [top]
        for path in files:
            if not path.is_file() or path.suffix == ".pyc" or path.name == "clauses.json":
                continue
            text = path.read_text(encoding="utf-8", errors="replace")
            for number, line in enumerate(text.splitlines(), 1):
                for found in ID_LIKE.findall(line):
                    if found not in known:
                        problems.append(f"{path.relative_to(root).as_posix()}:{number}: unknown clause {found}")


def fault_killers(root: Path) -> dict[str, set[str]]:
    """The wrong backends, and the checks that each of them names, as conformance/faulty has them."""
    row = re.compile(r'"(F-[A-Z]+-\d+)",\s*"(?:[^"\\]|\\.)*",\s*(?:\{([^}]*)\}|("[^"]+"))')
    killers: dict[str, set[str]] = {}
    for path in sorted((root / "conformance" / "faulty").rglob("*.cpp")):
        for fault, several, one in row.findall(path.read_text(encoding="utf-8")):
            killers[fault] = set(re.findall(r'"([^"]+)"', several or one))
    return killers


def check_threats(root: Path, problems: list[str]) -> None:
    """The attackers' list: every threat in its place, and each check and wrong backend it names exists and fits."""
    page = root / THREATS
    if not page.is_file():
        return
    checks = {check for path in (root / "conformance" / "checks").glob("*.cpp")
              for check in re.findall(r'\.id = "([^"]+)"', path.read_text(encoding="utf-8"))}
    killers = fault_killers(root)
    rows = 0
    for number, line in prose_lines(page.read_text(encoding="utf-8")):
        row = [cell.strip() for cell in line.split("|")[1:-1]]
        if not row or not re.fullmatch(r"T-\d\d", row[0]):
            continue
        rows += 1
        where = f"{THREATS}:{number}: {row[0]}"
        if row[0] != f"T-{rows:02d}":
            problems.append(f"{where}: expected T-{rows:02d}")
        if len(row) != 5:
            problems.append(f"{where}: expected threat, attack, answers, checks and wrong backends")
            continue
        named = re.split(r",\s*", row[3])
        problems.extend(f"{where}: no check is called {check}" for check in named if check not in checks)
        if not ID_LIKE.search(row[2]):
            problems.append(f"{where}: no clause answers it")
        for fault in re.split(r",\s*", row[4]):
            if fault.endswith(".py") and (root / fault).is_file():
                continue
            if fault not in killers:
                problems.append(f"{where}: there is no wrong backend {fault}")
            elif not killers[fault] & set(named):
                problems.append(f"{where}: {fault} is caught by {', '.join(sorted(killers[fault]))}")
    if rows < THREAT_COUNT:
        problems.append(f"{THREATS}: {rows} threats, expected {THREAT_COUNT}")


def register_text(clauses: list[dict]) -> str:
    digest = hashlib.sha256()
    for clause in clauses:
        digest.update(f"{clause['id']}\n{clause['sentence']}\n".encode())
    register = {"spec": "1.0", "clause_set_hash": digest.hexdigest(), "clauses": clauses}
    return json.dumps(register, indent=1, ensure_ascii=False) + "\n"


def write_anchors(root: Path) -> None:
    start = re.compile(r'^(?:<a id="[^"]*"></a>)?\*\*(BSP-[A-Z]+-\d{3})\*\* ')
    for path in sorted((root / "spec").glob("*.md")):
        text = path.read_text(encoding="utf-8")
        lines = text.split("\n")
        for number, line in prose_lines(text):
            lines[number - 1] = start.sub(
                lambda m: f'<a id="{anchor_of(m[1])}"></a>**{m[1]}** ', line)
        if "\n".join(lines) != text:
            path.write_text("\n".join(lines), encoding="utf-8")


def compare_checks(file: Path, clauses: list[dict], problems: list[str]) -> list[str]:
    """Names what clauses and checks say differently as problems; returns the testable clauses without a check."""
    hooks_of_checks: dict[str, list[set[str]]] = defaultdict(list)
    known = {clause["id"] for clause in clauses}
    for check in json.loads(file.read_text(encoding="utf-8")):
        for clause in check["clauses"]:
            hooks_of_checks[clause].append(set(check["needs"]) & set(HOOKS))
        problems += [f"check {check['id']}: unknown clause {clause}"
                     for clause in check["clauses"] if clause not in known]
    for clause in clauses:
        needed = hooks_of_checks.get(clause["id"])
        if needed and clause["untested"] is not None:
            problems.append(f"{clause['id']}: untested, it says, but a check judges it")
        hooks = sorted(set().union(*needed)) if needed and all(needed) else []
        if hooks != sorted(clause.get("hooks", [])):
            problems.append(f"{clause['id']}: its checks need {' or '.join(hooks) or 'no hook'}")
    return [clause["id"] for clause in clauses
            if clause["untested"] is None and clause["id"] not in hooks_of_checks]


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parent.parent)
    parser.add_argument("--write", action="store_true", help="write anchors and spec/clauses.json")
    parser.add_argument("--checks", type=Path, help="JSON: array of {id, clauses, needs}")
    options = parser.parse_args(arguments)

    problems: list[str] = []
    if options.write:
        write_anchors(options.root)
    clauses = read_clauses(options.root, problems)
    if not clauses:
        problems.append("spec/: no clauses found")
    check_references(options.root, {clause["id"] for clause in clauses}, problems)
    check_threats(options.root, problems)

    register = options.root / "spec" / "clauses.json"
    if options.write:
        register.write_text(register_text(clauses), encoding="utf-8")
    elif not register.is_file() or register.read_text(encoding="utf-8") != register_text(clauses):
        problems.append("spec/clauses.json is stale; run tools/check_spec.py --write")

    if options.checks:
        for missing in compare_checks(options.checks, clauses, problems):
            print(f"no check: {missing}")
    for problem in problems:
        print(problem, file=sys.stderr)
    testable = sum(clause["untested"] is None for clause in clauses)
    print(f"{len(clauses)} clauses, {testable} testable, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
