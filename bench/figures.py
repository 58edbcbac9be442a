"""What a bench measures, and what becomes of its runs."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from bench.stage import Stage


@dataclass(frozen=True)
class Sample:
    """One turn: a figure in the bench's unit, CPU seconds for one operation, and what else was seen."""

    figure: float
    cpu: float
    notes: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Turns:
    """Ours and the peer's, in turn: what else the machine does hits both."""

    ours: Callable[[], Sample]
    peer: Callable[[], Sample]


def no_faults(ours: list[Sample], peer: list[Sample]) -> list[str]:
    return []


@dataclass(frozen=True)
class Bench:
    """`goal` is the least ratio of ours to the peer's or, with `at_most`, the largest one allowed.

    `faults` looks at all samples for what the ratio doesn't say, and names what isn't as it should be.
    """

    open: Callable[[Stage], AbstractContextManager[Turns]]
    goal: float
    runs: int = 5
    unit: str = "/s"
    at_most: bool = False
    faults: Callable[[list[Sample], list[Sample]], list[str]] = no_faults


@dataclass(frozen=True)
class Result:
    name: str
    bench: Bench
    ours: list[Sample]
    peer: list[Sample]

    @property
    def ratios(self) -> list[float]:
        return [ours.figure / peer.figure for ours, peer in zip(self.ours, self.peer, strict=True)]

    @property
    def missed(self) -> list[str]:
        ratio, goal = median(self.ratios), self.bench.goal
        short = ratio > goal if self.bench.at_most else ratio < goal
        return ([f"ratio {ratio:.2f}"] if short else []) + self.bench.faults(self.ours, self.peer)

    def as_json(self) -> dict[str, Any]:
        """One entry of var/bench.json: medians; rates as per second, times in seconds."""
        return {
            "name": self.name,
            "ours": median(sample.figure for sample in self.ours),
            "peer": median(sample.figure for sample in self.peer),
            "ratio": median(self.ratios),
            "goal": self.bench.goal,
            "runs": len(self.ours),
        }

    def as_row(self) -> str:
        """One row of the table in bench/RESULTS.md."""
        goal = f"{'at most' if self.bench.at_most else 'at least'} {self.bench.goal:g}"
        cells = [
            self.name,
            _spread(self.ours, self.bench.unit),
            _spread(self.peer, self.bench.unit),
            f"**{median(self.ratios):.2f}** ({min(self.ratios):.2f} to {max(self.ratios):.2f})",
            goal,
            "; ".join(self.missed) or "met",
            str(len(self.ours)),
        ]
        return f"| {' | '.join(cells)} |"


HEAD = "| bench | ours | peer | ratio | goal | | runs |\n|---|---|---|---|---|---|---|"


def _spread(samples: list[Sample], unit: str) -> str:
    """Median, least and most; CPU for each operation; the medians of what else was seen."""
    figures = [sample.figure for sample in samples]
    text = f"{number(median(figures))}{unit} ({number(min(figures))} to {number(max(figures))})"
    cpu = median(sample.cpu for sample in samples)
    parts = [f"CPU {seconds(cpu)}"] if cpu else []
    for name in samples[0].notes:
        parts.append(f"{name} {number(median(sample.notes[name] for sample in samples))}")
    return ", ".join([text, *parts])


def number(value: float) -> str:
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def seconds(value: float) -> str:
    return f"{number(value * 1000)} ms" if value < 1 else f"{number(value)} s"
