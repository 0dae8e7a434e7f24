"""Lines: tenures, numbers that change hands, ends, what changes beside."""

from datetime import datetime

import pytest

from accounts.models import Line, LineNumber, LineState, LineUser, User
from accounts.primitives.sealing import unseal
from accounts.queries import line_of_number
from audit.models import AuditEvent
from consent.feeds.lines import LinesFeed
from consent.models import Choice, LineGate
from disclosures.models import Disclosure, HeldDisclosure
from revocations.models import Order
from tests.factories import a_ledger_row
from tests.feeds import (
    NUMBER,
    Row,
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
    taken,
    told,
)
from tests.walks.marks import written

pytestmark = pytest.mark.usefixtures("db")
OTHER = "+12065550199"


def numbers(carrier_id: str = "L1") -> list[tuple[str, str, str | None]]:
    rows = LineNumber.objects.filter(line__carrier_id=carrier_id).order_by("starts_at")
    return [
        (unseal(bytes(row.msisdn_sealed)), day(row.starts_at), day(row.ends_at) if row.ends_at else None)
        for row in rows
    ]


def day(moment: datetime) -> str:
    return moment.date().isoformat()


def test_a_line_with_all_that_belongs_to_it() -> None:
    row = line_row(deactivated_at="2025-12-31T23:00:00-01:00", state="wa", sim_changed_at="2025-03-01T00:00:00Z")
    assert told(take_lines(row)) == [("accepted",)]
    line = Line.objects.get()
    assert (line.carrier_id, line.account.carrier_id, unseal(bytes(line.holder_name_sealed))) == (
        "L1",
        "A1",
        "Ada Marsh",
    )
    assert (line.deactivated_at, line.sim_changed_at) == (
        moment("2026-01-01T00:00:00Z"),
        moment("2025-03-01T00:00:00Z"),
    )
    assert numbers() == [(NUMBER, "2025-01-01", "2026-01-01")]
    assert [(one.state, one.since) for one in LineState.objects.all()] == [("WA", line.activated_at)]
    gate = LineGate.objects.get()
    assert (gate.line_id, gate.active_until, gate.state) == (line.pk, line.deactivated_at, "WA")
    assert told(take_lines(row, row)) == [("repeated",), ("repeated",)]


@pytest.mark.parametrize("field", [
    "line_id", "msisdn", "account_id", "holder_name", "user_role", "state", "language", "activated_at",
])  # fmt: skip
def test_required_fields(field: str) -> None:
    assert told(take_lines(line_row(**{field: None}), line_row(**{field: ""})))[0] == ("rejected", field, "missing")
    assert Line.objects.count() == 0


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"state": "Washington"}, ("state", "not_allowed")),
        ({"msisdn": "206-555-0142"}, ("msisdn", "not_e164")),
        ({"activated_at": "2025-01-01"}, ("activated_at", "not_a_time")),
        ({"activated_at": "2199-01-01T00:00:00Z"}, ("activated_at", "in_future")),
        ({"deactivated_at": "2025-01-01T01:00:00+01:00"}, ("deactivated_at", "before_activated_at")),
        (
            {"deactivated_at": "2025-06-01T00:00:00Z", "number_changed_at": "2025-07-01T00:00:00Z"},
            ("number_changed_at", "after_deactivated_at"),
        ),
        ({"continues_line_id": "L0"}, ("continues_line_id", "line_unknown")),
        ({"line_id": "L" * 101}, ("line_id", "too_long")),
        ({"holder_name": "x" * 1001}, ("holder_name", "too_long")),
    ],
)
def test_bad_rows(changes: Row, reason: tuple[str, str]) -> None:
    assert told(take_lines(line_row(**changes))) == [("rejected", *reason)]
    assert Line.objects.count() == 0


def test_a_role_we_do_not_know_is_an_adult() -> None:
    take_lines(line_row(user_role="grandmother"), line_row(line_id="L2", msisdn=OTHER, user_role="minor"))
    assert list(Line.objects.order_by("pk").values_list("user_role", flat=True)) == ["user", "minor"]


def test_csv_with_everything_a_spreadsheet_does_to_it() -> None:
    content = (
        b"\xef\xbb\xbfline_id,msisdn,account_id,holder_name,user_role,state,language,activated_at,deactivated_at,note\r\n"
        b'L1,+12065550142,A1,"O\'Brien, ""Z\xc3\xb6e"" \xf0\x9f\x98\x80",holder,WA,en,2025-01-01T00:00:00Z,,x\r\n'
        b"\r\n"
        b"L2,+12065550199,A1,\xff\xfe,user,WA,en,2025-01-01T00:00:00Z,\r\n"
        b"L3,+12065550198,A1,Three,user,WA,en\r\n"
        b"line_id,msisdn,account_id,holder_name,user_role,state,language,activated_at,deactivated_at,note\r\n"
        b"L4,+12065550197,A1,=cmd(),user,WA,en,2025-01-01T00:00:00Z,2025-02-01T00:00:00Z\r\n"
    )
    assert told(taken(LinesFeed(), content, as_csv=True)) == [
        ("accepted",),
        ("rejected", "", "not_utf8"),
        ("rejected", "activated_at", "missing"),
        ("accepted",),
    ]
    names = [unseal(bytes(line.holder_name_sealed)) for line in Line.objects.order_by("carrier_id")]
    assert names == ['O\'Brien, "Zöe" 😀', "=cmd()"]


def test_a_number_passes_on_and_comes_back() -> None:
    fates = take_lines(
        line_row(line_id="L1", deactivated_at="2025-03-01T00:00:00Z"),
        line_row(line_id="L2", activated_at="2025-03-01T00:00:00Z", deactivated_at="2025-05-01T00:00:00Z"),
        line_row(line_id="L3", activated_at="2025-06-01T00:00:00Z"),
        line_row(line_id="L4", activated_at="2025-04-01T00:00:00Z", deactivated_at="2025-04-02T00:00:00Z"),
        line_row(line_id="L5", activated_at="2026-01-01T00:00:00Z"),
        line_row(line_id="L6", activated_at="2024-01-01T00:00:00Z"),
    )
    assert [fate[0] for fate in told(fates)] == ["accepted"] * 3 + ["rejected"] * 3
    assert {fate[1:] for fate in told(fates)[3:]} == {("msisdn", "number_overlap")}
    holders = [
        line_of_number(msisdn=NUMBER, at=moment(f"2025-{month}-15T00:00:00Z")) for month in ("02", "04", "05", "07")
    ]
    assert [line.carrier_id if line else None for line in holders] == ["L1", "L2", None, "L3"]


def test_overlap_that_later_row_of_the_file_cures_is_none() -> None:
    assert told(take_lines(line_row(line_id="L1"))) == [("accepted",)]
    fates = take_lines(
        line_row(line_id="L2", activated_at="2025-07-01T00:00:00Z"),
        line_row(line_id="L1", deactivated_at="2025-06-01T00:00:00Z"),
    )
    assert sorted(told(fates)) == [("accepted",), ("accepted",)]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_number_changes_in_any_order_of_rows_and_again(order: tuple[int, ...]) -> None:
    rows = [
        line_row(msisdn="+12065550001"),
        line_row(msisdn="+12065550002", number_changed_at="2025-03-01T00:00:00Z"),
        line_row(msisdn="+12065550001", number_changed_at="2025-05-01T00:00:00Z"),
    ]
    assert told(take_lines(*(rows[n] for n in order))) == [("accepted",)] * 3
    expected = [
        ("+12065550001", "2025-01-01", "2025-03-01"),
        ("+12065550002", "2025-03-01", "2025-05-01"),
        ("+12065550001", "2025-05-01", None),
    ]
    assert numbers() == expected
    assert Line.objects.get().number_changed_at == moment("2025-05-01T00:00:00Z")
    assert told(take_lines(*rows)) == [("repeated",)] * 3
    assert numbers() == expected


def test_another_number_needs_its_moment_and_must_be_free() -> None:
    take_lines(line_row(), line_row(line_id="L2", msisdn=OTHER))
    fates = take_lines(
        line_row(msisdn="+12065550777"),
        line_row(msisdn=OTHER, number_changed_at="2025-03-01T00:00:00Z"),
        line_row(activated_at="2025-01-02T00:00:00Z"),
    )
    assert sorted(told(fates)) == [
        ("rejected", "activated_at", "id_conflict"),
        ("rejected", "msisdn", "number_overlap"),
        ("rejected", "number_changed_at", "missing"),
    ]
    assert numbers() == [(NUMBER, "2025-01-01", None)]


def test_a_new_number_ends_the_approvals_and_keeps_the_stops() -> None:
    take_parties()
    take_lines(line_row())
    take_approvals(approval_row())
    take_choices(choice_row(scope="party", ref="https://securetrack.example"))
    take_lines(line_row(msisdn=OTHER, number_changed_at="2025-09-01T00:00:00Z"))
    gate = LineGate.objects.get()
    assert gate.number_changed_at == moment("2025-09-01T00:00:00Z")
    assert list(gate.stops) == ["party:https://securetrack.example"]
    newest = Order.objects.order_by("-version").first()
    assert newest is not None
    assert newest.snapshot["state"] == []
    assert "delete_held" in newest.snapshot["required_actions"]
    assert [form for number in (NUMBER, OTHER) for form in written(number) if form in str(newest.snapshot)] == []
    fates = take_releases(
        release_row(occurred_at="2025-08-31T00:00:00Z"), release_row(msisdn=OTHER, occurred_at="2025-09-01T00:00:00Z")
    )
    assert told(fates) == [("accepted", "permitted"), ("accepted", "approval_expired")]


def test_the_end_of_a_tenure_ends_sign_in() -> None:
    take_parties()
    take_lines(line_row())
    take_approvals(approval_row())
    line, user = Line.objects.get(), User.objects.create(username="u")
    LineUser.objects.create(line=line, user=user, since=moment("2025-02-01T00:00:00Z"))
    take_releases(release_row(occurred_at="2025-09-01T00:00:00Z"))
    assert told(take_lines(line_row(deactivated_at="2025-08-01T00:00:00Z"))) == [("accepted",)]
    assert not LineUser.objects.filter(until=None).exists()
    assert Order.objects.get().snapshot["state"] == []
    assert set(Order.objects.get().snapshot["required_actions"]) == {"stop_use", "delete_held", "notify_downstream"}
    assert not Disclosure.objects.exists(), "nobody's line was active then"
    assert HeldDisclosure.objects.count() == 1
    assert told(take_lines(line_row())) == [("repeated",)], "an older row does not revive a tenure"
    assert Line.objects.get().deactivated_at == moment("2025-08-01T00:00:00Z")
    assert {"line.ended", "line.tenure_ended"} <= set(AuditEvent.objects.values_list("action", flat=True))


def test_what_has_no_moment_of_its_own_holds_from_now_on() -> None:
    take_parties()
    take_lines(line_row())
    changed = line_row(state="MD", user_role="user", language="es", holder_name="Ada Marsh-Lee", account_id="A2")
    assert told(take_lines(changed)) == [("accepted",)]
    assert told(take_lines(changed)) == [("repeated",)]
    line = Line.objects.get()
    assert (line.state, line.user_role, line.language, line.account.carrier_id) == ("MD", "user", "es", "A2")
    first, second = LineState.objects.order_by("since")
    assert (first.state, second.state) == ("WA", "MD")
    assert second.since > moment("2026-01-01T00:00:00Z")
    event = AuditEvent.objects.get(action="line.changed")
    assert event.detail == {"changed": ["user_role", "state", "language", "account", "holder_name"]}


def test_a_line_that_continues_another_takes_its_stops() -> None:
    take_parties()
    take_lines(line_row(line_id="L1", deactivated_at="2025-09-01T00:00:00Z"))
    take_approvals(approval_row())
    take_choices(choice_row(id="before", scope="party", ref="https://roadaid.example"))
    a_ledger_row(Line.objects.get(), "stop", scope="purpose", ref="dpv:Marketing", at=moment("2025-08-15T00:00:00Z"))
    take_lines(line_row(line_id="L2", activated_at="2025-09-01T00:00:00Z", continues_line_id="L1"))
    after = Line.objects.get(carrier_id="L2")
    take_choices(choice_row(id="late", scope="campaign", ref="CMP-track", made_at="2025-08-20T00:00:00Z"))
    copied = Choice.objects.filter(line_id=after.pk).order_by("scope")
    assert [(one.scope, one.ref, one.origin, one.kind) for one in copied] == [
        ("campaign", "CMP-track", "file", "stop"),
        ("party", "https://roadaid.example", "file", "stop"),
        ("purpose", "dpv:Marketing", "person", "stop"),
    ]
    assert LineGate.objects.get(line_id=after.pk).approvals == {}
    assert told(take_releases(release_row(occurred_at="2025-10-01T00:00:00Z"))) == [("accepted", "after_stop")]


def test_a_predecessor_may_come_further_down() -> None:
    rows = line_row(line_id="L2", msisdn=OTHER, continues_line_id="L1"), line_row(line_id="L1")
    assert told(take_lines(*rows)) == [("accepted",), ("accepted",)]
    assert Line.objects.get(carrier_id="L2").continues_line == Line.objects.get(carrier_id="L1")


def test_a_state_is_one_that_there_is() -> None:
    refused = ("rejected", "state", "not_a_state")
    states = ("zz", "GU", "XX")
    rows = [line_row(line_id=f"L{n}", msisdn=f"+1206555010{n}", state=state) for n, state in enumerate(states)]
    assert told(take_lines(*rows)) == [refused, ("accepted",), refused]
    assert told(take_lines(line_row(line_id="L1", msisdn="+12065550101", state="ZZ"))) == [refused]
    assert Line.objects.get().state == "GU"
