"""The one way to a line's disclosures: rows under a delayed-notice order are not there."""

from datetime import datetime

from django.db.models import Exists, OuterRef, Q, QuerySet

from audit.queries import not_ahead
from disclosures.models import DelayedNotice, Disclosure, Judgement, JudgementChange

# Of the row `d`. BETWEEN: asked row by row, by the key of what changed, and never of all that ever changed.
CLAIMED_LATER = """d.judgement = 'approval_unverified' AND EXISTS (
    SELECT FROM disclosures_judgementchange c
    WHERE c.line_id = d.line_id AND c.disclosure_id BETWEEN d.id AND d.id AND c.was = 'no_approval')"""

# That the notice `n` hides at a moment (`%(at)s`). Whoever asks may have a clock that is ahead: nothing shows before
# its order ends by the database's.
HIDES = "(n.suppressed_until IS NULL OR n.suppressed_until > least(%(at)s, (SELECT audit_now())))"

# The same rule for statements of our own: what is hidden of a line (`%(line)s`) at a moment (`%(at)s`), read once.
HIDDEN = """
SELECT disclosure_id FROM (
    SELECT DISTINCT ON (disclosure_id) disclosure_id, suppressed_until FROM disclosures_delayednotice
    WHERE line_id = %(line)s ORDER BY disclosure_id, number DESC
) n WHERE <hides>
""".replace("<hides>", HIDES)

# And for statements over many lines: that the notice `n` is its row's newest and hides it at a moment (`%(at)s`), which
# is not ahead of the database's clock (`audit.queries.not_ahead`). Beside a clock that is read in it, the planner would
# look row by row.
HIDING = """(n.suppressed_until IS NULL OR n.suppressed_until > %(at)s) AND NOT EXISTS (
    SELECT FROM disclosures_delayednotice newer
    WHERE newer.line_id = n.line_id AND newer.disclosure_id = n.disclosure_id AND newer.number > n.number)"""
# That none hides the row `d` then.
SHOWN = f"""NOT EXISTS (
    SELECT FROM disclosures_delayednotice n WHERE n.line_id = d.line_id AND n.disclosure_id = d.id AND {HIDING})"""
# All that they hide then. Few releases are under one: from them it goes.
UNDER_ORDER = """hidden AS MATERIALIZED (
    SELECT n.line_id, n.disclosure_id FROM disclosures_delayednotice n WHERE <hiding>
)""".replace("<hiding>", HIDING)
# A look-up that rested, or should have rested, on an agreement, as far as it may be seen: the row `d`.
LOOK_UP = f"d.basis = 'approval' AND d.outcome = 'released' AND {SHOWN}"


def visible(*, line_id: int, at: datetime) -> QuerySet[Disclosure]:
    """Return the line's disclosures without the hidden ones: for every list, count, chart, total, search and export.

    A row is hidden while its newest notice says "until further order", or a moment after `at` or after now by the
    database's clock. One index range by line.
    """
    in_force = _find_hiding_notices(line_id=line_id, disclosure_id=OuterRef("id"), at=not_ahead(at=at))
    return Disclosure.objects.filter(line_id=line_id).exclude(Exists(in_force))


def _find_hiding_notices(*, line_id: int, disclosure_id: OuterRef, at: datetime) -> QuerySet[DelayedNotice]:
    """The notice that hides a look-up then, as a condition on rows of this line that name its id."""
    notices = DelayedNotice.objects.filter(line_id=line_id, disclosure_id=disclosure_id)
    newer = DelayedNotice.objects.filter(
        line_id=OuterRef("line_id"), disclosure_id=OuterRef("disclosure_id"), number__gt=OuterRef("number")
    )
    return notices.filter(Q(suppressed_until__isnull=True) | Q(suppressed_until__gt=at)).exclude(Exists(newer))


def with_delay(*, rows: QuerySet[Disclosure], line_id: int) -> QuerySet[Disclosure]:
    """Return the rows with `delayed`: whether a notice once hid them ("we could not tell you before")."""
    return rows.annotate(delayed=Exists(DelayedNotice.objects.filter(line_id=line_id, disclosure_id=OuterRef("id"))))


def is_claimed_afterwards(*, line_id: int) -> Q:
    """Return the same as a condition on rows of this line."""
    before = JudgementChange.objects.filter(line_id=line_id, disclosure_id=OuterRef("id"), was=Judgement.NO_APPROVAL)
    return Q(Exists(before), judgement=Judgement.APPROVAL_UNVERIFIED)
