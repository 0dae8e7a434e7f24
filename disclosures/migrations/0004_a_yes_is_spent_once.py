"""A looser rule for anomalies spends the yes of the two officers."""

from django.db import migrations

from audit.primitives.sql_files import InstallSQL


class Migration(migrations.Migration):
    dependencies = [("disclosures", "0003_plain_labels"), ("partners", "0029_a_yes_is_spent_once")]
    operations = [InstallSQL("anomalies")]
