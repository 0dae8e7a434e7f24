"""Rows that break in a round of background work are an incident of their own."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('audit', '0025_staff_by_operator'),
    ]

    operations = [
        migrations.AlterField(
            model_name='incident',
            name='kind',
            field=models.CharField(choices=[('contradicted', 'A partner continued after signing that it stopped'), ('ungated', "A release without the gate's permission"), ('basis_doubtful', 'An emergency or network release to a company that sells look-ups'), ('audit_fault', 'The audit log fails verification'), ('partner_has', 'A partner allows what we deny'), ('unhealthy', 'A partner is denied everything because its stream is failing'), ('lifeline_at_risk', 'A medical or roadside service is denied, or soon will be'), ('order_refused', 'A partner rejects our order as invalid'), ('keys_refused', "A partner doesn't accept our key or name"), ('no_way_out', 'Our outgoing connections fail: orders to partners are waiting'), ('texts_spent', 'Unusually many codes are sent by text: find out who requests them'), ('overdue', 'A partner missed an agreed deadline'), ('no_evidence', 'A partner missed the deadline for its proof of consent'), ('canary_failed', 'Our own test of stopping failed'), ('stops_failing', 'Stops that people requested failed'), ('our_breach', 'A breach of ours, reported by staff'), ('partner_breach', 'A breach at a partner, reported by staff'), ('staff_browsing', 'A staff member viewed unusually many subscribers'), ('machine_by_operator', 'An API client was activated or given a new key without two officers'), ('addresses_by_operator', "A partner's endpoints or key address changed without two officers"), ('staff_by_operator', 'A staff account was added or changed without two officers'), ('history_moved', "Releases moved from one line's history to another's"), ('stops_by_agent', 'Unusually many stops by one agent'), ('work_breaks', "Our background work fails for some rows: see the worker's log"), ('after_stop', 'Look-ups after people stopped'), ('no_approval', 'Look-ups with no record of consent'), ('suspended', 'Look-ups after we suspended the company'), ('burst', 'Bursts of look-ups of one line'), ('night', 'Look-ups at night, again and again'), ('many_lines', 'One end customer looking up many lines'), ('dormant', 'Look-ups of long-inactive lines'), ('disputed', 'Consent claims that people dispute')], max_length=40),
        ),
    ]
