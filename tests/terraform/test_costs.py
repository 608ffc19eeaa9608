"""The arithmetic of docs/deploy-gcp.md."""

import re

from tests.terraform.workspace import ROOT

ROW = re.compile(
    r"^\| (?P<item>[^|]+) \| (?P<many>[\d.]+) [^|]+\| (?P<price>[\d.]+) \| (?P<month>[\d.]+) \|$"
)
SUM = re.compile(r"^\| \*\*Sum\*\* \| \| \| \*\*(?P<month>[\d.]+)\*\* \|$")


def test_every_line_and_every_sum_is_right() -> None:
    text = (ROOT / "docs/deploy-gcp.md").read_text()
    total, sums, lines = 0.0, [], 0
    for line in text.splitlines():
        row, end = ROW.match(line), SUM.match(line)
        if row:
            month = float(row["month"])
            assert abs(float(row["many"]) * float(row["price"]) - month) < 0.0051, line
            total, lines = total + month, lines + 1
        if end:
            assert abs(total - float(end["month"])) < 0.006, f"{line}: {total}"
            sums.append(float(end["month"]))
            total = 0.0
    assert (len(sums), lines) == (3, 20)
    small, standard, _ = sums
    assert f"about {small:.0f} USD" in text
    assert f"about {standard:.0f} USD" in text
