from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='ChainHead',
            fields=[
                ('chain', models.SmallIntegerField(primary_key=True, serialize=False)),
                ('seq', models.BigIntegerField(default=0)),
                ('hash', models.BinaryField(default=b'')),
            ],
        ),
        migrations.CreateModel(
            name='AuditEvent',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('chain', models.SmallIntegerField(default=0, editable=False)),
                ('seq', models.BigIntegerField(default=0, editable=False)),
                ('at', models.DateTimeField()),
                ('action', models.CharField(max_length=80)),
                ('actor', models.CharField(max_length=220)),
                ('target', models.CharField(max_length=220)),
                ('line_id', models.BigIntegerField(null=True)),
                ('reason', models.CharField(blank=True, max_length=500)),
                ('detail', models.JSONField(blank=True, default=dict)),
                ('prev_hash', models.BinaryField(default=b'')),
                ('hash', models.BinaryField(default=b'')),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('line_id__isnull', False)), fields=['line_id', '-at'], name='audit_event_line_at'), models.Index(fields=['target', '-at'], name='audit_event_target_at'), models.Index(condition=models.Q(('actor__startswith', 'officer:'), ('actor__startswith', 'agent:'), ('actor__startswith', 'auditor:'), ('actor__startswith', 'legal:'), ('actor__startswith', 'command:'), _connector='OR'), fields=['-at'], name='audit_event_staff'), models.Index(condition=models.Q(('line_id__isnull', False), models.Q(('actor__startswith', 'officer:'), ('actor__startswith', 'agent:'), ('actor__startswith', 'auditor:'), ('actor__startswith', 'legal:'), _connector='OR')), fields=['at'], name='audit_event_looks')],
                'constraints': [models.UniqueConstraint(fields=('chain', 'seq'), name='audit_event_place_in_chain')],
            },
        ),
        migrations.CreateModel(
            name='Incident',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('contradicted', 'A partner went on after it had signed that it stopped'), ('ungated', "A release without the gate's yes"), ('basis_doubtful', 'An emergency or network release to a company that sells look-ups'), ('audit_fault', 'The audit trail does not verify'), ('partner_has', 'A partner holds as allowed what we deny'), ('unhealthy', 'A partner is denied everything because its stream is not well'), ('lifeline_at_risk', 'A medical or roadside service is denied, or about to be'), ('order_refused', 'A partner calls our order invalid'), ('keys_refused', 'A partner does not accept our key or name'), ('no_way_out', 'Our own way out is closed: what partners must be told waits with us'), ('texts_spent', 'Far more texts with codes go out than people need: find out who asks for them'), ('overdue', 'A partner let the agreed date pass'), ('no_evidence', 'A partner did not show its proof of consent by its date'), ('canary_failed', 'Our own trial of stopping failed'), ('stops_failing', 'Stops that people asked for failed'), ('our_breach', 'A breach of ours, reported by hand'), ('partner_breach', 'A breach at a partner, reported by hand'), ('staff_browsing', 'Somebody of staff looked at unusually many subscribers'), ('machine_by_operator', 'A machine was let in or given another key without two officers'), ('stops_by_agent', 'Unusually many stops by one agent'), ('after_stop', 'Look-ups after people said stop'), ('no_approval', 'Look-ups with no record that people agreed'), ('suspended', 'Look-ups after we suspended the company'), ('burst', 'Bursts of look-ups of one line'), ('night', 'Look-ups night after night'), ('many_lines', 'One end customer across many lines'), ('dormant', 'Look-ups of lines that had been quiet'), ('disputed', 'Claims of consent that people dispute')], max_length=40)),
                ('key', models.CharField(max_length=200)),
                ('opened_at', models.DateTimeField()),
                ('subject', models.CharField(max_length=200)),
                ('count', models.PositiveIntegerField(default=1)),
                ('acknowledged_at', models.DateTimeField(null=True)),
                ('assigned_to', models.CharField(blank=True, db_default='', default='', max_length=40)),
                ('closed_at', models.DateTimeField(null=True)),
                ('due_at', models.DateTimeField(null=True)),
                ('renewed_at', models.DateTimeField(null=True)),
                ('anew_from', models.DateTimeField(null=True)),
                ('reported_by', models.CharField(blank=True, db_default='', default='', max_length=40)),
                ('reported_at', models.DateTimeField(null=True)),
                ('happened', models.CharField(blank=True, db_default='', default='', max_length=2000)),
                ('affected', models.CharField(blank=True, db_default='', default='', max_length=2000)),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('closed_at__isnull', True)), fields=['due_at'], name='audit_incident_due')],
                'constraints': [models.UniqueConstraint(fields=('kind', 'key'), name='audit_incident_once_per_key')],
            },
        ),
        migrations.CreateModel(
            name='IncidentLine',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('incident_id', models.BigIntegerField()),
                ('line_id', models.BigIntegerField()),
                ('disclosure_id', models.UUIDField()),
                ('occurred_at', models.DateTimeField()),
            ],
            options={
                'indexes': [models.Index(fields=['incident_id', 'id'], name='audit_incidentline_of')],
            },
        ),
        migrations.CreateModel(
            name='IncidentStep',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('incident_id', models.BigIntegerField()),
                ('at', models.DateTimeField()),
                ('what', models.CharField(choices=[('opened', 'Opened'), ('counted', 'Seen again'), ('fewer', 'Fewer by what the records show'), ('renewed', 'Seen again, with clocks of its own'), ('closed', 'Closed'), ('reopened', 'Opened again')], max_length=10)),
                ('count', models.PositiveIntegerField()),
            ],
            options={
                'indexes': [models.Index(fields=['incident_id', 'id'], name='audit_incidentstep_of')],
            },
        ),
    ]
