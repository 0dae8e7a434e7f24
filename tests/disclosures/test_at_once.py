"""Imports at once or cut off, a notice while its row is stored, a line that breaks: nobody keeps others waiting."""

from collections import Counter
from collections.abc import Collection
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from itertools import batched
from typing import Any

import pytest
from django.db import connection
from django.db.backends.utils import CursorWrapper

from accounts.models import Line
from audit.queries import database_clock
from consent.actions.late_releases import enqueue_orders_for_newly_affected
from consent.models import RejudgeRequest
from disclosures.domain.ingest import projections, rejudging
from disclosures.feeds.releases import DisclosuresFeed
from disclosures.models import Disclosure, DisclosureRegister, HeldNotice
from partners.feeds.checking import Fate
from partners.feeds.reading import NumberedLine
from tests.feeds import (
    BRIDGE,
    JAIL,
    ROAD,
    Row,
    approval_row,
    choice_row,
    line_row,
    ndjson,
    release_row,
    take_approvals,
    take_choices,
    take_lines,
    take_notices,
    take_parties,
    take_releases,
    told,
)

pytestmark = pytest.mark.usefixtures("committed_db", "no_broker")


def world() -> list[Row]:
    take_parties()
    take_lines(line_row())
    take_approvals(approval_row())
    tails = [[], [JAIL], ["https://new.example"], ["unknown"]]
    return [
        release_row(id=f"r{n}", path=[BRIDGE, ROAD, *tails[n % 4]], occurred_at=f"2025-07-{n % 28 + 1:02}T00:00:00Z")
        for n in range(240)
    ]


def test_each_row_is_taken_exactly_once_whoever_comes_first() -> None:
    rows = world()

    def import_them(order: int) -> Counter[str]:
        lines = [NumberedLine(n, line) for n, line in enumerate(ndjson(rows[::order]).splitlines(), 1)]
        fates = [
            fate
            for chunk in batched(lines, 40, strict=False)
            for fate in DisclosuresFeed().take(lines=chunk, at=database_clock())
        ]
        connection.close()
        return Counter(fate.status for fate in fates)

    with ThreadPoolExecutor(3) as pool:
        counts = sum(pool.map(import_them, (1, -1, 1)), Counter[str]())
    assert counts == {"accepted": 240, "repeated": 480}
    assert (Disclosure.objects.count(), DisclosureRegister.objects.count()) == (240, 240)
    # One that goes on where it was cut off.
    more = [row | {"id": f"more {row['id']}"} for row in rows]
    take_releases(*more[:100])
    assert Counter(fate.status for fate in take_releases(*more)) == {"accepted": 140, "repeated": 100}


def test_a_notice_finds_the_row_that_is_being_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    take_parties()
    take_lines(line_row())
    leave, fates = projections.write_projections, list[Future[list[Fate]]]()

    def notice() -> list[Fate]:
        taken = take_notices({"disclosure_id": "r", "suppressed_until": None, "order_ref": "court"})
        connection.close()
        return taken

    with ThreadPoolExecutor(1) as other:

        def gag_meanwhile(*, cursor: CursorWrapper, rows: str, terms: str, at: datetime, **more: Any) -> dict[int, int]:
            fates.append(other.submit(notice))
            return leave(cursor=cursor, rows=rows, terms=terms, at=at, **more)

        monkeypatch.setattr(projections, "write_projections", gag_meanwhile)
        take_releases(release_row(id="r"))
        assert told(fates[0].result()) == [("accepted",)]
    assert not HeldNotice.objects.exists()


def test_a_line_that_breaks_is_left_alone(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    other, since = "+12065550199", "2025-06-15T00:00:00Z"
    take_parties()
    take_lines(line_row(), line_row(line_id="L2", msisdn=other))
    take_approvals(approval_row(), approval_row(msisdn=other))
    take_releases(release_row(), release_row(msisdn=other))
    bad = Line.objects.get(carrier_id="L1").pk

    def breaks(*, line_ids: Collection[int]) -> int:
        if bad in line_ids:
            raise RuntimeError
        return enqueue_orders_for_newly_affected(line_ids=line_ids)

    monkeypatch.setattr("disclosures.domain.ingest.rejudging._list_lines_with_untold_partners", sorted)
    monkeypatch.setattr("disclosures.domain.ingest.rejudging.enqueue_orders_for_newly_affected", breaks)
    fates = take_choices(choice_row(made_at=since), choice_row(msisdn=other, made_at=since))
    assert told(fates) == [("accepted",)] * 2
    assert by_line() == {"L1": "permitted", "L2": "after_stop"}
    assert set(RejudgeRequest.objects.values_list("line_id", flat=True)) == {bad}
    assert "a line can't be judged again" in caplog.text
    assert other not in caplog.text
    monkeypatch.undo()
    assert rejudging.rejudge(cause="consent") == 1
    assert by_line() == {"L1": "after_stop", "L2": "after_stop"}
    assert not RejudgeRequest.objects.exists()


def by_line() -> dict[str, str]:
    names = dict(Line.objects.values_list("pk", "carrier_id"))
    return {names[row.line_id]: row.judgement for row in Disclosure.objects.all()}
