"""Tell agreements with partners from other documents; keep the views of lists that staff save."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("support", "0018_documents_of_orders"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations = [
        migrations.AlterField(
            "document",
            "kind",
            models.CharField(
                choices=[
                    ("certificate", "Annual CPNI certificate"),
                    ("ccpa", "CCPA metrics"),
                    ("breach", "Breach notification"),
                    ("company", "Evidence pack of a company"),
                    ("case", "Evidence pack of a case"),
                    ("order", "Evidence pack of a court order"),
                    ("agreement", "Signed agreement"),
                ],
                max_length=12,
            ),
        ),
        migrations.CreateModel(
            "SavedView",
            [
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("page", models.CharField(max_length=40)),
                ("name", models.CharField(max_length=60)),
                ("query", models.CharField(max_length=1000)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="saved_views",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            {
                "constraints": [
                    models.UniqueConstraint(fields=["user", "page", "name"], name="support_savedview_once_a_name")
                ]
            },
        ),
    ]
