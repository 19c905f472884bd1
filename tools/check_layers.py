#!/usr/bin/env python3
"""Checks that every file includes only what its layer may include.

Usage: check_layers.py [ROOT]      exit 0: all is well; exit 1: one line per breach
"""

import re
import sys
from pathlib import Path

# layer -> the layers it may include beside itself
LAYERS = {
    "base": [],
    "json": ["base"],
    "crypto": ["base", "json"],
    "merge": ["base"],
    "wire": ["base", "json", "crypto", "merge"],
    "privacy": ["base", "json", "merge", "wire"],
    "policy": ["base", "json", "crypto", "merge", "wire", "privacy"],
    "observe": ["base", "json", "crypto", "merge", "wire", "privacy", "policy"],
    "sbt": ["base", "json", "crypto", "wire"],
    "auth": ["base", "json", "crypto", "wire"],
    "endpoint": ["base", "json", "crypto", "merge", "wire", "privacy", "policy", "observe", "sbt", "auth"],
    "sync": ["base", "json", "crypto", "merge", "wire", "privacy", "policy", "observe", "sbt", "auth", "endpoint"],
    "adapters": ["base", "json", "crypto", "merge", "wire", "privacy", "policy", "observe", "sbt", "auth", "endpoint", "sync"],
    "testing": ["base", "json", "crypto", "merge", "wire", "privacy", "policy", "observe", "sbt", "auth", "endpoint", "sync", "adapters"],
}

# What the suite may take from the headers: enough to build requests and read answers, never an oracle.
SUITE_LAYERS = ["base", "json", "crypto", "wire", "sbt", "auth"]

# pattern in an #include -> the folders that alone may use it
RESERVED_INCLUDES = {
    r"crypto(pp|\+\+)/": ["include/bsp/crypto", "conformance/foreign_signatures.cpp", "conformance/faulty/mutants", "bench"],
    r"httplib\.h": ["reference_server/routes.cpp", "conformance", "examples", "tests"],
    r"boost/(beast|asio)": ["reference_server/door", "reference_server/client", "bench"],
    r"libpq-fe\.h": ["reference_server/storage/postgres", "tests/server", "bench"],
    r"sqlite3\.h": ["reference_server/storage", "tests/server", "bench"],
}

# The protocol is pure: no clock, thread, socket or file below the edge.
IMPURE = re.compile(r"::now\(|#\s*include\s*<(thread|fstream|filesystem)>|\bsocket\(|std::time\(|\bgetenv\(")
PURE_EXCEPTIONS = ["include/bsp/adapters", "include/bsp/testing", "include/bsp/crypto/random.hpp"]

INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]')
CODE = {".hpp", ".cpp"}


def breaches(root):
    for path in sorted(p for top in ("include", "reference_server", "conformance") for p in (root / top).rglob("*") if p.suffix in CODE):
        name = path.relative_to(root).as_posix()
        layer = name.split("/")[2] if name.startswith("include/bsp/") and name.count("/") > 2 else None
        faulty = name.startswith("conformance/faulty/")
        if layer is not None and layer not in LAYERS:
            yield f"{name}: folder '{layer}' is not a layer; add its row to tools/check_layers.py"
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            found = INCLUDE.match(line)
            if found:
                yield from include_breaches(f"{name}:{number}", name, layer, faulty, found.group(1))
            if layer and IMPURE.search(line.split("//")[0]) and not name.startswith(tuple(PURE_EXCEPTIONS)):
                yield f"{name}:{number}: the protocol reads no clock, thread, socket or file: {line.strip()}"


def include_breaches(where, name, layer, faulty, included):
    inner = re.match(r"bsp/([a-z_]+)/", included)
    if inner and layer and inner.group(1) != layer and inner.group(1) not in LAYERS[layer]:
        yield f"{where}: layer '{layer}' may not include '{included}'"
    if inner and name.startswith("conformance/") and inner.group(1) not in SUITE_LAYERS:
        part = "a faulty backend" if faulty else "the suite"
        yield f"{where}: {part} may not include '{included}': its oracle is its own"
    for pattern, owners in RESERVED_INCLUDES.items():
        if re.match(pattern, included) and not name.startswith(tuple(owners)):
            yield f"{where}: only {', '.join(owners)} may include '{included}'"


def main():
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent
    found = list(breaches(root))
    print("\n".join(found) if found else "layers: every include is allowed")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
