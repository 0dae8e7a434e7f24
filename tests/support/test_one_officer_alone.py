"""Whatever one officer does alone, in whatever order: where the gate said no it says no, now and later."""

import ast
import base64
import re
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import transaction
from hypothesis import example, given
from hypothesis import strategies as st
from pytest_django import DjangoDbBlocker

import disclosures.actions
from accounts.models import Line
from accounts.queries import StaffOnly
from audit.queries import database_clock
from consent.actions import choices
from consent.actions.lines import terminate
from consent.domain.snapshots import reason_against
from consent.gate import deciding
from consent.gate.shapes import as_agreed
from consent.queries import termination
from consent.queries.permission import PermissionQuestion, answers_at
from consent.workers.cohorts import PlanChanged
from console.actions import proposals as proposals_actions
from console.actions import terms
from console.actions.terms import discard_draft, put_in_force
from partners.actions import authorized, clients, drafts, notices, parties, proposals
from partners.actions import terms as terms_actions
from partners.actions.drafts import CampaignTerms, ContractTerms
from partners.actions.suspensions import suspend
from partners.actions.terms import RuleTerms
from partners.domain.keysets import jwks_uri_of
from partners.models import (
    AuthorizedAgent,
    Campaign,
    Client,
    Contract,
    JurisdictionRule,
    NoticeText,
    Party,
    Proposal,
    Reach,
    Suspension,
)
from partners.policies.identifiers import events_address_of
from partners.policies.lifecycle import NotNow
from partners.policies.loosening import BadProposal
from partners.queries import thumbprint_of
from tests.call_graph import graph, named_in
from tests.factories import (
    ADS,
    FAR_OFF,
    FRAUD,
    LONG_AGO,
    READ,
    ROADSIDE,
    a_campaign,
    a_contract,
    a_line,
    a_party,
    an_approval,
)
from tests.partners.outside import Signer
from tests.properties import stories, undone
from tests.shared import shared
from tests.staff import a_machine, an_actor
from tests.support.console import an_agent

REFUSED = (NotNow, StaffOnly, BadProposal, PlanChanged, ValidationError)
DAY = timedelta(days=1)
LATER = 200 * DAY
WAYS = ("draft_contract", "draft_campaign", "change_draft", "put_in_force", "shorten", "set_consideration", "add_rule",
        "link", "endpoints", "add_party", "change_party", "publish", "suspend", "terminate", "propose", "withdraw",
        "decline", "agree", "discard", "register_machine", "propose_key", "propose_certificate", "disable_machine",
        "unbind_machine", "register_agent", "propose_agent", "suspend_agent", "loosen_anomalies")  # fmt: skip
# Acts by their verbs. Those with a way are tried; of each other it is said why alone it opens nothing.
TRIED = {
    "partners.draft_contract", "partners.draft_campaign", "partners.change_draft", "partners.discard_draft",
    "partners.put_in_force", "partners.shorten_term", "partners.set_consideration", "partners.add_rule",
    "partners.link", "partners.set_endpoints", "partners.add_party", "partners.change_party",
    "partners.propose_notice", "partners.propose", "partners.withdraw", "partners.decline", "partners.mark_agreed",
    "partners.register_machine", "partners.propose_key", "partners.propose_certificate", "partners.disable_machine",
    "partners.unbind_machine", "partners.register_agent", "partners.propose_agent", "partners.suspend_agent",
    "partners.suspend", "console.put_in_force", "console.set_consideration", "console.add_rule", "console.link",
    "console.agree_to_proposal", "console.discard_draft", "consent.terminate", "disclosures.change_anomaly_rule",
}  # fmt: skip
OTHERS = {
    **dict.fromkeys(
        ("partners.register_client", "partners.bind_client", "partners.restore_key", "partners.disable_client"),
        "the operator's, from the shell: an incident opens, and the database refuses them without it",
    ),
    **dict.fromkeys(
        ("revocations.enable_stream", "revocations.pause_stream", "revocations.recover_since",
         "revocations.resend_newest", "revocations.resend_for_case"),
        "sends what stands, and changes nothing of it",
    ),
    **dict.fromkeys(
        ("console.view_difference", "console.view_order", "console.view_incident_rows", "console.export_incident_rows",
         "console.export_trail", "console.export_incident", "disclosures.record_export", "accounts.view_separation",
         "disclosures.view_order_reach"),
        "looks",
    ),
    **dict.fromkeys(
        ("console.assign_incident", "console.close_incident", "console.do_duty", "console.note_incident",
         "console.report_incident", "console.add_agreement", "audit.close_incident", "audit.acknowledge_incident",
         "audit.complete_duty", "audit.report_incident", "audit.record", "audit.record_for_lines"),
        "writes down",
    ),
    **dict.fromkeys(
        ("disclosures.view_delayed_orders", "disclosures.delay_notice", "disclosures.lift_notice",
         "console.do_hidden_duty"),
        "the legal-process role's, under an order of court",
    ),
    **dict.fromkeys(
        ("partners.end_open", "partners.note_on", "partners.officer", "support.record_case_act"),
        "no act of its own: by these acts are checked, written down and taken off a list",
    ),
    **dict.fromkeys(("support.reveal", "support.agree_to_reveal"), "shows; a protected line takes two"),
    **dict.fromkeys(
        ("support.escalate", "support.move_case", "support.set_priority", "support.request_suspension",
         "support.ask_for_evidence", "support.resend_orders", "support.export_case"),
        "moves a case, asks, or sends what stands",
    ),
    **dict.fromkeys(("support.decide_request", "support.protect", "support.stop_for_person"), "tightens"),
    "support.propose_end_of_protection": "proposes; another agrees (END_PROTECTION)",
    "consent.record_file_choices": "the import's own work, of files of stops alone or agreed by two",
    "console.upload_file": "is tried by itself and taken back", "console.discard_file": "deletes a file not imported",
    "console.import_file": "a file that loosens takes another officer (IMPORT_FILE); the database refuses it otherwise",
    **dict.fromkeys(
        ("console.preview_document", "console.make_document", "console.open_document"), "shows records and signs a copy"
    ),
    "revocations.set_status": "the partner's own word about its stream",
    "accounts.close_separation": "says that a line has left, and allows nothing",
    "console.mark_test_line": "a line of ours", "console.end_test_line": "a line of ours",
    "console.propose_termination": "proposes what tightens", "consent.stop": "tightens",
}  # fmt: skip
# What the doors of staff call without a reason.
WITHOUT_REASON = {
    **dict.fromkeys(
        ("console.find_time_fault", "partners.check_addresses", "partners.check_text", "partners.find_recipient_fault",
         "partners.find_start_fault", "partners.find_website_fault", "partners.keys_fault", "support.may_open_again",
         "support.take_reply"),
        "checks what was typed",
    ),
    **dict.fromkeys(
        ("accounts.record_view", "console.add_note", "console.note_visit", "support.choose_notifications",
         "support.add_note", "support.begin_reply", "support.keep_draft", "support.remove_file", "support.remove_view",
         "support.rename_view", "support.retire_reply", "support.save_view", "support.undo_answer",
         "support.undo_reply", "support.write_reply"),
        "writes down, for staff alone",
    ),
    **dict.fromkeys(
        ("console.export_rejects", "console.search", "support.export_complaints", "support.export_list",
         "support.export_figures", "support.open_file", "support.preview_reply", "support.record_search",
         "support.search", "support.search_replies", "support.see_case", "support.see_handling", "support.see_ticket",
         "support.see_thread"),
        "looks",
    ),
    **dict.fromkeys(
        ("support.assign", "support.claim", "support.claim_next", "support.hand_over", "support.merge", "support.send"),
        "moves a case, or answers it",
    ),
    "support.text_code_for_stop": "texts the phone",
    **dict.fromkeys(
        ("support.add_message", "support.open_case", "support.rate_answer", "support.withdraw_dispute"),
        "the person's own",
    ),
}  # fmt: skip
VERB = re.compile(r"\w+\.actions(\.\w+)?\.[a-z]\w*")
DOOR_OF_STAFF = re.compile(r"(console|support)\.(views|forms)\.")
acts = st.lists(st.tuples(st.sampled_from(WAYS), st.integers(0, 11), st.integers(0, 11)), min_size=1, max_size=8)


class Scene:
    """Every kind of no, each one step away from a yes, and one officer."""

    def __init__(self) -> None:
        self.now = database_clock()
        self.officer = an_actor()
        self.lines = [a_line(), a_line(state="MD"), a_line(state="WA")]
        service = a_party("RoadAid", "lbs_provider")
        good = a_contract(
            jwks_uri="https://geobridge.example/jwks.json", endpoint_url="https://geobridge.example/events",
            hosts=["calls.geobridge.example"],
        )  # fmt: skip
        ended = a_contract(a_party("Gone"), ends_at=self.now - DAY)
        ending = a_contract(a_party("Going"), ends_at=self.now + 20 * DAY)
        draft = a_contract(a_party("New"), is_draft=True, jwks_uri="https://new.example/jwks.json")
        other = a_party("Tow", "lbs_provider", jwks_uri="https://tow.example/jwks.json")
        self.draft = a_contract(
            good.aggregator, is_draft=True, jwks_uri="https://a.example/jwks.json", endpoint_url="https://a.example/",
            hosts=["a.example"],
        )  # fmt: skip
        self.campaigns = [
            a_campaign(good, service, consideration="none"),
            a_campaign(good, service, purpose=ADS, consideration="monetary"),
            a_campaign(good, other, consideration="other", starts_at=self.now - 2 * DAY, ends_at=self.now - DAY),
            a_campaign(good, other, purpose=FRAUD, is_draft=True, consideration="none"),
            a_campaign(good, other, starts_at=self.now + 100 * DAY, consideration="none"),
            a_campaign(ended, service, consideration="none"),
            a_campaign(ending, service, consideration="none"),
            a_campaign(draft, service, consideration="none"),
            a_campaign(good, a_party("Held", "lbs_provider"), consideration="none"),
            a_campaign(good, a_party("Claim", "lbs_provider"), consideration="none"),
            a_campaign(good, a_party("Secure", "lbs_provider"), consideration="none", names_recipient=True),
        ]
        self.named = [a_party("Bail", "end_customer"), a_party("Jail", "end_customer")]
        for party in self.named:
            Reach.objects.create(campaign=self.campaigns[10], party=party)
        for line in self.lines:
            for campaign in (*self.campaigns[:9], self.campaigns[10]):
                an_approval(line, campaign)
            an_approval(line, self.campaigns[9], verified_by="partner")
        suspend(
            of="party", target_id=self.campaigns[8].lbs_provider_id, actor=self.officer, reason="Due",
            at=self.now - DAY,
        )  # fmt: skip
        for uri in (service.uri, self.named[0].uri):
            choices.stop(line_id=self.lines[2].pk, scope="party", ref=uri, actor="subscriber:1", channel="web")
        # Of machines and agents each may ask with the key that two let in; the officer has one of their own.
        self.key, theirs = (Signer(name).public for name in ("officer", "gateway"))
        self.machine = a_machine("gateway", "gateway", public_jwk=theirs)
        self.agent = an_agent(self.officer, at=self.now)

    def refused(self) -> set[tuple[int, int, str]]:
        """Every (line, campaign, when or for whom) to which the answer is no, by the gate now, by the ledger later."""
        found = set()
        for line in self.lines:
            asked = [_asked(line, one, self.now + LATER) for one in self.campaigns]
            for campaign, later in zip(self.campaigns, answers_at(asked=asked), strict=True):
                if later != "permitted":
                    found.add((line.pk, campaign.pk, "later"))
                if reason_against(line_id=line.pk, campaign=Campaign.objects.get(pk=campaign.pk)):
                    found.add((line.pk, campaign.pk, "now"))
        return found | self.refused_by_name()

    def let_in(self) -> set[tuple[str, int, str]]:
        """Every machine and agent that may ask, with the key by which it is known."""
        machines = Client.objects.filter(disabled_at=None)
        agents = AuthorizedAgent.objects.filter(ended_at=None)
        return {("machine", one.number, thumbprint_of(machine=one)) for one in machines} | {
            ("agent", one.number, f"{one.name} {one.hosts} {bytes(one.verify_key).hex()}") for one in agents
        }

    def addresses(self) -> dict[tuple[str, str], set[str]]:
        """Where each company's keys are, and where it is spoken to or may have it, as far as anything says so."""
        found = dict[tuple[str, str], set[str]]()
        for party in Party.objects.all():
            events = events_address_of(party_id=party.pk)
            contracts = Contract.objects.filter(aggregator=party, is_draft=False)
            found["keys", party.uri] = {jwks_uri_of(party=party)} - {""}
            hosts = {host for one in contracts for host in one.hosts}
            found["spoken to", party.uri] = {one.endpoint_url or events for one in contracts} - {""} | hosts
        return {what: where for what, where in found.items() if where}

    def refused_by_name(self) -> set[tuple[int, int, str]]:
        """The same of the campaign whose requests name their recipient, for companies known and not."""
        campaign = self.campaigns[10]
        uris = [one.uri for one in self.named] + [f"https://p{n}.example" for n in range(12)]
        asked = [(line, uri) for line in self.lines for uri in uris]
        answers = deciding.evaluate(
            questions=[as_agreed(campaign=campaign, line=line.carrier_id, recipient=uri) for line, uri in asked]
        )
        return {
            (line.pk, campaign.pk, uri)
            for (line, uri), answer in zip(asked, answers, strict=True)
            if not answer.allowed
        }

    def do(self, way: str, n: int, m: int) -> None:
        """One act, on targets picked by two numbers. What does not fit is refused, and that is all right."""
        campaign = self.campaigns[n % len(self.campaigns)]
        by: dict[str, Any] = {"reason": "Due", "actor": self.officer, "at": self.now}
        row: Contract | Campaign = campaign if m % 2 else self.draft if n == len(self.campaigns) else campaign.contract
        on: dict[str, Any] = {"of": "campaign" if m % 2 else "contract", "target_id": row.pk}
        try:
            with transaction.atomic():
                _ways(self, campaign, row, on, by, m)[way]()
        except REFUSED:
            pass


def _asked(line: Line, campaign: Campaign, at: datetime) -> PermissionQuestion:
    parties = (campaign.contract.aggregator.uri, campaign.lbs_provider.uri)
    return PermissionQuestion(
        line.pk, campaign.ref, parties, campaign.purpose, campaign.scope, campaign.precision_m, at, at
    )


def _ways(
    scene: Scene, campaign: Campaign, row: Contract | Campaign, on: Mapping[str, Any], by: Mapping[str, Any], m: int
) -> dict[str, Callable[[], object]]:
    far, now = FAR_OFF + 300 * DAY, scene.now
    agreement = ContractTerms(LONG_AGO, LONG_AGO, far, (ROADSIDE, ADS, FRAUD), jwks_uri="https://new.example/jwks")
    use = CampaignTerms(
        campaign.lbs_provider.uri, ROADSIDE, "other", "sms", READ, 5, LONG_AGO, far, consideration="none"
    )
    elsewhere: dict[str, Any] = {
        "endpoint_url": "https://a.example/", "jwks_uri": "https://a.example/jwks.json", "hosts": ("a.example",),
    }  # fmt: skip
    nowhere: dict[str, Any] = {"endpoint_url": "", "jwks_uri": "", "hosts": ()}
    uris = [one.lbs_provider.uri for one in scene.campaigns] + [one.contract.aggregator.uri for one in scene.campaigns]
    rules = list(JurisdictionRule.objects.order_by("pk"))
    party = campaign.contract.aggregator if m % 2 else campaign.lbs_provider
    proposed: dict[str, tuple[str, int, dict[str, Any]]] = {
        "extend_term": (on["of"], row.pk, {"ends_at": far.isoformat()}),
        "relax_rule": ("rule", rules[m % len(rules)].pk, {"ends_at": LONG_AGO.isoformat()}),
        "paid_for_less": ("campaign", campaign.pk, {"consideration": "none"}),
        "lift_suspension": ("party", campaign.lbs_provider_id, {}),
        "terminate": (on["of"], row.pk, {}),
        "set_endpoints": ("contract", campaign.contract_id, elsewhere),
        "move_keys": ("party", party.pk, {"jwks_uri": f"{party.uri}/{m}.json"}),
    }
    act = list(proposed)[m % len(proposed)]
    of, target, payload = proposed[act]
    waiting = list(Proposal.objects.order_by("proposed_at", "id"))
    chosen = waiting[m % len(waiting)].id if waiting else scene.lines[0].public_id
    number: dict[str, Any] = {"number": (machine := list(Client.objects.order_by("number"))[-(m % 2)]).number, **by}
    agent = scene.agent
    loose: dict[str, Any] = {"threshold": 90, "window": 5, "suspend_after_days": None, "enabled": False}
    return {
        "discard": lambda: discard_draft(**on, **by),
        "register_machine": lambda: clients.register_machine(
            client_id=f"m{m}", kind="gateway", public_jwk=scene.key, party="", **by
        ),
        "propose_key": lambda: clients.propose_key(public_jwk=scene.key, was=thumbprint_of(machine=machine), **number),
        "propose_certificate": lambda: clients.propose_certificate(certificate="", **number),
        "disable_machine": lambda: clients.disable_machine(**number),
        "unbind_machine": lambda: clients.unbind_machine(**number),
        "register_agent": lambda: authorized.register_agent(
            agent_id=f"A{m}", name="A", key=base64.b64encode(agent.verify_key).decode(), hosts=[], **by
        ),
        "propose_agent": lambda: authorized.propose_agent(
            number=agent.number, name="Mine", key=base64.b64encode(agent.verify_key).decode(), hosts=[], **by
        ),
        "suspend_agent": lambda: authorized.suspend_agent(number=agent.number, **by),
        "loosen_anomalies": lambda: disclosures.actions.change_anomaly_rule(kind="burst", **loose, **by),
        "draft_contract": lambda: drafts.draft_contract(ref=f"N{m}", aggregator=party.uri, terms=agreement, **by),
        "draft_campaign": lambda: drafts.draft_campaign(ref=f"N{m}", contract=campaign.contract.ref, terms=use, **by),
        "change_draft": lambda: drafts.change_draft(**on, terms=use if m % 2 else agreement, **by),
        "put_in_force": lambda: put_in_force(**on, **by),
        "shorten": lambda: terms_actions.shorten_term(**on, ends_at=[far, now, now + DAY, LONG_AGO][m % 4], **by),
        "set_consideration": lambda: terms_actions.set_consideration(
            campaign_id=campaign.pk, consideration=["none", "other", "monetary", ""][m % 4], **by
        ),
        "add_rule": lambda: terms_actions.add_rule(
            terms=RuleTerms(
                state=["MD", "WA"][m % 2], starts_at=now + m * DAY, purposes=(ADS,), sale_test=True, source="test"
            ),
            **by,
        ),
        "link": lambda: terms.link(of="party", ref=party.uri, kin_ref=uris[m % len(uris)], link="same_as", **by),
        "endpoints": lambda: terms_actions.set_endpoints(
            contract_id=campaign.contract_id, **[elsewhere, {**elsewhere, "jwks_uri": ""}, nowhere][m % 3], **by
        ),
        "add_party": lambda: parties.add_party(uri=f"https://p{m}.example", name="P", kind="lbs_provider", **by),
        "change_party": lambda: parties.change_party(
            party_id=party.pk, name="Q", website="", about="", jwks_uri=f"{party.uri}/{m}.json" if m % 3 else "", **by
        ),
        "publish": lambda: notices.propose_notice(use="stop", language="en", body=f"Words {m}", starts_at=now, **by),
        "suspend": lambda: suspend(**on, **by),
        "terminate": lambda: terminate(**on, plan_digest=termination.plan(**on, at=now).digest, **by),
        "propose": lambda: proposals.propose(act=act, of=of, target_id=target, payload=payload, **by),
        "withdraw": lambda: proposals.withdraw(proposal_id=chosen, **by),
        "decline": lambda: proposals.decline(proposal_id=chosen, **by),
        "agree": lambda: proposals_actions.agree_to_proposal(proposal_id=chosen, **by),
    }


@dataclass(frozen=True)
class Before:
    """The scene, made once, and all that one officer alone must not change in it."""

    scene: Scene
    refused: set[tuple[int, int, str]]
    let_in: set[tuple[str, int, str]]
    addresses: dict[tuple[str, str], set[str]]
    wordings: int


@pytest.fixture(scope="module")
def before(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Before]:
    def build() -> Before:
        scene = Scene()
        return Before(scene, scene.refused(), scene.let_in(), scene.addresses(), NoticeText.objects.count())

    yield from shared(django_db_blocker, build)


@pytest.mark.usefixtures("no_broker")
@pytest.mark.django_db
@stories(40)
@given(plan=acts)
@example(plan=[("propose", 6, 0), ("agree", 0, 0)])
@example(plan=[("add_party", 0, 7)])
@example(plan=[("put_in_force", 3, 1), ("put_in_force", 7, 0), ("put_in_force", 7, 1)])
@example(plan=[("register_machine", 0, 1), ("agree", 0, 0), ("agree", 0, 1)])
@example(
    plan=[("propose_key", 0, 0), ("agree", 0, 0), ("disable_machine", 0, 0), ("propose_key", 0, 0), ("agree", 0, 0)]
)
@example(plan=[("register_agent", 0, 1), ("propose_agent", 0, 0), ("agree", 0, 0), ("agree", 0, 1)])
@example(plan=[("shorten", 6, 0), ("set_consideration", 1, 0), ("propose", 8, 2), ("agree", 0, 0)])
@example(plan=[("endpoints", 0, 0), ("agree", 0, 0), ("endpoints", 0, 2), ("agree", 0, 0)])
@example(
    plan=[("change_party", 0, 1), ("agree", 0, 0), ("change_party", 2, 2), ("change_party", 2, 0), ("agree", 0, 1)]
)
@example(plan=[("put_in_force", 11, 0), ("shorten", 0, 2), ("put_in_force", 11, 0)])
@example(plan=[("propose", 0, 5), ("agree", 0, 0), ("propose", 2, 6), ("agree", 0, 0)])
@example(plan=[("publish", 0, 0), ("agree", 0, 0), ("agree", 0, 1)])
def test_no_acts_of_one_officer_make_a_no_a_yes(before: Before, plan: list[tuple[str, int, int]]) -> None:
    with undone():
        scene = deepcopy(before.scene)
        for act in plan:
            scene.do(*act)
        assert before.refused - scene.refused() == set()
        assert scene.let_in() - before.let_in == set()
        assert NoticeText.objects.count() == before.wordings
        # What was known stays where it was; what was not one officer may write down.
        after = scene.addresses()
        assert before.addresses == {what: after.get(what) for what in before.addresses}


def test_every_act_is_tried_or_said_to_open_nothing() -> None:
    """From the code: whatever is done with a reason, in any module of verbs, or called by a door of staff."""
    verbs = {
        whole: {one.arg for one in (*verb.args.args, *verb.args.kwonlyargs)}
        for whole, verb in graph().items()
        if isinstance(verb, ast.FunctionDef) and VERB.fullmatch(whole)
    }
    with_reason = {whole for whole, taken in verbs.items() if "reason" in taken}
    assert set(map(_short, with_reason)) == TRIED | OTHERS.keys()
    named = {one for door in graph() if DOOR_OF_STAFF.match(door) for one in named_in(door)}
    assert set(map(_short, (named & verbs.keys()) - with_reason)) == WITHOUT_REASON.keys()


def _short(whole: str) -> str:
    return f"{whole.partition('.')[0]}.{whole.rpartition('.')[2]}"


@pytest.mark.usefixtures("no_broker")
@pytest.mark.django_db
def test_the_scene_holds_every_kind_of_no(before: Before) -> None:
    scene, two = deepcopy(before.scene), an_actor()
    reasons = {
        reason_against(line_id=line.pk, campaign=campaign) for line in scene.lines for campaign in scene.campaigns
    }
    assert reasons == {
        "", "jurisdiction_prohibits", "campaign_not_in_force", "contract_not_in_force", "partner_suspended",
        "approval_unverified", "stopped_party",
    }  # fmt: skip
    proposal = proposals.propose(
        act="lift_suspension", of="party", target_id=scene.campaigns[8].lbs_provider_id, payload={}, reason="Due",
        actor=scene.officer, at=scene.now,
    )  # fmt: skip
    proposals_actions.agree_to_proposal(proposal_id=proposal.id, reason="Due", actor=two, at=scene.now)
    assert len(before.refused - scene.refused()) == 6
    assert Suspension.objects.get().lifted_by == proposal
