"""Pages and acts of people whose number, name or safe contact no key opens: damaged, or back with an old database.

The pages show the line without its digits; and whoever holds an account isn't kept from their other lines by one.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta

import pytest
from django.http import HttpResponseBase, StreamingHttpResponse
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Line, LineNumber, SafeContact
from tests.browser.pages import FILES, PARTS_OF_A_PAGE, SUBSCRIBER, VERBS, Walk, a_walk
from tests.factories import a_line
from tests.people import Browser, signed_in
from tests.walks.addresses import filled, patterns

NOBODYS = b"not ours"
MONTHS = {"transparency-csv", "transparency-svg", "transparency-month-csv", "transparency-month-svg"}
OF_A_CASE = {"case-file"}
pytestmark = pytest.mark.usefixtures("committed_db", "no_broker")


def lose_contacts() -> None:
    now, long_ago = timezone.now(), timezone.now() - timedelta(days=9)
    for line in Line.objects.all():
        contact = SafeContact.objects.create(line=line, to_sealed=NOBODYS, code_sealed=NOBODYS, asked_at=long_ago)
        contact.proved_at = long_ago
        contact.save(update_fields=["proved_at"])
        SafeContact.objects.create(line=line, to_sealed=NOBODYS, code_sealed=NOBODYS, asked_at=now)


LOST: dict[str, Callable[[], object]] = {
    "number": lambda: LineNumber.objects.update(msisdn_sealed=NOBODYS),
    "name": lambda: Line.objects.update(holder_name_sealed=NOBODYS),
    "contact": lose_contacts,
}


def asked(walk: Walk) -> Iterator[tuple[str, HttpResponseBase]]:
    """Every page as whoever may open it, every file and every act as the subscriber."""
    for visit in walk.visits():
        yield visit.path, client(visit.cookies).get(visit.path)
    routes = dict(patterns())
    for name in sorted((FILES - MONTHS - OF_A_CASE) | PARTS_OF_A_PAGE | VERBS - {"leave"}):
        token = walk.tokens["ask" if name.startswith("ask") else "stop-progress"]
        path = filled(routes[name], {**walk.ids, "token": token})
        post = name in VERBS
        here = client(walk.cookies[SUBSCRIBER])
        yield path, here.post(path, {"scope": "all"}) if post else here.get(path)


def client(cookies: Mapping[str, str]) -> Client:
    made = Client(raise_request_exception=False)
    made.cookies.load(dict(cookies))
    return made


@pytest.mark.parametrize("lost", LOST)
def test_no_page_file_or_act_fails(lost: str, settings: Settings) -> None:
    settings.SMS_BACKEND = "accounts.clients.texts.MemoryBackend"
    walk = a_walk()
    LOST[lost]()
    here = client(walk.cookies[SUBSCRIBER])
    assert ("•••• ••<" in here.get("/lines/").content.decode()) == (lost == "number")
    failed = []
    for path, answer in asked(walk):
        if isinstance(answer, StreamingHttpResponse):
            answer.getvalue()
        if answer.status_code >= 500:
            failed.append(path)
    assert failed == []


def test_an_account_holder_reaches_their_other_lines_although_no_key_opens_one() -> None:
    own, other, third = (a_line(account="A1") for _ in range(3))
    here = signed_in(own)
    LineNumber.objects.filter(line=other).update(msisdn_sealed=NOBODYS)
    Line.objects.filter(pk=third.pk).update(holder_name_sealed=NOBODYS)
    assert heading_count(here) == 3
    # A name that nobody knows is not the holder's: of that line they see nothing.
    pages = {line.pk: here.get(f"/choices/?line={line.public_id}").status_code for line in (own, other, third)}
    assert pages == {own.pk: 200, other.pk: 200, third.pk: 404}


def test_names_that_no_key_opens_are_not_the_same() -> None:
    own, other = a_line(account="A1"), a_line(account="A1")
    here = signed_in(own)
    Line.objects.update(holder_name_sealed=NOBODYS)
    assert here.get(f"/choices/?line={other.public_id}").status_code == 404


def heading_count(here: Browser) -> int:
    return here.get("/lines/").text.count('<h2 class="of-number">')
