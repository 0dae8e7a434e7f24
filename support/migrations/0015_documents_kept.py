"""Refuse to change or delete documents; keep which look-up each describes."""

from django.db import migrations, models

from audit.primitives.sql_files import InstallSQL


class Migration(migrations.Migration):

    dependencies = [
        ('support', '0014_documents'),
    ]

    operations = [
        migrations.AddField('document', 'release_id', models.UUIDField(null=True)),
        InstallSQL("documents"),
    ]
