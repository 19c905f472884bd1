#!/usr/bin/env python3
"""Keeps spec/appendix-b-sources.md: which clauses answer which point of the source documents.

    spec_sources.py            fail if the appendix is stale or a row of the core has no clause
    spec_sources.py --write    rewrite the appendix

Exit status: 0 all well, 1 stale or incomplete, 2 wrong usage.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from pathlib import Path

from check_spec import read_clauses

# Points of the core that the source documents left open or contradicted, in our own words.
CORE = {
    "A-001": "form of errors", "A-002": "400 or 422", "A-003": "401 or 403", "A-004": "protocol versions",
    "A-005": "unknown members", "A-006": "no coercion of JSON types", "A-007": "I-JSON", "A-008": "sizes and depth",
    "A-009": "media type of requests", "A-010": "cross-origin requests", "A-011": "local backend and web pages",
    "A-012": "content codings", "A-013": "caching", "A-014": "grammar of identifiers", "A-015": "timestamps accepted",
    "A-016": "timestamps compared", "A-017": "what was accepted is returned verbatim", "A-018": "clock skew", "A-019": "TLS",
    "A-020": "canonical bytes", "A-021": "numbers in signed objects", "A-022": "which object is signed",
    "A-023": "signature member left out", "A-024": "RSA scheme", "A-025": "encoding of RSA signatures",
    "A-026": "encoding of the token's signature", "A-027": "the HMAC key", "A-028": "kinds of signed objects",
    "A-029": "acceptable keys", "A-030": "`backend_id`", "A-031": "origin of `backend_id`",
    "A-032": "`/identity` and other origins", "A-033": "key pinned to backend", "A-034": "identity and key persist",
    "A-035": "`created_at` of an identity", "A-036": "capabilities", "A-037": "`created_at` required",
    "A-038": "several instances of one backend", "A-039": "verification really compares", "A-040": "token times verbatim",
    "A-041": "members under the token's MAC", "A-042": "greatest lifetime of a token", "A-043": "end of a token's life",
    "A-044": "pairing secret per user", "A-045": "secret in the browser", "A-046": "token names both backends",
    "A-047": "both slots needed", "A-048": "expiry and renewal", "A-049": "compact form", "A-050": "shape of a registration",
    "A-051": "registering again", "A-052": "`peer_id`", "A-053": "endpoint URLs", "A-054": "challenge",
    "A-055": "where a backend was registered", "A-056": "outgoing connections", "A-057": "another key for the same backend",
    "A-058": "unpairing", "A-059": "revocation", "A-060": "listing of peers", "A-061": "answer to a revoked peer",
    "A-062": "status of a registration", "A-063": "authentication of pushes", "A-064": "peer assertion",
    "A-065": "user assertion", "A-066": "algorithm confusion", "A-067": "replay of assertions", "A-068": "order of checks",
    "A-069": "the alias `/sync`", "A-070": "identity of a message", "A-071": "union of messages",
    "A-072": "total order of versions", "A-073": "ties", "A-074": "range of versions", "A-075": "versions of local writes",
    "A-076": "`last_modified`", "A-077": "`surfaces`", "A-078": "repeated ids in one payload", "A-079": "`conflicts`",
    "A-080": "isolation of users", "A-081": "deletion", "A-082": "`source_backend`", "A-083": "atomic payloads",
    "A-084": "concurrent pushes", "A-085": "order of messages", "A-086": "`sync_id` and repetition",
    "A-087": "durable before acknowledged", "A-088": "what is durable", "A-089": "members of a message",
    "A-090": "names of members", "A-091": "unknown peer", "A-092": "freshness", "A-093": "pull, watermark, pages",
    "A-094": "audience of a payload", "A-095": "intervals",
    "A-096": "push on change", "A-097": "delays between attempts", "A-098": "errors that are tried again",
    "A-099": "watermark of a push", "A-100": "what is queued", "A-101": "nothing is dropped but telemetry",
    "A-102": "size of the queue", "A-103": "typed queues", "A-104": "order of the queue", "A-105": "batches",
    "A-106": "independent peers", "A-107": "queues belong to users", "A-108": "reachability", "A-109": "throughput",
    "A-114": "window of a rate limit", "A-115": "whose budget it is", "A-116": "budget of telemetry",
    "A-117": "revocation and open connections",
    "A-118": "`DELETE /peers/{peer_id}`", "A-119": "administrator's token", "A-121": "nothing leaks from health and errors",
    "A-122": "what is personal data", "A-123": "how it is looked for", "A-124": "redacted copies", "A-125": "where it is looked for", "A-126": "in which direction", "A-134": "absence deletes nothing",
    "A-140": "refused connections", "A-141": "close codes", "A-142": "invalid events", "A-143": "authority of an open connection",
    "A-144": "repeated events", "A-145": "pairing of acknowledgements", "A-146": "numbers of events", "A-147": "required members of events",
    "A-148": "user of an event", "A-149": "instants of events",
    "A-161": "names of peer ids", "A-162": "modes without one backend",
    "A-163": "half a registration", "A-164": "`anonymous`", "A-175": "local writes", "A-176": "losing versions",
    "A-177": "epoch of a store", "A-178": "digest", "A-179": "live pull",
}

HEADER = """<!-- generated by tools/spec_sources.py -->
# Appendix B. Sources of the clauses

Every clause names the rows it comes from. This is the way back: from a row to its clauses. A-rows are the points that
the source documents left open or on which they contradict each other; D-rows are the departures of
[Appendix A](appendix-a-departures.md); T-rows are the threats of [chapter 9](09-security.md), which lists further
answers to each.

"""


def appendix(clauses: list[dict]) -> tuple[str, list[str]]:
    """The text of the appendix, and the rows of the core that no clause names."""
    named = defaultdict(list)
    for clause in clauses:
        for source in clause["sources"]:
            named[source].append(f"[{clause['id']}]({Path(clause['file']).name}#{clause['anchor']})")
    lines = ["| Row | Subject | Clauses |", "|---|---|---|"]
    for row, subject in CORE.items():
        lines.append(f"| {row} | {subject} | {', '.join(named[row])} |")
    lines += ["", "## Further rows", "", "| Row | Clauses |", "|---|---|"]
    lines += [f"| {row} | {', '.join(found)} |" for row, found in sorted(named.items()) if row not in CORE and found]
    return HEADER + "\n".join(lines) + "\n", [row for row in CORE if not named[row]]


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parent.parent)
    parser.add_argument("--write", action="store_true", help="rewrite the appendix")
    options = parser.parse_args(arguments)

    text, missing = appendix(read_clauses(options.root, []))
    target = options.root / "spec" / "appendix-b-sources.md"
    problems = [f"{row}: no clause names this row" for row in missing]
    if options.write:
        target.write_text(text, encoding="utf-8")
    elif not target.is_file() or target.read_text(encoding="utf-8") != text:
        problems.append(f"{target.name} is stale; run tools/spec_sources.py --write")
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
