"""Assign cases: take the next or this one, give it to somebody, hand it over, merge two; and search for them.

That somebody of staff searched is in the trail, whatever was found, and for what where no person's own words may be in
it. Whoever's case is found in a list finds that in their own log.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

import audit.actions
import audit.queries
from accounts.models import User
from accounts.policies.permissions import StaffAction, actor_of, staff_may
from accounts.primitives.reasons import NoReason, has_visible_text, remove_numbers
from accounts.queries import acting_staff
from support.actions.cases import lock_case, record_case_act, record_case_view
from support.domain.tickets import append_event, write
from support.models import LONGEST, Attachment, Draft, Entry, Ticket
from support.policies import thread_events
from support.policies.lifecycle import CLOCK_RUNS, NotNow, move
from support.policies.thread_events import describe_event
from support.queries.names import get_staff_name
from support.queries.queue import (
    Page,
    QueueFilter,
    Row,
    case_of,
    code_in,
    filter_tickets,
    find,
    list_duplicates,
    row_of,
    rows,
    works_cases,
)
from support.queries.visible import visible_tickets

State, Kind = Ticket.State, Ticket.Kind
# They come of what happened here, not from a person.
OWN_KINDS = (Kind.INCIDENT, Kind.OVERDUE, Kind.PARTIAL)


@transaction.atomic
def claim_next(*, asked: QueueFilter, user: User, at: datetime) -> str | None:
    """Take what is due first of `asked.to_take` and nobody has; its code, None where there is nothing to take.

    Two that ask at once never get the same one, and neither waits for the other. What was handed up is for the privacy
    office to take. Raises StaffOnly.
    """
    name = acting_staff(actor=actor_of(user), action=StaffAction.WORK_TICKETS)
    free = filter_tickets(asked=asked.to_take, user_id=user.pk, at=at).filter(state=State.OPEN, assignee__isnull=True)
    if not staff_may(user.role, StaffAction.LEAD_DESK):
        free = free.filter(escalated_at__isnull=True)
    ticket = free.select_for_update(skip_locked=True).order_by("due_at", "id").first()
    if ticket is None:
        return None
    _give(ticket, user, name, "ticket.claimed", at)
    return ticket.code


@transaction.atomic
def see_handling(*, code: str, user: User, at: datetime) -> tuple[Row, Sequence[Row]] | None:
    """Show whose a case is, and its person's other cases that may be the same; None where there is none of that code.

    The person finds the look at each of them in their own log. Raises StaffOnly.
    """
    name = acting_staff(actor=actor_of(user), action=StaffAction.WORK_TICKETS)
    row = row_of(code=code, user_id=user.pk, at=at)
    if row is None:
        return None
    alike = rows(tickets=list_duplicates(ticket=row.ticket), user_id=user.pk, at=at)
    for one in (row, *alike):
        record_case_view(ticket=one.ticket, actor=name, at=at)
    return row, alike


@transaction.atomic
def claim(*, code: str, user: User, at: datetime) -> None:
    """Take this one, also from somebody who works on cases no more.

    Raises StaffOnly, and NotNow where somebody has it, it is done, or it was handed up to the privacy office.
    """
    name = acting_staff(actor=actor_of(user), action=StaffAction.WORK_TICKETS)
    ticket = lock_case(code=code, at=at)
    if ticket.assignee_id == user.pk:
        raise NotNow(_("This case is already assigned to you."))
    if ticket.assignee is not None and works_cases(user=ticket.assignee):
        raise NotNow(_("%(name)s has it.") % {"name": get_staff_name(user=ticket.assignee)})
    if ticket.escalated_at is not None and not staff_may(user.role, StaffAction.LEAD_DESK):
        raise NotNow(_("The privacy office has it."))
    _give(ticket, user, name, "ticket.claimed", at)


@transaction.atomic
def assign(*, code: str, to: int | None, actor: str, at: datetime) -> None:
    """Give a case to one of those who work on cases, or (None) back to everybody, whoever has it.

    What was handed up comes back from the privacy office by being given to an agent. Raises StaffOnly, NotNow.
    """
    name = acting_staff(actor=actor, action=StaffAction.LEAD_DESK)
    _give(lock_case(code=code, at=at), _colleague(to), name, "ticket.assigned", at)


@transaction.atomic
def hand_over(*, code: str, to: int | None, note: str, actor: str, at: datetime) -> None:
    """Give one's own case to a colleague, or (None) back to everybody, with a note of how it stands.

    Raises StaffOnly, NoReason without a note, NotNow where it is not one's own.
    """
    name = acting_staff(actor=actor, action=StaffAction.WORK_TICKETS)
    if not has_visible_text(note):
        raise NoReason(_("Say how it stands, for whoever goes on with it."))
    ticket = lock_case(code=code, at=at)
    if ticket.assignee is None or actor_of(ticket.assignee) != name:
        raise NotNow(_("It isn't assigned to you."))
    write(
        ticket=ticket, kind=Entry.Kind.NOTE, author=name, channel=Entry.Channel.DESK, body=note.strip(), at=at
    )  # fmt: skip
    _give(ticket, _colleague(to), name, "ticket.handed_over", at)


@transaction.atomic
def merge(*, code: str, into: str, actor: str, at: datetime) -> None:
    """Make one case of two about the same: `code` ends, `into` goes on.

    Of one person, or one sender's mails, or of none: nobody's case ends in another's. What colleagues have begun to
    write goes along. Raises StaffOnly, NotNow.
    """
    name = acting_staff(actor=actor, action=StaffAction.WORK_TICKETS)
    ticket, other = _lock_both(code, into, at)
    for one in (ticket, other):
        if one.merged_into is not None:
            raise NotNow(
                _("%(code)s was already merged into %(into)s. Nothing was changed.")
                % {"code": one.code, "into": one.merged_into.code}
            )
    if not other.is_under_way:
        raise NotNow(_("%(code)s is done. Reopen it first.") % {"code": other.code})
    _refuse_to_mix(ticket, other)
    _carry_over_deadlines(other, ticket, name, at)
    move(ticket=ticket, to=State.MERGED, at=at)
    ticket.merged_into = other
    ticket.save(update_fields=["state", "last_at", "solved_at", "closed_at", "merged_into"])
    _move_drafts(ticket, other)
    append_event(ticket=ticket, body=describe_event(thread_events.MERGED_INTO, code=other.code), author=name, at=at)
    append_event(ticket=other, body=describe_event(thread_events.MERGED_IN, code=ticket.code), author=name, at=at)
    record_case_act(ticket=ticket, action="ticket.merged", actor=name, at=at, detail={"into": other.code})


def _give(ticket: Ticket, to: User | None, by: str, action: str, at: datetime) -> None:
    _refuse_to_give(ticket, to)
    was = actor_of(ticket.assignee) if ticket.assignee else ""
    ticket.assignee, ticket.claimed_at, ticket.last_at = to, at if to else None, at
    if to is not None and not staff_may(to.role, StaffAction.LEAD_DESK):
        ticket.escalated_at = None
    ticket.save(update_fields=["assignee", "claimed_at", "last_at", "escalated_at"])
    giving = describe_event(thread_events.NOW_WITH, name=get_staff_name(user=to)) if to else ""
    whose = giving or describe_event(thread_events.IN_QUEUE)
    append_event(ticket=ticket, body=whose, author=by, at=at)
    given: dict[str, object] = {"to": actor_of(to) if to else "", "was": was}
    record_case_act(ticket=ticket, action=action, actor=by, at=at, detail=given)


def _refuse_to_give(ticket: Ticket, to: User | None) -> None:
    if not ticket.is_under_way:
        raise NotNow(_("This case is done. Reopen it first."))
    if ticket.assignee == to:
        raise NotNow(
            _("It is already assigned to %(name)s.") % {"name": get_staff_name(user=to)}
            if to
            else _("It is already in the queue.")
        )


def _lock_both(code: str, into: str, at: datetime) -> tuple[Ticket, Ticket]:
    """Both, locked in one order whoever merges which into which."""
    rows = visible_tickets(at=at).select_for_update().filter(code__in=[code, into]).order_by("id")
    found = {one.code: one for one in rows}
    if code not in found or into not in found:
        raise NotNow(_("There is no such case."))
    if code == into:
        raise NotNow(_("That is the same case."))
    return found[code], found[into]


def _refuse_to_mix(ticket: Ticket, other: Ticket) -> None:
    if ticket.line_id != other.line_id or (ticket.line_id is None and not _of_one_source(ticket, other)):
        raise NotNow(_("They aren't from the same person, so they can't be merged."))
    if ticket.asked_by_id != other.asked_by_id:
        # Each reads their own alone: one line may have two people, or had another before.
        unknown = next((one.code for one in (ticket, other) if one.asked_by_id is None), "")
        raise NotNow(
            _("They can't be merged: they are about the same number, but we don't know who sent %(code)s.")
            % {"code": unknown}
            if unknown
            else _("They can't be merged: they are about the same number, but from different people.")
        )


def _of_one_source(ticket: Ticket, other: Ticket) -> bool:
    """Two that are about no line: both of what happened here, or of mail from one address, which both answers go to."""
    if ticket.kind in OWN_KINDS and other.kind in OWN_KINDS:
        return True
    return bool(ticket.sender) and ticket.sender == other.sender


def _carry_over_deadlines(other: Ticket, ticket: Ticket, by: str, at: datetime) -> None:
    """Move what is owed in the case that ends to the other, as soon and as urgently; saves the other."""
    if ticket.state in CLOCK_RUNS and other.state == State.WAITING:
        move(ticket=other, to=State.OPEN, at=at)
    other.due_at = _due_together(ticket, other)
    other.priority = min(other.priority, ticket.priority)
    other.escalated_at = other.escalated_at or ticket.escalated_at
    if other.escalated_at and other.assignee and not staff_may(other.assignee.role, StaffAction.LEAD_DESK):
        # What was handed up is for the privacy office to take.
        other.assignee, other.claimed_at = None, None
        append_event(ticket=other, body=describe_event(thread_events.IN_QUEUE_OF_OFFICE), author=by, at=at)
    other.last_at = at
    other.save()


def _due_together(ticket: Ticket, other: Ticket) -> datetime:
    """Compute when both are due: what is ours when the first was; what waits, when the last wait is over."""
    if ticket.state in CLOCK_RUNS and other.state in CLOCK_RUNS:
        return min(other.due_at, ticket.due_at)
    if ticket.state == other.state == State.WAITING:
        return max(other.due_at, ticket.due_at)
    return other.due_at


def _fits_behind(mine: Draft, draft: Draft) -> bool:
    return mine.send_at is None and len(mine.body) + len(draft.body) + 2 <= LONGEST


def _put_behind(mine: Draft, draft: Draft) -> None:
    mine.body = "\n\n".join(words for words in (mine.body, draft.body) if words)
    mine.mentions = [*dict.fromkeys([*mine.mentions, *draft.mentions])]
    mine.save(update_fields=["body", "mentions"])
    draft.delete()


def _move_drafts(ticket: Ticket, other: Ticket) -> None:
    """Move drafts, with their files, from the case that ends to the other; what was on its way waits there.

    Where its writer has begun something there too, it is put behind that; what fits nowhere stays to be read, and so
    do its files: they go out with no other answer.
    """
    drafts = Draft.objects.select_for_update(of=("self",)).select_related("user").order_by("id")
    there = {(one.user_id, one.kind): one for one in drafts.filter(ticket=other)}
    stays = {actor_of(one.user) for one in there.values() if one.send_at is not None}
    for draft in drafts.filter(ticket=ticket):
        mine = there.get((draft.user_id, draft.kind))
        if mine is None:
            draft.ticket, draft.send_at, draft.then = other, None, ""
            draft.save(update_fields=["ticket", "send_at", "then"])
        elif _fits_behind(mine, draft):
            _put_behind(mine, draft)
        elif draft.kind == Entry.Kind.ANSWER:
            stays.add(actor_of(draft.user))
    Attachment.objects.filter(ticket=ticket, entry__isnull=True).exclude(author__in=stays).update(ticket=other)


def _colleague(user_id: int | None) -> User | None:
    if user_id is None:
        return None
    user = User.objects.filter(pk=user_id).first()
    if user is None or not works_cases(user=user):
        raise NotNow(_("That person doesn't work on cases."))
    return user


WHY, DESK = "A search at our desk", "Cases"
# For so long the pages of a list belong to the search that was made there last.
GOES_ON_FOR = timedelta(hours=12)


@transaction.atomic
def search(*, asked: str, before: int, user: User, at: datetime) -> Page:
    """Find one page of what fits these words, older than the ticket `before` (0: the newest). Raises StaffOnly.

    The end of a number is shown only where that was asked for.
    """
    name = acting_staff(actor=actor_of(user), action=StaffAction.SEE_TICKETS)
    found = find(asked=asked, at=at, before=before, sees_numbers=staff_may(user.role, StaffAction.REVEAL_PERSON))
    codes: dict[int, list[str]] = {}
    for ticket in found.tickets:
        if ticket.line_id is not None:
            codes.setdefault(ticket.line_id, []).append(ticket.code)
    audit.actions.record_for_lines(
        action="ticket.found", actor=name, at=at, reason=WHY,
        details={line_id: {"tickets": here} for line_id, here in codes.items()},
    )  # fmt: skip
    record_search(where=DESK, criteria={}, actor=name, at=at, found=len(found.tickets))
    listed = rows(tickets=found.tickets, user_id=user.pk, at=at, ending=found.by_number)
    return Page(tuple(listed), str(found.next) if found.next else "")


@transaction.atomic
def find_case(*, asked: str, user: User, at: datetime) -> Ticket | None:
    """Return the one case with this code, which its person finds in their own log; None where it is no case's.

    Raises StaffOnly.
    """
    name = acting_staff(actor=actor_of(user), action=StaffAction.SEE_TICKETS)
    case = case_of(code=code_in(asked), at=at)
    if case is not None and case.line_id is not None:
        audit.actions.record_for_lines(
            action="ticket.found", actor=name, at=at, reason=WHY, details={case.line_id: {"tickets": [case.code]}}
        )
    return case


@transaction.atomic
def export_list(*, title: str, criteria: Mapping[str, str], needed: StaffAction, user: User, at: datetime) -> None:
    """Write down that a list was exported. `criteria`: what it was narrowed to. Raises StaffOnly."""
    name = acting_staff(actor=actor_of(user), action=needed)
    audit.actions.record(
        action="export.taken", actor=name, target="export:list", at=at,
        detail={"in": title, "for": {label: remove_numbers(words) for label, words in criteria.items()}},
    )  # fmt: skip


def record_search(
    *,
    where: str,
    criteria: Mapping[str, str],
    actor: str,
    at: datetime,
    found: int | None = None,
    goes_on: bool = False,
) -> None:
    """Write down that somebody of staff searched. `where`: the list as its page calls it; `criteria`: what, by field.

    What was typed at the desk may be a person's name or words: it is not kept. `goes_on`: a further page of a list, or
    another order of its rows. It is written down too unless it is of the search that they made there last.
    """
    detail: dict[str, object] = {"in": where, "for": {name: remove_numbers(words) for name, words in criteria.items()}}
    if found is not None:
        detail["found"] = found
    act, target = "search.made", f"list:{where.lower()}"
    since = at - GOES_ON_FOR
    if goes_on and audit.queries.get_newest_detail(action=act, actor=actor, target=target, since=since) == detail:
        return
    audit.actions.record(action=act, actor=actor, target=target, at=at, detail=detail)
