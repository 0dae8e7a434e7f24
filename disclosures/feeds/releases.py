"""The disclosures feed and the notices feed: what a line must hold, and what became of each."""

import re
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Annotated, Literal

import msgspec

from disclosures import actions
from disclosures.domain.ingest.rows import Outcome, Report, Row, list_unknown, row_of
from disclosures.models import PathCompleted
from partners.feeds.checking import (
    LONGEST_NAME_BYTES,
    Fate,
    FreeText,
    Instant,
    InstantOrEmpty,
    Metres,
    Msisdn,
    RowRefused,
    Text,
    build_accepted_fate,
    build_rejected_fate,
    build_repeated_fate,
    instant,
    instant_or_none,
    is_blank,
    list_repeated_names,
    metres,
    read,
)
from partners.feeds.command import Feed
from partners.feeds.reading import NumberedLine, Record

LONGEST_PATH = 50
FILLED: dict[str, tuple[str, ...]] = {
    PathCompleted.NOTHING: (),
    PathCompleted.AGGREGATOR: ("aggregator",),
    PathCompleted.LBS_PROVIDER: ("lbs_provider",),
    PathCompleted.BOTH: ("aggregator", "lbs_provider"),
}


class ReportedRelease(msgspec.Struct, frozen=True):
    """One line of a disclosures file as it stands there."""

    id: Text
    occurred_at: Instant
    msisdn: Msisdn
    aggregator: Text
    path: Annotated[list[Text], msgspec.Meta(max_length=LONGEST_PATH)]
    purpose: Text
    scope: Text
    precision_m: Metres
    basis: Literal["approval", "emergency", "legal_process", "network"]
    outcome: Literal["released", "refused"]
    campaign: FreeText | None = None
    decision_id: FreeText | None = None
    authority_ref: FreeText | None = None
    suppressed_until: InstantOrEmpty | None = None


class PlainRelease(msgspec.Struct, frozen=True, gc=False):
    """The same but for the two patterns, which take as long as all the rest: `_plain_row` looks at those itself."""

    id: Text
    occurred_at: str
    msisdn: str
    aggregator: Text
    path: Annotated[list[Text], msgspec.Meta(max_length=LONGEST_PATH)]
    purpose: Text
    scope: Text
    precision_m: Annotated[int, msgspec.Meta(ge=0, le=2_147_483_647)]
    basis: Literal["approval", "emergency", "legal_process", "network"]
    outcome: Literal["released", "refused"]
    campaign: FreeText | msgspec.UnsetType | None = msgspec.UNSET
    decision_id: FreeText | msgspec.UnsetType | None = msgspec.UNSET
    authority_ref: FreeText | msgspec.UnsetType | None = msgspec.UNSET
    suppressed_until: msgspec.UnsetType | None = msgspec.UNSET


DECODER = msgspec.json.Decoder(ReportedRelease)
PLAIN_DECODER = msgspec.json.Decoder(PlainRelease)
# Of the ten names that every line has, and of the eight texts among their values.
QUOTES = 2 * (10 + 8)
PLAIN = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-5][0-9](?:\.[0-9]{1,6})?Z \+[1-9][0-9]{1,14}", re.ASCII
)


class DisclosuresFeed(Feed):
    """Takes disclosures in, chunk by chunk. `gateway`: the client by whose API the gateway reports them."""

    name = "disclosures"
    header = ""
    chunk = 50_000

    def __init__(self, *, gateway: str = "") -> None:
        self.gateway = gateway

    def take(self, *, lines: Sequence[NumberedLine | Record], at: datetime) -> list[Fate]:
        rows, refused = rows_in(lines, at=at)
        outcomes = actions.record(rows=rows, at=at, gateway=self.gateway)
        fates = [fate_of(row, outcome) for row, outcome in zip(rows, outcomes, strict=True)]
        return sorted([*fates, *refused], key=line_number) if refused else fates


def rows_in(lines: Iterable[NumberedLine | Record], *, at: datetime) -> tuple[list[Row], list[Fate]]:
    """Return the rows in these lines, as known at `at`, and what is refused of them as it stands."""
    rows: list[Row] = []
    refused: list[Fate] = []
    for line in lines:
        try:
            rows.append(row_in(line, at=at))
        except RowRefused as reason:
            refused.append(build_rejected_fate(line.number, reason.field, reason.reason))
    return rows, refused


def fate_of(row: Row, outcome: Outcome) -> Fate:
    """Return what became of a row, in the words of the feeds."""
    if outcome.fate == "accepted":
        return build_accepted_fate(row.n, outcome.judgement, FILLED[outcome.path_completed])
    if outcome.fate == "repeated":
        return build_repeated_fate(row.n)
    return build_rejected_fate(row.n, "msisdn" if outcome.fate == "line_unknown" else "id", outcome.fate)


def line_number(fate: Fate) -> int:
    """Return where the line of a fate stands in its file."""
    return int(fate.line)


def row_in(line: NumberedLine | Record, *, at: datetime) -> Row:
    """Return the row in a line, as known at `at`. Raises RowRefused."""
    if isinstance(line, NumberedLine) and not line.problem:
        plain = _plain_row(line, at)
        if plain is not None:
            return plain
    told = read(line, DECODER, ReportedRelease)
    occurred_at = instant("occurred_at", told.occurred_at)
    if occurred_at > at:
        raise RowRefused("occurred_at", "in_future")
    report = Report(
        source_id=told.id,
        occurred_at=occurred_at,
        msisdn=told.msisdn,
        aggregator=told.aggregator,
        path=told.path,
        campaign=told.campaign or "",
        purpose=told.purpose,
        scope=told.scope,
        precision_m=metres("precision_m", told.precision_m),
        basis=told.basis,
        outcome=told.outcome,
        decision_id=told.decision_id or "",
        authority_ref=told.authority_ref or "",
        suppressed_until=instant_or_none("suppressed_until", told.suppressed_until),
    )
    return row_of(report, n=line.number)


def _plain_row(line: NumberedLine, at: datetime) -> Row | None:
    """The row in a line of the most usual kind, in half the time. None: look closer, and say what is wrong if it is."""
    content = line.content
    if len(content) > LONGEST_NAME_BYTES or b"\\u0000" in content:
        return None
    try:
        told = PLAIN_DECODER.decode(content)
        if content.count(b'"') != _quotes_in(told) and list_repeated_names(content):
            return None
        if not _is_plain(told):
            return None
        occurred_at = datetime.fromisoformat(told.occurred_at)
    except (ValueError, RecursionError):
        return None
    if occurred_at > at:
        return None
    return row_of(_plain_report(told, occurred_at), n=line.number)


def _is_plain(told: PlainRelease) -> bool:
    named = not is_blank(told.aggregator) and not any(map(is_blank, told.path))
    return named and PLAIN.fullmatch(f"{told.occurred_at} {told.msisdn}") is not None


def _plain_report(told: PlainRelease, occurred_at: datetime) -> Report:
    return Report(
        told.id,
        occurred_at,
        told.msisdn,
        told.aggregator,
        told.path,
        told.campaign or "",
        told.purpose,
        told.scope,
        told.precision_m,
        told.basis,
        told.outcome,
        told.decision_id or "",
        told.authority_ref or "",
        None,
    )


def _quotes_in(told: PlainRelease) -> int:
    """How many quotation marks this takes to say: where a name stands twice there are more, and that shows at once."""
    quotes = QUOTES + 2 * len(told.path)
    for value in (told.campaign, told.decision_id, told.authority_ref, told.suppressed_until):
        if value is not msgspec.UNSET:
            quotes += 2 if value is None else 4
    return quotes


class ReportedNotice(msgspec.Struct, frozen=True):
    """One line of a notices file. `suppressed_until` null: until further order. `awaited`: its release is to come."""

    disclosure_id: Text
    suppressed_until: Instant | None
    order_ref: FreeText = ""
    awaited: bool | None = None


NOTICE_DECODER = msgspec.json.Decoder(ReportedNotice)


class NoticesFeed(Feed):
    """Takes delayed-notice orders in."""

    name = "notices"
    header = "disclosure_id"
    chunk = 1000

    def take(self, *, lines: Sequence[NumberedLine | Record], at: datetime) -> list[Fate]:
        notices = [_read_notice(line) for line in lines]
        named = [one.disclosure_id for one in notices if isinstance(one, ReportedNotice) and not one.awaited]
        # Each of these is looked for once more in its turn: it may be on its way, or a line above may await it.
        unknown = {*list_unknown(source_ids=named)}
        return [
            _record_notice(one, line.number, at, unknown) if isinstance(one, ReportedNotice) else one
            for line, one in zip(lines, notices, strict=True)
        ]


def _read_notice(line: NumberedLine | Record) -> ReportedNotice | Fate:
    try:
        return read(line, NOTICE_DECODER, ReportedNotice)
    except RowRefused as refused:
        return build_rejected_fate(line.number, refused.field, refused.reason)


def _record_notice(notice: ReportedNotice, number: int, at: datetime, unknown: Collection[str]) -> Fate:
    try:
        until = instant_or_none("suppressed_until", notice.suppressed_until)
    except RowRefused as refused:
        return build_rejected_fate(number, refused.field, refused.reason)
    done = actions.record_notice(
        source_id=notice.disclosure_id, suppressed_until=until, order_ref=notice.order_ref,
        awaited=bool(notice.awaited) or notice.disclosure_id not in unknown, at=at,
    )  # fmt: skip
    if done is None:
        return build_rejected_fate(number, "disclosure_id", "disclosure_unknown")
    hides = until is None or until > at
    warnings = ("disclosure_id hidden_on_arrival",) if hides and not done.has_arrived else ()
    if done.is_new:
        return build_accepted_fate(number, warnings=warnings)
    return build_repeated_fate(number, warnings)
