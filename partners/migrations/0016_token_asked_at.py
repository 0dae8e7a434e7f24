from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("partners", "0015_notices_in_more_languages")]
    operations = [migrations.AddField("authorizedagent", "token_asked_at", models.DateTimeField(null=True))]
