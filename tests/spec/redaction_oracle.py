"""Section 17.1 read a second time, as regular expressions of CPython. Slow on hostile text, which does not matter here."""
import re

HYPHEN = "[-\u2010-\u2015\u2212]"
SPACE = "[ \u00a0\u202f]"
EITHER = f"(?:{HYPHEN}|{SPACE})"
MOMENT = r"1(?:[0-9]{9}|[0-9]{12}|[0-9]{15}|[0-9]{18})"

# Scripts without spaces that the corpus uses: Thai to Lao, CJK and its neighbours, Hangul.
UNSPACED = "\u0e00-\u0eff\u2e80-\u2fdf\u3005-\u3007\u3021-\ua4cf\uac00-\ud7ff\uf900-\ufaff"
SPACED = "\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u0dff\u1e00-\u1fff"

LABEL = f"(?:[A-Za-z0-9{SPACED}-]+|[{UNSPACED}]+)"
TOP = f"(?:[Xx][Nn]--[A-Za-z0-9-]*[A-Za-z0-9]|[A-Za-z{SPACED}]{{2,}}|[{UNSPACED}]{{2,}})"
LOCAL = f"(?:[A-Za-z0-9_{SPACED}][A-Za-z0-9._%+{SPACED}-]*|[{UNSPACED}]+)"
EDGE = r"(?:(?<![A-Za-z0-9_])|(?![A-Za-z0-9_]))"  # not within a word of ASCII

EMAIL = re.compile(rf"{EDGE}{LOCAL}@(?:{LABEL}(?:\.{LABEL}?)*|(?:\.{LABEL}?)+)\.{TOP}{EDGE}")
FOUR_BY_FOUR = re.compile(r"[0-9]{4}[-\s]?[0-9]{4}[-\s]?[0-9]{4}[-\s]?[0-9]{4}", re.ASCII)
GROUPED = re.compile(rf"[0-9]{{4}}({EITHER})(?:[0-9]{{3,6}}\1)*[0-9]{{1,6}}")
SSN = re.compile(rf"\b[0-9]{{3}}{EITHER}[0-9]{{2}}{EITHER}[0-9]{{4}}\b", re.ASCII)
CORE = rf"[0-9]{{3}}[-.]?[0-9]{{3}}[-.]?[0-9]{{4}}"
SEPARATOR = rf"(?:{EITHER}|\.)"
SPACED_PHONE = rf"[0-9]{{3}}{SEPARATOR}[0-9]{{3}}{SEPARATOR}[0-9]{{4}}"
PARENTHESES = rf"\([0-9]{{3}}\){SEPARATOR}?[0-9]{{3}}{SEPARATOR}?[0-9]{{4}}"
PHONE = re.compile(rf"(?:\+1{SEPARATOR}?(?:{PARENTHESES}|{SPACED_PHONE}|{CORE})|\b1{SEPARATOR}(?:{PARENTHESES}|{SPACED_PHONE})|{PARENTHESES}|"
                   rf"\b(?!{MOMENT}\b)(?:{SPACED_PHONE}|{CORE}))\b", re.ASCII)


def luhn(text):
    digits = [int(d) for d in reversed(re.sub("[^0-9]", "", text))]
    return sum(d if i % 2 == 0 else (2 * d - 9 if d > 4 else 2 * d) for i, d in enumerate(digits)) % 10 == 0


def is_card(text):
    if re.fullmatch(MOMENT, text):
        return False
    count = len(re.sub("[^0-9]", "", text))
    return bool(FOUR_BY_FOUR.fullmatch(text)) or (13 <= count <= 19 and luhn(text) and bool(re.fullmatch("[0-9]+", text) or GROUPED.fullmatch(text)))


def redact_cards(text):
    at = 0
    while at < len(text):
        if re.match(r"\b[0-9]", text[at:], re.ASCII) and not re.match("[A-Za-z0-9_]", text[at - 1:at]):
            ends = [end for end in range(min(len(text), at + 26), at, -1)
                    if text[end - 1] in "0123456789" and not re.match("[A-Za-z0-9_]", text[end:end + 1]) and is_card(text[at:end])]
            if ends:
                text = text[:at] + "[REDACTED_CREDIT_CARD]" + text[ends[0]:]
                at += len("[REDACTED_CREDIT_CARD]")
                continue
        at += 1
    return text


def redact(text):
    text = EMAIL.sub("[REDACTED_EMAIL]", text)
    text = redact_cards(text)
    text = SSN.sub("[REDACTED_SSN]", text)
    return PHONE.sub("[REDACTED_PHONE]", text)
