"""Fix where functions look names up."""

from django.db import migrations

from audit.primitives.sql_files import fix_search_path


class Migration(migrations.Migration):
    dependencies = [("accounts", "0018_browsersession")]
    operations = [fix_search_path("accounts")]
