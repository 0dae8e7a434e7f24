"""What every act of an officer begins and ends with: who may, why, on which row, and the line in the trail."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Literal

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from psycopg.errors import UniqueViolation

import audit.actions
from accounts.policies.permissions import StaffAction
from accounts.primitives.reasons import NoReason, check_reason
from accounts.queries import acting_staff
from partners.models import Campaign, Contract, Party
from partners.policies.lifecycle import NotNow

THE_SAME = "Nothing has changed, so nothing was saved."

type Of = Literal["contract", "campaign"]
type Named = Party | Contract | Campaign


class Faults:
    """What is wrong with what an officer typed, by field: all of it is said at once."""

    def __init__(self) -> None:
        self._found: dict[str, list[str]] = {}

    def note(self, field: str, *faults: str) -> None:
        """Add these faults of a field; "" is none."""
        for fault in dict.fromkeys(filter(None, faults)):
            self._found.setdefault(field, []).append(fault)

    def add(self, error: ValidationError) -> None:
        """Add what a check by field found."""
        for field, messages in error.message_dict.items():
            self.note(field, *messages)

    def check(self, field: str, check: Callable[[str], None], value: str) -> None:
        """Add what this check finds wrong with a field. Whatever is missing is said by the field itself."""
        try:
            check(value)
        except ValidationError as error:
            if value:
                self.note(field, *error.messages)

    def raise_if_any(self) -> None:
        """Raise ValidationError (by field) if anything is wrong."""
        if self._found:
            raise ValidationError(dict(self._found))


def officer(*, actor: str, reason: str, action: StaffAction = StaffAction.CHANGE_TERMS) -> str:
    """Return the one name of the officer who acts. Raises StaffOnly, and NotNow where the reason can't be taken."""
    name = acting_staff(actor=actor, action=action)
    try:
        check_reason(reason)
    except NoReason as error:
        raise NotNow(str(error)) from error
    return name


def lock_target(*, of: Of, target_id: int) -> Contract | Campaign:
    """Lock the contract or campaign until the transaction ends. Raises NotNow where there is none."""
    row: Contract | Campaign | None
    if of == "contract":
        row = Contract.objects.select_for_update(of=("self",)).filter(pk=target_id).first()
    else:
        # Its contract first, as everywhere: two that take both never wait for each other.
        Contract.objects.select_for_update(of=("self",)).filter(campaigns=target_id).first()
        row = Campaign.objects.select_for_update(of=("self",)).select_related("contract").filter(pk=target_id).first()
    if row is None:
        raise NotNow(f"There is no such {of}.")
    return row


@contextmanager
def first(*, message: str) -> Iterator[None]:
    """Write something of which there is one. Raises NotNow, in these words, where somebody else just wrote it."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        if not isinstance(error.__cause__, UniqueViolation):
            raise
        raise NotNow(message) from error


def note_on(
    *, action: str, actor: str, row: Named, at: datetime, reason: str, detail: Mapping[str, object] | None = None
) -> None:
    """Write an officer's act on a company, contract or campaign into the trail; `detail` gets its name outside."""
    ref = row.uri if isinstance(row, Party) else row.ref
    audit.actions.record(
        action=action, actor=actor, target=target_of(row=row), at=at, reason=reason,
        detail={"ref": ref, **(detail or {})},
    )  # fmt: skip


def describe_changes(*, row: Named, before: Named, fields: Sequence[str]) -> dict[str, object]:
    """Return which fields an act changed, from what to what, for the audit log. `before`: a copy made before it."""
    was, now = ({field: _as_json(getattr(one, field)) for field in fields} for one in (before, row))
    return audit.actions.describe_changes(was=was, now=now)


def _as_json(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    return value if isinstance(value, str | int | list | None) else str(value)


def machine_target(*, number: int) -> str:
    """Return how the trail names a machine: "machine:3"."""
    return f"machine:{number}"


def agent_target(*, number: int) -> str:
    """Return how the trail names an authorised agent: "authorized:3"; "agent" is somebody at the desk."""
    return f"authorized:{number}"


def target_of(*, row: Named) -> str:
    """Return how the trail names it, one way for every act: "contract:3".

    Its name outside could be another's number.
    """
    kind = "party" if isinstance(row, Party) else "contract" if isinstance(row, Contract) else "campaign"
    return f"{kind}:{row.pk}"
