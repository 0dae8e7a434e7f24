"""One line that can't be judged again keeps no other from it, and is tried again."""

from collections.abc import Collection

import pytest

from accounts.models import Line
from consent.actions.late_releases import enqueue_orders_for_newly_affected
from consent.models import RejudgeRequest
from disclosures.domain.ingest import judging
from disclosures.models import Disclosure
from tests.feeds import (
    approval_row,
    choice_row,
    line_row,
    release_row,
    take_approvals,
    take_choices,
    take_lines,
    take_parties,
    take_releases,
    told,
)

pytestmark = pytest.mark.usefixtures("db", "no_broker")
JUDGING = "disclosures.domain.ingest.judging"
OTHER, STOPPED_AT = "+12065550199", "2025-06-15T00:00:00Z"


def test_a_line_that_breaks_is_left_and_the_others_go_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    take_parties()
    take_lines(line_row(), line_row(line_id="L2", msisdn=OTHER))
    take_approvals(approval_row(), approval_row(msisdn=OTHER))
    take_releases(release_row(), release_row(msisdn=OTHER))
    bad = Line.objects.get(carrier_id="L1").pk

    def breaks(*, line_ids: Collection[int]) -> int:
        if bad in line_ids:
            raise RuntimeError
        return enqueue_orders_for_newly_affected(line_ids=line_ids)

    monkeypatch.setattr(f"{JUDGING}._with_untold_partners", sorted)
    monkeypatch.setattr(f"{JUDGING}.enqueue_orders_for_newly_affected", breaks)
    fates = take_choices(choice_row(made_at=STOPPED_AT), choice_row(msisdn=OTHER, made_at=STOPPED_AT))
    assert told(fates) == [("accepted",)] * 2
    assert by_line() == {"L1": "permitted", "L2": "after_stop"}
    assert set(RejudgeRequest.objects.values_list("line_id", flat=True)) == {bad}
    assert "a line can't be judged again" in caplog.text
    assert OTHER not in caplog.text
    monkeypatch.setattr(f"{JUDGING}.enqueue_orders_for_newly_affected", enqueue_orders_for_newly_affected)
    assert judging.rejudge(cause="consent") == 1
    assert by_line() == {"L1": "after_stop", "L2": "after_stop"}
    assert not RejudgeRequest.objects.exists()


def by_line() -> dict[str, str]:
    names = dict(Line.objects.values_list("pk", "carrier_id"))
    return {names[row.line_id]: row.judgement for row in Disclosure.objects.all()}
