"""Staff see for 15 minutes whose case it is: with a reason, and of a protected line only with a second person's yes."""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.policies.permissions import Action, StaffAction
from accounts.primitives.reasons import check_reason
from accounts.queries import acting_staff, require_logged_staff_act
from support.actions.cases import lock_case, note, of_somebody
from support.models import Reveal
from support.policies.lifecycle import NotNow
from support.policies.reasons import look_reason
from support.queries.protected_lines import takes_two

LASTS = timedelta(minutes=15)


@transaction.atomic
def reveal(*, code: str, kind: str, reason: str = "", actor: str, at: datetime) -> Reveal:
    """Show the number and the holder's name to who asks, for 15 minutes; of a protected line once another agrees.

    In the person's own log at once. Asked again meanwhile, it is the same one, unless the line came to take two
    since. `kind`: a `LookKind`. Raises NotForThem, NoReason, NotNow.
    """
    name = require_logged_staff_act(actor=actor, action=Action.SEE_UNDER_GLASS)
    acting_staff(actor=name, action=StaffAction.REVEAL_PERSON)
    ticket = lock_case(code=code)
    why = look_reason(kind=kind, words=reason, case=ticket.code)
    line_id, user_id = of_somebody(ticket=ticket), int(name.partition(":")[2])
    two = takes_two(line_id=line_id, at=at)
    mine = Reveal.objects.filter(ticket=ticket, user_id=user_id)
    if two:
        mine = mine.filter(two_needed=True)
    asks = list(mine.order_by("-asked_at")[:10])
    running = next((one for one in asks if _is_running(one, at)), None)
    if running is not None:
        return running
    made = Reveal.objects.create(
        ticket=ticket, user_id=user_id, line_id=line_id, reason=why, asked_at=at, two_needed=two,
        until=None if two else at + LASTS,
    )  # fmt: skip
    note(ticket=ticket, action="person.reveal_asked" if two else "person.revealed", actor=name, at=at, reason=why)
    return made


def _is_running(asked: Reveal, at: datetime) -> bool:
    return asked.is_waiting(at=at) or (asked.until is not None and asked.until > at)


@transaction.atomic
def agree_to_reveal(*, code: str, reveal_id: int, reason: str, actor: str, at: datetime) -> Reveal:
    """Say yes to what another of staff asked to see: they see it from now on, for 15 minutes.

    Raises NotForThem, NoReason, and NotNow for one's own, and for what is agreed, over or not there.
    """
    name = require_logged_staff_act(actor=actor, action=Action.SEE_UNDER_GLASS)
    acting_staff(actor=name, action=StaffAction.WORK_TICKETS)
    why = check_reason(reason)
    rows = Reveal.objects.select_for_update(of=("self",)).select_related("user", "ticket")
    asked = rows.filter(pk=reveal_id, ticket__code=code).first()
    if asked is None or not asked.two_needed or not asked.is_waiting(at=at):
        raise NotNow(_("Nobody waits for your yes here any more."))
    second_id = int(name.partition(":")[2])
    if asked.user_id == second_id:
        raise NotNow(_("You asked for this yourself. Somebody else must agree."))
    asked.second_id, asked.agreed_at, asked.until = second_id, at, at + LASTS
    asked.save(update_fields=["second", "agreed_at", "until"])
    note(ticket=asked.ticket, action="person.reveal_agreed", actor=name, at=at, reason=why)
    first = f"{asked.user.role}:{asked.user_id}"
    note(ticket=asked.ticket, action="person.revealed", actor=first, at=at, reason=asked.reason)
    return asked
