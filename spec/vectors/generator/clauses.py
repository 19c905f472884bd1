"""Which clauses of the specification each family of vectors illustrates."""


def clauses(area, *numbers):
    return [f"BSP-{area}-{number:03d}" for number in numbers]


CLAUSES = {
    "c14n": clauses("GEN", 31, 33, 34, 35),
    "json": clauses("GEN", 18, 19, 20, 21, 22, 23, 24, 71, 78, 79),
    "timestamps": clauses("GEN", 51, 52, 53, 54, 55),
    "identifiers": clauses("GEN", 57, 59, 60, 61, 62) + clauses("ID", 7, 9, 10, 11) + clauses("SBT", 10) + clauses("REG", 7),
    "keys": clauses("ID", 21, 22, 23, 24, 29),
    "sbt": clauses("SBT", 2, 3, 4, 8, 10, 14, 15, 16, 17, 18, 19, 20, 22, 23, 25, 26) + clauses("GEN", 35),
    "ps256": clauses("AUT", 8, 9, 10, 11, 12, 13, 14) + clauses("GEN", 35, 36, 39, 40, 41, 42, 43, 44),
    "assertions": clauses("AUT", *range(17, 26), *range(28, 36), *range(37, 44)),
    "merge": clauses("MRG", *range(10, 25), *range(30, 37), 40, 41, 42, 51, 52, 55) + clauses("SYN", 127),
    "digest": clauses("SYN", 142, 143),
    "rotation": clauses("ROT", 3, 6, 7, 8, 9, 13),
    "redaction": clauses("RED", 1, 2, 3, 4, 5, 7, 8),
}
