"""The benches can be imported, and what they write has the shape that others read. No speed is judged."""

import json
from pathlib import Path
from typing import Any

import pytest

from bench import orders, report
from bench.figures import Bench, Result, Sample
from bench.registry import BENCHES
from shopify_bridge import payloads


def result(ours: list[float], peer: list[float], **changes: Any) -> Result:
    bench = Bench(lambda stage: pytest.fail("not run here"), **{"goal": 2.0, **changes})
    sides = [[Sample(figure, cpu=0.001, notes={"p99 ms": 7.5}) for figure in side] for side in (ours, peer)]
    return Result("one", bench, *sides)


def test_each_bench_has_a_goal_and_as_many_runs_as_it_should() -> None:
    assert BENCHES
    for name, bench in BENCHES.items():
        assert bench.goal > 0, name
        assert bench.runs in (1, 3, 5), name


def test_the_ratio_is_the_median_of_what_was_measured_in_turn() -> None:
    measured = result([300, 100, 250], [100, 100, 100])
    assert measured.as_json() == {
        "name": "one",
        "ours": 250,
        "peer": 100,
        "ratio": 2.5,
        "goal": 2.0,
        "runs": 3,
    }
    assert measured.missed == []
    assert "**2.50** (1.00 to 3.00)" in measured.as_row()


def test_a_missed_goal_is_named() -> None:
    assert result([150], [100]).missed == ["ratio 1.50"]
    assert result([150], [100], at_most=True).missed == []
    assert result([250], [100], at_most=True).missed == ["ratio 2.50"]
    assert result([250], [100], faults=lambda ours, peer: ["overdrawn"]).missed == ["overdrawn"]


def test_results_are_written_for_programs_and_replace_their_rows_for_people(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "var").mkdir()
    monkeypatch.setattr(report, "ROOT", tmp_path)
    monkeypatch.setattr(report, "RESULTS", tmp_path / "RESULTS.md")
    monkeypatch.setattr(report, "machine", lambda: "2 cores.")
    row = "| {} | was | was | **1.00** (1.00 to 1.00) | at least 1 | met | 5 |"
    table = "\n".join(["", "1 core.", "", report.HEAD, row.format("one"), row.format("other"), ""])
    report.RESULTS.write_text(f"# Results\n\n{report.BEGIN}{table}{report.END}\n\nLearnt.\n")
    found = result([300], [100])
    report.write([{"entry": found.as_json(), "row": found.as_row()}], record=True)
    text = report.RESULTS.read_text()
    assert json.loads((tmp_path / "var" / "bench.json").read_text()) == [found.as_json()]
    assert text.startswith("# Results\n")
    assert text.endswith("\n\nLearnt.\n")
    assert found.as_row() in text
    assert row.format("one") not in text
    assert row.format("other") in text
    assert ("2 cores." in text, "1 core." in text) == (True, False)


def test_the_orders_are_of_the_size_that_they_are_said_to_have_and_readable() -> None:
    whole = orders.whole(1)
    assert 10_500 < len(json.dumps(whole, separators=(",", ":"))) < 11_800
    for order in (whole, orders.wanted(whole)):
        fact = payloads.order(payloads.parse(json.dumps(order).encode()), shop_id=1)
        assert len(fact.lines) == orders.LINES
        assert fact.paid
