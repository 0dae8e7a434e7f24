"""Keep with an order which trace it came of, so that its push is told in the same one."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("revocations", "0019_begin_undone")]
    operations = [migrations.AddField("order", "trace", models.CharField(blank=True, db_default="", max_length=55))]
