import pytest

from tests.partners.fixtures import outside
from tests.partners.outside import Outside
from tests.revocations.ended import Ended, end
from tests.revocations.ordered import Ordered, a_stop
from tests.revocations.scenes import Scene, a_scene

__all__ = ["outside"]


@pytest.fixture
def scene(outside: Outside) -> Scene:
    return a_scene(outside)


@pytest.fixture
def ordered(scene: Scene) -> Ordered:
    return a_stop(scene)


@pytest.fixture
def ended(scene: Scene) -> Ended:
    return end(scene)
