"""A stop that waits for its line is taken in before any yes of that line is, wherever the yes comes from."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from django.db import connections

from accounts.models import Line
from accounts.primitives.sealing import number_hash
from accounts.queries import StaffOnly
from audit.models import Incident
from audit.queries import database_clock
from consent.feeds import records
from consent.feeds.approvals import ApprovalsFeed
from consent.feeds.choices import ChoicesFeed
from consent.feeds.lines import LinesFeed
from consent.gate.deciding import evaluate
from consent.gate.shapes import Question
from consent.models import Approval, Choice, ChoiceOrder, HeldRow
from console.actions.terms import put_in_force
from disclosures import tasks
from disclosures.domain.ingest import rejudging
from disclosures.feeds.terms import settle_files
from partners.feeds.parties import PartiesFeed
from partners.feeds.reading import NumberedLine
from revocations.models import Order
from tests.consent.claiming import a_partner
from tests.feeds import (
    BRIDGE,
    NUMBER,
    ROAD,
    ROADSIDE,
    Row,
    approval_row,
    choice_row,
    line_row,
    ndjson,
    parties_document,
    take_approvals,
    take_choices,
    take_lines,
    take_parties,
    told,
)
from tests.overlapping import elsewhere

pytestmark = pytest.mark.usefixtures("committed_db", "no_broker")
YES, NO = approval_row(id="yes"), choice_row(id="no")
N2 = "+12065550177"


def reason(number: str = NUMBER) -> str:
    question = Question(
        aggregator=BRIDGE, provider=ROAD, campaign="CMP-road", purpose=ROADSIDE, scope="location-retrieval:read",
        precision_m=500, msisdn=number,
    )  # fmt: skip
    return evaluate(questions=[question])[0].reason


def line_alone(*rows: Row) -> None:
    """The lines are there; the import was killed, or goes on, before it came to what was held for them."""
    lines = [NumberedLine(n, ndjson([row])) for n, row in enumerate(rows or [line_row()], start=1)]
    assert told(LinesFeed().take(lines=lines, at=database_clock())) == [("accepted",)] * len(lines)


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the gate says after each transaction in which rows of a feed are written."""
    found: list[str] = []
    take_in = records.RecordsFeed[Any, Any]._take_in

    def and_ask(*args: Any) -> Any:
        done = take_in(*args)
        found.append(reason())
        return done

    monkeypatch.setattr(records.RecordsFeed, "_take_in", and_ask)
    return found


def held(*rows: Row) -> None:
    approvals = [row for row in rows if "captured_at" in row]
    choices = [row for row in rows if "made_at" in row]
    fates = (take_approvals(*approvals) if approvals else []) + (take_choices(*choices) if choices else [])
    assert told(fates) == [("rejected", "msisdn", "line_unknown")] * len(rows)


def test_a_waiting_stop_comes_before_a_waiting_yes(answers: list[str]) -> None:
    take_parties()
    held(YES, NO)
    take_lines(line_row())
    assert answers
    assert set(answers) == {"stopped_all"}
    assert (HeldRow.objects.count(), Approval.objects.count(), Choice.objects.count()) == (0, 1, 1)
    # Its partner came to be concerned after the stop, and is told of it.
    assert [one.snapshot["state"] for one in Order.objects.all()] == [[]]
    assert ChoiceOrder.objects.count() == 1


def test_a_waiting_row_that_no_key_opens_keeps_no_stop_of_another_waiting() -> None:
    take_parties()
    held(NO, choice_row(id="no-2", msisdn=N2))
    with connections["owner"].cursor() as cursor:
        cursor.execute(
            "UPDATE consent_heldrow SET row_sealed = 'not ours' WHERE msisdn_hash = %s", [number_hash(NUMBER)]
        )
    take_lines(line_row(), line_row(line_id="L2", msisdn=N2, account_id="A2"))
    assert list(Choice.objects.values_list("line_id", flat=True)) == [Line.objects.get(carrier_id="L2").pk]
    assert reason(N2) == "stopped_all"
    assert HeldRow.objects.count() == 1
    assert list(Incident.objects.values_list("kind", "subject")) == [("work_breaks", "consent.held_rows")]


def test_so_it_does_where_each_waits_in_another_batch(monkeypatch: pytest.MonkeyPatch, answers: list[str]) -> None:
    take_parties()
    monkeypatch.setattr(records, "HELD_BATCH", 1)
    yes = {"kind": "allow", "scope": "campaign", "ref": "CMP-road", "made_at": "2025-06-01T00:00:00Z"}
    held(*(choice_row(id=f"yes-{n}", **yes) for n in range(6)), NO)
    take_lines(line_row())
    assert "" not in answers
    assert (reason(), HeldRow.objects.count(), Choice.objects.count()) == ("stopped_all", 0, 7)


@pytest.mark.parametrize("killed_in", [ApprovalsFeed, ChoicesFeed])
def test_import_of_lines_that_is_killed_between_two_allows_nothing(
    monkeypatch: pytest.MonkeyPatch, killed_in: type[Any]
) -> None:
    take_parties()
    held(YES, NO)

    def cut_off(*_: object) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(killed_in, "take_in", cut_off)
        with pytest.raises(KeyboardInterrupt):
            take_lines(line_row())
    assert reason() in {"no_approval", "stopped_all"}
    tasks.take_in_records()
    assert (reason(), HeldRow.objects.count()) == ("stopped_all", 0)


def by_a_parties_file() -> None:
    feed, at = PartiesFeed(), database_clock()
    feed.take(lines=[NumberedLine(1, ndjson([parties_document()]))], at=at)
    settle_files(at=at)


def by_an_officer() -> None:
    with pytest.raises(StaffOnly):
        put_in_force(of="campaign", target_id=0, reason="Due", actor="officer:0", at=database_clock())


def by_a_new_yes() -> None:
    take_approvals(approval_row(id="new"))


def by_an_allow() -> None:
    take_choices(choice_row(kind="allow", scope="campaign", ref="CMP-road", made_at="2025-07-01T00:00:00Z"))


@pytest.mark.parametrize("brings", [by_a_parties_file, by_an_officer, by_a_new_yes, by_an_allow])
def test_whatever_brings_yes_before_the_lines_come_to_their_end(
    answers: list[str], brings: Callable[[], object]
) -> None:
    take_parties()
    held(YES, NO)
    line_alone()
    assert reason() == "no_approval"
    brings()
    assert answers
    assert set(answers) <= {"no_approval", "stopped_all"}
    assert reason() == "stopped_all"
    assert not HeldRow.objects.filter(feed="choices").exists()
    rejudging.rejudge(cause="consent")
    assert ChoiceOrder.objects.count() == 1


def test_a_claim_by_api_finds_the_stop_in_the_ledger() -> None:
    partner = a_partner()
    held(NO)
    line_alone(line_row(activated_at=NO["made_at"]))
    _, answer = partner.claims(partner.claim())
    assert [one["status"] for one in answer["results"]] == ["accepted"]
    assert (Choice.objects.count(), Approval.objects.count(), HeldRow.objects.count()) == (1, 1, 0)
    assert Choice.objects.get().recorded_at <= Approval.objects.get().recorded_at


def test_stop_of_the_line_that_it_continues_comes_first_too(answers: list[str]) -> None:
    take_parties()
    held(choice_row(id="no", msisdn=N2))
    before = line_row(line_id="L0", msisdn=N2, deactivated_at="2025-09-01T00:00:00Z")
    line_alone(before, line_row(activated_at="2025-09-01T00:00:00Z", continues_line_id="L0"))
    take_approvals(approval_row(captured_at="2025-10-01T00:00:00Z"))
    later, first = Line.objects.get(carrier_id="L1"), Line.objects.get(carrier_id="L0")
    assert set(Choice.objects.values_list("line_id", "scope")) == {(later.pk, "all"), (first.pk, "all")}
    assert Choice.objects.get(line_id=later.pk).recorded_at < Approval.objects.get().recorded_at
    assert not HeldRow.objects.exists()
    # A file's newer yes outweighs a file's older stop.
    assert answers == ["no_approval", "stopped_all", ""]


def test_what_waits_for_another_holder_of_the_number_keeps_waiting() -> None:
    take_parties()
    held(NO)
    # One of them lost it at the very moment.
    before = line_row(line_id="L0", deactivated_at=NO["made_at"])
    line_alone(before, line_row(activated_at="2025-09-01T00:00:00Z"))
    assert not ChoicesFeed().stops_wait(line_ids=list(Line.objects.values_list("pk", flat=True)))
    take_approvals(YES, approval_row(captured_at="2025-10-01T00:00:00Z"))
    counts = (HeldRow.objects.count(), Choice.objects.count(), Approval.objects.count())
    assert (reason(), counts) == ("", (1, 0, 2))


def test_a_stop_whose_line_comes_meanwhile_does_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    take_parties()
    unknown = ChoicesFeed.unknown_campaigns

    def and_meanwhile(self: ChoicesFeed, entries: Any) -> set[str]:
        monkeypatch.setattr(ChoicesFeed, "unknown_campaigns", unknown)
        elsewhere(lambda: (take_lines(line_row()), take_approvals(YES)))
        assert reason() == ""
        return unknown(self, entries)

    monkeypatch.setattr(ChoicesFeed, "unknown_campaigns", and_meanwhile)
    assert told(take_choices(NO)) == [("accepted",)]
    assert (reason(), HeldRow.objects.count()) == ("stopped_all", 0)


def test_what_a_killed_import_left_is_taken_in_by_itself() -> None:
    take_parties()
    take_lines(line_row())
    take_approvals(YES)
    later: Mapping[str, object] = {"id": "no", "msisdn": N2, "scope": "campaign", "ref": "CMP-road"}
    held(choice_row(**later))
    line_alone(line_row(line_id="L2", msisdn=N2, account_id="A2", holder_name="Bo"))
    tasks.take_in_records()
    assert (Choice.objects.get().source_id, HeldRow.objects.count()) == ("no", 0)
    tasks.take_in_records()
    assert Choice.objects.count() == 1
