"""Rules are rows: every version is kept, values that make no sense are refused, and officers change them."""

from datetime import datetime
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from audit.queries import database_clock
from disclosures.models import AnomalyRule
from disclosures.queries.rules import is_looser, values_of
from partners.models import Proposal
from tests.disclosures.anomalies import set_rule
from tests.fixtures import Refusal

pytestmark = pytest.mark.usefixtures("committed_db")


@pytest.fixture
def now(committed_db: None) -> datetime:
    return database_clock()


def test_the_database_keeps_every_version_and_refuses_nonsense(now: datetime, refused: Refusal) -> None:
    fields = ("kind", "threshold", "window", "suspend_after_days")
    assert list(AnomalyRule.objects.order_by("pk").values_list(*fields)) == [
        ("after_stop", 1, 30, 3), ("no_approval", 3, 30, 3), ("burst", 20, 60, None), ("night", 4, 7, None),
        ("many_lines", 25, 1, None), ("dormant", 3, 180, None), ("disputed", 3, 3, None), ("suspended", 1, 30, None),
    ]  # fmt: skip
    wrong: dict[str, list[tuple[str, Any]]] = {
        "threshold": [("burst", 0), ("night", 1_000_001)],
        "window": [("burst", 1441), ("dormant", 30), ("disputed", 13), ("many_lines", 32), ("night", 0)],
        "suspend_after_days": [("burst", 3), ("after_stop", 15), ("no_approval", 91)],
    }
    for field, kinds in wrong.items():
        for kind, value in kinds:
            with pytest.raises(IntegrityError), transaction.atomic():
                set_rule(kind, at=now, **{field: value})
    for verb in ("DELETE FROM disclosures_anomalyrule", "UPDATE disclosures_anomalyrule SET threshold = 2"):
        refused(verb)
        refused(verb, constraint="disclosures_anomalyrule_append_only", using="owner")


def test_the_database_takes_a_looser_rule_by_two_alone(now: datetime) -> None:
    for kind, field, value, looser in (
        ("after_stop", "enabled", False, True), ("after_stop", "threshold", 2, True),
        ("no_approval", "threshold", 2, False), ("after_stop", "suspend_after_days", None, True),
        ("after_stop", "suspend_after_days", 4, True), ("after_stop", "suspend_after_days", 2, False),
        ("burst", "window", 59, True), ("burst", "window", 61, False), ("night", "window", 6, True),
        ("many_lines", "window", 2, False), ("dormant", "window", 181, True), ("dormant", "window", 179, False),
        ("dormant", "threshold", 2, False), ("no_approval", "suspend_after_days", 14, True),
        ("disputed", "window", 2, True), ("disputed", "window", 4, True), ("disputed", "threshold", 2, False),
    ):  # fmt: skip
        was = AnomalyRule.objects.get(kind=kind)
        rule = the_next(was, now)
        setattr(rule, field, value)
        assert is_looser(kind=kind, now=values_of(rule=rule), was=values_of(rule=was)) is looser, (kind, field, value)
        with transaction.atomic():
            if looser:
                with pytest.raises(IntegrityError, match="needs two officers"), transaction.atomic():
                    rule.save(force_insert=True)
                set_rule(kind, at=now, **{field: value})
            else:
                rule.save(force_insert=True)
            assert getattr(AnomalyRule.objects.get(kind=kind, version=2), field) == value
            transaction.set_rollback(True)


def test_a_yes_counts_for_what_it_says_and_once(now: datetime) -> None:
    first = AnomalyRule.objects.get(kind="burst")
    looser = set_rule("burst", at=now, threshold=30)
    agreed = Proposal.objects.get()
    assert agreed.target_id == first.pk
    tighter = the_next(looser, now)
    tighter.threshold = 20
    tighter.save(force_insert=True)
    for threshold, version in ((30, 4), (31, 4), (20, 5), (20, 2)):
        again = the_next(tighter, now)
        again.threshold, again.version = threshold, version
        with pytest.raises(IntegrityError, match=r"needs two officers|the next version"), transaction.atomic():
            again.save(force_insert=True)
    assert AnomalyRule.objects.filter(kind="burst").count() == 3


def the_next(was: AnomalyRule, now: datetime) -> AnomalyRule:
    """The same once more, as yet unsaved."""
    return AnomalyRule(
        kind=was.kind, version=was.version + 1, threshold=was.threshold, window=was.window,
        suspend_after_days=was.suspend_after_days, enabled=was.enabled, reason="test", actor="officer:1", made_at=now,
    )  # fmt: skip
