"""One comparison of a partner's books with ours: how much differs, by kind, and the rows behind it.

No list or file names a line: it has a code that is good for this comparison alone. Whose it is shows only on the
finding's own page, to staff who say why they look.
"""

import uuid
from base64 import b32encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Count as Counted
from django.db.models import QuerySet

from accounts.primitives.sealing import compute_hmac
from audit.models import Incident
from consent.models import DigestFinding, DigestRun
from partners.labels import purpose_in_words, sanitise_text
from partners.models import Contract, PairwiseSubject
from revocations.models import Standing
from support.queries import names
from support.queries.exports import csv_lines, in_parts

COLUMNS = ("line_code", "kind", "contract", "location_service", "purpose", "scope", "our_order_allowed_it", "found_at")


@dataclass(frozen=True)
class RunPage:
    """One comparison. `kept`: how many rows of each kind are behind its counts; `to_come`: buckets still to be sent."""

    run: DigestRun
    party: names.NamedTarget
    counts: Sequence[tuple[DigestFinding.Kind, int, int]]
    same: int
    to_come: int
    incident: Incident | None


@dataclass(frozen=True)
class Finding:
    """One difference as a list shows it. `use`: what for, in words; "" where it is of no campaign of ours."""

    row: DigestFinding
    code: str
    contract: str
    use: str


@dataclass(frozen=True)
class FindingPage:
    """One difference with whose it is: `sub` is the partner's own name for the line. `order_id`: its newest order."""

    run: DigestRun
    finding: Finding
    party: names.NamedTarget
    sub: str
    order_id: uuid.UUID | None


def run_page(*, run_id: uuid.UUID) -> RunPage | None:
    """Return one comparison with its counts; None where there is none."""
    run = DigestRun.objects.filter(pk=run_id).first()
    if run is None:
        return None
    kept = dict(DigestFinding.objects.filter(run=run).values_list("kind").annotate(Counted("pk")))
    return RunPage(
        run=run,
        party=names.targets(wanted={("party", run.party_id)})["party", run.party_id],
        counts=[(kind, run.findings.get(kind, 0), kept.get(kind, 0)) for kind in DigestFinding.Kind],
        same=run.findings.get("same", 0),
        to_come=len(run.differing) - len(run.drilled),
        incident=_incident(run),
    )


def rows_of(*, run_id: uuid.UUID) -> QuerySet[DigestFinding]:
    """Return the rows behind a comparison's counts, in the order in which they were found."""
    return DigestFinding.objects.filter(run=run_id).order_by("id")


def findings(*, rows: Sequence[DigestFinding]) -> list[Finding]:
    """Return these rows as a list shows them. One statement."""
    ids = {one.contract_id for one in rows if one.contract_id is not None}
    refs: Mapping[int, str] = dict(Contract.objects.filter(pk__in=ids).values_list("pk", "ref"))
    return [
        Finding(
            row=one,
            code=code_of(row=one),
            contract=sanitise_text(refs.get(one.contract_id or 0, ""), at_most=80),
            use=purpose_in_words(one.purpose) if one.purpose else "",
        )
        for one in rows
    ]


def code_of(*, row: DigestFinding) -> str:
    """Return what a line is called in one comparison: 8 letters and digits that tell nothing; "" without a line."""
    if row.line_id is None:
        return ""
    return b32encode(compute_hmac("difference-code", f"{row.run_id}:{row.line_id}".encode())).decode()[:8]


def finding_page(*, run_id: uuid.UUID, finding_id: int) -> FindingPage | None:
    """Return one difference about one line; None where this comparison found none of that id."""
    row = DigestFinding.objects.select_related("run").filter(pk=finding_id, run=run_id, line_id__isnull=False).first()
    if row is None:
        return None
    party_id, line_id = row.run.party_id, row.line_id or 0
    known = PairwiseSubject.objects.filter(party_id=party_id, line_id=line_id).first()
    standing = Standing.objects.filter(line_id=line_id, contract_id=row.contract_id or 0).first()
    return FindingPage(
        run=row.run,
        finding=findings(rows=[row])[0],
        party=names.targets(wanted={("party", party_id)})["party", party_id],
        sub=known.sub if known else "",
        order_id=standing.order_id if standing else None,
    )


def has_difference(*, run_id: uuid.UUID, finding_id: int) -> bool:
    """Return whether this comparison found this difference, about a line of ours."""
    return DigestFinding.objects.filter(pk=finding_id, run=run_id, line_id__isnull=False).exists()


def as_csv(*, run_id: uuid.UUID) -> Iterator[str]:
    """Yield the rows behind a comparison as CSV, a few at a time. Lines by their codes alone."""
    yield from csv_lines(columns=COLUMNS, rows=_csv_rows(run_id))


def _csv_rows(run_id: uuid.UUID) -> Iterator[tuple[object, ...]]:
    for part in in_parts(rows=rows_of(run_id=run_id), by="id"):
        for one in findings(rows=part):
            row = one.row
            told_so = "yes" if row.told_so else "no"
            yield (one.code, row.kind, one.contract, row.recipient, row.purpose, row.scope, told_so, row.found_at)


def _incident(run: DigestRun) -> Incident | None:
    """Return the incident that this comparison opened or added to: of the day on which something was found."""
    row = DigestFinding.objects.filter(run=run, kind=DigestFinding.Kind.PARTNER_HAS).order_by("id").first()
    found_at = row.found_at if row else run.received_at
    key = f"partner:{run.party_id}:{found_at:%Y-%m-%d}"
    return Incident.objects.filter(kind=Incident.Kind.PARTNER_HAS, key=key).first()
