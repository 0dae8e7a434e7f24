"""Cases: what Django can't say of the tables, the database's own rules, and the first rows."""

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps
from django.utils import timezone

from audit.primitives.sql_files import InstallSQL
from support.migrations._replies import REPLIES


def write_replies(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Write the desk's first answers, in every language."""
    reply, at = apps.get_model("support", "SavedReply"), timezone.now()
    reply.objects.using(schema_editor.connection.alias).bulk_create(
        reply(key=key, language=language, title=title, body=body, changed_at=at)
        for key, languages in REPLIES.items()
        for language, (title, body) in languages.items()
    )


class Migration(migrations.Migration):
    # A database of 0.1.0 that has run all of these has all that is made here.
    replaces = [
        ("support", "0002_the_desk"),
        ("support", "0003_the_queue"),
        ("support", "0004_writing"),
        ("support", "0005_protected_lines"),
        ("support", "0006_canary_and_test_lines"),
        ("support", "0007_words_of_the_database"),
        ("support", "0008_one_person_s_cases"),
        ("support", "0009_one_sender_s_cases"),
        ("support", "0012_two_officers_end_a_protection"),
    ]
    dependencies = [("support", "0001_initial"), ("disclosures", "0002_rules")]
    operations = [
        InstallSQL("guards", "tickets"),
        migrations.RunPython(write_replies, migrations.RunPython.noop),
    ]
