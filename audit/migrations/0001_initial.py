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
                ('kind', models.CharField(choices=[('contradicted', 'A partner continued after signing that it stopped'), ('ungated', "A release without the gate's permission"), ('basis_doubtful', 'An emergency or network release to a company that sells look-ups'), ('audit_fault', 'The audit log fails verification'), ('partner_has', 'A partner allows what we deny'), ('unhealthy', 'A partner is denied everything because its stream is failing'), ('lifeline_at_risk', 'A medical or roadside service is denied, or soon will be'), ('order_refused', 'A partner rejects our order as invalid'), ('keys_refused', "A partner doesn't accept our key or name"), ('no_way_out', 'Our outgoing connections fail: orders to partners are waiting'), ('texts_spent', 'Unusually many codes are sent by text: find out who requests them'), ('overdue', 'A partner missed an agreed deadline'), ('no_evidence', 'A partner missed the deadline for its proof of consent'), ('canary_failed', 'Our own test of stopping failed'), ('stops_failing', 'Stops that people requested failed'), ('our_breach', 'A breach of ours, reported by staff'), ('partner_breach', 'A breach at a partner, reported by staff'), ('staff_browsing', 'A staff member viewed unusually many subscribers'), ('machine_by_operator', 'An API client was activated or given a new key without two officers'), ('addresses_by_operator', "A partner's endpoints or key address changed without two officers"), ('history_moved', "Releases moved from one line's history to another's"), ('stops_by_agent', 'Unusually many stops by one agent'), ('after_stop', 'Look-ups after people stopped'), ('no_approval', 'Look-ups with no record of consent'), ('suspended', 'Look-ups after we suspended the company'), ('burst', 'Bursts of look-ups of one line'), ('night', 'Look-ups at night, again and again'), ('many_lines', 'One end customer looking up many lines'), ('dormant', 'Look-ups of long-inactive lines'), ('disputed', 'Consent claims that people dispute')], max_length=40)),
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
                ('what', models.CharField(choices=[('opened', 'Opened'), ('counted', 'Seen again'), ('fewer', 'Count corrected down by newer records'), ('renewed', 'Seen again, with new deadlines'), ('closed', 'Closed'), ('reopened', 'Reopened')], max_length=10)),
                ('count', models.PositiveIntegerField()),
            ],
            options={
                'indexes': [models.Index(fields=['incident_id', 'id'], name='audit_incidentstep_of')],
            },
        ),
    ]
