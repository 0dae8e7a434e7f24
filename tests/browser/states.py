"""States of the subscriber's pages that the walk does not come by: first time, empty, off, late, long, wrong.

Each is made when it is asked for, and is opened with the cookies of whoever is in it. A page of an error that no
address gives is put in the place of one that is not there.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.template.loader import render_to_string
from django.test import RequestFactory
from django.utils import timezone, translation

from accounts.models import Line
from consent.actions import choices
from consent.actions.signals import honour_signal
from disclosures.workers import archiving
from partners.models import Contract
from revocations.actions.orders import enqueue_order
from revocations.domain.wire import Agreement
from revocations.models import Order, State
from tests.factories import a_campaign, a_contract, a_line, a_party, an_approval
from tests.orders import bring_to
from tests.people import NO_CODE, PASSWORD, Browser, number_of, sign_in, sign_in_by_code, user_of
from tests.world import disclosed

LONG = "Compañía Norteamericana de Asistencia en Carretera y Recuperación de Vehículos " + "W" * 90
MANY = 40
# Without anything known of the visit, as Django renders them.
BARE = (400, 500)
ERRORS = (*BARE, 403, "403_csrf", 429)


@dataclass(frozen=True)
class Shown:
    """A page in a state. `bodies`: by language, shown at this path in place of what is there.

    `form`: sent, and this is the answer.
    """

    state: str
    path: str
    cookies: dict[str, str]
    bodies: Mapping[str, str] = field(default_factory=dict)
    form: tuple[tuple[str, str], ...] = ()


def states() -> Iterator[Shown]:
    """Every state of every page that has one."""
    for make in MAKERS:
        yield from make()


def first_time() -> Iterator[Shown]:
    """Somebody who has just come and of whom nothing is known."""
    browser = sign_in(a_line())
    for path in ("/home/", "/history/", "/choices/", "/lines/", "/access-log/", "/choices/signal/", "/settings/"):
        yield Shown("first time", path, cookies_of(browser))


def nothing_found() -> Iterator[Shown]:
    """A filter that nothing fits."""
    yield Shown("empty", "/history/?since=2001-01-01&until=2001-01-02", cookies_of(sign_in(a_life())))


def typed_wrong() -> Iterator[Shown]:
    """Forms that say what is wrong with what was typed."""
    yield Shown("wrong number", "/stop/", {}, form=(("number", "12"),))
    yield Shown("wrong number", "/accounts/login/", {}, form=(("number", ""),))
    for door in ("/stop/", "/accounts/login/"):
        browser = Browser()
        browser.post(door, {"number": number_of(a_line())})
        yield Shown("wrong code", f"{door}code/", cookies_of(browser), form=(("code", NO_CODE),))
    browser = sign_in(a_line())
    browser.post("/accounts/reauthenticate/", {"password": PASSWORD})
    yield Shown("wrong password", "/accounts/reauthenticate/", cookies_of(browser), form=(("password", "no"),))


def errors() -> Iterator[Shown]:
    """The pages for what went wrong."""
    for error in ERRORS:
        request = None if error in BARE else RequestFactory().get("/")
        bodies = {}
        for language, _ in settings.LANGUAGES:
            with translation.override(language):
                bodies[language] = render_to_string(f"{error}.html", {}, request)
        yield Shown(f"error {error}", f"/made-up/{error}/", {}, bodies)


def partners_away() -> Iterator[Shown]:
    """Partners that have not answered: not yet, for longer than a quarter of an hour, and never."""
    for state, minutes in (("on its way", 0), ("partner offline", 20)):
        line = a_life()
        if minutes:
            _told_before(line, timedelta(minutes=minutes))
        made = choices.stop(line_id=line.pk, scope="all", actor="subscriber:1", channel="web")
        cookies = cookies_of(sign_in(line))
        yield from (Shown(state, path, cookies) for path in ("/home/", f"/choices/{made.choice_id}/"))
    for parked in (State.PARKED, State.REJECTED):
        yield from _orders_in(parked, "partner offline")


def signed_in_part() -> Iterator[Shown]:
    """Partners that answered, signed in part, or went on."""
    for state in (State.ACKNOWLEDGED, State.PARTIAL, State.CONTRADICTED):
        yield from _orders_in(state, "partner answered")


def all_off() -> Iterator[Shown]:
    """All sharing stopped, and done everywhere; all paused."""
    yield from _orders_in(State.COMPLETED, "all off")
    line, until = a_life(), timezone.now() + timedelta(days=3)
    choices.pause(line_id=line.pk, scope="all", until=until, actor="subscriber:1", channel="web")
    yield Shown("paused", "/home/", cookies_of(sign_in(line)))


def very_long() -> Iterator[Shown]:
    """More companies than anybody reads, with names that do not fit."""
    at, line = timezone.now() - timedelta(days=1), a_line()
    geo = a_party(LONG)
    providers = [a_party(f"{number} {LONG}", "lbs_provider") for number in range(MANY)]
    for number, provider in enumerate(providers):
        if number < 3:
            an_approval(line, a_campaign(a_contract(geo), provider), at=at - timedelta(days=90))
        disclosed(line, [geo.uri, provider.uri], at=at, n=2, judgement="no_approval")
    for provider in providers:
        choices.stop(line_id=line.pk, scope="party", ref=provider.uri, actor="subscriber:1", channel="web")
    cookies = cookies_of(sign_in(line))
    yield from (Shown("very long", path, cookies) for path in ("/home/", "/history/", "/choices/"))


def archives() -> Iterator[Shown]:
    """Everything as one file: ready, and asked for."""
    for name in ("ready", "waiting"):
        browser = sign_in(a_life())
        browser.post("/settings/archive/ask/")
        if name == "ready":
            archiving.make(now=timezone.now())
        yield Shown(f"archive {name}", "/settings/archive/", cookies_of(browser))


def signal_asks() -> Iterator[Shown]:
    """A browser's privacy signal met a yes of the person's own; a new SIM holds the line; and then they say stop."""
    for state in ("signal asks", "held", "held and stopped"):
        line = a_line_asked_by_the_signal()
        browser = sign_in(line)
        if state != "signal asks":
            hold(line)
        done = browser.post("/choices/signal/stop/").url if state == "held and stopped" else ""
        yield Shown(state, done or "/choices/signal/", cookies_of(browser))


def moved() -> Iterator[Shown]:
    """A new number holds the line: a code to the safe contact is offered."""
    line = a_line()
    browser = sign_in_by_code(line)
    Line.objects.filter(pk=line.pk).update(number_changed_at=timezone.now())
    yield Shown("held by a new number", "/home/", cookies_of(browser))


MAKERS = (
    archives, first_time, nothing_found, typed_wrong, errors, partners_away, signed_in_part, all_off, very_long,
    signal_asks, moved,
)  # fmt: skip


def a_line_asked_by_the_signal() -> Line:
    """Its person allowed one service themselves, and is asked whether that counts against their browser's signal."""
    line = a_line()
    sign_in(line)
    actor = f"subscriber:{user_of(line).pk}"
    campaign = a_campaign(provider=a_party(f"Own service {line.pk}", "lbs_provider"))
    choices.allow(line_id=line.pk, campaign=campaign.ref, actor=actor, channel="web")
    honour_signal(line_id=line.pk, actor=actor, at=timezone.now())
    return line


def hold(line: Line) -> None:
    """A new SIM came into its phone an hour ago."""
    Line.objects.filter(pk=line.pk).update(sim_changed_at=timezone.now() - timedelta(hours=1))


def cookies_of(browser: Browser) -> dict[str, str]:
    """What this browser was given."""
    return {name: morsel.value for name, morsel in browser.client.cookies.items() if morsel.value}


def a_life() -> Line:
    """A line whose location went to two services that it agreed to, each through a company of its own."""
    at, line = timezone.now(), a_line()
    for name in ("First", "Second"):
        contract = a_contract(a_party(f"{name} between {line.pk}"))
        provider = a_party(f"{name} service {line.pk}", "lbs_provider")
        campaign = a_campaign(contract, provider)
        an_approval(line, campaign, at=at - timedelta(days=90))
        path = [contract.aggregator.uri, provider.uri]
        disclosed(line, path, at=at - timedelta(days=1), n=2, campaign=campaign.ref)
    return line


def _told_before(line: Line, ago: timedelta) -> None:
    """A message that these partners have left unanswered since then."""
    between = Contract.objects.filter(aggregator__name__endswith=f"between {line.pk}")
    agreements = [Agreement(contract, [], ()) for contract in between]
    with transaction.atomic():
        enqueue_order(line_id=line.pk, agreements=agreements, by="user", at=timezone.now() - ago)


def _orders_in(state: State, name: str) -> Iterator[Shown]:
    line, at = a_life(), timezone.now()
    made = choices.stop(line_id=line.pk, scope="all", actor="subscriber:1", channel="web")
    done = {} if state in {State.PARKED, State.REJECTED, State.ACKNOWLEDGED} else {"completed_at": at}
    bring_to(state, Order.objects.filter(line_id=line.pk), sent_at=at, acknowledged_at=at, **done)
    cookies = cookies_of(sign_in(line))
    yield from (Shown(f"{name}: {state}", path, cookies) for path in ("/home/", f"/choices/{made.choice_id}/"))


def languages() -> list[str]:
    """All languages on offer but our own."""
    return [code for code, _ in settings.LANGUAGES if code != settings.LANGUAGE_CODE]
