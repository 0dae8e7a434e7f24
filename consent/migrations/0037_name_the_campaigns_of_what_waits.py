"""A yes of a choices file that waited for its line before names its campaign too, which stays as it was agreed to."""

import json

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from accounts.primitives.sealing import unseal

LONGEST = 200
NAMELESS = """
SELECT source_hash, row_sealed FROM consent_heldrow
WHERE feed = 'choices' AND campaign = '' AND source_hash > %s ORDER BY source_hash LIMIT 1000
"""
NAME = """
UPDATE consent_heldrow held SET campaign = named.campaign
FROM unnest(%s::bytea[], %s::text[]) AS named (source_hash, campaign)
WHERE held.feed = 'choices' AND held.source_hash = named.source_hash
"""


def name(_apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    """Name them, a thousand rows at a time; each time is kept, and may be done again."""
    last = b""
    with editor.connection.cursor() as cursor:
        while True:
            cursor.execute(NAMELESS, [last])
            found = [(bytes(source), json.loads(unseal(bytes(sealed)))) for source, sealed in cursor.fetchall()]
            if not found:
                return
            last = found[-1][0]
            named = [(source, row["ref"]) for source, row in found if row["kind"] == "allow" and is_ref(row["ref"])]
            if named:
                cursor.execute(NAME, [list(column) for column in zip(*named, strict=True)])


def is_ref(ref: str) -> bool:
    """Return whether there can be a campaign of this name."""
    return len(ref) <= LONGEST


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("consent", "0036_what_waits_was_agreed_to")]
    operations = [migrations.RunPython(name, migrations.RunPython.noop)]
