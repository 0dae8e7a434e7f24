"""Keep an officer's notes on a company, contract or campaign."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime

from django.db import transaction

import audit.actions
from accounts.policies.permissions import StaffAction
from accounts.primitives.reasons import check_reason
from accounts.queries import StaffOnly, acting_staff
from console.queries.standing import get_upkeep
from partners.models import Campaign, Contract, Party
from partners.policies.lifecycle import NotNow
from support.queries.mentions import describe_mentions

TARGETS: Mapping[str, type[Party | Contract | Campaign]] = {"party": Party, "contract": Contract, "campaign": Campaign}
OFFICERS = "Choose an officer."


@transaction.atomic
def add_note(
    *,
    of: str,
    target_id: int,
    note: str,
    owner: str | None,
    remind_on: date | str | None,
    mentions: Sequence[str] = (),
    actor: str,
    at: datetime,
) -> None:
    """Add a note to the history of a company, contract or campaign.

    `owner`: the officer who looks after it from now on ("officer:7"), "" for nobody, None for whoever it was before.
    `remind_on`: from which day on the dashboard reminds officers of a contract, "" for never, None for what was set
    before. `mentions`: officers whose notifications list the note. Raises StaffOnly, NoReason, and NotNow for a day
    that has passed.
    """
    name = acting_staff(actor=actor, action=StaffAction.CHANGE_TERMS)
    detail = describe_mentions(mentions=mentions, action=StaffAction.CHANGE_TERMS, refused=OFFICERS)
    target = f"{of}:{target_id}"
    # One note after the other: each says what the one before it set.
    TARGETS[of].objects.select_for_update(of=("self",), no_key=True).filter(pk=target_id).first()
    had_owner, had_day = get_upkeep(target=target)
    if owner is not None:
        detail |= _change("owner", "owner_was", _officer(owner) if owner else "", had_owner)
    if remind_on is not None:
        detail |= _change("remind_on", "remind_was", _check_day(remind_on, at), had_day)
    audit.actions.record(
        action=f"{of}.noted", actor=name, target=target, at=at, reason=check_reason(note), detail=detail
    )


def _change(name: str, name_was: str, now: str, was: str) -> dict[str, object]:
    """What is kept of a change, nothing where it is none."""
    return {} if now == was else {name: now, name_was: was}


def _check_day(remind_on: date | str, at: datetime) -> str:
    """A day as it is kept, "" for none. Raises NotNow for one that has passed."""
    if not isinstance(remind_on, date):
        return ""
    if remind_on <= at.date():
        raise NotNow("Choose a day after today.")
    return f"{remind_on.isoformat()}T00:00:00+00:00"


def _officer(owner: str) -> str:
    try:
        return acting_staff(actor=owner, action=StaffAction.CHANGE_TERMS)
    except StaffOnly as error:
        raise StaffOnly(OFFICERS) from error
