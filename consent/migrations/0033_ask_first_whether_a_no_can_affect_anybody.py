"""Leave room for the longest name of a client, which may bring a line that continues another, and follow outcomes."""

from django.db import migrations, models

from audit.primitives.sql_files import InstallSQL


class Migration(migrations.Migration):
    replaces = [
        ("consent", "0031_actors_may_be_clients"),
        ("consent", "0032_follow_outcomes"),
    ]
    dependencies = [("consent", "0002_rules"), ("partners", "0031_plain_notices")]
    operations = [
        migrations.AlterField("choice", "actor", models.CharField(max_length=220)),
        InstallSQL(),
        migrations.CreateModel(
            name='AwaitedOutcome',
            fields=[
                ('line_id', models.BigIntegerField(primary_key=True, serialize=False)),
                ('since', models.DateTimeField()),
                ('look_at', models.DateTimeField(db_index=True)),
                ('late_told_at', models.DateTimeField(null=True)),
            ],
        ),
    ]
