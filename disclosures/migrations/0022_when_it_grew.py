"""Of an anomaly it is kept when it last grew: what an officer closed opens again by it."""

import django.db.models.functions.datetime
from django.db import migrations, models

# Nothing that was closed is opened by what nobody noted.
AS_FOUND = "UPDATE disclosures_anomaly SET grown_at = found_at"


class Migration(migrations.Migration):
    dependencies = [("disclosures", "0021_the_newest_of_a_period")]
    operations = [
        migrations.AddField(
            model_name="anomaly",
            name="grown_at",
            field=models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
        ),
        migrations.RunSQL(AS_FOUND, migrations.RunSQL.noop),
    ]
