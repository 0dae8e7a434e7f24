"""What a browser's privacy signal stopped whole: since when, and whether that cut off a service that finds people."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from accounts.models import Line
from consent.domain.notices import list_ended_uses
from consent.queries.choices import choice_of
from consent.queries.current_consent import sharing

# A stop of everything by the signal after which nobody said, recorded or received anything that another would stop.
SIGNAL_STOPPED_ALL = """
SELECT stop.id FROM consent_choice stop
WHERE stop.line_id = %(line)s AND stop.kind = 'stop' AND stop.scope = 'all' AND stop.origin = 'person'
    AND stop.channel = 'gpc'
    AND NOT EXISTS (
        SELECT FROM consent_choice newer WHERE newer.line_id = stop.line_id AND newer.id <> stop.id
            AND greatest(newer.made_at, newer.recorded_at) > stop.made_at)
    AND NOT EXISTS (
        SELECT FROM consent_approval newer
        WHERE newer.line_id = stop.line_id AND newer.recorded_at > stop.made_at)
    AND NOT EXISTS (
        SELECT FROM consent_affected(stop.line_id, 'all', '') AS affected (contract_id)
        WHERE affected.contract_id NOT IN (
            SELECT told.contract_id FROM consent_choiceorder told
            WHERE told.line_id = stop.line_id AND told.choice_id = stop.id))
"""


@dataclass(frozen=True)
class WholeSignalStop:
    """A stop of everything by the signal. `state`: the line's; `cuts_help`: whether a lifeline was allowed until it."""

    since: datetime
    state: str
    cuts_help: bool


def find_whole_signal_stop(*, line_id: int, at: datetime) -> WholeSignalStop | None:
    """Return the signal's stop of everything where another stop would stop nothing more."""
    with connection.cursor() as cursor:
        cursor.execute(SIGNAL_STOPPED_ALL, {"line": line_id})
        found: tuple[uuid.UUID] | None = cursor.fetchone()
    choice = choice_of(line_ids=[line_id], choice_id=found[0]) if found else None
    if choice is None:
        return None
    line = Line.objects.get(pk=line_id)
    ended = list_ended_uses(choice=choice, standing=sharing(line=line, at=at))
    return WholeSignalStop(choice.made_at, line.state, any(one.use.lifeline for one in ended))
