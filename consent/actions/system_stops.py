"""We say no for a person to one company, after what it did on their line. Only their own newer yes outlasts that."""

from collections.abc import Collection
from datetime import datetime
from enum import StrEnum

from django.db import transaction

from accounts.models import Line
from consent.actions.choices import deny, retry_on_conflict
from consent.domain import change_notices, order_planning
from consent.domain.snapshots import lock_line
from consent.gate import deciding
from consent.gate.shapes import as_agreed
from consent.models import Choice, LineGate, Origin
from consent.queries.current_consent import get_linked_parties
from consent.queries.current_consent_ledger import microseconds
from partners.labels import UNKNOWN
from partners.models import Campaign, Party

CHANNEL = "system"
REASON = "anomaly"


class Outcome(StrEnum):
    """What became of it. Everything but `SUSPENDED` wrote nothing."""

    SUSPENDED = "suspended"  # a stop of ours stands from now on, and the company's partners are told
    STOPPED = "stopped"  # a stop of the person's, or an earlier one of ours, stands already
    ALLOWED = "allowed"  # the person has allowed it after what it did: their own newer word
    SPARED = "spared"  # it finds them when they call for help: an officer decides
    ENDED = "ended"  # the line is over
    NOBODY = "nobody"  # nobody can name the company


@retry_on_conflict
@transaction.atomic
def stop_company(*, line_id: int, party: str, after: datetime, actor: str, at: datetime) -> Outcome:
    """Stop one company (URI) for one line, if nothing of the person's says so already. Their phone is texted.

    `after`: when it last did what this is for; a yes of the person that is newer stands. A file outweighs this stop as
    little as one of the person's. Never undone but by them.
    """
    if party == UNKNOWN or not Party.objects.filter(uri=party).exists():
        return Outcome.NOBODY
    made_at = lock_line(line_id=line_id)
    row = LineGate.objects.get(pk=line_id)
    if row.active_until is not None and row.active_until <= made_at:
        return Outcome.ENDED
    standing = _standing(row, party, after)
    if standing is not None:
        return standing
    choice = Choice(
        kind=Choice.Kind.STOP, line_id=line_id, scope=Choice.Scope.PARTY, ref=party, origin=Origin.SYSTEM, actor=actor,
        channel=CHANNEL, reason=REASON,
    )  # fmt: skip
    deny(choice=choice, duties=order_planning.STOP_DUTIES, by="system")
    change_notices.notify_of_change(line_id=line_id, change=change_notices.Change.STOP, actor=actor, at=at)
    return Outcome.SUSPENDED


def _standing(row: LineGate, party: str, after: datetime) -> Outcome | None:
    """Why nothing is to be written, if so."""
    campaigns = list(
        Campaign.objects.filter(cover__parties__contains=[party], ref__in=row.approvals)
        .select_related("contract__aggregator", "lbs_provider", "cover")
        .order_by("ref")
    )
    newest_yes = _newest_yes(row, campaigns)
    if newest_yes > microseconds(after):
        return Outcome.ALLOWED
    keys = {"all", *(f"party:{uri}" for uri in get_linked_parties(uris={party})[party])}
    stops = [
        stopped
        for key in keys & row.stops.keys()
        for origin, stopped in row.stops[key].items()
        if origin != Origin.FILE.value
    ]
    if max(stops, default=0) > newest_yes:
        return Outcome.STOPPED
    return Outcome.SPARED if _is_allowed_lifeline(row.line_id, campaigns, party) else None


def _newest_yes(row: LineGate, campaigns: Collection[Campaign]) -> int:
    """When the person themself agreed last to one of these, in microseconds; 0 if never."""
    yeses = [since for one in campaigns for since, _, origin in row.approvals[one.ref] if origin == Origin.PERSON.value]
    return max(yeses, default=0)


def _is_allowed_lifeline(line_id: int, campaigns: list[Campaign], party: str) -> bool:
    """Whether the gate allows it, now, a use by which a person is found when they call for help."""
    carrier_id = Line.objects.values_list("carrier_id", flat=True).get(pk=line_id)
    questions = [
        as_agreed(campaign=one, line=carrier_id, recipient="" if party in one.cover.named_parties else party)
        for one in campaigns
        if one.lifeline
    ]
    return any(answer.allowed for answer in deciding.evaluate(questions=questions))
