"""Take in the held rows whose line has arrived."""

import uuid
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime

import audit.actions
from accounts.primitives.advisory_locks import turn
from disclosures.domain.ingest import held
from disclosures.domain.ingest.rows import Outcome, Report, row_of
from disclosures.domain.ingest.store import store

FIRST = uuid.UUID(int=0)


def attribute_held(*, at: datetime, actor: str, waits: bool = True) -> int:
    """Attribute and judge what was held for lines that are known now, and record that. Returns how many rows it was.

    What the gateway reported is asked for the gate's yes as if its line had been there; what stays held and can't have
    any is counted as without. What can't be taken in, because its id is another row's by now, is recorded as so many.
    `waits`: for whoever is at it; else that is left to them.
    """
    # What is held is counted and let go by one at a time: both want the held rows and the day's incident.
    with turn(name="disclosures.attribute_held", waits=waits) as mine:
        return _attribute_held(at, actor) if mine else 0


def _attribute_held(at: datetime, actor: str) -> int:
    fates, last = Counter[str](), FIRST
    while found := held.candidates(after=last):
        last = found[-1][0]
        of_client: dict[str, list[tuple[uuid.UUID, Report]]] = defaultdict(list)
        for identity, gateway, report in found:
            of_client[gateway].append((identity, report))
        for gateway, rows in of_client.items():
            fates += _take(rows, at, gateway)
    held.count_ungated(at=at)
    if fates["accepted"] or fates["id_conflict"]:
        detail = {"count": fates["accepted"], "conflicts": fates["id_conflict"]}
        audit.actions.record(
            action="disclosures.attributed", actor=actor, target="feed:disclosures", at=at, detail=detail
        )
    return fates["accepted"]


def _take(found: Sequence[tuple[uuid.UUID, Report]], at: datetime, gateway: str) -> Counter[str]:
    ids = [identity for identity, _ in found]

    def release(outcomes: Sequence[Outcome]) -> None:
        """With the rows: a moment later they may have been given back, and be held anew."""
        fates = zip(ids, outcomes, strict=True)
        held.release(ids=[identity for identity, outcome in fates if outcome.fate != "line_unknown"])

    rows = [row_of(row, n=n) for n, (_, row) in enumerate(found)]
    return Counter(outcome.fate for outcome in store(rows=rows, at=at, gateway=gateway, besides=release))
