"""Read what a case is about or may stop, as its person's own pages show it; and the documents staff signed.

What an order hides is not there, nor a company that is known by hidden look-ups alone. Whoever isn't legal process sees
no document about what a court's order hides.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from accounts.models import Line
from accounts.primitives.zones import zone_of
from consent.models import Approval, Choice
from consent.queries.approvals import STANDS
from consent.queries.choices import ChoiceRow, choice_of
from disclosures.labels import basis_in_words
from disclosures.models import Basis, DisclosureRegister, Outcome
from disclosures.queries.company import has_company_page
from disclosures.queries.judgement_counts import list_outside_agreements
from disclosures.queries.release_counts import facts_of
from disclosures.queries.trails import Parties, company_of, uris_of
from disclosures.queries.visible import HIDES, visible
from partners.labels import UNKNOWN, party_name, purpose_in_words
from partners.models import Campaign, Party
from revocations.models import Order
from support.models import Document, Ticket
from support.queries.visible import HiddenCases, find_hidden_cases

Kind = Ticket.Kind
LOOK_UP, CHOICE, ORDER, COMPANY = "look_up", "choice", "order", "company"
LARGEST_ID = 2**63 - 1


@dataclass(frozen=True)
class Subject:
    """Something that a case is about. `words`: in the reader's language; `at`: its moment, where it has one.

    `asked_as`: the kind of case it makes. `party_id`: the company that it is, or is about, where that is one.
    """

    kind: str
    ref: str
    words: str
    asked_as: Ticket.Kind
    at: datetime | None = None
    party_id: int | None = None
    company: str = ""
    choice: ChoiceRow | None = None


def get_disputed_choice(*, ticket: Ticket) -> str:
    """Return the id of the choice "I never agreed" that opened a case; "" where none did."""
    kind, _colon, choice_id = ticket.key.partition(":")
    return choice_id if ticket.kind == Kind.DISPUTE and kind == CHOICE else ""


def subject_of(*, line: Line, kind: str, ref: str, at: datetime) -> Subject | None:
    """Return what is asked about, if it is there for whoever sees this line; None for all else, made up or hidden."""
    readers = {LOOK_UP: _look_up, CHOICE: _choice, ORDER: _order, COMPANY: _company}
    return readers[kind](line, ref, at) if kind in readers else None


def _look_up(line: Line, ref: str, at: datetime) -> Subject | None:
    row_id = parse_uuid(text=ref)
    if row_id is None:
        return None
    rows = visible(line_id=line.pk, at=at).filter(id=row_id)
    # With its moment one index entry answers.
    known = DisclosureRegister.objects.filter(id=row_id, line_id=line.pk).first()
    row = (rows.filter(occurred_at=known.occurred_at) if known else rows).first()
    if row is None:
        return None
    uri = company_of(path=row.path)
    name = Parties.read({uri})[uri].name
    if row.basis != Basis.APPROVAL:
        words = basis_in_words(row.basis)
    elif row.outcome == Outcome.REFUSED:
        words = _("%(company)s asked and was refused: %(why)s")
    else:
        words = _("%(company)s looked: %(why)s")
    return Subject(
        LOOK_UP, str(row.id), words % {"company": name, "why": purpose_in_words(row.purpose)}, Kind.LOOK_UP,
        at=row.occurred_at, company=name if row.basis == Basis.APPROVAL else "",
    )  # fmt: skip


def _choice(line: Line, ref: str, at: datetime) -> Subject | None:
    del at
    choice_id = parse_uuid(text=ref)
    found = choice_of(line_ids=[line.pk], choice_id=choice_id) if choice_id else None
    if found is None:
        return None
    return Subject(CHOICE, str(found.id), "", Kind.CHOICE, at=found.made_at, company=found.company, choice=found)


def _order(line: Line, ref: str, at: datetime) -> Subject | None:
    del at
    order_id = parse_uuid(text=ref)
    order = Order.objects.filter(line_id=line.pk, id=order_id).first() if order_id else None
    party = order and Party.objects.filter(pk=order.party_id).first()
    if not order or not party:
        return None
    name = party_name(party.name, party.uri)
    words = _("What %(company)s was told") % {"company": name}
    return Subject(ORDER, str(order.id), words, Kind.ORDER, at=order.queued_at, party_id=party.pk, company=name)


def _company(line: Line, ref: str, at: datetime) -> Subject | None:
    if not (ref.isascii() and ref.isdecimal()) or int(ref) > LARGEST_ID:
        return None
    party = Party.objects.filter(pk=int(ref)).first()
    if party is None or not has_company_page(line=line, party_id=party.pk, zone=zone_of(line.state), at=at):
        return None
    name = party_name(party.name, party.uri)
    return Subject(COMPANY, str(party.pk), name, Kind.OTHER, party_id=party.pk, company=name)


def parse_uuid(*, text: str) -> UUID | None:
    """Return the UUID that a text is. None: it is none."""
    try:
        return UUID(text)
    except ValueError:
        return None


MOST = 200


def stoppable(*, ticket: Ticket, at: datetime) -> Sequence[tuple[str, str]]:
    """("scope ref", words) of each, companies first. Four statements; nothing of a case that is about no line."""
    line = Line.objects.filter(pk=ticket.line_id).first() if ticket.line_id is not None else None
    if line is None:
        return ()
    agreed = Approval.objects.filter(STANDS, line_id=line.pk).values("campaign")
    named = Campaign.objects.filter(ref__in=agreed).select_related("lbs_provider", "contract__aggregator")
    campaigns = named.order_by("ref")[:MOST]
    uris = _find_recipient_uris(line, at) | _companies_of(campaigns)
    parties = Party.objects.filter(uri__in=uris).exclude(uri=UNKNOWN).order_by("name", "uri")[:MOST]
    purposes = {one.purpose: purpose_in_words(one.purpose) for one in campaigns}
    return (
        *((f"{Choice.Scope.PARTY} {one.uri}", party_name(one.name, one.uri)) for one in parties),
        *((f"{Choice.Scope.CAMPAIGN} {one.ref}", _format_campaign(one)) for one in campaigns),
        *((f"{Choice.Scope.PURPOSE} {term}", words) for term, words in purposes.items()),
    )


def _companies_of(campaigns: Iterable[Campaign]) -> set[str]:
    return {uri for one in campaigns for uri in (one.lbs_provider.uri, one.contract.aggregator.uri)}


def _find_recipient_uris(line: Line, at: datetime) -> set[str]:
    """Everybody in look-ups that asked for a yes, and whoever got it without one although they sell look-ups."""
    facts = facts_of(line_id=line.pk, zone=zone_of(line.state), at=at)
    sellers = {one.company for one in list_outside_agreements(facts=facts) if one.doubtful}
    return uris_of(paths=[one.path for one in facts if one.basis == Basis.APPROVAL]) | sellers


def _format_campaign(campaign: Campaign) -> str:
    provider = campaign.lbs_provider
    return f"{party_name(provider.name, provider.uri)}: {purpose_in_words(campaign.purpose)}"


NEWEST = 20
# Documents about a look-up that an order hides; and those about a company whose line has a notice in force.
HIDDEN = """
WITH named AS MATERIALIZED (
    SELECT id, line_id, release_id, company_id FROM support_document WHERE line_id IS NOT NULL
)
SELECT named.id, NULL::bigint AS line_id, NULL::bigint AS company_id
FROM named JOIN disclosures_delayednotice n ON n.line_id = named.line_id AND n.disclosure_id = named.release_id
WHERE <hides> AND NOT EXISTS (
    SELECT FROM disclosures_delayednotice newer
    WHERE newer.line_id = n.line_id AND newer.disclosure_id = n.disclosure_id AND newer.number > n.number)
UNION
SELECT named.id, named.line_id, named.company_id
FROM named JOIN disclosures_delayednotice n ON n.line_id = named.line_id
WHERE named.company_id IS NOT NULL AND <hides>
""".replace("<hides>", HIDES)


def list_documents(*, at: datetime, of_legal: bool = False) -> QuerySet[Document]:
    """Return every document, the newest first, but those about what an order hides now, and those about an order.

    `of_legal`: those about an order, and no others.
    """
    newest = Document.objects.order_by("-made_at")
    if of_legal:
        return newest.filter(kind=Document.Kind.ORDER)
    return newest.exclude(kind=Document.Kind.ORDER).exclude(_is_hidden(find_hidden_cases(at=at), at))


def list_documents_about(*about: str, at: datetime) -> Sequence[Document]:
    """Return the newest documents about any of these things, as a document names them ("party:4")."""
    return list(list_documents(at=at).filter(about__in=about).defer("pdf_sealed")[:NEWEST])


def list_hidden_ids(*, hidden: HiddenCases, at: datetime) -> list[str]:
    """Return the documents that no list has now, by id: what the audit log has of them would tell that there are such.

    Those about an order are legal process's own, and so are its acts on them.
    """
    return [str(pk) for pk in Document.objects.filter(_is_hidden(hidden, at)).values_list("pk", flat=True)]


def _is_hidden(hidden: HiddenCases, at: datetime) -> Q:
    """Of what an order hides, or of a hidden incident or its case."""
    return Q(pk__in=_list_hidden(at)) | hidden.find_targets(field="about", date="made_at")


def _list_hidden(at: datetime) -> list[UUID]:
    """Of a look-up that is hidden, or of a company that its person has no record of while one is."""
    with connection.cursor() as cursor:
        cursor.execute(HIDDEN, {"at": at})
        rows = cursor.fetchall()
    lines = Line.objects.in_bulk([line_id for _, line_id, _ in rows if line_id is not None])
    return [
        pk for pk, line_id, company in rows
        if line_id not in lines or subject_of(line=lines[line_id], kind=COMPANY, ref=str(company), at=at) is None
    ]  # fmt: skip
