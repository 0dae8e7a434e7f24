"""Each door that takes a number, a code, a link, a mail address or a name says the same to whoever guesses.

What a guesser could compare is compared: the status, the words, the headers, the cookies' names, how many passwords are
hashed, and how often the database is asked. No time is measured: the last two are what it is made of. Doors that text a
code ask the database more often for a customer; their answers all wait for one moment instead (`delay_response`), which
is read here by a clock of the test's own that stands still, and waited for in `tests/accounts/test_response_delay.py`.
"""

import json
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import pytest
import time_machine
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.conf import settings as configured
from django.contrib.auth.hashers import MD5PasswordHasher
from django.contrib.auth.tokens import default_token_generator
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode
from joserfc import jwt
from joserfc.jwk import RSAKey
from pytest_django.fixtures import Settings

from accounts.actions.people import end_tenures
from accounts.clients.texts import MemoryBackend
from accounts.models import Line, User
from accounts.views.access import ANSWER_AT
from consent.models import Choice
from partners.models import AuthorizedAgent
from partners.models import Client as Registered
from tests.agents import Agent, an_agent_asks
from tests.consent.camara import ask
from tests.consent.claiming import a_partner, link_in
from tests.factories import a_line
from tests.partners.outside import Signer
from tests.people import NO_CODE, PASSWORD, Browser, asked_for_new_password, newest_text, number_of, sign_in
from tests.staff import a_staff_user

pytestmark = pytest.mark.usefixtures("committed_db", "no_broker")
STRANGER, FLOOR = "+13605550199", 0.25
# Different at each request, whoever asks, or typed by the guesser.
OWN = (
    (re.compile(r'name="csrfmiddlewaretoken" value="\w+"'), ""),
    (re.compile(r"\(\d{3}\) \d{3}-\d{4}|\+1\d{10}"), "NUMBER"),
    (re.compile(r'"challenge": "[^"]+"'), ""),
    (re.compile(r"/(?:ask|help|accounts|authorized|stop|cancel)/[^\s\"']*"), "PATH"),
    (re.compile(r"[\w.-]+@carrier\.example"), "MAIL"),
)


@dataclass(frozen=True)
class Seen:
    """All that a guesser gets to see of one answer, and what it cost. `queries`: -1 where all wait for one moment."""

    status: int
    words: str
    headers: tuple[tuple[str, str], ...]
    cookies: tuple[str, ...]
    hashes: int
    queries: int
    signatures: int


@dataclass
class Watch:
    """Counts hashes, and holds the doors' clock still."""

    hashes: int = 0
    signatures: int = 0

    def monotonic(self) -> float:
        return 0.0

    def see(self, request: Callable[[], object]) -> Seen:
        """What one request is answered."""
        self.hashes, self.signatures = 0, 0
        with CaptureQueriesContext(connection) as asked:
            answer = request()
        assert isinstance(answer, HttpResponse)
        words, said = answer.content.decode(), {**answer.headers}
        # A clock's hand, and what follows from the words.
        said = {name: value for name, value in said.items() if name not in {"Expires", "Content-Length"}}
        for pattern, name in OWN:
            words = pattern.sub(name, words)
            said = {key: pattern.sub(name, value) for key, value in said.items()}
        queries = -1 if leaves_at(answer) == FLOOR else len(asked)
        headers, cookies = tuple(sorted(said.items())), tuple(sorted(answer.cookies))
        return Seen(answer.status_code, words, headers, cookies, self.hashes, queries, self.signatures)

    def forms(self, browser: Browser, *steps: tuple[str, dict[str, str]]) -> list[Seen]:
        """What a browser is answered to each form, and the page at that address after it."""
        found = []
        for path, form in steps:
            found += [self.see(partial(browser.client.post, path, form)), self.see(partial(browser.client.get, path))]
        return found


def leaves_at(answer: Any) -> object:
    """The moment before which it does not leave, by the clock that stands still."""
    return answer.wsgi_request.META.get(ANSWER_AT)


@pytest.fixture
def watch(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Watch:
    settings.SMS_BACKEND, settings.ANSWER_SECONDS = "accounts.clients.texts.MemoryBackend", FLOOR
    settings.DRP_BUSINESS_ID = "CARRIER"
    MemoryBackend.outbox.clear()
    watch, real = Watch(), MD5PasswordHasher.encode
    monkeypatch.setattr("accounts.views.access.time", watch)

    def counted(self: MD5PasswordHasher, password: str, salt: str) -> str:
        watch.hashes += 1
        return str(real(self, password, salt))

    def checked(of: Callable[..., object]) -> Callable[..., object]:
        def check(*args: object, **kwargs: object) -> object:
            watch.signatures += 1
            return of(*args, **kwargs)

        return check

    monkeypatch.setattr(MD5PasswordHasher, "encode", counted)
    monkeypatch.setattr(jwt, "decode", checked(jwt.decode))
    keys = SimpleNamespace(from_public_bytes=checked(Ed25519PublicKey.from_public_bytes))
    monkeypatch.setattr("consent.domain.agents.Ed25519PublicKey", keys)
    return watch


def differences(seen: Sequence[list[Seen]]) -> list[str]:
    """In what the answers of one differ from the first one's, step by step."""
    found = []
    for number, answers in enumerate(seen[1:], start=1):
        assert len(answers) == len(seen[0])
        for step, (one, other) in enumerate(zip(seen[0], answers, strict=True)):
            names = [name for name in Seen.__dataclass_fields__ if getattr(one, name) != getattr(other, name)]
            found += [
                f"{number}, step {step}: {name}: {_only(one, other, name)} / {_only(other, one, name)}"
                for name in names
            ]
    return found


def _only(one: Seen, other: Seen, name: str) -> object:
    """What of the one is not the other's."""
    said, against = getattr(one, name), getattr(other, name)
    if isinstance(said, tuple):
        return sorted({*said} - {*against})
    if isinstance(said, str):
        return [line for line in said.splitlines() if line not in against.splitlines()]
    return said


def ended_line(*, password: bool = True) -> Line:
    line = a_line()
    if password:
        sign_in(line)
    end_tenures(line_ids=[line.pk], at=timezone.now())
    return line


@pytest.mark.parametrize("door", ["/stop/", "/accounts/login/"])
def test_a_number_and_its_code(watch: Watch, door: str) -> None:
    """A customer, one who has asked often, one whose line has ended, and a number that nobody has."""
    often, gone = a_line(), ended_line(password=False)
    for _ in range(4):
        Browser().post(door, {"number": number_of(often)})
    gone_number = number_of(gone, at=timezone.now() - timedelta(days=1))
    seen = [
        watch.forms(
            Browser(),
            (door, {"number": number}),
            (f"{door}code/", {"code": NO_CODE}),
            (f"{door}again/", {}),
            (f"{door}code/", {"code": "no code at all"}),
        )
        for number in (number_of(a_line()), number_of(often), gone_number, STRANGER)
    ]
    assert differences(seen) == []


def test_the_door_for_lines_that_have_ended(watch: Watch) -> None:
    with_password, without, still_there = ended_line(), ended_line(password=False), a_line()
    yesterday = timezone.now() - timedelta(hours=1)
    numbers = [number_of(line, at=yesterday) for line in (with_password, without)] + [number_of(still_there), STRANGER]
    door = "/accounts/login/ended/"
    seen = [
        watch.forms(
            Browser(),
            (door, {"number": number, "password": "not the password"}),
            (door, {"number": number, "passkey": "1"}),
            (f"{door}passkey/", {"credential": '{"id": "AA"}'}),
        )
        for number in numbers
    ]
    assert differences(seen) == []


def test_the_stop_for_ended_lines_never_says_what_was_right(watch: Watch) -> None:
    """The right password, a wrong one, and numbers of which there is none: the same answer, which leaves as late."""
    with_password, without = ended_line(), ended_line(password=False)
    yesterday = timezone.now() - timedelta(hours=1)
    Line.objects.filter(pk__in=(with_password.pk, without.pk)).update(deactivated_at=timezone.now())
    right = number_of(with_password, at=yesterday)
    numbers = [right, right, number_of(without, at=yesterday), number_of(a_line()), STRANGER]
    seen = []
    for number, password in zip(numbers, (PASSWORD, *["not the password"] * 4), strict=True):
        browser = Browser()
        answer = browser.client.post("/stop/ended/", {"number": number, "password": password})
        assert leaves_at(answer) == 20 * FLOOR
        found = watch.forms(browser, ("/stop/ended/", {"number": number, "password": password}))
        seen.append([replace(one, queries=-1) for one in found])
    assert differences(seen) == []
    assert Choice.objects.filter(kind="stop").count() == 1


def test_staff_s_door_by_mail_address(watch: Watch) -> None:
    left = a_staff_user("agent", password=PASSWORD)
    User.objects.filter(pk=left.pk).update(is_active=False)
    known, invited = a_staff_user("officer", password=PASSWORD), a_staff_user("officer")
    seen = [
        watch.forms(Browser(), ("/accounts/login/staff/", {"login": login, "password": "not the password"}))
        for login in (known.email, left.email, invited.email, "nobody@carrier.example")
    ]
    assert differences(seen) == []
    assert seen[0][0].hashes > 0


def test_a_company_s_question(watch: Watch) -> None:
    """About a customer, and about a number that nobody has."""
    partner = a_partner()
    links = [
        link_in(ask(partner, requestCaptureUrl=True, phoneNumber=number)["captureUrl"])
        for number in (number_of(a_line()), STRANGER)
    ]
    seen = [
        watch.forms(Browser(), (f"{link}text/", {}), (f"{link}code/", {"code": NO_CODE}), (f"{link}no/", {}))
        for link in links
    ]
    assert differences(seen) == []


def test_links_that_nobody_was_sent_and_links_that_are_over(watch: Watch) -> None:
    """No link, one of another door's, one that is over, one of nobody's: at each door the same page."""
    line = a_line()
    sign_in(line)
    cancel = asked_for_new_password(line)
    partner = a_partner()
    asked = link_in(ask(partner, requestCaptureUrl=True, phoneNumber=number_of(line))["captureUrl"])
    stopper = Browser()
    stopper.post("/stop/", {"number": number_of(line)})
    stopper.post("/stop/code/", {"code": newest_text(number_of(line)).code})
    progress = stopper.post("/stop/all/", {"stop-all": "1"}).url
    texted = an_agent_asks(a_line())
    Browser().post(texted, {"refuse": "1"})
    question = asked.split("/")[2]
    doors = {
        "/stop/progress/<>/": progress.split("/")[3], "/stop/progress/<>/receipt.json": progress.split("/")[3],
        "/stop/progress/<>/receipt.pdf": progress.split("/")[3], "/cancel/<>/": cancel.split("/")[2],
        "/authorized/by-text/<>/": texted.split("/")[3], "/help/mail/<>/": "", "/ask/<>/": question,
        "/ask/<>/yes/": question,
        "/ask/<>/answered/": question, "/ask/<>/code/": question,
    }  # fmt: skip
    wrong, later = {}, timezone.now() + timedelta(days=400)
    for door, over in doors.items():
        tokens = [one for one in (over, "x" * 32, "A-_" * 10, "1") if one]
        with time_machine.travel(later, tick=False):
            seen = [[watch.see(partial(Client().get, door.replace("<>", token)))] for token in tokens]
        if found := differences(seen):
            wrong[door] = found
        assert seen[0][0].status == 404, door
    assert wrong == {}


def test_an_invitation(watch: Watch) -> None:
    """For one who was invited, one who has a password, one who left, a subscriber, and nobody."""
    invited, settled, left = a_staff_user(), a_staff_user(password=PASSWORD), a_staff_user(is_active=False)
    line = a_line()
    sign_in(line)
    good = default_token_generator.make_token(invited)
    people = [invited.pk, settled.pk, left.pk, User.objects.get(line_users__line=line).pk, 999_999]
    paths = [f"/accounts/invitation/{urlsafe_base64_encode(force_bytes(pk))}/{good[:-3]}xyz/" for pk in people]
    seen = [watch.forms(Browser(), (path, {"password": "three other words"})) for path in paths]
    assert differences(seen) == []
    assert seen[0][0].status == 404


def test_agents_and_the_people_they_name(watch: Watch) -> None:
    """An agent hears the same of a customer and of nobody, and a stranger nothing of which agents there are."""
    known, unknown, ended = Agent(), Agent("NOBODY"), Agent("ENDED")
    known.register()
    ended.register()
    AuthorizedAgent.objects.filter(pk=ended.id).update(ended_at=timezone.now())

    def answers_to(name: str) -> list[Seen]:
        stranger = Agent(name)
        sends = partial(stranger.http.post, f"/drp/v1/agent/{name}", content_type="text/plain")
        return [
            watch.see(partial(sends, "nonsense")),
            watch.see(partial(sends, stranger.signed(stranger.envelope()))),
            watch.see(partial(stranger.http.get, f"/drp/v1/agent/{name}", headers={"Authorization": "Bearer x"})),
        ]

    seen = [answers_to(one.id) for one in (known, unknown, ended)]
    assert differences(seen) == []
    assert [one.status for one in seen[0]] == [403] * 3
    assert [one.signatures for one in seen[0]] == [1, 1, 0]
    known.sign_in()
    path, answers = "/drp/v1/data-rights-request", []
    for number in (number_of(a_line()), STRANGER):
        said = known.signed(known.envelope(exercise="sale:opt_out", regime="ccpa", phone_number=number))
        answer = known.http.post(path, said, content_type="text/plain", headers=known.bearer)
        told = {name: type(value) for name, value in answer.json().items()}
        answers.append((answer.status_code, told, answer.json()["status"], leaves_at(answer)))
    assert answers[0] == answers[1]
    assert answers[0][3] == FLOOR
    missing = [[watch.see(partial(known.http.get, f"{path}/{uuid4()}", headers=known.bearer))] for _ in range(2)]
    assert differences(missing) == []


def test_somebody_signed_in_learns_of_no_other_customer(watch: Watch) -> None:
    """To ask somebody to look after a line, and to have news sent elsewhere, are doors that take numbers as well."""
    day = f"{timezone.now() + timedelta(days=30):%Y-%m-%d}"
    numbers = (number_of(a_line()), STRANGER)
    for path, form in (("/lines/delegates/", {"may": "see", "day": day}), ("/lines/contact/", {})):
        seen = []
        for number in numbers:
            browser = sign_in(a_line())
            browser.post("/accounts/reauthenticate/", {"password": PASSWORD})
            seen.append([watch.see(partial(browser.client.post, path, {**form, "number": number}))])
        assert (path, differences(seen)) == (path, [])


def test_machines_by_name(watch: Watch) -> None:
    """A registered client, a disabled one, and nobody: with an assertion that is none, and by strangers' keys."""
    partner, disabled = a_partner(), a_partner("LocateHub")
    Registered.objects.filter(client_id=disabled.party.uri).update(disabled_at=timezone.now())
    names, rsa = (partner.party.uri, disabled.party.uri, "https://nobody.example"), RSAKey.generate_key(2048)
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    }

    def answers(name: str) -> list[Seen]:
        now = int(time.time())
        claims = {"iss": name, "sub": name, "aud": configured.BASE_URL, "iat": now, "exp": now + 60, "jti": "1"}
        by_ec, by_rsa = Signer(name).sign(claims, typ="JWT"), jwt.encode({"alg": "RS256"}, claims, rsa)
        forms = [{**form, "client_id": name, "client_assertion": said} for said in ("a.b.c", by_ec, by_rsa)]
        sends = partial(Client().post, "/oauth/token", content_type="application/x-www-form-urlencoded")
        return [watch.see(partial(sends, urlencode(one))) for one in forms]

    answers(names[0])
    seen = [answers(name) for name in names]
    assert differences(seen) == []
    assert [json.loads(one.words)["error"] for one in seen[0]] == ["invalid_client"] * 3
    # A client was looked for, and a signature checked.
    assert [(one.signatures, one.queries - seen[0][0].queries) for one in seen[0]] == [(0, 0), (1, 1), (1, 1)]
