"""Two imports of the same rows at once, an import that was cut off, a notice while its row is being stored."""

from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from itertools import batched
from typing import Any

import pytest
from django.db import connection
from django.db.backends.utils import CursorWrapper

from audit.queries import database_clock
from disclosures.domain.ingest import projections
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
    line_row,
    ndjson,
    release_row,
    take_approvals,
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


def test_an_import_that_was_cut_off_goes_on_where_it_was() -> None:
    rows = world()
    take_releases(*rows[:100])
    fates = take_releases(*rows)
    assert Counter(fate.status for fate in fates) == {"accepted": 140, "repeated": 100}


def test_a_notice_that_comes_while_its_row_is_being_stored_is_put_on_it(monkeypatch: pytest.MonkeyPatch) -> None:
    take_parties()
    take_lines(line_row())
    leave, fates = projections.leave, list[Future[list[Fate]]]()

    def notice() -> list[Fate]:
        taken = take_notices({"disclosure_id": "r", "suppressed_until": None, "order_ref": "court"})
        connection.close()
        return taken

    with ThreadPoolExecutor(1) as other:

        def gag_meanwhile(*, cursor: CursorWrapper, rows: str, terms: str, at: datetime, **more: Any) -> dict[int, int]:
            fates.append(other.submit(notice))
            return leave(cursor=cursor, rows=rows, terms=terms, at=at, **more)

        monkeypatch.setattr(projections, "leave", gag_meanwhile)
        take_releases(release_row(id="r"))
        assert told(fates[0].result()) == [("accepted",)]
    assert not HeldNotice.objects.exists()
