"""Storing, attributing and judging what was released."""

from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.models import Line
from audit.models import Incident
from consent.models import ChoiceOrder, RejudgeRequest
from disclosures.domain.ingest.rows import id_of
from disclosures.models import (
    DelayedNotice,
    Disclosure,
    DisclosureRegister,
    HeldDisclosure,
    JudgementChange,
)
from partners.models import Campaign, Contract, Dealing, Party, Reach
from revocations.models import Order
from tests.feeds import (
    BRIDGE,
    JAIL,
    LINK,
    ROAD,
    TRACK,
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


@pytest.fixture
def world(db: None) -> None:
    """One line, two partners, one approval."""
    take_parties()
    assert told(take_lines(line_row())) == [("accepted",)]
    assert told(take_approvals(approval_row(id="yes"))) == [("accepted",)]


@pytest.mark.usefixtures("world")
def test_a_release_is_stored_and_judged() -> None:
    assert told(take_releases(release_row(id="r-1"))) == [("accepted", "permitted")]
    row = Disclosure.objects.get()
    assert (row.source_id, row.line_id, row.path, row.campaign) == (
        "r-1",
        Line.objects.get().pk,
        [BRIDGE, ROAD],
        "CMP-road",
    )
    assert (row.occurred_at, row.judgement, row.basis_doubtful) == (moment("2025-07-01T12:00:00Z"), "permitted", False)
    assert DisclosureRegister.objects.get().id == row.id


@pytest.mark.usefixtures("world")
def test_each_judgement_in_the_words_of_the_rules() -> None:
    take_choices(choice_row(made_at="2025-08-01T00:00:00Z"))
    cases = {
        "permitted": release_row(),
        "precision_exceeded": release_row(precision_m=499),
        "no_approval": release_row(occurred_at="2025-05-31T23:59:59.999999Z"),
        "after_stop": release_row(occurred_at="2025-08-01T00:00:00Z"),
        "campaign_unknown": release_row(campaign="CMP-nobody"),
        "other_purpose": release_row(purpose="dpv:ServiceProvision"),
        "path_without_provider": release_row(path=[BRIDGE]),
        "path_that_begins_with_another_aggregator": release_row(path=[LINK, ROAD]),
        "path_empty": release_row(path=[]),
        "refused": release_row(outcome="refused"),
        "emergency": release_row(basis="emergency", path=[BRIDGE]),
        "network_refused": release_row(basis="network", outcome="refused", path=[BRIDGE]),
    }
    assert dict(zip(cases, told(take_releases(*cases.values())), strict=True)) == {
        "permitted": ("accepted", "permitted"),
        "precision_exceeded": ("accepted", "precision_exceeded"),
        "no_approval": ("accepted", "no_approval"),
        "after_stop": ("accepted", "after_stop"),
        "campaign_unknown": ("accepted", "no_approval"),
        "other_purpose": ("accepted", "no_approval"),
        "path_without_provider": ("accepted", "no_approval"),
        "path_that_begins_with_another_aggregator": ("accepted", "no_approval"),
        "path_empty": ("accepted", "no_approval"),
        "refused": ("accepted",),
        "emergency": ("accepted",),
        "network_refused": ("accepted",),
    }
    unjudged = Disclosure.objects.exclude(basis="approval", outcome="released").order_by("judgement")
    assert [row.judgement for row in unjudged] == ["emergency", "network", "refused"]


@pytest.mark.usefixtures("world")
def test_the_same_again_is_repeated_and_other_content_a_conflict() -> None:
    row = release_row(id="same")
    assert told(take_releases(row, row | {"occurred_at": "2025-07-01T05:00:00-07:00"}, row | {"precision_m": 7})) == [
        ("accepted", "permitted"),
        ("repeated",),
        ("rejected", "id", "id_conflict"),
    ]
    assert told(take_releases(row | {"extra": 1}, row | {"msisdn": "+12065550199"}, row | {"precision_m": 7})) == [
        ("repeated",),
        ("rejected", "id", "id_conflict"),
        ("rejected", "id", "id_conflict"),
    ]
    assert Disclosure.objects.count() == 1


@pytest.mark.usefixtures("world")
def test_one_known_id_behind_many_new_ones_is_found_and_the_new_ones_are_taken() -> None:
    known = release_row(id="known")
    take_releases(known)
    new = [release_row(id=f"new-{n}") for n in range(60)]
    fates = told(take_releases(*new[:30], known, known | {"precision_m": 7}, *new[30:]))
    assert fates[30:32] == [("repeated",), ("rejected", "id", "id_conflict")]
    assert {*fates[:30], *fates[32:]} == {("accepted", "permitted")}
    assert Disclosure.objects.count() == DisclosureRegister.objects.count() == 61


@pytest.mark.usefixtures("world")
def test_a_row_that_was_not_taken_does_not_hold_its_id() -> None:
    nobody = release_row(id="x", msisdn="+12065559999")
    assert told(take_releases(nobody, release_row(id="x"), nobody, release_row(id="x"))) == [
        ("rejected", "msisdn", "line_unknown"),
        ("accepted", "permitted"),
        ("rejected", "msisdn", "line_unknown"),
        ("repeated",),
    ]


@pytest.mark.usefixtures("world")
def test_an_id_is_unique_over_all_months() -> None:
    take_releases(release_row(id="same", occurred_at="2025-07-01T12:00:00Z"))
    again = take_releases(release_row(id="same", occurred_at="2026-03-01T12:00:00Z"))
    assert told(again) == [("rejected", "id", "id_conflict")]


@pytest.mark.usefixtures("world")
def test_a_row_without_a_line_is_held_sealed_and_taken_in_when_its_line_arrives() -> None:
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


@pytest.mark.usefixtures("world")
def test_each_holder_of_a_number_has_the_releases_of_their_own_time() -> None:
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


@pytest.mark.usefixtures("world")
def test_unknown_hops_become_unnamed_parties_reach_grows_and_dealings_are_noted() -> None:
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


@pytest.mark.usefixtures("world")
def test_an_emergency_that_ends_at_a_company_is_doubtful_and_one_incident_per_party_and_day() -> None:
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


@pytest.mark.usefixtures("world")
def test_a_gag_hides_the_row_from_the_counts_and_leaves_no_trace_until_it_lifts() -> None:
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


@pytest.mark.usefixtures("world")
def test_notices_are_appended_and_the_same_order_again_changes_nothing() -> None:
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


@pytest.mark.usefixtures("world")
def test_hostile_text_is_kept_as_it_is() -> None:
    text = "'; DROP TABLE disclosures_disclosure; -- \u202e<script>alert(1)</script> %s {0} \\ \t\n\u2028😀"
    take_releases(release_row(id=text, purpose=text, authority_ref=text, decision_id=text, basis="legal_process"))
    row = Disclosure.objects.get()
    assert (row.source_id, row.purpose, row.authority_ref, row.decision_id) == (text, text, text, text)


@pytest.mark.usefixtures("world")
def test_every_value_of_a_row_is_kept_to_the_microsecond_before_2000_too() -> None:
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


@pytest.mark.usefixtures("world")
def test_late_approvals_choices_and_campaigns_judge_again_and_say_so() -> None:
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


@pytest.mark.usefixtures("world")
def test_a_late_link_carries_a_stop_over_what_was_released_before() -> None:
    take_choices(choice_row(scope="party", ref="https://roadhelp.example", made_at="2025-06-15T00:00:00Z"))
    take_releases(release_row(id="r"))
    assert Disclosure.objects.get().judgement == "permitted"
    party = {
        "id": ROAD,
        "name": "Road",
        "kind": "lbs_provider",
        "website": ROAD,
        "about": "",
        "succeeds": ["https://roadhelp.example"],
    }
    take_parties({"parties": [party]})
    assert Disclosure.objects.get().judgement == "after_stop"


@pytest.mark.usefixtures("world")
def test_a_partner_that_a_late_report_shows_is_told_of_the_standing_stop() -> None:
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


@pytest.mark.usefixtures("world")
def test_only_the_judgement_may_change_and_never_without_its_record() -> None:
    take_releases(release_row())
    for statement in (
        "UPDATE disclosures_disclosure SET path = '{}'",
        "UPDATE disclosures_disclosure SET occurred_at = occurred_at + interval '1 second'",
        "DELETE FROM disclosures_disclosure",
        "TRUNCATE disclosures_disclosure",
        "DELETE FROM disclosures_disclosureregister",
        "UPDATE disclosures_delayednotice SET suppressed_until = now()",
        "DELETE FROM disclosures_judgementchange",
        "ALTER TABLE disclosures_disclosure DISABLE TRIGGER ALL",
    ):
        with pytest.raises(Exception, match=r"permission denied|must be owner|refused"), transaction.atomic():
            _run(statement)
    with pytest.raises(IntegrityError, match="without a record"), transaction.atomic():
        _run("UPDATE disclosures_disclosure SET judgement = 'no_approval'", "SET CONSTRAINTS ALL IMMEDIATE")
    with pytest.raises(IntegrityError, match="without a record"), transaction.atomic():
        # The record of another change does not do.
        _run(
            "INSERT INTO disclosures_judgementchange (line_id, disclosure_id, changed_at, was, becomes, cause)"
            " SELECT line_id, id, now() + interval '1 day', 'permitted', 'after_stop', 'x' FROM disclosures_disclosure",
            "UPDATE disclosures_disclosure SET judgement = 'no_approval'",
            "SET CONSTRAINTS ALL IMMEDIATE",
        )
    _run("SET CONSTRAINTS ALL DEFERRED")
    with pytest.raises(IntegrityError, match="judged_iff"), transaction.atomic():
        _run("UPDATE disclosures_disclosure SET judgement = 'emergency'")


def test_rows_lie_in_the_partition_of_their_month_and_old_ones_in_the_default() -> None:
    take_lines(line_row(activated_at="2010-01-01T00:00:00Z"))
    month = datetime.now(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    instant = month - timedelta(microseconds=1)
    take_releases(
        release_row(occurred_at=instant.isoformat()),
        release_row(occurred_at=month.astimezone(timezone(timedelta(hours=-1))).isoformat()),
        release_row(occurred_at="2012-01-01T00:00:00Z"),
    )
    with connection.cursor() as cursor:
        cursor.execute("SELECT tableoid::regclass::text FROM disclosures_disclosure ORDER BY occurred_at")
        assert [name.removeprefix("disclosures_disclosure_") for (name,) in cursor.fetchall()] == [
            "default", f"{instant:%Y_%m}", f"{month:%Y_%m}",
        ]  # fmt: skip


def _run(*statements: str) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
