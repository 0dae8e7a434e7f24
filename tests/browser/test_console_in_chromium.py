"""The officers' console in a browser: whatever stands in its lists, nothing of it is cut off."""

import uuid
from datetime import datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.urls import reverse
from django.utils import timezone

import audit.actions
from audit.models import Incident
from consent.models import DigestFinding, DigestRun
from console import urls
from console.views.site import READ, SEEING
from partners.actions import proposals, suspensions
from partners.actions.authorized import register_agent
from partners.actions.terms import RuleTerms, add_rule
from partners.models import AuthorizedAgent, Campaign, Proposal
from partners.models import Client as Machine
from revocations.models import Order
from tests.agents import public
from tests.browser.conftest import Visit
from tests.factories import a_campaign, a_contract, a_party
from tests.partners.outside import Signer
from tests.selection import drawn
from tests.staff import a_machine, a_notice
from tests.support.console import a_breach, a_cohort, everything
from tests.support.officers import Member, staff

pytestmark = pytest.mark.browser

WORD = "Verylongwordwithoutanyspaceinit"
LISTS = [one.name for one in urls.ADDRESSES if one.methods == READ and one.roles == SEEING and "<" not in one.route]
# What is wider than the page, or outside of it; what is there for screen readers alone is nowhere. Links that look like
# other words, and a page whose entry in the menu is not seen.
STICKS_OUT = """() => {
  const found = [];
  const seen = one => !one.closest('.o-away') && getComputedStyle(one.closest('thead') || one).clipPath === 'none';
  for (const one of document.querySelectorAll('main table, main table *')) {
    const box = one.getBoundingClientRect();
    const out = box.left < 0 || box.right > innerWidth + 0.5;
    if (box.width && out && seen(one)) found.push(one.outerHTML.slice(0, 80));
  }
  for (const one of document.querySelectorAll('.o-table'))
    if (one.scrollWidth > one.clientWidth) found.push(`a table of ${one.scrollWidth} in ${one.clientWidth}`);
  // A link in a table is told from other words by its line alone.
  for (const one of document.querySelectorAll('.o-table td a > bdi')) {
    const {display, textDecorationLine: line} = getComputedStyle(one);
    if (display !== 'inline' && line === 'none') found.push(`no line under ${one.outerHTML.slice(0, 80)}`);
  }
  for (const one of document.querySelectorAll('.o-nav a[aria-current]')) {
    if (!one.checkVisibility()) continue;
    const nav = one.closest('.o-nav'), {top, bottom} = one.getBoundingClientRect();
    if (bottom > innerHeight) found.push(`not seen: ${one.href}`);
    if (nav.scrollTop && top < nav.getBoundingClientRect().top + 34) found.push(`nothing seen above ${one.href}`);
  }
  const search = document.querySelector('.o-search input').getBoundingClientRect();
  if (search.top < 0 || search.bottom > innerHeight) found.push('the search is out of sight');
  const page = document.documentElement.scrollWidth;
  if (page > innerWidth) found.push(`a page of ${page}`);
  return found;
}"""


def wide_rows(officer: Member, *, at: datetime) -> Campaign:
    """A row in every list with words, ids and names as long as they may be."""
    party = a_party(WORD * 3)
    provider = a_party(f"{WORD} Finder", "lbs_provider")
    contract = a_contract(party, ref=f"AGR-{WORD * 3}-2026", ends_at=at + timedelta(days=20))
    campaign = a_campaign(
        contract, provider, ref=f"CMP-{WORD * 3}-1", purpose=f"dpv:{WORD * 3}", lifeline=True, consideration="monetary"
    )
    suspensions.suspend(
        of="contract", target_id=contract.pk, actor=officer.actor, reason=f"They sold it to {WORD * 5}.", at=at
    )
    proposals.propose(
        act=Proposal.Act.LIFT_SUSPENSION, of="contract", target_id=contract.pk, payload={}, actor=officer.actor, at=at,
        reason=f"They mended it at {WORD * 5}.",
    )  # fmt: skip
    a_cohort(campaign, at=at)
    a_breach(campaign, "order:1", at=at)
    run = DigestRun.objects.create(id=uuid.uuid4(), party_id=party.pk, received_at=at, differing=["0a3f"])
    DigestFinding.objects.create(
        run=run, kind="partner_has", line_id=1, contract_id=contract.pk, recipient=provider.uri,
        purpose=campaign.purpose, scope=campaign.scope, told_so=True, found_at=at,
    )  # fmt: skip
    a_machine(
        WORD * 6, Machine.Kind.AGGREGATOR, public_jwk=dict(Signer("wide").public) | {"kid": WORD * 3}, party=party.uri
    )
    add_rule(
        terms=RuleTerms(state="NV", starts_at=at, purposes=(), sale_test=True, source=f"test {WORD * 9}"),
        reason=WORD,
        actor=officer.actor,
        at=at,
    )
    register_agent(
        agent_id=(WORD * 2)[:60], name=WORD * 6, key=public(Ed25519PrivateKey.generate()),
        hosts=[f"{WORD.lower()}.{WORD.lower()}.example", "another.example"], reason=WORD, actor=officer.actor, at=at,
    )  # fmt: skip
    a_notice(WORD * 9, at=at)
    audit.actions.open_incident(kind=Incident.Kind.OVERDUE, key="wide", subject=WORD * 6, at=at)
    order = Order.objects.create(
        line_id=1, id=uuid.uuid4(), contract_id=contract.pk, party_id=party.pk, epoch=1, version=1, jti="j", txn="t",
        record_id=uuid.uuid4(), lane="stop", snapshot={"required_actions": []}, queued_at=at - timedelta(days=3),
        next_attempt_at=at, note=WORD * 4, complete_by=at - timedelta(days=1),
    )  # fmt: skip
    Order.objects.filter(pk=order.pk).update(sent_at=at, acknowledged_at=at)
    return campaign


def own(campaign: Campaign) -> list[str]:
    """The pages of one contract, campaign and company, its machine, an agent, and what was sent and compared."""
    contract, party = campaign.contract, campaign.contract.aggregator
    run, machine = DigestRun.objects.get(party_id=party.pk), Machine.objects.get(party=party)
    pages = {
        "contract": contract.pk, "party": party.pk, "timeline": party.pk, "run": run.pk, "purpose": campaign.purpose,
        "campaign": campaign.pk, "machine": machine.number,
        "authorized-agent": AuthorizedAgent.objects.latest("number").number,
    }  # fmt: skip
    return [reverse(f"admin:{name}", args=[of]) for name, of in pages.items()]


@pytest.mark.parametrize(("width", "scheme"), [*drawn([(1280, "light"), (1000, "light"), (390, "dark")], of=3)])
def test_no_column_of_the_console_is_cut_off(visit: Visit, width: int, scheme: str) -> None:
    at, officer = timezone.now(), staff(name="an.officer.with.a.very.long.name.indeed")
    first = everything(at=at).campaign
    wide = wide_rows(officer, at=at)
    page = visit(member=officer, width=width, scheme=scheme).new_page()
    cut, without_rows = {}, set()
    paths = [*drawn([reverse(f"admin:{name}") for name in ("index", *LISTS)] + own(first) + own(wide), of=2)]
    for path in paths:
        answer = page.goto(path)
        assert answer is not None
        assert answer.status == 200, path
        if not page.locator("main table tbody tr").count():
            without_rows.add(path)
        if found := page.evaluate(STICKS_OUT):
            cut[path] = found[:3]
    assert cut == {}
    # Every other page has a table with rows in it, or this looked at nothing.
    alone = {path for one in (first, wide) for path in own(one)[-2:]}
    assert without_rows == ({"/admin/", "/admin/search/", "/admin/exports/"} | alone) & {*paths}
