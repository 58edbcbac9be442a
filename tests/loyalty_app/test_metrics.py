"""Numbers of rows, as operators read them."""

import pytest
from django.db import OperationalError

from loyalty_app import metrics


def test_without_a_database_that_is_what_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> None:
        raise OperationalError("the connection is closed")

    monkeypatch.setattr(metrics, "_counted", away)
    (family,) = metrics.DatabaseCollector().collect()
    assert [(sample.name, sample.value) for sample in family.samples] == [("loyalty_database_up", 0)]
