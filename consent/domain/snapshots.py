"""How lines stand, and their locks: what is still allowed under each agreement, in the words of an order's `state`."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

from django.db import DEFAULT_DB_ALIAS, connection
from django.db.models import prefetch_related_objects
from msgspec.structs import replace

from accounts.models import Line
from consent.gate import deciding
from consent.gate.shapes import WIDEST_M, Answer, Question, as_agreed
from partners.models import Campaign, Contract, Party
from revocations.domain.wire import StateEntry, stamp

type States = Mapping[int, list[StateEntry]]

AFFECTED = """
SELECT asked.n - 1, consent_affected(asked.line_id, asked.scope, asked.ref)
FROM unnest(%s::bigint[], %s::text[], %s::text[]) WITH ORDINALITY AS asked (line_id, scope, ref, n)
WHERE consent_may_affect(asked.line_id)
"""
# The same of one line, with what is on record for it, while many people stop.
READ_LINE = """
SELECT line.carrier_id, ARRAY(SELECT jsonb_object_keys(gate.approvals)),
    ARRAY(SELECT consent_affected(gate.line_id, %s, %s)),
    EXISTS (SELECT FROM consent_choice chosen WHERE chosen.line_id = gate.line_id AND chosen.origin = 'person'),
    EXISTS (SELECT FROM consent_notice WHERE digest = %s),
    ARRAY(SELECT id FROM accounts_line next WHERE next.continues_line_id = gate.line_id ORDER BY id)
FROM consent_linegate gate JOIN accounts_line line ON line.id = gate.line_id WHERE gate.line_id = %s
"""
ON_RECORD = """
SELECT gate.line_id, line.carrier_id, ARRAY(SELECT jsonb_object_keys(gate.approvals))
FROM consent_linegate gate JOIN accounts_line line ON line.id = gate.line_id
WHERE gate.line_id = ANY (%s)
"""
# Of each use what the gate is asked and what an order says. A stop asks this under load: Django would take several
# times as long to make the statement out of objects as PostgreSQL to answer it.
CAMPAIGN = ("id", "ref", "contract_id", "lbs_provider_id", "purpose", "scope", "precision_m", "names_recipient")
CONTRACT = ("id", "ref", "aggregator_id", "complete_within_days", "epoch")
PARTY = ("id", "uri")
AGREED = """
SELECT used.id, used.ref, used.contract_id, used.lbs_provider_id, used.purpose, used.scope, used.precision_m,
    used.names_recipient,
    agreed.id, agreed.ref, agreed.aggregator_id, agreed.complete_within_days, agreed.epoch,
    aggregator.id, aggregator.uri, provider.id, provider.uri
FROM partners_campaign used JOIN partners_contract agreed ON agreed.id = used.contract_id
    JOIN partners_party aggregator ON aggregator.id = agreed.aggregator_id
    JOIN partners_party provider ON provider.id = used.lbs_provider_id
WHERE used.contract_id = ANY (%s) AND used.ref = ANY (%s) ORDER BY used.ref
"""

# A change or an end waits, and then finds what was agreed to meanwhile. Contracts first, as everywhere.
TERMS = """
SELECT FROM partners_contract WHERE id IN (SELECT contract_id FROM partners_campaign WHERE ref = ANY (%(refs)s::text[]))
    ORDER BY id FOR SHARE;
SELECT FROM partners_campaign WHERE ref = ANY (%(refs)s::text[]) ORDER BY ref FOR SHARE
"""


def lock_line(*, line_id: int) -> datetime:
    """Lock the line's gate row until the transaction ends. Returns the moment of a choice made now."""
    return lock_lines(line_ids=[line_id])[line_id]


def lock_lines(*, line_ids: Collection[int]) -> dict[int, datetime]:
    """Lock the gate rows of these lines, always in the same order. Returns the moment of a choice made now, by line."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, consent_lock_line(id) FROM unnest(%s::bigint[]) WITH ORDINALITY AS l (id, n) ORDER BY n",
            [sorted(line_ids)],
        )
        return dict(cursor.fetchall())


def lock_terms(*, campaigns: Collection[str]) -> None:
    """Let nobody change or end these campaigns, or their contracts, until this transaction ends.

    Any that there isn't yet is left out.
    """
    with connection.cursor() as cursor:
        cursor.execute(TERMS, {"refs": sorted({ref for ref in campaigns if ref})})


@dataclass(frozen=True)
class LineOnRecord:
    """What a no meets: the agreements it affects, the campaigns agreed to, and whether a person ever chose before.

    `keeps_notice`: whether what was read before it is kept already. `continued_by`: the lines that continue this one.
    """

    line_id: int
    carrier_id: str
    agreed_to: frozenset[str]
    contract_ids: Sequence[int]
    has_chosen: bool
    keeps_notice: bool
    continued_by: Sequence[int]


def read_line(*, line_id: int, scope: str, ref: str, notice: str = "") -> LineOnRecord:
    """Read what a no of this scope meets on a line, in one statement. Call with the line locked.

    `notice`: the digest of what was read before, if anything was.
    """
    with connection.cursor() as cursor:
        cursor.execute(READ_LINE, [scope, ref, notice, line_id])
        ((carrier_id, agreed_to, contract_ids, *others),) = cursor.fetchall()
    return LineOnRecord(line_id, carrier_id, frozenset(agreed_to), sorted(contract_ids), *others)


def affected_contracts(*, line_id: int, scope: str, ref: str) -> list[int]:
    """List the agreements whose partner a stop of this scope concerns (SQL function `consent_affected`)."""
    (contract_ids,) = affected_by_each(nos=[(line_id, scope, ref)])
    return contract_ids


def affected_by_each(*, nos: Sequence[tuple[int, str, str]]) -> list[list[int]]:
    """List the affected agreements of many stops at once, in order. `nos`: line, scope and what it names."""
    found: list[list[int]] = [[] for _ in nos]
    if nos:
        with connection.cursor() as cursor:
            cursor.execute(AFFECTED, [list(column) for column in zip(*nos, strict=True)])
            for n, contract_id in cursor.fetchall():
                found[n].append(contract_id)
    return [sorted(contract_ids) for contract_ids in found]


@dataclass(frozen=True)
class Uses:
    """Every use on record of one line under some agreements, and what the gate is asked about each.

    `asked`: each campaign as agreed (""), then again for each recipient that its requests may name.
    """

    contract_ids: Sequence[int]
    asked: Sequence[tuple[Campaign, str]]
    questions: Sequence[Question]


def get_uses(*, line: LineOnRecord) -> Uses:
    """Read the uses on record for a line under the affected agreements.

    A no changes none of it: only what the gate says to it.
    """
    campaigns = _list_agreed_campaigns(line.contract_ids, sorted(line.agreed_to))
    _prefetch_covers(campaigns)
    return _uses(line.contract_ids, line.carrier_id, campaigns)


def uses_of_each(*, contract_ids: Mapping[int, Sequence[int]]) -> dict[int, Uses]:
    """Read what is on record for many lines, each under its own agreements. `contract_ids`: by line."""
    on_record = _get_agreed_campaigns(contract_ids)
    agreed_to = set[str]().union(*(refs for _, refs in on_record.values()))
    campaigns = _list_agreed_campaigns(
        sorted({pk for theirs in contract_ids.values() for pk in theirs}), sorted(agreed_to)
    )
    _prefetch_covers(campaigns)
    return {
        line_id: _uses(
            theirs,
            on_record[line_id][0],
            [one for one in campaigns if one.contract_id in theirs and one.ref in on_record[line_id][1]],
        )
        for line_id, theirs in contract_ids.items()
    }


def _get_agreed_campaigns(line_ids: Iterable[int]) -> dict[int, tuple[str, set[str]]]:
    """By line: the carrier's id of it, and the campaigns agreed to."""
    with connection.cursor() as cursor:
        cursor.execute(ON_RECORD, [list(line_ids)])
        return {line_id: (carrier_id, set(agreed_to)) for line_id, carrier_id, agreed_to in cursor.fetchall()}


def _prefetch_covers(campaigns: Sequence[Campaign]) -> None:
    prefetch_related_objects([campaign for campaign in campaigns if campaign.names_recipient], "cover")


def _uses(contract_ids: Sequence[int], carrier_id: str, campaigns: Sequence[Campaign]) -> Uses:
    asked = [(campaign, "") for campaign in campaigns]
    asked += [(campaign, recipient) for campaign, _ in asked for recipient in _recipients(campaign)]
    questions = [as_agreed(campaign=campaign, line=carrier_id, recipient=recipient) for campaign, recipient in asked]
    return Uses(contract_ids, asked, questions)


def _list_agreed_campaigns(contract_ids: Sequence[int], refs: Sequence[str]) -> list[Campaign]:
    """These campaigns under these agreements, each with its agreement, aggregator and provider."""
    if not contract_ids or not refs:
        return []
    with connection.cursor() as cursor:
        cursor.execute(AGREED, [list(contract_ids), list(refs)])
        return [_campaign(row) for row in cursor.fetchall()]


def _campaign(row: Sequence[object]) -> Campaign:
    of_contract, of_parties = len(CAMPAIGN), len(CAMPAIGN) + len(CONTRACT)
    campaign = Campaign.from_db(DEFAULT_DB_ALIAS, CAMPAIGN, row[:of_contract])
    campaign.contract = Contract.from_db(DEFAULT_DB_ALIAS, CONTRACT, row[of_contract:of_parties])
    campaign.contract.aggregator = Party.from_db(DEFAULT_DB_ALIAS, PARTY, row[of_parties:][: len(PARTY)])
    campaign.lbs_provider = Party.from_db(DEFAULT_DB_ALIAS, PARTY, row[of_parties:][len(PARTY) :])
    return campaign


def list_states(*, line_id: int, contract_ids: Sequence[int]) -> States:
    """Return, by agreement, every use the gate allows now, as `[{"scopes","purpose","recipient","status", ...}]`.

    `expires_at`: when the approval ends by itself. `except`: recipients stopped of a campaign that names its recipient.
    """
    return states_of(uses=uses_of_each(contract_ids={line_id: contract_ids})[line_id])


def states_of(*, uses: Uses) -> States:
    """Return the states of uses that were looked up before."""
    return _states(uses, deciding.evaluate(questions=uses.questions))


def states_of_each(*, uses: Mapping[int, Uses]) -> dict[int, States]:
    """Return the states of many lines, from one statement and so of one moment. By line."""
    answers = iter(deciding.evaluate(questions=[question for one in uses.values() for question in one.questions]))
    return {line_id: _states(one, islice(answers, len(one.questions))) for line_id, one in uses.items()}


def _allowed_use(known: "_Use | None", answer: Answer) -> "_Use":
    return _Use(answer.expires_at) if known is None else known.or_(answer.expires_at)


def _states(uses: Uses, answers: Iterable[Answer]) -> States:
    found: dict[int, dict[tuple[str, str, str], _Use]] = defaultdict(dict)
    for (campaign, recipient), answer in zip(uses.asked, answers, strict=True):
        place = (campaign.scope, campaign.purpose, campaign.lbs_provider.uri)
        known = found[campaign.contract_id].get(place)
        if recipient and known is not None and not answer.allowed:
            known.denied.add(recipient)
        elif answer.allowed and not recipient:
            found[campaign.contract_id][place] = _allowed_use(known, answer)
    return {contract_id: _entries(found.get(contract_id, {})) for contract_id in uses.contract_ids}


@dataclass
class _Use:
    """A use that is allowed: until when (None: without end), and which named recipients are not."""

    ends_at: datetime | None
    denied: set[str] = field(default_factory=set)

    def or_(self, other: datetime | None) -> "_Use":
        """Join the same use by another campaign: the later end counts."""
        return _Use(None if self.ends_at is None or other is None else max(self.ends_at, other), self.denied)


def _recipients(campaign: Campaign) -> list[str]:
    """Who may be asked for by name, where this campaign's requests name their recipient."""
    if not campaign.names_recipient:
        return []
    return [uri for uri in campaign.cover.parties if uri not in campaign.cover.named_parties]


def _entries(uses: Mapping[tuple[str, str, str], _Use]) -> list[StateEntry]:
    return [
        {
            "scopes": [scope],
            "purpose": purpose,
            "recipient": recipient,
            "status": "granted",
            **({"expires_at": stamp(at=use.ends_at)} if use.ends_at else {}),
            **({"except": sorted(use.denied)} if use.denied else {}),
        }
        for (scope, purpose, recipient), use in sorted(uses.items(), key=lambda item: item[0])
    ]


def covered_scopes(*, contract_ids: Iterable[int], scope: str, ref: str) -> Mapping[int, list[str]]:
    """Return, by agreement, what a stop of this scope puts duties on, as "all" or "<purpose> <recipient URI>"."""
    return covered_scopes_of_each(named={(scope, ref): contract_ids})[scope, ref]


def covered_scopes_of_each(
    *, named: Mapping[tuple[str, str], Iterable[int]]
) -> dict[tuple[str, str], Mapping[int, list[str]]]:
    """Return the same of many stops at once. `named`: the agreements, by scope and what it names."""
    asked = {pk for (scope, _), theirs in named.items() if scope != "all" for pk in theirs}
    campaigns = _list_campaigns_under(asked) if asked else {}
    return {
        (scope, ref): {
            pk: ["all"] if scope == "all" else _scopes_under(campaigns.get(pk, ()), scope, ref) for pk in theirs
        }
        for (scope, ref), theirs in named.items()
    }


def _list_campaigns_under(contract_ids: Collection[int]) -> Mapping[int, list[Campaign]]:
    found: dict[int, list[Campaign]] = defaultdict(list)
    campaigns = Campaign.objects.filter(contract_id__in=contract_ids)
    for campaign in campaigns.select_related("cover", "lbs_provider", "contract__aggregator"):
        found[campaign.contract_id].append(campaign)
    return found


def _scopes_under(campaigns: Sequence[Campaign], scope: str, ref: str) -> list[str]:
    covered = [campaign for campaign in campaigns if covers(campaign=campaign, scope=scope, ref=ref)]
    if scope == "party" and any(campaign.contract.aggregator.uri == ref for campaign in covered):
        return ["all"]
    if covered:
        return sorted({_scope_of(campaign, scope, ref) for campaign in covered})
    # Known from releases alone: the party is named, the purpose is not.
    return _scopes_by_name(scope, ref)


def _scopes_by_name(scope: str, ref: str) -> list[str]:
    return [f" {ref}"] if scope == "party" else ["all"]


def _scope_of(campaign: Campaign, scope: str, ref: str) -> str:
    named = campaign.names_recipient and scope == "party" and ref not in campaign.cover.named_parties
    return f" {ref}" if named else f"{campaign.purpose} {campaign.lbs_provider.uri}"


def covers(*, campaign: Campaign, scope: str, ref: str) -> bool:
    """Return whether a no of this scope covers a campaign."""
    match scope:
        case "all":
            return True
        case "party":
            return ref in campaign.cover.parties
        case "purpose":
            return ref in campaign.cover.purposes
        case _:
            return ref in campaign.cover.campaigns


def reason_against(*, line_id: int, campaign: Campaign) -> str:
    """Say why the gate says no to this campaign, however wide the circle; "" where it says yes."""
    carrier_id = Line.objects.values_list("carrier_id", flat=True).get(pk=line_id)
    (answer,) = deciding.evaluate(questions=[as_agreed(campaign=campaign, line=carrier_id, precision_m=WIDEST_M)])
    return answer.reason


def list_allowed_campaigns(*, line_ids: Collection[int]) -> dict[int, dict[str, int]]:
    """Return the campaigns to which the gate says yes now, by their id, and the finest precision. By line."""
    uses = uses_of_each(contract_ids=_list_agreements(line_ids))
    questions = [replace(question, precision_m=WIDEST_M) for one in uses.values() for question in one.questions]
    answers = iter(deciding.evaluate(questions=questions))
    return {line_id: _allowed_of(one, islice(answers, len(one.questions))) for line_id, one in uses.items()}


def _list_agreements(line_ids: Collection[int]) -> dict[int, list[int]]:
    """The agreements of the campaigns that each of these lines agreed to, by line."""
    agreed_to = _get_agreed_campaigns(line_ids)
    refs = set[str]().union(*(theirs for _, theirs in agreed_to.values()))
    contract_of = dict(Campaign.objects.filter(ref__in=refs).values_list("ref", "contract_id"))
    return {
        line_id: sorted({contract_of[ref] for ref in theirs & contract_of.keys()})
        for line_id, (_, theirs) in agreed_to.items()
    }


def _allowed_of(uses: Uses, answers: Iterable[Answer]) -> dict[str, int]:
    return {
        campaign.ref: answer.max_precision_m
        for (campaign, recipient), answer in zip(uses.asked, answers, strict=True)
        if answer.allowed and not recipient
    }
