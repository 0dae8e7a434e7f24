"""Know when releases that were another line's came to a line, and which alerts a line chose."""

import django.db.models.deletion
from django.db import migrations, models

from audit.primitives.sql_files import InstallSQL


class Migration(migrations.Migration):
    replaces = [("accounts", "0025_history_known")]
    dependencies = [("accounts", "0002_rules"), ("audit", "0022_plain_labels")]
    operations = [
        migrations.AddField("line", "history_known_at", models.DateTimeField(null=True)),
        InstallSQL(),
        migrations.CreateModel(
            name='AlertChoice',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('topic', models.CharField(choices=[('confirmations', 'Each stop and pause made from this phone or sign-in'), ('changes', 'Our records change, or a time limit ends'), ('signed', 'The last company has signed'), ('late', 'A company is late in signing'), ('asked', 'A company asks to find the phone'), ('yearly', "A link to the past year's history")], max_length=14)),
                ('wanted', models.BooleanField()),
                ('chosen_at', models.DateTimeField()),
                ('told_at', models.DateTimeField(null=True)),
                ('line', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='alert_choices', to='accounts.line')),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('topic', 'yearly'), ('wanted', True)), fields=['told_at'], name='accounts_alertchoice_yearly')],
                'constraints': [models.UniqueConstraint(fields=('line', 'topic'), name='accounts_alertchoice_once')],
            },
        ),
    ]
