from __future__ import annotations

from engine.core.progress import StepClock, silent


def test_every_step_tells_its_seconds_those_that_processors_worked_and_its_memory() -> None:
    clock = StepClock(silent)
    clock("Counting", 0.0)
    total = sum(range(2_000_000))
    clock("Waiting", 0.0)
    clock("Counting", 1.0)
    counting, waiting = clock.seconds()
    assert total
    assert (counting["name"], waiting["name"]) == ("Counting", "Waiting")
    assert float(counting["cpu_seconds"]) > float(waiting["cpu_seconds"])
    assert float(counting["seconds"]) >= 0.0
    assert float(waiting["peak_mb"]) > 10
