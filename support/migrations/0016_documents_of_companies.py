"""Keep which company a person asked about in the case that a document is of."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("support", "0015_documents_kept")]
    operations = [migrations.AddField("document", "company_id", models.BigIntegerField(null=True))]
