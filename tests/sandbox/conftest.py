"""A carrier and a partner for each test; the partner's folder outlives the process."""

import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.sandbox.carrier import Carrier
from tests.sandbox.process import Partner

type Start = Callable[..., Partner]


@pytest.fixture
def carrier() -> Iterator[Carrier]:
    carrier = Carrier()
    yield carrier
    carrier.close()


@pytest.fixture
def start(carrier: Carrier, tmp_path: Path) -> Iterator[Start]:
    """Start a partner, again and again in the same folder."""
    started: list[Partner] = []

    def begin(*options: str, program: tuple[str, ...] = ()) -> Partner:
        started.append(Partner(carrier, tmp_path / "partner", *options, program=program))
        return started[-1]

    yield begin
    for partner in started:
        if partner.process.poll() is None:
            partner.end(signal.SIGKILL)


@pytest.fixture
def partner(start: Start) -> Partner:
    return start()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Partner]:
    """One partner for tests that leave nothing behind in it."""
    carrier = Carrier()
    partner = Partner(carrier, tmp_path_factory.mktemp("shared") / "partner")
    yield partner
    partner.end(signal.SIGKILL)
    carrier.close()
