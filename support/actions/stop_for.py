"""Staff stop for a person who asked them to and proved it. There is no other hand of ours on anybody's choices.

Proved by a code that was texted to the line's phone for this alone and read out, or by a call of ours to its number of
record that the telephone system logged as theirs. Each counts once.
"""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from accounts.actions.codes import text_code, verify_code
from accounts.models import TextedCode, User
from accounts.policies.permissions import Action, StaffAction
from accounts.primitives.reasons import check_reason
from accounts.queries import acting_staff, current_number, require_logged_staff_act
from consent.actions.choices import RecordedChoice, find_repeated_choice, pause, stop
from consent.domain.conflicts import retry_on_conflict
from consent.models import Choice
from support.actions.cases import lock_case, record_case_act, require_line
from support.domain.tickets import append_event
from support.models import LoggedCall, Ticket
from support.policies.lifecycle import NotNow
from support.policies.thread_events import CODE_TEXTED, PAUSED, PROOFS, STOPPED, describe_event
from support.queries.visible import visible_tickets

CHANNEL = "desk"
# So long after it was answered a call still says that it was the person who asked.
CALL_COUNTS = timedelta(minutes=30)
PURPOSE = TextedCode.Purpose.STOP_FOR


class NotProved(Exception):
    """Nothing shows that it is the person who asks."""


@dataclass(frozen=True)
class StopRequest:
    """What the person asked for: to stop `scope` (`consent.Choice.Scope`), or to pause it where there is `until`."""

    scope: str
    ref: str = ""
    until: datetime | None = None


def text_code_for_stop(*, code: str, actor: str, at: datetime) -> None:
    """Text the case's person the code that they read out. It counts in this case, for who asked, and for nothing else.

    In the person's own log. Raises StaffOnly, and NotNow where no phone has a number of this line now.
    """
    name, msisdn, asker = _check_code_request(code, actor, at)
    _note_code(code, name, at)
    text_code(msisdn=msisdn, purpose=PURPOSE, asker=asker, at=at)


def stop_for_person(
    *, code: str, wish: StopRequest, typed: str, reason: str, actor: str, at: datetime
) -> RecordedChoice:
    """Stop or pause for the person, by the code they read out, or without one by a logged call. The line is texted.

    A code that counted is used up even where the stop is refused then. Pressed twice, it is one stop, proved once.
    Raises StaffOnly, NoReason, NotProved, UnknownRef for what there is not, ValueError for a pause in the past, NotNow.
    Call outside a transaction.
    """
    name, msisdn, asker = _check_code_request(code, actor, at)
    check_reason(reason)
    line_id = require_line(ticket=Ticket.objects.get(code=code))
    doubled = find_repeated_choice(line_id=line_id, **asdict(wish), actor=name, channel=CHANNEL, at=at)
    if doubled is not None:
        return doubled
    if not typed:
        return _stop(code=code, wish=wish, name=name, reason=reason, by_call=True, at=at)
    line = verify_code(msisdn=msisdn, purpose=PURPOSE, asker=asker, typed=typed, at=at)
    if line is None:
        raise NotProved(_("That code isn't right or has expired. Text a new one."))
    return _stop(code=code, wish=wish, name=name, reason=reason, by_call=False, at=at)


@retry_on_conflict
@transaction.atomic
def _stop(*, code: str, wish: StopRequest, name: str, reason: str, by_call: bool, at: datetime) -> RecordedChoice:
    """The choice, its orders, the text to the line, the row in its log and the line in the thread: all or nothing."""
    ticket = lock_case(code=code, at=at)
    line_id = require_line(ticket=ticket)
    proof = _use_call(ticket, line_id, name, at) if by_call else "code"
    recorded = _record_choice(line_id, wish, name)
    detail: dict[str, object] = {"choice": str(recorded.choice_id), "scope": wish.scope, "by": proof}
    record_case_act(ticket=ticket, action="stopped.for_person", actor=name, at=at, reason=reason, detail=detail)
    how = {"scope": Choice.Scope(wish.scope).label, "proof": PROOFS[proof.partition(":")[0]]}
    day = f"{wish.until:%-d %b %Y, %H:%M}" if wish.until else ""
    what = describe_event(PAUSED if day else STOPPED, day=day, **how)
    append_event(ticket=ticket, body=what, author=name, at=at)
    return recorded


def _record_choice(line_id: int, wish: StopRequest, name: str) -> RecordedChoice:
    if wish.until is None:
        return stop(line_id=line_id, scope=wish.scope, ref=wish.ref, actor=name, channel=CHANNEL)
    return pause(line_id=line_id, scope=wish.scope, ref=wish.ref, until=wish.until, actor=name, channel=CHANNEL)


def _use_call(ticket: Ticket, line_id: int, name: str, at: datetime) -> str:
    """Use up the newest call by this agent to this line that still counts. Raises NotProved."""
    # A colleague heard their own caller: what they called about, this agent can't know.
    mail = User.objects.get(pk=int(name.partition(":")[2])).email
    by = Q(by__iexact=mail) | Q(by=name) if mail else Q(by=name)
    call = (
        LoggedCall.objects.select_for_update(of=("self",))
        .filter(by, line_id=line_id, used_at__isnull=True, answered_at__gt=at - CALL_COUNTS, answered_at__lte=at)
        .order_by("-answered_at", "-pk")
        .first()
    )
    if call is None:
        raise NotProved(
            _("No call of yours to this person's number was logged in the last 30 minutes, or it was used already.")
        )
    call.used_at, call.used_for = at, ticket.code
    call.save(update_fields=["used_at", "used_for"])
    return f"call:{call.pk}"


def _check_code_request(code: str, actor: str, at: datetime) -> tuple[str, str, str]:
    """Who acts, the number that the case's line has now, and for whom a code counts. Raises StaffOnly, NotNow."""
    name = require_logged_staff_act(actor=actor, action=Action.STOP_FOR)
    acting_staff(actor=name, action=StaffAction.WORK_TICKETS)
    ticket = visible_tickets(at=at).filter(code=code).first()
    if ticket is None:
        raise NotNow(_("There is no such case."))
    line_id = require_line(ticket=ticket)
    return name, _number_now(line_id, at), f"{ticket.code}:{name.partition(':')[2]}"


def _number_now(line_id: int, at: datetime) -> str:
    """Get the line's number now: one that is somebody else's by now proves nothing of this line."""
    msisdn = current_number(line_id=line_id, at=at)
    if not msisdn:
        raise NotNow(_("This line has no number now, so no one can prove by its phone that the request is theirs."))
    return msisdn


@transaction.atomic
def _note_code(code: str, name: str, at: datetime) -> None:
    ticket = lock_case(code=code, at=at)
    append_event(ticket=ticket, body=describe_event(CODE_TEXTED), author=name, at=at)
    record_case_act(ticket=ticket, action="stop.code_texted", actor=name, at=at)
