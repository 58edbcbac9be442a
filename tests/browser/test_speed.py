"""The widget costs the product page less than two points of Lighthouse's mobile score."""

import json

import requests

from tests.judges.node import judge
from tests.smoke.demo import Demo
from tests.smoke.shop import Shop

PAGE = "/products/harbour-house-blend"
MOST_LOST = 2


def test_the_product_page_stays_fast(demo: Demo, shop: Shop) -> None:
    assert "<loyalty-widget" in requests.get(demo.sandbox + PAGE, timeout=10).text
    assert lost(demo) <= MOST_LOST
    assert "<loyalty-widget" in requests.get(demo.sandbox + PAGE, timeout=10).text


def lost(demo: Demo) -> int:
    """By the best of either: whatever else a machine does, it makes no page faster."""
    result = judge("lighthouse.mjs", "5", demo.sandbox, PAGE)
    assert result.returncode == 0, result.stderr
    scores: dict[str, list[int]] = json.loads(result.stdout)
    return max(scores["off"]) - max(scores["on"])
