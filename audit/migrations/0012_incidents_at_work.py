"""Incidents that are worked: their next date, what became of them as the database saw it, and four more kinds."""

from django.db import migrations, models

STEPS = """
CREATE FUNCTION audit_incident_steps() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
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

CREATE TRIGGER audit_incident_steps AFTER INSERT OR UPDATE ON audit_incident
    FOR EACH ROW EXECUTE FUNCTION audit_incident_steps();
CREATE TRIGGER audit_incidentstep_append_only BEFORE UPDATE OR DELETE ON audit_incidentstep
    FOR EACH ROW EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER audit_incidentstep_no_truncate BEFORE TRUNCATE ON audit_incidentstep
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();

INSERT INTO audit_incidentstep (incident_id, at, what, count)
SELECT id, opened_at, 'opened', count FROM audit_incident ORDER BY id;
"""
GONE = "DROP FUNCTION audit_incident_steps CASCADE"


class Migration(migrations.Migration):

    dependencies = [
        ('audit', '0011_after_we_suspended'),
    ]

    operations = [
        migrations.CreateModel(
            name='IncidentStep',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('incident_id', models.BigIntegerField()),
                ('at', models.DateTimeField()),
                ('what', models.CharField(choices=[('opened', 'Opened'), ('counted', 'Seen again'), ('closed', 'Closed'), ('reopened', 'Opened again')], max_length=10)),
                ('count', models.PositiveIntegerField()),
            ],
        ),
        migrations.AddField(
            model_name='incident',
            name='due_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AlterField(
            model_name='incident',
            name='kind',
            field=models.CharField(choices=[('contradicted', 'A partner went on after it had signed that it stopped'), ('ungated', "A release without the gate's yes"), ('basis_doubtful', 'An emergency or network release to a company that sells look-ups'), ('audit_fault', 'The audit trail does not verify'), ('partner_has', 'A partner holds as allowed what we deny'), ('unhealthy', 'A partner is denied everything because its stream is not well'), ('lifeline_at_risk', 'A medical or roadside service is denied, or about to be'), ('order_refused', 'A partner calls our order invalid'), ('keys_refused', 'A partner does not accept our key or name'), ('no_way_out', 'Our own way out is closed: what partners must be told waits with us'), ('texts_spent', 'Far more texts with codes go out than people need: find out who asks for them'), ('overdue', 'A partner let the agreed date pass'), ('no_evidence', 'A partner did not show its proof of consent by its date'), ('canary_failed', 'Our own trial of stopping failed'), ('stops_failing', 'Stops that people asked for failed'), ('staff_browsing', 'Somebody of staff looked at unusually many subscribers'), ('stops_by_agent', 'Unusually many stops by one agent'), ('after_stop', 'Look-ups after people said stop'), ('no_approval', 'Look-ups with no record that people agreed'), ('suspended', 'Look-ups after we suspended the company'), ('burst', 'Bursts of look-ups of one line'), ('night', 'Look-ups night after night'), ('many_lines', 'One end customer across many lines'), ('dormant', 'Look-ups of lines that had been quiet'), ('disputed', 'Claims of consent that people dispute')], max_length=40),
        ),
        migrations.AddIndex(
            model_name='incident',
            index=models.Index(condition=models.Q(('closed_at__isnull', True)), fields=['due_at'], name='audit_incident_due'),
        ),
        migrations.AddIndex(
            model_name='incidentstep',
            index=models.Index(fields=['incident_id', 'id'], name='audit_incidentstep_of'),
        ),
        migrations.RunSQL(STEPS, GONE),
    ]
