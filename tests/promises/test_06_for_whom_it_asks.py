"""Promise 6: where each request says for whom it asks, no page calls "off" or "stopped" what the gate allows."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from accounts.models import Line
from consent.actions import choices
from consent.gate import deciding
from consent.gate.shapes import as_agreed
from consent.queries.current_consent import sharing
from partners.models import Campaign, Dealing, IdentifierLink, Party, Reach, Suspension
from tests.consent.pages import read, stop, words
from tests.factories import a_campaign, a_contract, a_line, a_party, an_approval
from tests.people import Browser, signed_in
from tests.support.officers import shown, staff
from tests.world import disclosed

pytestmark = pytest.mark.usefixtures("db", "no_broker")

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Scene:
    """A line whose location SecureTrack got for BailNow and for Jail, by name, and may get still."""

    line: Line
    campaign: Campaign
    bail: Party
    jail: Party

    def gate_allows(self, recipient: Party) -> bool:
        question = as_agreed(campaign=self.campaign, line=self.line.carrier_id, recipient=recipient.uri)
        (answer,) = deciding.evaluate(questions=[question])
        return answer.allowed

    def allow(self) -> None:
        choices.allow(line_id=self.line.pk, campaign=self.campaign.ref, actor="subscriber:1", channel="web")

    def state(self) -> str:
        return sharing(line=self.line, at=timezone.now()).state


def a_scene() -> Scene:
    line = a_line()
    provider = a_party("SecureTrack", "lbs_provider")
    campaign = a_campaign(a_contract(a_party("NorthLink")), provider, names_recipient=True)
    scene = Scene(line, campaign, a_party("BailNow", "end_customer"), a_party("Jail", "end_customer"))
    an_approval(line, campaign)
    for party in (scene.bail, scene.jail):
        Reach.objects.create(campaign=campaign, party=party)
        path = ["https://northlink.example", provider.uri, party.uri]
        disclosed(line, path, at=timezone.now() - 3 * DAY, campaign=campaign.ref)
    return scene


def card(page: str, party: Party) -> str:
    start = page.index(f'id="company-{party.pk}"')
    return words(f"<main>{page[start : page.index('</article>', start)]}</main>")


def with_bail_stopped_alone() -> tuple[Scene, Browser]:
    """Everything stopped, SecureTrack allowed again, and then BailNow stopped."""
    scene = a_scene()
    stop(scene.line)
    scene.allow()
    stop(scene.line, "party", scene.bail.uri)
    return scene, signed_in(scene.line)


def test_home_says_off_only_while_the_gate_allows_no_recipient() -> None:
    scene, browser = with_bail_stopped_alone()
    assert (scene.gate_allows(scene.bail), scene.gate_allows(scene.jail)) == (False, True)
    page = browser.get("/home/").text
    assert re.findall(r'data-sharing-state="(\w+)"', page) == ["partly"]
    assert 'name="stop-all"' in page
    stop(scene.line)
    assert (scene.gate_allows(scene.jail), scene.state()) == (False, "off")


def test_the_providers_card_says_yes_and_for_whom_not() -> None:
    scene, browser = with_bail_stopped_alone()
    said = card(browser.get("/home/").text, scene.campaign.lbs_provider)
    assert "Allowed. Blocked when it asks for BailNow." in said
    assert "You stopped it" not in said
    assert "This has ended." not in said


def test_each_end_customers_page_has_the_gates_answer_for_it() -> None:
    scene, browser = with_bail_stopped_alone()
    bail, jail = (read(browser, f"/companies/{party.pk}/") for party in (scene.bail, scene.jail))
    assert "Blocked since" in bail
    assert "You stopped it" in bail
    assert "Allowed." in jail
    assert "Blocked since" not in jail
    assert "for BailNow" not in jail


def test_a_stopped_end_customer_can_be_allowed_again() -> None:
    scene, browser = with_bail_stopped_alone()
    assert f'value="{scene.campaign.ref}"' in browser.get(f"/companies/{scene.bail.pk}/").text
    asked = browser.get(f"/choices/allow/?campaign={scene.campaign.ref}").text
    assert "It is already allowed, but not for BailNow. If you allow it again, that is included." in words(asked)
    assert 'name="allow"' in asked
    scene.allow()
    assert scene.gate_allows(scene.bail)
    assert "for BailNow" not in words(browser.get("/home/").text)
    assert "You don't need to do anything." in read(browser, f"/choices/allow/?campaign={scene.campaign.ref}")


def test_a_stop_of_kin_reaches_the_end_customer_s_page() -> None:
    scene = a_scene()
    kin = {"ref": scene.jail.uri, "kin_ref": scene.bail.uri, "link": "same_as", "recorded_at": timezone.now()}
    IdentifierLink.objects.create(of=IdentifierLink.Of.PARTY, **kin)
    stop(scene.line, "party", scene.bail.uri)
    assert scene.gate_allows(scene.jail) is False
    assert "Blocked since" in read(signed_in(scene.line), f"/companies/{scene.jail.pk}/")


def test_a_company_added_later_is_stopped_and_says_so() -> None:
    scene = a_scene()
    late = a_party("Newcomer", "end_customer")
    Reach.objects.create(campaign=scene.campaign, party=late, told_apart=False)
    Dealing.objects.create(
        line_id=scene.line.pk, aggregator=scene.campaign.contract.aggregator, party=late, last_at=timezone.now()
    )
    disclosed(
        scene.line, ["https://northlink.example", scene.campaign.lbs_provider.uri, late.uri],
        at=timezone.now() - DAY, campaign=scene.campaign.ref,
    )  # fmt: skip
    assert scene.gate_allows(late)
    stop(scene.line, "party", scene.bail.uri)
    assert (scene.gate_allows(late), scene.gate_allows(scene.jail)) == (False, True)
    page = read(signed_in(scene.line), f"/companies/{late.pk}/")
    assert "Blocked since" in page


def test_a_suspended_end_customer_s_page_alone_says_so() -> None:
    scene = a_scene()
    Suspension.objects.create(
        of="party", target_id=scene.jail.pk, starts_at=timezone.now() - DAY, reason="Due", actor="officer:1"
    )
    assert (scene.gate_allows(scene.jail), scene.gate_allows(scene.bail)) == (False, True)
    browser = signed_in(scene.line)
    assert "We have suspended this company" in read(browser, f"/companies/{scene.jail.pk}/")
    assert "We have suspended this company" not in read(browser, f"/companies/{scene.bail.pk}/")
    assert "We have suspended this company" not in card(browser.get("/home/").text, scene.campaign.lbs_provider)
    officer, page = staff(name="reads whom it denies"), f"/admin/campaigns/{scene.campaign.pk}/"
    assert "Requests that name it are denied." in shown(officer, page)
    assert "Everything under it is denied." in shown(officer, f"/admin/parties/{scene.jail.pk}/")


def test_a_recipient_who_is_suspended_is_blocked_since_then() -> None:
    """One told apart whoever else is suspended; one that nobody told us of since the first behind the provider is."""
    now, scene = timezone.now().replace(microsecond=0), a_scene()
    other = a_party("Unnamed", "end_customer")
    path = ["https://northlink.example", scene.campaign.lbs_provider.uri, other.uri]
    disclosed(scene.line, path, at=now - 9 * DAY, campaign=scene.campaign.ref)
    browser = signed_in(scene.line)

    def suspended(party: Party, days: int) -> None:
        Suspension.objects.create(
            of="party", target_id=party.pk, starts_at=now - days * DAY, reason="Due", actor="officer:1"
        )

    def blocked_since(party: Party) -> list[datetime]:
        page = browser.get(f"/companies/{party.pk}/").text
        return [*map(datetime.fromisoformat, re.findall(r'Blocked since <time datetime="([^"]+)"', page))]

    suspended(other, 1)
    assert blocked_since(other) == [now - DAY]
    suspended(scene.jail, 5)
    suspended(scene.bail, 2)
    assert [blocked_since(one) for one in (scene.jail, scene.bail, other)] == [
        [now - 5 * DAY], [now - 2 * DAY], [now - 5 * DAY],
    ]  # fmt: skip
    assert "Allowed." in card(browser.get("/home/").text, scene.campaign.lbs_provider)
