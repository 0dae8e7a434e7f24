"""Everything about one incident for whoever is to be told: no person, no number, no line."""

import json
from datetime import UTC, datetime

from support.queries.history import RecordedAct
from support.queries.incidents import DutyState, IncidentPage


def as_json(*, page: IncidentPage, who: str, at: datetime) -> str:
    """Return the same as the printed page, for programs. `who` takes it, `at`."""
    one, found = page.incident, page.affected
    body = {
        "made": {"at": _time(at), "by": who, "from": "Whereabouts"},
        "incident": {
            "id": one.pk,
            "kind": one.kind,
            "what": str(one.get_kind_display()),
            "about": page.about.name if page.about else page.subject,
            "found_by": page.reporter or "the system",
            "reported_at": _time(one.reported_at),
            "happened": one.happened or None,
            "what_was_affected": one.affected or None,
            "opened_at": _time(one.opened_at),
            "acknowledged_at": _time(one.acknowledged_at),
            "closed_at": _time(one.closed_at),
            "assigned_to": page.whose,
        },
        "affected": {
            "lines": found.lines,
            "test_line": page.of_a_test_line,
            "times": found.count,
            "companies": list(found.partners),
            "first_at": _time(found.first_at),
            "last_at": _time(found.last_at),
            "through": found.through,
        },
        "duties": [_duty(duty) for duty in page.duties],
        "timeline": [_format_timeline_entry(done) for done in reversed(page.timeline)],
    }
    return json.dumps(body, indent=2, ensure_ascii=False) + "\n"


def _duty(state: DutyState) -> dict[str, object]:
    told = state.told
    return {
        "what": state.clock.what,
        "source": state.clock.source,
        "counted_from": _time(state.clock.began_at),
        "due_at": _time(state.clock.due_at),
        "done_on": told.on if told else None,
        "reference": told.reference if told else None,
        "written_down_by": state.who or None,
    }


def _format_timeline_entry(done: RecordedAct) -> dict[str, object]:
    return {"at": _time(done.at), "who": done.who, "what": done.what, "more": done.more, "why": done.reason}


def _time(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None
