"""The widget costs the product page less than two points of Lighthouse's mobile score."""

import json
from statistics import median

import requests

from tests.judges.node import judge
from tests.smoke.demo import Demo
from tests.smoke.shop import Shop

PAGE = "/products/harbour-house-blend"
MOST_LOST = 2


def test_the_product_page_stays_fast(demo: Demo, shop: Shop) -> None:
    assert "<loyalty-widget" in requests.get(demo.sandbox + PAGE, timeout=10).text
    # A machine that was busy with something else gets one more chance.
    assert lost(demo) <= MOST_LOST or lost(demo) <= MOST_LOST
    assert "<loyalty-widget" in requests.get(demo.sandbox + PAGE, timeout=10).text


def lost(demo: Demo) -> float:
    result = judge("lighthouse.mjs", "3", demo.sandbox, PAGE)
    assert result.returncode == 0, result.stderr
    scores = json.loads(result.stdout)
    return median(scores["off"]) - median(scores["on"])
