"""Promise 7. One officer takes a person's line over: registers a machine, moves the line, reads, allows. Each fails."""

import json
import time
import uuid
from datetime import UTC, timedelta
from urllib.parse import urlencode

import pytest
import time_machine
from django.conf import settings as portal
from django.test import Client as Http
from django.utils import timezone

from accounts.models import Line
from audit.models import AuditEvent, Incident
from consent.actions.choices import stop
from consent.domain.notices import build_approval_notice
from consent.domain.snapshots import reason_against
from consent.models import Choice
from partners.actions.clients import register_client
from partners.actions.sign_in import ASSERTION_TYPE
from partners.models import Campaign, Client, Proposal
from tests.factories import a_campaign, a_contract, a_party, a_safe_contact, an_approval
from tests.feeds import line_row, ndjson, take_lines
from tests.partners.outside import Signer
from tests.people import PASSWORD, Browser, as_contact_reads, sign_in_by_code, texts_to
from tests.support.officers import Member, post, shown, staff

pytestmark = pytest.mark.usefixtures("committed_db", "no_broker")
THEIRS, MINE, SAFE = "+12065550142", "+12065550666", "+14155550199"
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)


@pytest.fixture
def officer() -> Member:
    return staff(name="one")


@pytest.fixture
def campaign() -> Campaign:
    return a_campaign(a_contract(a_party("GeoBridge")), a_party("RoadAid", "lbs_provider"))


@pytest.fixture
def victim(campaign: Campaign) -> Line:
    """Somebody without a password, who agreed once and then stopped everything."""
    take_lines(line_row())
    line = Line.objects.get()
    an_approval(line, campaign)
    stop(line_id=line.pk, scope="all", actor=f"line:{line.pk}", channel="web")
    a_safe_contact(line, msisdn=SAFE, at=timezone.now() - 3 * DAY)
    return line


def token_for(signer: Signer) -> str:
    """The access token that a machine gets for its own signature, or "" and the door stays shut."""
    now = int(time.time())
    claims = {
        "iss": signer.uri, "sub": signer.uri, "aud": portal.BASE_URL, "iat": now, "exp": now + 60,
        "jti": str(uuid.uuid4()),
    }  # fmt: skip
    form = {
        "grant_type": "client_credentials", "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": signer.sign(claims, typ="JWT"),
    }  # fmt: skip
    answer = Http().post("/oauth/token", urlencode(form), content_type="application/x-www-form-urlencoded")
    assert answer.status_code in {200, 401}
    return str(answer.json().get("access_token", ""))


def report(token: str, *rows: dict[str, object]) -> int:
    headers = {"Authorization": f"Bearer {token}"}
    body = ndjson(list(rows))
    return Http().post("/api/v1/lines", body, content_type="application/x-ndjson", headers=headers).status_code


def registered(officer: Member, kind: str) -> Signer:
    signer = Signer(f"my-{kind}")
    form = {"client_id": signer.uri, "kind": kind, "party": "", "public_jwk": json.dumps(signer.public)}
    assert post(officer, "/admin/clients/register/", form)
    return signer


def moved(by: str) -> dict[str, object]:
    """The victim's line under the officer's number, since yesterday."""
    return line_row(msisdn=MINE, number_changed_at=by)


def yesterday() -> str:
    return (timezone.now() - timedelta(hours=25)).astimezone(UTC).isoformat()


@pytest.mark.parametrize("kind", ["feed", "gateway"])
def test_one_officer_lets_no_machine_in(officer: Member, kind: str) -> None:
    signer = registered(officer, kind)
    assert token_for(signer) == ""
    proposal = Proposal.objects.get()
    post(officer, f"/admin/proposals/{proposal.pk}/agree/")
    assert "You proposed it, so another officer must approve it." in shown(
        officer, f"/admin/proposals/{proposal.pk}/agree/", {}
    )
    machine = Client.objects.get()
    post(officer, f"/admin/clients/{machine.number}/enable/")
    assert token_for(signer) == ""
    assert report("", moved(yesterday())) == 401


def test_one_officer_gives_no_machine_another_key(officer: Member) -> None:
    carriers, mine = Signer("carrier-feed"), Signer("carrier-feed")
    register_client(
        client_id=carriers.uri, kind=Client.Kind.FEED, public_jwk=dict(carriers.public), party=None,
        actor="system:register_client", at=timezone.now(),
    )  # fmt: skip
    path = f"/admin/clients/{Client.objects.get().number}/key/"
    typed = {"public_jwk": json.dumps(mine.public)}
    page = officer.client.post(path, {"reason": "Yearly.", **typed}).content.decode()
    seal = page.partition('name="seen" value="')[2].partition('"')[0]
    assert post(officer, path, {**typed, "seen": seal})
    assert (token_for(mine), bool(token_for(carriers))) == ("", True)


@pytest.fixture
def feed() -> Signer:
    """A machine let in by the shell: officers have an incident of it."""
    signer = Signer("my-feed")
    register_client(
        client_id=signer.uri, kind=Client.Kind.FEED, public_jwk=dict(signer.public), party=None,
        actor="system:register_client", at=timezone.now(),
    )  # fmt: skip
    return signer


def test_the_machine_is_named_and_the_person_told(feed: Signer, victim: Line) -> None:
    assert Incident.objects.get().kind == "machine_by_operator"
    assert report(token_for(feed), moved(yesterday())) == 200
    events = AuditEvent.objects.filter(line_id=victim.pk, action="line.number_changed")
    assert list(events.values_list("actor", flat=True)) == [f"client:{feed.uri}"]
    warning = (
        "localhost: our records now show another number for your phone line. If you didn't ask for this, call "
        "us now at the number on your bill. For 24 hours the new number alone opens none of the line's location pages."
    )
    assert [text.text for text in texts_to(THEIRS)] == [warning]
    assert [text.text for text in texts_to(SAFE)] == [as_contact_reads(warning)]


def test_whoever_moved_the_line_opens_nothing_for_a_day(feed: Signer, victim: Line, campaign: Campaign) -> None:
    assert report(token_for(feed), moved(yesterday())) == 200
    line = Line.objects.get(pk=victim.pk)
    began = timezone.now()
    browser = sign_in_by_code(line)
    assert nothing_opens(browser, line, campaign)
    with time_machine.travel(began + DAY - MINUTE, tick=False):
        assert nothing_opens(sign_in_by_code(line, Browser()), line, campaign)


def nothing_opens(browser: Browser, line: Line, campaign: Campaign) -> bool:
    """Neither the history nor a password, and the person's no stays one."""
    pages = ("/home/", "/history/", "/history/download.csv", "/choices/", "/access-log/", "/settings/texts/")
    yes = {"campaign": campaign.ref, "days": "30", "notice": build_approval_notice(campaign=campaign.ref).digest}
    forms = [
        ("/accounts/password/set/", {"password": PASSWORD}),
        ("/accounts/password/forgotten/", {}),
        ("/choices/allow/", yes),
    ]
    tried = [browser.get(page).status_code for page in pages[:-1]]
    tried += [browser.post(path, form).status_code for path, form in forms]
    stays = reason_against(line_id=line.pk, campaign=campaign) == "stopped_all" and Choice.objects.count() == 1
    return set(tried) == {403} and stays
