"""A yes that came by a number which, as is known later, was no longer its line's: it never counts there."""

import io
import zipfile
from collections.abc import Callable, Sequence
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from accounts.models import Line
from audit.models import AuditEvent
from audit.queries import database_clock
from consent.actions.choices import allow, stop
from consent.actions.lines import terminate
from consent.domain import consent_requests
from consent.domain.consent_requests import token_of
from consent.domain.snapshots import lock_lines
from consent.feeds.approvals import ApprovalsFeed, apply_pending_rows
from consent.feeds.records import RecordsFeed
from consent.gate.deciding import evaluate
from consent.gate.shapes import Question
from consent.models import Approval, Choice, ConsentRequest, HeldRow, InvalidatedApproval, LineGate
from consent.queries import current_consent as standing
from consent.queries import termination
from consent.queries.choices import choice_of
from consent.queries.permission import permission_at
from consent.queries.termination import ended_agreements
from disclosures.models import Disclosure
from disclosures.queries.downloads import export_of
from disclosures.workers import archiving
from partners.models import Contract, Party
from revocations.models import Order
from support.queries.case import case_of
from tests.clocks import standing_still
from tests.consent.claiming import a_partner, text_now
from tests.factories import an_approval
from tests.feeds import (
    BRIDGE,
    NUMBER,
    ROAD,
    ROADSIDE,
    approval_row,
    choice_row,
    line_row,
    moment,
    release_row,
    take_approvals,
    take_choices,
    take_lines,
    take_parties,
    take_releases,
    told,
)
from tests.overlapping import elsewhere
from tests.people import PASSWORD, Browser, signed_in
from tests.properties import undone
from tests.selection import drawn
from tests.staff import an_actor
from tests.support.desk import a_ticket

pytestmark = pytest.mark.usefixtures("no_broker")
NEW = "+12065550177"
AT = "2025-09-03T00:00:00Z"
CHANGED = line_row(msisdn=NEW, number_changed_at="2025-09-01T00:00:00Z")
M = line_row(line_id="M", activated_at="2025-09-02T00:00:00Z", account_id="A2", holder_name="Bo Reed")


def answer(line: str) -> str:
    """What gate and ledger say of the line, which is the same."""
    question = Question(
        aggregator=BRIDGE, provider=ROAD, campaign="CMP-road", purpose=ROADSIDE, scope="location-retrieval:read",
        precision_m=500, line=line,
    )  # fmt: skip
    now = database_clock()
    said = evaluate(questions=[question])[0].reason or "permitted"
    assert said == permission_at(
        line_id=Line.objects.get(carrier_id=line).pk, campaign="CMP-road", purpose=ROADSIDE, parties=[BRIDGE, ROAD],
        precision_m=500, at=now, known_at=now,
    )  # fmt: skip
    return said


def the_yes() -> object:
    return take_approvals(approval_row(id="yes", captured_at=AT))


def the_allow() -> object:
    return take_choices(choice_row(id="yes", kind="allow", scope="campaign", ref="CMP-road", made_at=AT))


def the_allow_of_a_time() -> object:
    """With all that a choices file may say besides, by which it is known again."""
    return take_choices(
        choice_row(
            id="yes", kind="allow", scope="campaign", ref="CMP-road", made_at=AT, until="2099-01-01T00:00:00Z",
            program="Fleet",
        )
    )  # fmt: skip


def the_claim() -> object:
    return take_approvals(approval_row(id="yes", captured_at=AT, verified_by="partner"))


def the_lines() -> object:
    return take_lines(CHANGED, M)


def the_releases() -> object:
    rows = [
        release_row(id=f"{number}{day}", msisdn=number, occurred_at=f"2025-09-{day}T00:00:00Z")
        for number in (NUMBER, NEW)
        for day in ("03", "10")
    ]
    return take_releases(*rows)


def what_stands(order: Sequence[Callable[[], object]]) -> object:
    take_parties()
    take_lines(line_row())
    for take in order:
        take()
    gates = LineGate.objects.order_by("line_id").values_list("stops", "pauses", "approvals", "claims")
    judged = Disclosure.objects.order_by("source_id").values_list("source_id", "judgement")
    return answer("L1"), answer("M"), list(gates), list(judged), HeldRow.objects.count()


@pytest.mark.usefixtures("db")
@pytest.mark.parametrize(
    ("yes", "of_m"),
    [
        (the_yes, "permitted"),
        (the_allow, "permitted"),
        (the_allow_of_a_time, "permitted"),
        (the_claim, "approval_unverified"),
    ],
)
def test_every_order_gives_each_line_the_same(yes: Callable[[], object], of_m: str) -> None:
    files = (yes, the_lines, the_releases)
    with undone():
        expected = what_stands((the_lines, yes, the_releases))
    assert isinstance(expected, tuple)
    assert expected[:2] == ("no_approval", of_m)
    for order in drawn(permutations(files), of=2, row=len(of_m)):
        with undone():
            assert what_stands(order) == expected, order


@pytest.mark.usefixtures("db")
def test_what_gate_says_is_what_the_ledger_gives_again() -> None:
    take_parties()
    take_lines(line_row())
    the_yes()
    the_allow()
    the_claim()
    take_approvals(approval_row(id="older"))
    claimed = {"aside": AT, "first": "2025-08-10T00:00:00Z", "earlier": "2025-08-05T00:00:00Z"}
    for name, captured_at in claimed.items():
        take_approvals(approval_row(id=name, captured_at=captured_at, verified_by="partner"))
    the_lines()
    assert InvalidatedApproval.objects.count() == 3
    take_approvals(approval_row(id="own", msisdn=NEW, captured_at="2025-09-02T00:00:00Z", verified_by="partner"))
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_jsonb(g) = to_jsonb(consent_replayed_gate(g.line_id)) FROM consent_linegate g")
        assert cursor.fetchall() == [(True,), (True,)]


@pytest.mark.usefixtures("db")
def test_a_download_that_was_prepared_with_another_s_yes_is_not_there_any_more() -> None:
    take_parties()
    take_lines(line_row())
    take_approvals(approval_row(captured_at=AT, wording="I, Bo Reed, agree."))
    person, path = signed_in(Line.objects.get()), "/settings/archive/whereabouts.zip"
    person.post("/settings/archive/ask/")
    assert (archiving.make(now=database_clock()), "I, Bo Reed, agree." in downloaded(person, path)) == (1, True)
    take_lines(line_row(deactivated_at="2025-09-01T00:00:00Z"), M)
    former = Browser()
    former.post("/accounts/login/ended/", {"number": NUMBER, "password": PASSWORD})
    assert former.get(path).status_code == 404
    former.post("/settings/archive/ask/")
    assert (archiving.make(now=database_clock()), "I, Bo Reed, agree." in downloaded(former, path)) == (1, False)


def downloaded(browser: Browser, path: str) -> str:
    """All that somebody's download holds as data."""
    content = browser.client.get(path).getvalue()
    return zipfile.ZipFile(io.BytesIO(content)).read("data/everything.json").decode()


@pytest.mark.usefixtures("db")
def test_its_own_yes_of_that_time_stays() -> None:
    take_parties()
    take_lines(line_row())
    the_yes()
    the_lines()
    take_approvals(approval_row(id="own", msisdn=NEW, captured_at="2025-09-02T00:00:00Z"))
    assert answer("L1") == "permitted"
    assert told(take_approvals(approval_row(id="yes", captured_at=AT))) == [("repeated",)]
    assert Approval.objects.filter(line_id=Line.objects.get(carrier_id="L1").pk).count() == 2


@pytest.mark.usefixtures("db")
def test_its_own_stay_where_the_number_is_known_to_be_older() -> None:
    take_parties()
    take_lines(line_row(), CHANGED)
    take_approvals(approval_row(id="own", msisdn=NEW, captured_at=AT))
    take_choices(choice_row(id="own", msisdn=NEW, kind="allow", scope="campaign", ref="CMP-road", made_at=AT))
    take_lines(line_row(msisdn=NEW, number_changed_at="2025-08-30T00:00:00Z"))
    assert (answer("L1"), InvalidatedApproval.objects.count()) == ("permitted", 0)


@pytest.mark.usefixtures("db")
def test_its_own_claim_is_no_yes_where_another_s_is_set_aside() -> None:
    take_parties()
    take_lines(line_row())
    take_approvals(approval_row(id="claim", captured_at="2025-08-30T00:00:00Z", verified_by="partner"))
    the_yes()
    assert answer("L1") == "permitted"
    the_lines()
    assert answer("L1") == "approval_unverified"


@pytest.mark.usefixtures("db")
def test_number_that_came_back_by_then_is_the_lines_own() -> None:
    take_parties()
    take_lines(line_row())
    for day in ("2025-10-05", "2025-10-04"):
        take_approvals(approval_row(id=day, captured_at=f"{day}T00:00:00Z"))
    back = line_row(number_changed_at="2025-10-05T00:00:00Z")
    take_lines(CHANGED, back)
    assert (answer("L1"), InvalidatedApproval.objects.count()) == ("permitted", 1), "the day before, it was not"


@pytest.mark.usefixtures("db")
def test_a_number_between_two_takes_it_from_the_first() -> None:
    take_parties()
    take_lines(line_row())
    take_approvals(approval_row(captured_at="2025-07-10T00:00:00Z"))
    take_releases(release_row(id="then", msisdn="+12065550188", occurred_at="2025-08-01T00:00:00Z"))
    take_lines(CHANGED)
    assert InvalidatedApproval.objects.count() == 0
    take_lines(line_row(msisdn="+12065550188", number_changed_at="2025-06-20T00:00:00Z"))
    assert InvalidatedApproval.objects.count() == 1
    assert list(Disclosure.objects.values_list("judgement", flat=True)) == ["no_approval"]


@pytest.mark.usefixtures("db")
@pytest.mark.parametrize("at", ["2025-08-31T23:59:59.999999Z", "2025-09-01T00:00:00Z"])
def test_a_yes_of_the_very_moment_of_the_change_is_not_the_line_s(at: str) -> None:
    """By the old number. A microsecond before, it is."""
    take_parties()
    take_lines(line_row())
    take_approvals(approval_row(captured_at=at))
    take_choices(choice_row(kind="allow", scope="campaign", ref="CMP-road", made_at=at))
    take_lines(CHANGED)
    set_aside = 2 if at.startswith("2025-09") else 0
    assert (InvalidatedApproval.objects.count(), HeldRow.objects.count()) == (set_aside, set_aside)


@pytest.mark.usefixtures("db")
def test_one_after_the_end_goes_to_the_next_holder() -> None:
    take_parties()
    take_lines(line_row())
    the_yes()
    take_lines(line_row(deactivated_at="2025-09-01T00:00:00Z"), M)
    assert (answer("L1"), answer("M"), HeldRow.objects.count()) == ("line_unknown", "permitted", 0)


@pytest.mark.usefixtures("db")
def test_it_waits_and_never_comes_back_to_the_line() -> None:
    take_parties()
    take_lines(line_row())
    the_yes()
    take_lines(CHANGED)
    assert (answer("L1"), HeldRow.objects.count()) == ("no_approval", 1)
    again = line_row(number_changed_at="2025-09-02T12:00:00Z")
    assert told(take_lines(line_row(msisdn="+12065550166", number_changed_at="2025-09-09T00:00:00Z"), again)) == [
        ("accepted",),
        ("accepted",),
    ]
    assert (answer("L1"), HeldRow.objects.count()) == ("no_approval", 0)


@pytest.mark.usefixtures("committed_db")
def test_a_yes_that_is_being_written_while_the_number_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    take_parties()
    take_lines(line_row())
    known = ApprovalsFeed.find_stored_hashes

    def and_meanwhile(self: ApprovalsFeed, ids: Any) -> Any:
        monkeypatch.setattr(ApprovalsFeed, "find_stored_hashes", known)
        elsewhere(the_lines)
        return known(self, ids)

    monkeypatch.setattr(ApprovalsFeed, "find_stored_hashes", and_meanwhile)
    the_yes()
    assert (answer("L1"), answer("M"), InvalidatedApproval.objects.count()) == ("no_approval", "permitted", 0)


@pytest.mark.usefixtures("committed_db")
@pytest.mark.parametrize("yes", [the_yes, the_allow, the_claim])
def test_a_yes_set_aside_right_after_it_came_stays_held(
    monkeypatch: pytest.MonkeyPatch, yes: Callable[[], object]
) -> None:
    take_parties()
    yes()
    settle = RecordsFeed.settle

    def and_at_once(self: RecordsFeed[Any, Any], entries: Any, at: Any) -> Any:
        fates = settle(self, entries, at)
        if any(fate.status == "accepted" for fate in fates):
            monkeypatch.setattr(RecordsFeed, "settle", settle)
            elsewhere(lambda: take_lines(CHANGED))
        return fates

    monkeypatch.setattr(RecordsFeed, "settle", and_at_once)
    take_lines(line_row())
    assert (answer("L1"), InvalidatedApproval.objects.count(), HeldRow.objects.count()) == ("no_approval", 1, 1)
    take_lines(M)
    assert answer("M") == ("approval_unverified" if yes is the_claim else "permitted")
    assert HeldRow.objects.count() == 0


@pytest.mark.usefixtures("committed_db")
def test_so_does_one_set_aside_while_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    take_parties()
    the_yes()
    let_go = RecordsFeed._let_go

    def cut_off(**_: object) -> None:
        raise KeyboardInterrupt

    def after_the_change(**line_ids: Any) -> Any:
        monkeypatch.setattr("consent.feeds.records.lock_lines", lock_lines)
        monkeypatch.setattr("consent.feeds.lines.apply_pending_rows", cut_off)
        with pytest.raises(KeyboardInterrupt):
            elsewhere(lambda: take_lines(CHANGED))
        monkeypatch.setattr("consent.feeds.lines.apply_pending_rows", apply_pending_rows)
        return lock_lines(**line_ids)

    def and_meanwhile(self: RecordsFeed[Any, Any], settled: Any) -> None:
        monkeypatch.setattr(RecordsFeed, "_let_go", let_go)
        monkeypatch.setattr("consent.feeds.records.lock_lines", after_the_change)
        let_go(self, settled)

    monkeypatch.setattr(RecordsFeed, "_let_go", and_meanwhile)
    take_lines(line_row())
    assert (answer("L1"), InvalidatedApproval.objects.count(), HeldRow.objects.count()) == ("no_approval", 1, 1)
    take_lines(M)
    assert (answer("M"), HeldRow.objects.count()) == ("permitted", 0)


@pytest.mark.usefixtures("committed_db")
def test_the_gate_never_allows_once_the_change_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rows are committed, and the import killed right after."""
    take_parties()
    take_lines(line_row())
    the_yes()
    assert answer("L1") == "permitted"

    def cut_off(**_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("consent.feeds.lines.apply_pending_rows", cut_off)
    with pytest.raises(KeyboardInterrupt):
        the_lines()
    assert answer("L1") == "no_approval"


@pytest.mark.usefixtures("committed_db")
def test_partners_are_told_and_nobody_is_shown_it() -> None:
    take_parties()
    take_lines(line_row())
    line = Line.objects.get(carrier_id="L1")
    the_yes()
    the_allow()
    the_lines()
    assert Order.objects.filter(line_id=line.pk).latest("version").snapshot["state"] == []
    event = AuditEvent.objects.get(action="consent.set_aside")
    assert (event.line_id, event.detail) == (line.pk, {"count": 2})
    use = standing.use_of(line=line, campaign="CMP-road", at=database_clock())
    assert use is not None
    assert (use.allowed, [proof.kind for proof in use.proofs]) == (False, [])
    said = "".join(export_of(line=line, reader=None, at=database_clock()))
    assert '"approvals": []' in said
    assert '"choices": []' in said
    (allowed,) = Choice.objects.filter(line_id=line.pk)
    assert choice_of(line_ids=[line.pk], choice_id=allowed.id) is None
    # The day for which another number holds line ended.
    with standing_still(database_clock() + timedelta(days=2)):
        browser = signed_in(line)
        browser.post("/settings/archive/ask/")
        archiving.make(now=timezone.now())
        packed = zipfile.ZipFile(io.BytesIO(browser.client.get("/settings/archive/whereabouts.zip").getvalue()))
    names = "".join(packed.read(name).decode() for name in packed.namelist() if name.endswith(".html"))
    assert "You allowed one use" not in names
    assert Party.objects.get(uri=ROAD).name not in names
    # Nor does the desk see another's yes as this person's proof.
    no = stop(line_id=line.pk, scope="party", ref=ROAD, actor="subscriber:1", channel="web")
    disputed = a_ticket(line_id=line.pk, about_kind="choice", about_ref=str(no.choice_id))
    case = case_of(ticket=disputed, reader="", at=database_clock())
    assert (case.choice is not None, case.proofs) == (True, [])
    contract = Contract.objects.get(ref="AGR-1")
    seen = termination.plan(of="contract", target_id=contract.pk, at=database_clock())
    terminate(
        of="contract",
        target_id=contract.pk,
        actor=an_actor(),
        reason="Due",
        plan_digest=seen.digest,
        at=database_clock(),
    )
    other = Line.objects.get(carrier_id="M")
    ends = [len(ended_agreements(line_id=one.pk, at=database_clock())) for one in (line, other)]
    assert ends == [0, 1], "whose yes it was, is told of its end"


@pytest.mark.usefixtures("db")
def test_whom_a_claim_was_not_about_is_not_asked() -> None:
    take_lines(line_row(), M | {"msisdn": "+12065550188"})
    partner = a_partner()
    partner.claims(partner.claim(msisdn=NUMBER))
    ask = ConsentRequest.objects.get()
    token = token_of(ask_id=ask.id)
    assert consent_requests.find_linked_question(token=token, at=database_clock()) is not None
    changed = Approval.objects.get().captured_at - timedelta(hours=1)
    take_lines(line_row(msisdn=NEW, number_changed_at=changed.isoformat()))
    assert InvalidatedApproval.objects.count() == 1
    # What is claimed of another line makes it no question to this one.
    an_approval(Line.objects.get(carrier_id="M"), partner.campaign, at=database_clock(), verified_by="partner")
    assert consent_requests.find_linked_question(token=token, at=database_clock()) is None
    assert text_now() == 0


@pytest.mark.usefixtures("committed_db")
def test_a_yes_of_the_person_is_never_set_aside() -> None:
    take_parties()
    take_lines(line_row())
    line = Line.objects.get()
    allow(line_id=line.pk, campaign="CMP-road", actor="subscriber:1", channel="web")
    row = {"line_id": line.pk, "campaign": "CMP-road", "recorded_at": moment(AT)}
    with pytest.raises(IntegrityError, match="only a yes of a file"), transaction.atomic():
        InvalidatedApproval.objects.create(yes_id=Choice.objects.get().id, **row)
    assert answer("L1") == "permitted"
