"""Fix where functions look names up."""

from django.db import migrations

from audit.primitives.sql_files import fix_search_path


class Migration(migrations.Migration):
    dependencies = [("audit", "0014_officers_looks")]
    operations = [fix_search_path("audit", "audit_now")]
