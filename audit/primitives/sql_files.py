"""The database's own functions and triggers: one file a subject in each app's `sql` folder, with its current text."""

import re
from pathlib import Path
from typing import Any

from django.apps import apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import ProjectState

FOLDER = "sql"
# Where a statement begins: Citus takes one at a time for its servers.
BEGINS = re.compile(r"\n(?=(?:CREATE|DROP|SELECT|DO|ALTER)\b)")


def sql_files(app: str) -> list[Path]:
    """List an app's files of functions and triggers, in the order of their names."""
    return sorted(Path(apps.get_app_config(app).path, FOLDER).glob("*.sql"))


class InstallSQL(migrations.RunSQL):
    """Install files of an app's `sql` folder, named without `.sql`, as they stand today; all of them if none is named.

    Every statement there replaces what stands under its name, so that a migration that changed a file installs it
    again. Functions may name tables and functions that come later: PostgreSQL looks for them when they are called.
    """

    def __init__(self, *names: str) -> None:
        self.names = names
        super().__init__(migrations.RunSQL.noop, migrations.RunSQL.noop)

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        """Name the files."""
        return (type(self).__qualname__, list(self.names), {})

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Run the files."""
        super().database_forwards(app_label, schema_editor, from_state, to_state)
        self.install(app_label, schema_editor)

    def install(self, app_label: str, schema_editor: BaseDatabaseSchemaEditor) -> None:
        """Run the files of this app. Raises FileNotFoundError for a name that has none."""
        files = sql_files(app_label)
        unknown = set(self.names) - {file.stem for file in files}
        if unknown:
            raise FileNotFoundError(f"{app_label}/{FOLDER} has no {', '.join(sorted(unknown))}.sql")
        schema_editor.execute("SET LOCAL check_function_bodies = off", params=None)
        # Where tables are spread over servers (`distribute_ledger`), each of which has the triggers.
        schema_editor.execute("SET LOCAL citus.enable_unsafe_triggers = on", params=None)
        for file in files:
            if not self.names or file.stem in self.names:
                for statement in BEGINS.split(file.read_text()):
                    schema_editor.execute(statement, params=None)
        schema_editor.execute("RESET check_function_bodies", params=None)

    def describe(self) -> str:
        """Name what it installs."""
        return f"Install {', '.join(self.names) or 'all'} of {FOLDER}"
