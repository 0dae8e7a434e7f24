"""What a carrier's own log shows: rules by version, what they found, and the indexes by which new rows are found."""

import django.db.models.deletion
from django.db import migrations, models

# Rows come in the order in which they are recorded and, but for late ones, in which they occurred: a few bytes for each
# stretch of a month's pages find them again, and cost a COPY nothing to speak of.
INDEXES = """
CREATE INDEX disclosures_disclosure_recorded ON disclosures_disclosure
    USING brin (recorded_at) WITH (pages_per_range = 16, autosummarize = on);
CREATE INDEX disclosures_disclosure_occurred ON disclosures_disclosure
    USING brin (occurred_at) WITH (pages_per_range = 16, autosummarize = on);
CREATE INDEX disclosures_change_when ON disclosures_judgementchange (changed_at);
CREATE INDEX disclosures_notice_recorded ON disclosures_delayednotice (recorded_at);
CREATE INDEX disclosures_notice_ends ON disclosures_delayednotice (suppressed_until);
"""
INDEXES_UNDO = """
DROP INDEX disclosures_disclosure_recorded, disclosures_disclosure_occurred, disclosures_change_when,
    disclosures_notice_recorded, disclosures_notice_ends;
"""
COMPANY = """
-- Whose act a release is: the first known party after the aggregator, else the aggregator (`queries.trails.company_of`).
CREATE FUNCTION disclosures_company(path varchar[]) RETURNS varchar LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT coalesce((
        SELECT hop.uri FROM unnest(path[2:]) WITH ORDINALITY AS hop (uri, n)
        WHERE hop.uri <> 'unknown' ORDER BY hop.n LIMIT 1), path[1], 'unknown')
$$;
"""
RULES = """
INSERT INTO disclosures_anomalyrule
    (kind, version, threshold, "window", suspend_after_days, enabled, reason, actor, made_at)
SELECT kind, 1, threshold, span, days, true, 'As it was installed', 'system:install', audit_now() FROM (VALUES
    ('after_stop', 1, 30, 3), ('no_approval', 3, 30, 3), ('burst', 20, 60, NULL), ('night', 4, 7, NULL),
    ('many_lines', 25, 1, NULL), ('dormant', 3, 180, NULL), ('disputed', 3, 3, NULL)
) AS installed (kind, threshold, span, days);
CREATE TRIGGER disclosures_anomalyrule_append_only BEFORE UPDATE OR DELETE ON disclosures_anomalyrule
    FOR EACH ROW EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER disclosures_anomalyrule_no_truncate BEFORE TRUNCATE ON disclosures_anomalyrule
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
"""

class Migration(migrations.Migration):

    dependencies = [
        ('disclosures', '0007_doubt_may_come_later'),
    ]

    operations = [
        migrations.CreateModel(
            name='AnomalyWatch',
            fields=[
                ('id', models.SmallIntegerField(default=1, primary_key=True, serialize=False)),
                ('until', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='AnomalyRule',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('after_stop', 'Look-ups after the person said stop'), ('no_approval', 'Look-ups with no record that the person agreed'), ('burst', 'A burst of look-ups of one line'), ('night', 'Look-ups of one line night after night'), ('many_lines', 'One end customer across many lines'), ('dormant', 'Look-ups of a line that had been quiet'), ('disputed', 'Claims of consent that people dispute')], max_length=12)),
                ('version', models.PositiveIntegerField()),
                ('threshold', models.PositiveIntegerField()),
                ('window', models.PositiveIntegerField()),
                ('suspend_after_days', models.PositiveSmallIntegerField(null=True)),
                ('enabled', models.BooleanField()),
                ('reason', models.CharField(max_length=500)),
                ('actor', models.CharField(max_length=220)),
                ('made_at', models.DateTimeField()),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('kind', 'version'), name='disclosures_anomalyrule_version'), models.CheckConstraint(condition=models.Q(('threshold__gte', 1), ('threshold__lte', 1000000)), name='disclosures_anomalyrule_threshold'), models.CheckConstraint(condition=models.Q(models.Q(('kind', 'burst'), ('window__gte', 1), ('window__lte', 1440)), models.Q(('kind', 'dormant'), ('window__gte', 31), ('window__lte', 730)), models.Q(('kind', 'disputed'), ('window__gte', 1), ('window__lte', 12)), models.Q(('kind', 'many_lines'), ('window__gte', 1), ('window__lte', 31)), models.Q(('kind__in', ('after_stop', 'no_approval', 'night')), ('window__gte', 1), ('window__lte', 366)), _connector='OR'), name='disclosures_anomalyrule_window'), models.CheckConstraint(condition=models.Q(('suspend_after_days__isnull', True), models.Q(('kind__in', ('after_stop', 'no_approval')), ('suspend_after_days__lte', 90)), _connector='OR'), name='disclosures_anomalyrule_suspends')],
            },
        ),
        migrations.CreateModel(
            name='Anomaly',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('after_stop', 'Look-ups after the person said stop'), ('no_approval', 'Look-ups with no record that the person agreed'), ('burst', 'A burst of look-ups of one line'), ('night', 'Look-ups of one line night after night'), ('many_lines', 'One end customer across many lines'), ('dormant', 'Look-ups of a line that had been quiet'), ('disputed', 'Claims of consent that people dispute')], max_length=12)),
                ('line_id', models.BigIntegerField(null=True)),
                ('party', models.CharField(max_length=1000)),
                ('recipient', models.CharField(blank=True, max_length=1000)),
                ('period', models.DateField()),
                ('first_at', models.DateTimeField()),
                ('last_at', models.DateTimeField()),
                ('n', models.PositiveIntegerField()),
                ('looks', models.PositiveIntegerField()),
                ('out_of', models.PositiveIntegerField(null=True)),
                ('found_at', models.DateTimeField()),
                ('changed_at', models.DateTimeField()),
                ('cleared_at', models.DateTimeField(null=True)),
                ('consequence', models.CharField(blank=True, max_length=10)),
                ('rule', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='disclosures.anomalyrule')),
            ],
            options={
                'indexes': [models.Index(fields=['line_id'], name='disclosures_anomaly_of_line'), models.Index(condition=models.Q(('cleared_at__isnull', True), ('consequence', ''), ('kind__in', ('after_stop', 'no_approval'))), fields=['found_at'], name='disclosures_anomaly_open'), models.Index(fields=['last_at'], name='disclosures_anomaly_age')],
                'constraints': [models.UniqueConstraint(fields=('kind', 'party', 'period', 'line_id'), name='disclosures_anomaly_once', nulls_distinct=False)],
            },
        ),
        migrations.RunSQL(INDEXES, INDEXES_UNDO),
        migrations.RunSQL(COMPANY, "DROP FUNCTION disclosures_company"),
        migrations.RunSQL(RULES, migrations.RunSQL.noop),
    ]
