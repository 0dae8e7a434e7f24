"""Fix where functions look names up."""

from django.db import migrations

from audit.primitives.sql_files import fix_search_path


class Migration(migrations.Migration):
    dependencies = [("revocations", "0015_what_came_back")]
    operations = [fix_search_path("revocations")]
