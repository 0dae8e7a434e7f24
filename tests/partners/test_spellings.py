"""A request whose recipient is spelt in another way is held by the stops of those whom its campaign reaches."""

import pytest

from consent.gate.deciding import evaluate
from consent.gate.shapes import Question
from tests.feeds import (
    BRIDGE,
    JAIL,
    NUMBER,
    ROAD,
    ROADSIDE,
    approval_row,
    choice_row,
    line_row,
    parties_document,
    release_row,
    take_approvals,
    take_choices,
    take_lines,
    take_parties,
    take_releases,
)  # fmt: skip

pytestmark = pytest.mark.usefixtures("db", "no_broker")
SPELLINGS = (
    f"{JAIL}/", f"{JAIL}//", f"{JAIL}.", f"{JAIL}./", JAIL.upper(), f"{JAIL}:443", f"{JAIL}:443/",
    JAIL.replace("https", "http"), JAIL.replace("county", "%63ounty"), JAIL.replace("county", "%43ounty"),
    f"{JAIL}%2F", JAIL.replace("county", "county\u200b"), f" {JAIL}", f"{JAIL}\u00a0",
)  # fmt: skip
OTHERS = ("https://countyjail.example.org", f"{JAIL}/branch", f"{JAIL}:8443", "https://county-jail.example")


def ask(recipient: str) -> str:
    question = Question(
        aggregator=BRIDGE, provider=ROAD, campaign="CMP-road", purpose=ROADSIDE, scope="location-retrieval:read",
        precision_m=500, msisdn=NUMBER, recipient=recipient,
    )  # fmt: skip
    return evaluate(questions=[question])[0].reason


@pytest.fixture
def stopped(db: None, no_broker: None) -> None:
    """A line whose person agreed to a service that names for whom it asks, and then stopped one of those."""
    document = parties_document()
    document["campaigns"][0] |= {"names_recipient": True, "recipients": [JAIL]}
    take_parties(document)
    take_lines(line_row())
    take_approvals(approval_row())
    take_choices(choice_row(scope="party", ref=JAIL))


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.usefixtures("stopped")
def test_another_spelling_leaves_no_stop_behind(spelling: str) -> None:
    assert ask(spelling) == "stopped_party"
    take_releases(release_row(path=[BRIDGE, ROAD, spelling], occurred_at="2025-09-01T12:00:00Z"))
    assert ask(spelling) == "stopped_party"


@pytest.mark.parametrize("other", OTHERS)
@pytest.mark.usefixtures("stopped")
def test_another_company_is_told_apart_once_a_release_names_it(other: str) -> None:
    assert ask(other) == "stopped_party"
    take_releases(release_row(path=[BRIDGE, ROAD, other], occurred_at="2025-09-01T12:00:00Z"))
    assert ask(other) == ""
