"""Everything about one line as its subscriber would download it, piece by piece: any size, the same memory."""

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime

from django.db.models import QuerySet

import audit.queries
from accounts.models import Line, LineNumber
from accounts.primitives.sealing import unseal
from audit.models import AuditEvent
from consent.models import Approval, Choice
from consent.queries.approvals import STANDS
from disclosures.queries.visible import visible, with_delay
from partners.models import Contract
from revocations.models import Order

CHUNK = 2000


def export_of(*, line: Line, reader: int | None, at: datetime) -> Iterator[str]:
    """Yield one JSON object: line, choices, approvals, disclosures, orders, access_log. Hidden rows are not there.

    `reader`: the id of the user for whom; None where nobody signs in by the line.
    """
    yield f'{{"line": {json.dumps(_line(line), ensure_ascii=False)}'
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


def _line(line: Line) -> dict[str, object]:
    numbers = LineNumber.objects.filter(line=line).order_by("starts_at")
    return {
        "line_id": line.carrier_id,
        "numbers": [
            {
                "msisdn": unseal(bytes(one.msisdn_sealed)),
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
