"""One case as staff see it: its thread, and beside it what is on record of what it is about.

The person is masked. What a delayed-notice order hides is not there: a look-up that is hidden is one that was never
made. Everything but the ticket itself is read by the line of the ticket alone.
"""

import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.db.models import Prefetch, QuerySet

from accounts.models import Line
from accounts.policies.permissions import StaffAction, staff_may
from accounts.primitives import numbers
from accounts.primitives.reasons import remove_numbers
from accounts.primitives.sealing import unseal_to_show
from accounts.primitives.zones import name_of, zone_of
from accounts.queries import current_number
from audit.models import Incident
from consent.models import Approval, Choice
from consent.queries.approvals import STANDS
from consent.queries.choices import ChoiceRow, choice_of
from consent.queries.progress import list_current_order_ids
from consent.queries.receipts import EvidenceView, evidence_of
from disclosures.labels import describe_outcome, judgement_in_words, tone_of
from disclosures.models import Disclosure
from disclosures.queries.trails import Hop, NamedParty, Parties, company_of, trail, uris_of
from disclosures.queries.visible import visible, with_delay
from partners.labels import party_name, precision_in_words, purpose_in_words, sanitise_text
from partners.models import Campaign, Party
from revocations.models import Order, Standing
from support.models import Attachment, Entry, Reveal, SuspendRequest, Ticket
from support.policies.thread_events import translate_event
from support.queries import companies, names, subjects
from support.queries.mentions import name_mentioned
from support.queries.names import find_officer_mark, is_shown, shown_until, takes_two
from support.queries.pending_tickets import with_merged
from support.queries.timeline import SentPage, list_orders_of_line
from support.queries.titles import TitledCase, title_cases
from support.queries.visible import HiddenCases, find_hidden_cases

PROOFS, EARLIER = 6, 12


@dataclass(frozen=True)
class ThreadEntry:
    """One entry of the thread, with who wrote it as staff name them. `ours`: somebody of staff did.

    `body`: what was written, but a phone number for whoever may see people masked only.
    `opens`: whether the reader may open its files now, and read what they are called. `mentioned`: whom a note
    mentions.
    """

    entry: Entry
    body: str
    who: str
    ours: bool
    opens: bool
    mentioned: str


@dataclass(frozen=True)
class RevealedPerson:
    """Whose case it is, while it is revealed to the reader."""

    number: str
    holder: str
    until: datetime


@dataclass(frozen=True)
class Person:
    """The person as they are masked. `role`: `Line.UserRole`. `seen`: only while revealed to the reader.

    `asked`: the reader's own question to see them, which waits for a second. `waiting`: questions of others that the
    reader may say yes to. `two_needed`: whether a second person is needed at all; `marked`: by an officer's own word.
    `zone`: what people call the one in which their pages tell the time; "" where two are needed, until revealed.
    """

    role: str
    zone: str
    language: str
    ended: bool
    two_needed: bool
    marked: bool
    seen: RevealedPerson | None
    asked: Reveal | None
    waiting: Sequence[Reveal]


@dataclass(frozen=True)
class LookUp:
    """One release or refusal that the case is about. `basis`: `Disclosure.Basis`; `words`: as the person reads it.

    `completed`: the report left out part of the path, and we filled it.
    """

    at: datetime
    company: NamedParty
    trail: tuple[Hop, ...]
    why: str
    precision: str
    basis: str
    words: str
    tone: str
    delayed: bool
    doubtful: bool
    completed: bool


@dataclass(frozen=True)
class Proof:
    """What is on record of the person's own yes. `by_partner`: by the partner's word alone."""

    company: str
    why: str
    method: str
    captured_at: datetime
    captured_by: str
    wording: str
    evidence_ref: str
    expires_at: datetime | None
    by_partner: bool


@dataclass(frozen=True)
class Case:
    """Everything on a case's page. What a case is not about is None or empty. `about`: its subject in words."""

    ticket: Ticket
    title: str
    about: str
    thread: Sequence[ThreadEntry]
    person: Person | None
    look_up: LookUp | None
    choice: ChoiceRow | None
    proofs: Sequence[Proof]
    evidence: Sequence[EvidenceView]
    told: Sequence[SentPage]
    earlier: Sequence[TitledCase]
    incident: Incident | None
    party: Party | None
    company: str
    suspendable: Mapping[int, str]
    requests: Sequence[SuspendRequest]
    assignee: str

    @property
    def partner_due(self) -> datetime | None:
        """By when the first partner that owes its proof is to answer; None: none does."""
        return min((one.due_at for one in self.evidence if one.answered_at is None), default=None)


@dataclass(frozen=True)
class _About:
    """What a ticket is about, by the ids that it holds."""

    look_up: Disclosure | None = None
    choice: ChoiceRow | None = None
    order_ids: frozenset[uuid.UUID] = frozenset()

    @property
    def path(self) -> Sequence[str]:
        """Through whom the look-up went."""
        return self.look_up.path if self.look_up else ()


def case_of(*, ticket: Ticket, reader: str, at: datetime) -> Case:
    """Return a case as `reader` ("agent:7") sees it; as nobody to whom anything is revealed for ""."""
    about = _about(ticket, at)
    parties = _read_parties(about)
    line_id, hidden = ticket.line_id, find_hidden_cases(at=at)
    own, *earlier = title_cases(tickets=[ticket, *_earlier(ticket)], hidden=hidden, at=at)
    party, told = _party(ticket, hidden, at), _list_orders(ticket, about)
    return Case(
        ticket=ticket,
        title=own.title,
        about=own.about,
        thread=_list_thread(ticket, hidden, reader, at),
        person=_person(ticket, line_id, reader, at) if line_id is not None else None,
        look_up=_look_up(about.look_up, parties),
        choice=about.choice,
        proofs=_mask_proofs(_proofs(line_id, _campaigns(about)), reader) if line_id is not None else (),
        evidence=_mask_proofs(_evidence(ticket, at), reader) if about.look_up or about.choice else (),
        told=told,
        earlier=earlier,
        incident=_incident(ticket, hidden),
        party=party,
        company=own.company,
        suspendable=_suspendable(about, parties, party, told),
        requests=list(hidden.visible_requests().filter(ticket=ticket).order_by("asked_at", "id")),
        assignee=names.get_staff_name(user=ticket.assignee) if ticket.assignee else "",
    )


def list_orders_about(*, ticket: Ticket, at: datetime) -> Sequence[SentPage]:
    """Return the orders to partners that a case is about."""
    return _list_orders(ticket, _about(ticket, at))


def list_suspendable(*, ticket: Ticket, at: datetime) -> Mapping[int, str]:
    """Return the companies that an officer could be asked to suspend for a case, by id: all that it names."""
    about, party = _about(ticket, at), _party(ticket, find_hidden_cases(at=at), at)
    return _suspendable(about, _read_parties(about), party, _list_orders(ticket, about))


def find_reveal_to_agree(*, ticket: Ticket, reveal_id: int, user_id: int, at: datetime) -> Reveal | None:
    """Return a colleague's question to see whose case it is, while it waits for somebody else; None for all others."""
    asked = Reveal.objects.filter(ticket=ticket, pk=reveal_id).select_related("user")
    return next(iter(_waiting_for(user_id, list(asked), at)), None)


def _read_parties(about: _About) -> Parties:
    return Parties.read(uris_of(paths=[about.path]) | _company_of_choice(about.choice))


def _list_orders(ticket: Ticket, about: _About) -> Sequence[SentPage]:
    if ticket.line_id is None:
        return ()
    return list_orders_of_line(line_id=ticket.line_id, order_ids=about.order_ids)


def _party(ticket: Ticket, hidden: HiddenCases, at: datetime) -> Party | None:
    return None if ticket.pk in hidden.shared else companies.party_of(ticket=ticket, at=at)


def choice_id_of(*, ticket: Ticket) -> uuid.UUID | None:
    """Return the choice that a ticket is about, if it is about one."""
    kind, _, ref = ticket.key.partition(":")
    choice = ticket.about_ref if ticket.about_kind == "choice" else ref if kind == "choice" else ""
    return subjects.parse_uuid(text=choice)


def evidence_key(*, ticket: Ticket) -> uuid.UUID:
    """Under which id partners are asked for their proof about a case: the choice's that it is about, else its own."""
    return choice_id_of(ticket=ticket) or uuid.uuid5(uuid.NAMESPACE_OID, f"ticket:{ticket.code}")


def look_up_of(*, ticket: Ticket, at: datetime) -> Disclosure | None:
    """Return the look-up that a ticket is about; None also for one that is hidden now."""
    wanted = subjects.parse_uuid(text=ticket.about_ref) if ticket.about_kind == "look_up" else None
    if wanted is None or ticket.line_id is None:
        return None
    return with_delay(rows=visible(line_id=ticket.line_id, at=at), line_id=ticket.line_id).filter(id=wanted).first()


def _about(ticket: Ticket, at: datetime) -> _About:
    line_id, choice_id = ticket.line_id, choice_id_of(ticket=ticket)
    if line_id is None:
        return _About()
    choice = choice_of(line_ids=[line_id], choice_id=choice_id) if choice_id else None
    if choice is not None:
        return _About(
            choice=choice, order_ids=frozenset(list_current_order_ids(line_id=line_id, order_ids=choice.order_ids))
        )
    if (look_up := look_up_of(ticket=ticket, at=at)) is not None:
        partner = Party.objects.filter(uri=look_up.aggregator)
        orders = _standing(line_id).filter(party_id__in=partner.values("pk"))
        return _About(look_up=look_up, order_ids=frozenset(orders.values_list("id", flat=True)))
    if ticket.about_kind == "order" and (order_id := subjects.parse_uuid(text=ticket.about_ref)):
        return _About(order_ids=frozenset({order_id}))
    return _About()


def _standing(line_id: int) -> QuerySet[Order]:
    newest = Standing.objects.filter(line_id=line_id).values("order_id")
    return Order.objects.filter(line_id=line_id, id__in=newest)


def thread_of(*, ticket: Ticket, reader: str, at: datetime) -> list[ThreadEntry]:
    """Return all that was said and done in a case, and in those that were merged into it, the oldest first."""
    return _list_thread(ticket, find_hidden_cases(at=at), reader, at)


def _list_thread(ticket: Ticket, hidden: HiddenCases, reader: str, at: datetime) -> list[ThreadEntry]:
    shown = is_shown(ticket=ticket, reader=reader, at=at)
    mask = _get_mask(reader)
    whole = Entry.objects.filter(ticket__in=with_merged(ticket=ticket))
    said = whole.exclude(hidden.find_entries()).select_related("ticket")
    files = Prefetch("attachments", Attachment.objects.order_by("at", "name", "id"))
    entries = list(said.prefetch_related(files).order_by("at", "id"))
    staff = names.actors(wanted={one.author for one in entries})
    partners = _partners({one.author for one in entries})
    mentioned = name_mentioned(cases={one.ticket.code for one in entries if one.kind == Entry.Kind.NOTE})
    return [
        ThreadEntry(
            entry=one,
            body=_mask_entry(one, mask),
            who=partners.get(one.author, staff[one.author]),
            ours=one.author.partition(":")[0] in names.STAFF,
            opens=shown or one.author == reader,
            mentioned=mentioned.get((one.author, one.at), ""),
        )
        for one in entries
    ]


def _mask_entry(entry: Entry, mask: Callable[[str], str]) -> str:
    """Return what was written, but a phone number for whoever may see people masked only; what happened translated."""
    if entry.kind not in {Entry.Kind.EVENT, Entry.Kind.EVIDENCE}:
        return mask(entry.body)
    # Of a partner's proof each line tells a thing of its own.
    lines = entry.body.split("\n") if entry.kind == Entry.Kind.EVIDENCE else [entry.body]
    return translate_event(body="\n".join(map(mask, lines)))


def _get_mask(reader: str) -> Callable[[str], str]:
    """Return what shows a reader words of others: as they are, or without a phone number to whom nobody is revealed."""
    return str if staff_may(reader.partition(":")[0], StaffAction.REVEAL_PERSON) else remove_numbers


def _mask_proofs[P: (Proof, EvidenceView)](proofs: Sequence[P], reader: str) -> Sequence[P]:
    mask = _get_mask(reader)
    return [replace(one, wording=mask(one.wording), evidence_ref=mask(one.evidence_ref)) for one in proofs]


def _partners(authors: Collection[str]) -> dict[str, str]:
    ids = {int(one.partition(":")[2]) for one in authors if one.startswith("partner:") and one[8:].isdecimal()}
    found = Party.objects.in_bulk(ids)
    return {f"partner:{pk}": party_name(one.name, one.uri) for pk, one in found.items()}


def _person(ticket: Ticket, line_id: int, reader: str, at: datetime) -> Person:
    line = Line.objects.get(pk=line_id)
    role, _colon, number = reader.partition(":")
    # Who was shown them, and has another role now, sees them masked.
    user_id, may_reveal = int(number or 0), staff_may(role, StaffAction.REVEAL_PERSON)
    asks = list(Reveal.objects.filter(ticket=ticket).select_related("user").order_by("-asked_at", "-id")[:50])
    mine = [one for one in asks if one.user_id == user_id]
    two = takes_two(line_id=line_id, at=at)
    until = shown_until(mine=mine, two=two, at=at)
    seen = _get_revealed_person(line, until, at) if until and may_reveal else None
    return Person(
        role=line.user_role,
        zone=_name_zone(line, is_hidden=two and seen is None),
        language=line.language,
        ended=line.deactivated_at is not None and line.deactivated_at <= at,
        two_needed=two,
        marked=find_officer_mark(line_id=line_id) is not None,
        seen=seen,
        asked=_waiting_one(mine, at),
        waiting=_waiting_for(user_id, asks, at),
    )


def _name_zone(line: Line, *, is_hidden: bool) -> str:
    return "" if is_hidden else name_of(zone_of(line.state))


def _waiting_one(mine: Sequence[Reveal], at: datetime) -> Reveal | None:
    return next((one for one in mine if one.is_waiting(at=at)), None)


def _waiting_for(user_id: int, asks: Sequence[Reveal], at: datetime) -> list[Reveal]:
    """Return what colleagues wait for somebody else to agree to."""
    return [one for one in asks if one.user_id != user_id and one.is_waiting(at=at)]


def _get_revealed_person(line: Line, until: datetime, at: datetime) -> RevealedPerson:
    number = current_number(line_id=line.pk, at=at)
    number = numbers.format_phone_number(number) if number else ""
    return RevealedPerson(number, sanitise_text(unseal_to_show(line.holder_name_sealed), at_most=200), until)


def _look_up(row: Disclosure | None, parties: Parties) -> LookUp | None:
    if row is None:
        return None
    return LookUp(
        at=row.occurred_at,
        company=parties[company_of(path=row.path)],
        trail=trail(path=row.path, parties=parties),
        why=purpose_in_words(row.purpose),
        precision=precision_in_words(row.precision_m),
        basis=row.basis,
        words=judgement_in_words(describe_outcome(row)),
        tone=tone_of(describe_outcome(row)),
        delayed=vars(row)["delayed"],
        doubtful=row.basis_doubtful,
        completed=bool(row.path_completed),
    )


def _campaigns(about: _About) -> list[Campaign]:
    """Return whose proof of a yes is looked for: of the look-up's use, or of what the choice is about."""
    rows = Campaign.objects.select_related("lbs_provider")
    if about.look_up is not None:
        return list(rows.filter(ref=about.look_up.campaign)) if about.look_up.campaign else []
    if about.choice is None:
        return []
    by_scope = {
        Choice.Scope.CAMPAIGN: {"ref": about.choice.ref},
        Choice.Scope.PARTY: {"lbs_provider__uri": about.choice.ref},
    }
    wanted = by_scope.get(Choice.Scope(about.choice.scope))
    return list(rows.filter(**wanted).order_by("ref")[:PROOFS]) if wanted else []


def _proofs(line_id: int, campaigns: Sequence[Campaign]) -> list[Proof]:
    if not campaigns:
        return []
    by_ref = {one.ref: one for one in campaigns}
    rows = Approval.objects.filter(STANDS, line_id=line_id, campaign__in=by_ref).order_by(
        "-captured_at", "campaign", "id"
    )[:PROOFS]
    return [
        Proof(
            company=party_name(by_ref[row.campaign].lbs_provider.name, by_ref[row.campaign].lbs_provider.uri),
            why=purpose_in_words(by_ref[row.campaign].purpose),
            method=row.method,
            captured_at=row.captured_at,
            captured_by=sanitise_text(row.captured_by, at_most=120),
            wording=sanitise_text(row.wording),
            evidence_ref=sanitise_text(row.evidence_ref, at_most=200),
            expires_at=row.expires_at,
            by_partner=row.verified_by == Approval.VerifiedBy.PARTNER,
        )
        for row in rows
    ]


def _evidence(ticket: Ticket, at: datetime) -> Sequence[EvidenceView]:
    if ticket.line_id is None:
        return ()
    return evidence_of(line_id=ticket.line_id, choice_id=evidence_key(ticket=ticket), at=at)


def _earlier(ticket: Ticket) -> list[Ticket]:
    if ticket.line_id is None:
        return []
    others = Ticket.objects.filter(line_id=ticket.line_id).exclude(pk=ticket.pk)
    return list(others.order_by("-opened_at", "-pk")[:EARLIER])


def _incident(ticket: Ticket, hidden: HiddenCases) -> Incident | None:
    kind, _, ref = ticket.key.partition(":")
    number = ticket.about_ref if ticket.about_kind == "incident" else ref if kind == "incident" else ""
    return (
        Incident.objects.exclude(pk__in=hidden.incidents).filter(pk=int(number)).first() if number.isdecimal() else None
    )


def _suspendable(about: _About, parties: Parties, party: Party | None, told: Sequence[SentPage]) -> Mapping[int, str]:
    """Everybody known on the path, whom the choice is about, the case's own company, and who was sent orders."""
    uris = list(dict.fromkeys([*about.path, *_company_of_choice(about.choice)]))
    named = {known.id: known.name for known in (parties[uri] for uri in uris) if known.id}
    own = {party.pk: party_name(party.name, party.uri)} if party is not None else {}
    return named | own | {one.party.pk: one.party.name for one in told}


def _company_of_choice(choice: ChoiceRow | None) -> set[str]:
    if choice is None:
        return set()
    if choice.scope == Choice.Scope.PARTY:
        return {choice.ref}
    if choice.scope == Choice.Scope.CAMPAIGN:
        named = Campaign.objects.filter(ref=choice.ref)
        return {uri for pair in named.values_list("lbs_provider__uri", "contract__aggregator__uri") for uri in pair}
    return set()
