"""Why a company got the location with no record of consent, as far as anybody knows, and what was done since."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from django.db.models import Subquery
from django.db.models.functions import Coalesce

from audit.models import Incident, IncidentLine
from disclosures.labels import NOT_ALLOWED
from disclosures.models import Anomaly, Disclosure, Judgement
from disclosures.queries.company_cards import CompanyCard
from disclosures.queries.incident_scope import day_key
from disclosures.queries.release_counts import Facts
from disclosures.queries.rules import JUDGED_AS
from disclosures.queries.trails import Parties
from disclosures.queries.visible import visible
from partners.models import Campaign
from revocations.models import EvidenceRequest, StreamEvent

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
    """Look-ups of one company that the person had agreed to by no record of ours, whatever else was wrong with them.

    `partners`: who asked for it, saying that the person had agreed; `contracts`: under which of our contracts; empty
    where they named no use that we had approved. `ungated`: some were released without our gate's permission.
    """

    n: int
    last_at: datetime
    partners: tuple[str, ...]
    contracts: tuple[str, ...]
    ungated: bool
    steps: tuple[Step, ...]

    @property
    def is_claimed(self) -> bool:
        """Whether a partner that was asked for proof says that it has some."""
        return any(one.what == "proof" for one in self.steps)


def explain_no_record(
    *, line_id: int, card: CompanyCard, facts: Sequence[Facts], parties: Parties, at: datetime
) -> NoRecord | None:
    """Explain the look-ups of a card for which nobody has a record of consent; None where there are none.

    Of rows that may be seen alone. Five queries, or none.
    """
    own = _list_unrecorded(facts, card)
    if not own:
        return None
    contracts = dict(Campaign.objects.filter(ref__in={one.campaign for one in own}).values_list("ref", "contract__ref"))
    ungated = _list_ungated(line_id, own, at)
    steps = [
        *_list_noticed(line_id, card.company.uri, own),
        *ungated,
        *_list_questions(line_id, own, contracts, parties),
    ]
    return NoRecord(
        n=sum(one.n for one in own),
        last_at=max(one.last_at for one in own),
        partners=tuple(sorted({parties[one.path[0]].name for one in own})),
        contracts=tuple(sorted(set(contracts.values()))),
        ungated=bool(ungated),
        steps=tuple(sorted(steps, key=lambda one: one.at)),
    )


def _list_unrecorded(facts: Sequence[Facts], card: CompanyCard) -> list[Facts]:
    """The company's own such look-ups; where it has none, those in which it plays a part."""
    agreed = _list_agreed_campaigns(card)
    found = [one for one in facts if _lacks_record(one, agreed)]
    return [one for one in found if one.company == card.company.uri] or found


def _list_agreed_campaigns(card: CompanyCard) -> set[str]:
    return {one.use.campaign for one in card.uses if one.use and one.proof.kind in {"agreed", "allowed"}}


def _lacks_record(look_ups: Facts, agreed: Collection[str]) -> bool:
    if not look_ups.path or look_ups.judgement in NO_RECORD:
        return bool(look_ups.path)
    return look_ups.judgement in NOT_ALLOWED and look_ups.campaign not in agreed


def _list_noticed(line_id: int, uri: str, own: Sequence[Facts]) -> list[Step]:
    """When our own watch over the ledger found it first."""
    judged = {one.judgement for one in own}
    kinds = [kind for kind, judgement in JUDGED_AS.items() if judgement in judged]
    found = Anomaly.objects.filter(line_id=line_id, party=uri, kind__in=kinds, cleared_at=None)
    return [Step("noticed", at) for at in found.order_by("found_at").values_list("found_at", flat=True)[:1]]


def _list_ungated(line_id: int, own: Sequence[Facts], at: datetime) -> list[Step]:
    """The incidents opened because the gateway gave some of the newest of them out without the gate's yes."""
    keys = {
        row.id: day_key(party=row.aggregator, day=f"{row.occurred_at.date()}")
        for row in _list_newest_rows(line_id, own, at)
    }
    opened = Incident.objects.filter(kind=Incident.Kind.UNGATED, key__in=set(keys.values())).in_bulk() if keys else {}
    reached = IncidentLine.objects.filter(incident_id__in=opened, line_id=line_id, disclosure_id__in=keys)
    ids = set(reached.values_list("incident_id", flat=True)) if opened else set()
    return [Step("ungated", opened[pk].opened_at) for pk in sorted(ids)[:1]]


def _list_newest_rows(line_id: int, own: Sequence[Facts], at: datetime) -> list[Disclosure]:
    """Of a long line they are looked for among its newest releases: few as they are, they would be as good as all."""
    paths, campaigns = {one.path for one in own}, {one.campaign for one in own}
    seen = visible(line_id=line_id, at=at)
    older = seen.order_by("-occurred_at").values("occurred_at")[LOOKED_THROUGH : LOOKED_THROUGH + 1]
    newer = Coalesce(Subquery(older), NEVER)
    judged = seen.filter(judgement__in={one.judgement for one in own}, occurred_at__gt=newer)
    rows = judged.filter(path__in=[list(path) for path in paths], campaign__in=campaigns)
    return list(rows.order_by("-occurred_at")[:LOOKED_AT])


def _list_questions(line_id: int, own: Sequence[Facts], known: Collection[str], parties: Parties) -> list[Step]:
    """What their partners were asked to prove about them, and what they answered or let pass.

    `known`: the campaigns that they named and we know.
    """
    through = defaultdict[int, list[Facts]](list)
    for each in own:
        through[parties[each.path[0]].id].append(each)
    asked = list(EvidenceRequest.objects.filter(line_id=line_id, party_id__in=through).order_by("asked_at"))
    events = dict(StreamEvent.objects.filter(jti__in=[one.jti for one in asked]).values_list("jti", "claims"))
    steps = list[Step]()
    for one in asked:
        theirs, recipient = through[one.party_id], events[one.jti]["event"]["recipient"]
        if any(_concerns(each, one.campaign, recipient, known) for each in theirs):
            steps += _list_answers(one, parties[theirs[0].path[0]].name)
    return steps


def _concerns(look_ups: Facts, campaign: str, recipient: str, known: Collection[str]) -> bool:
    """Whether a question is about these look-ups: of their campaign, else of one who had a part in them.

    `known`: the campaigns that we know. A question of one is about a look-up of its company that named none, too.
    """
    if campaign and look_ups.campaign in known:
        return campaign == look_ups.campaign
    return recipient in look_ups.path


def _list_answers(asked: EvidenceRequest, partner: str) -> Iterator[Step]:
    yield Step("asked", asked.asked_at, partner)
    if asked.answered_at:
        proof = asked.answer == EvidenceRequest.Answer.EVIDENCE
        yield Step("proof" if proof else "no_proof", asked.answered_at, partner)
    elif asked.overdue_at:
        yield Step("unanswered", asked.overdue_at, partner)
