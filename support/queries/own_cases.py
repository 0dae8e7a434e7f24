"""A person's own cases, as they see them: what they wrote and what we answered. No note, no name of staff, no evidence.

A case is read by whoever wrote it, as long as they may on its line; one that "I never agreed" opened, by whoever may on
that line. Of all else there is nothing here.
"""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Q, QuerySet
from django.template.loader import render_to_string

from accounts.models import Line, User
from accounts.primitives.zones import zone_of
from partners.labels import party_name
from support.labels import TOPIC
from support.models import Attachment, Entry, Ticket
from support.policies.lifecycle import is_late
from support.queries import companies, subjects
from support.queries.pending_tickets import with_merged

SHOWN = (Entry.Kind.HEARD, Entry.Kind.ANSWER)
OPEN_STATES = (Ticket.State.OPEN, Ticket.State.WAITING, Ticket.State.PARTNER)
MOST = 200


@dataclass(frozen=True)
class Case:
    """One case in a list. `subject` None: about nothing in particular, or about what is not to be seen now.

    `company`: whom we asked, where we wait for a company and it may be named.
    """

    ticket: Ticket
    subject: subjects.Subject | None
    company: str
    late: bool
    zone: ZoneInfo

    @property
    def topic(self) -> str:
        """What it is about, in the reader's words."""
        return str(TOPIC.get(Ticket.Kind(self.ticket.kind), TOPIC[Ticket.Kind.OTHER]))


@dataclass(frozen=True)
class Part:
    """One thing that was written. `mine`: by the person; else by us."""

    at: datetime
    body: str
    mine: bool
    by_mail: bool
    language: str
    files: Sequence[Attachment]


def cases_of(*, user: User, lines: Mapping[int, Line], at: datetime) -> list[Case]:
    """Return the cases of a person on these lines, those under way first, then the newest."""
    found = _theirs(user, lines).exclude(state=Ticket.State.MERGED).order_by("-last_at", "-opened_at", "-pk")[:MOST]
    cases = [build_own_case(ticket=ticket, line=lines[ticket.line_id or 0], at=at) for ticket in found]
    return sorted(cases, key=lambda case: case.ticket.state not in OPEN_STATES)


def case_of(*, code: str, user: User, line_ids: Collection[int], locked: bool = False) -> Ticket | None:
    """One case of this person's, or None: another's, and one that there is not, are the same. `locked`: for update.

    The code is taken as people type it.
    """
    typed = code.strip().upper()
    if "\x00" in typed:
        return None
    rows = _theirs(user, line_ids).filter(code=typed)
    return (rows.select_for_update(of=("self",)) if locked else rows).first()


def build_own_case(*, ticket: Ticket, line: Line | None, at: datetime) -> Case:
    """Return a case as its person sees it. `line`: its line, None for one without."""
    subject = None
    if line is not None and ticket.about_kind:
        subject = subjects.subject_of(line=line, kind=ticket.about_kind, ref=ticket.about_ref, at=at)
    elif line is not None and (choice_id := subjects.get_disputed_choice(ticket=ticket)):
        subject = subjects.subject_of(line=line, kind=subjects.CHOICE, ref=choice_id, at=at)
    waits = ticket.state == Ticket.State.PARTNER
    return Case(
        ticket=ticket,
        subject=subject,
        company=_company(ticket, at) if waits else "",
        zone=zone_of(line.state if line else ""),
        late=is_late(ticket=ticket, at=at),
    )


def thread_of(*, ticket: Ticket) -> list[Part]:
    """Return what was written on both sides, the oldest first, in cases that were merged into it too."""
    cases = with_merged(ticket=ticket)
    entries = Entry.objects.filter(ticket__in=cases, kind__in=SHOWN).order_by("at", "id")
    files: dict[int, list[Attachment]] = {}
    for file in Attachment.objects.filter(ticket__in=cases, entry__isnull=False).order_by("at", "name", "id"):
        files.setdefault(file.entry_id or 0, []).append(file)
    return [
        Part(
            at=entry.at, body=entry.body, mine=entry.kind == Entry.Kind.HEARD,
            by_mail=entry.channel == Entry.Channel.MAIL, language=entry.language, files=files.get(entry.pk, ()),
        )
        for entry in entries
    ]  # fmt: skip


def list_merged_codes(*, ticket: Ticket) -> list[str]:
    """Return the codes of the cases that were merged into this one, the oldest first: each is answered here."""
    merged = Ticket.objects.filter(pk__in=with_merged(ticket=ticket)).exclude(pk=ticket.pk)
    return list(merged.order_by("opened_at", "id").values_list("code", flat=True))


def file_of(*, ticket: Ticket, file_id: UUID) -> Attachment | None:
    """Return a file that the person may open: of what they or we wrote in this case's thread, and found clean."""
    return Attachment.objects.filter(
        ticket__in=with_merged(ticket=ticket), id=file_id, entry__kind__in=SHOWN, scan=Attachment.Scan.CLEAN
    ).first()


def find_mailed_case(*, code: str) -> Ticket | None:
    """A case that began with a mail from nobody we know, or the one that it goes on as; None for all else, and ""."""
    of_nobody = Ticket.objects.filter(code=code, line_id__isnull=True, asked_by__isnull=True)
    ticket = of_nobody.exclude(mail_sealed=b"").first()
    return ticket.list_chain()[-1] if ticket is not None else None


def dispute_of(*, user: User, line_ids: Collection[int], choice_id: UUID) -> Ticket | None:
    """Return the case that "I never agreed" opened by this choice, if this person may read it."""
    return _theirs(user, line_ids).filter(key=f"choice:{choice_id}").first()


def _theirs(user: User, line_ids: Collection[int]) -> QuerySet[Ticket]:
    of_nobody = Q(asked_by__isnull=True, kind=Ticket.Kind.DISPUTE)
    return Ticket.objects.filter(Q(asked_by=user) | of_nobody, line_id__in=list(line_ids))


def _company(ticket: Ticket, at: datetime) -> str:
    party = companies.party_of(ticket=ticket, at=at)
    return party_name(party.name, party.uri) if party else ""


def cases(*, line: Line, reader: User, at: datetime, shown: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """A page and the same as data; nothing where there is no case. Files themselves are not in it, only their names."""
    found = [(case, thread_of(ticket=case.ticket)) for case in cases_of(user=reader, lines={line.pk: line}, at=at)]
    found = [(case, parts) for case, parts in found if case.ticket.opened_at <= at]
    if found:
        yield "cases.html", render_to_string("archive/cases.html", {**shown, "cases": found})
        yield "data/cases.json", json.dumps([_as_data(*one) for one in found], indent=2, ensure_ascii=False)


def _as_data(case: Case, parts: Sequence[Part]) -> dict[str, object]:
    ticket = case.ticket
    return {
        "code": ticket.code,
        "kind": ticket.kind,
        "state": ticket.state,
        "about": {"kind": case.subject.kind, "id": case.subject.ref} if case.subject else None,
        "opened_at": ticket.opened_at.isoformat(),
        "due_at": ticket.due_at.isoformat(),
        "rating": ticket.rating,
        "thread": [
            {
                "at": part.at.isoformat(),
                "by": "you" if part.mine else "support",
                "text": part.body,
                "files": [file.name for file in part.files],
            }
            for part in parts
        ],
    }
