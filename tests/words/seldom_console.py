"""Pages of the console in states that are seldom, in the world of everything that it can show."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.utils import timezone

from accounts.models import User
from disclosures.feeds.releases import DisclosuresFeed
from revocations.models import Order, State
from tests.factories import a_contract, a_party
from tests.feeds import ndjson, release_row, take_releases
from tests.feeds import taken as fed
from tests.orders import bring_to
from tests.support.console import Console
from tests.support.officers import Member, post, staff
from tests.words.transcripts import transcript
from tests.world import disclosed, gagged

DAY = timedelta(days=1)
WHY = {"reason": "They sold it on."}


def pages(console: Console, officer: Member, *, at: datetime) -> Iterator[tuple[str, list[str]]]:
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
    number = {"msisdn": "+12065550777", "occurred_at": at.isoformat()}
    take_releases(release_row(id="late 1", **number), release_row(id="late 2", **number))
    fed(DisclosuresFeed(gateway="gateway-1"), ndjson([release_row(id="late 3", **number)]))
    yield "the dashboard, with releases of no line", _read(officer, "/admin/")


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
