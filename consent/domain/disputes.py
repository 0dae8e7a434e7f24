"""Which "I never agreed" of a line stand."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db.models import Max

from audit.queries import list_first_moments
from consent.domain.snapshots import covers
from consent.models import Approval, Choice, Origin
from consent.queries.choices import DISPUTE_WITHDRAWN, NEVER_AGREED
from partners.models import Campaign

type Disputes = Mapping[tuple[str, str], Choice]


def list_standing_disputes(*, line_id: int) -> Disputes:
    """Return each "I never agreed" of a line that stands, by scope and ref: who says it again is led to its case.

    It stands as long as it was not withdrawn, nothing was allowed since, and nobody has brought another yes to what it
    is about. One query where nobody ever said it, five at most.
    """
    said = _list_newest(line_id)
    if not said:
        return {}
    since = min(one.made_at for one in said.values())
    allowed = Choice.objects.filter(line_id=line_id, kind=Choice.Kind.ALLOW, made_at__gt=since)
    last_allowed = allowed.aggregate(at=Max("made_at"))["at"] or since
    newer, targets = _list_newer_approvals(line_id, since), [f"choice:{one.id}" for one in said.values()]
    withdrawn = list_first_moments(action=DISPUTE_WITHDRAWN, targets=targets)

    def stands(one: Choice) -> bool:
        is_said = one.made_at >= last_allowed and f"choice:{one.id}" not in withdrawn
        return is_said and not _covers_newer(one, newer)

    return {about: one for about, one in said.items() if stands(one)}


def _list_newest(line_id: int) -> Disputes:
    disputes = {"kind": Choice.Kind.STOP, "reason": NEVER_AGREED, "origin": Origin.PERSON}
    said = Choice.objects.filter(line_id=line_id, **disputes).order_by("made_at")
    return {(one.scope, one.ref): one for one in said}


def _covers_newer(dispute: Choice, newer: Sequence[tuple[Campaign, datetime]]) -> bool:
    of = {"scope": dispute.scope, "ref": dispute.ref}
    return any(at > dispute.made_at and covers(campaign=campaign, **of) for campaign, at in newer)


def _list_newer_approvals(line_id: int, since: datetime) -> list[tuple[Campaign, datetime]]:
    """To what a yes was recorded after a moment, and when last: nobody was asked for its proof."""
    recorded = Approval.objects.filter(line_id=line_id, recorded_at__gt=since).values_list("campaign")
    last = dict(recorded.annotate(Max("recorded_at")))
    return [(one, last[one.ref]) for one in Campaign.objects.filter(ref__in=last).select_related("cover")]
