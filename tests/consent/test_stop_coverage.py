"""What a stop covers: several companies at once, and what it ended, to be allowed again by name."""

import re
from datetime import datetime, timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from accounts.models import Line, LineNumber, Message
from accounts.primitives.zones import zone_of
from consent.actions import choices
from consent.domain.notices import preview_stops
from consent.models import Choice, ChoiceReceipt
from consent.queries.choices import choice_of
from consent.queries.current_consent import sharing, use_of
from partners.models import Campaign, Party, Reach, Suspension
from tests.consent.pages import an_agreed_use, press, stop, words
from tests.factories import a_campaign, a_contract, a_line, a_party, an_approval
from tests.people import Browser, Page, signed_in
from tests.world import disclosed

pytestmark = pytest.mark.usefixtures("db", "no_broker")
FRAUD = "dpv:FraudPreventionAndDetection"
OWN = "This was allowed before. Choose what to allow again. Everything else stays blocked."


def ended_uses(page: Page) -> list[str]:
    """What the page offers to allow again: each use, and what stands beside it."""
    after = page.text.partition('id="ended-uses"')[2].partition("</details>")[0]
    return [words(f"<main>{one}</main>") for one in re.findall(r"<li>(.*?)</li>", after, re.DOTALL)]


def test_what_a_stop_ended_is_allowed_again_by_name_in_two_steps() -> None:
    line, at = a_line(), timezone.now()
    road, fraud = an_agreed_use(line), a_campaign(a_contract(a_party("Bridge")), a_party("FraudShield", "lbs_provider"))
    an_approval(line, fraud, at=at - timedelta(days=90), expires_at=at + timedelta(days=40))
    gone = an_agreed_use(line, "AdReach")
    # Stopped before, and never allowed: neither is part of what this stop ended.
    stop(line, "party", an_agreed_use(line, "CardNear").lbs_provider.uri)
    an_approval(line, a_campaign(a_contract(), a_party("Claimant", "lbs_provider")), at=at, verified_by="partner")
    made, browser = stop(line), signed_in(line)
    Suspension.objects.create(
        of="campaign", target_id=gone.pk, starts_at=timezone.now(), reason="Due", actor="officer:1"
    )
    page = browser.get(f"/choices/{made}/")
    why = "To give you a service you asked for"
    assert ended_uses(page) == [
        f"AdReach : {why} · through AdReach Link It can't be allowed now.",
        f"FraudShield : {why} · through Bridge Allow again…",
        f"RoadAid : {why} · through RoadAid Link Allow again…",
    ]
    assert OWN in page.text
    step = press(browser, page, f'value="{fraud.ref}"')
    # As long as it was allowed before is filled in; nothing is allowed yet.
    assert f'value="{(at + timedelta(days=40)).astimezone(zone_of(line.state)):%Y-%m-%d}"' in step.text
    assert Choice.objects.filter(line_id=line.pk, kind="allow").count() == 0
    back = press(browser, step, 'name="allow"', days="30")
    assert "Allowed. The list below links to its receipt." in back.text
    assert ended_uses(back)[1:] == [
        f"FraudShield : {why} · through Bridge Allowed again",
        f"RoadAid : {why} · through RoadAid Link Allow again…",
    ]
    allowed = Choice.objects.get(line_id=line.pk, kind="allow")
    assert (allowed.ref, ChoiceReceipt.objects.filter(choice_id=allowed.id).count()) == (fraud.ref, 1)
    assert f'href="/choices/{allowed.id}/"' in back.text
    for campaign, is_allowed in ((fraud, True), (road, False)):
        use = use_of(line=line, campaign=campaign.ref, at=timezone.now())
        assert (use and use.allowed) is is_allowed


def test_a_pause_is_ended_early_by_naming_what_is_allowed_again() -> None:
    line = a_line()
    road, other = an_agreed_use(line), an_agreed_use(line, "FraudShield")
    made = choices.pause(
        line_id=line.pk, scope="all", until=timezone.now() + timedelta(days=7), actor="subscriber:1", channel="web"
    )
    browser = signed_in(line)
    page = browser.get(f"/choices/{made.choice_id}/")
    assert "End this pause early…" in page.text
    back = press(browser, press(browser, page, f'value="{road.ref}"'), 'name="allow"', days="")
    assert "Everything else stays paused." in back.text
    answers = [use_of(line=line, campaign=one.ref, at=timezone.now()) for one in (road, other)]
    assert [(use.allowed, use.reason) for use in answers if use] == [(True, ""), (False, "paused")]


def test_i_never_agreed_says_whom_it_blocks_where_only_a_pause_does() -> None:
    line = a_line()
    road = an_agreed_use(line).lbs_provider.uri
    choices.pause(
        line_id=line.pk, scope="party", ref=road, until=timezone.now() + timedelta(days=7), actor="subscriber:1",
        channel="web",
    )  # fmt: skip
    browser = signed_in(line)
    blocks = "“I never agreed” blocks RoadAid, and our privacy office looks into it."
    already = "“I never agreed” opens a case with our privacy office."
    said = words(browser.get("/home/").text)
    assert (blocks in said, already in said) == (True, False)
    stop(line, "party", road)
    said = words(browser.get("/home/").text)
    assert (blocks in said, already in said) == (False, True)


def test_what_a_pause_only_held_is_allowed_again_after_a_stop() -> None:
    line = a_line()
    road, stopped = an_agreed_use(line), an_agreed_use(line, "FraudShield")
    stop(line, "party", stopped.lbs_provider.uri)
    choices.pause(
        line_id=line.pk, scope="all", until=timezone.now() + timedelta(days=7), actor="subscriber:1", channel="web"
    )
    browser = signed_in(line)
    page = browser.get(f"/choices/{stop(line)}/")
    assert "I didn't mean this…" in page.text
    assert ended_uses(page) == ["RoadAid : To give you a service you asked for · through RoadAid Link Allow again…"]
    press(browser, press(browser, page, f'value="{road.ref}"'), 'name="allow"', days="")
    use = use_of(line=line, campaign=road.ref, at=timezone.now())
    assert use is not None
    assert use.allowed


def test_what_an_earlier_number_ended_is_not_offered_though_the_number_changed_again() -> None:
    line, now = a_line(), timezone.now()
    road, fraud = an_agreed_use(line), an_agreed_use(line, "FraudShield")
    _gets_number(line, now - timedelta(days=60))
    # It ended the yes to RoadAid; FraudShield's was given again.
    an_approval(line, fraud, at=now - timedelta(days=30))
    choices.pause(
        line_id=line.pk, scope="all", until=now + timedelta(days=7), actor="subscriber:1", channel="web"
    )  # fmt: skip
    made, browser = stop(line), signed_in(line)
    offered = ["FraudShield : To give you a service you asked for · through FraudShield Link Allow again…"]
    assert ended_uses(browser.get(f"/choices/{made}/")) == offered
    _gets_number(line, timezone.now())
    assert ended_uses(browser.get(f"/choices/{made}/")) == offered, road.ref


def _gets_number(line: Line, at: datetime) -> None:
    sealed = line.numbers.get(ends_at__isnull=True).msisdn_sealed
    line.numbers.filter(ends_at__isnull=True).update(ends_at=at)
    LineNumber.objects.create(line=line, msisdn_hash=f"{at}".encode(), msisdn_sealed=sealed, starts_at=at)
    Line.objects.filter(pk=line.pk).update(number_changed_at=at)


def test_only_who_may_allow_is_offered_what_a_stop_ended() -> None:
    child = a_line(role="minor")
    an_agreed_use(child)
    made = stop(child)
    page = signed_in(child).get(f"/choices/{made}/")
    assert (page.status_code, ended_uses(page), "I didn't mean this" in page.text) == (200, [], False)
    # To others it is not there.
    assert signed_in(a_line()).get(f"/choices/{made}/").status_code == 404


def post_several(browser: Browser, *uris: str) -> Page:
    answer = browser.client.post("/choices/stop/", {"several": "1", "ref": list(uris)})
    return browser.get(answer.headers["Location"]) if "Location" in answer.headers else Page(answer.status_code, {}, "")


def test_several_companies_are_stopped_by_one_press() -> None:
    line = a_line()
    uses = [an_agreed_use(line, name) for name in ("Ash", "Birch", "Cedar")]
    uris = [one.lbs_provider.uri for one in uses]
    browser = signed_in(line)
    page = browser.get("/choices/stop/several/")
    assert re.findall(r'name="ref" value="([^"]*)"', page.text) == uris
    why = "To give you a service you asked for"
    assert words(page.text) == (
        "Home / Stop several companies Stop several companies These companies can get this phone's location now. "
        "Choose the ones to stop. Each stop takes effect right away and has its own receipt. Companies "
        f"Ash {why} Birch {why} Cedar {why} Stop these companies"
    )
    assert 'href="/choices/stop/several/"' in browser.get("/home/").text
    assert "Nothing was stopped. Choose at least one company." in post_several(browser).text
    # One that nobody knows: then none of them is stopped.
    assert post_several(browser, uris[0], "https://nobody.example").status_code == 404
    assert not Choice.objects.filter(line_id=line.pk).exists()
    for _ in range(2):  # pressed twice, it is once
        answer = post_several(browser, *uris[:2])
        assert "Done. 2 companies are blocked from now on." in answer.text
        made = Choice.objects.filter(line_id=line.pk).order_by("made_at")
        assert [(one.kind, one.scope, one.ref) for one in made] == [("stop", "party", uri) for uri in uris[:2]]
    assert ChoiceReceipt.objects.filter(line_id=line.pk).count() == 2
    page = browser.get("/choices/stop/several/")
    assert re.findall(r'name="ref" value="([^"]*)"', page.text) == uris[2:]
    assert "You stopped <bdi>Cedar</bdi>" in post_several(browser, uris[2]).text
    assert "No company can get this phone's location now." in browser.get("/choices/stop/several/").text.replace(
        "&#x27;", "'"
    )


def test_a_helper_who_stops_several_is_told_of_once() -> None:
    line = a_line(role="minor")
    uris = [an_agreed_use(line, name).lbs_provider.uri for name in ("Ash", "Birch")]
    for actor in ("delegate:7", "agent:7"):
        choices.stop_each(line_id=line.pk, parties=uris, actor=actor, channel="web")
    kinds = Message.objects.filter(line_id=line.pk).values_list("kind", flat=True)
    assert sorted(kinds) == ["delegate", "staff"]


def test_what_a_stop_would_touch_is_what_it_touches() -> None:
    """Each scope, over a partner with two services, a shared purpose, a recipient asked for by name, and a claim."""
    line, link, jail = a_line(), a_party("Link"), a_party("Jail", "end_customer")
    contract, fraud = a_contract(link), {"purpose": FRAUD}
    for name, of, more in (
        ("RoadAid", contract, {}), ("CardNear", contract, fraud), ("FraudShield", a_contract(), fraud),
        ("SecureTrack", a_contract(), {"names_recipient": True}),
    ):  # fmt: skip
        an_approval(line, a_campaign(of, a_party(name, "lbs_provider"), **more))
    an_approval(line, a_campaign(a_contract(), a_party("Claimant", "lbs_provider")), verified_by="partner")
    road, track = (Campaign.objects.get(lbs_provider__name=name) for name in ("RoadAid", "SecureTrack"))
    Reach.objects.create(campaign=track, party=jail)

    def allowed_now() -> set[str]:
        found = sharing(line=line, recipients={(track.ref, jail.uri)}, at=timezone.now())
        named = {"Jail" for use in found.by_recipient.values() if use.allowed}
        return {use.provider_name for use in found.allowed_uses} | named

    for scope, companies in (
        (("campaign", road.ref), ("RoadAid",)), (("party", link.uri), ("CardNear", "RoadAid")),
        (("purpose", FRAUD), ("CardNear", "FraudShield")), (("party", jail.uri), ("Jail",)),
        (("all", ""), ("CardNear", "FraudShield", "RoadAid", "SecureTrack")),
    ):  # fmt: skip
        with transaction.atomic():
            before, allowed = sharing(line=line, recipients={(track.ref, jail.uri)}, at=timezone.now()), allowed_now()
            (preview,) = preview_stops(line_id=line.pk, standing=before, scopes=[scope]).values()
            assert preview.companies == companies, scope
            row = choice_of(line_ids=[line.pk], choice_id=stop(line, *scope))
            told = sorted({one.followed.party for one in row.told}, key=str.casefold) if row else []
            assert list(preview.partners) == told, scope
            assert told or scope == ("party", jail.uri)
            # Where a stop spares the service, the recipient alone is named.
            blocked = allowed - allowed_now()
            assert blocked - ({"Jail"} - {*companies}) == {*companies}, scope
            transaction.set_rollback(True)


def test_wide_stops_say_before_they_are_pressed_whom_they_touch() -> None:
    line = a_line()
    contract = a_contract(a_party("Link"))
    for name in ("RoadAid", "CardNear"):
        an_approval(line, a_campaign(contract, a_party(name, "lbs_provider")))
    browser, road = signed_in(line), Party.objects.get(name="RoadAid")
    disclosed(line, ["https://link.example", road.uri], at=timezone.now() - timedelta(days=1))
    both = "Blocks 2 companies: CardNear, RoadAid. We'll tell Link."
    page = words(browser.get(f"/companies/{road.pk}/").text)
    same = "I never agreed The same. We'll also ask for proof that you agreed."
    assert f"Stop Blocks RoadAid. We'll tell Link. {same}" in page
    assert f"This kind of use by every company: {both}" in page
    assert both.removesuffix(" We'll tell Link.") in words(browser.get("/home/").text)
    page = words(browser.get(f"/companies/{Party.objects.get(name='Link').pk}/").text)
    assert f"Stop {both} {same}" in page
    stop(line)
    page = words(browser.get(f"/companies/{road.pk}/").text)
    assert "I never agreed Your stop already blocks it. We'll tell Link and" in page


def test_a_stop_that_blocks_nobody_more_says_what_is_blocked_already() -> None:
    line = a_line()
    ended, other = a_campaign(a_contract(a_party("Link")), a_party("FraudShield", "lbs_provider")), an_agreed_use(line)
    an_approval(line, ended, at=timezone.now() - timedelta(days=9), expires_at=timezone.now() - timedelta(days=1))
    stop(line, "party", other.lbs_provider.uri)
    page = words(signed_in(line).get(f"/companies/{ended.lbs_provider.pk}/").text)
    blocked = "It is blocked already. If you stop it, it stays blocked until you allow it."
    same = "I never agreed The same. We'll also ask for proof that you agreed."
    assert f"Stop {blocked} We'll tell Link. {same}" in page
    everyone = "Every company is already blocked for this. New companies will be too."
    assert f"This kind of use by every company: {everyone}" in page


def test_a_service_that_comes_through_two_partners_is_told_apart() -> None:
    line, road = a_line(), a_party("RoadAid", "lbs_provider")
    for name in ("Ash", "Birch"):
        an_approval(line, a_campaign(a_contract(a_party(name)), road), at=timezone.now() - timedelta(days=90))
    made, browser = stop(line), signed_in(line)
    why = "To give you a service you asked for"
    assert ended_uses(browser.get(f"/choices/{made}/")) == [
        f"RoadAid : {why} · through {name} Allow again…" for name in ("Ash", "Birch")
    ]
    card = browser.get("/home/").text
    assert [words(f"<main>{one}</main>") for one in re.findall(r"<button id=\"again.*?</button>", card, re.DOTALL)] == [
        f"Allow again: {why} · through {name} …" for name in ("Ash", "Birch")
    ]


def test_home_says_whom_i_never_agreed_blocks() -> None:
    line, bridge, road = a_line(), a_party("Bridge"), a_party("RoadAid", "lbs_provider")
    campaign, day = a_campaign(a_contract(bridge), road), timedelta(days=1)
    an_approval(line, campaign, at=timezone.now() - 90 * day)
    # As it reports, no one got it from Bridge. Its card has one use, which is RoadAid's.
    disclosed(line, [bridge.uri], at=timezone.now() - day, campaign=campaign.ref)
    browser = signed_in(line)

    def said() -> list[str]:
        return sorted(re.findall(r"“I never agreed”.*?</p>", browser.get("/home/").text))

    assert said() == [
        "“I never agreed” blocks <bdi>Bridge, RoadAid</bdi>, and our privacy office looks into it.</p>",
        "“I never agreed” blocks <bdi>RoadAid</bdi>, and our privacy office looks into it.</p>",
    ]
    stop(line)
    assert said() == ["“I never agreed” opens a case with our privacy office.</p>"] * 2
