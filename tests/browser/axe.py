"""axe-core in the page at hand and in its frames; shadow trees are looked into."""

from pathlib import Path

from playwright.sync_api import Frame, Page, ViewportSize

WIDE: ViewportSize = {"width": 1280, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}

AXE = (Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js").read_text()
RUN = """axe.run({ resultTypes: ['violations'], iframes: false }).then((found) => found.violations.flatMap(
  (one) => one.nodes.map((node) => `${one.id}: ${node.target.flat().join(' ')} (${node.failureSummary})`)))"""


def barriers(page: Page) -> list[str]:
    """What hinders people here, on a wide screen and on a phone, in every frame."""
    found = []
    for size in (PHONE, WIDE):
        page.set_viewport_size(size)
        found += [f"{size['width']} px: {barrier}" for frame in page.frames for barrier in _in(frame)]
    return found


def _in(frame: Frame) -> list[str]:
    if not frame.evaluate("'axe' in window"):
        frame.evaluate(AXE)
    found: list[str] = frame.evaluate(RUN)
    return found
