"""Files for spreadsheets."""

import csv
from collections.abc import Iterable, Sequence

from django.http import HttpResponse


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> HttpResponse:
    """A CSV file with a line of names."""
    answer = HttpResponse(content_type="text/csv; charset=utf-8")
    file = csv.writer(answer)
    file.writerow(columns)
    file.writerows(rows)
    return answer


def plain(text: str) -> str:
    """Nothing that a spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
