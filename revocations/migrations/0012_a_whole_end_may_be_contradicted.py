"""A partner's word for a whole end may turn out untrue: its event says so, and a newer one takes its place."""

from django.db import migrations, models

# What was signed before is about the only event there was.
KNOWN = """
UPDATE revocations_streamevent e SET cohort_id = c.id FROM revocations_cohort c WHERE c.event_id = e.id;
ALTER TABLE revocations_cohortreceipt DISABLE TRIGGER revocations_cohortreceipt_append_only;
UPDATE revocations_cohortreceipt r SET event_id = c.event_id FROM revocations_cohort c WHERE c.id = r.cohort_id;
ALTER TABLE revocations_cohortreceipt ENABLE TRIGGER revocations_cohortreceipt_append_only;
"""
GUARDS = """
CREATE FUNCTION revocations_end_is_signed(which_end uuid, which_event uuid, who bigint) RETURNS boolean
    LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM revocations_cohortreceipt r JOIN partners_party p ON p.uri = r.signer_uri
        WHERE r.cohort_id = which_end AND r.event_id = which_event AND p.id = who AND r.status = 'completed')
$$;

CREATE OR REPLACE FUNCTION revocations_event_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'an event is never deleted'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'revocations_event_is_kept';
    END IF;
    IF (NEW.id, NEW.party_id, NEW.contract_id, NEW.cohort_id, NEW.kind, NEW.jti, NEW.claims)
        IS DISTINCT FROM (OLD.id, OLD.party_id, OLD.contract_id, OLD.cohort_id, OLD.kind, OLD.jti, OLD.claims)
        OR OLD.state NOT IN ('queued', 'sent', 'parked') AND NEW.state IN ('queued', 'sent', 'parked')
        OR OLD.state IN ('completed', 'partial') AND NEW.state IN ('acknowledged', 'rejected')
        OR OLD.state = 'completed' AND NEW.state NOT IN ('completed', 'contradicted')
        OR OLD.state = 'contradicted' AND NEW.state <> 'contradicted'
    THEN
        RAISE EXCEPTION 'an event stays what it is and does not go back from % to %', OLD.state, NEW.state
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'revocations_event_never_goes_back';
    END IF;
    IF NEW.state = 'contradicted' AND OLD.state <> 'contradicted'
        AND (OLD.state NOT IN ('completed', 'partial')
            OR NOT revocations_end_is_signed(NEW.cohort_id, NEW.id, NEW.party_id))
    THEN
        RAISE EXCEPTION 'nothing was signed about an event that would be contradicted'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'revocations_event_shows_it';
    END IF;
    IF greatest(NEW.next_attempt_at, NEW.leased_until, NEW.again_at, NEW.polled_until)
        > audit_now() + interval '7 days'
    THEN
        RAISE EXCEPTION 'the next try of an event is more than a week away'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'revocations_event_next_try_is_near';
    END IF;
    RETURN NEW;
END $$;

-- Done is what was signed about the newest event. It is open again only where that event was contradicted, which is
-- written before, and a newer one asks anew.
CREATE FUNCTION revocations_cohort_moves() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.completed_at IS DISTINCT FROM OLD.completed_at AND NEW.completed_at IS NOT NULL
        AND (OLD.completed_at IS NOT NULL OR NOT revocations_end_is_signed(NEW.id, NEW.event_id, NEW.party_id))
    THEN
        RAISE EXCEPTION 'nothing that its partner signed shows that cohort % is done', NEW.id
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'revocations_cohort_is_signed_for';
    END IF;
    IF (NEW.completed_at IS NULL AND OLD.completed_at IS NOT NULL
            OR NEW.contradicted_at IS DISTINCT FROM OLD.contradicted_at)
        AND (NEW.contradicted_at IS NULL OR NEW.contradicted_at < OLD.contradicted_at
            OR NEW.completed_at IS NOT NULL OR NEW.event_id IS NOT DISTINCT FROM OLD.event_id
            OR NOT EXISTS (SELECT FROM revocations_streamevent e
                WHERE e.id = OLD.event_id AND e.cohort_id = NEW.id AND e.state = 'contradicted'))
    THEN
        RAISE EXCEPTION 'cohort % does not go back', NEW.id
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'revocations_cohort_never_goes_back';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER revocations_cohort_moves BEFORE UPDATE ON revocations_cohort FOR EACH ROW
    WHEN ((NEW.completed_at, NEW.contradicted_at) IS DISTINCT FROM (OLD.completed_at, OLD.contradicted_at))
    EXECUTE FUNCTION revocations_cohort_moves();
"""


class Migration(migrations.Migration):
    dependencies = [("revocations", "0011_health_of_streams"), ("partners", "0001_initial")]
    operations = [
        migrations.AddField("cohort", "contradicted_at", models.DateTimeField(null=True)),
        migrations.AddField("streamevent", "cohort_id", models.UUIDField(null=True)),
        migrations.AddField("cohortreceipt", "event_id", models.UUIDField(null=True)),
        migrations.RunSQL(KNOWN, migrations.RunSQL.noop),
        migrations.AlterField("cohortreceipt", "event_id", models.UUIDField()),
        migrations.RunSQL(GUARDS, migrations.RunSQL.noop),
    ]
