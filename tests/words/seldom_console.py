"""Pages of the console in states that are seldom, in the world of everything that it can show."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from accounts.models import User
from audit.models import Incident
from console.actions.incidents import assign_incident, close_incident, do_duty
from disclosures.feeds.releases import DisclosuresFeed
from partners.models import AuthorizedAgent, Proposal
from revocations.models import Order, State
from support.queries.incidents import duties_of
from tests.factories import a_contract, a_party
from tests.feeds import ndjson, release_row, take_releases
from tests.feeds import taken as fed
from tests.orders import bring_to
from tests.support.console import Console
from tests.support.desk import a_ticket
from tests.support.officers import Member, post, staff
from tests.words.pages import changes
from tests.words.transcripts import masked, transcript
from tests.world import disclosed, gagged

type Read = Iterator[tuple[str, list[str]]]
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
WHY = {"reason": "They sold it on."}


def pages(console: Console, officer: Member, *, at: datetime) -> Read:
    """Every state, by its title."""
    yield "orders of court", _orders_of_court(console, at)
    post(officer, f"/admin/suspend-requests/{console.ids['request_id']}/", {"decision": "decline", "sure": "on"})
    yield "suspensions decided", _read(officer, "/admin/suspend-requests/")
    party = console.campaign.contract.aggregator
    told = timezone.now() - timedelta(hours=1)
    bring_to(State.ACKNOWLEDGED, Order.objects.filter(party_id=party.pk), sent_at=at, acknowledged_at=told)
    yield "what was sent, acknowledged later", _read(officer, f"/admin/streams/{party.pk}/")
    well = a_contract(a_party("Well Link"), endpoint_url="https://well.example/events").aggregator
    yield "a partner that was sent nothing", _read(officer, f"/admin/streams/{well.pk}/")
    for query in ("?state=open", "?state=mended"):
        yield f"breaches {query}", _read(officer, f"/admin/breaches/{query}")
    incident = console.ids["incident_id"]
    taken = officer.client.post(f"/admin/incidents/{incident}/export/", {**WHY, "form": "html"})
    yield "an incident to send away", transcript(taken.content.decode())
    yield from _an_incident_from_its_report_to_its_end(officer, party.uri, at=at)
    yield from _let_in_and_shut_out(console, officer, at=at)
    number = {"msisdn": "+12065550777", "occurred_at": at.isoformat()}
    take_releases(release_row(id="late 1", **number), release_row(id="late 2", **number))
    fed(DisclosuresFeed(gateway="gateway-1"), ndjson([release_row(id="late 3", **number)]))
    yield "the dashboard, with releases of no line", _read(officer, "/admin/")


def _an_incident_from_its_report_to_its_end(officer: Member, company: str, *, at: datetime) -> Read:
    """What each officer's act brings about, at a moment of its own, and the two files of it at the end."""
    second = staff(name="otto")
    page = post(officer, "/admin/incidents/report/", {
        "kind": "partner_breach", "company": company, "happened": "A laptop was stolen.", "affected": "Some lists.",
        "known_at": f"{at:%Y-%m-%dT%H:%M}", "reason": "They wrote to us.",
    })  # fmt: skip
    incident = Incident.objects.get(kind=Incident.Kind.PARTNER_BREACH)
    a_ticket(key=f"incident:{incident.pk}", at=at + HOUR, due_in=9 * DAY)
    yield "an incident with a case", _read(officer, page)
    auditor = staff(User.Role.AUDITOR, name="alba")
    yield "the same, as an auditor reads it", changes(_read(officer, page), _read(auditor, page))
    act: dict[str, Any] = {"incident_id": incident.pk, "actor": officer.actor, "reason": "We did."}
    assign_incident(to=second.actor, at=at + 2 * HOUR, **act)
    duty = duties_of(incident=incident)[0].clock.duty.name
    do_duty(duty=duty, told_on=(at + 5 * HOUR).date(), reference="FCC-17", at=at + 5 * HOUR, **act)
    yield "an incident at work", _read(officer, page)
    close_incident(at=at + 7 * HOUR, **act)
    yield "an incident that was closed", _read(officer, page)
    yield "the same, closed, as an auditor reads it", changes(_read(officer, page), _read(auditor, page))
    for form in ("html", "json"):
        taken = officer.client.post(f"{page}export/", {**WHY, "form": form}).content.decode()
        said = transcript(taken) if form == "html" else [masked(line) for line in taken.splitlines()]
        yield f"an incident that was closed, as {form}", said


def _let_in_and_shut_out(console: Console, officer: Member, *, at: datetime) -> Read:
    """An agent and an API client: proposed, active, and shut out again."""
    second, number = staff(name="petra"), console.ids["number"]
    agent = f"/admin/authorized-agents/{console.ids['agent_number']}/"
    machine = f"/admin/clients/{number}/"
    post(officer, f"{machine}enable/", WHY)
    yield "an API client that is to be let in", _read(officer, machine)
    for one in Proposal.objects.filter(act__in=("enable_machine", "let_agent_ask"), decision="").order_by("-act"):
        post(second, f"/admin/proposals/{one.pk}/agree/", WHY)
    AuthorizedAgent.objects.update(token_asked_at=at + 3 * HOUR)
    for what, page, out in (("an agent", agent, "suspend"), ("an API client", machine, "disable")):
        yield f"{what} let in", _read(officer, page)
        post(officer, f"{page}{out}/", WHY)
        yield f"{what} shut out", _read(officer, page)


def _read(who: Member, path: str) -> list[str]:
    answer = who.client.get(path)
    assert answer.status_code == 200, (path, answer.status_code)
    return transcript(answer.content.decode())


def _orders_of_court(console: Console, at: datetime) -> list[str]:
    """Two releases under one order, of which one was lifted, as the legal-process role reads them."""
    legal = staff(User.Role.LEGAL, name="lea")
    rows = disclosed(console.line, ["urn:police"], at=at, n=2, basis="legal_process", purpose="dpv:LegalCompliance")
    for n, (row, until) in enumerate(zip(rows, (timezone.now() + 30 * DAY, at), strict=True)):
        gagged(row, until=until, at=at + timedelta(hours=n))
    return transcript(legal.client.post("/admin/delayed/", WHY).content.decode())
