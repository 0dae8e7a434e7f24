"""Why a company got the location with no record of consent, as far as anybody knows, and what was done since."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from django.db.models import Subquery
from django.db.models.functions import Coalesce

from audit.models import Incident, IncidentLine
from disclosures.models import Anomaly, AnomalyRule, Judgement
from disclosures.queries.company_cards import CompanyCard
from disclosures.queries.incident_scope import day_key
from disclosures.queries.release_counts import Facts
from disclosures.queries.trails import NamedParty, Parties
from disclosures.queries.visible import visible
from partners.models import Campaign
from revocations.models import EvidenceRequest

NO_RECORD = (Judgement.NO_APPROVAL, Judgement.APPROVAL_UNVERIFIED)
LOOKED_AT = 200
# Of a line's releases; hardly anybody has as many.
LOOKED_THROUGH = 10_000
NEVER = datetime(1970, 1, 1, tzinfo=UTC)

type What = Literal["noticed", "ungated", "asked", "no_proof", "proof", "unanswered"]


@dataclass(frozen=True)
class Step:
    """One thing that was done about it. `party`: the partner that was asked, or answered."""

    what: What
    at: datetime
    party: str = ""


@dataclass(frozen=True)
class NoRecord:
    """Look-ups of one company that the person had agreed to by no record of ours.

    `partners`: who asked for it, saying that the person had agreed; `contracts`: under which of our contracts; empty
    where they named no use that we had approved. `ungated`: some were released without our gate's permission.
    """

    n: int
    last_at: datetime
    partners: tuple[str, ...]
    contracts: tuple[str, ...]
    ungated: bool
    steps: tuple[Step, ...]


def explain_no_record(
    *, line_id: int, card: CompanyCard, facts: Sequence[Facts], parties: Parties, at: datetime
) -> NoRecord | None:
    """Explain the look-ups of a card for which nobody has a record of consent; None where there are none.

    Of rows that may be seen alone. Four queries, or none.
    """
    uri = card.company.uri
    own = _list_unrecorded(facts, uri)
    if not own:
        return None
    partners = {parties[one.path[0]] for one in own}
    ungated = _list_ungated(line_id, uri, at)
    steps = [*_list_noticed(line_id, uri), *ungated, *_list_questions(line_id, partners)]
    return NoRecord(
        n=sum(one.n for one in own),
        last_at=max(one.last_at for one in own),
        partners=tuple(sorted(one.name for one in partners)),
        contracts=_list_contracts({one.campaign for one in own}),
        ungated=bool(ungated),
        steps=tuple(sorted(steps, key=lambda one: one.at)),
    )


def _list_unrecorded(facts: Sequence[Facts], uri: str) -> list[Facts]:
    """The company's own such look-ups; where it has none, those in which it plays a part."""
    found = [one for one in facts if one.path and one.judgement in NO_RECORD]
    return [one for one in found if one.company == uri] or found


def _list_contracts(campaigns: Collection[str]) -> tuple[str, ...]:
    refs = Campaign.objects.filter(ref__in=campaigns).values_list("contract__ref", flat=True)
    return tuple(sorted(set(refs)))


def _list_noticed(line_id: int, uri: str) -> list[Step]:
    """When our own watch over the ledger found it first."""
    kinds = (AnomalyRule.Kind.NO_APPROVAL,)
    found = Anomaly.objects.filter(line_id=line_id, party=uri, kind__in=kinds, cleared_at=None).order_by("found_at")
    return [Step("noticed", at) for at in found.values_list("found_at", flat=True)[:1]]


def _list_ungated(line_id: int, uri: str, at: datetime) -> list[Step]:
    """The incidents opened because the gateway gave some of the newest of them out without the gate's yes.

    Of a long line they are looked for among its newest releases: few as they are, they would be as good as all of it.
    """
    seen = visible(line_id=line_id, at=at)
    older = seen.order_by("-occurred_at").values("occurred_at")[LOOKED_THROUGH : LOOKED_THROUGH + 1]
    newer = Coalesce(Subquery(older), NEVER)
    rows = seen.filter(judgement__in=NO_RECORD, path__contains=[uri], occurred_at__gt=newer)
    newest = rows.order_by("-occurred_at").values_list("id", "aggregator", "occurred_at")[:LOOKED_AT]
    keys = {row_id: day_key(party=aggregator, day=f"{on.date()}") for row_id, aggregator, on in newest}
    opened = Incident.objects.filter(kind=Incident.Kind.UNGATED, key__in=set(keys.values())).in_bulk() if keys else {}
    reached = IncidentLine.objects.filter(incident_id__in=opened, line_id=line_id, disclosure_id__in=keys)
    ids = set(reached.values_list("incident_id", flat=True)) if opened else set()
    return [Step("ungated", opened[pk].opened_at) for pk in sorted(ids)[:1]]


def _list_questions(line_id: int, partners: Collection[NamedParty]) -> list[Step]:
    """What these partners were asked to prove about the line, and what they answered or let pass."""
    names = {one.id: one.name for one in partners}
    steps = list[Step]()
    for one in EvidenceRequest.objects.filter(line_id=line_id, party_id__in=names).order_by("asked_at"):
        name = names[one.party_id]
        steps.append(Step("asked", one.asked_at, name))
        if one.answered_at:
            steps.append(
                Step("no_proof" if one.answer == EvidenceRequest.Answer.NONE else "proof", one.answered_at, name)
            )
        elif one.overdue_at:
            steps.append(Step("unanswered", one.overdue_at, name))
    return steps
