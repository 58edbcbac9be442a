"""The geometry of the chart of days: earned above the line, spent below. Drawn by the template as SVG.

The drawing is stretched to the width there is, so it holds bars only; words stand beside it, as text.
"""

from dataclasses import dataclass
from datetime import date

from rewards.reports import Day

HEIGHT = 160
STEP = 20
BAR = 12
LEAST = 2.0
"""A bar that stands for something can be seen."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One day: both bars hang on the line at `line`."""

    day: Day
    x: int
    line: float
    up: float
    down: float

    @property
    def top(self) -> float:
        return round(self.line - self.up, 2)


@dataclass(frozen=True, slots=True)
class Chart:
    bars: list[Bar]
    width: int
    line: float
    most_earned: int
    most_spent: int

    @property
    def first(self) -> date:
        return self.bars[0].day.date

    @property
    def middle(self) -> date:
        return self.bars[len(self.bars) // 2].day.date

    @property
    def is_empty(self) -> bool:
        return not (self.most_earned or self.most_spent)


def chart(days: list[Day]) -> Chart:
    most_earned = max((day.earned for day in days), default=0)
    most_spent = max((day.spent for day in days), default=0)
    # One scale for both, so that lengths compare.
    per_point = (HEIGHT - 2 * LEAST) / max(1, most_earned + most_spent)
    line = round(LEAST + most_earned * per_point, 2)
    bars = [
        Bar(
            day,
            index * STEP + (STEP - BAR) // 2,
            line,
            _length(day.earned, per_point),
            _length(day.spent, per_point),
        )
        for index, day in enumerate(days)
    ]
    return Chart(bars, len(days) * STEP, line, most_earned, most_spent)


def _length(points: int, per_point: float) -> float:
    return round(max(LEAST, points * per_point), 2) if points else 0.0
