"""What is missing beside the archive; a web process that met a closed gate looks once at a time, however long."""

import threading
import uuid
from datetime import datetime, timedelta
from queue import SimpleQueue
from typing import Any

import pytest
from django.db import OperationalError

from consent.models import Tightening
from consent.workers import archive_comparison
from consent.workers.archive_entries import ArchivedSuspension, Entry, list_missing_entries
from partners.models import Campaign, Contract, Suspension
from tests.factories import NOW, a_campaign, a_contract

LONG, DAY = 20.0, timedelta(days=1)


class Slow:
    """Looks that end when they are told to, each as it is told."""

    def __init__(self) -> None:
        self.begun: SimpleQueue[str] = SimpleQueue()
        self.ends: SimpleQueue[Exception | None] = SimpleQueue()

    def look(self) -> None:
        self.begun.put(threading.current_thread().name)
        error = self.ends.get(timeout=LONG)
        if error is not None:
            raise error

    def end(self, error: Exception | None = None) -> None:
        self.ends.put(error)
        for one in threading.enumerate():
            if one.name == "look-at-archive":
                one.join(LONG)


@pytest.mark.parametrize("error", [None, OperationalError("the server is away")])
def test_the_next_look_begins_when_the_last_is_over(error: Exception | None, monkeypatch: pytest.MonkeyPatch) -> None:
    slow, looker = Slow(), archive_comparison._ComparisonThread()
    monkeypatch.setattr(archive_comparison, "compare_archive", slow.look)
    monkeypatch.setattr(archive_comparison, "AGAIN_AFTER_S", 0.0)
    looker.soon()
    assert slow.begun.get(timeout=LONG) == "look-at-archive"
    for _ in range(3):
        looker.soon()
    running = [one for one in threading.enumerate() if one.name == "look-at-archive"]
    slow.end(error)
    assert (len(running), slow.begun.empty()) == (1, True)
    looker.soon()
    assert slow.begun.get(timeout=LONG) == "look-at-archive"
    slow.end()


@pytest.mark.usefixtures("db")
def test_an_epoch_is_known_by_one_as_high_and_a_suspension_by_its_beginning_or_one_that_runs() -> None:
    a_contract(ref="AGR-1", epoch=3)
    a_contract(ref="AGR-2", epoch=5)

    def is_missing(**said: Any) -> bool:
        return bool(list_missing_entries(entries=[Entry(id=str(uuid.uuid4()), before="", **said)]))

    # Of a contract that is not here nothing is missing.
    epochs = ({"AGR-1": 3}, {"AGR-1": 4}, {"AGR-1": 2, "AGR-2": 6}, {"AGR-9": 1})
    assert [is_missing(epochs=each) for each in epochs] == [False, True, True, False]
    for ref, ends_at in (("AGR-1", NOW + DAY), ("AGR-2", None)):
        Suspension.objects.create(
            of="contract", target_id=Contract.objects.get(ref=ref).pk, starts_at=NOW, ends_at=ends_at, reason="Due",
            actor="officer:1",
        )  # fmt: skip
    told = (("AGR-1", NOW, False), ("AGR-1", NOW + DAY, False), ("AGR-2", NOW + DAY, False), ("AGR-2", NOW, True))
    assert [
        is_missing(suspension=ArchivedSuspension(of="contract", ref=ref, starts_at=at, automatic=by_rule, actor="x"))
        for ref, at, by_rule in told
    ] == [False, True, False, True]


@pytest.mark.usefixtures("db")
@pytest.mark.parametrize("table", [Contract, Campaign])
def test_a_term_is_kept_outside_each_time_it_shrinks(table: type[Contract | Campaign]) -> None:
    row = a_campaign(a_contract(ends_at=NOW + 9 * DAY), ends_at=NOW + 9 * DAY)
    one = row.contract if table is Contract else row
    ends = [NOW + 3 * DAY, NOW + DAY]
    for ends_at in ends:
        table.objects.filter(pk=one.pk).update(ends_at=ends_at)
    said = Tightening.objects.filter(kind=one._meta.model_name).order_by("at", "id").values_list("facts", flat=True)
    assert [(each["ref"], datetime.fromisoformat(each["ends_at"])) for each in said] == [(one.ref, at) for at in ends]
