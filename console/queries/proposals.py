"""Read proposals as the officer who must agree reads them, and the suspensions that agents ask for.

A request for a suspension names no person: its case does.
"""

import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.utils.dateparse import parse_datetime

from consent.queries import termination
from console.queries.dry_runs import count_in_words, read_dry_run
from console.queries.notices import NoticePreview, get_proposed_notice
from disclosures.models import AnomalyRule, Upload
from disclosures.queries.rules import describe_proposed_rule, finds
from partners.domain import keysets
from partners.labels import party_name, sanitise_text
from partners.models import AuthorizedAgent, Campaign, Client, Party, Proposal, Suspension
from partners.policies import loosening
from partners.policies.identifiers import SCOPES
from partners.policies.lifecycle import NotNow, running
from partners.policies.loosening import (
    OPEN_FOR,
    BadProposal,
    LetAgentAsk,
    LetMachineIn,
    LoosenAnomalies,
    MoveKeys,
    SetEndpoints,
    is_expired,
)
from partners.primitives import tokens
from partners.queries import key_of, thumbprint_of
from revocations.models import Cohort
from support.models import SuspendRequest
from support.queries import names
from support.queries.visible import HiddenCases, find_hidden_cases

# What happens where the act and its target say it all.
LIFTED = "{name} will be answered again, as its contracts and people's choices allow, immediately."
UNPROTECTED = (
    "One day after a second officer agrees, a single staff member will be able to see whose line this is, with a"
    " reason."
)
OF_AN_OLDER_RELEASE = "It was proposed before the last upgrade. Propose it again."
BY_NAME: Mapping[str, str] = {Proposal.Act.LIFT_SUSPENSION: LIFTED, Proposal.Act.END_PROTECTION: UNPROTECTED}


@dataclass(frozen=True)
class OpenProposal:
    """A proposal that waits, and who made it. `changes`: what, in words, unless many are listed."""

    proposal: Proposal
    who: str
    changes: str = ""


@dataclass(frozen=True)
class LiftedSuspension:
    """A suspension that a yes would end, and who suspended."""

    suspension: Suspension
    who: str


@dataclass(frozen=True)
class ProposalPage:
    """A proposal. `mine`: the reader proposed it. `expired`: too old to be agreed to. `changes`: what, in words.

    While it waits, it also has what a yes would do now: `lifted`, every suspension that would end, and `plan`, what a
    termination would end. `notice`: a wording, beside the one before it. `ended`:
    what agreeing to a termination brought about.
    """

    proposal: Proposal
    target: names.NamedTarget
    title: str
    changes: str
    proposed_by: str
    decided_by: str
    mine: bool
    expired: bool
    counts_until: datetime
    lifted: Sequence[LiftedSuspension] = ()
    plan: termination.Plan | None = None
    notice: NoticePreview | None = None
    ended: Cohort | None = None

    @property
    def waits(self) -> bool:
        """Whether another officer may still decide it."""
        return not self.proposal.decision and not self.expired


def waiting(*, at: datetime) -> Q:
    """Those that wait for a second officer. One that is too old waits for nobody: it is proposed again, or not."""
    return Q(decision="", proposed_at__gt=at - OPEN_FOR)


def list_open_proposals(*, of: str, target_id: int, at: datetime, reader: str = "") -> list[OpenProposal]:
    """Return the proposals about one thing that wait for a second officer, the oldest first, and what each changes.

    `reader`: their actor's name, where what it changes is not told to everybody.
    """
    found = _load_open_proposals(Proposal.objects.filter(waiting(at=at), of=of, target_id=target_id))
    if not found:
        return []
    target = names.targets(wanted={(of, target_id)})[of, target_id]
    return [replace(one, changes=_describe(one.proposal, target, reader)) for one in found]


def list_newest_proposals(*, of: str, target_ids: Collection[int], at: datetime) -> Mapping[int, OpenProposal]:
    """For each of these things the newest proposal about it that waits for a second officer. Two statements at most."""
    found = _load_open_proposals(Proposal.objects.filter(waiting(at=at), of=of, target_id__in=target_ids))
    return {one.proposal.target_id: one for one in found}


def _load_open_proposals(rows: QuerySet[Proposal]) -> list[OpenProposal]:
    found = list(rows.order_by("proposed_at", "of", "target_id"))
    who = names.actors(wanted={one.proposed_by for one in found})
    return [OpenProposal(one, who[one.proposed_by]) for one in found]


def proposal_page(*, proposal_id: uuid.UUID, reader: str, at: datetime) -> ProposalPage | None:
    """Return the proposal as this officer (their actor's name) reads it; None where there is none."""
    one = Proposal.objects.filter(pk=proposal_id).first()
    if one is None:
        return None
    target = names.targets(wanted={(one.of, one.target_id)})[one.of, one.target_id]
    held = _would_be_lifted(one, at)
    who = names.actors(
        wanted={actor for actor in (one.proposed_by, one.decided_by, *(each.actor for each in held)) if actor}
    )
    return ProposalPage(
        proposal=one,
        target=target,
        title=f"{one.get_act_display()}: {target.name}",
        changes=_describe(one, target, reader),
        proposed_by=who[one.proposed_by],
        decided_by=who.get(one.decided_by, ""),
        mine=one.proposed_by == reader,
        expired=is_expired(proposal=one, at=at),
        counts_until=one.proposed_at + OPEN_FOR,
        lifted=[LiftedSuspension(each, who[each.actor]) for each in held],
        plan=_plan(one, at),
        notice=get_proposed_notice(proposal=one),
        ended=_find_termination(one),
    )


def _find_termination(one: Proposal) -> Cohort | None:
    if one.act != Proposal.Act.TERMINATE or one.decision != Proposal.Decision.AGREED:
        return None
    return Cohort.objects.filter(of=one.of, target_id=one.target_id).first()


def _would_be_lifted(one: Proposal, at: datetime) -> list[Suspension]:
    """Return what ran when it was proposed and runs still, the newest first: exactly what `lift` ends."""
    if one.decision or one.act != Proposal.Act.LIFT_SUSPENSION:
        return []
    return list(running(at=at).filter(of=one.of, target_id=one.target_id, starts_at__lte=one.proposed_at))


def _plan(one: Proposal, at: datetime) -> termination.Plan | None:
    if one.decision or one.act != Proposal.Act.TERMINATE:
        return None
    try:
        return termination.plan(of=one.of, target_id=one.target_id, at=at)
    except NotNow:
        return None


def _describe(one: Proposal, target: names.NamedTarget, reader: str) -> str:
    return _import(one, reader) if one.act == Proposal.Act.IMPORT_FILE else _changes(one, target)


def _changes(one: Proposal, target: names.NamedTarget) -> str:
    said = one.payload
    name = target.name
    if one.act in BY_NAME:
        return BY_NAME[one.act].format(name=name)
    match one.act:
        case Proposal.Act.EXTEND_TERM:
            return f"{name} will end on {_day(said.get('ends_at'))} instead of {_day(said.get('was'))}."
        case Proposal.Act.RELAX_RULE:
            return f"The rule {name} will end on {_day(said.get('ends_at'))}{_waits(one)}."
        case Proposal.Act.PAID_FOR_LESS:
            word = dict(Campaign.Consideration.choices).get(said.get("consideration"), "")
            return f"The payment for {name} will be recorded as: {word}. State rules on sales use this."
        case _ if one.act in BY_VALUES:
            try:
                return BY_VALUES[one.act](one)
            except BadProposal:
                return OF_AN_OLDER_RELEASE
        case _:
            return f"{name} will be terminated permanently."


def _machine(one: Proposal) -> str:
    values = loosening.read(act=one.act, of=one.of, payload=one.payload)
    machine = Client.objects.select_related("party").filter(number=one.target_id).first()
    if machine is None or not isinstance(values, LetMachineIn):
        return "There is no such API client."
    whose = f"{machine.get_kind_display()} of {machine.party or 'the carrier'}"
    key, certificate = tokens.thumbprint(dict(values.public_jwk)), values.certificate or "no certificate"
    now = "It can't sign in now" if machine.disabled_at else "It can sign in now"
    return (
        f"{machine.client_id} ({whose}) will be able to sign in immediately for"
        f" {', '.join(sorted(SCOPES[machine.kind]))}, with the key {key}, bound to {certificate}. {now}; its key is "
        f"{thumbprint_of(machine=machine)}, bound to {machine.certificate_sha256 or 'no certificate'}."
    )


def _agent(one: Proposal) -> str:
    values = loosening.read(act=one.act, of=one.of, payload=one.payload)
    agent = AuthorizedAgent.objects.filter(number=one.target_id).first()
    if agent is None or not isinstance(values, LetAgentAsk):
        return "There is no such agent."
    hosts = ", ".join(values.hosts) or "none"
    now = "It can't send requests now" if agent.ended_at else "It can send requests now"
    return (
        f"{agent.pk} will be able to send requests immediately, under the name "
        f"{sanitise_text(values.name, at_most=200)}, with the key {values.key} and callback hosts: {hosts}. "
        f"{now}, under the name {sanitise_text(agent.name, at_most=200)}, "
        f"with the key {key_of(agent=agent)} and callback hosts: {', '.join(agent.hosts) or 'none'}."
    )


def _endpoints(one: Proposal) -> str:
    wanted = loosening.read(act=one.act, of=one.of, payload=one.payload)
    if not isinstance(wanted, SetEndpoints):
        return "There is no such contract."
    was, changes = wanted.was, list[str]()
    if wanted.endpoint_url != was.endpoint_url:
        changes.append(f"Events will go to {_place(wanted.endpoint_url)} instead of {_place(was.endpoint_url)}.")
    if wanted.jwks_uri != was.jwks_uri:
        changes.append(_keys_at(wanted.jwks_uri, was.jwks_uri))
    if wanted.hosts != was.hosts:
        changes.append(f"Other allowed hosts will be {_hosts(wanted.hosts)} instead of {_hosts(was.hosts)}.")
    return " ".join(changes)


def _keys(one: Proposal) -> str:
    wanted = loosening.read(act=one.act, of=one.of, payload=one.payload)
    if not isinstance(wanted, MoveKeys):
        return "There is no such company."
    return _keys_at(keysets.jwks_uri_of(party=Party(pk=one.target_id, jwks_uri=wanted.jwks_uri)), wanted.was)


def _keys_at(becomes: str, was: str) -> str:
    at = f"The key address will be {_place(becomes)} instead of {_place(was)}."
    return f"{at} Anyone who holds a key there can sign stop receipts in its name."


def _place(url: str) -> str:
    return sanitise_text(url) or "no address"


def _hosts(hosts: Sequence[str]) -> str:
    return ", ".join(hosts) or "none"


def _looser(one: Proposal) -> str:
    rule = AnomalyRule.objects.filter(pk=one.target_id).first()
    values = loosening.read(act=one.act, of=one.of, payload=one.payload)
    if rule is None or not isinstance(values, LoosenAnomalies):
        return "There is no such rule."
    then = describe_proposed_rule(after=rule, values=values)
    return f"Now: {finds(rule=rule)}. {then} This proposal lapses if the rule is changed first."


def _notice(one: Proposal) -> str:
    said = get_proposed_notice(proposal=one)
    if said is None:
        return "There is no such notice."
    return f"People will read the wording below from {said.starts_at:%-d %b %Y}{_waits(one)}."


def _waits(one: Proposal) -> str:
    """Of what has its day, but is agreed first."""
    return ", or from the agreement if that came later" if one.decision else ", but not before a second officer agrees"


def _import(one: Proposal, reader: str) -> str:
    """What a file would bring, by the dry run as it was seen; and, where it was agreed here, what the import did."""
    upload = Upload.objects.filter(pk=one.target_id).first()
    if upload is None:
        return "There is no such file."
    rows = "1 row" if upload.total == 1 else f"{upload.total:,} rows"
    dry_run = read_dry_run(upload=upload, reader=reader)
    found = f" Its dry run {dry_run.in_words}." if dry_run else ""
    if upload.agreed_by_id == one.pk:
        return f"A file with {rows} {_has_become(upload, found)}"
    if one.decision:
        return f"A file with {rows} was to be imported.{found}"
    return f"A file with {rows} will be imported.{found}"


def _has_become(upload: Upload, found: str) -> str:
    did = count_in_words(accepted=upload.accepted, repeated=upload.repeated, rejected=upload.rejected)
    if upload.state == Upload.State.IMPORTED:
        return f"was imported.{found} The import {did}."
    if upload.state == Upload.State.FAILED:
        return f"was to be imported.{found} The import failed after it {did}."
    return f"is being imported.{found}"


# What happens, where that is a comparison of what the proposal holds with what is so now.
BY_VALUES: Mapping[str, Callable[[Proposal], str]] = {
    Proposal.Act.ENABLE_MACHINE: _machine,
    Proposal.Act.LOOSEN_ANOMALIES: _looser,
    Proposal.Act.LET_AGENT_ASK: _agent,
    Proposal.Act.SET_ENDPOINTS: _endpoints,
    Proposal.Act.MOVE_KEYS: _keys,
    Proposal.Act.PUBLISH_NOTICE: _notice,
}


def _day(text: object) -> str:
    found = parse_datetime(text) if isinstance(text, str) else None
    return f"{found:%-d %b %Y}" if found else "?"


SHOWN = 50


@dataclass(frozen=True)
class Request:
    """One of them, with the company's name and who asked and decided ("" where nobody did)."""

    row: SuspendRequest
    name: str
    who: str
    decided_by: str


def list_suspension_requests(*, at: datetime) -> tuple[Sequence[Request], Sequence[Request]]:
    """Return what waits, the oldest first; what was decided, the newest first."""
    rows = find_hidden_cases(at=at).visible_requests().select_related("ticket")
    waiting = _build_requests(list(rows.filter(decision="").order_by("asked_at", "id")[:SHOWN]))
    return waiting, _build_requests(list(rows.exclude(decision="").order_by("-decided_at", "-id")[:SHOWN]))


def list_waiting_requests(*, rows: int, hidden: HiddenCases) -> Sequence[Request]:
    """Return the oldest that wait, for the dashboard, without who asked. One statement."""
    party = Party.objects.filter(pk=OuterRef("party_id"))
    waiting = (
        hidden.visible_requests()
        .select_related("ticket")
        .filter(decision="")
        .annotate(company=Subquery(party.values("name")[:1]), company_uri=Subquery(party.values("uri")[:1]))
    )
    return [
        Request(row, party_name(vars(row)["company"], vars(row)["company_uri"]), "", "")
        for row in waiting.order_by("asked_at", "id")[:rows]
    ]


def request_of(*, request_id: int, at: datetime) -> Request | None:
    """Return one of them; None where there is none of that id."""
    row = find_hidden_cases(at=at).visible_requests().select_related("ticket").filter(pk=request_id).first()
    return _build_requests([row])[0] if row else None


def _build_requests(rows: Sequence[SuspendRequest]) -> list[Request]:
    if not rows:
        return []
    parties = Party.objects.in_bulk({row.party_id for row in rows})
    who = names.actors(wanted={one for row in rows for one in (row.asked_by, row.decided_by) if one})
    return [
        Request(
            row,
            party_name(parties[row.party_id].name, parties[row.party_id].uri),
            who[row.asked_by],
            who.get(row.decided_by, ""),
        )
        for row in rows
    ]
