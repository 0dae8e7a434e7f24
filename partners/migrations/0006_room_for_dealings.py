from django.db import migrations


class Migration(migrations.Migration):
    # Most writes move only the time of a dealing: with room on its page, that writes no index entry.
    dependencies = [('partners', '0005_terms_only_shrink')]
    operations = [
        migrations.RunSQL(
            'ALTER TABLE partners_dealing SET (fillfactor = 80)', 'ALTER TABLE partners_dealing RESET (fillfactor)'
        ),
    ]
