"""redaction.json: the corpus of section 17.1. What is to be replaced is marked in the texts by hand; nothing here searches for it."""
import re

from .common import Numbered

ABOUT = ("Redaction of personal data. `text` becomes `redacted`; with `expect` `keep` it stays as it is. `pii` are pieces of `text` of which nothing may be left. "
         "Items whose `level` is `required` bind (BSP-RED-001, BSP-RED-002); `recommended` ones show what the grammar of section 17.1 does beyond.")

MARK = re.compile("«(email|credit_card|ssn|phone)\\|([^»]*)»")


def pieces(kind, match):
    """The parts of a match that say something by themselves; not the country code, which is everybody's."""
    parts = match.split("@") if kind == "email" else re.findall("[0-9]+", match)
    return [part for part in parts if len(part) > 2 or (kind != "email" and len(part) > 1)]


def vectors(previous):
    out = Numbered("redact")

    def item(level, catches, marked):
        found = MARK.findall(marked)
        members = {"text": MARK.sub(lambda m: m.group(2), marked), "expect": "redact" if found else "keep", "level": level,
                   "redacted": MARK.sub(lambda m: f"[REDACTED_{m.group(1).upper()}]", marked)}
        if found:
            members["pii"] = list(dict.fromkeys(p for kind, match in found for p in pieces(kind, match)))
            assert not [p for p in members["pii"] if p in members["redacted"]], members
        out.add(catches, **members)

    must = lambda catches, marked: item("required", catches, marked)
    should = lambda catches, marked: item("recommended", catches, marked)

    must("the test of the source document", "My email is «email|john@example.com» and phone is «phone|555-123-4567»")
    # Mail addresses.
    must("a local part with dots, plus, percent and underscore", "Write to «email|a.b_c+news%x@example.com» today.")
    must("a domain with several labels", "cc «email|ana@mail.eu.example.co.uk», please")
    must("capitals", "«email|JOHN.DOE@EXAMPLE.COM» wrote")
    must("a hyphen in the domain", "from «email|x9@my-shop.example» yesterday")
    must("the full stop of the sentence taken for a part of the domain, and nothing found", "It is «email|john@example.com».")
    must("angle brackets", "John Doe <«email|john@example.com»>, Ana <«email|ana@example.org»>")
    must("only the first of several", "«email|a@example.com» «email|b@example.com» «email|c@example.com»")
    must("a link with mailto", "[mail](mailto:«email|john@example.com»)")
    must("quotes around it", "{\"to\": \"«email|john@example.com»\"}")
    must("an address at the very beginning and at the very end", "«email|a@example.com» and «email|b@example.com»")
    must("an address that follows a line feed", "mail:\n«email|john@example.com»\nthanks")
    must("an internationalized domain", "Post an «email|joerg@bücher.example» bitte")
    must("an internationalized top-level domain", "Пишите на «email|ivan@пример.рф» скорее")
    must("a domain in Punycode", "see «email|info@xn--bcher-kva.example» there")
    must("word boundaries of Unicode instead of ASCII: no space in Chinese", "请写信给«email|john@example.com»谢谢")
    # Telephone numbers.
    must("hyphens", "call «phone|555-123-4567» now")
    must("dots", "call «phone|555.123.4567» now")
    must("bare digits", "call «phone|5551234567» now")
    must("one hyphen only", "call «phone|555123-4567» now")
    must("an area code in parentheses", "call «phone|(555) 123-4567» now")
    must("an area code in parentheses without a space after it", "call «phone|(555)123-4567» now")
    must("spaces", "call «phone|555 123 4567» now")
    must("a country code with spaces", "call «phone|+1 555 123 4567» now")
    must("a country code with hyphens", "call «phone|+1-555-123-4567» now")
    must("a country code and parentheses", "call «phone|+1 (555) 123-4567» now")
    must("a country code and bare digits", "call «phone|+15551234567» now")
    must("a country code with dots", "call «phone|+1.555.123.4567» now")
    must("U+2010 HYPHEN", "call «phone|555\u2010123\u20104567» now")
    must("U+2011 NON-BREAKING HYPHEN, as word processors write it", "call «phone|555\u2011123\u20114567» now")
    must("U+2013 EN DASH, as telephones write it", "call «phone|555\u2013123\u20134567» now")
    must("U+2212 MINUS SIGN", "call «phone|555\u2212123\u22124567» now")
    must("word boundaries of Unicode instead of ASCII: a number between Chinese words", "请拨打«phone|555-123-4567»谢谢")
    must("the encoded string searched instead of the decoded one: the escape of the line feed ends in a letter", "call:\n«phone|555-123-4567»\nnow")
    must("the encoded string searched instead of the decoded one: the escape of the letter ends in a digit", "appelé\u00e9«phone|555-123-4567»")
    must("only the first of several", "«phone|555-123-4567», «phone|555-123-4568» or «phone|555-987-6543»")
    must("a number in parentheses", "(«phone|555-123-4567»)")
    # Card numbers.
    must("bare digits", "card «credit_card|4111111111111111» ok")
    must("spaces", "card «credit_card|4111 1111 1111 1111» ok")
    must("hyphens", "card «credit_card|5500-0000-0000-0004» ok")
    must("a mixture of separators", "card «credit_card|4111-1111 11111111» ok")
    must("a line feed between the groups", "card «credit_card|4111\n1111\n1111\n1111» ok")
    must("16 digits whose check digit is wrong, as the expression of the source has it", "card «credit_card|4111 1111 1111 1112» ok")
    must("15 digits, bare", "card «credit_card|378282246310005» ok")
    must("15 digits in groups", "card «credit_card|3782 822463 10005» ok")
    must("15 digits in groups with hyphens", "card «credit_card|3782-822463-10005» ok")
    must("14 digits, bare", "card «credit_card|30569309025904» ok")
    must("14 digits in groups", "card «credit_card|3056 930902 5904» ok")
    must("13 digits, bare", "card «credit_card|4222222222222» ok")
    must("19 digits, bare", "card «credit_card|6304000000000000018» ok")
    must("19 digits in groups", "card «credit_card|6304 0000 0000 0000 018» ok")
    must("two cards", "«credit_card|4111 1111 1111 1111» and «credit_card|5500 0000 0000 0004»")
    # Social security numbers.
    must("hyphens", "ssn «ssn|123-45-6789» ok")
    must("spaces", "ssn «ssn|123 45 6789» ok")
    must("two numbers", "«ssn|123-45-6789»/«ssn|987-65-4321»")
    # The order of kinds.
    must("telephone numbers before mail addresses: the domain is left", "mail «email|555-123-4567@example.com» now")
    must("card numbers before mail addresses: the domain is left", "mail «email|4111111111111111@example.com» now")
    must("social security numbers before mail addresses: the domain is left", "mail «email|123-45-6789@example.com» now")
    must("all four kinds in one text", "«email|j@example.com» «credit_card|4111 1111 1111 1111» «ssn|123-45-6789» «phone|555-123-4567»")

    # What stays.
    for catches, text in (
            ("an id of a message", "msg_5551234567 and evt_4111111111111111"), ("an id of a peer", "peer_5f0c9a7be1d24e3380c6a1f29b7d4e10"),
            ("an id of a backend", "local_sha256_7d4b82b21655494e"), ("a UUID", "550e8400-e29b-41d4-a716-446655440000"),
            ("an instant in UTC", "2025-12-31T23:59:59Z"),
            ("an instant with nine fractional digits", "2025-12-31T23:59:59.123456789Z"), ("an instant with an offset", "2025-12-31T23:59:59+01:00"),
            ("the basic format", "20251231T235959Z"), ("a date", "due on 2025-12-31, not on 2026-01-15"), ("a date and a time", "2025-12-31 23:59:59.123"),
            ("seconds since the epoch taken for a telephone number", "exp 1735689600 iat 1767139200"), ("milliseconds since the epoch", "at 1735689600123 ms"),
            ("nanoseconds since the epoch", "1735689600123456788"),
            ("a version", "1.2.3 to 10.11.12-rc.1+build.20251231"), ("a version of four numbers", "101.0.4951.41"), ("a package and its version", "lodash@4.17.21 react@18.2.0"),
            ("a URL", "https://example.com/a/b?page=2&size=100#top"), ("a URL with a port", "http://localhost:8825/sync/peer_3f5a"),
            ("a URL with an id", "https://example.com/items/12345/edit"), ("a URL with an address of numbers", "http://192.168.100.200:8080/"),
            ("SHA-256 in hexadecimal", "aafd147c266847ec3da1d9a78447ea5754bc1baf0cb51edc7c0c2615dfa95903"), ("what is redacted already", "[REDACTED_EMAIL] [REDACTED_CREDIT_CARD] [REDACTED_SSN] [REDACTED_PHONE]"),
            ("nothing to redact", "Nothing of this is personal."), ("the empty text", "")):
        must(catches, text)

    # What the grammar does beyond.
    should("letters beyond ASCII in the local part", "an «email|jörg@bücher.example» bitte")
    should("letters of a script without spaces", "写信: «email|用户@例子.广告»")
    should("a top-level domain in Punycode", "to «email|user@example.xn--p1ai» ok")
    should("words of a script without spaces swallowed", "メールは«email|john@example.com»です")
    should("a trunk prefix", "call «phone|1-555-123-4567» now")
    should("no-break spaces", "call «phone|555\u00a0123\u00a04567» now")
    should("a social security number with Unicode hyphens", "ssn «ssn|123\u201145\u20116789» ok")
    should("a card with Unicode hyphens", "card «credit_card|4111\u20111111\u20111111\u20111111» ok")
    should("a card in groups of four and a rest", "card «credit_card|3056 9309 0259 04» ok")
    for catches, text in (
            ("milliseconds since the epoch with a right check digit", "at 1735689600120"), ("seconds since the epoch with a fraction", "1735689600.123456"), ("microseconds since the epoch", "at 1735689600123456"),
            ("16 digits of an id", "id-20 digits 12345678901234567890"), ("13 digits with a wrong check digit", "no 4222222222223"), ("a local number", "room 555-1234"),
            ("a postal code", "Beverly Hills 90210-1234"), ("nine digits", "123456789"), ("a number in a word", "x5551234567 and 5551234567x"), ("digits of another script", "٥٥٥-١٢٣-٤٥٦٧"),
            ("a mention", "@john and @jane.doe"), ("a host without a domain", "root@localhost and user@host"), ("an at sign between words", "meet me @ example.com"), ("an address of numbers", "10.0.0.1 and 255.255.255.255"),
            ("an amount", "1,234,567.89 EUR or $ 12 345 678"), ("an ISBN", "978-3-16-148410-0"), ("a MAC address", "00:1a:2b:3c:4d:5e"), ("emoji", "\U0001f600\U0001f600 555 \U0001f600")):
        should(catches, text)
    return out.vectors
