"""Fix where functions look names up."""

from django.db import migrations

from audit.primitives.sql_files import fix_search_path


class Migration(migrations.Migration):
    dependencies = [("support", "0009_one_sender_s_cases")]
    operations = [fix_search_path("support")]
