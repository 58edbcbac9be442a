"""Where results go: var/bench.json for programs, the table in bench/RESULTS.md for people."""

import json
from pathlib import Path
from typing import Any, TypedDict

from bench.figures import HEAD
from bench.stage import ROOT
from bench.tools import machine

RESULTS = Path(__file__).with_name("RESULTS.md")
BEGIN, END = "<!-- figures -->", "<!-- end of figures -->"


class Found(TypedDict):
    entry: dict[str, Any]
    row: str


def write(measured: list[Found], *, record: bool) -> None:
    (ROOT / "var" / "bench.json").write_text(
        json.dumps([found["entry"] for found in measured], indent=2) + "\n"
    )
    print("\n".join([HEAD, *(found["row"] for found in measured)]), flush=True)
    if record:
        text = RESULTS.read_text()
        before, _, rest = text.partition(BEGIN)
        table, _, after = rest.partition(END)
        rows = _merged(table, [found["row"] for found in measured])
        RESULTS.write_text("\n".join([before + BEGIN, "", machine(), "", HEAD, *rows, "", END + after]))


def _merged(table: str, new: list[str]) -> list[str]:
    """The rows of before, with the new ones in their places or behind."""
    rows = {_name(line): line for line in table.splitlines()[4:] if line.startswith("| ")}
    rows.pop("bench", None)
    return list({**rows, **{_name(row): row for row in new}}.values())


def _name(row: str) -> str:
    return row.split("|")[1].strip()
