"""The leads' figures: what is open and late, how long people wait; the complaints of a year; each copy in the trail."""

import csv
import re
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from accounts.queries import StaffOnly
from audit.models import AuditEvent
from support.actions.cases import export_figures
from support.domain.tickets import answer
from support.models import Ticket
from support.policies.lifecycle import ZONE
from support.queries import team_metrics
from support.queries.team_metrics import Span, complaints, figures
from tests.factories import a_line, a_party
from tests.support.desk import a_ticket
from tests.support.officers import Member, shown, staff
from tests.world import disclosed, gagged

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_broker")]
NOON = datetime(2026, 3, 4, 17, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
MARCH = Span(date(2026, 3, 1), date(2026, 3, 31))


def cases(ana: User) -> None:
    party = a_party("GeoBridge")
    for hours in range(1, 21):
        a_ticket(
            at=NOON, due_in=20 * HOUR, state="closed", kind="dispute", party_id=party.pk, assignee=ana,
            first_answer_at=NOON + hours * HOUR, solved_at=NOON + 2 * hours * HOUR, closed_at=NOON + 3 * DAY,
        )  # fmt: skip
    a_ticket(at=NOON, due_in=DAY, kind="sign_in")
    # Where the desk is, the month's first moment and the last one before it.
    begins = datetime(2026, 3, 1, 5, tzinfo=UTC)
    a_ticket(at=begins, due_in=9 * DAY, state="waiting", kind="sign_in")
    a_ticket(at=begins - timedelta(microseconds=1), kind="other")


def test_they_count_and_time_what_was_opened_in_these_days() -> None:
    ana = staff(User.Role.AGENT, name="ana").user
    cases(ana)
    found = figures(span=MARCH, user_id=None, at=NOON + 2 * DAY)
    assert (found.whole.opened, found.whole.under_way, found.whole.overdue) == (22, 2, 1)
    assert (found.whole.on_time, found.whole.judged) == (20, 21)
    assert found.whole.answer == pytest.approx((10.5 * 3600, 19.05 * 3600))
    assert found.whole.end == pytest.approx((21 * 3600, 38.1 * 3600))
    assert [(one.name, one.opened, one.overdue, one.answer is None) for one in found.by_kind] == [
        ("I never agreed", 20, 0, False), ("Trouble signing in", 2, 1, True),
    ]  # fmt: skip
    assert [(one.name, one.opened) for one in found.by_person] == [("ana@carrier.example", 20), ("Unassigned", 2)]
    assert [(one.name, one.opened) for one in found.by_company] == [("GeoBridge", 20)]
    told = shown(staff(), "/desk/figures/?since=2026-03-01&until=2026-03-31")
    assert "10 hours 95% within 19 hours 21 hours 95% within 38 hours" in told
    nobody = figures(span=MARCH, user_id=staff(User.Role.AGENT, name="ben").user.pk, at=NOON)
    assert (nobody.whole.opened, nobody.whole.answer, nobody.by_kind) == (0, None, ())


def test_the_last_day_counts_whole_where_the_desk_is() -> None:
    midnight = datetime(2026, 4, 1, 4, tzinfo=UTC)
    for at in (midnight - timedelta(microseconds=1), midnight):
        a_ticket(at=at)
    assert figures(span=MARCH, user_id=None, at=midnight + DAY).whole.opened == 1


def test_the_share_on_time_and_what_people_thought_are_shown_to_leads() -> None:
    ana, lead = staff(User.Role.AGENT, name="ana"), staff()
    line = a_line()
    for days, rating in ((0, 5), (0, 4), (2, None), (7, None)):
        at = NOON + (days // 7) * 7 * DAY
        case = a_ticket(at=at, due_in=DAY, line_id=line.pk, assignee=ana.user)
        with transaction.atomic():
            answer(ticket=case, body="Yes.", actor=ana.actor, then=Ticket.State.SOLVED, at=at + days % 7 * DAY)
        if rating:
            Ticket.objects.filter(pk=case.pk).update(rating=rating, rated_at=at)
    a_ticket(at=NOON, due_in=DAY, assignee=ana.user)
    a_ticket(at=NOON, due_in=300 * DAY, assignee=ana.user)
    asked = "/desk/figures/?since=2026-03-01&until=2026-03-31"
    found = figures(span=MARCH, user_id=None, at=timezone.now()).whole
    assert (found.on_time, found.judged, found.share, found.rating, found.rated) == (3, 5, 60, 4.5, 2)
    told = shown(lead, asked)
    assert "answered on time 60% 3 of 5 satisfaction 4.5 of 5 2 ratings" in told
    assert (
        "opened in the week of Mar 9, 100% were answered on time. In the week of Mar 2 it was 50%." in told
    )  # fmt: skip
    assert "“On time” means that our first reply came by the case’s due date." in told
    assert "Cases that have no reply and aren’t due yet don’t count." in told
    # The picture names its weeks, and so does its table.
    assert "100% 50% 0% Mar 2 Mar 9 Show as a table Week On time Of Share" in told
    assert "Mar 2, 2026 2 4 50% Mar 9, 2026 1 1 100%" in told
    lead.client.cookies["django_language"] = "es"
    spanish = shown(lead, asked)
    assert "abiertos en la semana del 9 mar, el 100 % se respondió a tiempo. En la semana del 2 mar fue" in spanish
    assert "100% 50% 0% 2 mar 9 mar Mostrar" in spanish
    assert "2 mar 2026 2 4 50% 9 mar 2026 1 1 100%" in spanish
    lead.client.cookies["django_language"] = "en"
    # Its bars stand on the line of 0% and end at that of their share.
    lines, bars = drawn(lead, asked)
    assert lines == [("100", 0), ("50", 50), ("0", 100)]
    assert bars == [(58, 50, 72, 50), (148, 0, 72, 100)]
    own = shown(ana, asked)
    assert "answered on time 60%" in own
    assert "satisfaction" not in own
    # The file has every figure of the page.
    file, mine = (rows(member, f"/desk/figures/desk.csv{asked.partition('figures/')[2]}") for member in (lead, ana))
    assert file[0][-4:] == ["answered_on_time", "answer_was_due", "satisfaction_of_5", "ratings"]
    assert (file[1][-4:], mine[1][-4:]) == (["3", "5", "4.5", "2"], ["3", "5", "", ""])
    assert [[one[1], *one[-2:]] for one in file if one[0] == "week"] == [
        ["2026-03-02", "2", "4"], ["2026-03-09", "1", "1"],
    ]  # fmt: skip


def test_the_days_before_are_shown_beside() -> None:
    lead = staff()
    for days in (0, 5, 34, 63):
        a_ticket(at=NOON - days * DAY, due_in=DAY)
    asked = "/desk/figures/?since=2026-03-01&until=2026-03-31"
    assert "In the 31 days before, 2 cases were opened, and 0% were answered on time." in shown(lead, asked)
    day = "/desk/figures/?since=2026-03-04&until=2026-03-04"
    assert "In the day before, 0 cases were opened." in shown(lead, day)


def test_cases_that_no_one_answers_are_in_no_share_on_time() -> None:
    for kind in ("incident", "overdue", "partial"):
        a_ticket(at=NOON, due_in=DAY, kind=kind)
    a_ticket(at=NOON, due_in=DAY)
    found = figures(span=MARCH, user_id=None, at=NOON + 2 * DAY)
    assert (found.whole.overdue, found.whole.on_time, found.whole.judged) == (4, 0, 1)
    assert {one.name: one.share for one in found.by_kind} == {
        "Incident": None, "A partner is late": None, "A partner signed in part": None, "Something else": 0,
    }  # fmt: skip


def test_each_number_names_its_column_where_rows_are_stacked() -> None:
    a_ticket(at=NOON)
    page = staff().client.get("/desk/figures/?since=2026-03-01&until=2026-03-31").content.decode()
    table = page.partition('<table class="figures stacked">')[2].partition("</table>")[0]
    columns = re.findall(r'<th class="n" scope="col">([^<]+)<', table)
    assert columns == [
        "opened", "under way", "overdue", "on time", "satisfaction", "time to first reply", "time to final answer",
    ]  # fmt: skip
    assert re.findall(r'<td data-label="([^"]+)"', table) == columns


def test_a_week_without_a_case_keeps_its_place_in_the_chart() -> None:
    """Of many weeks as many are named as there is room for."""
    for weeks in (0, 20):
        a_ticket(at=NOON + weeks * 7 * DAY, due_in=DAY)
    asked = "/desk/figures/?since=2026-03-01&until=2026-12-31"
    lead = staff()
    told = shown(lead, asked)
    assert "0% Mar 2 Mar 30 Apr 27 May 25 Jun 22 Jul 20 Show as a table" in told
    assert "Mar 9, 2026 0 0 –" in told
    _lines, bars = drawn(lead, asked)
    assert (len(bars), bars[0][0], bars[-1][0] + bars[-1][2] <= 560) == (21, 58, True)
    assert all(one[0] + one[2] < following[0] for one, following in pairwise(bars))


def drawn(member: Member, path: str) -> tuple[list[tuple[str, int]], list[tuple[float, ...]]]:
    """The chart's lines, each with its height from above, and its bars: from left, from above, width, height."""
    page = member.client.get(path).content.decode()
    lines = re.findall(r'<line class="grid" .*? y1="(\d+)" y2="\1"/>.*?>(\d+)%</text>', page)
    bars = re.findall(r'<rect class="s1" x="([\d.]+)" y="(\d+)" width="([\d.]+)" height="(\d+)"', page)
    return [(share, int(y)) for y, share in lines], [tuple(map(float, one)) for one in bars]


def test_weeks_without_a_case_have_no_chart() -> None:
    assert "by week" not in shown(staff(), "/desk/figures/?since=2026-03-01&until=2026-03-31")


def rows(member: Member, path: str) -> list[list[str]]:
    answer: Any = member.client.get(path)
    return list(csv.reader(answer.getvalue().decode().lstrip("\ufeff").splitlines()))


def test_an_agent_sees_their_own_and_a_lead_everybody_s() -> None:
    ana, ben, lead = staff(User.Role.AGENT, name="ana"), staff(User.Role.AGENT, name="ben"), staff()
    cases(ana.user)
    asked = "?since=2026-03-01&until=2026-03-31"
    for member, opened in ((ana, "20"), (ben, "0"), (lead, "22")):
        assert f"<dd>{opened}</dd>" in member.client.get(f"/desk/figures/{asked}").content.decode()
        taken = rows(member, f"/desk/figures/desk.csv{asked}")
        assert taken[1][2] == opened
        assert taken[-1][0].startswith(f"Taken by {member.user.email} at ")
    assert ("ana@carrier.example" in lead.client.get(f"/desk/figures/{asked}").content.decode()) is True
    assert ("ana@carrier.example" in ben.client.get(f"/desk/figures/{asked}").content.decode()) is False
    event = AuditEvent.objects.filter(action="export.taken").latest("id")
    assert (event.actor, event.target, event.detail) == (
        lead.actor, "export:desk-figures", {"since": "2026-03-01", "until": "2026-03-31"},
    )  # fmt: skip


def test_a_day_that_makes_no_sense_is_said_so() -> None:
    lead = staff()
    shown = lead.client.get("/desk/figures/?since=2026-03-31&until=2026-03-01").content.decode()
    assert "This day is before the first day." in shown
    assert "like this: 2026-05-31." in lead.client.get("/desk/figures/?since=x").content.decode()


def test_the_year_s_complaints_are_for_the_certificate() -> None:
    ana, officer, auditor = staff(User.Role.AGENT), staff(), staff(User.Role.AUDITOR)
    cases(ana.user)
    a_ticket(at=NOON, kind="incident")
    # Of the year from its first moment on, and not of the next one's.
    for year in (2026, 2027):
        a_ticket(at=datetime(year, 1, 1, tzinfo=ZONE), kind="still_have")
    a_ticket(at=NOON, kind="still_have", state="merged", merged_into=a_ticket(at=NOON, kind="incident"))
    found = {one.kind: one for one in complaints(year=2026, at=timezone.now())}
    assert len(found) == 7
    disputes = found["I never agreed"]
    assert (disputes.received, disputes.answered, disputes.under_way, disputes.companies) == (20, 20, 0, 1)
    assert disputes.median_s == pytest.approx(10.5 * 3600)
    assert (found["Trouble signing in"].received, found["They still have my data"].received) == (2, 1)
    path = "/desk/figures/complaints/2026/"
    assert (ana.client.get(path).status_code, auditor.client.get(path).status_code) == (403, 200)
    assert "I never agreed 20 20 0 1 10 hours" in shown(officer, path)
    assert "Trouble signing in 2 0 2 0 –" in shown(officer, path)
    assert officer.client.get("/desk/figures/complaints/2019/").status_code == 404
    taken = rows(officer, f"{path}complaints.csv")
    assert taken[1] == ["2026", "I never agreed", "20", "20", "0", "1", "0.4"]
    assert taken[-1][0].startswith("Taken by officer@carrier.example")
    event = AuditEvent.objects.get(action="export.taken")
    assert (event.actor, event.target, event.detail) == (officer.actor, "export:complaints", {"year": 2026})


def test_a_case_about_a_company_counts_for_it_while_no_order_hides_that(officer: Member) -> None:
    line, finder = a_line(), a_party("Elm Finder", "lbs_provider")
    (row,) = disclosed(line, [a_party("Elm").uri, finder.uri], at=NOON - DAY, n=1)
    for name, ref in (("company", finder.pk), ("look_up", row.id)):
        a_ticket(at=NOON, line_id=line.pk, about_kind=name, about_ref=str(ref))
    a_ticket(at=NOON, party_id=a_party("GeoBridge").pk)
    at = NOON + DAY

    def read() -> tuple[int, list[tuple[str, int]]]:
        received = {one.kind: one.companies for one in complaints(year=2026, at=at)}
        found = figures(span=MARCH, user_id=None, at=at)
        return received["Something else"], [(one.name, one.opened) for one in found.by_company]

    assert read() == (2, [("Elm Finder", 2), ("GeoBridge", 1)])
    assert "Something else 3 0 3 2 –" in shown(officer, "/desk/figures/complaints/2026/")
    gagged(row, until=at + 30 * DAY, at=NOON)
    assert read() == (1, [("GeoBridge", 1)])


def test_nobody_takes_others_figures_who_may_not_see_them() -> None:
    ana, auditor, at = staff(User.Role.AGENT, name="ana"), staff(User.Role.AUDITOR), timezone.now()
    span = team_metrics.last_days(at=at)
    for whose in (None, auditor.user.pk):
        with pytest.raises(StaffOnly):
            export_figures(span=span, user_id=whose, user=ana.user, at=at)
    assert list(export_figures(span=span, user_id=None, user=auditor.user, at=at))


@pytest.mark.parametrize("day", ["9999-12-31", "0001-01-01"])
def test_the_calendar_s_first_and_last_day_are_refused(day: str) -> None:
    page = staff().client.get(f"/desk/figures/?since={day}&until={day}")
    assert (page.status_code, "Check the year. It must be from 1990 to 2199." in page.text) == (200, True)


def test_the_year_is_that_of_the_privacy_office(monkeypatch: pytest.MonkeyPatch) -> None:
    # New Year has come in London and not in New York.
    at = datetime(2027, 1, 1, 2, tzinfo=UTC)
    lead = staff()
    monkeypatch.setattr("support.views.figures.timezone", SimpleNamespace(now=lambda: at, localtime=timezone.localtime))
    assert lead.client.get("/desk/figures/complaints/2027/").status_code == 404
    assert lead.client.get("/desk/figures/complaints/2026/").status_code == 200


def test_the_figures_are_in_spanish_for_whoever_reads_that() -> None:
    lead, at = staff(), NOON
    for n in range(2):
        a_ticket(at=at + n * 7 * DAY, due_in=DAY)
    next_day = f"/desk/figures/?since={at.date() + DAY}&until={at.date() + DAY}"
    assert "In the day before, 1 case was opened, and 0% were answered on time." in shown(lead, next_day)
    month = "/desk/figures/?since=2026-03-01&until=2026-03-31"
    trend = "Of people's cases opened in the week of Mar 9, 0% were answered on time. In the week of Mar 2 it was 0%."
    assert trend in shown(lead, month)
    lead.client.cookies["django_language"] = "es"
    told = shown(lead, month)
    for words in (
        "respondidos a tiempo 0% 0 de 2 satisfacción",
        "«A tiempo» significa que nuestra primera respuesta llegó antes de vencer el caso.",
        "En los 31 días anteriores, se abrieron 0 casos.",
        "Respondidos a tiempo, por semana De los casos de personas abiertos en la semana del",
        "Mostrar como tabla Semana A tiempo De Parte",
    ):
        assert words in told
    assert "En el día anterior, se abrió 1 caso, y el 0 % se respondió a tiempo." in shown(lead, next_day)
