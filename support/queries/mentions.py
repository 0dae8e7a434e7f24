"""Notes that mention staff: whom, for how long, and where."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from django.db.models import Max, Q

from accounts.policies.permissions import StaffAction, roles_that_may
from accounts.queries import StaffOnly, acting_staff
from audit.models import AuditEvent
from support.queries import names
from support.queries.visible import HiddenCases, acts_on_hidden

OF_CASE = "ticket.noted"
OF_TERMS = ("party.noted", "contract.noted", "campaign.noted")
MENTIONED_FOR = timedelta(days=7)


def describe_mentions(*, mentions: Sequence[str], action: StaffAction, refused: str) -> dict[str, object]:
    """Return what the audit log keeps of these mentions ("officer:7"), nothing where there is none.

    `action`: what each of them must be allowed to do. Raises StaffOnly with the words `refused`.
    """
    try:
        named = [acting_staff(actor=one, action=action) for one in mentions]
    except StaffOnly as error:
        raise StaffOnly(refused) from error
    return {"mentions": named} if named else {}


def list_mentions(*, event: AuditEvent) -> list[str]:
    """Return whom an act mentions."""
    said = event.detail.get("mentions")
    return [str(one) for one in said] if isinstance(said, list) else []


def mentions_of(*, user_id: int, actions: Sequence[str], at: datetime) -> Q:
    """Return which acts are notes of the last days that mention this member of staff."""
    named = Q()
    for role in roles_that_may(StaffAction.WORK_TICKETS):
        named |= Q(detail__mentions__contains=[f"{role}:{user_id}"])
    written = Q(actor__startswith="officer:") | Q(actor__startswith="agent:")
    return named & written & Q(action__in=actions, at__gt=at - MENTIONED_FOR, at__lte=at)


def list_mentioning_cases(*, user_id: int, at: datetime, hidden: HiddenCases) -> Mapping[str, datetime]:
    """Return the codes of cases with such a note, each with when the newest of them was written."""
    notes = AuditEvent.objects.filter(mentions_of(user_id=user_id, actions=[OF_CASE], at=at))
    newest = notes.exclude(acts_on_hidden(hidden=hidden)).values_list("target").annotate(newest=Max("at")).order_by()
    return {target.partition(":")[2]: moment for target, moment in newest}


def name_mentioned(*, cases: Collection[str]) -> Mapping[tuple[str, datetime], str]:
    """Return whom the notes in these cases mention, by who wrote the note and when."""
    targets = [f"ticket:{code}" for code in cases]
    notes = list(AuditEvent.objects.filter(target__in=targets, action=OF_CASE, detail__has_key="mentions"))
    who = names.actors(wanted={named for one in notes for named in list_mentions(event=one)})
    return {(one.actor, one.at): ", ".join(who[named] for named in list_mentions(event=one)) for one in notes}
