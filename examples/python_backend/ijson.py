"""Strict I-JSON (RFC 7493, section 1.3) on top of the standard decoder."""

from __future__ import annotations

import json
import math
import re

MAX_DEPTH = 32
MAX_SAFE = 2**53 - 1

_STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_NOT_BRACKET = re.compile(r"[^\[\]{}]+")
_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")


class Malformed(ValueError):
    """The text is not I-JSON, or is nested too deeply."""


class Number:
    """A number that is not a plain integer within ±(2^53−1): it is JSON, and nothing that BSP gives a meaning to.

    Fractions, exponents, `-0` and large integers all become this class, so that they are never mistaken for an
    integer and have no canonical form (BSP-GEN-028, BSP-GEN-034).
    """

    __slots__ = ("spelling",)

    def __init__(self, spelling: str) -> None:
        self.spelling = spelling


def _real(spelling: str) -> Number:
    if math.isinf(float(spelling)):
        raise Malformed("a number is beyond the range of a double")
    return Number(spelling)


def _integer(spelling: str) -> int | Number:
    if len(spelling) <= 17 and spelling != "-0" and abs(value := int(spelling)) <= MAX_SAFE:
        return value
    return _real(spelling)  # the length was checked first: converting thousands of digits to int is slow


def _constant(spelling: str) -> None:
    raise Malformed(f"{spelling} is not JSON")


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise Malformed("an object has two members of the same name")
    return members


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_float=_real, parse_constant=_constant)


def _check_depth(text: str) -> None:
    """Refuses deep nesting before the decoder, which recurses, sees it."""
    depth = 0
    for bracket in _NOT_BRACKET.sub("", _STRING.sub("", text)):
        depth += 1 if bracket in "[{" else -1
        if depth > MAX_DEPTH:
            raise Malformed(f"the value is nested more than {MAX_DEPTH} levels deep")


def depth(value: object) -> int:
    """How many levels of arrays and objects the value has."""
    if isinstance(value, dict):
        value = list(value.values())
    return 1 + max(map(depth, value), default=0) if isinstance(value, list) else 0


def _check_surrogates(value: object) -> None:
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            raise Malformed("a string has a lone surrogate") from None
    elif isinstance(value, list):
        for element in value:
            _check_surrogates(element)
    elif isinstance(value, dict):
        for name, member in value.items():
            _check_surrogates(name)
            _check_surrogates(member)


def parse(octets: bytes) -> object:
    """The value of a JSON text in UTF-8. Raises Malformed.

    Integers within ±(2^53−1) become `int`, all other numbers `Number`.
    """
    try:
        text = octets.decode("utf-8")
    except UnicodeDecodeError:
        raise Malformed("the text is not UTF-8") from None
    _check_depth(text)
    try:
        value = _DECODER.decode(text)
    except Malformed:
        raise
    except (ValueError, RecursionError):
        raise Malformed("the text is not JSON") from None
    if _SURROGATE_ESCAPE.search(text):  # raw surrogates are not UTF-8; only escapes can bring them in
        _check_surrogates(value)
    return value
