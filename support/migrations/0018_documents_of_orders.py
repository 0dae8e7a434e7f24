"""Tell packs of a court order from other documents."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("support", "0017_what_the_desk_counts")]
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
                ],
                max_length=12,
            ),
        )
    ]
