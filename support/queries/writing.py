"""What somebody of staff needs to write in a case: their draft, who else writes, the answers that are written often."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from django.conf import settings
from django.db.models import QuerySet
from django.utils import translation
from django.utils.dateformat import format as formatted
from django.utils.timezone import localtime
from django.utils.translation import pgettext

from accounts.models import Line, User
from accounts.primitives.zones import zone_of
from partners.labels import party_name
from support.models import Attachment, Draft, Entry, SavedReply, Ticket
from support.policies.lifecycle import CLOCK_RUNS
from support.primitives.tokens import link_to
from support.queries import asked
from support.queries.names import get_staff_name

# What answers written often leave to whoever writes, in whatever language.
TO_FILL_IN = re.compile(r"\[[^\[\]]{3,200}\]")
# Whoever has not gone on with a draft for so long is not writing.
WRITES = timedelta(hours=1)


# What the system opens cases about.
OF_OURSELVES = frozenset({Ticket.Kind.INCIDENT, Ticket.Kind.OVERDUE, Ticket.Kind.PARTIAL})


@dataclass(frozen=True)
class Desk:
    """What somebody writes a case with. `answer`, `note`: what this person has begun; `others`: who else has, by name.

    `on_its_way`: until when the answer may be taken back; None: none is. `is_read`: whether an answer reaches anybody.
    """

    ticket: Ticket
    answer: str
    note: str
    on_its_way: datetime | None
    others: Sequence[str]
    canned: Sequence[SavedReply]
    files: Sequence[Attachment]
    is_read: bool = True


def is_read(*, ticket: Ticket) -> bool:
    """Whether a person reads what is answered: a case that the system opened about no line of anybody's has none."""
    return ticket.kind not in OF_OURSELVES or ticket.line_id is not None


def desk_of(*, ticket: Ticket, user_id: int, at: datetime) -> Desk:
    """All of it, for one person of staff."""
    drafts = list(Draft.objects.filter(ticket=ticket).select_related("user").order_by("updated_at"))
    mine = {draft.kind: draft for draft in drafts if draft.user_id == user_id}
    answer, note = mine.get(Entry.Kind.ANSWER), mine.get(Entry.Kind.NOTE)
    author = f"{User.objects.get(pk=user_id).role}:{user_id}"
    return Desk(
        ticket=ticket,
        answer=answer.body if answer else "",
        note=note.body if note else "",
        on_its_way=answer.send_at if answer else None,
        others=_who_else_writes(drafts, user_id, at),
        canned=list_canned_replies(language=ticket.language),
        files=list(waiting_files(ticket=ticket, author=author)),
        is_read=is_read(ticket=ticket),
    )


def _who_else_writes(drafts: Sequence[Draft], user_id: int, at: datetime) -> list[str]:
    others = [one.user for one in drafts if one.user_id != user_id and one.updated_at > at - WRITES]
    return list(dict.fromkeys(get_staff_name(user=user) for user in others))


def list_canned_replies(*, language: str) -> list[SavedReply]:
    """The answers that are written often, in the person's language where they are in it, else in ours."""
    found: dict[str, SavedReply] = {}
    ours = SavedReply.objects.filter(retired_at__isnull=True, language__in={language, settings.LANGUAGE_CODE})
    for reply in ours.order_by("title"):
        if reply.language == language or reply.key not in found:
            found[reply.key] = reply
    return sorted(found.values(), key=lambda reply: reply.title)


def left_open(*, body: str) -> str:
    """What these words still have of an answer written often that its writer was to fill in, "[…]"; "" for nothing."""
    asked = (one[0] for one in TO_FILL_IN.finditer(body))
    return next((one for one in asked if SavedReply.objects.filter(body__contains=one).exists()), "")


def waiting_files(*, ticket: Ticket, author: str) -> QuerySet[Attachment]:
    """The files beside somebody's draft."""
    mine = Attachment.objects.filter(ticket=ticket, entry__isnull=True, author=author)
    return mine.exclude(scan=Attachment.Scan.REMOVED).order_by("at", "name")


def values_of(*, ticket: Ticket, at: datetime) -> Mapping[str, str]:
    """What stands for each variable in an answer to this case, in its person's language; "" for what it has not."""
    line = Line.objects.filter(pk=ticket.line_id).first() if ticket.line_id else None
    zone = zone_of(line.state if line else "")
    with translation.override(ticket.language):
        day = formatted(localtime(ticket.due_at, zone), pgettext("weekday and day", "D, M j"))
    return {
        "company": _company(ticket, line, at),
        "code": ticket.code,
        # Only while an answer is owed is that date the answer's.
        "due": day if ticket.state in CLOCK_RUNS else "",
        "link": link_to(ticket=ticket),
    }


def _company(ticket: Ticket, line: Line | None, at: datetime) -> str:
    party = asked.party_of(ticket=ticket, at=at)
    if party is not None:
        return party_name(party.name, party.uri)
    kind, ref = ticket.about_kind, ticket.about_ref
    if ticket.kind == Ticket.Kind.DISPUTE:
        kind, ref = asked.CHOICE, ticket.key.partition(":")[2]
    # As the person sees it now: of a row that is hidden there is no name.
    found = asked.subject_of(line=line, kind=kind, ref=ref, at=at) if line else None
    return found.company if found else ""


@dataclass(frozen=True)
class Answers:
    """One answer in all its languages. `missing`: the languages that it is not written in, code and name."""

    key: str
    replies: Sequence[SavedReply]
    missing: Sequence[tuple[str, str]]


def canned_list() -> list[Answers]:
    """Every answer, by name. One query."""
    order = [code for code, _ in settings.LANGUAGES]
    found = []
    for key, each in groupby(SavedReply.objects.order_by("key"), key=lambda reply: reply.key):
        replies = sorted(each, key=lambda reply: order.index(reply.language) if reply.language in order else len(order))
        there = {reply.language for reply in replies}
        found.append(Answers(key, replies, [one for one in settings.LANGUAGES if one[0] not in there]))
    return found


def reply_of(*, reply_id: int) -> SavedReply | None:
    """One of them, or None."""
    return SavedReply.objects.filter(pk=reply_id).first()
