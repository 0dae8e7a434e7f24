"""A rule of a state: real states and days alone, shown before it counts, and no wider or narrower than it says."""

import re
from dataclasses import replace
from datetime import datetime, timedelta
from html import unescape
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone
from msgspec import structs

from consent.actions import choices
from consent.domain.snapshots import list_states
from consent.gate import deciding
from consent.gate.shapes import WIDEST_M, Question, as_agreed
from consent.models import Tightening
from consent.queries.permission import permission_at
from console.queries.purposes import get_rule_impact
from partners.actions.terms import RuleTerms, add_rule
from partners.models import Campaign, JurisdictionRule
from revocations.models import Order
from tests.consent.claiming import a_partner
from tests.factories import ADS, FRAUD, LONG_AGO, NOW, a_campaign, a_contract, a_line, a_party, an_approval
from tests.feeds import release_row, take_releases
from tests.feeds import told as told_of
from tests.fixtures import Refusal
from tests.moments import ends_at
from tests.people import sign_in
from tests.support.officers import Member, ask, confirmed, shown
from tests.words.pages import words_of

pytestmark = pytest.mark.usefixtures("db", "no_broker")


A_RULE = RuleTerms(state="NV", starts_at=NOW, purposes=(FRAUD,), sale_test=False, source="test")


def a_rule(officer: Member, **changed: Any) -> None:
    terms = replace(A_RULE, **changed)
    add_rule(terms=terms, reason="A law.", actor=officer.actor, at=timezone.now())


def test_no_state_and_no_day_out_of_reason_is_taken(officer: Member) -> None:
    typed = {"reason": "A law.", "state": "ZZ", "starts_at": "1999-01-01", "sale_test": "", "source": ""}
    text = unescape(officer.client.post("/admin/rules/add/", typed).content.decode())
    found = dict(re.findall(r'<p class="o-error" id="id_(\w+)_error">(.*?)</p>', text))
    assert found == {
        "state": "The choice for “State” isn't available. Choose another.", "source": "Fill in “Legal source”.",
        "starts_at": "Name a day from five years ago to ten years from now.",
        "purposes": "Choose a purpose, or prohibit paid use.",
    }  # fmt: skip
    late = f"{timezone.now().year + 12}-01-01"
    for starts_at, consideration in (("1999-01-01", ""), (late, "monetary")):
        typed = {"state": "NV", "starts_at": starts_at, "source": "x", "consideration": consideration}
        path = "/admin/rules/add/"
        page = officer.client.post(path, {**typed, "reason": "A law."}).content.decode()
        seal = page.partition('name="seen" value="')[2].partition('"')[0]
        told = shown(officer, path, {**typed, "seen": seal})
        assert "Name a day from five years ago to ten years from now." in told
        assert "Choose a purpose, or prohibit paid use." in told
        assert ("Leave this empty: the rule doesn't prohibit sales." in told) == bool(consideration)
    for unseen in ("\u200b", " \u2060 ", "-"):
        with pytest.raises(ValidationError, match="Name the statute"):
            a_rule(officer, source=unseen)
    for column, wrong in {"source": "", "consideration": "gold", "max_radius_m": -1}.items():
        with pytest.raises(ValidationError) as refused:
            a_rule(officer, sale_test=True, **{column: wrong})
        assert list(refused.value.message_dict) == [column]
    assert JurisdictionRule.objects.count() == 4


def test_what_a_rule_prohibits_is_seen_before_it_counts(officer: Member) -> None:
    campaign = a_campaign(purpose=FRAUD, precision_m=500, lifeline=True, ref="CMP-F")
    sold = a_campaign(campaign.contract, a_party("AdReach", "lbs_provider"), ref="CMP-S", consideration="other")
    a_campaign(campaign.contract, ref="CMP-N", precision_m=600)
    for state in ("NV", "NV", "WA"):
        line = a_line(state=state, carrier_id=f"{state}{a_line().pk}")
        an_approval(line, campaign)
    an_approval(line := a_line(state="NV"), sold)
    began = f"{NOW:%Y-%m-%d}"
    typed = {"state": "NV", "starts_at": began, "purposes": [FRAUD], "sale_test": "on", "source": "NRS 1"}
    told = shown(officer, "/admin/rules/add/", typed)
    assert "Add a rule: what it prohibits In Nevada from" in told
    assert "The start date has passed: the gate denies these uses as soon as you add the rule" in told
    assert "1 of these campaigns is a lifeline." in told
    assert "Campaigns it prohibits 2 Lines in Nevada that agreed 3 Of these, lifelines 1" in told
    assert re.search(r"CMP-F lifeline RoadAid To spot fraud .* 2 CMP-S AdReach .* 1 Add a rule$", told)
    assert (ask(sold, line.carrier_id), JurisdictionRule.objects.count()) == ("", 4)
    # Another campaign by now, and it is shown again.
    seal = officer.client.post("/admin/rules/add/", {**typed, "reason": "Due"}).content.decode()
    seal = seal.partition('name="seen" value="')[2].partition('"')[0]
    a_campaign(campaign.contract, ref="CMP-T", purpose=FRAUD)
    assert "CMP-T" in shown(officer, "/admin/rules/add/", {**typed, "seen": seal})
    assert confirmed(officer, "/admin/rules/add/", typed) == "/admin/rules/"
    assert ask(sold, line.carrier_id) == "jurisdiction_prohibits"
    # Within a radius, and for money alone, it is about less.
    terms = RuleTerms("NV", NOW, (FRAUD,), sale_test=True, source="x", consideration="monetary", max_radius_m=499)

    def concerned(terms: RuleTerms, at: datetime) -> list[str]:
        return [one.campaign.ref for one in get_rule_impact(terms=terms, at=at).campaigns]

    assert concerned(terms, timezone.now()) == []
    terms = replace(terms, max_radius_m=500)
    assert concerned(terms, timezone.now()) == ["CMP-F", "CMP-T"]
    # Until it ends, and no longer than its contract.
    ends, contract = timezone.now() + timedelta(days=9), a_contract(ends_at=timezone.now() + timedelta(days=5))
    a_campaign(campaign.contract, ref="CMP-9", purpose=FRAUD, ends_at=ends)
    a_campaign(contract, ref="CMP-5", purpose=FRAUD, ends_at=ends)
    assert ends_at(lambda at: "CMP-9" in concerned(terms, at), ends)
    assert ends_at(lambda at: "CMP-5" in concerned(terms, at), contract.ends_at)


def both(campaign: Campaign, line_id: int, carrier_id: str, precision_m: int | None) -> tuple[str, str, str]:
    """The gate's answer by both of its ways, one question and many, and the ledger's: "permitted" for a yes."""
    contract = campaign.contract
    question = Question(
        aggregator=contract.aggregator.uri, provider=campaign.lbs_provider.uri, campaign=campaign.ref,
        purpose=campaign.purpose, scope=campaign.scope, precision_m=precision_m, line=carrier_id,
    )  # fmt: skip
    one, (many, _) = deciding.evaluate(questions=[question])[0], deciding.evaluate(questions=[question, question])
    at = timezone.now()
    said = permission_at(
        line_id=line_id, campaign=campaign.ref, purpose=campaign.purpose, at=at, known_at=at, precision_m=precision_m,
        parties=[contract.aggregator.uri, campaign.lbs_provider.uri],
    )  # fmt: skip
    return one.reason or "permitted", many.reason or "permitted", said


def test_a_rule_prohibits_within_its_radius_alone(officer: Member) -> None:
    campaign = a_campaign(purpose=FRAUD, precision_m=100)
    line = a_line(state="NV")
    an_approval(line, campaign)
    a_rule(officer, max_radius_m=534)
    kept = Tightening.objects.get(kind="rule").facts
    assert (kept["state"], kept["max_radius_m"], kept["consideration"]) == ("NV", 534, "")
    for precision_m in (None, 0, 99, 100, 534, 535, 10_000, WIDEST_M):
        answer = "jurisdiction_prohibits" if (precision_m or 0) <= 534 else "permitted"
        assert both(campaign, line.pk, line.carrier_id, precision_m) == (answer,) * 3, precision_m
    a_rule(officer, starts_at=NOW - timedelta(days=1))
    assert both(campaign, line.pk, line.carrier_id, 10_000) == ("jurisdiction_prohibits",) * 3


def test_a_yes_to_a_wide_circle_allows_none_that_the_state_prohibits(officer: Member) -> None:
    a_rule(officer, max_radius_m=534)
    for state, agreed_m, asked_m, finest_m in (
        ("NV", 100, 10_000, 535), ("NV", 534, 535, 535), ("NV", 535, 535, 535), ("NV", 2_000, 10_000, 2_000),
        ("WA", 100, 10_000, 100), ("WA", 0, 0, 0),
    ):  # fmt: skip
        campaign, line = a_campaign(purpose=FRAUD, precision_m=agreed_m), a_line(state=state)
        an_approval(line, campaign)
        question = structs.replace(as_agreed(campaign=campaign, line=line.carrier_id), precision_m=asked_m)
        answers = [deciding.evaluate(questions=[question])[0], *deciding.evaluate(questions=[question, question])]
        assert [(one.allowed, one.max_precision_m) for one in answers] == [(True, finest_m)] * 3, (state, agreed_m)


def test_pages_say_what_a_state_still_lets_pass_and_partners_hear_nothing_of_it(officer: Member) -> None:
    partner = a_partner(purpose=FRAUD, precision_m=100)
    campaign, line = partner.campaign, a_line(state="NV", msisdn="+12065550142")
    an_approval(line, campaign)
    a_rule(officer, max_radius_m=534)
    browser, narrowed = sign_in(line), "How exact within about 100 m Your state now allows only within about 535 m."

    def told() -> str:
        return words_of(browser.get(f"/choices/allow/?campaign={campaign.ref}"))

    def sent() -> object:
        said = partner.retrieve()[1]["statusInfo"][0]["statusValidForProcessing"]
        return list_states(line_id=line.pk, contract_ids=[campaign.contract_id])[campaign.contract_id], said

    words = told()
    assert (narrowed in words, "It is already allowed." in words, sent()) == (True, True, ([], False))
    passed_on = release_row(
        occurred_at=timezone.now().isoformat(), aggregator=partner.party.uri, campaign=campaign.ref, purpose=FRAUD,
        path=[partner.party.uri, campaign.lbs_provider.uri], precision_m=1000,
    )  # fmt: skip
    assert told_of(take_releases(passed_on)) == [("accepted", "permitted")]
    card = "How exact within about 1 km Your state now allows only within about 535 m."
    assert card in words_of(browser.get("/home/"))
    made = choices.stop(line_id=line.pk, scope="campaign", ref=campaign.ref, actor="subscriber:1", channel="web")
    assert "Keep it blocked" in told()
    assert narrowed in told()
    # What it ended is known by the ledger, which is asked as the gate is.
    assert "ended-uses" in browser.get(f"/choices/{made.choice_id}/").text
    choices.allow(line_id=line.pk, campaign=campaign.ref, actor="subscriber:1", channel="web")
    assert ("It is already allowed." in told(), sent()) == (True, ([], False))
    assert [one.snapshot["state"] for one in Order.objects.filter(line_id=line.pk)][-1] == []
    a_rule(officer, starts_at=NOW - timedelta(days=1))
    words = told()
    assert "How exact within about 100 m Until" in words
    assert "We don't allow this in your state. That is why it can't be allowed now." in words


@pytest.mark.parametrize("paid", ["", "none", "other", "monetary"])
def test_a_sale_is_what_the_rule_says_it_is(officer: Member, paid: str) -> None:
    campaign, line = a_campaign(consideration=paid), a_line(state="NV")
    an_approval(line, campaign)
    # Elsewhere it is prohibited for its purpose, sold or not.
    a_rule(officer, state="OR", purposes=(campaign.purpose,))
    a_rule(officer, purposes=(), sale_test=True, consideration="monetary")
    money = ("jurisdiction_prohibits" if paid == "monetary" else "permitted",) * 3
    assert both(campaign, line.pk, line.carrier_id, 500) == money
    a_rule(officer, purposes=(), sale_test=True, starts_at=NOW - timedelta(days=1))
    sale = ("jurisdiction_prohibits" if paid in {"monetary", "other"} else "permitted",) * 3
    assert both(campaign, line.pk, line.carrier_id, 500) == sale


def test_connecticut_has_its_row_and_none_denies_less(refused: Refusal) -> None:
    rows = {one.state: one for one in JurisdictionRule.objects.all()}
    assert sorted(rows) == ["CT", "MD", "OR", "VA"]
    assert {(one.consideration, one.max_radius_m) for one in rows.values()} == {("", None)}
    assert f"{rows['CT'].starts_at:%Y-%m-%d}" == "2026-10-01"
    assert rows["CT"].source.endswith("Not yet confirmed by counsel")
    campaign, line = a_campaign(purpose=ADS), a_line(state="CT", activated_at=LONG_AGO)
    an_approval(line, campaign)
    assert both(campaign, line.pk, line.carrier_id, 100_000) == ("jurisdiction_prohibits",) * 3
    for change in ("max_radius_m = 534", "consideration = 'monetary'", "sale_test = false"):
        refused(f"UPDATE partners_jurisdictionrule SET {change} WHERE state = 'CT'")
