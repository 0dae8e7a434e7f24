"""Clocks that begin anew: trouble that goes on has dates of its own, and what falls is no new trouble.

And what no program sees: an incident that somebody reports; and whom one reached, where that can't be found again.
"""

from django.db import migrations, models

STEPS = """
CREATE OR REPLACE FUNCTION audit_incident_steps() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
DECLARE seen text := CASE WHEN NEW.count > OLD.count THEN 'counted' ELSE 'fewer' END;
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO audit_incidentstep (incident_id, at, what, count)
        VALUES (NEW.id, NEW.opened_at, 'opened', NEW.count);
    ELSIF OLD.closed_at IS NULL AND NEW.closed_at IS NOT NULL THEN
        INSERT INTO audit_incidentstep (incident_id, at, what, count)
        VALUES (NEW.id, NEW.closed_at, 'closed', NEW.count);
    ELSIF OLD.closed_at IS NOT NULL AND NEW.closed_at IS NULL THEN
        INSERT INTO audit_incidentstep (incident_id, at, what, count)
        VALUES (NEW.id, NEW.opened_at, 'reopened', NEW.count);
    ELSIF NEW.renewed_at IS DISTINCT FROM OLD.renewed_at AND NEW.renewed_at IS NOT NULL THEN
        INSERT INTO audit_incidentstep (incident_id, at, what, count)
        VALUES (NEW.id, NEW.renewed_at, 'renewed', NEW.count);
    ELSIF NEW.count <> OLD.count AND NOT EXISTS (
        SELECT FROM audit_incidentstep
        WHERE incident_id = NEW.id AND what = seen AND at > audit_now() - interval '1 minute'
    ) THEN
        INSERT INTO audit_incidentstep (incident_id, at, what, count)
        VALUES (NEW.id, audit_now(), seen, NEW.count);
    END IF;
    RETURN NULL;
END $$;
"""
KEPT = """
CREATE TRIGGER audit_incidentline_append_only BEFORE UPDATE OR DELETE ON audit_incidentline
    FOR EACH ROW EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER audit_incidentline_no_truncate BEFORE TRUNCATE ON audit_incidentline
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
"""
AS_IT_WAS = """
CREATE OR REPLACE FUNCTION audit_incident_steps() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO audit_incidentstep (incident_id, at, what, count)
        VALUES (NEW.id, NEW.opened_at, 'opened', NEW.count);
    ELSIF OLD.closed_at IS NULL AND NEW.closed_at IS NOT NULL THEN
        INSERT INTO audit_incidentstep (incident_id, at, what, count)
        VALUES (NEW.id, NEW.closed_at, 'closed', NEW.count);
    ELSIF OLD.closed_at IS NOT NULL AND NEW.closed_at IS NULL THEN
        INSERT INTO audit_incidentstep (incident_id, at, what, count)
        VALUES (NEW.id, NEW.opened_at, 'reopened', NEW.count);
    ELSIF NEW.count <> OLD.count AND NOT EXISTS (
        SELECT FROM audit_incidentstep
        WHERE incident_id = NEW.id AND what = 'counted' AND at > audit_now() - interval '1 minute'
    ) THEN
        INSERT INTO audit_incidentstep (incident_id, at, what, count)
        VALUES (NEW.id, audit_now(), 'counted', NEW.count);
    END IF;
    RETURN NULL;
END $$;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('audit', '0012_incidents_at_work'),
    ]

    operations = [
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
        migrations.RunSQL(KEPT, migrations.RunSQL.noop),
        migrations.AddField(
            model_name='incident',
            name='anew_from',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='incident',
            name='renewed_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='incident',
            name='affected',
            field=models.CharField(blank=True, db_default='', default='', max_length=2000),
        ),
        migrations.AddField(
            model_name='incident',
            name='happened',
            field=models.CharField(blank=True, db_default='', default='', max_length=2000),
        ),
        migrations.AddField(
            model_name='incident',
            name='reported_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='incident',
            name='reported_by',
            field=models.CharField(blank=True, db_default='', default='', max_length=40),
        ),
        migrations.AlterField(
            model_name='incident',
            name='kind',
            field=models.CharField(choices=[('contradicted', 'A partner went on after it had signed that it stopped'), ('ungated', "A release without the gate's yes"), ('basis_doubtful', 'An emergency or network release to a company that sells look-ups'), ('audit_fault', 'The audit trail does not verify'), ('partner_has', 'A partner holds as allowed what we deny'), ('unhealthy', 'A partner is denied everything because its stream is not well'), ('lifeline_at_risk', 'A medical or roadside service is denied, or about to be'), ('order_refused', 'A partner calls our order invalid'), ('keys_refused', 'A partner does not accept our key or name'), ('no_way_out', 'Our own way out is closed: what partners must be told waits with us'), ('texts_spent', 'Far more texts with codes go out than people need: find out who asks for them'), ('overdue', 'A partner let the agreed date pass'), ('no_evidence', 'A partner did not show its proof of consent by its date'), ('canary_failed', 'Our own trial of stopping failed'), ('stops_failing', 'Stops that people asked for failed'), ('our_breach', 'A breach of ours, reported by hand'), ('partner_breach', 'A breach at a partner, reported by hand'), ('staff_browsing', 'Somebody of staff looked at unusually many subscribers'), ('stops_by_agent', 'Unusually many stops by one agent'), ('after_stop', 'Look-ups after people said stop'), ('no_approval', 'Look-ups with no record that people agreed'), ('suspended', 'Look-ups after we suspended the company'), ('burst', 'Bursts of look-ups of one line'), ('night', 'Look-ups night after night'), ('many_lines', 'One end customer across many lines'), ('dormant', 'Look-ups of lines that had been quiet'), ('disputed', 'Claims of consent that people dispute')], max_length=40),
        ),
        migrations.AlterField(
            model_name='incidentstep',
            name='what',
            field=models.CharField(choices=[('opened', 'Opened'), ('counted', 'Seen again'), ('fewer', 'Fewer by what the records show'), ('renewed', 'Seen again, with clocks of its own'), ('closed', 'Closed'), ('reopened', 'Opened again')], max_length=10),
        ),
        migrations.RunSQL(STEPS, AS_IT_WAS),
    ]
