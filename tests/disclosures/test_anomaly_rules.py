"""Rules are rows: every version is kept, values that make no sense are refused, and officers change them."""

from datetime import datetime
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from audit.queries import database_clock
from disclosures.models import AnomalyRule
from tests.disclosures.anomalies import set_rule
from tests.fixtures import Refusal

pytestmark = pytest.mark.usefixtures("committed_db")


@pytest.fixture
def now(committed_db: None) -> datetime:
    return database_clock()


@pytest.mark.parametrize("field", ["threshold", "window", "suspend_after_days"])
def test_the_database_keeps_every_version_and_refuses_values_that_make_no_sense(
    now: datetime, field: str, refused: Refusal
) -> None:
    fields = ("kind", "threshold", "window", "suspend_after_days")
    assert list(AnomalyRule.objects.order_by("pk").values_list(*fields)) == [
        ("after_stop", 1, 30, 3), ("no_approval", 3, 30, 3), ("burst", 20, 60, None), ("night", 4, 7, None),
        ("many_lines", 25, 1, None), ("dormant", 3, 180, None), ("disputed", 3, 3, None),
    ]  # fmt: skip
    wrong: dict[str, list[tuple[str, Any]]] = {
        "threshold": [("burst", 0), ("night", 1_000_001)],
        "window": [("burst", 1441), ("dormant", 30), ("disputed", 13), ("many_lines", 32), ("night", 0)],
        "suspend_after_days": [("burst", 3), ("after_stop", 91)],
    }
    for kind, value in wrong[field]:
        with pytest.raises(IntegrityError), transaction.atomic():
            set_rule(kind, at=now, **{field: value})
    for verb in ("DELETE FROM disclosures_anomalyrule", "UPDATE disclosures_anomalyrule SET threshold = 2"):
        refused(verb)
        refused(verb, constraint="disclosures_anomalyrule_append_only", using="owner")
