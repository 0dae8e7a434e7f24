"""What a line's own life does to its consent: the end of the tenure, a new number."""

from datetime import datetime

from django.db import transaction

import audit.actions
from consent import changes, snapshots, telling
from consent.models import Touched
from revocations.actions import EVERYTHING, tell


@transaction.atomic
def end_tenure(*, line_id: int, at: datetime, actor: str) -> None:
    """The line was deactivated (its row says so): every affected partner is told to stop and delete."""
    _withdraw(line_id, at)
    audit.actions.record(action="line.ended", actor=actor, target=f"line:{line_id}", at=at, line_id=line_id)


@transaction.atomic
def number_changed(*, line_id: int, at: datetime, actor: str) -> None:
    """The line has another number (its row says so): its approvals ended, and partners hear that without a number."""
    _withdraw(line_id, at)
    Touched.objects.create(line_id=line_id, since=at)
    changes.tell_of_records(line_ids=[line_id], change=changes.Change.NUMBER, at=at)
    audit.actions.record(action="line.number_changed", actor=actor, target=f"line:{line_id}", at=at, line_id=line_id)


def _withdraw(line_id: int, at: datetime) -> None:
    contract_ids = snapshots.affected_contracts(line_id=line_id, scope="all", ref="")
    agreements = telling.agreements(
        line_id=line_id,
        contract_ids=contract_ids,
        duties=telling.STOP_DUTIES,
        scopes={contract_id: [EVERYTHING] for contract_id in contract_ids},
    )
    tell(line_id=line_id, agreements=agreements, by="system", at=at)
