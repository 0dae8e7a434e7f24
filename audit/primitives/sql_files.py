"""The database's own functions and triggers: one file a subject in each app's `sql` folder, with its current text."""

from pathlib import Path
from typing import Any

from django.apps import apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import ProjectState

FOLDER = "sql"
# What a query would otherwise call row by row is bound to what it names when it is made, and still becomes part of the
# query. A function with a setting of its own never does.
FIX_SEARCH_PATH = r"""
DO $do$
DECLARE one record;
BEGIN
    FOR one IN
        SELECT p.oid::regprocedure AS name, p.proname = ANY ('{<bound>}') AS is_bound, p.prosrc,
            pg_get_functiondef(p.oid) AS whole
        FROM pg_proc p
        WHERE p.pronamespace = 'public'::regnamespace AND p.proname LIKE '<app>\_%' AND p.prosqlbody IS NULL
            AND p.proconfig IS NULL
    LOOP
        IF one.is_bound THEN
            EXECUTE replace(one.whole, 'AS $function$' || one.prosrc || '$function$',
                'BEGIN ATOMIC ' || one.prosrc || '; END');
        ELSE
            EXECUTE format('ALTER FUNCTION %s SET search_path = public, pg_temp', one.name);
        END IF;
    END LOOP;
END $do$
"""


def sql_files(app: str) -> list[Path]:
    """List an app's files of functions and triggers, in the order of their names."""
    return sorted(Path(apps.get_app_config(app).path, FOLDER).glob("*.sql"))


def fix_search_path(app: str, *bound: str) -> migrations.RunSQL:
    """Fix where an app's functions look names up, so that a temporary table named like ours changes nothing."""
    statement = FIX_SEARCH_PATH.replace("<app>", app).replace("<bound>", ", ".join(bound))
    return migrations.RunSQL(statement, migrations.RunSQL.noop)


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
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
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
        for file in files:
            if not self.names or file.stem in self.names:
                schema_editor.execute(file.read_text(), params=None)
        schema_editor.execute("RESET check_function_bodies", params=None)

    def describe(self) -> str:
        """Name what it installs."""
        return f"Install {', '.join(self.names) or 'all'} of {FOLDER}"
