"""Who did what: every look and act of staff with its reason, narrowed, and taken away by those who may."""

import csv
import hashlib
import io
import json
import re
from datetime import timedelta
from html import unescape
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

import audit.actions
from accounts.models import Line, User
from accounts.primitives import reasons
from audit.models import AuditEvent, Incident
from disclosures.models import Disclosure
from partners.actions import proposals, suspensions
from partners.domain import keys
from partners.models import Campaign, Proposal, SigningKey
from revocations.models import Stream
from support.actions import cases, queue, replies
from support.actions.notifications import choose_notifications
from support.models import Ticket
from tests.factories import a_contract, a_line
from tests.staff import an_actor
from tests.support.console import NUMBER, PERSON, a_case, a_chain
from tests.support.officers import Member, csv_of, post, searched, shown, staff, words

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_broker")]


@pytest.fixture
def officer() -> Member:
    return staff()


@pytest.fixture
def line() -> Line:
    return a_line(msisdn=NUMBER, holder_name=f"{PERSON} Person")


@pytest.fixture
def campaign(line: Line) -> Campaign:
    return a_chain(line, "GeoBridge", at=timezone.now())


def test_an_old_reason_s_number_is_on_no_page_and_found_by_nobody(
    campaign: Campaign, officer: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, now = "Called 206-555-0142 back.", timezone.now()
    of: dict[str, Any] = {"of": "campaign", "target_id": campaign.pk}
    with monkeypatch.context() as before_numbers_were_refused:
        before_numbers_were_refused.setattr(reasons, "holds_number", lambda _: False)
        by: dict[str, Any] = {"actor": officer.actor, "reason": old, "at": now}
        suspensions.suspend(**of, **by)
        proposals.propose(act="terminate", payload={}, **of, **by)
        proposal = proposals.propose(act="lift_suspension", payload={}, **of, **by)
        proposals.decline(proposal_id=proposal.pk, actor=an_actor(), reason=old, at=now)
    auditor = staff("auditor")
    pages = ("", f"campaigns/{campaign.pk}/", "suspensions/", "proposals/", f"proposals/{proposal.pk}/", "trail/")
    for page in pages:
        read = auditor.client.get(f"/admin/{page}").content.decode()
        assert ("(a number)" in read, "0142" in read) == (True, False), page
    for path, question in (("trail/", "?q=555-01"), ("suspensions/", "?q=0142"), ("trail/", "?q=Called+2")):
        assert old not in (found := auditor.client.get(f"/admin/{path}{question}").content.decode())
        assert "(a number)" not in found, path
    hits = [shown(auditor, searched(auditor, asked)) for asked in ("Called", "555-01")]
    assert ["suspension: started" in one for one in hits] == [True, False]
    assert len(rows_of(auditor, "?q=Called")) == 4


@pytest.mark.parametrize(
    ("reason", "words"), [("By order CT-2026-0412.", "0412"), ("Rule 7 of 12.", "7 of"), ("Order 26-mc-417", "417")]
)
def test_a_reason_with_digits_is_found_by_them(campaign: Campaign, officer: Member, reason: str, words: str) -> None:
    suspensions.suspend(of="campaign", target_id=campaign.pk, actor=officer.actor, reason=reason, at=timezone.now())
    assert len(rows_of(staff("auditor"), f"?q={words}")) == 1


def rows_of(member: Member, question: str = "") -> list[str]:
    """Each row as its text, without its moment."""
    answer = member.client.get(f"/admin/trail/{question}")
    assert answer.status_code == 200
    body = answer.content.decode().partition("<tbody>")[2].partition("</tbody>")[0]
    rows = [re.sub(r"<time.*?</time>", "", row) for row in re.findall(r"<tr>(.*?)</tr>", body, flags=re.DOTALL)]
    return [unescape(" ".join(re.sub(r"<[^>]+>", " ", row).split())) for row in rows]


def taken(member: Member, question: str = "", reason: str = "Yearly review") -> list[list[str]]:
    """The file as its rows."""
    answer = member.client.post(f"/admin/trail/export/{question}", {"reason": reason})
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/csv; charset=utf-8")
    whole, _, signature = answer.getvalue().rpartition(b"Signature: ")
    signed = keys.verify_own(use=SigningKey.Use.MANIFEST, token=signature.decode().strip())
    assert signed["sha256"] == hashlib.sha256(whole).hexdigest()
    return list(csv.reader(io.StringIO(whole.decode().removeprefix("\ufeff"))))


def test_an_export_is_checked_by_command_with_the_published_keys_alone(officer: Member, tmp_path: Path) -> None:
    given = officer.client.post("/admin/trail/export/", {"reason": "Yearly review"}).getvalue()
    (tmp_path / "jwks.json").write_text(json.dumps(keys.archive(at=timezone.now())))

    def said_of(content: bytes) -> str:
        (tmp_path / "log.csv").write_bytes(content)
        call_command("verify_receipt", str(tmp_path / "log.csv"), stdout=(out := io.StringIO()))
        return out.getvalue()

    assert "The export of the audit log verifies." in said_of(given)
    for content, why in (
        (given.replace(b"Taken by", b"Token by"), "its lines are not those that were signed"),
        (given[:-20] + b"\r\n", "its last line is not as we signed it"),
    ):
        with pytest.raises(CommandError, match=why):
            said_of(content)


def without_searches(member: Member, question: str) -> list[str]:
    return [row for row in rows_of(member, question) if " search in " not in row]


def a_suspension(campaign: Campaign, officer: Member) -> None:
    suspensions.suspend(
        of="contract", target_id=campaign.contract_id, actor=officer.actor, reason="They sold it on.",
        at=timezone.now(),
    )  # fmt: skip


def test_each_act_says_who_what_to_whom_why(officer: Member, line: Line, campaign: Campaign) -> None:
    agent, auditor = staff(User.Role.AGENT), staff(User.Role.AUDITOR)
    case = a_case(line)
    agent.client.get(f"/desk/{case.code}/")
    order = campaign.contract.aggregator
    audit.actions.record(
        action="order.seen", actor=auditor.actor, target=f"order:{order.pk}", at=timezone.now(), line_id=line.pk,
        reason="To check how we work: the yearly look",
    )  # fmt: skip
    a_suspension(campaign, officer)
    call_command("export_line", line.carrier_id, "--reason", "A court asked.", stdout=StringIO())
    # What others did, and what is about orders of court, is nowhere here.
    for action, actor in (
        ("choice.stopped", "subscriber:7"), ("anomaly.found", "system:anomalies"), ("order.seen", "legal:9"),
        ("legal.order_seen", officer.actor),
    ):  # fmt: skip
        audit.actions.record(action=action, actor=actor, target=f"line:{line.pk}", at=timezone.now())
    assert rows_of(officer) == [
        "The operator (export_line) subscriber: exported a subscriber A court asked.",
        (
            f"officer@carrier.example Privacy officer suspension: started {campaign.contract.ref} contract"
            " They sold it on."
        ),
        "auditor@carrier.example Auditor order: viewed a subscriber To check how we work: the yearly look",
        f"agent@carrier.example Support agent case: viewed a subscriber {case.code} {case.code}",
    ]
    assert rows_of(auditor) == rows_of(officer)


def test_staff_have_their_name_on_the_page_and_their_e_mail_in_the_file(officer: Member, campaign: Campaign) -> None:
    officer.user.first_name, officer.user.last_name = "Jo", "Field"
    officer.user.save()
    a_suspension(campaign, officer)
    did = f"suspension: started {campaign.contract.ref} contract They sold it on."
    assert rows_of(officer) == [f"Jo Field Privacy officer {did}"]
    assert taken(officer)[1][1] == "officer@carrier.example"


def changes_in(member: Member, part: str) -> list[str]:
    """What the newest acts whose row has this in it changed, the newest first."""
    said = [row for row in rows_of(member) if part in row]
    return [row.partition(part)[2].strip() for row in said]


def test_an_owner_and_a_reminder_are_told_by_name_before_and_after(officer: Member, campaign: Campaign) -> None:
    ada, bo = (staff(name=name) for name in ("ada", "bo"))
    User.objects.filter(pk=ada.user.pk).update(first_name="Ada", last_name="Stern")
    contract = campaign.contract
    form = f"/admin/note/contract/{contract.pk}/"
    notes = (
        {"owner": ada.actor, "remind_on": "2090-01-02", "mentions": [bo.actor, ada.actor]},
        {"owner": bo.actor, "remind_on": "2090-03-04"},
        {"owner": bo.actor, "remind_on": "2090-03-04"},
        {"owner": "nobody", "no_reminder": "on"},
    )
    for one in notes:
        assert officer.client.post(form, {"reason": "Seen.", **one}).status_code == 302
    told = (
        "(owner: nobody, was bo@carrier.example; reminder: none, was 4 Mar 2090)",
        f"{officer.user.email}: Seen.",
        "(owner: bo@carrier.example, was Ada Stern; reminder: 4 Mar 2090, was 2 Jan 2090)",
        "(owner: Ada Stern, was nobody; mentioned: bo@carrier.example, Ada Stern; reminder: 2 Jan 2090, was none)",
    )
    history = shown(officer, f"/admin/contracts/{contract.pk}/")
    places = [history.index(one) for one in told]
    assert places == sorted(places)
    listed = changes_in(officer, "contract: note added")
    assert [one.partition(contract.ref)[0].strip() for one in listed] == [
        told[0][1:-1], "", told[2][1:-1], told[3][1:-1],
    ]  # fmt: skip
    more = [row[4] for row in taken(officer) if row[3:4] == ["contract: note added"]]
    assert more[1] == "owner: bo@carrier.example, was ada@carrier.example; reminder: 4 Mar 2090, was 2 Jan 2090"


def test_acts_on_cases_incidents_replies_and_settings_say_before_and_after(officer: Member, line: Line) -> None:
    agent, lead, case, at = staff(User.Role.AGENT, name="agent"), staff(name="lead"), a_case(line), timezone.now()
    given: dict[str, Any] = {"code": case.code, "actor": officer.actor, "at": at}
    queue.assign(to=agent.user.pk, **given)
    queue.assign(to=lead.user.pk, **given)
    cases.set_priority(priority=Ticket.Priority.URGENT, reason="A danger.", **given)
    cases.move_case(to=Ticket.State.PARTNER, reason="They look.", **given)
    audit.actions.open_incident(kind=Incident.Kind.BURST, key="k", subject="https://a.example", at=at)
    incident = Incident.objects.get(key="k")
    for member in (officer, lead):
        audit.actions.acknowledge_incident(
            incident_id=incident.pk, assigned_to=member.actor, actor=officer.actor, reason="Take it.", at=at
        )
    for title, body in (("Hello", "We look."), ("Good day", "We look.")):
        replies.write_reply(key="k", language="en", title=title, body=body, actor=officer.actor, at=at)
    chosen: dict[str, Any] = {"user": officer.user, "is_on": True, "quiet_until": 7, "language": "en", "at": at}
    choose_notifications(quiet_from=20, zone="America/New_York", left_out=(), **chosen)
    choose_notifications(quiet_from=22, zone="America/Denver", left_out=("given",), **chosen)
    log = " | ".join(rows_of(officer))
    for said in (
        "case: assigned to: agent@carrier.example, was nobody a subscriber",
        "case: assigned to: lead@carrier.example, was agent@carrier.example a subscriber",
        "case: priority set priority: Urgent, was Normal a subscriber",
        "case: moved state: Waiting for a partner, was Open a subscriber",
        f"incident: assigned to: {officer.user.email}, was nobody incident:",
        f"incident: assigned to: lead@carrier.example, was {officer.user.email} incident:",
        "reply: written text: We look.; title: Hello saved reply: Good day (en)",
        "reply: written title: Good day, was Hello saved reply: Good day (en)",
        "notifications: chosen e-mails: yes, was no own notifications",
        "notifications: chosen not e-mailed: “cases that colleagues gave you, not opened yet”, was none",
        "quiet from (hour): 22, was 20; time zone: America/Denver",
    ):
        assert said in log, said


def test_what_it_was_narrowed_to(officer: Member, line: Line, campaign: Campaign) -> None:
    ana, ben = staff(User.Role.AGENT, name="ana"), staff(User.Role.AGENT, name="ben")
    cases = [a_case(line), a_case(line), a_case(a_line())]
    for member, case in zip((ana, ben, ben), cases, strict=True):
        member.client.get(f"/desk/{case.code}/")
    a_suspension(campaign, officer)
    proposals.propose(
        act=Proposal.Act.LIFT_SUSPENSION, of="contract", target_id=campaign.contract_id, payload={},
        reason="They mended it.", actor=officer.actor, at=timezone.now(),
    )  # fmt: skip
    other = a_chain(a_line(), "Northlink", at=timezone.now())
    a_suspension(other, officer)
    seen = {
        name: without_searches(officer, question)
        for name, question in {
            "ana": f"?who={ana.actor}", "nobody": f"?who={staff(name='zoe').actor}", "company": "?company=geobri",
            "case": f"?case={cases[1].code[2:].lower()}", "no case": "?case=T-000000", "looks": "?kind=look",
            "acts": "?kind=act&company=geobridge", "cases": f"?about=ticket:&who={ben.actor}",
        }.items()
    }  # fmt: skip
    look, privacy = "case: viewed a subscriber", "officer@carrier.example Privacy officer"
    assert seen == {
        "ana": [f"ana@carrier.example Support agent {look} {cases[0].code} {cases[0].code}"],
        "nobody": [],
        "company": [
            f"{privacy} proposal: created Lift a suspension {campaign.contract.ref} contract They mended it.",
            f"{privacy} suspension: started {campaign.contract.ref} contract They sold it on.",
        ],
        "case": [f"ben@carrier.example Support agent {look} {cases[1].code} {cases[1].code}"],
        "no case": [],
        "looks": [
            f"{who}@carrier.example Support agent {look} {case.code} {case.code}"
            for who, case in (("ben", cases[2]), ("ben", cases[1]), ("ana", cases[0]))
        ],
        "acts": seen["company"],
        "cases": [f"ben@carrier.example Support agent {look} {case.code} {case.code}" for case in cases[:0:-1]],
    }


def test_an_act_is_found_by_the_words_that_the_page_has_for_it(officer: Member, campaign: Campaign) -> None:
    a_suspension(campaign, officer)
    note = {"reason": "They sold it on.", "owner": "nobody"}
    officer.client.post(f"/admin/note/contract/{campaign.contract_id}/", note)
    proposals.propose(
        act=Proposal.Act.LIFT_SUSPENSION, of="contract", target_id=campaign.contract_id, payload={},
        reason="They sold it on.", actor=officer.actor, at=timezone.now(),
    )  # fmt: skip
    who, why = "officer@carrier.example Privacy officer", f"{campaign.contract.ref} contract They sold it on."
    proposed = [f"{who} proposal: created Lift a suspension {why}"]
    start, noted = [f"{who} suspension: started {why}"], [f"{who} contract: note added {why}"]
    asked = (
        "started",
        "Suspension: started",
        "suspension: lifted",
        "note added",
        "company: note added",
        "contract:",
        "Lift a",
    )
    found = {words: without_searches(officer, f"?{urlencode({'q': words, 'kind': 'act'})}") for words in asked}
    assert found == {
        "started": start, "Suspension: started": start, "suspension: lifted": [], "note added": noted,
        "company: note added": [], "contract:": noted, "Lift a": proposed,
    }  # fmt: skip


def test_an_act_is_found_by_its_subject_also_after_a_draft_is_gone(officer: Member, campaign: Campaign) -> None:
    a_suspension(campaign, officer)
    draft = a_contract(campaign.contract.aggregator, ref="AGR-SLIP", is_draft=True)
    assert post(officer, f"/admin/discard/contract/{draft.pk}/", {"reason": "Typed twice."}) == "/admin/contracts/"
    who = "officer@carrier.example Privacy officer"
    start = [f"{who} suspension: started {campaign.contract.ref} contract They sold it on."]
    gone = [f"{who} contract: draft discarded contract: AGR-SLIP Typed twice."]
    found = {q: without_searches(officer, f"?{urlencode({'q': q, 'kind': 'act'})}") for q in (
        campaign.contract.ref.lower(), "agr-slip", "AGR-SLIPPED",
    )}  # fmt: skip
    assert found == {campaign.contract.ref.lower(): start, "agr-slip": gone, "AGR-SLIPPED": []}
    for asked, act in ((campaign.contract.ref, "suspension: started"), ("AGR-SLIP", "contract: draft discarded")):
        assert f"Audit log (1) {act}" in shown(officer, searched(officer, asked))


def test_days_are_whole_and_in_utc(officer: Member) -> None:
    day = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=3)
    tick = timedelta(microseconds=1)
    for n, at in enumerate((day - tick, day, day + timedelta(days=1) - tick, day + timedelta(days=1))):
        audit.actions.record(action="test.done", actor="officer:1", target=f"thing:{n}", at=at, reason=f"Reason {n}.")
    found = without_searches(officer, f"?from={day:%Y-%m-%d}&to={day:%Y-%m-%d}")
    assert [row[-9:] for row in found] == ["Reason 2.", "Reason 1."]
    wrong = f"?from=yesterday&to={day:%Y-%m-%d}&kind=nonsense"
    said = shown(officer, f"/admin/trail/{wrong}")
    for one in (
        "From (UTC): “yesterday” isn't a date. Type one like 2026-11-30. This filter was left out.",
        "Kind: “nonsense” isn't one of the choices. This filter was left out.",
    ):  # fmt: skip
        assert said.count(one) == 1
    short = shown(officer, "/admin/trail/?q=+in")
    wrong_words = (
        "Action, reason or subject: “in” is too short to search for. Type at least 3 letters or digits. This search was"
        " left out."
    )
    assert (short.count(wrong_words), "Export as CSV" in short) == (1, False)
    assert wrong_words not in shown(officer, "/admin/trail/?q=ino")
    # What can be read narrows the list still, and no file is given that would hold more than was asked for.
    assert [row[-9:] for row in without_searches(officer, wrong)] == ["Reason 2.", "Reason 1.", "Reason 0."]
    assert "Export as CSV" not in said
    assert officer.client.get(f"/admin/trail/export/{wrong}").headers["Location"] == f"/admin/trail/{wrong}"
    assert "isn't one of the choices" in shown(officer, "/admin/incidents/?state=nonsense&csv=1")


def test_words_are_looked_for_in_90_days_unless_days_are_given(officer: Member) -> None:
    at = timezone.now()
    for n, days in enumerate((1, 89, 91)):
        before = at - timedelta(days=days)
        audit.actions.record(action="test.done", actor="officer:1", target=f"t:{n}", at=before, reason=f"Odd case {n}.")

    def found(question: str) -> list[str]:
        return [row[-2:-1] for row in without_searches(officer, question)]

    first = f"{at - timedelta(days=90):%-d %b %Y}"
    note = f"Searched from {first} (90 days) only. Search everything , which may take a few seconds."
    page = officer.client.get("/admin/trail/?q=Odd+case&sort=at").text
    assert note in words(page)
    assert f'name="from" value="{at - timedelta(days=90):%Y-%m-%d}"' in page
    (everything,) = re.findall(r'href="([^"]+)">Search everything<', page)
    assert found("?q=Odd+case") == ["0", "1"]
    assert found(unescape(everything)) == ["2", "1", "0"]
    assert note not in shown(officer, f"/admin/trail/{unescape(everything)}")
    assert note not in shown(officer, "/admin/trail/") + shown(officer, "/admin/parties/?q=Odd")
    assert found(f"?q=Odd+case&to={at - timedelta(days=30):%Y-%m-%d}") == ["1", "2"]
    # What is searched is written down as it was, and taken away as it was shown.
    newest = AuditEvent.objects.filter(action="search.made", target="list:audit log").latest("id")
    assert newest.detail["for"]["From (UTC)"] == f"{at - timedelta(days=120):%Y-%m-%d}"
    file = csv_of(officer, "/admin/trail/export/?q=Odd+case", {"reason": "The yearly check."})
    assert [row["why"] for row in file if row["why"]] == ["Odd case 0.", "Odd case 1."]


def test_a_search_s_finds_are_found_by_their_case(officer: Member, line: Line) -> None:
    agent, case = staff(User.Role.AGENT), a_case(line)
    agent.client.post("/desk/search/", {"q": "who looked"})
    found = f"agent@carrier.example Support agent case: found in search {case.code} a subscriber A search at our desk"
    assert without_searches(officer, f"?case={case.code}") == [found]
    assert rows_of(officer, f"?kind=search&who={agent.actor}") == [
        "agent@carrier.example Support agent search in Cases list cases –",
        found,
    ]


def test_every_search_is_written_down_and_no_number_in_it(officer: Member) -> None:
    agent = staff(User.Role.AGENT)
    opened = officer.client.post("/admin/search/", {"q": "GeoBridge"}).headers["Location"]
    assert "GeoBridge" not in opened
    officer.client.get(opened)
    officer.client.get("/admin/parties/?q=Geo&kind=aggregator")
    officer.client.get(f"/admin/contracts/?q={NUMBER[1:]}")
    officer.client.get(f"/admin/trail/?who={agent.actor}&from=2026-01-01&kind=look")
    officer.client.get("/admin/incidents/?kind=overdue")
    officer.client.get("/admin/parties/?sort=-name&page=1")
    officer.client.get("/admin/incidents/?kind=nonsense&state=")
    agent.client.get("/desk/?company=Geo")
    agent.client.get(f"/desk/?kind=people&whose={officer.user.pk}&state=open&priority=1&overdue=on&language=es&sort=")
    agent.client.get("/desk/?kind=people&sort=newest", headers={"accept-language": "es"})
    agent.client.post("/desk/search/", {"q": f"{PERSON} 555 0199"})
    made = AuditEvent.objects.filter(action="search.made").order_by("id")
    assert [(one.actor, one.target, one.detail) for one in made] == [
        (officer.actor, "list:search", {"in": "Search", "for": {}, "found": 0}),
        (
            officer.actor, "list:companies",
            {"in": "Companies", "for": {"Name or address": "Geo", "Kind": "Aggregator"}},
        ),
        (officer.actor, "list:contracts", {"in": "Contracts", "for": {"Contract or aggregator": "(a number)"}}),
        (
            officer.actor, "list:audit log",
            {"in": "Audit log", "for": {
                "Staff member": "agent@carrier.example", "From (UTC)": "2026-01-01", "Kind": "Views",
            }},
        ),
        (
            officer.actor, "list:incidents",
            {"in": "Incidents", "for": {"What": "A partner missed an agreed deadline"}},
        ),
        (agent.actor, "list:cases", {"in": "Cases", "for": {"Company": "Geo"}}),
        (
            agent.actor, "list:cases",
            {"in": "Cases", "for": {
                "State": "Open", "Priority": "Urgent", "Assigned to": "officer@carrier.example", "Language": "Español",
                    "Only overdue": "yes",
            }},
        ),
        (agent.actor, "list:cases", {"in": "Cases", "for": {}, "found": 0}),
    ]  # fmt: skip


def test_the_pages_of_one_search_are_one_search(officer: Member) -> None:
    """Further pages and other orders belong to it; whoever begins on the second page of another has made that one."""
    auditor, who = staff(User.Role.AUDITOR), f"who={officer.actor}"
    for path in (
        f"trail/?{who}", f"trail/?{who}&page=2", f"trail/?{who}&sort=-at", f"trail/?{who}&sort=at&page=3",
        f"trail/?{who}&kind=look&page=2", f"trail/?{who}&page=2", "trail/?page=2", f"trail/?{who}",
    ):  # fmt: skip
        officer.client.get(f"/admin/{path}")
    auditor.client.get(f"/admin/trail/?{who}&page=2")
    made = AuditEvent.objects.filter(action="search.made").order_by("id")
    whose, looks = {"Staff member": "officer@carrier.example"}, {"Kind": "Views"}
    assert [(one.actor, one.detail["for"]) for one in made] == [
        (officer.actor, whose), (officer.actor, whose | looks), (officer.actor, whose), (officer.actor, whose),
        (auditor.actor, whose),
    ]  # fmt: skip


@pytest.mark.parametrize(("minutes", "is_new"), [(-1, False), (1, True)])
def test_after_half_a_day_a_further_page_is_a_search_again(officer: Member, minutes: int, is_new: bool) -> None:
    then = timezone.now() - timedelta(hours=12, minutes=minutes)
    queue.record_search(where="Audit log", criteria={"Kind": "Views"}, actor=officer.actor, at=then)
    officer.client.get("/admin/trail/?kind=look&page=2")
    assert AuditEvent.objects.filter(action="search.made").count() == 1 + is_new


def test_taking_it_away_is_written_down(officer: Member, line: Line, campaign: Campaign) -> None:
    agent, auditor, case = staff(User.Role.AGENT), staff(User.Role.AUDITOR), a_case(line)
    agent.client.get(f"/desk/{case.code}/")
    a_suspension(campaign, officer)
    narrowed = f"?{urlencode({'who': agent.actor})}"
    page = officer.client.get(f"/admin/trail/{narrowed}").content.decode()
    assert f'<a href="/admin/trail/export/{narrowed}">Export as CSV</a>' in page
    asked = unescape(auditor.client.get(f"/admin/trail/export/{narrowed}").content.decode())
    assert "Staff member: <bdi>agent@carrier.example</bdi>" in asked
    head, first, mark = taken(auditor, narrowed)
    assert head == ["when", "who", "role", "did", "more", "to", "case", "why"]
    assert first[1:] == [
        "agent@carrier.example", "Support agent", "case: viewed", "", "a subscriber", case.code, case.code,
    ]  # fmt: skip
    assert re.fullmatch(r"Taken by auditor@carrier\.example at \d{4}-\d\d-\d\d \d\d:\d\d UTC", mark[0])
    whole = taken(officer)
    assert [row[3] for row in whole[1:-1]] == [
        "case: viewed", "suspension: started", "search", "export: exported", "export: exported",
    ]  # fmt: skip
    assert (whole[2][5], whole[2][7]) == (f"contract: {campaign.contract.ref}", "They sold it on.")
    exports = AuditEvent.objects.filter(action="export.taken").order_by("id").values_list("actor", "reason", "detail")
    assert list(exports) == [
        (auditor.actor, "Yearly review", {"for": {"Staff member": "agent@carrier.example"}}),
        (officer.actor, "Yearly review", {"for": {}}),
    ]
    for refused in ("", f"Call {NUMBER}"):
        answer = officer.client.post("/admin/trail/export/", {"reason": refused})
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert agent.client.post("/admin/trail/export/", {"reason": "Curious"}).status_code == 403
    assert exports.count() == 2


def test_a_file_says_of_which_incident_year_or_days_it_was(officer: Member) -> None:
    incident = Incident.objects.create(kind="ungated", key="k", subject="unknown", opened_at=timezone.now())
    page = f"/admin/incidents/{incident.pk}/"
    officer.client.post(f"{page}export/", {"reason": "For counsel", "form": "json"})
    officer.client.post(f"{page}csv/", {"kind": "review", "reason": "Twice a year"}).getvalue()
    of_it = rows_of(officer, f"?kind=export&on=incident:{incident.pk}")
    assert of_it == [
        *(
            f"officer@carrier.example Privacy officer export: {did} export anomalies To check how we work: Twice a year"
            for did in (f"given incident {incident.pk}; rows 0", f"exported incident {incident.pk}")
        ),
        f"officer@carrier.example Privacy officer export: exported incident {incident.pk} export incident For counsel",
    ]
    officer.client.get("/admin/exports/contracts/2025/").getvalue()
    officer.client.get("/desk/figures/desk.csv?from=2026-01-02&to=2026-01-03").getvalue()
    days, year = rows_of(officer, "?kind=export")[:2]
    assert year == "officer@carrier.example Privacy officer export: exported year 2025 export contracts –"
    assert re.search(r"export: exported from \d{4}-\d\d-\d\d; to \d{4}-\d\d-\d\d export desk-figures –$", days)


def test_acts_on_hidden_rows_are_legal_process_s_own(officer: Member, line: Line, campaign: Campaign) -> None:
    legal, agent, case = staff(User.Role.LEGAL), staff(User.Role.AGENT), a_case(line)
    agent.client.get(f"/desk/{case.code}/")
    before = rows_of(officer)
    (row,) = Disclosure.objects.all()
    order = {"reason": "Order of 3 May", "order_ref": "SEALED-26-0417"}
    hidden = legal.client.post("/admin/delayed/hide/", {**order, "open_end": "on", "disclosures": row.source_id})
    assert hidden.status_code == 302
    legal.client.post("/admin/delayed/", {"reason": "Yearly review of orders"})
    # As if nothing had been done: in the list, its count, its searches and its file.
    assert rows_of(officer) == before
    assert [one[3] for one in taken(officer)[1:-1]] == ["case: viewed", "export: exported"]
    assert "1 in this list" in officer.client.get("/admin/trail/?kind=look").content.decode()
    assert rows_of(officer, f"?who={legal.actor}") == rows_of(officer)
    for question in ("?q=3 May", "?q=legal", "?kind=act"):
        assert without_searches(officer, question) == []
    assert rows_of(officer, "?about=delay:") == rows_of(officer)
    target = AuditEvent.objects.get(action="legal.delayed").target.removeprefix("delay:")
    hid = f"legal@carrier.example Legal process delayed notice: release hidden court order {target[:40]} Order of 3 May"
    assert rows_of(legal)[1:] == [hid]
    assert rows_of(legal)[0].endswith("Yearly review of orders")
    assert rows_of(legal, "?company=GeoBridge&case=T-AAAAAA") == rows_of(legal)
    assert [one[3] for one in taken(legal, reason="For the court")[1:-1]] == [
        "delayed notice: release hidden", "delayed notice: viewed", "export: exported",
    ]  # fmt: skip
    assert "For the court" not in str(taken(officer))


# What an act of staff may be about, with what it kept; and what is read of it.
type Subject = tuple[str, dict[str, object], str]
SUBJECTS: tuple[Subject, ...] = (
    ("anomaly_rule:burst", {}, "anomaly rule: Burst of look-ups of one line"),
    ("notice:stop.en.3", {}, "notice: Before stopping (en), version 3"),
    ("notifications:5", {}, "own notifications"),
    ("document:company:2", {"title": "Evidence pack of GeoBridge"}, "document: Evidence pack of GeoBridge"),
    ("contract:999999", {"ref": "AGR-gone"}, "contract: AGR-gone"),
    ("contract:999998", {}, "contract"),
    ("test_line:7", {}, "test line"),
    ("canned:999999", {}, "saved reply"),
    ("reply:6b8a4f60-9a3d-4a57-93a3-0c9a3f2b8f11", {}, "reply to many cases"),
    ("difference:7", {}, "difference"),
    ("export:desk-figures", {}, "export desk-figures"),
    ("list:audit log", {}, "list audit log"),
    ("purpose:dpv:FraudPreventionAndDetection", {}, "purpose: To spot fraud"),
)  # fmt: skip


def test_what_an_act_was_about_is_said_in_words(officer: Member, campaign: Campaign) -> None:
    now, other = timezone.now(), staff(User.Role.AGENT, name="ana")
    party = campaign.contract.aggregator
    stream = Stream.objects.create(
        id=uuid4(), party_id=party.pk, method=Stream.Method.POLL, status_by="partner", status_at=now, created_at=now
    )
    audit.actions.open_incident(kind=Incident.Kind.OVERDUE, key="late", subject=party.uri, at=now)
    incident = Incident.objects.get()
    person = User.objects.create_user("somebody", email=PERSON)
    subjects: tuple[Subject, ...] = (
        *SUBJECTS,
        (f"stream:{stream.pk}", {}, "delivery to GeoBridge"),
        (f"stream:{uuid4()}", {}, "delivery"),
        (f"incident:{incident.pk}", {}, f"incident: {incident.get_kind_display()}"),
        (f"user:{other.user.pk}", {}, f"account of {other.user.email}"),
        (f"user:{person.pk}", {}, "account"),
    )
    for n, (target, detail, _) in enumerate(subjects):
        audit.actions.record(
            action="thing.done", actor=officer.actor, target=target, at=now - timedelta(seconds=n), reason="Why.",
            detail=detail,
        )  # fmt: skip
    words = [said for _, _, said in subjects]
    page = [row for row in rows_of(officer) if row.endswith(" Why.")]
    assert page == [f"{officer.user.email} Privacy officer thing: done {said} Why." for said in words]
    assert [row[5] for row in taken(officer)[1:-1] if row[3] == "thing: done"] == [
        f"{said} ({target})" for target, _, said in subjects
    ]
    page_of_it = officer.client.get("/admin/trail/").content.decode()
    assert f'href="/admin/incidents/{incident.pk}/"' in page_of_it
