"""Fix where functions look names up."""

from django.db import migrations

from audit.primitives.sql_files import fix_search_path


class Migration(migrations.Migration):
    dependencies = [("partners", "0020_what_files_changed")]
    operations = [fix_search_path("partners", "partners_paid", "partners_received")]
