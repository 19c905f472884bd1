"""Finds what can be changed in a header, and writes the header with every change in it, each asleep until it is chosen.

A change keeps the line's syntax: `a < b` becomes `a < less<7>{} < b`, which is `a < b` as long as mutant 7 sleeps and
`a <= b` when it is awake. So one build holds all mutants, and one run of it needs only be told a number."""

import re
from dataclasses import dataclass, field

NAMESPACE = "::bsp_mutant::"
COMPARISONS = {"<": "less", "<=": "less_equal", ">": "greater", ">=": "greater_equal", "==": "equal", "!=": "unequal"}
# Not code that runs, or a value that the compiler needs.
SKIPPED = ("#", "static_assert", "template", "using", "namespace", "concept", "requires", "friend", "struct", "class", "enum", "case")


@dataclass
class Mutant:
    file: object
    line: int
    change: str           # for people: "< to <=", "drop `x`"
    edits: list = field(default_factory=list)  # (start, end, text): a replacement, or an insertion where start == end
    kind: str = ""
    number: int = 0


def operand_end(code, start):
    """Where the operand of && or || that begins at `start` ends, or None when it goes on beyond the line."""
    depth = 0
    for i in range(start, len(code)):
        c = code[i]
        if c in "([{":
            if c == "{" and depth == 0 and code[i - 1] == " ":
                return i - 1
            depth += 1
        elif c in ")]}":
            if depth == 0:
                return i
            depth -= 1
        elif depth == 0 and (c in ";," or code.startswith((" && ", " || ", " ? ", " : "), i)):
            return i
    return None


def operand_start(code, end):
    """Where the operand of && or || that ends at `end` begins, or None when it began before the line."""
    depth = 0
    for i in range(end - 1, -1, -1):
        c = code[i]
        if c in ")]}":
            depth += 1
        elif c in "([{":
            if depth == 0:
                return i + 1
            depth -= 1
        elif depth == 0:
            for before in (" && ", " || ", " ? ", " : ", "return ", " = ", ", ", "; "):
                if code.endswith(before, 0, i + 1):
                    return i + 1
    return None


def closing(code, opening):
    depth = 0
    for i in range(opening, len(code)):
        depth += {"(": 1, ")": -1}.get(code[i], 0)
        if depth == 0:
            return i
    return None


def mutants_of_line(file, number, line):
    code = re.sub(r'"(?:[^"\\]|\\.)*"', lambda m: '"' + "_" * (len(m.group()) - 2) + '"', line)
    code = re.sub(r"'(?:[^'\\]|\\.)'", lambda m: "'" + "_" * (len(m.group()) - 2) + "'", code).split("//")[0].rstrip()
    if not code.strip() or code.lstrip().startswith(SKIPPED) or "constexpr" in code or "operator" in code:
        return

    def mutant(kind, change, *edits):
        return Mutant(file, number, change, list(edits), kind)

    def wrap(kind, change, start, end, before, after):
        return mutant(kind, change, (start, start, before), (end, end, after))

    def dropped(start, end):
        return f"drop `{line[start:end]}`"

    for m in re.finditer(r" (<=?|>=?|==|!=) ", code):
        op = m.group(1)
        other = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "=="}[op]
        yield mutant("comparison", f"{op} to {other}", (m.end() - 1, m.end() - 1, f" {NAMESPACE}{COMPARISONS[op]}<@>{{}} {op}"))
    for m in re.finditer(r" (&&|\|\|) ", code):
        neutral = f"({NAMESPACE}on(@) || (" if m.group(1) == "&&" else f"(!{NAMESPACE}on(@) && ("
        end, start = operand_end(code, m.end()), operand_start(code, m.start())
        if end is not None:
            yield wrap("operand", dropped(m.end(), end), m.end(), end, neutral, "))")
        if start is not None and code[start:m.start()].strip():
            yield wrap("operand", dropped(start, m.start()), start, m.start(), neutral, "))")
    for m in re.finditer(r"\bif \(", code):
        end = closing(code, m.end() - 1)
        condition = code[m.end():end] if end else ""
        if end and ";" not in condition and not re.match(r"(auto|[a-z_:]+) (const )?[&*]?\w+ =|auto", condition):
            yield wrap("condition", "never", m.end(), end, f"!{NAMESPACE}on(@) && (", ")")
            yield wrap("condition", "always", m.end(), end, f"{NAMESPACE}on(@) || (", ")")
    for m in re.finditer(r"(?<=[( ,{])!(?=[a-z_(])", code):
        yield mutant("negation", "drop !", (m.start(), m.end(), f"{NAMESPACE}negation<@>{{}} % "))
    for m in re.finditer(r"\b(true|false)\b", code):
        yield mutant("literal", f"{m.group()} to {'false' if m.group() == 'true' else 'true'}", (m.start(), m.end(), f"({m.group()} != {NAMESPACE}on(@))"))
    for m in re.finditer(r"\bstd::(max|min)\b(?!<)", code):
        yield mutant("extreme", f"{m.group(1)} to {'min' if m.group(1) == 'max' else 'max'}", (m.start(), m.end(), f"{NAMESPACE}{m.group(1)}<@>"))
    for m in re.finditer(r"(?<= [+-] )(\d+)\b(?![.'])|(?<=[ ({])(\d+)(?=[,;) }])", code):
        yield mutant("number", f"{m.group()} to {int(m.group()) + 1}", (m.start(), m.end(), f"({m.group()} + {NAMESPACE}on(@))"))
    if m := re.fullmatch(r"(\s*)((?!return\b|throw\b|co_|delete\b|else\b)(?:BSP_CHECK\(.*\)|[a-z_][\w.:]*(?:->)?[\w.:]*\([^=]*\)|(?:\+\+|--)[\w.>-]+|[\w.>-]+ [+|]?= .*));", code):
        if not re.match(r"(auto|[\w:<>]+ (const ?)?[&*]?\w+ =)", m.group(2)):
            yield wrap("statement", dropped(m.end(1), len(code)), m.end(1), len(code), f"if (!{NAMESPACE}on(@)) {{ ", " }")


def asleep(lines, mutants):
    """`lines` with all of `mutants`, each at its own number."""
    lines = list(lines)
    by_line = {}
    for m in mutants:
        by_line.setdefault(m.line, []).append(m)
    for number, here in by_line.items():
        # Positions from the right; at one position what closes stands before what opens, and inner before outer.
        edits = []
        for m in here:
            whole = (m.edits[0][0], m.edits[-1][1])
            for k, (start, end, text) in enumerate(m.edits):
                closes = len(m.edits) == 2 and k == 1
                rank = (0, -whole[0]) if closes else (1, -(whole[1] - whole[0])) if len(m.edits) == 2 else (2, 0)
                edits.append((start, rank, end, text.replace("@", str(m.number))))
        line = lines[number - 1]
        for start, _, end, text in sorted(edits, key=lambda e: (e[0], e[1]), reverse=True):
            line = line[:start] + text + line[end:]
        lines[number - 1] = line
    return lines
