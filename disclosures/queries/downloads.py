"""Write what a person downloads: the history as CSV or JSON, and an archive of everything about one line.

Row by row and piece by piece: any size takes the same memory.
"""

import csv
import io
import json
import uuid
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime

from django.db import connection
from django.db.models import QuerySet

import audit.queries
from accounts.models import Line, LineNumber
from accounts.primitives.sealing import unseal_bytes, unseal_to_show
from audit.models import AuditEvent
from consent.models import Approval, Choice, InvalidatedApproval
from consent.queries.approvals import STANDS
from disclosures.labels import describe_outcome, judgement_in_words
from disclosures.models import Archive, ArchivePart, Disclosure
from disclosures.queries.visible import HIDES, visible, with_delay
from partners.labels import party_name, purpose_in_words
from partners.models import Contract, Party
from revocations.models import Order

CHUNK = 2000
COLUMNS = (
    "id",
    "occurred_at",
    "aggregator",
    "path",
    "path_names",
    "path_completed",
    "campaign",
    "purpose",
    "purpose_in_words",
    "scope",
    "precision_m",
    "basis",
    "outcome",
    "judgement",
    "judgement_in_words",
    "told_later",
)
# As spreadsheets have it, some of which take the wide characters of other scripts as well.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def as_csv(*, rows: Iterable[Disclosure]) -> Iterator[str]:
    """CSV with a header, UTF-8, times in UTC. A cell that a spreadsheet would run as a formula is quoted off."""
    names = _Names()
    yield "\ufeff" + _line(COLUMNS)
    for row in rows:
        yield _line([plain_cell(value=value) for value in _values(row, names).values()])


def as_json(*, rows: Iterable[Disclosure], line: str, at: datetime) -> Iterator[str]:
    """Yield one JSON object: the line's public id, when it was made, and `disclosures`, newest first."""
    names = _Names()
    yield f'{{"line": {json.dumps(line)}, "made_at": {json.dumps(_instant(at))}, "disclosures": ['
    between = "\n"
    for row in rows:
        values: dict[str, object] = {**_values(row, names), "path": row.path, "told_later": bool(vars(row)["delayed"])}
        values["path_names"] = [names.of(uri) for uri in row.path]
        yield between + json.dumps(values, ensure_ascii=False)
        between = ",\n"
    yield "\n]}\n"


class _Names:
    """Names by address, read when first met: few, whatever the number of rows."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def of(self, uri: str) -> str:
        if uri not in self._known:
            party = Party.objects.filter(uri=uri).first()
            self._known[uri] = party_name(party.name if party else "", uri)
        return self._known[uri]


def _values(row: Disclosure, names: _Names) -> dict[str, object]:
    return dict(
        zip(
            COLUMNS,
            (
                row.source_id,
                _instant(row.occurred_at),
                row.aggregator,
                " > ".join(row.path),
                " > ".join(names.of(uri) for uri in row.path),
                row.path_completed,
                row.campaign,
                row.purpose,
                purpose_in_words(row.purpose),
                row.scope,
                row.precision_m,
                row.basis,
                row.outcome,
                row.judgement,
                judgement_in_words(describe_outcome(row)),
                "yes" if vars(row)["delayed"] else "",
            ),
            strict=True,
        )
    )


def plain_cell(*, value: object) -> object:
    """Return a value that no spreadsheet runs as a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_STARTS) else value


def _line(values: Iterable[object]) -> str:
    written = io.StringIO()
    csv.writer(written).writerow(values)
    return written.getvalue()


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


# What the archive holds and an order hides by now: a row that was there, and not hidden, at its moment.
HIDDEN_SINCE = """
SELECT EXISTS (
    SELECT FROM (
        SELECT DISTINCT ON (disclosure_id) disclosure_id, suppressed_until, recorded_at
        FROM disclosures_delayednotice WHERE line_id = %(line)s ORDER BY disclosure_id, number DESC
    ) n JOIN disclosures_disclosure d ON d.line_id = %(line)s AND d.id = n.disclosure_id
    WHERE <hides> AND n.recorded_at > %(as_of)s AND d.recorded_at <= %(as_of)s
        AND NOT EXISTS (
            SELECT FROM (
                SELECT suppressed_until FROM disclosures_delayednotice earlier
                WHERE earlier.line_id = %(line)s AND earlier.disclosure_id = d.id AND earlier.recorded_at <= %(as_of)s
                ORDER BY earlier.number DESC LIMIT 1
            ) was WHERE was.suppressed_until IS NULL OR was.suppressed_until > %(as_of)s))
""".replace("<hides>", HIDES)


def archive_of(*, line_id: int, user_id: int, at: datetime) -> Archive | None:
    """Return the archive that this person asked for of this line; None: there is none, or its day is over.

    One that tells what its person may no longer read is not there either.
    """
    found = Archive.objects.filter(line_id=line_id, user_id=user_id, expires_at__gt=at).first()
    return None if found is None or tells_too_much(archive=found, at=at) else found


def tells_too_much(*, archive: Archive, at: datetime) -> bool:
    """Return whether this archive tells what an order hides by now, or a yes that is known by now to be another's."""
    if archive.as_of is None:
        return False
    if InvalidatedApproval.objects.filter(line_id=archive.line_id, recorded_at__gt=archive.as_of).exists():
        return True
    with connection.cursor() as cursor:
        cursor.execute(HIDDEN_SINCE, {"line": archive.line_id, "at": at, "as_of": archive.as_of})
        ((hidden,),) = cursor.fetchall()
    return bool(hidden)


def bytes_of(*, archive_id: uuid.UUID) -> Iterator[bytes]:
    """Yield the archive, a part at a time."""
    for number in ArchivePart.objects.filter(archive_id=archive_id).order_by("number").values_list("number", flat=True):
        yield unseal_bytes(ArchivePart.objects.values_list("sealed", flat=True).get(pk=(archive_id, number)))


def export_of(*, line: Line, reader: int | None, at: datetime) -> Iterator[str]:
    """Yield one JSON object: line, choices, approvals, disclosures, orders, access_log. Hidden rows are not there.

    `reader`: the id of the user for whom; None where nobody signs in by the line.
    """
    yield f'{{"line": {json.dumps(_encode_line(line), ensure_ascii=False)}'
    for name, rows in (
        ("choices", _choices(line)),
        ("approvals", _approvals(line)),
        ("disclosures", _disclosures(line, at)),
        ("orders", _orders(line)),
        ("access_log", _access_log(line, reader)),
    ):
        yield f', "{name}": ['
        yield from _format_rows(rows)
        yield "]"
    yield "}\n"


def _format_rows(rows: Iterable[Mapping[str, object]]) -> Iterator[str]:
    between = "\n"
    for row in rows:
        yield between + json.dumps(row, ensure_ascii=False)
        between = ",\n"


def _encode_line(line: Line) -> dict[str, object]:
    numbers = LineNumber.objects.filter(line=line).order_by("starts_at")
    return {
        "line_id": line.carrier_id,
        "numbers": [
            {
                "msisdn": unseal_to_show(bytes(one.msisdn_sealed)),
                "since": _format_moment(one.starts_at),
                "until": _format_moment(one.ends_at),
            }
            for one in numbers
        ],
        "user_role": line.user_role,
        "state": line.state,
        "language": line.language,
        "activated_at": _format_moment(line.activated_at),
        "deactivated_at": _format_moment(line.deactivated_at),
    }


def _choices(line: Line) -> Iterator[dict[str, object]]:
    for row in Choice.objects.filter(STANDS, line_id=line.pk).order_by("-made_at", "id").iterator(chunk_size=CHUNK):
        yield {
            "id": str(row.id),
            "kind": row.kind,
            "scope": row.scope,
            "ref": row.ref,
            "made_at": _format_moment(row.made_at),
            "until": _format_moment(row.until),
            "origin": row.origin,
            "channel": row.channel,
            "program": row.program,
        }


def _approvals(line: Line) -> Iterator[dict[str, object]]:
    for row in (
        Approval.objects.filter(STANDS, line_id=line.pk)
        .order_by("-captured_at", "campaign", "id")
        .iterator(chunk_size=CHUNK)
    ):
        yield {
            "id": row.source_id,
            "campaign": row.campaign,
            "method": row.method,
            "captured_at": _format_moment(row.captured_at),
            "captured_by": row.captured_by,
            "wording": row.wording,
            "language": row.language,
            "evidence_ref": row.evidence_ref,
            "expires_at": _format_moment(row.expires_at),
            "verified_by": row.verified_by,
        }


def _disclosures(line: Line, at: datetime) -> Iterator[dict[str, object]]:
    known = visible(line_id=line.pk, at=at).filter(recorded_at__lte=at)
    rows = with_delay(rows=known, line_id=line.pk).order_by("-occurred_at", "-id")
    for row in rows.iterator(chunk_size=CHUNK):
        yield {
            "id": row.source_id,
            "occurred_at": _format_moment(row.occurred_at),
            "aggregator": row.aggregator,
            "path": row.path,
            "path_completed": row.path_completed,
            "campaign": row.campaign,
            "purpose": row.purpose,
            "scope": row.scope,
            "precision_m": row.precision_m,
            "basis": row.basis,
            "outcome": row.outcome,
            "judgement": row.judgement,
            "basis_doubtful": row.basis_doubtful,
            "told_later": bool(vars(row)["delayed"]),
        }


def _orders(line: Line) -> Iterator[dict[str, object]]:
    agreements = {contract.pk: contract for contract in Contract.objects.select_related("aggregator").order_by("pk")}
    for row in Order.objects.filter(line_id=line.pk).order_by("-queued_at", "id").iterator(chunk_size=CHUNK):
        contract = agreements[row.contract_id]
        yield {
            "agreement": contract.ref,
            "partner": contract.aggregator.uri,
            "epoch": row.epoch,
            "version": row.version,
            "state": row.state,
            "queued_at": _format_moment(row.queued_at),
            "sent_at": _format_moment(row.sent_at),
            "acknowledged_at": _format_moment(row.acknowledged_at),
            "completed_at": _format_moment(row.completed_at),
            "still_allowed": row.snapshot["state"],
            "must": row.snapshot["required_actions"],
        }


def _access_log(line: Line, reader: int | None) -> Iterator[dict[str, object]]:
    for event in events_for(line=line, reader=reader).iterator(chunk_size=CHUNK):
        yield {"at": _format_moment(event.at), "action": event.action, "actor": event.actor, "reason": event.reason}


def events_for(*, line: Line, reader: int | None) -> QuerySet[AuditEvent]:
    """Return what is in the log of a line for this user to take away: nothing that anybody asked in confidence."""
    own = reader is not None and line.line_users.filter(user_id=reader, until__isnull=True).exists()
    return audit.queries.events_of_line(line_id=line.pk, reader=f"subscriber:{reader}", own=own)


def _format_moment(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z") if moment else None
