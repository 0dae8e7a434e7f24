"""Reads about people and lines: whose number this is, and what a person is to which lines."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import DateTimeField, Func, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from accounts.models import Delegation, Line, LineNumber, LineUser, TextedCode, User
from accounts.policies import delegations
from accounts.policies.permissions import (
    DELEGATES,
    OF_STAFF,
    OWN,
    Action,
    How,
    Relation,
    StaffAction,
    actor_of,
    get_required_proof,
    may,
    staff_may,
)
from accounts.primitives import numbers
from accounts.primitives.sealing import number_hash, unseal, unseal_to_show
from accounts.primitives.zones import name_of, zone_of

# Every stop asks it three times. Each column by its name: a kept plan outlives a new one.
HOLDS_NUMBER = """
SELECT line.id, carrier_id, public_id, account_id, holder_name_sealed, user_role, state, language, activated_at,
    deactivated_at, sim_changed_at, number_changed_at, forwarding_changed_at, recorded_at, change_known_at,
    holder_known_at, history_known_at, continues_line_id
FROM accounts_linenumber held JOIN accounts_line line ON line.id = held.line_id
WHERE msisdn_hash = %(hash)s AND starts_at <= %(at)s AND (ends_at IS NULL OR ends_at > %(at)s)
    AND activated_at <= %(at)s AND (deactivated_at IS NULL OR deactivated_at > %(at)s) ORDER BY line.id LIMIT 1
"""
NUMBER_OF = """
SELECT msisdn_sealed FROM accounts_linenumber WHERE line_id = %s AND starts_at <= %s ORDER BY starts_at DESC LIMIT 1
"""
# Every page of somebody who is signed in asks this: to have Django make the statement took a fifth of a stop's time.
# Each line by an index: for one condition or the other the whole table would be read.
LINES_OF_PERSON = """
WITH mine AS MATERIALIZED (SELECT line_id FROM accounts_lineuser WHERE user_id = %(user)s AND until IS NULL)
SELECT line.id, carrier_id, public_id, account_id, holder_name_sealed, user_role, state, language, activated_at,
    deactivated_at, sim_changed_at, number_changed_at, forwarding_changed_at, recorded_at, change_known_at,
    holder_known_at, history_known_at, continues_line_id,
    (SELECT msisdn_sealed FROM accounts_linenumber held WHERE held.line_id = line.id AND held.starts_at <= %(at)s
        ORDER BY held.starts_at DESC LIMIT 1) AS number_sealed, (SELECT audit_now()) AS read_at,
    line.id IN (SELECT line_id FROM mine) AS is_own,
    EXISTS (SELECT FROM accounts_delegation
        WHERE user_id = %(user)s AND ended_at IS NULL AND ends_at > %(at)s) AS looks_after,
    (SELECT id FROM accounts_separation going
        WHERE going.from_account_id = line.account_id AND going.state IN ('open', 'done')
            AND (going.tell_from IS NULL OR going.tell_from > %(at)s) LIMIT 1) AS "left"
FROM accounts_line line
WHERE activated_at <= %(at)s AND (deactivated_at IS NULL OR deactivated_at > %(at)s) AND line.id IN (
    SELECT line_id FROM mine
    UNION SELECT other.id FROM mine JOIN accounts_line own ON own.id = mine.line_id AND own.user_role = 'holder'
        JOIN accounts_line other ON other.account_id = own.account_id)
"""
# A line and those that it continues are one person's.
USES_ANOTHER = """
WITH RECURSIVE same (id, before) AS (
    SELECT id, continues_line_id FROM accounts_line WHERE id = %(line)s
    UNION ALL SELECT line.id, line.continues_line_id FROM same JOIN accounts_line line ON line.id = same.before
)
SELECT EXISTS (SELECT FROM accounts_lineuser WHERE user_id = %(user)s AND line_id NOT IN (SELECT id FROM same))
"""
LONGEST_ID = 19
DELEGATED = {
    Delegation.May.SEE: Relation.DELEGATE_SEES, Delegation.May.STOP: Relation.DELEGATE_STOPS,
    Delegation.May.BOTH: Relation.DELEGATE_BOTH,
}  # fmt: skip


class StaffOnly(Exception):
    """Whoever wants to act is not staff of a role that may do that."""


@dataclass(frozen=True)
class PersonsLine:
    """A line as one person stands to it. `msisdn` is its number now ("" if it has none, or no key opens it).

    `delegation`: by which they look after it, where somebody asked them to.
    """

    line: Line
    relation: Relation
    msisdn: str
    delegation: Delegation | None = None

    @property
    def number(self) -> str:
        """The number as pages show it; without its digits where nobody knows them."""
        return numbers.format_phone_number(self.msisdn) if self.msisdn else numbers.mask_number("")

    @property
    def zone(self) -> ZoneInfo:
        """The time zone in which its pages tell the time."""
        return zone_of(self.line.state)

    @property
    def zone_name(self) -> str:
        """What people call that zone."""
        return name_of(self.zone)

    def may(self, action: Action) -> bool:
        """Return whether this person may do `action` with this line."""
        return may(self.relation, action)

    def how(self, action: Action) -> How:
        """Say by what proof."""
        return get_required_proof(self.relation, action)

    @property
    def is_own(self) -> bool:
        """Whether this person is the one who uses it, or did until it ended."""
        return self.relation in OWN

    @property
    def is_delegated(self) -> bool:
        """Whether this person looks after it for somebody else."""
        return self.relation in DELEGATES

    @cached_property
    def _of_others(self) -> dict[str, bool]:
        return {}

    def is_anothers(self, actor: str) -> bool:
        """Return whether who is named so in the ledger came by another line: its holder. One look for each name."""
        known = self._of_others
        if actor not in known:
            known[actor] = has_other_line(actor=actor, line_id=self.line.pk)
        return known[actor]

    @property
    def may_see(self) -> bool:
        """Whether this person may see what the line is about."""
        return self.may(Action.SEE)

    @property
    def may_stop(self) -> bool:
        """Whether this person may stop on this line."""
        return self.may(Action.STOP)

    @property
    def may_dispute(self) -> bool:
        """Whether this person may say that nobody agreed."""
        return self.may(Action.DISPUTE)

    @property
    def may_pause(self) -> bool:
        """Whether this person may pause on this line."""
        return self.may(Action.PAUSE)

    @property
    def may_download(self) -> bool:
        """Whether this person may take away what they see."""
        return self.may(Action.DOWNLOAD)

    @property
    def may_see_log(self) -> bool:
        """Whether this person may see who looked."""
        return self.may(Action.SEE_LOG)

    @property
    def may_allow(self) -> bool:
        """Whether this person may allow on this line: a child may not."""
        return self.may(Action.ALLOW)


def line_of_number(*, msisdn: str, at: datetime) -> Line | None:
    """Return the line (tenure) that holds an E.164 number and is active at `at`, or None."""
    return next(iter(Line.objects.raw(HOLDS_NUMBER, {"hash": number_hash(msisdn), "at": at})), None)


def line_named(*, carrier_id: str, msisdn: str, at: datetime) -> Line | None:
    """Return the active line of this id of the carrier's, or, without one, of this number; None: there is none."""
    if not carrier_id:
        return line_of_number(msisdn=msisdn, at=at)
    return Line.objects.filter(_active(at), carrier_id=carrier_id).first()


def msisdn_of(*, line_id: int, at: datetime) -> str:
    """Return the number a line has at `at`; for an ended line, the last it had until then.

    Raises LineNumber.DoesNotExist.
    """
    number = _get_number(line_id, at)
    if number is None:
        raise LineNumber.DoesNotExist
    return unseal(number)


def find_number(*, line_id: int, at: datetime) -> str:
    """Return the same, or "": it never had one, or no key opens it."""
    number = _get_number(line_id, at)
    return unseal_to_show(number) if number else ""


def _get_number(line_id: int, at: datetime) -> bytes | None:
    with connection.cursor() as cursor:
        cursor.execute(NUMBER_OF, [line_id, at])
        number = cursor.fetchone()
    return bytes(number[0]) if number else None


def current_number(*, line_id: int, at: datetime) -> str:
    """Return the number a line has at `at`, or "" where it has none: the last of an ended line may be another's."""
    msisdn = find_number(line_id=line_id, at=at)
    holder = line_of_number(msisdn=msisdn, at=at) if msisdn else None
    return msisdn if holder is not None and holder.pk == line_id else ""


def get_hold_end(*, line: Line, at: datetime) -> datetime | None:
    """Return until when nobody who signs in by this line may see, allow, or change what lets them in, or None.

    A day from `get_hold_start`.
    """
    return delegations.compute_hold_end(line=line, since=get_hold_start(line=line), at=at)


def get_hold_start(*, line: Line) -> datetime | None:
    """Return since when a change holds what this line opens, however long ago; None: nothing ever did.

    The change, or when we learned of it, whichever is later; or when releases of another line came to it. What the
    tenure began with is no change.
    """
    moments = (line.sim_changed_at, line.number_changed_at, line.forwarding_changed_at)
    changes = [moment for moment in moments if moment is not None and moment > line.activated_at]
    known = [moment for moment in (line.change_known_at, line.history_known_at) if moment is not None]
    return max([*changes, *known], default=None)


def get_hold_end_between(*, own: Line, line: Line, at: datetime) -> datetime | None:
    """Return the same for somebody's own line, by which they are here, and for what came to the line they ask about."""
    ends = (get_hold_end(line=own, at=at), delegations.get_history_hold_end(line=line, at=at))
    return max((end for end in ends if end is not None), default=None)


def may_still(*, user: User, line_id: int, action: Action, at: datetime) -> bool:
    """Return whether a person may do this with a line, unheld where that counts: for what waited for its lock."""
    known = list_lines_of_person(user=user, at=at)
    line = next((one for one in known if one.line.pk == line_id and one.may(action)), None)
    if line is None or line.how(action) is How.CODE:
        return line is not None
    return get_hold_end_between(own=known[0].line, line=line.line, at=at) is None


def code_texts(*, since: datetime) -> dict[str, int]:
    """Return how many texts with codes went out for each purpose since then; of a code sent again, all its texts."""
    counted = TextedCode.objects.filter(sent_at__gt=since).values_list("purpose").annotate(Sum("sends"))
    return {**dict.fromkeys(TextedCode.Purpose.values, 0), **dict(counted)}


def list_lines_of_person(*, user: User, at: datetime) -> list[PersonsLine]:
    """Return every line this person may know of, their own first: what /lines/ lists.

    Of another adult's line on their account they know that it is there, by the number it began with, and nothing more.
    A person whose own line has ended knows of that one alone. One query, whatever the number of lines; up to five more
    where somebody asked them to look after a line, one left their account in confidence, or one has another number.
    """
    lines = _lines_by_account(user, at)
    own = lines[0] if lines and vars(lines[0])["is_own"] else None
    if own is None:
        return _ended_line(user)
    relation = Relation.MINOR_USER if own.user_role == Line.UserRole.MINOR else Relation.ADULT_USER
    known = [_persons_line(own, relation)]
    if own.user_role == Line.UserRole.HOLDER:
        known += _list_account_lines(own, lines[1:], at)
    if vars(own)["looks_after"]:
        known += _list_helped_lines(user, at, known)
    return known


def _lines_by_account(user: User, at: datetime) -> list[Line]:
    """The line that this person uses and, if they hold its account, the others on it; their own first."""
    found = Line.objects.raw(LINES_OF_PERSON, {"user": user.pk, "at": at})
    return sorted(found, key=lambda line: (not vars(line)["is_own"], line.activated_at, line.pk))


def list_visible_lines(*, user: User, at: datetime) -> list[PersonsLine]:
    """Return the lines whose recipients, history and choices this person may see, their own first."""
    return [line for line in list_lines_of_person(user=user, at=at) if line.may(Action.SEE)]


def acting_staff(*, actor: str, action: StaffAction) -> str:
    """Return the one name of who acts ("officer:7"), if active staff whose role may do `action`. Raises StaffOnly.

    Names are compared to tell two officers apart, so there is one for each person.
    """
    user = _get_acting_staff(actor)
    if user is None or not staff_may(user.role, action):
        raise StaffOnly(f"{actor} may not do this ({action.replace('_', ' ')})")
    return actor_of(user)


def require_logged_staff_act(*, actor: str, action: Action) -> str:
    """Return the one name of staff who read or do something about one person, which the caller logs.

    Raises StaffOnly.
    """
    user = _get_acting_staff(actor)
    if user is None or get_required_proof(OF_STAFF.get(user.role, Relation.STRANGER), action) is not How.GLASS:
        raise StaffOnly(f"{actor} may not do this ({action.replace('_', ' ')})")
    return actor_of(user)


def list_delegation_requests(*, line: PersonsLine, at: datetime) -> list[PersonsLine]:
    """Return what whoever signs in by `line` was asked to look after, and has not answered."""
    asked = delegations.list_open_requests(line_id=line.line.pk, at=at)
    return _list_delegated_lines([one for one in asked if one.line_id != line.line.pk], at)


def user_of_line(*, line_id: int) -> User | None:
    """Return who signs in by this line now, or None when nobody has yet."""
    current = LineUser.objects.select_related("user").filter(line_id=line_id, until__isnull=True).first()
    return current.user if current else None


def has_other_line(*, actor: str, line_id: int) -> bool:
    """Return whether a person of the ledger ("subscriber:7") signs in, or did, by a line that this doesn't continue."""
    user_id = get_subscriber_id(actor=actor)
    if user_id is None:
        return False
    with connection.cursor() as cursor:
        cursor.execute(USES_ANOTHER, {"user": user_id, "line": line_id})
        ((uses_another,),) = cursor.fetchall()
    return bool(uses_another)


def get_subscriber_id(*, actor: str) -> int | None:
    """Return whose name in the ledger this is ("subscriber:7"); None: no subscriber's."""
    role, _, number = actor.partition(":")
    return int(number) if role == User.Role.SUBSCRIBER and is_id(text=number) else None


def answering_line(*, line: Line, at: datetime) -> Line | None:
    """Return the line whose phone answers a company's question: its own; for a child's line, the account holder's.

    None where there is none: the line has ended, or no line of the account is the holder's. Of several of the
    holder's, the one that we have known as theirs for longest, whatever a file says of how old it is.
    """
    wanted = Q(pk=line.pk)
    if line.user_role == Line.UserRole.MINOR:
        wanted = Q(account=line.account_id, user_role=Line.UserRole.HOLDER)
    theirs_since = Coalesce("holder_known_at", "recorded_at")
    return Line.objects.filter(_active(at), wanted).order_by(theirs_since, "activated_at", "pk").first()


def _get_acting_staff(actor: str) -> User | None:
    role, _, number = actor.partition(":")
    return User.objects.filter(pk=int(number), role=role, is_active=True).first() if is_id(text=number) else None


def is_id(*, text: str) -> bool:
    """Return whether this text is what a person's id looks like."""
    return text.isdecimal() and text.isascii() and len(text) < LONGEST_ID


def _get_holder_relation(own: Line, line: Line, holder_name: str, at: datetime) -> Relation:
    """What a holder is to another line of their account: for a day after one came to the other they see nothing."""
    if line.user_role == Line.UserRole.MINOR:
        relation = Relation.HOLDER_OF_MINOR
    elif delegations.is_same_holder(line=line, holder_name=holder_name):
        relation = Relation.SAME_HOLDER
    else:
        return Relation.HOLDER_OF_ADULT
    return relation if delegations.get_relation_hold_end(own=own, line=line, at=at) is None else Relation.NEW_HOLDER


def _list_account_lines(own: Line, others: Sequence[Line], at: datetime) -> list[PersonsLine]:
    """The other lines of an account as its holder knows them, also one that left it in confidence.

    Another adult's line has the number there that it began with: whoever changed it may have done so to escape.
    """
    found = _find_lines_for_holder(own, others, at)
    unknown = [one for one in found.values() if one.relation == Relation.HOLDER_OF_ADULT]
    began = _first_numbers([one.line.pk for one in unknown if one.line.number_changed_at or not one.msisdn])
    known = [replace(one, msisdn=began.get(one.line.pk, one.msisdn)) for one in found.values()]
    return sorted(known, key=lambda one: (one.line.activated_at, one.line.pk))


def _find_lines_for_holder(own: Line, others: Sequence[Line], at: datetime) -> dict[int, PersonsLine]:
    holder_name = unseal_to_show(own.holder_name_sealed)
    found = {line.pk: _persons_line(line, _get_holder_relation(own, line, holder_name, at)) for line in others}
    for left in delegations.list_confidential_departures(account_id=own.account_id, at=at) if vars(own)["left"] else ():
        if left.line_id != own.pk:
            found.setdefault(left.line_id, PersonsLine(line=left.line, relation=Relation.HOLDER_OF_ADULT, msisdn=""))
    return found


def _first_numbers(line_ids: Collection[int]) -> dict[int, str]:
    """The number that each of these lines began with. One query, and none for no line."""
    rows = LineNumber.objects.filter(line__in=line_ids).order_by("-starts_at") if line_ids else []
    return {row.line_id: unseal_to_show(row.msisdn_sealed) for row in rows}


def _list_helped_lines(user: User, at: datetime, known: Sequence[PersonsLine]) -> list[PersonsLine]:
    """What somebody asked this person to look after, but for the lines that they see already."""
    seen = {one.line.pk for one in known if one.may_see}
    asked = delegations.list_received_delegations(user=user, at=at)
    return _list_delegated_lines([one for one in asked if one.line_id not in seen], at)


def _list_delegated_lines(asked: Sequence[Delegation], at: datetime) -> list[PersonsLine]:
    by_line = {one.line_id: one for one in asked}
    lines = _lines(at).filter(pk__in=by_line) if by_line else []
    found = {line.pk: line for line in lines}
    return [
        _persons_line(found[line_id], DELEGATED[Delegation.May(delegation.may)], delegation)
        for line_id, delegation in by_line.items()
        if line_id in found
    ]


def _ended_line(user: User) -> list[PersonsLine]:
    """The line that somebody used until it ended; the number is the last it had."""
    last = LineUser.objects.filter(user=user, until__isnull=False, line__deactivated_at__isnull=False)
    found = last.select_related("line").order_by("-until").first()
    if found is None:
        return []
    msisdn = find_number(line_id=found.line_id, at=found.until or found.since)
    return [PersonsLine(line=found.line, relation=Relation.EX_USER, msisdn=msisdn)]


def _lines(at: datetime) -> QuerySet[Line]:
    current = LineNumber.objects.filter(line=OuterRef("pk"), starts_at__lte=at).order_by("-starts_at")
    return Line.objects.filter(_active(at)).annotate(
        number_sealed=Subquery(current.values("msisdn_sealed")[:1]),
        read_at=Func(function="audit_now", output_field=DateTimeField()),
    )


def _persons_line(line: Line, relation: Relation, delegation: Delegation | None = None) -> PersonsLine:
    msisdn = unseal_to_show(sealed) if (sealed := vars(line)["number_sealed"]) else ""
    return PersonsLine(line=line, relation=relation, msisdn=msisdn, delegation=delegation)


def _active(at: datetime) -> Q:
    return Q(activated_at__lte=at) & (Q(deactivated_at__isnull=True) | Q(deactivated_at__gt=at))
