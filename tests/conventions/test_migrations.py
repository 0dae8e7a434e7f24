"""Migrations run while the code before them still serves: they add, and take nothing away that it needs.

Old code writes rows without knowing of a new column, and reads what it always read. What has to go goes a release
later, when nothing asks for it any more: then its migration is named in `LATER`, with what made it safe.
"""

import re
from collections.abc import Sequence
from typing import Any

import pytest
from django.db import migrations, models
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation

OURS = ("accounts", "audit", "consent", "disclosures", "partners", "revocations", "support")
# The newest of each app when this rule came. What is older was never changed under running code.
BASELINE = {
    "accounts": "0014_letters_and_reminders", "audit": "0011_after_we_suspended", "consent": "0014_privacy_signal",
    "disclosures": "0013_archives", "partners": "0016_token_asked_at", "revocations": "0014_evidence",
    "support": "0001_initial",
}  # fmt: skip
LATER: dict[tuple[str, str], str] = {}
TAKES_AWAY = re.compile(
    r"\bDROP\s+(TABLE|COLUMN)\b|\bRENAME\b|\bSET\s+NOT\s+NULL\b|\bALTER\s+COLUMN\s+\w+\s+(SET\s+DATA\s+)?TYPE\b"
    r"|(?<!BEFORE )(?<!OR )\bTRUNCATE\b",
    re.IGNORECASE,
)
REFUSED = (migrations.RemoveField, migrations.DeleteModel, migrations.RenameField, migrations.RenameModel)

loader = MigrationLoader(None)
NEW = [
    key for key in sorted(loader.disk_migrations) if key[0] in OURS and key[1] > BASELINE[key[0]] and key not in LATER
]


def faults(operations: Sequence[Operation], app: str) -> list[str]:
    """What old code could not bear, operation by operation."""
    made = {one.name.lower() for one in operations if isinstance(one, migrations.CreateModel)}
    found = [_fault(one, app) for one in operations if getattr(one, "model_name", "").lower() not in made]
    return [fault for fault in found if fault]


def _fault(one: object, app: str) -> str:
    match one:
        case migrations.RunSQL():
            taken = TAKES_AWAY.search(str(one.sql))
            return f"runs {taken[0]}" if taken else ""
        case migrations.AddField() if not (one.field.null or one.field.has_db_default() or one.field.many_to_many):
            return f"adds {one.model_name}.{one.name} without null or db_default: old code can't insert"
        case migrations.AlterField():
            return "" if _same_for_the_database(one, app) else f"changes {one.model_name}.{one.name}"
        case _ if isinstance(one, REFUSED):
            return f"takes away: {type(one).__name__}"
    return ""


def _same_for_the_database(one: migrations.AlterField, app: str) -> bool:
    """Whether only what Django alone looks at was changed (choices, say), or a column became wider.

    What was made since the baseline no older code knows.
    """
    state = loader.project_state([(app, BASELINE[app])])
    if (app, one.model_name.lower()) not in state.models:
        return True
    before: models.Field[Any, Any] = state.models[app, one.model_name.lower()].fields[one.name]
    wider = (one.field.max_length or 0) >= (before.max_length or 0) if isinstance(before, models.CharField) else True
    return (type(before), before.null and not one.field.null) == (type(one.field), False) and wider


@pytest.mark.parametrize(("app", "name"), NEW, ids=[name for _, name in NEW])
def test_a_new_migration_takes_nothing_away_from_running_code(app: str, name: str) -> None:
    assert faults(loader.disk_migrations[app, name].operations, app) == []


@pytest.mark.parametrize(
    ("operation", "fault"),
    [
        (migrations.RemoveField("choice", "notice"), "takes away: RemoveField"),
        (migrations.RenameField("choice", "notice", "read"), "takes away: RenameField"),
        (migrations.AddField("choice", "x", models.TextField(default="")), "adds choice.x without null or db_default"),
        (migrations.AddField("choice", "x", models.TextField(db_default="")), ""),
        (migrations.AlterField("choice", "kind", models.CharField(max_length=6, choices=[])), ""),
        (migrations.AlterField("choice", "kind", models.CharField(max_length=3)), "changes choice.kind"),
        (migrations.AlterField("choice", "until", models.DateTimeField()), "changes choice.until"),
        (migrations.RunSQL("ALTER TABLE consent_choice DROP  COLUMN notice"), "runs DROP  COLUMN"),
        (migrations.RunSQL("ALTER TABLE consent_choice ALTER notice SET NOT NULL"), "runs SET NOT NULL"),
        (migrations.RunSQL("TRUNCATE consent_choice"), "runs TRUNCATE"),
        (migrations.RunSQL("CREATE TRIGGER kept BEFORE TRUNCATE ON consent_choice EXECUTE FUNCTION no()"), ""),
    ],
)
def test_the_rule_finds_what_takes_away(operation: Operation, fault: str) -> None:
    found = faults([operation], "consent")
    assert [one.startswith(fault) for one in found] == [True] * bool(fault)
