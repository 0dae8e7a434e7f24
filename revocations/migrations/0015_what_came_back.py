"""Indexes of what came back from partners, made while stops write orders. What is broken off is run again."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

NAMES = ("revocations_evidence_came", "revocations_evidence_late", "revocations_signed_in_part")
# Each a statement of its own: none of them may run within a transaction.
BROKEN_OFF = [f"DROP INDEX CONCURRENTLY IF EXISTS {name}" for name in NAMES]


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ('revocations', '0014_evidence'),
    ]

    operations = [
        migrations.RunSQL(BROKEN_OFF, migrations.RunSQL.noop),
        AddIndexConcurrently(
            model_name='evidencerequest',
            index=models.Index(condition=models.Q(('answered_at__isnull', False)), fields=['answered_at'], name='revocations_evidence_came'),
        ),
        AddIndexConcurrently(
            model_name='evidencerequest',
            index=models.Index(condition=models.Q(('overdue_at__isnull', False)), fields=['overdue_at'], name='revocations_evidence_late'),
        ),
        AddIndexConcurrently(
            model_name='order',
            index=models.Index(condition=models.Q(('state', 'partial')), fields=['completed_at'], name='revocations_signed_in_part'),
        ),
    ]
