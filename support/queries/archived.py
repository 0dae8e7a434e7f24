"""A person's cases in the file with everything about their line: what they see on their pages, and no more."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from django.template.loader import render_to_string

from accounts.models import Line, User
from support.queries.own_cases import Case, Part, cases_of, thread_of


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
