"""The sample data keeps what the table of people says of them."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from portal.demo import world
from portal.demo.feeds import Feeds

AT = datetime(2026, 11, 24, 12, tzinfo=UTC)


def test_the_worried_subscriber_has_fourteen_months_of_history(tmp_path: Path) -> None:
    endpoints = {key: f"http://127.0.0.1:1/{key}" for key in world.CONTRACTS}
    Feeds(seed=7, at=AT, endpoints=endpoints).write(tmp_path)
    (number,) = {line.msisdn for line in world.LINES if line.line_id == world.DANA}
    rows = map(json.loads, (tmp_path / "disclosures.ndjson").read_text().splitlines())
    times = [datetime.fromisoformat(row["occurred_at"]) for row in rows if row["msisdn"] == number]
    assert AT - timedelta(days=430) < min(times) < AT - timedelta(days=420)
