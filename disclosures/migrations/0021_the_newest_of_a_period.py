"""Of an anomaly the newest row of its kind in its period is kept: the fullest time may have ended before."""

from django.db import migrations, models

# Till it is found again, the last of the fullest time.
AS_FOUND = "UPDATE disclosures_anomaly SET newest_at = last_at"


class Migration(migrations.Migration):
    dependencies = [("disclosures", "0020_notices_kept_with_their_line")]
    operations = [
        migrations.AddField(
            model_name="anomaly",
            name="newest_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.RunSQL(AS_FOUND, migrations.RunSQL.noop),
        migrations.AlterField(
            model_name="anomaly",
            name="newest_at",
            field=models.DateTimeField(),
        ),
    ]
