"""Whom a stop or pause covers: before it is made, whom it blocks and who is told; after it, what it ended."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from consent.domain import snapshots
from consent.models import Choice
from consent.queries.choices import ChoiceRow
from consent.queries.current_consent import names_of
from consent.queries.current_consent_ledger import MICROSECOND
from consent.queries.current_consent_uses import Sharing, Use
from consent.queries.permission import PermissionQuestion, answers_at
from partners.labels import party_name
from partners.models import Contract

# Scope and ref, as a choice has them.
type Scope = tuple[str, str]


@dataclass(frozen=True)
class Coverage:
    """Whom a stop of one scope would take the location from now, and which partners would be sent it. By name."""

    companies: tuple[str, ...]
    partners: tuple[str, ...]


@dataclass(frozen=True)
class EndedUse:
    """A use that was allowed until a stop or pause. `until`: when that would have ended; None: it had no end.

    `allowed_by`: the id of the choice that allows it again, "" while none does.
    """

    use: Use
    until: datetime | None
    allowed_by: str


def preview_stops(*, line_id: int, standing: Sharing, scopes: Collection[Scope]) -> dict[Scope, Coverage]:
    """Preview what stops of these scopes would do: the gate's own keys say whom they block, the orders' who is told.

    Two queries, whatever their number; one more where a company says for whom it asks.
    """
    asked = list(dict.fromkeys(scopes))
    told = snapshots.affected_by_each(nos=[(line_id, *scope) for scope in asked])
    partners = _name_partners({pk for contract_ids in told for pk in contract_ids})
    recipients = names_of(uris={uri for _, uri in standing.by_recipient})
    return {
        scope: Coverage(
            _sort_names(_list_blocked(standing, scope, recipients)), _sort_names(partners[pk] for pk in contract_ids)
        )
        for scope, contract_ids in zip(asked, told, strict=True)
    }


def _list_blocked(standing: Sharing, scope: Scope, recipients: Mapping[str, str]) -> list[str]:
    """Name who can get the location now, and could not after this stop; a recipient alone where it spares the rest."""
    key = ":".join(part for part in scope if part)
    whole, alone = _list_open(standing.uses, key), _list_open(standing.by_recipient, key)
    return [use.provider_name for use in whole.values()] + [recipients[uri] for ref, uri in alone if ref not in whole]


def _list_open[K](uses: Mapping[K, Use], key: str) -> dict[K, Use]:
    return {which: use for which, use in uses.items() if use.is_open_to(key)}


def list_covered_uses(*, standing: Sharing, scope: Scope) -> list[Use]:
    """List the uses that a stop or pause of this scope covers, by the name of the company.

    A use that it covers only for one recipient is among them, as the gate answers it for that one.
    """
    key = ":".join(part for part in scope if part)
    found = {ref: use for (ref, _), use in standing.by_recipient.items() if key in use.keys}
    found |= {ref: use for ref, use in standing.uses.items() if key in use.keys}
    return sorted(found.values(), key=lambda use: (use.provider_name, use.why))


def list_ended_uses(*, choice: ChoiceRow, standing: Sharing) -> list[EndedUse]:
    """List what a stop or pause ended: the uses it covers to which the ledger says yes just before it.

    What a file or we ourselves said is not the reader's own to regret.
    """
    if choice.kind == Choice.Kind.ALLOW or choice.by in {"file", "us"}:
        return []
    covered = list_covered_uses(standing=standing, scope=(choice.scope, choice.ref))
    before = choice.made_at - MICROSECOND
    asked = [
        PermissionQuestion(
            choice.line_id, use.campaign, use.parties, use.purpose, use.scope, use.precision_m, before, choice.made_at
        )
        for use in covered
    ]
    answers = answers_at(asked=asked) if asked else []
    return [
        _build_ended_use(use, choice.made_at)
        for use, answer in zip(covered, answers, strict=True)
        if answer == "permitted"
    ]


def _build_ended_use(use: Use, at: datetime) -> EndedUse:
    until = next((one.expires_at for one in use.proofs if one.stood_at(at)), None)
    newer = (one.choice_id for one in use.proofs if one.counts and one.by_person and one.is_newer_than(at))
    return EndedUse(use, until, next(newer, "") if use.allowed else "")


def _name_partners(contract_ids: Collection[int]) -> Mapping[int, str]:
    found = Contract.objects.filter(pk__in=contract_ids).select_related("aggregator") if contract_ids else ()
    return {one.pk: party_name(one.aggregator.name, one.aggregator.uri) for one in found}


def _sort_names(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(names), key=str.casefold))
