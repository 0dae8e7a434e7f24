"""A hostile value in every part of every address of the console: an answer, never a failure."""

import re
from collections.abc import Iterator

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from accounts.models import User
from console.urls import ADDRESSES
from tests.selection import drawn
from tests.shared import as_they_were, shared
from tests.support.console import Console, everything
from tests.support.officers import staff
from tests.walks.marks import whole

type Lived = tuple[Console, Client]
VALUES = ("%00", "9" * 40, "party", "x" * 300)


def build() -> Lived:
    client = staff(User.Role.OFFICER).client
    # Told of failures as a person would be.
    client.raise_request_exception = False
    return everything(at=timezone.now()), client


@pytest.fixture(scope="module")
def lived(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Lived]:
    yield from shared(django_db_blocker, build)


@pytest.fixture
def here(lived: Lived, db: None, no_broker: None) -> Iterator[Lived]:
    with as_they_were([lived[1]]):
        yield lived


def fill(route: str, ids: dict[str, object]) -> str:
    return "/admin/" + re.sub(r"<\w+:(\w+)>", lambda part: str(ids[part[1]]), route)


def list_paths(route: str, ids: dict[str, object]) -> list[str]:
    """The route with each value in each of its parts once, the others as they are."""
    return [fill(route, {**ids, name: value}) for name in re.findall(r"<\w+:(\w+)>", route) for value in VALUES]


def failed(client: Client, path: str) -> bool:
    answer = client.get(path)
    whole(answer)
    return answer.status_code >= 500


def test_an_address_takes_any_id(here: Lived) -> None:
    console, officer = here
    asked = [path for one in ADDRESSES for path in list_paths(one.route, console.ids)]
    always = ["/admin/discard/party/1/", "/admin/purposes/%00/", "/admin/anomaly-rules/%00/"]
    assert {*always} & {*asked}
    tried = [*always, *drawn(asked, of=6)]
    assert [path[:60] for path in tried if failed(officer, path)] == []


def test_the_audit_log_goes_to_the_last_day_of_the_calendar(here: Lived) -> None:
    _, officer = here
    assert officer.get("/admin/trail/?to=9999-12-31").content.count(b"<tr") > 1


def test_no_address_with_a_nul_is_there(here: Lived) -> None:
    _, officer = here
    paths = ("/help/T-%00/", "/desk/%00/write/", "/choices/%00/", "/api/v1/%00", "/%00")
    assert {officer.get(path).status_code for path in paths} == {404}
