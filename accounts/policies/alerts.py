"""Which alerts the person of a line wants, and what else a text to it depends on."""

from collections.abc import Collection
from dataclasses import dataclass, fields
from datetime import datetime, timedelta

from accounts.models import AlertChoice, Line, LineTexts

# A line with all that a text to it depends on, in one statement. Each stop asks this and writes one: Django would take
# several times as long to make the statements.
TO_TEXT = """
SELECT line.id, carrier_id, public_id, account_id, holder_name_sealed, user_role, state, language, activated_at,
    deactivated_at, sim_changed_at, number_changed_at, forwarding_changed_at, recorded_at, change_known_at,
    holder_known_at, history_known_at, continues_line_id,
    EXISTS (SELECT FROM accounts_linetexts refused WHERE refused.line_id = line.id) AS refuses_news,
    ARRAY(SELECT topic FROM accounts_alertchoice chosen WHERE chosen.line_id = line.id AND wanted) AS wanted,
    ARRAY(SELECT topic FROM accounts_alertchoice chosen WHERE chosen.line_id = line.id) AS chosen,
    EXISTS (SELECT FROM accounts_separation going WHERE going.line_id = line.id AND going.state IN ('open', 'done')
        AND (going.tell_from IS NULL OR going.tell_from > %(at)s)) AS is_confidential_departure,
    (SELECT msisdn_sealed FROM accounts_linenumber held WHERE held.line_id = line.id AND held.starts_at <= %(at)s
        ORDER BY held.starts_at DESC LIMIT 1) AS number_sealed,
    EXISTS (SELECT FROM accounts_safecontact contact WHERE contact.line_id = line.id
        AND contact.proved_at IS NOT NULL AND contact.ended_at IS NULL) AS has_contact,
    EXISTS (SELECT FROM accounts_message waiting WHERE waiting.line_id = line.id AND waiting.kind = 'reminder'
        AND waiting.words_sealed <> '') AS has_reminder,
    EXISTS (SELECT FROM accounts_message sent WHERE sent.line_id = line.id AND sent.kind = 'confirmed'
        AND sent.made_at > %(lately)s) AS was_confirmed,
    EXISTS (SELECT FROM accounts_lineuser by WHERE by.user_id = %(user)s::bigint AND by.line_id <> line.id) AS is_others
FROM accounts_line line WHERE line.id = %(line)s
"""
# Several stops at once are confirmed by one text.
ONE_CONFIRMATION = timedelta(minutes=1)


@dataclass(frozen=True)
class LineToText:
    """A line with all that a text to it depends on.

    `wanted`, `chosen`: topics. `is_others`: whether whoever acts signs in, or did, by another line than this.
    """

    line: Line
    refuses_news: bool
    wanted: Collection[str]
    chosen: Collection[str]
    is_confidential_departure: bool
    number_sealed: bytes | None
    has_contact: bool
    has_reminder: bool
    was_confirmed: bool
    is_others: bool


COMPUTED = [one.name for one in fields(LineToText) if one.name != "line"]


def has_alerts_off(*, line_id: int) -> bool:
    """Return whether this line's person texted that they want no news by text."""
    return LineTexts.objects.filter(line_id=line_id).exists()


def find_alert_choices(*, line_id: int) -> dict[str, bool]:
    """Find, by topic, whether this line's person wants alerts about it: all but the yearly one, unless they chose."""
    chosen = dict(AlertChoice.objects.filter(line_id=line_id).values_list("topic", "wanted"))
    return {topic: wants_alert(topic=topic, chosen=chosen.get(topic)) for topic in AlertChoice.Topic.values}


def wants_alert(*, topic: str, chosen: bool | None) -> bool:
    """Return whether a person wants alerts about a topic; `chosen`: None where they never chose."""
    return topic != AlertChoice.Topic.YEARLY if chosen is None else chosen


def read_line_to_text(*, line_id: int, at: datetime, user_id: int | None = None) -> LineToText:
    """Read a line with all that a text to it depends on, of what this user does."""
    values = {"line": line_id, "at": at, "lately": at - ONE_CONFIRMATION, "user": user_id}
    (line,) = Line.objects.raw(TO_TEXT, values)
    found = vars(line)
    return LineToText(line, **{name: found[name] for name in COMPUTED})


def wants_text(*, line: LineToText, topic: str) -> bool:
    """Return whether the person of a line wants alerts about a topic, as it was read for texts."""
    return wants_alert(topic=topic, chosen=topic in line.wanted if topic in line.chosen else None)
