"""Decide whether a line may still be the same person's, and copy what a line takes over from its predecessor.

Whoever uses a line sees all of its past, and a holder's other lines are theirs as well. So a row that may put a line
into other hands is refused: such a line begins with nothing. A line that continues another of the same user
(separation, transfer) takes its stops over; never its approvals.

A role, a state, a language, a name, an account and a corrected end have no moment of their own in the file: the last
row of a line says how they are now. So a row that says something else than what is known waits (`PendingRows`) until
the file was read. Rows that clash may be cured by a later row: they are tried again then.
"""

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction
from django.db.models import QuerySet

import audit.actions
from accounts.models import Account, Line
from accounts.primitives.sealing import seal, unseal_to_show
from consent.actions.records import FileChoice, record_file_choices
from consent.actions.system_stops import enqueue_orders_for_newly_affected
from consent.domain import change_notices, receipts
from consent.domain.snapshots import lock_line
from consent.models import Choice, LineGate, Origin, RejudgeRequest

type RowFate = tuple[str, str]


@dataclass(frozen=True)
class LineRecord:
    """One checked row of a lines file."""

    n: int
    carrier_id: str
    msisdn: str
    account: str
    holder_name: str
    user_role: Line.UserRole
    state: str
    language: str
    activated_at: datetime
    deactivated_at: datetime | None
    sim_changed_at: datetime | None
    number_changed_at: datetime | None
    forwarding_changed_at: datetime | None
    continues: str

    @property
    def has_number_since(self) -> datetime:
        """From when on the row says that the line has its number."""
        return max(self.activated_at, self.number_changed_at or self.activated_at)

    def is_over_by(self, moment: datetime) -> bool:
        """Return whether the row says that the line had ended by then."""
        return self.deactivated_at is not None and self.deactivated_at <= moment


@dataclass(frozen=True)
class Source:
    """Where rows come from: `actor`, as the trail names who brings them, and since when this import runs."""

    actor: str
    began_at: datetime

    @property
    def is_machine(self) -> bool:
        """Whether a machine brings them, of which each row is in the trail."""
        return self.actor.startswith("client:")

    def is_new_line(self, line: Line) -> bool:
        """Return whether this import is the first that names the line: what it says of it is how it begins."""
        return line.recorded_at >= self.began_at


class PendingRows:
    """What is open of one file. Its size is that of what differs from what is known, not that of the file."""

    def __init__(self) -> None:
        self._waiting: dict[str, tuple[LineRecord, RowFate]] = {}
        self._aside: list[tuple[LineRecord, RowFate]] = []
        self._replaced: list[tuple[LineRecord, RowFate]] = []
        # Of lines with a row put aside: since when the row that had its say last says that the line has its number, and
        # where it stands. The one put aside may stand above it, and yet speak of a newer number.
        self._had_aside: set[str] = set()
        self._last_heard: dict[str, tuple[datetime, int]] = {}
        self._grown: list[int] = []

    def wait(self, record: LineRecord, fate: RowFate) -> None:
        """Keep a row until the file was read. `fate`: what became of it if a later row of its line takes its place."""
        self._replace(record.carrier_id)
        self._waiting[record.carrier_id] = (record, fate)

    def heard(self, record: LineRecord, *, since: datetime) -> None:
        """Note that what is known is now as this row says: a row of the same line that waits does not count any more.

        `since`: of which time of the line's it speaks.
        """
        self._replace(record.carrier_id)
        if record.carrier_id in self._had_aside:
            self._last_heard[record.carrier_id] = since, record.n

    def is_outdated(self, record: LineRecord, *, since: datetime) -> bool:
        """Return whether a row of a later time of the same line, or a later row of the same time, was heard already."""
        last = self._last_heard.get(record.carrier_id)
        return last is not None and last > (since, record.n)

    def defer_conflict(self, record: LineRecord, fate: RowFate) -> None:
        """Keep a row that clashes, with the reason that it is refused for if nothing cures it."""
        self._had_aside.add(record.carrier_id)
        self._aside.append((record, fate))

    def pop_replaced_rows(self) -> list[tuple[LineRecord, RowFate]]:
        """Return the rows whose place others took since this was asked last."""
        replaced, self._replaced = self._replaced, []
        return replaced

    def grew_up(self, line_id: int) -> None:
        """Note that a child's line is an adult's: what others allowed for it is to end once that is written."""
        self._grown.append(line_id)

    def pop_adult_lines(self) -> list[int]:
        """Return the lines that grew up since this was asked last."""
        grown, self._grown = self._grown, []
        return grown

    def to_try(self) -> list[LineRecord]:
        """Return all that is open, in the order of the file; it is open no more."""
        rows = [record for record, _ in [*self._waiting.values(), *self._aside]]
        self._waiting, self._aside = {}, []
        return sorted(rows, key=lambda record: record.n)

    @property
    def clashing(self) -> list[tuple[LineRecord, RowFate]]:
        """The rows that clash so far."""
        return self._aside

    def incurable(self) -> list[tuple[LineRecord, RowFate]]:
        """Return the rows that still clash."""
        clashing, self._aside = self._aside, []
        return clashing

    def _replace(self, carrier_id: str) -> None:
        before = self._waiting.pop(carrier_id, None)
        if before is not None:
            self._replaced.append(before)


CONTINUED = "SELECT DISTINCT continues_line_id FROM accounts_line WHERE continues_line_id = ANY (%s) ORDER BY 1"
SAID_HERE = (Origin.PERSON, Origin.SYSTEM)
DENIALS = (Choice.Kind.STOP, Choice.Kind.REFUSE, Choice.Kind.PAUSE)


@dataclass(frozen=True)
class LineHolder:
    """In whose hands the carrier says that a line is. `holder`: the name, the same on every line of an account."""

    role: str
    account_id: int
    holder: str


def is_same_person(*, before: LineHolder, after: LineHolder) -> bool:
    """Return whether the one who used the line `before` may be the one who uses it `after`.

    Nobody grows younger. An account of another holder's name is somebody else's: there a holder who comes is another
    person, and whoever was none becomes one; on the account where they are, neither can be.
    """
    if after.role == Line.UserRole.MINOR:
        return before.role == Line.UserRole.MINOR
    if after.role != Line.UserRole.HOLDER:
        return True
    elsewhere = before.account_id != after.account_id and before.holder != after.holder
    return elsewhere != (before.role == Line.UserRole.HOLDER)


def get_line_holder(*, line: Line) -> LineHolder:
    """Return in whose hands a line is known to be. A holder whose name no key opens is another than any row names."""
    return LineHolder(line.user_role, line.account_id, unseal_to_show(bytes(line.holder_name_sealed)))


def role_of(*, line: Line, reported: str) -> str:
    """Return the role a row gives a line.

    An adult stays one: an old file must not hand what is theirs alone to others.
    """
    return line.user_role if reported == Line.UserRole.MINOR else reported


def list_news(*, line: Line, record: LineRecord, account: Account) -> dict[str, object]:
    """Return what a row says otherwise than it is known, by the columns that keep it."""
    reported: dict[str, object] = {
        "user_role": role_of(line=line, reported=record.user_role),
        "state": record.state,
        "language": record.language,
        "account": account,
    }
    news = {name: value for name, value in reported.items() if getattr(line, name) != value}
    if unseal_to_show(bytes(line.holder_name_sealed)) != record.holder_name:
        news["holder_name_sealed"] = seal(record.holder_name)
    return news


def make_accounts(*, refs: Collection[str]) -> dict[str, Account]:
    """Return the accounts of these names, and make those that are not there yet."""
    Account.objects.bulk_create([Account(carrier_id=ref) for ref in sorted(refs)], ignore_conflicts=True)
    return {account.carrier_id: account for account in Account.objects.filter(carrier_id__in=refs)}


@transaction.atomic
def copy_predecessor(*, line: Line, actor: str, at: datetime) -> None:
    """Copy to a new line what its predecessor's person has stopped, or we for them, and what files say of before.

    `actor`: who brought the line, as the trail names them; so in all of these. Must run in the transaction that creates
    the line: nothing is known of it yet, so there is nobody to tell.
    """
    if line.continues_line_id is None:
        return
    _wait_for_stops_before(line)
    theirs = Choice.objects.filter(line_id=line.continues_line_id, kind__in=DENIALS, origin__in=SAID_HERE)
    for choice in theirs.order_by("made_at"):
        _copy_choice(line, choice, made_at=choice.made_at, actor=actor, at=at)
    _copy_from_files(line, among=None, actor=actor)


@transaction.atomic
def copy_predecessor_late(*, line: Line, actor: str) -> None:
    """Copy a predecessor's stops to a line that is known already, and to the lines that continue it.

    What a file said keeps its moment, as if the link had been there from the start. What the person said does too
    where nothing newer is known of the line; otherwise it counts from now on, because nothing may be put before what
    was said or shown already. So it can only tighten, until the line's person allows something again.
    """
    _wait_for_stops_before(line)
    lock_line(line_id=line.pk)
    _copy_from_persons(line, among=None, actor=actor)
    copy_to_successors(line_id=line.pk, ids=_copy_from_files(line, among=None, actor=actor), actor=actor)


def _wait_for_stops_before(line: Line) -> None:
    """Wait for whoever is stopping on the line before it; who stops there later waits, and then finds this line."""
    if line.continues_line_id is not None:
        lock_line(line_id=line.continues_line_id)


def _copy_from_persons(line: Line, *, among: Collection[uuid.UUID] | None, actor: str) -> None:
    copied = _copy_each(line, line.continues_line_id, among, actor) if line.continues_line_id is not None else []
    if not copied:
        return
    enqueue_orders_for_newly_affected(line_ids=[line.pk])
    RejudgeRequest.objects.create(line_id=line.pk, since=min(copy.made_at for copy in copied))
    newest = max(copy.recorded_at for copy in copied)
    change_notices.notify_of_imported_changes(line_ids=[line.pk], change=change_notices.Change.RECORDS, at=newest)
    audit.actions.record(
        action="consent.choices_recorded",
        actor=actor,
        target=f"line:{line.pk}",
        at=newest,
        line_id=line.pk,
        detail={"count": len(copied)},
    )
    for successor in Line.objects.filter(continues_line_id=line.pk).order_by("pk"):
        _copy_from_persons(successor, among=[copy.id for copy in copied], actor=actor)


def _copy_each(line: Line, before_id: int, among: Collection[uuid.UUID] | None, actor: str) -> list[Choice]:
    """Copy what was said of the line before it; a restore may have brought copies back. Returns the new ones."""
    theirs = Choice.objects.filter(line_id=before_id, kind__in=DENIALS, origin__in=SAID_HERE)
    if among is not None:
        theirs = theirs.filter(id__in=among)
    there = set(Choice.objects.filter(line_id=line.pk).values_list("id", flat=True))
    fresh = [choice for choice in theirs.order_by("made_at") if _copy_id(line, choice) not in there]
    return [copy for copy in (_copy_late(line, choice, actor) for choice in fresh) if copy is not None]


def _copy_late(line: Line, choice: Choice, actor: str) -> Choice | None:
    """The copy of a choice on a line that may have records of its own; None for a pause that is over."""
    now = lock_line(line_id=line.pk)
    # A statement of its own: the one that waits for the lock sees what was before.
    newest = LineGate.objects.values_list("newest_at", flat=True).get(line_id=line.pk)
    if choice.until is not None and choice.until <= now:
        return None
    made_at = choice.made_at if newest is None or choice.made_at > newest else now
    return _copy_choice(line, choice, made_at=made_at, actor=actor, at=now)


def copy_rows_to_successors(*, ids: Mapping[int, Collection[uuid.UUID]], actor: str) -> None:
    """Copy the late rows of many lines to the lines that continue them. `ids`: by line."""
    with connection.cursor() as cursor:
        cursor.execute(CONTINUED, [list(ids)])
        continued = [line_id for (line_id,) in cursor.fetchall()]
    for line_id in continued:
        copy_to_successors(line_id=line_id, ids=ids[line_id], actor=actor)


def copy_to_successors(*, line_id: int, ids: Collection[uuid.UUID], actor: str) -> None:
    """Late rows of a file reach the lines that continue this one, however far, if they speak of the time before."""
    for successor in Line.objects.filter(continues_line_id=line_id).order_by("pk"):
        copied = _copy_from_files(successor, among=ids, actor=actor)
        if copied:
            copy_to_successors(line_id=successor.pk, ids=copied, actor=actor)


def _copy_from_files(line: Line, *, among: Collection[uuid.UUID] | None, actor: str) -> list[uuid.UUID]:
    if line.continues_line_id is None:
        return []
    copies = [_file_copy(line, choice) for choice in _file_denials(line, line.continues_line_id, among)]
    there = set(Choice.objects.filter(line_id=line.pk, id__in=[one.id for one in copies]).values_list("id", flat=True))
    fresh = [one for one in copies if one.id not in there]
    if fresh:
        record_file_choices(by_line={line.pk: fresh}, actor=actor)
    return [one.id for one in fresh]


def _file_denials(line: Line, before_id: int, among: Collection[uuid.UUID] | None) -> QuerySet[Choice]:
    """What a file said of the line before it until it began, in order."""
    before = Choice.objects.filter(
        line_id=before_id, kind__in=DENIALS, origin=Origin.FILE, made_at__lte=line.activated_at
    )
    if among is not None:
        before = before.filter(id__in=among)
    return before.order_by("made_at", "id")


def _file_copy(line: Line, choice: Choice) -> FileChoice:
    return FileChoice(
        id=_copy_id(line, choice),
        source_id="",
        kind=Choice.Kind(choice.kind),
        scope=choice.scope,
        ref=choice.ref,
        made_at=choice.made_at,
        until=choice.until,
        channel=choice.channel,
        program=choice.program,
        content_hash=b"",
    )


def _copy_choice(line: Line, choice: Choice, *, made_at: datetime, actor: str, at: datetime) -> Choice:
    copy = Choice.objects.create(
        line_id=line.pk,
        id=_copy_id(line, choice),
        kind=choice.kind,
        scope=choice.scope,
        ref=choice.ref,
        made_at=made_at,
        until=choice.until,
        origin=choice.origin,
        channel=choice.channel,
        reason="continued",
        actor=actor,
        recorded_at=at,
    )
    receipts.store_receipt(choice=copy)
    return copy


def _copy_id(line: Line, choice: Choice) -> uuid.UUID:
    return uuid.uuid5(choice.id, f"continued by {line.carrier_id}")
