"""States of the subscriber's pages that the walk does not come by: first time, empty, off, late, long, wrong.

Each is made when it is asked for, and is opened with the cookies of whoever is in it. A page of an error that no
address gives is put in the place of one that is not there.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.template.loader import render_to_string
from django.test import RequestFactory
from django.utils import timezone

from consent import actions
from revocations.models import Order, State
from tests.factories import a_campaign, a_contract, a_line, a_party, an_approval
from tests.orders import bring_to
from tests.people import PASSWORD, Browser, number_of, sign_in
from tests.world import a_world, disclosed

LONG = "Compañía Norteamericana de Asistencia en Carretera y Recuperación de Vehículos " + "W" * 90
MANY = 40
# Without anything known of the visit, as Django renders them.
BARE = (400, 500)
ERRORS = (*BARE, 403, "403_csrf", 429)


@dataclass(frozen=True)
class Shown:
    """A page in a state. `body`: shown at this path in place of what is there; `form`: sent, and this is the answer."""

    state: str
    path: str
    cookies: dict[str, str]
    body: str = ""
    form: tuple[tuple[str, str], ...] = ()


def states() -> Iterator[Shown]:
    """Every state of every page that has one."""
    for make in (first_time, nothing_found, typed_wrong, errors, partners_away, signed_in_part, all_off, very_long):
        yield from make()


def first_time() -> Iterator[Shown]:
    """Somebody who has just come and of whom nothing is known."""
    browser = sign_in(a_line())
    for path in ("/home/", "/history/", "/choices/", "/lines/", "/access-log/", "/choices/signal/", "/settings/"):
        yield Shown("first time", path, cookies_of(browser))


def nothing_found() -> Iterator[Shown]:
    """A filter that nothing fits."""
    world = a_world(at=timezone.now())
    yield Shown("empty", "/history/?since=2001-01-01&until=2001-01-02", cookies_of(sign_in(world.line)))


def typed_wrong() -> Iterator[Shown]:
    """Forms that say what is wrong with what was typed."""
    yield Shown("wrong number", "/stop/", {}, form=(("number", "12"),))
    yield Shown("wrong number", "/accounts/login/", {}, form=(("number", ""),))
    for door in ("/stop/", "/accounts/login/"):
        browser = Browser()
        browser.post(door, {"number": number_of(a_line())})
        yield Shown("wrong code", f"{door}code/", cookies_of(browser), form=(("code", "000000"),))
    browser = sign_in(a_line())
    browser.post("/accounts/reauthenticate/", {"password": PASSWORD})
    yield Shown("wrong password", "/accounts/reauthenticate/", cookies_of(browser), form=(("password", "no"),))


def errors() -> Iterator[Shown]:
    """The pages for what went wrong."""
    for error in ERRORS:
        request = None if error in BARE else RequestFactory().get("/")
        yield Shown(f"error {error}", f"/made-up/{error}/", {}, body=render_to_string(f"{error}.html", {}, request))


def partners_away() -> Iterator[Shown]:
    """Partners that do not answer, refuse, or are held back: an hour after the stop."""
    for state in (State.QUEUED, State.SENT, State.PARKED, State.REJECTED):
        yield from _orders_in(state, "partner offline")


def signed_in_part() -> Iterator[Shown]:
    """Partners that answered, signed in part, or went on."""
    for state in (State.ACKNOWLEDGED, State.PARTIAL, State.CONTRADICTED):
        yield from _orders_in(state, "partner answered")


def all_off() -> Iterator[Shown]:
    """All sharing stopped, and done everywhere; all paused."""
    yield from _orders_in(State.COMPLETED, "all off", scope="all")
    world, now = a_world(at=timezone.now()), timezone.now()
    actions.pause(
        line_id=world.line.pk, scope="all", until=now + timedelta(days=3), actor="subscriber:1", channel="web"
    )
    yield Shown("paused", "/home/", cookies_of(sign_in(world.line)))


def very_long() -> Iterator[Shown]:
    """More companies than anybody reads, with names that do not fit."""
    at, line = timezone.now() - timedelta(days=1), a_line()
    geo = a_party(LONG)
    for number in range(MANY):
        provider = a_party(f"{number} {LONG}", "lbs_provider")
        if number < 3:
            an_approval(line, a_campaign(a_contract(geo), provider), at=at - timedelta(days=90))
        disclosed(line, [geo.uri, provider.uri], at=at, n=2, judgement="no_approval")
    for number in range(MANY):
        actions.stop(
            line_id=line.pk, scope="party", ref=f"https://{number}.example", actor="subscriber:1", channel="web"
        )
    cookies = cookies_of(sign_in(line))
    yield from (Shown("very long", path, cookies) for path in ("/home/", "/history/", "/choices/"))


def cookies_of(browser: Browser) -> dict[str, str]:
    """What this browser was given."""
    return {name: morsel.value for name, morsel in browser.client.cookies.items() if morsel.value}


def _orders_in(state: State, name: str, *, scope: str = "party") -> Iterator[Shown]:
    world = a_world(at=timezone.now() - timedelta(hours=1))
    ref = "https://securetrack.example" if scope == "party" else ""
    made = actions.stop(line_id=world.line.pk, scope=scope, ref=ref, actor="subscriber:1", channel="web")
    at = timezone.now()
    done: dict[str, datetime | None] = {}
    if state in {State.COMPLETED, State.PARTIAL}:
        done = {"completed_at": at if state == State.COMPLETED else None}
    moved = Order.objects.filter(line_id=world.line.pk).exclude(state=State.SUPERSEDED)
    if state in {State.QUEUED, State.SENT, State.PARKED}:
        moved.update(queued_at=at - timedelta(hours=1))
    else:
        bring_to(state, moved, sent_at=at, acknowledged_at=at, **done)
    cookies = cookies_of(sign_in(world.line))
    for path in ("/home/", f"/choices/{made.choice_id}/"):
        yield Shown(f"{name}: {state}", path, cookies)


def languages() -> list[str]:
    """All languages on offer but our own."""
    return [code for code, _ in settings.LANGUAGES if code != settings.LANGUAGE_CODE]
