#!/usr/bin/python3
"""Writes the test vectors beside this file; `--check` only verifies that writing them would change nothing.

Deterministic: signatures that are random by nature (PSS) are made once and kept while they are valid.
"""
import argparse
import json
import sys

from generator import assertions, c14n, identifiers, json_texts, keys, make_keys, merge, ps256, redaction, rotation, sbt, state_digest, timestamps
from generator.clauses import CLAUSES
from generator.common import VECTORS

FAMILIES = {"c14n": c14n, "json": json_texts, "timestamps": timestamps, "identifiers": identifiers, "keys": keys,
            "sbt": sbt, "ps256": ps256, "assertions": assertions, "merge": merge, "digest": state_digest, "rotation": rotation, "redaction": redaction}


def text_of(name, family):
    path = VECTORS / f"{name}.json"
    earlier = {v["id"]: v for v in json.loads(path.read_text())["vectors"]} if path.exists() else {}
    document = {"about": family.ABOUT, "clauses": CLAUSES[name], "vectors": family.vectors(earlier)}
    return path, json.dumps(document, indent=2) + "\n"


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--check", action="store_true", help="change nothing; exit 1 if a file is not what this program writes")
    check = arguments.parse_args().check
    if not check:
        make_keys.make_keys()
    stale = []
    for name, family in FAMILIES.items():
        path, text = text_of(name, family)
        if path.exists() and path.read_text() == text:
            continue
        stale.append(path.name)
        if not check:
            path.write_text(text)
    print(("stale: " if check else "written: ") + ", ".join(stale) if stale else f"{len(FAMILIES)} files, all as generated")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
