"""The last migration of 0.1.0 in this app, under which its databases know what 0001_initial makes today."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial")]
