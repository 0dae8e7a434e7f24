"""A child's line becomes an adult's: what others allowed ends once the rows are written, each line by itself."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Line
from audit.models import AuditEvent
from audit.queries import database_clock
from consent.actions.choices import allow, stop
from consent.actions.lines import grow_up
from consent.domain import order_planning
from consent.feeds import lines
from consent.models import Choice
from consent.queries.approvals import list_lines_left_from_childhood
from disclosures.models import PublishedFigure
from disclosures.queries.figures.statements import Figure
from disclosures.workers import publishing
from partners.models import Campaign, Dealing, IdentifierLink
from revocations.domain.wire import Agreement
from support.queries.exports import EXPORTS
from tests.factories import NOW, a_campaign, a_contract, a_line, a_party
from tests.feeds import Row, line_row, take_lines, told
from tests.overlapping import after_the_first_making_up
from tests.people import number_of, signed_in, texts_to, user_of

pytestmark = pytest.mark.usefixtures("committed_db", "no_broker")

TEN = {f"L{n}": f"+1206555017{n}" for n in range(10)}
CHILDREN = {"LC": "+12065550188", "LB": "+12065550199"} | TEN
PARENT = "subscriber:0"


def rows(role: str, *named: str) -> list[Row]:
    return [line_row(line_id=one, msisdn=CHILDREN[one], user_role=role, account_id=f"A-{one}") for one in named]


def children(campaign: Campaign, *named: str) -> list[Line]:
    """Children's lines, for each of which another has allowed this campaign."""
    take_lines(*rows("minor", *named))
    found = [Line.objects.get(carrier_id=one) for one in named]
    for line in found:
        allow(line_id=line.pk, campaign=campaign.ref, actor=PARENT, channel="web")
    return found


def ended() -> list[tuple[int, str]]:
    return list(Choice.objects.filter(reason="grown_up").order_by("made_at").values_list("line_id", "ref"))


def grown_texts(line: Line) -> int:
    return sum("you alone decide about this phone's location" in text.text for text in texts_to(number_of(line)))


def test_a_file_is_taken_in_though_a_partner_appears(monkeypatch: pytest.MonkeyPatch) -> None:
    campaign = a_campaign()
    other = a_campaign(a_contract(a_party("NorthLink")), campaign.lbs_provider)
    IdentifierLink.objects.create(of="campaign", ref=other.ref, kin_ref=campaign.ref, link="succeeds", recorded_at=NOW)
    (line,) = children(campaign, "LB")
    tries = after_the_first_making_up(
        monkeypatch,
        lambda: Dealing.objects.using("owner").create(
            line_id=line.pk,
            aggregator_id=other.contract.aggregator_id,
            party_id=campaign.lbs_provider_id,
            last_at=timezone.now(),
        ),
    )
    assert told(take_lines(*rows("user", "LB"))) == [("accepted",)]
    assert tries == [1, 2]
    assert (ended(), grown_texts(line)) == ([(line.pk, campaign.ref)], 1)


def test_each_line_grows_up_by_itself_once_rows_are_written(monkeypatch: pytest.MonkeyPatch) -> None:
    campaign = a_campaign()
    first, second = children(campaign, "LC", "LB")
    made_up, seen = order_planning.agreements_after_no, list[tuple[list[str], list[int]]]()

    def and_look_from_elsewhere(**asked: Any) -> Sequence[Agreement]:
        roles = Line.objects.using("owner").order_by("pk").values_list("user_role", flat=True)
        stopped = Choice.objects.using("owner").filter(reason="grown_up").values_list("line_id", flat=True)
        seen.append((list(roles), list(stopped)))
        return made_up(**asked)

    monkeypatch.setattr(order_planning, "agreements_after_no", and_look_from_elsewhere)
    take_lines(*rows("user", "LC", "LB"))
    assert seen == [(["user", "user"], []), (["user", "user"], [first.pk])]
    assert ended() == [(first.pk, campaign.ref), (second.pk, campaign.ref)]


def test_what_run_cut_off_left_over_the_next_one_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    campaign = a_campaign()
    (line,) = children(campaign, "LB")

    def cut_off(**_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(lines, "grow_up", cut_off)
        with pytest.raises(KeyboardInterrupt):
            take_lines(*rows("user", "LB"))
    line.refresh_from_db()
    assert (line.user_role, ended(), grown_texts(line)) == ("user", [], 0)
    assert list_lines_left_from_childhood() == [line.pk]
    assert told(take_lines(line_row(line_id="LX", msisdn="+12065550177"))) == [("accepted",)]
    assert (ended(), grown_texts(line)) == ([(line.pk, campaign.ref)], 1)
    assert list_lines_left_from_childhood() == []
    for _ in range(2):
        grow_up(line_id=line.pk, at=timezone.now())
        take_lines(*rows("user", "LB"))
    assert (ended(), grown_texts(line)) == ([(line.pk, campaign.ref)], 1)


def test_who_had_nothing_allowed_for_them_is_texted_with_their_row(monkeypatch: pytest.MonkeyPatch) -> None:
    take_lines(*rows("minor", "LB"))
    line = Line.objects.get(carrier_id="LB")
    monkeypatch.setattr(lines, "grow_up", lambda **_: None)
    take_lines(*rows("user", "LB"))
    assert (ended(), grown_texts(line)) == ([], 1)


def test_what_is_not_left_from_a_childhood_stands() -> None:
    campaign, other = a_campaign(), a_campaign()
    (line,) = children(campaign, "LB")
    signed_in(line)
    own = f"subscriber:{user_of(line).pk}"
    allow(line_id=line.pk, campaign=other.ref, actor=own, channel="web")
    adult = a_line(role="holder")
    allow(line_id=adult.pk, campaign=campaign.ref, actor=PARENT, channel="web")
    take_lines(*rows("user", "LB"))
    allow(line_id=line.pk, campaign=campaign.ref, actor=own, channel="web")
    # As the holder of what is their own other line by then.
    third = a_campaign()
    allow(line_id=line.pk, campaign=third.ref, actor=PARENT, channel="web")
    assert list_lines_left_from_childhood() == []
    take_lines(line_row(line_id="LX", msisdn="+12065550177"))
    assert ended() == [(line.pk, campaign.ref)]
    assert AuditEvent.objects.get(action="line.changed").detail == {"changed": ["user_role"], "was": "minor"}


def test_a_line_that_was_no_child_s_keeps_what_others_allowed() -> None:
    campaign = a_campaign()
    take_lines(*rows("holder", "LB"))
    line = Line.objects.get(carrier_id="LB")
    allow(line_id=line.pk, campaign=campaign.ref, actor=PARENT, channel="web")
    take_lines(*rows("user", "LB"))
    assert AuditEvent.objects.get(action="line.changed").detail == {"changed": ["user_role"]}
    assert (list_lines_left_from_childhood(), ended()) == ([], [])


def test_no_figure_takes_what_ended_childhood_for_what_somebody_asked(settings: Settings) -> None:
    settings.FIGURES_TO_THE_MINUTE = True
    campaign = a_campaign()
    lines = children(campaign, *TEN)
    take_lines(*rows("user", *TEN))
    for line in lines:
        allow(line_id=line.pk, campaign=campaign.ref, actor=PARENT, channel="web")
        stop(line_id=line.pk, scope="campaign", ref=campaign.ref, actor=PARENT, channel="web")
    now = database_clock()
    publishing.make(at=now + timedelta(days=1))
    said = {row["kind"]: row["n"] for row in PublishedFigure.objects.get(name=Figure.CHOICES).rows}
    assert said == {"stop": 10, "dispute": 0, "refuse": 0, "pause": 0, "allow": 20, "ours": 10}
    (followed,) = PublishedFigure.objects.get(name=Figure.FOLLOWED).rows
    assert (followed["received"], followed["said_here"]) == (20, 10)
    assert [row[:3] for row in EXPORTS["requests"].rows(now.year, now)] == [("stop", "web", 10)]
