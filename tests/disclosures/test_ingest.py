"""Storing, attributing and judging what was released."""

import re
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts.models import Line
from audit.models import Incident
from audit.queries import database_clock
from consent.models import ChoiceOrder, RejudgeRequest
from disclosures.domain.ingest.rows import id_of
from disclosures.models import DelayedNotice, Disclosure, DisclosureRegister, HeldDisclosure, JudgementChange
from partners.models import Campaign, Contract, Dealing, JurisdictionRule, Party, Reach
from revocations.models import Order
from tests.feeds import (
    BRIDGE,
    JAIL,
    LINK,
    ROAD,
    ROADSIDE,
    TRACK,
    Row,
    approval_row,
    choice_row,
    line_row,
    moment,
    release_row,
    take_approvals,
    take_choices,
    take_lines,
    take_notices,
    take_parties,
    take_releases,
    told,
)

pytestmark = pytest.mark.usefixtures("db")


@pytest.fixture(autouse=True)
def _world(db: None) -> None:
    """One line, two partners, one approval."""
    take_parties()
    assert told(take_lines(line_row())) == [("accepted",)]
    assert told(take_approvals(approval_row(id="yes"))) == [("accepted",)]


def test_a_release_is_stored_and_judged() -> None:
    assert told(take_releases(release_row(id="r-1"))) == [("accepted", "permitted")]
    row, line = Disclosure.objects.get(), Line.objects.get()
    assert (row.source_id, row.line_id, row.path, row.campaign) == ("r-1", line.pk, [BRIDGE, ROAD], "CMP-road")
    assert (row.occurred_at, row.judgement, row.basis_doubtful) == (moment("2025-07-01T12:00:00Z"), "permitted", False)
    assert DisclosureRegister.objects.get().id == row.id


def test_each_judgement_in_the_words_of_the_rules() -> None:
    take_choices(choice_row(made_at="2025-08-01T00:00:00Z"))
    cases: list[tuple[str, Row]] = [
        ("permitted", {}),
        ("precision_exceeded", {"precision_m": 499}),
        ("no_approval", {"occurred_at": "2025-05-31T23:59:59.999999Z"}),
        ("after_stop", {"occurred_at": "2025-08-01T00:00:00Z"}),
        ("no_approval", {"campaign": "CMP-nobody"}),
        ("no_approval", {"purpose": "dpv:ServiceProvision"}),
        ("no_approval", {"path": [BRIDGE]}),
        ("no_approval", {"path": [LINK, ROAD]}),
        ("no_approval", {"path": []}),
        ("", {"outcome": "refused"}),
        ("", {"basis": "emergency", "path": [BRIDGE]}),
        ("", {"basis": "network", "outcome": "refused", "path": [BRIDGE]}),
    ]
    fates = told(take_releases(*(release_row(**changes) for _, changes in cases)))
    assert [(*fate, "")[1] for fate in fates] == [judgement for judgement, _ in cases]
    assert {fate[0] for fate in fates} == {"accepted"}
    unjudged = Disclosure.objects.exclude(basis="approval", outcome="released").order_by("judgement")
    assert [row.judgement for row in unjudged] == ["emergency", "network", "refused"]


def test_the_same_again_is_repeated_other_content_a_conflict() -> None:
    row, conflict, repeated = release_row(id="same"), ("rejected", "id", "id_conflict"), ("repeated",)
    fates = take_releases(row, row | {"occurred_at": "2025-07-01T05:00:00-07:00"}, row | {"precision_m": 7})
    assert told(fates) == [("accepted", "permitted"), repeated, conflict]
    fates = take_releases(row | {"extra": 1}, row | {"msisdn": "+12065550199"}, row | {"precision_m": 7})
    assert told(fates) == [repeated, conflict, conflict]
    # Over all months.
    assert told(take_releases(row | {"occurred_at": "2026-03-01T12:00:00Z"})) == [conflict]
    assert Disclosure.objects.count() == 1
    # One that is known behind many new ones is found, and the new ones are taken.
    new = [release_row(id=f"new-{n}") for n in range(60)]
    fates_of_many = told(take_releases(*new[:30], row, row | {"precision_m": 7}, *new[30:]))
    assert fates_of_many[30:32] == [repeated, conflict]
    assert {*fates_of_many[:30], *fates_of_many[32:]} == {("accepted", "permitted")}
    assert Disclosure.objects.count() == DisclosureRegister.objects.count() == 61
    # A row that was not taken does not hold its id.
    nobody, unknown = release_row(id="x", msisdn="+12065559999"), ("rejected", "msisdn", "line_unknown")
    fates = take_releases(nobody, release_row(id="x"), nobody, release_row(id="x"))
    assert told(fates) == [unknown, ("accepted", "permitted"), unknown, repeated]


def test_a_row_without_a_line_is_held_sealed() -> None:
    row = release_row(id="early", msisdn="+12065550777")
    assert told(take_releases(row, row)) == [("rejected", "msisdn", "line_unknown")] * 2
    held = HeldDisclosure.objects.get()
    assert b"2065550777" not in bytes(held.row_sealed)
    take_lines(line_row(line_id="L9", msisdn="+12065550777", activated_at="2025-07-02T00:00:00Z"))
    assert HeldDisclosure.objects.count() == 1, "the number was nobody's at the time of the release"
    take_lines(line_row(line_id="L8", msisdn="+12065550777", deactivated_at="2025-07-01T12:00:00.000001Z"))
    assert HeldDisclosure.objects.count() == 0
    assert Disclosure.objects.get().line_id == Line.objects.get(carrier_id="L8").pk
    assert told(take_releases(row)) == [("repeated",)]


def test_each_holder_of_a_number_has_their_own_time_s() -> None:
    take_lines(
        line_row(deactivated_at="2025-07-01T00:00:00Z"), line_row(line_id="L2", activated_at="2025-07-02T00:00:00Z")
    )
    fates = take_releases(
        release_row(id="first", occurred_at="2025-06-30T23:59:59.999999Z"),
        release_row(id="between", occurred_at="2025-07-01T00:00:00Z"),
        release_row(id="second", occurred_at="2025-07-02T00:00:00Z"),
    )
    assert told(fates) == [
        ("accepted", "permitted"),
        ("rejected", "msisdn", "line_unknown"),
        ("accepted", "no_approval"),
    ]
    holders = {line.pk: line.carrier_id for line in Line.objects.all()}
    assert {row.source_id: holders[row.line_id] for row in Disclosure.objects.all()} == {"first": "L1", "second": "L2"}


def test_unknown_hops_become_unnamed_parties_and_dealings() -> None:
    stranger = "https://stranger.example/<b>"
    take_releases(
        release_row(path=[BRIDGE, ROAD, stranger, "unknown"]),
        release_row(path=[BRIDGE, ROAD], occurred_at="2025-09-01T00:00:00Z", precision_m=1),
        release_row(path=[BRIDGE, ROAD, JAIL], basis="legal_process"),
        release_row(path=[BRIDGE, TRACK, JAIL], outcome="refused"),
        release_row(aggregator=LINK, path=[LINK, ROAD, JAIL]),
    )
    assert Party.objects.get(uri=stranger).kind == "unnamed"
    assert set(Reach.objects.values_list("campaign__ref", "party__uri")) == {
        ("CMP-road", stranger),
        ("CMP-road", "unknown"),
    }
    line_id = Line.objects.get().pk
    assert set(Dealing.objects.values_list("line_id", "aggregator__uri", "party__uri", "last_at")) == {
        (line_id, BRIDGE, ROAD, moment("2025-09-01T00:00:00Z")),
        (line_id, BRIDGE, stranger, moment("2025-07-01T12:00:00Z")),
        (line_id, BRIDGE, "unknown", moment("2025-07-01T12:00:00Z")),
        (line_id, LINK, ROAD, moment("2025-07-01T12:00:00Z")),
        (line_id, LINK, JAIL, moment("2025-07-01T12:00:00Z")),
    }
    assert stranger in Campaign.objects.get(ref="CMP-road").cover.parties


def test_an_emergency_that_ends_at_a_company_is_doubtful() -> None:
    take_releases(
        release_row(basis="emergency", path=[BRIDGE, TRACK], occurred_at="2025-07-01T01:00:00Z"),
        release_row(basis="network", path=[BRIDGE, TRACK], occurred_at="2025-07-01T23:00:00Z"),
        release_row(basis="network", path=[BRIDGE, TRACK], occurred_at="2025-07-02T01:00:00Z"),
        release_row(basis="emergency", path=[BRIDGE, "https://psap.example"]),
        release_row(basis="legal_process", path=[BRIDGE, TRACK]),
    )
    assert sorted(Disclosure.objects.filter(basis_doubtful=True).values_list("basis", flat=True)) == [
        "emergency", "network", "network",
    ]  # fmt: skip
    assert sorted(Incident.objects.values_list("kind", "key", "subject", "count")) == [
        ("basis_doubtful", f"2025-07-01 {TRACK}", TRACK, 2),
        ("basis_doubtful", f"2025-07-02 {TRACK}", TRACK, 1),
    ]


def test_a_gag_leaves_no_trace_until_it_lifts() -> None:
    hidden = release_row(id="h", path=[BRIDGE, ROAD, JAIL], suppressed_until="2190-01-01T00:00:00Z")
    lapsed = release_row(id="l", suppressed_until="2025-08-01T00:00:00Z")
    assert told(take_releases(hidden, lapsed)) == [("accepted",), ("accepted", "permitted")]
    assert set(Dealing.objects.values_list("party__uri", flat=True)) == {ROAD}
    assert not Reach.objects.exists()
    assert told(
        take_notices({"disclosure_id": "h", "suppressed_until": "2026-01-01T00:00:00Z", "order_ref": "lifted"})
    ) == [("accepted",)]
    assert set(Dealing.objects.values_list("party__uri", flat=True)) == {ROAD, JAIL}
    assert list(Reach.objects.values_list("party__uri", flat=True)) == [JAIL]


def test_notices_are_appended_and_the_same_changes_nothing() -> None:
    take_releases(release_row(id="r"))
    order = {"disclosure_id": "r", "suppressed_until": None, "order_ref": "order-1"}
    fates = take_notices(
        order,
        order,
        order | {"suppressed_until": "2026-01-01T00:00:00+01:00"},
        order | {"disclosure_id": "nobody"},
        {"disclosure_id": "r", "order_ref": "x"},
    )
    assert told(fates) == [
        ("accepted",),
        ("repeated",),
        ("accepted",),
        ("rejected", "disclosure_id", "disclosure_unknown"),
        ("rejected", "suppressed_until", "missing"),
    ]
    assert list(DelayedNotice.objects.order_by("number").values_list("number", "suppressed_until", "order_ref")) == [
        (1, None, "order-1"),
        (2, moment("2025-12-31T23:00:00Z"), "order-1"),
    ]


def test_of_all_notices_of_a_file_it_is_asked_at_once_whether_their_rows_are_known() -> None:
    take_releases(*(release_row(id=f"r{n}") for n in range(5)))
    notices: list[Row] = [{"disclosure_id": f"r{n}", "suppressed_until": None} for n in range(5)]
    to_come: Row = {"disclosure_id": "to come", "suppressed_until": None}
    with CaptureQueriesContext(connection) as seen:
        fates = take_notices(*notices, to_come, to_come | {"awaited": True}, to_come | {"order_ref": "another"})
    assert [fate.status for fate in fates] == ["accepted"] * 5 + ["rejected", "accepted", "accepted"]
    looks = [one for one in seen.captured_queries if 'FROM "disclosures_helddisclosure"' in one["sql"]]
    assert len(looks) == 3, "once for all, and once more for each line that names one that was not there"


def test_hostile_text_is_kept_as_it_is() -> None:
    text = "'; DROP TABLE disclosures_disclosure; -- \u202e<script>alert(1)</script> %s {0} \\ \t\n\u2028😀"
    take_releases(release_row(id=text, purpose=text, authority_ref=text, decision_id=text, basis="legal_process"))
    row = Disclosure.objects.get()
    assert (row.source_id, row.purpose, row.authority_ref, row.decision_id) == (text, text, text, text)


def test_every_value_is_kept_to_the_microsecond() -> None:
    take_lines(line_row(line_id="OLD", msisdn="+12065550177", activated_at="1990-01-01T00:00:00Z"))
    moments = ("1999-12-31T23:59:59.999999Z", "2000-01-01T00:00:00Z", "2025-07-01T12:00:00.000001Z")
    ends = ("1999-12-31T23:59:59.000001Z", None, "2099-12-31T23:59:59.123456Z")
    take_releases(*[
        release_row(
            id=f"row-{n}", msisdn="+12065550177", occurred_at=at, precision_m=n, basis="legal_process",
            suppressed_until=until, decision_id="d" * n, authority_ref="order" if until else "",
        )
        for n, (at, until) in enumerate(zip(moments, ends, strict=True))
    ])  # fmt: skip
    rows = Disclosure.objects.order_by("source_id")
    assert list(rows.values_list("id", "source_id", "occurred_at", "precision_m", "decision_id", "authority_ref")) == [
        (id_of("row-0"), "row-0", moment(moments[0]), 0, "", "order"),
        (id_of("row-1"), "row-1", moment(moments[1]), 1, "d", ""),
        (id_of("row-2"), "row-2", moment(moments[2]), 2, "dd", "order"),
    ]
    assert list(DelayedNotice.objects.order_by("suppressed_until").values_list("suppressed_until", flat=True)) == [
        moment(str(ends[0])),
        moment(str(ends[2])),
    ]


def test_late_approvals_choices_and_campaigns_judge_again() -> None:
    take_releases(
        release_row(id="road"),
        release_row(id="late", campaign="CMP-late", path=[BRIDGE, TRACK], purpose="dpv:IdentityVerification"),
    )
    assert told(take_choices(choice_row(id="c", scope="party", ref=ROAD, made_at="2025-06-15T00:00:00Z"))) == [
        ("accepted",)
    ]
    assert Disclosure.objects.get(source_id="road").judgement == "after_stop"
    take_approvals(approval_row(captured_at="2025-06-16T00:00:00Z"))
    assert Disclosure.objects.get(source_id="road").judgement == "permitted"
    held = take_approvals(approval_row(id="early", campaign="CMP-late", captured_by=TRACK))
    assert told(held) == [("rejected", "campaign", "campaign_unknown")]
    late = {
        "id": "CMP-late", "contract": "AGR-1", "lbs_provider": TRACK, "purpose": "dpv:IdentityVerification",
        "description": "", "consent_flow": "sms", "scope": "location-retrieval:read", "precision_m": 500,
        "starts_at": "2024-01-01T00:00:00Z", "ends_at": "2094-01-01T00:00:00Z",
    }  # fmt: skip
    take_parties({"campaigns": [late]})
    assert Disclosure.objects.get(source_id="late").judgement == "permitted"
    changes = JudgementChange.objects.order_by("changed_at").values_list("was", "becomes", "cause")
    assert list(changes) == [
        ("permitted", "after_stop", "import:choices"),
        ("after_stop", "permitted", "import:approvals"),
        ("no_approval", "permitted", "import:parties"),
    ]


def test_a_move_to_another_state_judges_no_earlier_release() -> None:
    JurisdictionRule.objects.create(
        state="MD", starts_at=moment("2025-01-01T00:00:00Z"), purposes=[ROADSIDE], sale_test=False, source="test: a law"
    )
    take_releases(release_row(id="before"))
    take_lines(line_row(state="MD"))
    now = database_clock().isoformat()
    take_releases(release_row(id="late"), release_row(id="since", occurred_at=now))
    assert dict(Disclosure.objects.values_list("source_id", "judgement")) == {
        "before": "permitted", "late": "permitted", "since": "jurisdiction_prohibits",
    }  # fmt: skip


def test_a_late_link_carries_a_stop_over_earlier_releases() -> None:
    take_choices(choice_row(scope="party", ref="https://roadhelp.example", made_at="2025-06-15T00:00:00Z"))
    take_releases(release_row(id="r"), release_row(id="later", occurred_at="2025-08-01T12:00:00Z"))
    judgements = Disclosure.objects.values_list("judgement", flat=True)
    assert list(judgements) == ["permitted", "permitted"]
    party: Row = {"id": ROAD, "name": "Road", "kind": "lbs_provider", "website": ROAD, "about": ""}
    party["succeeds"] = ["https://roadhelp.example"]
    take_parties({"parties": [party]})
    assert list(judgements.all()) == ["after_stop", "after_stop"]


def test_a_partner_shown_late_is_told_of_the_stop() -> None:
    take_choices(choice_row(id="c"), choice_row(id="p", scope="party", ref=JAIL))
    assert set(ChoiceOrder.objects.values_list("order_id", flat=True)) == set(orders("AGR-1"))
    take_releases(release_row(aggregator=LINK, path=[LINK, TRACK, JAIL], campaign="CMP-track"))
    told_of = orders("AGR-2")
    assert ChoiceOrder.objects.filter(order_id__in=told_of).count() == 2
    take_releases(release_row(aggregator=LINK, path=[LINK, TRACK, JAIL], campaign="CMP-track"))
    assert orders("AGR-2") == told_of, "told once"
    assert not RejudgeRequest.objects.exists()


def orders(agreement: str) -> list[UUID]:
    contract = Contract.objects.get(ref=agreement)
    return list(Order.objects.filter(contract_id=contract.pk).order_by("version").values_list("id", flat=True))


@pytest.mark.one_server  # it writes through the view
def test_only_the_judgement_may_change_and_never_without_its_record() -> None:
    take_releases(release_row(id="mine"), release_row(basis="emergency", path=[BRIDGE, TRACK], campaign=None))
    mine = "WHERE source_id = 'mine'"
    another_term = "UPDATE disclosures_release SET term = (SELECT max(term) FROM disclosures_release)"
    for statement in (
        *(
            f"UPDATE disclosures_disclosure SET {column} = 'other' {mine}"
            for column in ("aggregator", "campaign", "purpose", "scope")
        ),
        f"UPDATE disclosures_disclosure SET outcome = 'refused' {mine}",
        # A doubt comes, where no record was needed, and never goes.
        "UPDATE disclosures_disclosure SET basis_doubtful = false WHERE basis = 'emergency'",
        f"UPDATE disclosures_disclosure SET basis_doubtful = true {mine}",
        "UPDATE disclosures_disclosure SET path = '{}'",
        "UPDATE disclosures_disclosure SET occurred_at = occurred_at + interval '1 second'",
        "DELETE FROM disclosures_disclosure",
        "TRUNCATE disclosures_release",
        "UPDATE disclosures_release SET source_id = ''",
        # The owner alone gives rows their terms anew.
        f"SET LOCAL disclosures.converting = 'yes'; {another_term}",
        "UPDATE disclosures_term SET path = '{}'",
        "DELETE FROM disclosures_disclosureregister",
        "UPDATE disclosures_delayednotice SET suppressed_until = now()",
        "DELETE FROM disclosures_judgementchange",
        "ALTER TABLE disclosures_release DISABLE TRIGGER ALL",
    ):
        with pytest.raises(Exception, match=r"permission denied|must be owner|refused"), transaction.atomic():
            _run(statement)
    changes = f"UPDATE disclosures_disclosure SET judgement = 'no_approval' {mine}"
    with pytest.raises(IntegrityError, match="without a record"), transaction.atomic():
        _run(changes, "SET CONSTRAINTS ALL IMMEDIATE")
    # The record of another change does not do, nor that of another release.
    for was, becomes, whose in (
        ("permitted", "after_stop", mine), ("after_stop", "no_approval", mine),
        ("permitted", "no_approval", "WHERE source_id <> 'mine'"),
    ):  # fmt: skip
        with pytest.raises(IntegrityError, match="without a record"), transaction.atomic():
            _run(
                "INSERT INTO disclosures_judgementchange (line_id, disclosure_id, changed_at, was, becomes, cause)"
                f" SELECT line_id, id, now() + interval '1 day', '{was}', '{becomes}', 'x' FROM disclosures_disclosure"
                f" {whose}",
                changes,
                "SET CONSTRAINTS ALL IMMEDIATE",
            )
    _run("SET CONSTRAINTS ALL DEFERRED")
    with pytest.raises(IntegrityError, match="judged_iff"), transaction.atomic():
        _run(f"UPDATE disclosures_disclosure SET judgement = 'emergency' {mine}")


def test_what_releases_have_in_common_is_stored_once() -> None:
    take_releases(release_row())
    take_releases(release_row(), release_row(precision_m=100), release_row(campaign="CMP-other"))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT campaign, judgement, count(*) FROM disclosures_disclosure GROUP BY term, 1, 2 ORDER BY 1, 2"
        )
        assert [(judgement, n) for _, judgement, n in cursor.fetchall()] == [
            ("no_approval", 1), ("permitted", 2), ("precision_exceeded", 1),
        ]  # fmt: skip
        cursor.execute("SELECT count(*) FROM disclosures_term")
        assert cursor.fetchone() == (3,)
        # Nobody stores a term under the hash of another, which honest reports would then be given.
        with pytest.raises(IntegrityError, match="disclosures_term_content"), transaction.atomic():
            cursor.execute(
                "INSERT INTO disclosures_term (content, aggregator, path, campaign, purpose, scope, basis, outcome,"
                " path_completed, basis_doubtful, judgement) SELECT 'another', aggregator, path, campaign, purpose,"
                " scope, basis, outcome, path_completed, basis_doubtful, judgement FROM disclosures_term LIMIT 1"
            )
        # Like the import, a rejudgement stores terms in the order of what they say: so the two never deadlock.
        take_choices(choice_row(made_at="2025-06-15T00:00:00Z"))
        cursor.execute("SELECT campaign FROM disclosures_term WHERE judgement = 'after_stop' ORDER BY id")
        assert cursor.fetchall() == [("CMP-other",), ("CMP-road",)]


def test_rows_lie_in_their_month_old_ones_in_the_default() -> None:
    number = "+12065550188"
    take_lines(line_row(line_id="L5", msisdn=number, activated_at="2010-01-01T00:00:00Z"))
    month = datetime.now(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    instant = month - timedelta(microseconds=1)
    take_releases(
        release_row(msisdn=number, occurred_at=instant.isoformat()),
        release_row(msisdn=number, occurred_at=month.astimezone(timezone(timedelta(hours=-1))).isoformat()),
        release_row(msisdn=number, occurred_at="2012-01-01T00:00:00Z"),
    )
    with connection.cursor() as cursor:
        cursor.execute("SELECT tableoid::regclass::text FROM disclosures_release ORDER BY occurred_at")
        # Where the ledger is spread, the name of a part ends with the number of its shard.
        months = [name.removeprefix("disclosures_disclosure_") for (name,) in cursor.fetchall()]
        assert [re.sub(r"_\d{6,}$", "", name) for name in months] == [
            "default", f"{instant:%Y_%m}", f"{month:%Y_%m}",
        ]  # fmt: skip


def _run(*statements: str) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
