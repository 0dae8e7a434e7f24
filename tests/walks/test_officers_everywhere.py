"""Officer, auditor, legal process, agent, subscriber, nobody: on every address of the console, with every method.

Every address has a row. An auditor sees what an officer sees, and no form of theirs is taken; the legal-process role
has its own console and nothing else; whoever has no second factor in this session has nothing.
"""

from collections.abc import Iterator
from copy import deepcopy

import pytest
from django.http import HttpResponseBase
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoDbBlocker, Settings

from accounts.clients.texts import MemoryBackend
from accounts.models import User
from audit.models import AuditEvent
from console.urls import ADDRESSES
from console.views.site import EVERYBODY, FORM, LEGAL, OFFICERS, READ
from partners.models import Campaign, Contract, Party, Proposal, Suspension
from tests.factories import a_line
from tests.people import signed_in
from tests.selection import EVERY_CELL, drawn
from tests.shared import as_they_were, shared
from tests.support.console import CARRIER_LINE, NUMBER, PERSON, Console, everything, filled
from tests.support.officers import staff
from tests.walks.marks import found, whole, written

WHO = ("nobody", "subscriber", "agent", "officer", "auditor", "legal", "no second factor")
type Row = tuple[int, ...]

# In the order of WHO.
SEEN: Row = (302, 403, 403, 200, 200, 403, 302)
ACTED: Row = (302, 403, 403, 200, 403, 403, 302)
NOT_SO: Row = (405,) * 7
OFFICERS_ALONE: Row = (302, 403, 403, 200, 403, 403, 302)
LEGALS: Row = (302, 403, 403, 403, 403, 200, 403)
EVERY_CONSOLE: Row = (302, 403, 403, 200, 200, 200, 302)
FRONT: Row = (302, 403, 403, 200, 200, 302, 302)
LED_ON: Row = (302, 403, 403, 302, 302, 403, 302)
ACTS_LED_ON: Row = (302, 403, 403, 302, 403, 403, 302)
MARKS = {"person": (PERSON, CARRIER_LINE), "number": written(NUMBER)}


def with_legal(row: Row, status: int) -> Row:
    """The same, but for the legal-process role."""
    return (*row[:5], status, *row[6:])


# Those that no rule below is about: what GET and POST answer.
OF_THEIR_OWN: dict[str, tuple[Row, Row]] = {
    "index": (FRONT, NOT_SO),
    # The legal-process role finds packs of its own orders alone, and incidents that its orders hide.
    "document": (with_legal(SEEN, 404), with_legal(SEEN, 404)),
    "delayed-told": (with_legal(LEGALS, 404), with_legal(LEGALS, 404)),
    # What is waiting is everybody's; an auditor has no e-mails to choose.
    "notifications": (EVERY_CONSOLE, with_legal(ACTED, 200)),
    # The terms of what is in force are fixed: it leads to its page.
    **dict.fromkeys(("contract-change", "campaign-change"), (LED_ON, ACTS_LED_ON)),
    **dict.fromkeys(("search", "order", "finding", "incident-rows", "incident-csv", "incident-export"), (SEEN, SEEN)),
}


def expected(name: str, methods: tuple[str, ...], roles: tuple[User.Role, ...]) -> tuple[Row, Row]:
    """What GET and POST answer to each of WHO. An empty form is shown again, with what is missing."""
    if name in OF_THEIR_OWN:
        return OF_THEIR_OWN[name]
    if roles == LEGAL:
        return LEGALS, LEGALS
    if name.startswith("import"):
        of_officers = name not in {"imports", "import-add"}
        legal = 404 if of_officers else 200
        return with_legal(SEEN, legal), with_legal(ACTED, legal) if "POST" in methods else NOT_SO
    if roles == EVERYBODY:
        return EVERY_CONSOLE, EVERY_CONSOLE if "POST" in methods else NOT_SO
    seen, acted = (OFFICERS_ALONE, OFFICERS_ALONE) if roles == OFFICERS else (SEEN, ACTED)
    return seen, acted if "POST" in methods else NOT_SO


type Everybody = tuple[dict[str, Client], Console]


def build() -> Everybody:
    people = {
        "nobody": Client(),
        "subscriber": signed_in(a_line()).client,
        "agent": staff(User.Role.AGENT).client,
        "officer": staff(User.Role.OFFICER).client,
        "auditor": staff(User.Role.AUDITOR).client,
        "legal": staff(User.Role.LEGAL).client,
        "no second factor": staff(User.Role.OFFICER, name="hasty", second_factor=False).client,
    }
    return people, everything(at=timezone.now())


@pytest.fixture(scope="module")
def everybody(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Everybody]:
    yield from shared(django_db_blocker, build)


@pytest.fixture
def people(everybody: Everybody, db: None, no_broker: None, settings: Settings) -> Iterator[dict[str, Client]]:
    settings.SMS_BACKEND = "accounts.clients.texts.MemoryBackend"
    settings.ANSWER_SECONDS = 0.0
    MemoryBackend.outbox.clear()
    with as_they_were(everybody[0].values()):
        yield everybody[0]


@pytest.fixture
def console(everybody: Everybody) -> Console:
    return deepcopy(everybody[1])


def body(response: HttpResponseBase) -> str:
    return (b"".join(response) if isinstance(response, Iterator) else response.getvalue()).decode()


def test_every_role_gets_exactly_this_on_every_address(people: dict[str, Client], console: Console) -> None:
    wrong: list[str] = []
    for row, one in enumerate(ADDRESSES):
        path = filled(one.route, console.ids)
        tried = {"officer", *drawn(WHO, of=4, row=row)}
        rows = dict(zip(("get", "post"), expected(one.name, one.methods, one.roles), strict=True))
        rows["head"] = rows["get"]
        for method in ("get", "post", "head", "options", "put", "patch", "delete"):
            # What no address takes is refused before anybody is looked at: by day one person tries it.
            one_is_enough = method not in {"get", "post"}
            for who, status in zip(WHO, rows.get(method, NOT_SO), strict=True):
                if not EVERY_CELL and who not in ({"officer"} if one_is_enough else tried):
                    continue
                answer = getattr(people[who], method)(path)
                if answer.status_code != status:
                    wrong.append(f"{method} {path} as {who}: {answer.status_code}, not {status}")
                if found(MARKS, whole(answer)):
                    wrong.append(f"{method} {path} as {who} shows a person")
    assert wrong == []


def test_the_marks_are_there_to_be_found(people: dict[str, Client], console: Console) -> None:
    assert console.line.numbers.count() == 1
    assert AuditEvent.objects.filter(reason__contains=NUMBER).count() == 1


def test_every_address_is_either_read_or_a_form() -> None:
    assert {one.methods for one in ADDRESSES} == {READ, FORM}
    assert len({one.name for one in ADDRESSES}) == len(ADDRESSES)
    assert {one.name for one in ADDRESSES if one.roles == LEGAL} == {
        "delayed", "delayed-await", "delayed-hide", "delayed-lift", "delayed-pack", "delayed-told",
    }  # fmt: skip


def test_no_form_of_anybody_else_changes_anything(people: dict[str, Client], console: Console) -> None:
    before = counted()
    typed = {"reason": "Because.", "name": "Mine", "kind": "aggregator", "uri": "https://mine.example", "ref": "MINE",
             "ends_at": "2094-01-01", "state": "ZZ", "starts_at": "2094-01-01", "sale_test": "on", "source": "x",
             "use": "stop", "language": "en", "body": "Stop.", "typed": "MINE", "plan": "x", "how": "now",
             "kin_ref": "https://other.example", "link": "same_as", "consideration": "none"}  # fmt: skip
    for row, one in enumerate(ADDRESSES):
        if "POST" in one.methods and one.roles != LEGAL and not one.looks:
            for who in drawn(("nobody", "agent", "auditor", "legal", "no second factor"), of=2, row=row):
                people[who].post(filled(one.route, console.ids), typed)
                assert (who, one.name, counted()) == (who, one.name, before)


def counted() -> tuple[int, ...]:
    models = (Party, Contract, Campaign, Proposal, Suspension, AuditEvent)
    return tuple(model.objects.count() for model in models)


def test_nobody_is_sent_to_sign_in_and_comes_back(people: dict[str, Client]) -> None:
    answer = people["nobody"].get("/admin/contracts/?stage=ending")
    assert answer.headers["Location"] == "/accounts/login/staff/?next=%2Fadmin%2Fcontracts%2F%3Fstage%3Dending"


def test_pages_may_run_what_is_theirs_and_nothing_from_elsewhere(people: dict[str, Client]) -> None:
    policy = people["officer"].get("/admin/").headers["Content-Security-Policy"]
    assert "script-src 'self' 'unsafe-inline' 'unsafe-eval'" in policy
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "http" not in policy
    elsewhere = people["officer"].get("/settings/").headers["Content-Security-Policy"]
    assert "unsafe" not in elsewhere


def test_an_auditor_sees_no_button_that_acts(people: dict[str, Client], console: Console) -> None:
    for one in drawn(ADDRESSES, of=2):
        if one.roles not in {LEGAL, OFFICERS} and one.name not in {"export", "run-csv"} and not one.looks:
            path = filled(one.route, console.ids)
            # The search stands above every page, and changes nothing.
            shown = body(people["auditor"].get(path)).partition("<main")[2]
            assert (path, 'method="post"' in shown, "Suspend now" in shown) == (path, False, False)
