"""Fix where functions look names up."""

from django.db import migrations

from audit.primitives.sql_files import fix_search_path


class Migration(migrations.Migration):
    dependencies = [("consent", "0023_set_aside")]
    operations = [fix_search_path("consent", "consent_us", "consent_kept", "consent_digest_bucket")]
