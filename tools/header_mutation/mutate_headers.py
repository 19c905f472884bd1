#!/usr/bin/env python3
"""Mutates the headers, one small change at a time, and asks the suite whether it notices.

    cmake --build build/test --target bsp-mutation-host
    tools/header_mutation/mutate_headers.py build/test --sample 40 [--seed 1] [--under merge] [--jobs 2] [--write FILE]

Each mutant is one operator of one line of include/bsp/{merge,sbt,auth,endpoint}. KILLED: a check failed, the
mutant crashed or it hung. SURVIVED: the suite was content; such a line wants a check, or a word on why no caller can
tell. VOID: it does not compile. Takes about a minute of one core for each mutant."""

import argparse
import concurrent.futures
import random
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HEADERS = ROOT / "include" / "bsp"
LAYERS = ("merge", "sbt", "auth", "endpoint")
TIME_LIMIT = 300  # seconds for one run of the suite; a mutant that takes longer hangs

# (name, pattern, replacement): spaces around < and > tell a comparison from a template's brackets.
OPERATORS = [(name, re.compile(pattern), replacement) for name, pattern, replacement in (
    ("< to <=", r" < ", " <= "), ("<= to <", r" <= ", " < "), ("> to >=", r" > ", " >= "), (">= to >", r" >= ", " > "),
    ("== to !=", r" == ", " != "), ("!= to ==", r" != ", " == "), ("&& to ||", r" && ", " || "), ("|| to &&", r" \|\| ", " && "),
    ("drop !", r"(?<=[( ,{])!(?=[a-z_(])", ""), ("true to false", r"\btrue\b", "false"), ("false to true", r"\bfalse\b", "true"),
    ("max to min", r"\bstd::max\b", "std::min"), ("min to max", r"\bstd::min\b", "std::max"),
    ("+ to -", r" \+ (?=\d)", " - "), ("- to +", r" - (?=\d)", " + "),
    ("number + 1", r"(?<=[ ({])(\d+)(?=[,;) }])", lambda m: str(int(m.group(1)) + 1)),
    ("drop the check", r"^\s*BSP_CHECK\(.*\);\s*$", ""),
    ("drop the refusal", r"^\s*if \(.*\) return fail\(.*\);\s*$", ""),
    ("drop the call", r"^\s*[a-z_.]+(?:->)?[a-z_.]*\([^=]*\);\s*$", ""),
)]


def mutants(under):
    """Every (file, line number, operator, mutated line)."""
    for layer in under:
        for file in sorted((HEADERS / layer).rglob("*.hpp")):
            for number, line in enumerate(file.read_text().splitlines(), 1):
                code = line.split("//")[0]
                if code.lstrip().startswith(("#", "static_assert", "template", "using", "namespace")):
                    continue
                outside_strings = re.sub(r'"(?:[^"\\]|\\.)*"', lambda m: '"' + "_" * (len(m.group()) - 2) + '"', code)
                for name, pattern, replacement in OPERATORS:
                    for match in pattern.finditer(outside_strings):
                        new = replacement(match) if callable(replacement) else replacement
                        yield file, number, name, code[:match.start()] + new + code[match.end():]


def host_commands(build):
    """The compiler's and the linker's command for the host, as lists."""
    text = subprocess.run(["ninja", "-C", build, "-t", "commands", "bsp-mutation-host"], capture_output=True, text=True, check=True).stdout
    lines = [line for line in text.splitlines() if "bsp-mutation-host" in line]
    compiling = next(line for line in lines if " -c " in line)
    linking = next(line for line in lines if " -c " not in line).removeprefix(": && ").removesuffix(" && :")
    words = shlex.split(compiling)
    while not Path(words[0]).name.startswith(("g++", "clang++", "c++")):
        words.pop(0)  # a launcher: its cache would only grow
    return words, shlex.split(linking)


def examine(mutant, build, compiling, linking):
    file, number, name, line = mutant
    with tempfile.TemporaryDirectory() as folder:
        changed = Path(folder) / "include" / file.relative_to(HEADERS.parent)
        changed.parent.mkdir(parents=True)
        lines = file.read_text().splitlines()
        lines[number - 1] = line
        changed.write_text("\n".join(lines) + "\n")
        host, object_file = Path(folder) / "host", Path(folder) / "host.o"
        command = list(compiling)
        command[command.index("-o") + 1] = str(object_file)
        command[1:1] = [f"-I{folder}/include", "-w"]
        if "-MF" in command:
            command[command.index("-MF") + 1] = str(Path(folder) / "host.d")
        built = subprocess.run(command, cwd=build, capture_output=True, text=True)
        if built.returncode:
            return "VOID", "does not compile"
        command = [str(object_file) if word.endswith("host.cpp.o") else word for word in linking]
        command[command.index("-o") + 1] = str(host)
        built = subprocess.run(command, cwd=build, capture_output=True, text=True)
        if built.returncode:
            return "VOID", "does not link"
        try:
            run = subprocess.run([str(host)], capture_output=True, text=True, timeout=TIME_LIMIT)
        except subprocess.TimeoutExpired:
            return "KILLED", "hangs"
        said = run.stdout.strip().splitlines()[-1:] or [f"status {run.returncode}"]
        return ("SURVIVED" if run.returncode == 0 else "KILLED"), said[0]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", type=Path, help="a build folder that holds bsp-mutation-host")
    parser.add_argument("--sample", type=int, help="only so many mutants, chosen by the seed")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--under", nargs="*", choices=LAYERS, default=LAYERS)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--write", type=Path, help="a Markdown table of the outcome")
    given = parser.parse_args()

    if not (given.build / "build.ninja").exists():
        parser.error(f"{given.build} is not a Ninja build folder; scripts/build test makes build/test")
    build = given.build.resolve()
    compiling, linking = host_commands(build)
    # The unmutated host must be content, or every mutant would look killed.
    if examine((HEADERS / "merge" / "order.hpp", 1, "none", "#pragma once"), build, compiling, linking)[0] != "SURVIVED":
        sys.exit("mutate_headers: the suite fails against the headers as they are; nothing can be learned")
    all_of_them = list(mutants(given.under))
    chosen = random.Random(given.seed).sample(all_of_them, min(given.sample or len(all_of_them), len(all_of_them)))
    count, rows = {"KILLED": 0, "SURVIVED": 0, "VOID": 0}, []
    with concurrent.futures.ThreadPoolExecutor(given.jobs) as pool:
        for mutant, (fate, why) in zip(chosen, pool.map(lambda m: examine(m, build, compiling, linking), chosen)):
            count[fate] += 1
            where = f"{mutant[0].relative_to(HEADERS)}:{mutant[1]}"
            print(f"{fate:8}  {where}  {mutant[2]}  [{mutant[3].strip()}]  {why}", flush=True)
            rows.append(f"| {where} | {mutant[2]} | {fate} | {why} |")
    total = f"{count['KILLED']} killed, {count['SURVIVED']} survived, {count['VOID']} void, of {len(all_of_them)} possible"
    print(total)
    if given.write:
        given.write.write_text("\n".join(["# Header mutation", "", f"Generated by `tools/header_mutation/mutate_headers.py --seed {given.seed}`. {total}.", "",
                                          "| Line | Change | Fate | By |", "|---|---|---|---|", *sorted(rows)]) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
