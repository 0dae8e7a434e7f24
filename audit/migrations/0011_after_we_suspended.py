"""An incident of what went out to a company that we had suspended."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('audit', '0010_no_evidence'),
    ]

    operations = [
        migrations.AlterField(
            model_name='incident',
            name='kind',
            field=models.CharField(choices=[('contradicted', 'A partner went on after it had signed that it stopped'), ('ungated', "A release without the gate's yes"), ('basis_doubtful', 'An emergency or network release to a company that sells look-ups'), ('audit_fault', 'The audit trail does not verify'), ('partner_has', 'A partner holds as allowed what we deny'), ('unhealthy', 'A partner is denied everything because its stream is not well'), ('lifeline_at_risk', 'A medical or roadside service is denied, or about to be'), ('order_refused', 'A partner calls our order invalid'), ('keys_refused', 'A partner does not accept our key or name'), ('no_way_out', 'Our own way out is closed: what partners must be told waits with us'), ('texts_spent', 'Far more texts with codes go out than people need: find out who asks for them'), ('overdue', 'A partner let the agreed date pass'), ('no_evidence', 'A partner did not show its proof of consent by its date'), ('after_stop', 'Look-ups after people said stop'), ('no_approval', 'Look-ups with no record that people agreed'), ('suspended', 'Look-ups after we suspended the company'), ('burst', 'Bursts of look-ups of one line'), ('night', 'Look-ups night after night'), ('many_lines', 'One end customer across many lines'), ('dormant', 'Look-ups of lines that had been quiet'), ('disputed', 'Claims of consent that people dispute')], max_length=40),
        ),
    ]
