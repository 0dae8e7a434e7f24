"""The queue: what is due first, narrowed by its address, page by page; found by what people quote; whose a case is."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from accounts.primitives.reasons import NoReason
from accounts.queries import StaffOnly
from audit.models import AuditEvent
from disclosures.models import Disclosure
from portal.templatetags import amounts
from support.actions import queue
from support.actions.cases import move_case
from support.actions.queue import hand_over
from support.models import Attachment, Draft, Entry, Ticket
from support.policies.lifecycle import NotNow
from support.queries import queue as waiting
from support.queries.due import due
from support.queries.names import get_staff_name
from support.queries.queue import PAGE, QueueFilter, counts, page
from tests.factories import a_ledger_row, a_line, a_party
from tests.support.desk import a_ticket, said
from tests.support.officers import Member, csv_of, shown, staff
from tests.walks.marks import tells
from tests.world import disclosed, gagged

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_broker")]
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
TUESDAY = datetime(2026, 11, 24, 15, 30, tzinfo=UTC)
NUMBER = "+12065550177"


def listed(member: Member, path: str = "/desk/") -> list[str]:
    """The codes on a page, in their order."""
    answer = member.client.get(path)
    assert answer.status_code == 200
    return re.findall(r'class="code">(T-\w+)<', answer.content.decode())


def found(member: Member, q: str) -> list[str]:
    return re.findall(r'class="code">(T-\w+)<', member.client.post("/desk/search/", {"q": q}).content.decode())


def test_cases_that_may_be_the_same_are_offered_to_be_merged(ana: Member) -> None:
    line, other, party = a_line(), a_line(), a_party()
    own = a_ticket(line_id=line.pk, kind="look_up", about_kind="look_up", about_ref="1", party_id=party.pk)
    same = [
        a_ticket(line_id=line.pk, kind="look_up", about="Again"),
        a_ticket(line_id=line.pk, kind="other", about_kind="look_up", about_ref="1"),
        a_ticket(line_id=line.pk, kind="other", party_id=party.pk),
    ]
    a_ticket(line_id=line.pk, kind="other")
    a_ticket(line_id=line.pk, kind="other", about_kind="choice", about_ref="1")
    a_ticket(line_id=line.pk, kind="look_up", state="solved", solved_at=timezone.now())
    a_ticket(line_id=other.pk, kind="look_up", party_id=party.pk)
    case = ana.client.get(f"/desk/{own.code}/").content.decode()
    earlier = case.partition("Other cases of this person")[2].partition("</section>")[0]
    assert f'<a href="/desk/{own.code}/handling/#merge">Merge two cases</a>' in earlier
    page = ana.client.get(f"/desk/{own.code}/handling/").content.decode()
    assert page.count('id="merge"') == 1
    assert re.findall(r">Merge into ([^<]+)<", page) == [one.code for one in same]
    titled = "Again", "A question", "GeoBridge: A question"
    assert re.findall(r"<span><bdi>([^<]+)</bdi>", page) == list(titled)
    assert set(re.findall(r"<span><bdi>([^<]+)</bdi>", earlier)) == set(titled)
    again = ana.client.get(f"/desk/{same[0].code}/handling/").text
    assert re.findall(r">Merge into ([^<]+)<", again) == [own.code]
    assert ana.client.post(f"/desk/{own.code}/merge/", {"into": same[0].code}).status_code == 302
    assert Ticket.objects.get(pk=own.pk).merged_into == same[0]
    due = ["Answer due" in ana.client.get(f"/desk/{one.code}/").text for one in (own, same[0])]
    assert due == [False, True]
    alone = a_ticket(kind="canary")
    assert "may be about the same" not in ana.client.get(f"/desk/{alone.code}/handling/").content.decode()


def test_cases_of_people_and_of_our_own_are_two_queues(ana: Member) -> None:
    at = timezone.now()
    made = {
        kind: a_ticket(kind=kind, due_at=at + n * HOUR).code
        for n, kind in enumerate(("incident", "dispute", "partial", "other", "overdue"))
    }
    assert listed(ana, "/desk/?kind=people") == [made["dispute"], made["other"]]
    assert listed(ana, "/desk/?kind=ours") == [made["incident"], made["partial"], made["overdue"]]
    assert listed(ana) == listed(ana, "/desk/?sort=due&priority=") == [made["dispute"], made["other"]]
    assert listed(ana, "/desk/?kind=") == listed(ana, "/desk/?state=open") == list(made.values())
    assert '<a href="/desk/?kind=">\n        <b data-count="open">5</b>' in ana.client.get("/desk/").text
    people, ours = "From people (2)", "Incidents and partners (3)"
    for path, current, is_open in (
        ("/desk/", people, False),
        ("/desk/?kind=people", people, False),
        ("/desk/?kind=ours&priority=", ours, False),
        ("/desk/?kind=people&priority=1", people, True),
        ("/desk/?kind=", "Every kind", False),
        ("/desk/?whose=mine", "Every kind", True),
    ):
        html = ana.client.get(path).content.decode()
        assert re.findall(r'aria-current="page">\s*([^<]+?)\s*</a>', html.partition("<main")[2]) == [current], path
        assert ('class="desk-filters" open' in html) is is_open, path
    # The next case is taken from the queue that is shown.
    assert ana.client.post("/desk/claim/?kind=people").headers["Location"] == f"/desk/{made['dispute']}/"


def test_clocks_are_in_business_days() -> None:
    said = {
        TUESDAY: ("Due today", False),
        TUESDAY + DAY: ("Due in 1 business day", False),
        # Thanksgiving and a weekend in between.
        TUESDAY + 6 * DAY: ("Due in 3 business days", False),
        TUESDAY - HOUR: ("Overdue since today", True),
        TUESDAY - 4 * DAY: ("Overdue by 2 business days", True),
        TUESDAY - 400 * DAY: ("Overdue by 60+ business days", True),
    }
    clocks = {at: due(due_at=at, at=TUESDAY) for at in said}
    assert {at: (clock.words, clock.late) for at, clock in clocks.items()} == said
    # Between two days without business in between.
    friday, sunday = TUESDAY + 3 * DAY, TUESDAY + 5 * DAY
    assert due(due_at=sunday, at=friday).words == "Due before the next business day"
    assert due(due_at=friday, at=sunday).words == "Overdue by less than a business day"


def test_what_is_due_first_stands_first(ana: Member) -> None:
    later, first, late = a_ticket(), a_ticket(due_in=DAY), a_ticket(due_in=-DAY)
    for whose in (None, ana.user):
        a_ticket(state="solved", due_in=-2 * DAY, assignee=whose)
    assert listed(ana) == [late.code, first.code, later.code]
    shown = ana.client.get("/desk/").content.decode()
    assert "Open the case" in shown
    assert shown.count("Overdue by") == 1
    assert re.findall(r'data-count="(\w+)">(\d+)<', shown) == [
        ("open", "3"), ("overdue", "1"), ("mine", "0"), ("unclaimed", "3"),
    ]  # fmt: skip


def test_each_filter_stands_in_the_address(ana: Member) -> None:
    party = a_party("GeoBridge")
    plain = a_ticket()
    of = {
        "kind=dispute": a_ticket(kind="dispute"), "priority=1": a_ticket(priority=1),
        "company=geob": a_ticket(party_id=party.pk), "whose=mine": a_ticket(assignee=ana.user),
        f"whose={ana.user.pk}": Ticket.objects.latest("id"), "overdue=on": a_ticket(due_in=-DAY),
        "language=es": a_ticket(language="es"), "state=waiting": a_ticket(state="waiting"),
        "state=solved": a_ticket(state="solved"),
        "state=all&sort=newest&kind=sign_in": a_ticket(kind="sign_in", state="closed", closed_at=timezone.now()),
    }  # fmt: skip
    assert {query: listed(ana, f"/desk/?{query}") for query in of} == {query: [one.code] for query, one in of.items()}
    assert listed(ana, "/desk/?company=geobridge.example") == [of["company=geob"].code]
    assert plain.code in listed(ana, "/desk/?whose=nobody")
    assert listed(ana, "/desk/?company=nobody-of-this-name") == []
    # What makes no sense filters nothing.
    for nonsense in ("kind=x", "priority=x", "whose=999999999", "state=x", "after=x~y", "after=9~x"):
        assert len(listed(ana, f"/desk/?{nonsense}")) == 8, nonsense


def test_the_company_that_a_person_asked_about_is_named_while_no_order_hides_it(ana: Member) -> None:
    at, line = timezone.now(), a_line()
    aggregator, finder, other = a_party("Elm"), a_party("Elm Finder", "lbs_provider"), a_party("Oak Finder")
    (row,) = disclosed(line, [aggregator.uri, finder.uri], at=at - DAY, n=1)
    choice = a_ledger_row(line, "stop", scope="party", ref=other.uri, at=at - DAY)
    asked = {
        name: a_ticket(line_id=line.pk, about_kind=name, about_ref=str(ref), due_in=n * DAY).code
        for n, (name, ref) in enumerate((("company", finder.pk), ("look_up", row.id), ("choice", choice.id)), 1)
    }
    named = r'class="code">(T-\w+)</span> <bdi>(?:([^<:]+): )?A question</bdi>'

    def companies(path: str = "/desk/") -> list[tuple[str, str]]:
        return re.findall(named, ana.client.get(path).text)

    shown = [(asked["company"], "Elm Finder"), (asked["look_up"], "Elm Finder"), (asked["choice"], "Oak Finder")]
    assert companies() == shown
    assert [code for code, _ in companies("/desk/?company=elm+f")] == [asked["company"]]
    assert asked["company"] in found(ana, "Elm Finder")
    gagged(row, until=at + 30 * DAY, at=at)
    assert companies() == [(asked["company"], ""), (asked["look_up"], ""), (asked["choice"], "Oak Finder")]
    assert not companies("/desk/?company=elm+f")
    assert not found(ana, "Elm Finder")


@pytest.mark.parametrize("under_order", [False, True])
def test_the_queue_costs_the_same_whatever_its_cases_are_about(ana: Member, under_order: bool) -> None:
    at, line, company = timezone.now(), a_line(), a_party("Elm Finder", "lbs_provider")
    rows = disclosed(line, [a_party("Elm").uri, company.uri], at=at - DAY, n=9)

    if under_order:
        gagged(rows[-1], until=at + 30 * DAY, at=at)

    def count_statements() -> int:
        with CaptureQueriesContext(connection) as statements:
            for path in ("/desk/", "/desk/?company=elm+f"):
                assert ana.client.get(path).status_code == 200
        return len(statements)

    def open_cases(row: Disclosure) -> None:
        choice = a_ledger_row(line, "stop", scope="party", ref=company.uri, at=timezone.now())
        for name, ref in (("company", company.pk), ("look_up", row.id), ("choice", choice.id)):
            a_ticket(line_id=line.pk, about_kind=name, about_ref=str(ref))

    open_cases(rows[0])
    # The first page reads what stays the same for a while.
    count_statements()
    costs = count_statements()
    for row in rows[1:]:
        open_cases(row)
    assert count_statements() == costs


def test_a_case_is_of_those_who_work_on_cases_by_name(ana: Member) -> None:
    gone = staff(User.Role.AGENT, name="zoe").user
    for name in ("mia", "Ben"):
        staff(User.Role.AGENT, name=name)
    staff(User.Role.AUDITOR)
    User.objects.filter(pk=gone.pk).update(is_active=False)
    offered = ana.client.get("/desk/").text.partition('name="whose"')[2].partition("</select>")[0]
    people = re.findall(r">([^<>]+@carrier.example)</option>", offered)
    assert people == [f"{name}@carrier.example" for name in ("ana", "Ben", "mia")]


@pytest.mark.parametrize("sort", ["due", "-due", "priority", "-priority", "newest", "oldest"])
def test_pages_follow_one_another_whole_and_without_an_offset(ana: Member, sort: str) -> None:
    at = timezone.now()
    for n in range(PAGE + 7):
        # Many are due at once, and what was asked last is due first.
        a_ticket(at=at, due_in=(15 - n // 4) * DAY, priority=2 if n % 10 else 3)
    asked, seen = QueueFilter(sort=sort), list[Ticket]()
    with CaptureQueriesContext(connection) as statements:
        while True:
            found = page(asked=asked, user_id=ana.user.pk, at=at)
            seen += [row.ticket for row in found.rows]
            if not found.next:
                break
            asked = QueueFilter(sort=sort, after=found.next)
    orders = {
        "due": lambda one: (one.due_at, one.pk),
        "priority": lambda one: (one.priority, one.due_at, one.pk),
        "oldest": lambda one: one.pk,
    }
    by = orders["oldest" if sort == "newest" else sort.removeprefix("-")]
    assert seen == sorted(Ticket.objects.all(), key=by, reverse=sort == "newest" or sort.startswith("-"))
    assert [one["sql"] for one in statements if re.search(r"OFFSET [1-9]", one["sql"])] == []


def test_the_queue_is_sorted_by_its_columns_either_way(ana: Member) -> None:
    urgent, soon, late = a_ticket(priority=1), a_ticket(due_in=DAY), a_ticket(due_in=-DAY, priority=4)
    link = re.compile(r'<a href="([^"]+)"( aria-current="true")?>(\w+)(?:<span class="away">: ([^<]+)<)?')

    def follow(label: str, path: str) -> str:
        """Press a column's heading; where it leads."""
        links = {name: unescape(href) for href, _, name, _ in link.findall(ana.client.get(path).text)}
        return links[label]

    def read_order(path: str) -> str:
        return " ".join(words for _, current, _, words in link.findall(ana.client.get(path).text) if current)

    assert "Sort by Due : Due first ↑ Priority Opened CSV" in shown(ana, "/desk/")
    assert "Time used Any Half, but less than 90% 90% or more, not overdue Only overdue" in shown(ana, "/desk/")
    path, seen = "/desk/?kind=people", []
    for label in ("Due", "Due", "Priority", "Priority", "Opened", "Opened"):
        path = follow(label, path)
        seen.append((read_order(path), listed(ana, path)))
    ordered = [late.code, soon.code, urgent.code]
    by_priority = [urgent.code, soon.code, late.code]
    assert seen == [
        ("Due last", ordered[::-1]), ("Due first", ordered), ("Most urgent first", by_priority),
        ("Least urgent first", by_priority[::-1]), ("Newest first", [late.code, soon.code, urgent.code]),
        ("Oldest first", [urgent.code, soon.code, late.code]),
    ]  # fmt: skip
    assert "kind=people" in path
    # What is done has no date.
    done = [a_ticket(state="solved", solved_at=timezone.now()).code for _ in range(2)]
    assert listed(ana, "/desk/?state=solved&sort=oldest") == done
    assert listed(ana, "/desk/?state=solved&sort=priority") == done[::-1]
    page = ana.client.get("/desk/?state=solved").text
    assert "sort=priority" not in page
    # Nor is it anybody's to take.
    assert re.findall(r'action="/desk/([^/]+)/claim/"', page) == []
    assert [row["due"] for row in csv_of(ana, "/desk/?state=solved&csv=1")] == ["", ""]


def test_the_queue_as_a_file_has_what_it_shows_and_is_written_down(ana: Member) -> None:
    line, party = a_line(msisdn=NUMBER), a_party("=GeoBridge")
    mine = a_ticket(
        line_id=line.pk, number_ending="0177", assignee=ana.user, party_id=party.pk, priority=2, language="es"
    )
    later = a_ticket(due_in=9 * DAY, kind="dispute", about="I never agreed to this")
    a_ticket(kind="incident")
    html = ana.client.get("/desk/?sort=-due").text
    (path,) = re.findall(r'href="([^"]+)" download', html)
    rows = csv_of(ana, unescape(path))
    assert [tuple(row.values())[:7] for row in rows] == [
        (later.code, "I never agreed to this", "", "I never agreed", "Normal", "Open", "en"),
        (mine.code, "A question", "'=GeoBridge", "Something else", "High", "Open", "es"),
    ]
    assert (rows[1]["due"], rows[1]["assigned_to"]) == (
        f"{mine.due_at:%Y-%m-%dT%H:%M:%SZ}",
        get_staff_name(user=ana.user),
    )
    assert not tells(str(rows), NUMBER)
    assert csv_of(ana, "/desk/?whose=mine&language=es&csv=1") == rows[1:]
    taken = AuditEvent.objects.filter(action="export.taken", actor=ana.actor).order_by("at")
    assert [(one.target, one.detail) for one in taken] == [
        ("export:list", {"in": "Cases", "for": {}}),
        ("export:list", {"in": "Cases", "for": {"Assigned to": "Mine", "Language": "Español"}}),
    ]
    assert not AuditEvent.objects.filter(action="search.made").exists()


def test_a_file_of_the_queue_has_no_case_that_an_order_hides(ana: Member) -> None:
    at, line = timezone.now(), a_line()
    finder = a_party("Elm Finder", "lbs_provider")
    (row,) = disclosed(line, [a_party("Elm").uri, finder.uri], at=at - DAY, n=1)
    a_ticket(line_id=line.pk, about_kind="company", about_ref=str(finder.pk))
    assert [one["company"] for one in csv_of(ana, "/desk/?csv=1")] == ["Elm Finder"]
    gagged(row, until=at + 30 * DAY, at=at)
    assert [one["company"] for one in csv_of(ana, "/desk/?csv=1")] == [""]


def test_a_long_queue_s_file_says_that_it_is_not_all(ana: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("support.queries.exports.MOST_IN_FILE", 2)
    codes = [a_ticket(due_in=n * DAY).code for n in range(1, 4)]
    says = "Only the first 2 rows. Narrow the list to get the others."
    assert [row["case"] for row in csv_of(ana, "/desk/?csv=1")] == [*codes[:2], says]


def test_counts_go_no_further_than_is_needed(ana: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(5):
        a_ticket()
    for module in (waiting, amounts):
        monkeypatch.setattr(module, "COUNTED_TO", 3)
    with CaptureQueriesContext(connection) as seen:
        assert counts(user_id=ana.user.pk, at=timezone.now()).open == 3
    assert [one["sql"][:22] for one in seen if "support_ticket" in one["sql"]] == ["SELECT (SELECT count(*"]
    for path in ("", "counts/", "replies/", "many/", f"{Ticket.objects.all()[0].code}/priority/"):
        assert re.findall(r'data-count="(\w+)">([^<]+)<', ana.client.get(f"/desk/{path}").text) == [
            ("open", "2+"), ("overdue", "0"), ("mine", "0"), ("unclaimed", "2+"),
        ]  # fmt: skip
    assert "From people (2+)" in ana.client.get("/desk/").text
    assert 'class="late"' not in ana.client.get("/desk/counts/").text
    a_ticket(due_in=-timedelta(days=1))
    assert 'class="late"' in ana.client.get("/desk/counts/").text


def test_nothing_follows_a_page_that_is_just_full(ana: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("support.queries.queue.PAGE", 2)

    def is_followed() -> tuple[bool, bool]:
        at = timezone.now()
        listed_next = page(asked=QueueFilter(), user_id=ana.user.pk, at=at).next
        return bool(listed_next), bool(queue.search(asked="quagga", before=0, user=ana.user, at=at).next)

    for follows in (False, False, True):
        said(a_ticket(about="Quagga"), "Quagga")
        assert is_followed() == (follows, follows)


def test_three_letters_are_searched_for_and_two_are_not(ana: Member) -> None:
    about, thread = a_ticket(about="Elk"), a_ticket()
    said(thread, "ox emu")
    assert [found(ana, q) for q in ("elk", "lk", "emu", "ox")] == [[about.code], [], [thread.code], []]


def test_who_may_see_no_number_finds_a_case_by_its_digits() -> None:
    a_ticket(code="T-234567", number_ending="7777")
    auditor = staff(User.Role.AUDITOR)
    assert [found(auditor, q) for q in ("234567", "T-234567", "7777")] == [["T-234567"], ["T-234567"], []]


def test_the_next_one_is_taken_as_the_list_is_narrowed(ana: Member) -> None:
    theirs = staff(User.Role.AGENT, name="ben")
    a_ticket(due_in=-DAY, assignee=theirs.user)
    a_ticket(due_in=-DAY, state="partner")
    first, spanish = a_ticket(due_in=HOUR), a_ticket(due_in=2 * DAY, language="es")
    nearly = a_ticket(at=timezone.now() - 0.95 * 4 * DAY, due_in=4 * DAY)
    assert taken(ana, "language=es") == spanish.code
    assert taken(ana, "used=nearly&sort=due") == nearly.code
    assert taken(ana, "") == first.code
    nothing = "Nothing to take: no case with these filters is free."
    assert taken(ana, "used=nearly&company=%26") == f"?used=nearly&company=%26: {nothing}"
    assert listed(ana, "/desk/?whose=mine") == [first.code, nearly.code, spanish.code]


@pytest.mark.parametrize("narrowed", ["whose=mine", "whose=gone", "state=solved", "state=partner&whose=mine"])
def test_where_none_can_be_free_the_button_takes_an_unassigned_one_of_the_other_filters(
    ana: Member, narrowed: str
) -> None:
    a_ticket(due_in=DAY)
    spanish = a_ticket(due_in=2 * DAY, language="es")
    assert buttons(ana, f"?{narrowed}") == ["Take next open unassigned case"]
    assert taken(ana, f"{narrowed}&language=es") == spanish.code


@pytest.mark.parametrize("narrowed", ["", "?whose=nobody", "?whose=office", "?state=all", "?state=open&used=half"])
def test_elsewhere_it_takes_the_next_of_the_list(ana: Member, narrowed: str) -> None:
    assert buttons(ana, narrowed) == ["Take next case"]


def test_a_lead_s_next_case_of_the_privacy_office_is_one_of_its_own() -> None:
    a_ticket(due_in=-DAY)
    up = a_ticket(due_in=DAY, escalated_at=timezone.now())
    assert taken(staff(), "whose=office") == up.code


def buttons(member: Member, query: str) -> list[str]:
    return re.findall(r'data-key="c">([^<]+)<', member.client.get(f"/desk/{query}").text)


def taken(member: Member, query: str) -> str:
    """The case that is next of a queue; where there is none, the queue that is shown and what is said."""
    answer = member.client.post(f"/desk/claim/?{query}")
    went_to = str(answer.headers["Location"]).removeprefix("/desk/")
    if not went_to.startswith("?"):
        return went_to.rstrip("/")
    said = re.findall(r"Nothing to take[^<]+", member.client.get(f"/desk/{went_to}").text)
    return f"{went_to}: {' '.join(said)}"


def test_one_that_somebody_has_is_not_taken(ana: Member) -> None:
    theirs = a_ticket(assignee=staff(User.Role.AGENT, name="ben").user)
    answer = ana.client.post(f"/desk/{theirs.code}/claim/")
    assert answer.headers["Location"] == f"/desk/{theirs.code}/"
    with pytest.raises(NotNow, match=r"ben@carrier\.example has it"):
        queue.claim(code=theirs.code, user=ana.user, at=timezone.now())
    for done in (a_ticket(state="solved"), a_ticket(state="closed", closed_at=timezone.now())):
        with pytest.raises(NotNow, match="This case is done"):
            queue.claim(code=done.code, user=ana.user, at=timezone.now())


def test_one_s_own_is_handed_over_with_a_note(ana: Member) -> None:
    ben, line = staff(User.Role.AGENT, name="ben"), a_line()
    own = a_ticket(assignee=ana.user, line_id=line.pk)
    path = f"/desk/{own.code}/hand-over/"
    assert "Fill in “How it stands”." in ana.client.post(path, {"to": ben.user.pk}).content.decode()
    with pytest.raises(NoReason):
        hand_over(code=own.code, to=ben.user.pk, note=" ", actor=ana.actor, at=timezone.now())
    handed = ana.client.post(path, {"to": ben.user.pk, "note": "She waits for a call."}, follow=True)
    assert handed.redirect_chain == [("/desk/", 302)]
    assert f"{own.code} was handed over." in handed.content.decode()
    own.refresh_from_db()
    assert own.assignee == ben.user
    assert [(one.kind, one.body, one.author) for one in own.entries.order_by("id")] == [
        ("note", "She waits for a call.", ana.actor), ("event", "Now with ben@carrier.example.", ana.actor),
    ]  # fmt: skip
    event = AuditEvent.objects.get(action="ticket.handed_over")
    assert (event.line_id, event.actor, event.reason) == (line.pk, ana.actor, own.code)
    assert "It isn&#x27;t assigned to you." in ana.client.post(path, {"note": "Again."}).content.decode()


def test_a_lead_assigns_anybody_s_case_an_agent_does_not(ana: Member) -> None:
    lead, one = staff(), a_ticket(assignee=ana.user)
    path = f"/desk/{one.code}/assign/"
    assert ana.client.post(path, {"to": lead.user.pk}).status_code == 403
    assert "Assigned." in lead.client.post(path, {"to": lead.user.pk}, follow=True).content.decode()
    assert Ticket.objects.get().assignee == lead.user
    again = lead.client.post(path, {"to": lead.user.pk}).content.decode()
    assert f"It is already assigned to {lead.user.email}." in again
    assert AuditEvent.objects.filter(action="ticket.assigned").count() == 1
    auditor = staff(User.Role.AUDITOR)
    assert "isn't available. Choose another." in unescape(lead.client.post(path, {"to": auditor.user.pk}).text)
    with pytest.raises(NotNow, match=r"That person doesn't work on cases."):
        queue.assign(code=one.code, to=auditor.user.pk, actor=lead.actor, at=timezone.now())
    assert "Back in the queue." in lead.client.post(path, {"to": ""}, follow=True).content.decode()
    assert "It is already in the queue." in lead.client.post(path, {"to": ""}).content.decode()
    assert (Ticket.objects.get().assignee, Ticket.objects.get().claimed_at) == (None, None)
    with pytest.raises(StaffOnly):
        queue.assign(code=one.code, to=None, actor=ana.actor, at=timezone.now())
    with pytest.raises(StaffOnly):
        queue.merge(code=one.code, into=one.code, actor=auditor.actor, at=timezone.now())
    with pytest.raises(StaffOnly):
        queue.claim(code=one.code, user=auditor.user, at=timezone.now())


def test_it_is_found_by_what_people_quote(ana: Member) -> None:
    bridge = a_party("GeoBridge")
    by_party, by_word = a_ticket(party_id=bridge.pk), a_ticket()
    said(by_word, "The towing company knew where I was.")
    said(by_word, "Towing again.")
    by_about = a_ticket(about="Collectors found me", state="closed", closed_at=timezone.now())
    code = by_party.code
    for q in (code, code.lower(), code.removeprefix("T-"), "geobri"):
        assert found(ana, q) == [by_party.code], q
    assert found(ana, "towing company") == [by_word.code]
    assert found(ana, '"company towing"') == []
    assert found(ana, "LECTORS FOUND") == [by_about.code]
    assert found(ana, "nothing of the kind") == []
    assert ana.client.post("/desk/search/", {"q": " "}).headers["Location"] == "/desk/"
    # Reloaded, or from a bookmark: what was searched for is in no address.
    assert ana.client.get("/desk/search/").headers["Location"] == "/desk/"


def test_a_code_that_reads_like_a_number_is_a_code(ana: Member) -> None:
    a_ticket(line_id=a_line().pk, number_ending="4567")
    for code in ("T-234567", "T-2X4567", "T-X34567"):
        a_ticket(code=code)
        for q in (code, code.removeprefix("T-"), code.removeprefix("T-").lower()):
            assert found(ana, q) == [code], q
    assert not AuditEvent.objects.filter(action="ticket.found").exists()


def test_whoever_is_found_by_number_has_it_logged(ana: Member) -> None:
    line = a_line(msisdn=NUMBER)
    theirs = [a_ticket(line_id=line.pk, number_ending="0177") for _ in range(2)]
    a_ticket(line_id=a_line().pk, number_ending="0178")
    for n, q in enumerate(("0177", "•••-0177", "(206) 555-0177", NUMBER)):
        shown = ana.client.post("/desk/search/", {"q": q}).content.decode()
        assert (q, shown.count("•••-0177")) == (q, 2 + (q == "•••-0177") * 2)
        *before, event = AuditEvent.objects.filter(action="ticket.found").order_by("pk")
        assert len(before) == n
        assert (event.line_id, event.actor, event.reason) == (line.pk, ana.actor, "A search at our desk")
        assert event.detail == {"tickets": [one.code for one in reversed(theirs)]}


def test_the_queue_and_searches_show_nobody(ana: Member) -> None:
    line = a_line(msisdn=NUMBER, holder_name="Zebrafinch Person")
    one = a_ticket(line_id=line.pk, number_ending="0177")
    said(one, "Quagga")
    pages = [ana.client.get("/desk/?state=all"), ana.client.post("/desk/search/", {"q": "quagga"})]
    for listed_page in pages:
        assert one.code in listed_page.content.decode()
        assert not tells(listed_page.content.decode(), NUMBER)
        assert "Zebrafinch" not in listed_page.content.decode()
    assert AuditEvent.objects.filter(line_id=line.pk, action="ticket.found").count() == 1


def test_older_finds_follow(ana: Member) -> None:
    tickets = [a_ticket(about="Quagga") for _ in range(PAGE + 3)]
    newest = queue.search(asked="quagga", before=0, user=ana.user, at=timezone.now())
    older = queue.search(asked="quagga", before=int(newest.next), user=ana.user, at=timezone.now())
    assert [row.ticket for row in (*newest.rows, *older.rows)] == tickets[::-1]
    assert older.next == ""


def test_a_handed_up_case_is_the_privacy_office_s(ana: Member) -> None:
    lead, at = staff(), timezone.now()
    up = a_ticket(due_in=-DAY, escalated_at=at)
    assert "Nothing to take" in ana.client.post("/desk/claim/", follow=True).content.decode()
    with pytest.raises(NotNow, match="The privacy office has it"):
        queue.claim(code=up.code, user=ana.user, at=at)
    rows_of_ana, rows_of_lead = (one.client.get("/desk/").content.decode() for one in (ana, lead))
    assert (f"/desk/{up.code}/claim/" in rows_of_ana, f"/desk/{up.code}/claim/" in rows_of_lead) == (False, True)
    assert "with the privacy office" in rows_of_ana
    assert (listed(lead, "/desk/?whose=office"), listed(lead, "/desk/?whose=nobody")) == ([up.code], [up.code])
    assert lead.client.post("/desk/claim/").headers["Location"] == f"/desk/{up.code}/"
    assert Ticket.objects.get().escalated_at == at
    queue.assign(code=up.code, to=ana.user.pk, actor=lead.actor, at=at)
    assert (Ticket.objects.get().assignee, Ticket.objects.get().escalated_at) == (ana.user, None)
    assert listed(lead, "/desk/?whose=office") == []


def test_the_cases_of_people_who_left_are_found_and_taken(ana: Member) -> None:
    ben, eva = (staff(User.Role.AGENT, name=name) for name in ("ben", "eva"))
    left, moved, stays = (a_ticket(assignee=one.user) for one in (ben, eva, ana))
    User.objects.filter(pk=ben.user.pk).update(is_active=False)
    User.objects.filter(pk=eva.user.pk).update(role=User.Role.AUDITOR)
    assert listed(ana, "/desk/?whose=gone") == [left.code, moved.code]
    for code in (left.code, moved.code):
        queue.claim(code=code, user=ana.user, at=timezone.now())
    assert listed(ana, "/desk/?whose=mine") == [left.code, moved.code, stays.code]


def test_who_waits_for_the_person_waits_and_is_not_late(ana: Member) -> None:
    a_ticket(state="waiting", due_in=2 * DAY)
    page = ana.client.get("/desk/").content.decode()
    assert "Waiting for the person until" in page
    assert "Due in" not in page
    a_ticket(state="waiting", due_in=-DAY)
    assert 'data-count="overdue">0<' in ana.client.get("/desk/").content.decode()
    assert listed(ana, "/desk/?overdue=on") == []


def test_what_colleagues_have_begun_goes_along_with_its_case(ana: Member) -> None:
    ben, line, at = staff(User.Role.AGENT, name="ben"), a_line(), timezone.now()
    one, other = a_ticket(line_id=line.pk), a_ticket(line_id=line.pk)
    a_draft(one, ben, "Only here", send_at=at, then="solved")
    a_draft(one, ana, "From here")
    a_draft(other, ana, "There")
    file = a_file(one, ben)
    queue.merge(code=one.code, into=other.code, actor=ana.actor, at=at)
    drafts = {draft.user: draft for draft in Draft.objects.filter(ticket=other)}
    assert (drafts[ben.user].body, drafts[ana.user].body) == ("Only here", "There\n\nFrom here")
    assert (drafts[ben.user].send_at, drafts[ben.user].then) == (None, "")
    assert Draft.objects.filter(ticket=one).count() == 0
    assert Attachment.objects.get(pk=file.pk).ticket == other
    # Also where that case is then merged itself.
    third = a_ticket(line_id=line.pk)
    for into in (other, third):
        undone = ben.client.post(f"/desk/{one.code}/write/undo/", follow=True).content.decode()
        assert "Nothing of yours is about to be sent: what you wrote is a draft." in undone
        if into == other:
            queue.merge(code=other.code, into=third.code, actor=ana.actor, at=at)


def test_no_draft_s_file_goes_to_another_answer(ana: Member) -> None:
    ben, eva = (staff(User.Role.AGENT, name=name) for name in ("ben", "eva"))
    line, at = a_line(), timezone.now()
    one, other = a_ticket(line_id=line.pk), a_ticket(line_id=line.pk)
    a_draft(one, ana, "From here")
    a_draft(other, ana, "On its way", send_at=at, then="solved")
    a_draft(one, ben, "x" * 6000)
    a_draft(other, ben, "y" * 6000)
    a_draft(one, eva, "Only here")
    for member in (ana, ben, eva):
        a_file(one, member)
    queue.merge(code=one.code, into=other.code, actor=ana.actor, at=at)
    assert dict(Attachment.objects.values_list("author", "ticket")) == {
        ana.actor: one.pk, ben.actor: one.pk, eva.actor: other.pk,
    }  # fmt: skip
    assert dict(Draft.objects.filter(ticket=other).values_list("user", "body")) == {
        ana.user.pk: "On its way", ben.user.pk: "y" * 6000, eva.user.pk: "Only here",
    }  # fmt: skip


def a_file(ticket: Ticket, member: Member) -> Attachment:
    return Attachment.objects.create(
        id=uuid4(), ticket=ticket, name="a.png", media_type="image/png", size=1, sha256="", author=member.actor,
        at=timezone.now(),
    )  # fmt: skip


def a_draft(ticket: Ticket, member: Member, body: str, **fields: object) -> Draft:
    return Draft.objects.create(
        ticket=ticket, user=member.user, kind="answer", body=body, updated_at=timezone.now(), **fields
    )


@pytest.mark.parametrize("role", [User.Role.AGENT, User.Role.OFFICER])
def test_a_merge_leaves_handed_up_cases_to_the_office(role: User.Role) -> None:
    has, line, at = staff(role, name="eva"), a_line(), timezone.now()
    up = a_ticket(line_id=line.pk, escalated_at=at)
    own = a_ticket(line_id=line.pk, assignee=has.user)
    queue.merge(code=up.code, into=own.code, actor=has.actor, at=at)
    own.refresh_from_db()
    assert own.escalated_at == at
    assert own.assignee == (has.user if role == User.Role.OFFICER else None)
    said_so = Entry.objects.filter(ticket=own, body="Back in the queue, for the privacy office.").count()
    assert said_so == (1 if role == User.Role.AGENT else 0)


def test_a_case_waits_for_its_person_once_answered(ana: Member) -> None:
    at = timezone.now()
    late = a_ticket(due_in=-DAY)
    said(late, "Who was it?", at=at - 9 * DAY)
    move: dict[str, Any] = {"code": late.code, "reason": "They know more.", "actor": ana.actor, "at": at}
    with pytest.raises(NotNow, match="Until they hear from us, the case waits for us"):
        move_case(**move, to=Ticket.State.WAITING)
    with pytest.raises(NotNow) as closing:
        move_case(**move, to=Ticket.State.CLOSED)
    assert str(closing.value) == "You can't merge or close a case here."
    unsaid = ana.client.post(f"/desk/{late.code}/move/", {"to": "partner", "reason": ""})
    assert "Say why: the reason is kept with every act." in unsaid.content.decode()
    late.refresh_from_db()
    assert (late.state, late.due_at < at) == ("open", True)
    said(late, "Which day?", kind=Entry.Kind.ANSWER, at=at - DAY)
    move_case(**move, to=Ticket.State.WAITING)
    late.refresh_from_db()
    assert (late.state, late.due_at) == ("waiting", at + 14 * DAY)


def test_an_agent_who_reads_spanish_is_refused_in_spanish(ana: Member) -> None:
    line, bob = a_line(), staff("agent").user
    own, his = a_ticket(line_id=line.pk, assignee=ana.user), a_ticket(line_id=line.pk, assignee=bob)
    done = a_ticket(line_id=line.pk, state="solved", solved_at=timezone.now())
    other = a_ticket(line_id=a_line().pk)
    ana.client.cookies[settings.LANGUAGE_COOKIE_NAME] = "es"

    def is_refused(words: str, path: str, **typed: str) -> bool:
        return words in unescape(ana.client.post(path, typed, follow=True).text)

    assert is_refused("Este caso ya está asignado a usted.", f"/desk/{own.code}/claim/")
    assert is_refused(f"Lo tiene {get_staff_name(user=bob)}.", f"/desk/{his.code}/claim/")
    assert is_refused("Este caso está terminado. Reábralo primero.", f"/desk/{done.code}/claim/")
    assert is_refused("Es el mismo caso.", f"/desk/{own.code}/merge/", into=own.code)
    assert is_refused(f"{done.code} está terminado. Reábralo primero.", f"/desk/{own.code}/merge/", into=done.code)
    different = "No son de la misma persona, así que no se pueden combinar."
    assert is_refused(different, f"/desk/{own.code}/merge/", into=other.code)
    assert is_refused(f"{own.code} fue traspasado.", f"/desk/{own.code}/hand-over/", to=str(bob.pk), note="Call her.")


def test_an_agent_who_reads_spanish_finds_our_words_for_cases_in_spanish(ana: Member) -> None:
    a_ticket(kind="dispute", about="I never agreed to this")
    a_ticket(about="Something else")
    a_ticket(about="Asked by a person: why?")
    ana.client.cookies[settings.LANGUAGE_COOKIE_NAME] = "es"
    page = unescape(ana.client.get("/desk/").text)
    for title in ("Nunca acepté esto", "Otra cosa", "Asked by a person: why?"):
        assert f"<bdi>{title}</bdi>" in page
