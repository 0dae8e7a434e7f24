"""What `bench burst` measures: each stop's answer, and each order from the click to its partner's 202."""

import pytest

from consent.models import Choice
from tests.faults.fixtures import World
from tools.bench import burst
from tools.bench.burst import PARTNERS, make_people, measure_burst
from tools.bench.measure import BenchmarkFailed
from tools.bench.world import receiver


def test_every_stop_and_order_is_timed_and_none_may_be_lost(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    port = world.programs.web_port
    world.programs.worker()
    with receiver() as first, receiver() as second:
        people = make_people(urls=[first, second], count=7)
        for some, a_second in ((people[:4], 0.0), (people[4:], 20.0)):
            found = measure_burst(port=port, urls=[first, second], people=some, a_second=a_second)
            assert (len(found.answered_ms), len(found.arrived_s)) == (len(some), len(some) * len(PARTNERS))
            assert found.a_second > 0
            assert min(found.arrived_s) > 0
        assert set(Choice.objects.values_list("line_id", "scope")) == {(one.line_id, "all") for one in people}
        # Pressed again they are the same stops; asked of one partner alone, the other's orders are missing.
        monkeypatch.setattr(burst, "ARRIVES_WITHIN_S", 0.0)
        with pytest.raises(BenchmarkFailed, match=r"^7 of 14 orders did not arrive in 0 s$"):
            measure_burst(port=port, urls=[first], people=people)
