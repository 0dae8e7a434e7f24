"""A database set aside as a copy on the same running server takes no stop back either."""

import pytest

from consent.actions.choices import stop
from consent.gate import deciding
from consent.gate.deciding import ANOTHER, Opening, read_opening
from consent.gate.shapes import as_agreed
from tests.databases import open_gate
from tests.factories import a_campaign, a_contract, a_line, an_approval
from tests.faults.restored import life_in_copy

pytestmark = pytest.mark.usefixtures("committed_db", "no_broker")


def test_in_a_copy_of_the_whole_database_the_gate_says_no_until_it_is_opened() -> None:
    campaign = a_campaign(a_contract(ref="AGR-1"))
    allowed, stopped = a_line(), a_line()
    for line in (allowed, stopped):
        an_approval(line, campaign)
    stop(line_id=stopped.pk, scope="all", actor="subscriber:1", channel="web")
    questions = [as_agreed(campaign=campaign, line=line.carrier_id) for line in (allowed, stopped)]

    def reasons() -> list[str]:
        alone = [deciding.evaluate(questions=[one], for_release=True)[0].reason for one in questions]
        assert [answer.reason for answer in deciding.evaluate(questions=questions, for_release=True)] == alone
        return alone

    assert reasons() == ["", "stopped_all"]
    with life_in_copy():
        assert read_opening() == Opening(is_open=False, why=ANOTHER, may_reopen=False)
        assert reasons() == ["restoring", "restoring"]
        open_gate()
        assert reasons() == ["", "stopped_all"]
    assert reasons() == ["", "stopped_all"]
