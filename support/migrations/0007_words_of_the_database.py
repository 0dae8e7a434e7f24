"""The words of a thread stay a generated column; the model no longer asks which PostgreSQL runs to be checked."""

import django.contrib.postgres.search
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("support", "0006_canary_and_test_lines")]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AlterField(
                    model_name="entry",
                    name="words",
                    field=django.contrib.postgres.search.SearchVectorField(db_default=models.Value(""), editable=False),
                )
            ]
        )
    ]
