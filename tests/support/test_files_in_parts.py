"""What officers take as files is read in parts: any size, the same memory, whatever sessions the database gives."""

import tracemalloc
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from audit.models import Incident
from consent.models import DigestFinding, DigestRun
from console.queries import differences
from disclosures.models import Anomaly, AnomalyRule
from disclosures.queries.anomaly_rows import incident_key
from partners.models import Contract
from revocations.models import Breach
from support.queries import anomalies, exports
from tests.disclosures.anomalies import AFTER_STOP, BRIDGE, TRACK, every, looked
from tests.factories import a_contract, a_line, a_party

pytestmark = pytest.mark.usefixtures("db", "both_ways_of_sessions")
AT = datetime(2026, 6, 9, tzinfo=UTC)


def peak(lines: Iterator[str], n: int) -> int:
    """The most that is held while all of it is read."""
    tracemalloc.start()
    read = sum(1 for _ in lines)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert read == n + 1
    return most


def breaches(contract: Contract, n: int, *, year: int) -> Iterator[str]:
    at = AT.replace(year=year)
    Breach.objects.bulk_create(
        Breach(
            kind=Breach.Kind.COMPLETE, contract_id=contract.pk, party_id=contract.aggregator_id,
            about=f"order:{year}:{number}", due_at=at, at=at,
        )
        for number in range(n)
    )  # fmt: skip
    return exports.as_csv(export=exports.EXPORTS["breaches"], year=year, at=AT)


def differing(n: int) -> Iterator[str]:
    party = a_party(f"Partner {n}")
    run = DigestRun.objects.create(id=uuid.uuid4(), party_id=party.pk, received_at=AT, differing=[])
    DigestFinding.objects.bulk_create(
        DigestFinding(run=run, kind="partner_lacks", line_id=number, found_at=AT) for number in range(n)
    )
    return differences.as_csv(run_id=run.pk)


def looks_behind(n: int, *, year: int) -> Iterator[str]:
    at, line = AT.replace(year=year), a_line()
    looked(line, *every(at, n, timedelta(minutes=1)), judgement=AFTER_STOP, path=(BRIDGE, TRACK), recorded_at=at)
    Anomaly.objects.create(
        kind=AFTER_STOP, line_id=line.pk, party=TRACK, period=at.date().replace(day=1), first_at=at, last_at=at, n=n,
        looks=n, rule=AnomalyRule.objects.get(kind=AFTER_STOP), found_at=at, changed_at=at,
    )  # fmt: skip
    incident = Incident(pk=1, kind=AFTER_STOP, key=incident_key(party=TRACK, year=str(year)), subject=TRACK)
    return anomalies.as_csv(incident_id=1, parts=anomalies.rows_in_parts(incident=incident, at=AT))


def test_five_times_the_rows_take_no_more_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (anomalies, exports):
        monkeypatch.setattr(module, "PART", 40)
    contract = a_contract()
    files: dict[str, Callable[[int, int], Iterator[str]]] = {
        "look-ups behind an incident": lambda n, year: looks_behind(n, year=year),
        "breaches of a year": lambda n, year: breaches(contract, n, year=year),
        "rows behind a comparison": lambda n, _: differing(n),
    }
    for name, file in files.items():
        # The first fills caches. A file read whole would take five times as much.
        _, fewer, more = (peak(file(n, year), n) for n, year in ((40, 2023), (240, 2024), (1_200, 2025)))
        assert more < 2 * fewer, name


def test_what_comes_while_reading_is_not_in_it() -> None:
    contract = a_contract()
    lines = breaches(contract, 500, year=2026)
    read = [next(lines), next(lines)]
    Breach.objects.create(
        kind=Breach.Kind.COMPLETE, contract_id=contract.pk, party_id=contract.aggregator_id, about="order:late",
        due_at=AT, at=AT + timedelta(seconds=1),
    )  # fmt: skip
    assert len([*read, *lines]) == 501
