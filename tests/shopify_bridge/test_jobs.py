"""How long the job that a delivery rings for goes on looking, by a clock of the test's own."""

from types import SimpleNamespace

import pytest

from shopify_bridge import jobs


@pytest.fixture
def scene(monkeypatch):
    """Deliveries come at moments. `handled`: when the job got to them; `asked`: when it had things told."""
    scene = SimpleNamespace(now=0.0, coming=[], handled=[], asked=[])

    def sleep(seconds):
        scene.now += seconds

    def drain():
        here = [moment for moment in scene.coming if moment <= scene.now]
        scene.coming = [moment for moment in scene.coming if moment > scene.now]
        scene.handled += [scene.now] * len(here)
        return len(here)

    monkeypatch.setattr(jobs, "monotonic", lambda: scene.now)
    monkeypatch.setattr(jobs, "sleep", sleep)
    monkeypatch.setattr(jobs.inbox, "drain", drain)
    monkeypatch.setattr(jobs, "_draining", SimpleNamespace(ask=lambda: None))
    monkeypatch.setattr(jobs, "_publishing", SimpleNamespace(ask=lambda: scene.asked.append(scene.now)))
    return scene


def run():
    jobs.drain.__wrapped__()  # what tells the queue that it began is tried with a real one


def test_a_delivery_whose_ring_was_swallowed_is_handled_by_the_same_job(scene):
    last_ring = 0.3
    scene.coming = [0.0, 0.05, last_ring, last_ring + jobs.RING_EVERY_SECONDS]
    scene.coming[2:2] = [0.1, 0.15, 0.2, 0.25]
    moments = list(scene.coming)
    run()
    assert not scene.coming
    waits = [at - moment for at, moment in zip(scene.handled, moments, strict=True)]
    assert max(waits) < jobs.LOOK_EVERY_SECONDS + 1e-9
    assert len(scene.asked) == 1


def test_a_lone_delivery_occupies_the_worker_for_less_than_a_tenth_of_a_second(scene):
    scene.coming = [0.0]
    run()
    assert jobs.RING_EVERY_SECONDS < scene.asked[0] < 0.1


def test_standings_are_published_though_deliveries_never_stop(scene):
    scene.coming = [number / 100 for number in range(1000)]
    run()
    assert scene.asked == [pytest.approx(jobs.DRAIN_SECONDS, abs=jobs.LOOK_EVERY_SECONDS)]
    assert scene.coming
