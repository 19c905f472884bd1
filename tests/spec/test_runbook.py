"""The runbook says something of every alert and every error code, and of nothing that does not exist."""
import re
import unittest
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
RUNBOOK = (REPOSITORY / "docs" / "runbook.md").read_text(encoding="utf-8")
WORDS = (REPOSITORY / "reference_server" / "web" / "words.js").read_text(encoding="utf-8")


def rows(header, macro, place):
    """Column `place` of the rows of a table of the headers."""
    text = (REPOSITORY / "include" / "bsp" / header).read_text(encoding="utf-8")
    table = re.search(rf"#define {macro}\(X\)(.*?)\n\n", text, re.S).group(1)
    return {[part.strip().strip('"') for part in row.split(",")][place] for row in re.findall(r"X\((.*?)\)", table)}


def chapter(title):
    return re.search(rf"^## {title}$(.*?)(?=^## |\Z)", RUNBOOK, re.S | re.M).group(1)


def entries(text):
    return {name: body for name, body in re.findall(r"^### `([^`]+)`$(.*?)(?=^##|\Z)", text, re.S | re.M)}


class Runbook(unittest.TestCase):
    def test_every_alert_has_an_entry(self):
        alerts = rows("wire/alerts.hpp", "BSP_ALERT_TYPES", 0)
        self.assertIn("sync_lag", alerts)
        self.assertEqual(set(entries(chapter("Alerts"))), alerts)

    def test_every_error_code_has_an_entry(self):
        codes = rows("base/error.hpp", "BSP_ERRORS", 1)
        self.assertGreater(len(codes), 30)
        self.assertEqual(set(entries(chapter("Error codes"))), codes)

    def test_an_entry_says_what_it_means_where_to_look_and_what_to_do(self):
        for name, body in entries(RUNBOOK).items():
            for part in ("Means", "Look at", "Do"):
                self.assertRegex(body, rf"(?m)^\*\*{part}\.\*\* \S.{{8,}}$", name)

    def test_the_dashboard_speaks_of_entries_and_alerts_that_exist(self):
        for name in re.findall(r'/, "([a-z-]+)"\]', WORDS):
            self.assertIn(name, entries(RUNBOOK))
        for table in ("of_alerts", "titles"):
            known = re.search(rf"const {table} = {{(.*?)^}};", WORDS, re.S | re.M).group(1)
            self.assertEqual(set(re.findall(r"\b([a-z]+_[a-z_]+): ", known)) - {"is_over"}, rows("wire/alerts.hpp", "BSP_ALERT_TYPES", 0), table)


if __name__ == "__main__":
    unittest.main()
