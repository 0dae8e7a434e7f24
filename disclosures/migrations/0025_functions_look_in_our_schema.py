"""Fix where functions look names up."""

from django.db import migrations

from audit.primitives.sql_files import fix_search_path


class Migration(migrations.Migration):
    dependencies = [("disclosures", "0024_orders_outlast_months")]
    operations = [fix_search_path("disclosures", "disclosures_company", "disclosures_shown_after_order")]
