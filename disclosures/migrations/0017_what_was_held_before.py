"""By itself, so that nobody waits for it: to add a column takes a table alone, to fill it does not."""

from django.db import migrations

# Whether an order hides what is held already stands under its seal: it is in no count for officers.
UNKNOWN_IS_HIDDEN = "UPDATE disclosures_helddisclosure SET suppressed_until = '9999-12-31 00:00:00+00'"


class Migration(migrations.Migration):

    dependencies = [
        ('disclosures', '0016_held_to_be_counted'),
    ]

    operations = [
        migrations.RunSQL(UNKNOWN_IS_HIDDEN, migrations.RunSQL.noop),
    ]
