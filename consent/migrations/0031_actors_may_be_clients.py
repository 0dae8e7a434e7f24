"""Leave room for the longest name of a client, which may bring a line that continues another."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("consent", "0030_plain_labels")]
    operations = [migrations.AlterField("choice", "actor", models.CharField(max_length=220))]
