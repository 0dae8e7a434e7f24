"""Promise 7, cell by cell: each relation to a line tries each act at its doors, as `policies.permissions` says.

One world, in one transaction; of each try nothing remains. What is tried: pages, forms, downloads; who is texted then;
programs' addresses with a person's session; the officers' search.
"""

import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

import pytest
from django.http import HttpResponseBase
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoDbBlocker, Settings

from accounts.actions import delegations
from accounts.actions.line_separation import request_separation
from accounts.actions.people import end_tenures
from accounts.clients.texts import MemoryBackend
from accounts.models import Account, Delegation, Line, Message, Separation, User
from accounts.policies.permissions import (
    DOES,
    PARTS,
    STAFF_DOES,
    Action,
    How,
    Relation,
    StaffAction,
    get_required_proof,
)
from accounts.primitives.numbers import format_phone_number
from consent.actions import choices as choices_actions
from consent.domain.notices import build_approval_notice
from consent.models import Choice, PrivacySignal
from partners.models import Campaign
from tests.agents import BUSINESS, Agent, texted_link
from tests.conventions.catalogues import ROOT
from tests.factories import a_campaign, a_contract, a_line, a_party, an_approval
from tests.people import PASSWORD, Browser, number_of, sign_in_by_code, signed_in, user_of
from tests.selection import drawn
from tests.shared import as_they_were, shared
from tests.support.console import a_case
from tests.support.officers import staff
from tests.walks.marks import written
from tests.walks.world import undone
from tools.permission_docs import document

NUMBER = "+12065550142"
PROGRAMS = (
    "/access/v1/evaluation", "/api/v1/lines", "/api/v1/disclosures", "/api/v1/approvals", "/consent-info/v0.2/retrieve",
)  # fmt: skip
# An agent has a door of its own, and no page: it asks there, and stops nothing by itself.
NO_PAGE = {(Relation.AUTHORIZED_AGENT, Action.STOP)}


class Try(NamedTuple):
    """One address with one method. `holds`: what the answer has to hold, besides being one."""

    method: str
    path: str
    form: Mapping[str, str]
    holds: str = ""


@dataclass
class Somebody:
    """Who tries, at which line, and what there is to try it with."""

    client: Client
    line: Line
    choice: uuid.UUID
    delegation: uuid.UUID


@dataclass
class Cells:
    """Everybody, by what they are; the one campaign; a request in confidence; and a case of the adult's."""

    people: dict[Relation, Somebody]
    campaign: Campaign
    separation: uuid.UUID
    case: str


def doors(action: Action, one: Somebody, cells: Cells) -> list[Try]:
    """Every door to an act. At the desk the code that is read out is a wrong one, and the form is shown again."""
    choice, asked, ref = f"/choices/{one.choice}", f"/lines/asked/{one.delegation}/", cells.campaign.ref
    day = (timezone.now() + timedelta(days=9)).date().isoformat()
    friend = {"number": "(206) 555-0188", "may": "see", "day": day}
    yes = {"campaign": ref, "days": "30", "notice": build_approval_notice(campaign=ref).digest}
    see = ("/home/", "/history/", "/choices/", f"/companies/{cells.campaign.lbs_provider_id}/")
    files = ("/history/download.csv", "/history/download.json")
    never = {"scope": "campaign", "ref": ref}
    reach = {"reach": "At work, by day"}
    word = {"what": "all", "days": "0", "proof": "code", "typed": "1", "reason": "They rang."}
    looks = Try("post", f"/admin/separations/{cells.separation}/", {"reason": "It is due."}, "At my sister")
    found: dict[Action, list[Try]] = {
        Action.KNOW: [Try("get", "/lines/", {}, format_phone_number(number_of(one.line)))],
        Action.SEE: [*_get(*see), *_get(*(f"{choice}{page}" for page in ("/", "/progress/", "/receipt/")))],
        Action.DOWNLOAD: _get(*files, f"{choice}/receipt.json"),
        Action.SEE_LOG: _get("/access-log/"),
        Action.STOP: [Try("post", "/choices/stop/", {"scope": "all"}), Try("post", "/choices/signal/stop/", {})],
        Action.PAUSE: [Try("post", "/choices/pause/", {"scope": "all", "length": "7"})],
        Action.DISPUTE: [Try("post", "/choices/dispute/", never)],
        Action.ALLOW: [Try("get", "/choices/allow/", {"campaign": ref}), Try("post", "/choices/allow/", yes)],
        Action.SIGNAL: [*_get("/choices/signal/"), Try("post", "/choices/signal/", {"answer": "keep"})],
        Action.CHOOSE_WAY_IN: _get("/accounts/password/forgotten/"),
        Action.INVITE: [Try("post", "/lines/invite/", {})],
        Action.DELEGATE: [*_get("/lines/delegates/"), Try("post", "/lines/delegates/", friend)],
        Action.GIVE_BACK: [Try("get", asked, {}), Try("post", asked, {"answer": "end"})],
        Action.SAFE_CONTACT: [*_get("/lines/contact/"), Try("post", "/lines/contact/remove/", {})],
        Action.SEPARATE: [*_get("/lines/separation/"), Try("post", "/lines/separation/", reach)],
        Action.ASK: [*_get("/help/write/"), Try("post", "/help/write/", {"topic": "other", "message": "Who is it?"})],
        Action.READ_CASES: _get(f"/help/ask/choice/{one.choice}/"),
        Action.SEE_UNDER_GLASS: _get(f"/desk/{cells.case}/"),
        Action.STOP_FOR: [*_get(f"/desk/{cells.case}/stop/"), Try("post", f"/desk/{cells.case}/stop/", word)],
        Action.WORK_SEPARATION: [*_get("/admin/separations/"), looks],
    }
    # Neither the list of lines nor a page about what somebody was asked is about one line.
    named = {} if action in {Action.KNOW, Action.GIVE_BACK} else {"line": str(one.line.public_id)}
    return [tried._replace(form={**tried.form, **named}) for tried in found[action]]


def _get(*paths: str) -> list[Try]:
    return [Try("get", path, {}) for path in paths]


@pytest.fixture(scope="module")
def everybody(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Cells]:
    yield from shared(django_db_blocker, lambda: build(timezone.now()))


@pytest.fixture
def cells(everybody: Cells, db: None, no_broker: None, settings: Settings) -> Iterator[Cells]:
    settings.SMS_BACKEND = "accounts.clients.texts.MemoryBackend"
    settings.ANSWER_SECONDS = 0.0
    MemoryBackend.outbox.clear()
    with as_they_were(one.client for one in everybody.people.values()):
        yield everybody


def build(at: datetime) -> Cells:
    campaign = a_campaign(a_contract(a_party("GeoBridge")), a_party("RoadAid", "lbs_provider"))
    adult = a_line(account="A-1", role="user", msisdn=NUMBER)
    holder, second = (a_line(account="A-1") for _ in range(2))
    minor, stranger, ended = a_line(account="A-1", role="minor"), a_line(), a_line(msisdn="+12065550177")
    new = a_line(account="A-1", role="minor")
    Line.objects.filter(pk=new.pk).update(holder_known_at=at)
    old = a_line(account="A-old")
    left = a_line(account="A-old", role="user")
    choices = {line.pk: _data(line, campaign, at) for line in (adult, second, minor, new, ended, left)}
    theirs, own = signed_in(adult).client, signed_in(holder).client
    asked = {may: _delegate(adult, may, at) for may in Delegation.May}

    def somebody(client: Client, line: Line, delegation: uuid.UUID | None = None) -> Somebody:
        return Somebody(client, line, choices[line.pk], delegation or asked[Delegation.May.SEE][1])

    people = {
        Relation.ADULT_USER: somebody(theirs, adult), Relation.MINOR_USER: somebody(signed_in(minor).client, minor),
        Relation.SAME_HOLDER: somebody(own, second), Relation.HOLDER_OF_MINOR: somebody(own, minor),
        Relation.NEW_HOLDER: somebody(own, new), Relation.HOLDER_OF_ADULT: somebody(own, adult),
        Relation.DELEGATE_SEES: somebody(asked[Delegation.May.SEE][0], adult, asked[Delegation.May.SEE][1]),
        Relation.DELEGATE_STOPS: somebody(asked[Delegation.May.STOP][0], adult, asked[Delegation.May.STOP][1]),
        Relation.DELEGATE_BOTH: somebody(asked[Delegation.May.BOTH][0], adult, asked[Delegation.May.BOTH][1]),
        Relation.AUTHORIZED_AGENT: somebody(Client(), adult),
        Relation.EX_USER: somebody(_after_the_end(ended, at), ended),
        Relation.EX_HOLDER: somebody(_left(old, left, at), left),
        Relation.STRANGER: somebody(signed_in(stranger).client, adult),
        Relation.AGENT: somebody(staff(User.Role.AGENT).client, adult),
        Relation.OFFICER: somebody(staff(User.Role.OFFICER).client, adult),
        Relation.AUDITOR: somebody(staff(User.Role.AUDITOR).client, adult),
    }  # fmt: skip
    sign_in_by_code(left)
    request_separation(
        line_id=left.pk, user=user_of(left), reach="At my sister's", note="", at=at + timedelta(seconds=1)
    )
    return Cells(people, campaign, Separation.objects.get(state="open").pk, a_case(adult, at=at).code)


def _data(line: Line, campaign: Campaign, at: datetime) -> uuid.UUID:
    an_approval(line, campaign, at=at - timedelta(days=90))
    PrivacySignal.objects.create(line_id=line.pk, first_at=at, newest_at=at, asked_at=at)
    until = at + timedelta(days=1)
    made = choices_actions.pause(line_id=line.pk, scope="all", until=until, actor=f"line:{line.pk}", channel="web")
    return made.choice_id


def _delegate(line: Line, may: str, at: datetime) -> tuple[Client, uuid.UUID]:
    friend = a_line()
    client = signed_in(friend).client
    asked = delegations.delegate(
        line_id=line.pk, user=user_of(line), msisdn=number_of(friend), may=may, ends_at=at + timedelta(days=9), at=at
    )
    assert client.post(f"/lines/asked/{asked}/", {"answer": "yes"}).headers["Location"] == "/lines/"
    return client, asked


def _after_the_end(line: Line, at: datetime) -> Client:
    signed_in(line)
    line.numbers.update(ends_at=at)
    line.deactivated_at = at
    line.save()
    end_tenures(line_ids=[line.pk], at=at)
    browser = Browser()
    page = browser.post("/accounts/login/ended/", {"number": "+12065550177", "password": PASSWORD})
    assert page.url == "/home/", page.text
    return browser.client


def _left(old: Line, left: Line, at: datetime) -> Client:
    """The holder of the account that a line has left, after they were told."""
    client = signed_in(old).client
    Line.objects.filter(pk=left.pk).update(account=Account.objects.create(carrier_id="A-new"))
    return client


def answered(one: Somebody, tried: Try) -> tuple[bool, str]:
    """Whether the door opened, and what it said. Nothing remains."""
    MemoryBackend.outbox.clear()
    with undone(one.client) as client:
        answer: HttpResponseBase = getattr(client, tried.method)(tried.path, dict(tried.form))
        body = b"".join(answer) if isinstance(answer, Iterator) else answer.getvalue()
        to = answer.headers.get("Location", "")
        opened = answer.status_code == 200 or (answer.status_code == 302 and not to.startswith("/accounts/"))
        assert opened or answer.status_code in {302, 403, 404}, (answer.status_code, tried)
        return opened and tried.holds in body.decode(), f"{answer.status_code} {to}"


def test_each_cell_at_its_doors(cells: Cells) -> None:
    wrong = []
    for row, (relation, one) in enumerate(cells.people.items()):
        for action in drawn(Action, of=3, row=row):
            expected = get_required_proof(relation, action) is not How.NO and (relation, action) not in NO_PAGE
            for tried in doors(action, one, cells):
                opened, said = answered(one, tried)
                if opened is not expected:
                    wrong.append(f"{relation} {action}: {tried.method} {tried.path} {said}, expected {expected}")
    assert wrong == []
    assert set(cells.people) == set(Relation)


def test_an_authorized_agent_s_token_opens_its_door_alone(cells: Cells, settings: Settings) -> None:
    settings.DRP_BUSINESS_ID = BUSINESS
    agent, theirs = Agent(), cells.people[Relation.ADULT_USER]
    agent.register()
    agent.sign_in()
    caller = Somebody(Client(headers=agent.bearer), theirs.line, theirs.choice, theirs.delegation)
    tries = [tried for action in Action for tried in doors(action, caller, cells)]
    assert [(tried.method, tried.path) for tried in tries if answered(caller, tried)[0]] == []
    assert {caller.client.post(path, {}, "application/json").status_code for path in PROGRAMS} == {401}
    before = Choice.objects.count()
    told = agent.exercise(NUMBER)
    assert (told["status"], Choice.objects.count()) == ("in_progress", before)
    Browser().post(texted_link(theirs.line), {"stop-all": "1"})
    (made,) = Choice.objects.filter(line_id=theirs.line.pk, kind="stop")
    assert (made.actor, agent.status(told["request_id"])["status"]) == (f"line:{theirs.line.pk}", "fulfilled")


@pytest.mark.parametrize(
    ("row", "relation"), [*enumerate(("adult_user", "minor_user", "same_holder", "holder_of_minor", "delegate_both"))]
)
def test_each_cell_by_a_code_and_while_held(cells: Cells, row: int, relation: str) -> None:
    one = cells.people[Relation(relation)]
    own = User.objects.get(pk=one.client.session["_auth_user_id"]).line_users.get().line
    by_code = Somebody(sign_in_by_code(own).client, one.line, one.choice, one.delegation)
    wrong = []
    for held in (False, True):
        moment = timezone.now() - timedelta(hours=1) if held else None
        if held:
            Line.objects.filter(pk=own.pk).update(sim_changed_at=moment)
        enough = {How.CODE} if held else {How.CODE, How.UNHELD}
        for action in drawn(Action, of=2, row=row + held):
            expected = get_required_proof(Relation(relation), action) in enough
            for tried in doors(action, by_code, cells):
                opened, said = answered(by_code, tried)
                if opened is not expected and not (action is Action.CHOOSE_WAY_IN and "/accounts/" in said):
                    wrong.append(f"held {held}, {action}: {tried.method} {tried.path} {said}, expected {expected}")
    assert wrong == []


# Of what somebody does with a line, the line alone is told, and which kind of text; most is told to nobody.
TOLD = {
    Relation.ADULT_USER: {"confirmed"}, Relation.MINOR_USER: {"confirmed"}, Relation.SAME_HOLDER: {"child"},
    Relation.HOLDER_OF_MINOR: {"child"}, Relation.NEW_HOLDER: {"child"}, Relation.DELEGATE_STOPS: {"delegate"},
    Relation.DELEGATE_BOTH: {"delegate"},
}  # fmt: skip


def test_nobody_but_the_line_is_texted_of_its_choices(cells: Cells) -> None:
    told: dict[Relation, set[str]] = {}
    for relation, one in cells.people.items():
        for action in (Action.STOP, Action.PAUSE, Action.DISPUTE, Action.ALLOW):
            for tried in doors(action, one, cells):
                before = set(Message.objects.values_list("pk", flat=True))
                with undone(one.client) as client:
                    getattr(client, tried.method)(tried.path, dict(tried.form))
                    new = Message.objects.exclude(pk__in=before)
                    assert {message.line_id for message in new} <= {one.line.pk}, (relation, action)
                    told.setdefault(relation, set()).update(message.kind for message in new)
    assert {relation: kinds for relation, kinds in told.items() if kinds} == TOLD


def test_no_person_s_session_opens_what_is_for_programs(cells: Cells) -> None:
    for relation, one in cells.people.items():
        for path in PROGRAMS:
            assert (relation, path, one.client.post(path, {}, "application/json").status_code) == (relation, path, 401)


def test_the_officers_search_finds_no_person(cells: Cells) -> None:
    officer = cells.people[Relation.OFFICER].client
    line = cells.people[Relation.ADULT_USER].line
    for asked in (*written(NUMBER), line.carrier_id, str(line.public_id), "Ada Marsh"):
        answer = officer.get("/admin/search/", {"q": asked})
        assert answer.status_code == 200
        assert str(line.public_id) not in answer.content.decode().replace(f'value="{line.public_id}"', "")
        assert "/admin/lines" not in answer.content.decode()
    assert Choice.objects.count() == 6


def test_the_page_says_what_the_code_decides() -> None:
    assert (ROOT / "docs" / "reference" / "permissions.md").read_text() == document()
    assert [action for part in PARTS.values() for action in part] == list(DOES)
    assert set(DOES) == set(Action)
    assert set(STAFF_DOES) == set(StaffAction)


def test_no_search_field_holds_anything_of_a_person(cells: Cells) -> None:
    officer = cells.people[Relation.OFFICER].client
    page = officer.post(f"/admin/separations/{cells.separation}/", {"reason": "It is due."}).content.decode()
    assert "At my sister" in page
    (search,) = re.findall(r'<input type="search"[^>]*>', page)
    assert 'value=""' in search
