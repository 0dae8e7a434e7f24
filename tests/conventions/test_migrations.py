"""Migrations run while the code before them still serves: they add, and take nothing away that it needs.

Old code writes rows without knowing of a new column, and reads what it always read. What has to go goes a release
later, when nothing asks for it any more: then its migration is named in `LATER`, with what made it safe.

Nor may they hold a table that grows for as long as it takes to read it: whoever stops writes into it meanwhile.
"""

import re
from collections.abc import Sequence
from typing import Any

import pytest
from django.contrib.postgres.operations import AddConstraintNotValid, AddIndexConcurrently, ValidateConstraint
from django.db import migrations, models
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation

from tests.plans import GROWING

OURS = ("accounts", "audit", "consent", "disclosures", "partners", "revocations", "support")
# With which each app began; what came before 1.0 was made into these.
BEGINNING = "0002_rules"
LATER: dict[tuple[str, str], str] = {
    ("disclosures", "0008_keep_terms_once"): "old code may write to the view of the old name"
}
TAKES_AWAY = re.compile(
    r"\bDROP\s+(TABLE|COLUMN)\b|\bRENAME\b|\bSET\s+NOT\s+NULL\b|\bALTER\s+COLUMN\s+\w+\s+(SET\s+DATA\s+)?TYPE\b"
    r"|(?<!BEFORE )(?<!OR )\bTRUNCATE\b",
    re.IGNORECASE,
)
REFUSED = (migrations.RemoveField, migrations.DeleteModel, migrations.RenameField, migrations.RenameModel)

IN_MONTHS = "disclosures_disclosure"
READS_IT_ALL = re.compile(
    r"\bCREATE\s+(?:UNIQUE\s+)?INDEX\s+(?!CONCURRENTLY\b)(?:IF\s+NOT\s+EXISTS\s+)?\w+\s+ON\s+(?!ONLY\b)(?P<index>\w+)"
    r"|\bALTER\s+TABLE\s+(?:ONLY\s+)?(?P<table>\w+)\s+(?=[^;]*\bADD\s+(?:CONSTRAINT|PRIMARY\s+KEY|UNIQUE)\b)"
    r"(?![^;]*\b(?:NOT\s+VALID|USING\s+INDEX)\b)",
    re.IGNORECASE,
)
BROKEN_OFF = re.compile(r"DROP INDEX CONCURRENTLY IF EXISTS \w+")

loader = MigrationLoader(None)


def new() -> list[tuple[tuple[str, str], migrations.Migration]]:
    """Those since the beginning, with the way that databases of 0.1.0 take there beside its code."""
    return [(key, one) for key, one in sorted(loader.disk_migrations.items()) if key[0] in OURS and key[1] > BEGINNING]


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
    state = loader.project_state([(app, BEGINNING)])
    if (app, one.model_name.lower()) not in state.models:
        return True
    before: models.Field[Any, Any] = state.models[app, one.model_name.lower()].fields[one.name]
    wider = (one.field.max_length or 0) >= (before.max_length or 0) if isinstance(before, models.CharField) else True
    return (type(before), before.null and not one.field.null) == (type(one.field), False) and wider


def held(operations: Sequence[Operation], app: str, *, atomic: bool = True) -> list[str]:
    """Which tables that grow it would hold for as long as it takes to read them, and what could not be run again."""
    made = {f"{app}_{one.name.lower()}" for one in operations if isinstance(one, migrations.CreateModel)}
    found = [fault for one in operations for fault in _held_by(one, app, GROWING - made)]
    if any(isinstance(one, AddIndexConcurrently) for one in operations):
        found += ["atomic"] * atomic + _not_again(operations)
    return found


def _held_by(one: object, app: str, growing: set[str]) -> list[str]:
    if isinstance(one, migrations.RunSQL):
        told = [found["index"] or found["table"] for found in READS_IT_ALL.finditer(str(one.sql))]
        return [f"{table}: reads it all" for table in told if table in growing]
    table = f"{app}_{getattr(one, 'model_name', '').lower()}"
    if table not in growing:
        return []
    match one:
        case AddIndexConcurrently():
            return [f"{table}: not on what has parts"] if table == IN_MONTHS else []
        case migrations.AddIndex():
            return [f"{table}: a plain index"]
        case AddConstraintNotValid() | ValidateConstraint():
            return []
        case migrations.AddConstraint():
            return [f"{table}: a constraint that is looked at at once"]
        case migrations.AddField() | migrations.AlterField() if _has_an_index(one.field):
            return [f"{table}: a plain index"]
    return []


def _has_an_index(field: "models.Field[Any, Any]") -> bool:
    return bool(vars(field)["db_index"]) or field.unique


def _not_again(operations: Sequence[Operation]) -> list[str]:
    """What broke off an index leaves it behind, of no use: it goes first when the migration is run again."""
    first, *others = operations
    dropped = BROKEN_OFF.findall(str(first.sql)) if isinstance(first, migrations.RunSQL) else []
    made = [one.index.name for one in others if isinstance(one, AddIndexConcurrently)]
    faults = [f"{name}: left behind" for name in made if not any(one.endswith(f" {name}") for one in dropped)]
    return faults + ["something else beside it"] * (len(made) != len(others))


def test_a_new_migration_holds_up_nobody_who_stops() -> None:
    found = {key: held(one.operations, key[0], atomic=one.atomic) for key, one in new()}
    assert [key for key, faults_of in found.items() if faults_of] == [], found


def test_these_are_looked_at() -> None:
    assert {("audit", "0018_acts_of_staff"), ("partners", "0029_a_yes_is_spent_once")} <= {key for key, _ in new()}


INDEX = models.Index(fields=["state"], name="by_state")
CHECK = models.CheckConstraint(condition=models.Q(version__gt=0), name="above")
DROPPED = migrations.RunSQL("DROP INDEX CONCURRENTLY IF EXISTS by_state")


@pytest.mark.parametrize(
    ("operations", "faults"),
    [
        ([migrations.AddIndex("order", INDEX)], ["revocations_order: a plain index"]),
        ([migrations.AddIndex("stream", INDEX)], []),
        ([migrations.AddConstraint("order", CHECK)], ["revocations_order: a constraint that is looked at at once"]),
        ([AddConstraintNotValid("order", CHECK), ValidateConstraint("order", "above")], []),
        ([migrations.AddField("order", "x", models.TextField(null=True))], []),
        ([migrations.AddField("order", "x", models.TextField(null=True, db_index=True))],
         ["revocations_order: a plain index"]),
        ([migrations.AlterField("order", "kind", models.TextField(unique=True))], ["revocations_order: a plain index"]),
        ([migrations.RunSQL("CREATE UNIQUE  INDEX x ON revocations_order (id)")], ["revocations_order: reads it all"]),
        ([migrations.RunSQL("CREATE INDEX CONCURRENTLY x ON revocations_order (id)")], []),
        ([migrations.RunSQL("CREATE INDEX x ON revocations_stream (id)")], []),
        ([migrations.RunSQL("CREATE INDEX x ON ONLY revocations_order (id)")], []),
        ([migrations.RunSQL("ALTER TABLE revocations_order ADD CONSTRAINT c CHECK (version > 0)")],
         ["revocations_order: reads it all"]),
        ([migrations.RunSQL("ALTER TABLE revocations_order ADD CONSTRAINT c CHECK (version > 0) NOT VALID")], []),
        ([migrations.RunSQL("ALTER TABLE revocations_order ADD PRIMARY KEY (id)")],
         ["revocations_order: reads it all"]),
        ([migrations.RunSQL("ALTER TABLE revocations_order ADD CONSTRAINT p PRIMARY KEY USING INDEX x")], []),
        ([DROPPED, AddIndexConcurrently("order", INDEX)], ["atomic"]),
    ],
)  # fmt: skip
def test_the_rule_finds_what_holds_a_table(operations: list[Operation], faults: list[str]) -> None:
    assert held(operations, "revocations") == faults


def test_an_index_that_was_broken_off_is_made_anew() -> None:
    made, other = AddIndexConcurrently("order", INDEX), migrations.RunSQL("SELECT 1")
    assert held([DROPPED, made], "revocations", atomic=False) == []
    assert held([other, made], "revocations", atomic=False) == ["by_state: left behind"]
    assert held([DROPPED, made, other], "revocations", atomic=False) == ["something else beside it"]


def test_what_is_kept_by_the_month_has_a_way_of_its_own() -> None:
    """PostgreSQL makes no index concurrently on a table of parts: on each part, and the whole is put together."""
    assert IN_MONTHS in GROWING
    found = held([DROPPED, AddIndexConcurrently("disclosure", INDEX)], "disclosures", atomic=False)
    assert found == ["disclosures_disclosure: not on what has parts"]


def test_a_new_migration_takes_nothing_away_from_running_code() -> None:
    found = {key: faults(one.operations, key[0]) for key, one in new() if key not in LATER}
    assert [key for key, faults_of in found.items() if faults_of] == [], found


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
