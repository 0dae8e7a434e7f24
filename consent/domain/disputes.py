"""Which "I never agreed" of a line stand."""

from datetime import datetime

from django.db.models import Max

from audit.queries import list_first_moments
from consent.domain.snapshots import covers
from consent.models import Approval, Choice, Origin
from consent.queries.choices import DISPUTE_WITHDRAWN, NEVER_AGREED
from partners.models import Campaign


def list_standing_disputes(*, line_id: int) -> dict[tuple[str, str], Choice]:
    """Return each "I never agreed" of a line that stands, by scope and ref: who says it again is led to its case.

    It stands as long as it was not withdrawn, nothing was allowed since, and nobody has brought another yes to what it
    is about. One query where nobody ever said it, five at most.
    """
    disputes = {"kind": Choice.Kind.STOP, "reason": NEVER_AGREED, "origin": Origin.PERSON}
    said = {(one.scope, one.ref): one for one in Choice.objects.filter(line_id=line_id, **disputes).order_by("made_at")}
    if not said:
        return {}
    since = min(one.made_at for one in said.values())
    allowed = Choice.objects.filter(line_id=line_id, kind=Choice.Kind.ALLOW, made_at__gt=since)
    last_allowed = allowed.aggregate(at=Max("made_at"))["at"] or since
    standing = {about: one for about, one in said.items() if one.made_at >= last_allowed}
    newer, targets = _list_newer_approvals(line_id, since), [f"choice:{one.id}" for one in standing.values()]
    withdrawn = list_first_moments(action=DISPUTE_WITHDRAWN, targets=targets)
    return {
        about: one
        for about, one in standing.items()
        if f"choice:{one.id}" not in withdrawn
        and not any(one.made_at < at and covers(campaign=to, scope=one.scope, ref=one.ref) for to, at in newer)
    }


def _list_newer_approvals(line_id: int, since: datetime) -> list[tuple[Campaign, datetime]]:
    """To what a yes was recorded after a moment, and when last: nobody was asked for its proof."""
    recorded = Approval.objects.filter(line_id=line_id, recorded_at__gt=since).values_list("campaign")
    last = dict(recorded.annotate(Max("recorded_at")))
    return [(one, last[one.ref]) for one in Campaign.objects.filter(ref__in=last).select_related("cover")]
