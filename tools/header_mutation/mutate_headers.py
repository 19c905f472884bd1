#!/usr/bin/env python3
"""Mutates the headers, one small change at a time, and asks the suite whether it notices.

    cmake --build build/test --target bsp-mutation-host
    tools/header_mutation/mutate_headers.py build/test --sample 300 [--seed 1] [--under merge] [--jobs 2] [--minutes 30]
        [--write FILE]

A mutant is one comparison, operand, condition, number, literal or statement of include/bsp/{merge,sbt,auth,endpoint}.
KILLED: a check failed, the mutant crashed or it hung. SURVIVED: the suite was content; such a line wants a check, or a
word on why no caller can tell (survivors.json, printed beside it). UNREACHED: no check comes by that line. VOID: it
does not compile. All mutants are built at once, asleep, and each run wakes one of them."""

import argparse
import concurrent.futures
import json
import os
import random
import re
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from mutants import asleep, mutants_of_line  # noqa: E402

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
HEADERS = ROOT / "include" / "bsp"
LAYERS = ("merge", "sbt", "auth", "endpoint")
TIME_LIMIT = 300  # seconds for one run of the suite; a mutant that takes longer hangs
# What goes first when a line does not compile.
FRAGILE = ("comparison", "negation", "extreme", "number", "statement", "operand", "condition", "literal")


def all_mutants(under):
    found = []
    for layer in under:
        for file in sorted((HEADERS / layer).rglob("*.hpp")):
            for number, line in enumerate(file.read_text().splitlines(), 1):
                found += mutants_of_line(file, number, line)
    for n, m in enumerate(found):
        m.number = n
    return found


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


def write_headers(folder, mutants):
    by_file = {}
    for m in mutants:
        by_file.setdefault(m.file, []).append(m)
    for file in {m.file for m in mutants} | {f for layer in LAYERS for f in (HEADERS / layer).rglob("*.hpp")}:
        changed = folder / file.relative_to(HEADERS.parent)
        changed.parent.mkdir(parents=True, exist_ok=True)
        changed.write_text("\n".join(asleep(file.read_text().splitlines(), by_file.get(file, []))) + "\n")


def build_host(mutants, build, folder):
    """The host with every mutant that compiles; those that do not are returned."""
    compiling, linking = host_commands(build)
    include = folder / "include"
    object_file, host = folder / "host.o", folder / "host"
    compiling[compiling.index("-o") + 1] = str(object_file)
    if "-MF" in compiling:
        compiling[compiling.index("-MF") + 1] = str(folder / "host.d")
    compiling[1:1] = [f"-I{include}", "-include", str(HERE / "sleeping_mutants.hpp"), "-w", "-fmax-errors=0"]
    living, void = list(mutants), []
    while True:
        write_headers(include, living)
        built = subprocess.run([*compiling, "-fsyntax-only"], cwd=build, capture_output=True, text=True)
        if built.returncode == 0:
            break
        wrong = {(HEADERS.parent / name, int(number)) for name, number in re.findall(re.escape(str(include)) + r"/([\w/.]+):(\d+):", built.stderr)}
        gone = set()
        for file, number in wrong:
            here = [m for m in living if m.file == file and m.line == number]
            if kind := next((k for k in FRAGILE if any(m.kind == k for m in here)), None):
                gone |= {m.number for m in here if m.kind == kind}
        if not gone:
            sys.exit("mutate_headers: the headers do not compile with their mutants asleep:\n" + built.stderr[:4000])
        void += [m for m in living if m.number in gone]
        living = [m for m in living if m.number not in gone]
        print(f"{len(gone)} mutants do not compile, {len(living)} are left", file=sys.stderr, flush=True)
    subprocess.run(compiling, cwd=build, check=True)
    command = [str(object_file) if word.endswith("host.cpp.o") else word for word in linking]
    command[command.index("-o") + 1] = str(host)
    subprocess.run(command, cwd=build, check=True)
    return host, living, void


def run_host(host, **more):
    try:
        run = subprocess.run([str(host)], capture_output=True, text=True, timeout=TIME_LIMIT, env={**os.environ, **more})
    except subprocess.TimeoutExpired:
        return "KILLED", "hangs"
    said = (run.stdout.strip().splitlines() or [f"status {run.returncode}"])[-1]
    return ("SURVIVED" if run.returncode == 0 else "KILLED"), said


def line_of(mutant):
    return mutant.file.read_text().splitlines()[mutant.line - 1].strip()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", type=Path, help="a build folder that holds bsp-mutation-host")
    parser.add_argument("--sample", type=int, help="only so many mutants, chosen by the seed")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--under", nargs="*", choices=LAYERS, default=LAYERS)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--minutes", type=float, default=10**6, help="begin nothing new after so many minutes")
    parser.add_argument("--write", type=Path, help="a Markdown page of the outcome")
    given = parser.parse_args()
    if not (given.build / "build.ninja").exists():
        parser.error(f"{given.build} is not a Ninja build folder; scripts/build test makes build/test")
    explained = json.loads((HERE / "survivors.json").read_text())

    with tempfile.TemporaryDirectory() as scratch:
        everything = all_mutants(given.under)
        host, living, void = build_host(everything, given.build.resolve(), Path(scratch))
        reached_file = Path(scratch) / "reached"
        # Nobody awake: the suite must be content, or every mutant would look killed.
        fate, why = run_host(host, BSP_MUTANTS_REACHED=str(reached_file))
        if fate != "SURVIVED":
            sys.exit(f"mutate_headers: the suite fails against the headers as they are ({why}); nothing can be learned")
        reached = set(map(int, reached_file.read_text().split()))
        by_reach = [m for m in living if m.number in reached]
        print(f"{len(everything)} mutants: {len(void)} do not compile, {len(living) - len(by_reach)} are not reached, {len(by_reach)} can be told", flush=True)
        chosen = random.Random(given.seed).sample(by_reach, min(given.sample or len(by_reach), len(by_reach)))
        end = time.monotonic() + 60 * given.minutes
        tried, killed, survivors, unexplained = 0, 0, [], 0
        with concurrent.futures.ThreadPoolExecutor(given.jobs) as pool:
            for m, (fate, why) in zip(chosen, pool.map(lambda m: run_host(host, BSP_MUTANT=str(m.number)) if time.monotonic() < end else ("", ""), chosen)):
                if not fate:
                    continue
                tried += 1
                where = f"{m.file.relative_to(HEADERS)}:{m.line}"
                if fate == "KILLED":
                    killed += 1
                else:
                    why = explained.get(f"{m.file.relative_to(HEADERS)} | {line_of(m)} | {m.change}", "")
                    unexplained += not why
                    survivors.append((where, m.change, line_of(m), why))
                print(f"{fate:8}  {where}  {m.change}  [{line_of(m)}]  {why}", flush=True)
        lost = [m for m in living if m.number not in reached]
    total = (f"{tried} of {len(by_reach)} tried: {killed} killed, {len(survivors)} survived ({unexplained} without an explanation); "
             f"{len(lost)} more are on lines that no check reaches, {len(void)} do not compile")
    print(total)
    if given.write:
        code = lambda text: "`" + text.replace("|", "\\|").replace("`", "") + "`"  # noqa: E731
        given.write.write_text("\n".join([
            "# Mutation of the headers", "",
            f"Generated by `tools/header_mutation/mutate_headers.py --seed {given.seed}`: one small change of {', '.join(given.under)} at a time, judged by the suite. {total}.", "",
            "## Survivors", "", "| Line | Change | Code | Why no check can tell |", "|---|---|---|---|",
            *(f"| {w} | {c.replace('|', chr(92) + '|')} | {code(text)} | {why} |" for w, c, text, why in sorted(survivors)), "",
            "## Not reached", "", "| Line | Change | Code |", "|---|---|---|",
            *(f"| {m.file.relative_to(HEADERS)}:{m.line} | {m.change.replace('|', chr(92) + '|')} | {code(line_of(m))} |" for m in lost)]) + "\n")
    return 1 if unexplained else 0


if __name__ == "__main__":
    sys.exit(main())
