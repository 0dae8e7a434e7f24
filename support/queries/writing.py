"""What staff need to write in a case: their draft, who else writes, saved replies, and replies to many people."""

import re
import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils import translation
from django.utils.dateformat import format as formatted
from django.utils.timezone import localtime
from django.utils.translation import pgettext

from accounts.models import Line, User
from accounts.primitives.zones import zone_of
from audit.models import Incident
from partners.labels import party_name
from partners.models import Party
from support.models import Attachment, BulkReply, Draft, Entry, SavedReply, Ticket
from support.policies.lifecycle import CLOCK_RUNS, UNDER_WAY
from support.primitives.tokens import link_to
from support.queries.names import get_staff_name
from support.queries.pending_tickets import parties_of
from support.queries.queue import COUNTED_TO, PAGE, Row
from support.queries.queue import rows as rows_of
from support.queries.titles import TitledCase, title_cases
from support.queries.visible import find_hidden_cases, find_incident, visible_incidents

# What answers written often leave to whoever writes, in whatever language.
TO_FILL_IN = re.compile(r"\[[^\[\]]{3,200}\]")
# Whoever has not gone on with a draft for so long is not writing.
WRITES = timedelta(hours=1)


# What the system opens cases about.
OF_OURSELVES = frozenset({Ticket.Kind.INCIDENT, Ticket.Kind.OVERDUE, Ticket.Kind.PARTIAL})


@dataclass(frozen=True)
class Desk:
    """What somebody writes a case with. `answer`, `note`: what this person has begun; `others`: who else has, by name.

    `mentions`: the colleagues ("agent:7") chosen for the note.
    `on_its_way`: until when the answer may be taken back; None: none is. `is_read`: whether an answer reaches anybody.
    `written`: how much this person has written in the case, by which the page's script knows what is sent.
    `writer_id`: who this person is.
    """

    ticket: Ticket
    title: str
    answer: str
    note: str
    mentions: Sequence[str]
    on_its_way: datetime | None
    others: Sequence[str]
    canned: Sequence[SavedReply]
    files: Sequence[Attachment]
    writer_id: int
    is_read: bool = True
    written: int = 0


def is_read(*, ticket: Ticket) -> bool:
    """Whether a person reads what is answered: a case that the system opened about no line of anybody's has none."""
    return ticket.kind not in OF_OURSELVES or ticket.line_id is not None


def desk_of(*, ticket: Ticket, user_id: int, at: datetime) -> Desk:
    """Return all of it, for one person of staff."""
    drafts = list(Draft.objects.filter(ticket=ticket).select_related("user").order_by("updated_at", "id"))
    mine = {draft.kind: draft for draft in drafts if draft.user_id == user_id}
    answer, note = mine.get(Entry.Kind.ANSWER), mine.get(Entry.Kind.NOTE)
    author = f"{User.objects.get(pk=user_id).role}:{user_id}"
    return Desk(
        ticket=ticket,
        title=_read_title(ticket, at).title,
        answer=answer.body if answer else "",
        note=note.body if note else "",
        mentions=note.mentions if note else (),
        on_its_way=answer.send_at if answer else None,
        others=_who_else_writes(drafts, user_id, at),
        canned=list_canned_replies(language=ticket.language),
        files=list(waiting_files(ticket=ticket, author=author)),
        writer_id=user_id,
        is_read=is_read(ticket=ticket),
        written=Entry.objects.filter(ticket=ticket, author=author).count(),
    )


def _read_title(ticket: Ticket, at: datetime) -> TitledCase:
    (titled,) = title_cases(tickets=[ticket], hidden=find_hidden_cases(at=at), at=at)
    return titled


def _who_else_writes(drafts: Sequence[Draft], user_id: int, at: datetime) -> list[str]:
    others = [one.user for one in drafts if one.user_id != user_id and one.updated_at > at - WRITES]
    return list(dict.fromkeys(get_staff_name(user=user) for user in others))


def list_canned_replies(*, language: str, words: str = "") -> list[SavedReply]:
    """Return the answers that are written often, in the person's language where they are in it, else in ours.

    `words`: only those that have these.
    """
    found: dict[str, SavedReply] = {}
    ours = SavedReply.objects.filter(retired_at__isnull=True, language__in={language, settings.LANGUAGE_CODE})
    for reply in ours.order_by("title"):
        if reply.language == language or reply.key not in found:
            found[reply.key] = reply
    asked = words.casefold()
    has = [one for one in found.values() if asked in f"{one.key}\n{one.title}\n{one.body}".casefold()]
    return sorted(has, key=lambda reply: reply.title)


def left_open(*, body: str) -> str:
    """What these words still have of an answer written often that its writer was to fill in, "[…]"; "" for nothing."""
    asked = (one[0] for one in TO_FILL_IN.finditer(body))
    return next((one for one in asked if SavedReply.objects.filter(body__contains=one).exists()), "")


def waiting_files(*, ticket: Ticket, author: str) -> QuerySet[Attachment]:
    """Return the files beside somebody's draft."""
    mine = Attachment.objects.filter(ticket=ticket, entry__isnull=True, author=author)
    return mine.exclude(scan=Attachment.Scan.REMOVED).order_by("at", "name", "id")


def values_of(*, ticket: Ticket, at: datetime) -> Mapping[str, str]:
    """What stands for each variable in an answer to this case, in its person's language; "" for what it has not."""
    line = Line.objects.filter(pk=ticket.line_id).first() if ticket.line_id else None
    zone = zone_of(line.state if line else "")
    with translation.override(ticket.language):
        day = formatted(localtime(ticket.due_at, zone), pgettext("weekday and day", "D, M j"))
    return {
        "company": _read_title(ticket, at).company,
        "code": ticket.code,
        # Only while an answer is owed is that date the answer's; nobody is promised one by a day that is over.
        "due": day if ticket.state in CLOCK_RUNS and ticket.due_at > at else "",
        "link": link_to(ticket=ticket),
    }


@dataclass(frozen=True)
class Answers:
    """One answer in all its languages. `missing`: the languages that it is not written in, code and name."""

    key: str
    replies: Sequence[SavedReply]
    missing: Sequence[tuple[str, str]]

    @property
    def title(self) -> str:
        """What it is called in the first of its languages."""
        return self.replies[0].title


def canned_list(*, words: str = "") -> list[Answers]:
    """Return every answer, by name, or those with these words in any language. One query."""
    rows = SavedReply.objects.order_by("key")
    if words:
        about = Q(key__icontains=words) | Q(title__icontains=words) | Q(body__icontains=words)
        rows = rows.filter(key__in=SavedReply.objects.filter(about).values("key"))
    order = [code for code, _ in settings.LANGUAGES]
    found = []
    for key, each in groupby(rows, key=lambda reply: reply.key):
        replies = sorted(each, key=lambda reply: order.index(reply.language) if reply.language in order else len(order))
        there = {reply.language for reply in replies}
        found.append(Answers(key, replies, [one for one in settings.LANGUAGES if one[0] not in there]))
    return found


def reply_of(*, reply_id: int) -> SavedReply | None:
    """Return one of them, or None."""
    return SavedReply.objects.filter(pk=reply_id).first()


# People write of what happened to them before we have noticed it.
BEFORE = timedelta(days=30)
MOST_INCIDENTS = 50
NEWEST_REPLIES = 5


@dataclass(frozen=True)
class Hit:
    """An incident that people with open cases were hit by. `people`: how many, each once, up to COUNTED_TO."""

    id: int
    kind: str
    company: str
    opened_at: datetime
    people: int


@dataclass(frozen=True)
class Progress:
    """How far a reply is. `state`: waiting, undone, going, done."""

    reply: BulkReply
    total: int
    done: int
    state: str


@dataclass(frozen=True)
class Recipients:
    """Whom a reply to many reaches. `rows`: the first of `total` cases; `escalated`: how many are left out as such.

    `words`: the reply as the person of the first case reads it.
    """

    rows: Sequence[Row]
    total: int
    escalated: int
    words: str


def incidents(*, at: datetime) -> list[Hit]:
    """Open incidents that people with open cases were hit by, the newest first."""
    found = list(visible_incidents(at=at).filter(closed_at__isnull=True).order_by("-opened_at", "-id")[:MOST_INCIDENTS])
    parties = parties_of(subjects=(one.subject for one in found))
    counted = [
        Hit(
            one.pk, one.get_kind_display(), _name(parties.get(one.subject)), one.opened_at,
            _hit(one).values("line_id").distinct()[:COUNTED_TO].count(),
        )
        for one in found
    ]  # fmt: skip
    return [one for one in counted if one.people]


def list_recipients(*, tickets: QuerySet[Ticket], escalated: int, words: str, user_id: int, at: datetime) -> Recipients:
    """Return these cases as a preview of a reply lists them."""
    first = list(tickets.select_related("assignee")[:PAGE])
    return Recipients(rows_of(tickets=first, user_id=user_id, at=at), tickets.count(), escalated, words)


def hit_by(
    *, incident_id: int, kinds: Collection[str] = (), language: str = "", escalated: bool = False, at: datetime
) -> QuerySet[Ticket]:
    """Open cases of people whom this incident hit: about it, or about its company since shortly before.

    `escalated`: those that were handed up instead, which are the privacy office's to answer, one by one.
    """
    incident = find_incident(incident_id=incident_id, at=at)
    if incident is None:
        return Ticket.objects.none()
    tickets = _hit(incident, escalated=escalated)
    if kinds:
        tickets = tickets.filter(kind__in=kinds)
    return tickets.filter(language=language) if language else tickets


def progress(*, reply_id: uuid.UUID, at: datetime) -> Progress | None:
    """Return how far this reply is; None where there is none."""
    reply = _visible_replies(at).filter(pk=reply_id).first()
    return _progress(reply, at) if reply else None


def list_newest_replies(*, at: datetime) -> list[Progress]:
    """Return how far the newest replies are, so that whoever left the page of one finds it again."""
    return [_progress(reply, at) for reply in _visible_replies(at).order_by("-at", "id")[:NEWEST_REPLIES]]


def _visible_replies(at: datetime) -> QuerySet[BulkReply]:
    return BulkReply.objects.filter(incident_id__in=visible_incidents(at=at).values("pk"))


def _progress(reply: BulkReply, at: datetime) -> Progress:
    return Progress(reply, len(reply.ticket_ids), reply.answered + reply.skipped, _state(reply, at))


def _hit(incident: Incident, *, escalated: bool = False) -> QuerySet[Ticket]:
    about = Q(about_kind="incident", about_ref=str(incident.pk))
    party = parties_of(subjects=[incident.subject]).get(incident.subject)
    if party is not None:
        about |= Q(party_id=party.pk, opened_at__gte=incident.opened_at - BEFORE)
    under_way = Ticket.objects.filter(about, state__in=UNDER_WAY, line_id__isnull=False)
    return under_way.filter(escalated_at__isnull=not escalated)


def _name(party: Party | None) -> str:
    return party_name(party.name, party.uri) if party else ""


def _state(reply: BulkReply, at: datetime) -> str:
    if reply.undone_at:
        return "undone"
    if reply.finished_at:
        return "done"
    return "going" if at >= reply.begins_at else "waiting"
