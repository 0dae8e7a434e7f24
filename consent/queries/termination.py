"""Read what the end of a contract or campaign touches: for officers before they agree, for a line afterwards.

For officers it is counted in whole sets, in a fixed number of statements, whatever the number of lines. For one line it
is read from the end itself, with no row for each line.
"""

import hashlib
import json
import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from django.db import connection

from partners.labels import UNKNOWN, party_name, precision_in_words, purpose_in_words, sanitise_text
from partners.models import Campaign, Contract, Party, Reach
from partners.policies.lifecycle import NotNow
from revocations.models import BY_TERM, Cohort
from revocations.queries.coverage import NOBODY, Coverage, coverage_of_ends

RECENT = timedelta(days=30)
# People go on choosing while an officer reads: so much more or less, of lines, is still what was agreed to.
FEW = 50
PART = 0.05

# Who is affected, as `consent_affected` says it of one line: an approval or claim, an allow, a release of basis
# approval, an unfinished order. `provider` NULL: any company through the aggregator; `contract` NULL: no orders.
COUNTED = """
SELECT count(*), count(*) FILTER (WHERE approvals), count(*) FILTER (WHERE allows), count(*) FILTER (WHERE dealings),
    count(*) FILTER (WHERE orders)
FROM (
    SELECT line_id, bool_or(source = 1) AS approvals, bool_or(source = 2) AS allows, bool_or(source = 3) AS dealings,
        bool_or(source = 4) AS orders
    FROM (
        SELECT line_id, 1 AS source FROM consent_approval WHERE campaign = ANY (%(refs)s)
        UNION ALL
        SELECT line_id, 2 FROM consent_choice WHERE kind = 'allow' AND ref = ANY (%(refs)s)
        UNION ALL
        SELECT line_id, 3 FROM partners_dealing
        WHERE aggregator_id = %(aggregator)s AND (%(provider)s::bigint IS NULL OR party_id = %(provider)s)
        UNION ALL
        SELECT line_id, 4 FROM revocations_order
        WHERE contract_id = %(contract)s AND state NOT IN ('completed', 'superseded')
    ) one
    GROUP BY line_id
) line
"""
# The same lines in the order of their ids: each source gives its next ones by its own index, and the next of all are
# among them.
NEXT = """
SELECT line_id FROM (
    (SELECT DISTINCT line_id FROM consent_approval
        WHERE campaign = ANY (%(refs)s) AND line_id > %(after)s ORDER BY line_id LIMIT %(limit)s)
    UNION
    (SELECT DISTINCT line_id FROM consent_choice
        WHERE kind = 'allow' AND ref = ANY (%(refs)s) AND line_id > %(after)s ORDER BY line_id LIMIT %(limit)s)
    UNION
    (SELECT DISTINCT line_id FROM partners_dealing
        WHERE aggregator_id = %(aggregator)s AND (%(provider)s::bigint IS NULL OR party_id = %(provider)s)
            AND line_id > %(after)s ORDER BY line_id LIMIT %(limit)s)
    UNION
    (SELECT DISTINCT line_id FROM revocations_order
        WHERE contract_id = %(contract)s AND state NOT IN ('completed', 'superseded') AND line_id > %(after)s
        ORDER BY line_id LIMIT %(limit)s)
) one ORDER BY line_id LIMIT %(limit)s
"""
AGREED = """
SELECT wanted.ref, (SELECT count(*) FROM (
    (SELECT line_id FROM consent_approval
        WHERE campaign = wanted.ref AND verified_by = 'carrier' AND (expires_at IS NULL OR expires_at > %(at)s)
        LIMIT %(rows)s)
    UNION
    (SELECT line_id FROM consent_choice
        WHERE kind = 'allow' AND ref = wanted.ref AND (until IS NULL OR until > %(at)s) LIMIT %(rows)s)
) AS yes)
FROM unnest(%(refs)s::text[]) AS wanted (ref)
"""
# Whatever anybody received through an aggregator, it received itself.
RECEIVED = """
SELECT party_id, count(*) FROM partners_dealing
WHERE aggregator_id = %(aggregator)s AND party_id = ANY (array_remove(%(providers)s::bigint[], %(aggregator)s))
    AND last_at >= %(since)s
GROUP BY party_id
UNION ALL
SELECT aggregator_id, count(DISTINCT line_id) FROM partners_dealing
WHERE aggregator_id = %(aggregator)s AND %(aggregator)s = ANY (%(providers)s) AND last_at >= %(since)s
GROUP BY aggregator_id
"""
ORDERS = """
SELECT count(*) FILTER (WHERE next_attempt_at IS NOT NULL), count(*) FILTER (WHERE complete_by IS NOT NULL)
FROM revocations_order WHERE contract_id = %(contract)s AND state NOT IN ('completed', 'superseded')
"""


@dataclass(frozen=True)
class Selection:
    """Whose lines: the campaigns that end, behind which aggregator, and to which provider, where it is one campaign.

    An aggregator that is the provider itself received whatever anybody received through it: `provider` is None.
    """

    refs: Sequence[str]
    aggregator: int
    provider: int | None
    contract: int | None

    @classmethod
    def of(cls, row: Contract | Campaign) -> "Selection":
        """Select everything under a contract, or what one campaign covers."""
        if isinstance(row, Campaign):
            aggregator = row.contract.aggregator_id
            provider = None if row.lbs_provider_id == aggregator else row.lbs_provider_id
            return cls([row.ref], aggregator, provider, None)
        refs = Campaign.objects.filter(contract=row).order_by("ref").values_list("ref", flat=True)
        return cls(list(refs), row.aggregator_id, None, row.pk)


@dataclass(frozen=True)
class Ending:
    """One campaign that ends: whose, what for, for how many lines.

    `agreed`: lines with a yes that has not run out (a stop may stand against it). `recent`: lines whose location the
    company received through this aggregator in the last 30 days. `lifeline`: medical or roadside help.
    """

    ref: str
    company: str
    why: str
    what: str
    precision: str
    lifeline: bool
    agreed: int
    recent: int


@dataclass(frozen=True)
class Plan:
    """What ends, and for whom. `lines` in all; `approvals`, `allows`, `dealings`, `orders`: by what they are affected.

    `campaigns`: those in their term. Of what is over already the data is deleted as well, and nobody loses anything.
    `open_orders` are still to be taken by the partner, `receipts_owed` still to be signed. `below`: companies behind
    the partner that must delete as well. `digest` stands for all of it: `consent.actions.lines` asks for it.
    """

    of: str
    ref: str
    company: str
    epoch: int
    lines: int
    approvals: int
    allows: int
    dealings: int
    orders: int
    campaigns: tuple[Ending, ...]
    open_orders: int
    receipts_owed: int
    below: tuple[str, ...]
    delete_within_days: int
    digest: str

    @property
    def lifelines(self) -> tuple[Ending, ...]:
        """Medical and roadside help that ends."""
        return tuple(one for one in self.campaigns if one.lifeline)

    @property
    def lifeline_lines(self) -> int:
        """For how many lines such help ends, a line counted once for each campaign."""
        return sum(one.agreed for one in self.lifelines)

    @property
    def recent(self) -> tuple[Ending, ...]:
        """The campaigns with look-ups in the last 30 days."""
        return tuple(one for one in self.campaigns if one.recent)

    def as_json(self) -> dict[str, Any]:
        """Return the plan as a Cohort keeps it."""
        kept: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return kept

    def is_what_was_seen(self, digest: str) -> bool:
        """Return whether an earlier plan's digest is still true: the same things end, for about as many lines."""
        try:
            facts, lines, lifeline = digest.split(".")
            before = (int(lines), int(lifeline))
        except ValueError:
            return False
        now = (self.lines, self.lifeline_lines)
        return facts == self.digest.partition(".")[0] and all(
            abs(new - old) <= max(FEW, PART * old) for new, old in zip(now, before, strict=True)
        )


def target(*, of: str, target_id: int) -> Contract | Campaign:
    """Return the contract or campaign that is to end. Raises NotNow where there is none."""
    row: Contract | Campaign | None = None
    if of == "contract":
        row = Contract.objects.select_related("aggregator").filter(pk=target_id).first()
    elif of == "campaign":
        campaigns = Campaign.objects.select_related("contract__aggregator", "lbs_provider")
        row = campaigns.filter(pk=target_id).first()
    if row is None:
        raise NotNow(f"There is no such {of}.")
    return row


def plan(*, of: str, target_id: int, at: datetime) -> Plan:
    """Count what an officer sees before agreeing that a contract or campaign ends. Fifteen statements.

    Raises NotNow.
    """
    row = target(of=of, target_id=target_id)
    contract = row.contract if isinstance(row, Campaign) else row
    selection = Selection.of(row)
    under = Campaign.objects.filter(ref__in=selection.refs).select_related("lbs_provider", "contract")
    campaigns = [one for one in under.order_by("-lifeline", "ref") if _runs(one, at)]
    lines, approvals, allows, dealings, orders = _one(COUNTED, vars(selection))
    agreed = count_agreed(refs=selection.refs, at=at)
    received = _by_key(
        RECEIVED,
        {
            "aggregator": selection.aggregator,
            "providers": [one.lbs_provider_id for one in campaigns],
            "since": at - RECENT,
        },
    )
    open_orders, receipts_owed = _one(ORDERS, {"contract": contract.pk})
    endings = _endings(campaigns, agreed, received)
    lifeline = sum(one.agreed for one in endings if one.lifeline)
    return Plan(
        of=of,
        ref=row.ref,
        company=party_name(contract.aggregator.name, contract.aggregator.uri),
        epoch=contract.epoch + 1,
        lines=lines,
        approvals=approvals,
        allows=allows,
        dealings=dealings,
        orders=orders,
        campaigns=endings,
        open_orders=open_orders,
        receipts_owed=receipts_owed,
        below=tuple(sorted(party_name(one.name, one.uri) for one in list_downstream_parties(row=row))),
        delete_within_days=contract.complete_within_days,
        digest=f"{facts_digest(row=row)}.{lines}.{lifeline}",
    )


def count_agreed(*, refs: Collection[str], at: datetime, rows: int | None = None) -> dict[str, int]:
    """Return for how many lines each of these campaigns has a yes that has not run out. One statement.

    `rows`: no more of each are read, where that is enough to know.
    """
    return _by_key(AGREED, {"refs": list(refs), "at": at, "rows": rows})


def _endings(
    campaigns: Sequence[Campaign], agreed: Mapping[Any, int], received: Mapping[Any, int]
) -> tuple[Ending, ...]:
    return tuple(
        Ending(
            ref=one.ref,
            company=party_name(one.lbs_provider.name, one.lbs_provider.uri),
            why=purpose_in_words(one.purpose),
            what=sanitise_text(one.description),
            precision=precision_in_words(one.precision_m),
            lifeline=one.lifeline,
            agreed=agreed.get(one.ref, 0),
            recent=received.get(one.lbs_provider_id, 0),
        )
        for one in campaigns
    )


def _runs(one: Campaign, at: datetime) -> bool:
    """Whether a campaign has begun and not ended: nobody loses what is over, or has yet to begin."""
    return all(not term.is_draft and term.starts_at <= at < term.ends_at for term in (one, one.contract))


def list_downstream_parties(*, row: Contract | Campaign) -> list[Party]:
    """List the companies known behind the partner: providers and their reach, without the one that nobody can name."""
    campaigns = (
        Campaign.objects.filter(pk=row.pk) if isinstance(row, Campaign) else Campaign.objects.filter(contract=row)
    )
    partner = (row.contract if isinstance(row, Campaign) else row).aggregator_id
    ids = {*campaigns.values_list("lbs_provider_id", flat=True)}
    ids |= {*Reach.objects.filter(campaign__in=campaigns).values_list("party_id", flat=True)}
    return list(Party.objects.filter(pk__in=ids).exclude(pk=partner).exclude(uri=UNKNOWN).order_by("uri"))


def facts_digest(*, row: Contract | Campaign) -> str:
    """Digest what ends, without the counts: the agreement as it stands, its campaigns, the companies behind them."""
    campaigns = (
        Campaign.objects.filter(pk=row.pk) if isinstance(row, Campaign) else Campaign.objects.filter(contract=row)
    )
    facts = [
        row.ref,
        row.ends_at.isoformat(),
        row.contract.epoch if isinstance(row, Campaign) else row.epoch,
        [[ref, lifeline] for ref, lifeline in campaigns.order_by("ref").values_list("ref", "lifeline")],
        [party.uri for party in list_downstream_parties(row=row)],
    ]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:32]


def list_lines_after(*, selection: Selection, after: int, limit: int) -> list[int]:
    """List the next affected lines by their ids, each once; empty at the end."""
    with connection.cursor() as cursor:
        cursor.execute(NEXT, {**vars(selection), "after": after, "limit": limit})
        return [line_id for (line_id,) in cursor.fetchall()]


def _one(statement: str, parameters: Mapping[str, Any]) -> tuple[int, ...]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        (row,) = cursor.fetchall()
    return tuple(row)


def _by_key(statement: str, parameters: Mapping[str, Any]) -> dict[Any, int]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return dict(cursor.fetchall())


State = Literal["owed", "partial", "signed", "contradicted"]

# Whose it was: a yes or a claim under it, or a release through its aggregator (of a campaign: to its provider).
# Signed counts for a line that the partner has a name for: the list is of names.
CONCERNING = """
SELECT c.id, agg.id, agg.uri, agg.name, lbs.id, lbs.uri, lbs.name, c.actor = %(by_term)s,
    c.terminated_at, c.complete_by,
    CASE WHEN NOT named.so THEN '' WHEN c.contradicted_at IS NOT NULL AND c.completed_at IS NULL THEN 'contradicted'
        ELSE told.state END,
    (SELECT max(r.received_at) FROM revocations_cohortreceipt r
        WHERE r.cohort_id = c.id AND r.signer_uri = agg.uri AND r.status = 'completed')
FROM revocations_cohort c
    JOIN partners_party agg ON agg.id = c.party_id
    LEFT JOIN partners_campaign one ON c.of = 'campaign' AND one.id = c.target_id
    LEFT JOIN partners_party lbs ON lbs.id = one.lbs_provider_id
    LEFT JOIN revocations_streamevent told ON told.id = c.event_id
    CROSS JOIN LATERAL (SELECT EXISTS (
        SELECT FROM partners_pairwisesubject s WHERE s.line_id = %(line)s AND s.party_id = c.party_id) AS so) named
WHERE EXISTS (
        SELECT FROM consent_approval a JOIN partners_campaign under ON under.ref = a.campaign
        WHERE a.line_id = %(line)s AND under.contract_id = c.contract_id AND (c.of = 'contract' OR under.id = one.id)
            AND NOT EXISTS (SELECT FROM consent_setaside x WHERE x.line_id = a.line_id AND x.yes_id = a.id))
    OR EXISTS (
        SELECT FROM consent_choice h JOIN partners_campaign under ON under.ref = h.ref
        WHERE h.line_id = %(line)s AND h.kind = 'allow' AND under.contract_id = c.contract_id
            AND (c.of = 'contract' OR under.id = one.id)
            AND NOT EXISTS (SELECT FROM consent_setaside x WHERE x.line_id = h.line_id AND x.yes_id = h.id))
    OR EXISTS (
        SELECT FROM partners_dealing d
        WHERE d.line_id = %(line)s AND d.aggregator_id = c.party_id
            AND (c.of = 'contract' OR one.lbs_provider_id IN (d.party_id, d.aggregator_id)))
ORDER BY c.terminated_at DESC, c.id
"""


@dataclass(frozen=True)
class EndedAgreement:
    """One end, in as many words as are known. `use`: the one company whose use ended, "" where the whole agreement did.

    `by_term`: its term was over; else we ended it.
    `owed`: the partner must still delete; `signed`: it signed that it did, and so did every company below it;
    `partial`: it signed, and somebody's signature, or part of the list, is missing; `contradicted`: it signed and went
    on, with whatever line, and has not signed anew for the whole. `coverage`: who of those that received this line's
    location through it has signed, where it has.
    """

    cohort_id: uuid.UUID
    company: str
    party_id: int
    use: str
    use_id: int
    by_term: bool
    ended_at: datetime
    delete_by: datetime
    state: State
    signed_at: datetime | None
    overdue: bool
    coverage: Coverage = NOBODY

    def concerns(self, *, party_id: int, beside: Collection[int]) -> bool:
        """Return whether it ended for this company too. `beside`: the companies that stand on a path with it."""
        return self.party_id == party_id or (self.use_id or self.party_id) in {party_id, *beside}


def ended_agreements(*, line_id: int, at: datetime) -> tuple[EndedAgreement, ...]:
    """Return every agreement that ended and that concerned this line, the newest end first. Four statements at most."""
    with connection.cursor() as cursor:
        cursor.execute(CONCERNING, {"line": line_id, "by_term": BY_TERM})
        rows = cursor.fetchall()
    ends = [
        EndedAgreement(
            cohort_id=cohort_id,
            company=party_name(name, uri),
            party_id=party_id,
            use=party_name(lbs, lbs_uri) if lbs_uri else "",
            use_id=lbs_id or 0,
            by_term=by_term,
            ended_at=ended_at,
            delete_by=delete_by,
            state=_state(told),
            signed_at=signed_at,
            overdue=delete_by <= at and _state(told) != "signed",
        )
        for cohort_id, party_id, uri, name, lbs_id, lbs_uri, lbs, by_term, ended_at, delete_by, told, signed_at in rows
    ]
    covered = _coverage_behind([one.cohort_id for one in ends if one.state in {"signed", "partial"}], line_id)
    return tuple(_restrict(one, covered.get(one.cohort_id, NOBODY), at) for one in ends)


def _coverage_behind(cohort_ids: Collection[uuid.UUID], line_id: int) -> Mapping[uuid.UUID, Coverage]:
    cohorts = Cohort.objects.filter(pk__in=cohort_ids).defer("plan", "index_token") if cohort_ids else ()
    return coverage_of_ends(cohorts=list(cohorts), line_id=line_id)


def _restrict(one: EndedAgreement, covered: Coverage, at: datetime) -> EndedAgreement:
    """Say no more than who received this line's location has signed."""
    if one.state == "signed" and not covered.whole:
        return replace(one, state="partial", overdue=one.delete_by <= at, coverage=covered)
    return replace(one, coverage=covered)


def _state(told: str | None) -> State:
    match told:
        case "completed":
            return "signed"
        case "partial" | "contradicted":
            return told
        case _:
            return "owed"
