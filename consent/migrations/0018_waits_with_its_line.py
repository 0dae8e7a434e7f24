"""What waits for the archive is a row of the line that it is about; of no line: 0. Old code leaves it out, and may."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("consent", "0017_received")]
    operations = [
        migrations.AlterField(
            model_name="unarchived",
            name="line_id",
            field=models.BigIntegerField(db_default=0, default=0),
        ),
    ]
