"""Since when a company has had a line's data, so that a yes can be told from what came before it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("partners", "0009_machines_let_in_again")]
    operations = [migrations.AddField("dealing", "first_at", models.DateTimeField(null=True))]
