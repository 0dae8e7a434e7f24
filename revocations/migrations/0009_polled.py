"""What a poll was given rests a while before the next poll gets it; that time is as near as the other two."""

from django.db import migrations, models

GUARDS = """
CREATE OR REPLACE FUNCTION revocations_order_moves() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.state, NEW.superseded_by) IS DISTINCT FROM (OLD.state, OLD.superseded_by)
        AND NOT revocations_is_shown(NEW)
    THEN
        RAISE EXCEPTION 'nothing shows that an order is %', NEW.state
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'revocations_order_shows_it';
    END IF;
    IF greatest(NEW.next_attempt_at, NEW.leased_until, NEW.again_at, NEW.polled_until)
        > audit_now() + interval '7 days'
    THEN
        RAISE EXCEPTION 'the next try of an order is more than a week away'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'revocations_order_next_try_is_near';
    END IF;
    RETURN NEW;
END $$;
DROP TRIGGER revocations_order_moves ON revocations_order;
CREATE TRIGGER revocations_order_moves BEFORE UPDATE ON revocations_order FOR EACH ROW
    WHEN ((NEW.state, NEW.superseded_by, NEW.next_attempt_at, NEW.leased_until, NEW.again_at, NEW.polled_until)
        IS DISTINCT FROM
        (OLD.state, OLD.superseded_by, OLD.next_attempt_at, OLD.leased_until, OLD.again_at, OLD.polled_until))
    EXECUTE FUNCTION revocations_order_moves();

CREATE OR REPLACE FUNCTION revocations_event_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'an event is never deleted'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'revocations_event_is_kept';
    END IF;
    IF (NEW.id, NEW.party_id, NEW.contract_id, NEW.kind, NEW.jti, NEW.claims)
        IS DISTINCT FROM (OLD.id, OLD.party_id, OLD.contract_id, OLD.kind, OLD.jti, OLD.claims)
        OR OLD.state NOT IN ('queued', 'sent', 'parked') AND NEW.state IN ('queued', 'sent', 'parked')
        OR OLD.state IN ('completed', 'partial') AND NEW.state IN ('acknowledged', 'rejected')
        OR OLD.state = 'completed' AND NEW.state <> 'completed'
    THEN
        RAISE EXCEPTION 'an event stays what it is and does not go back from % to %', OLD.state, NEW.state
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'revocations_event_never_goes_back';
    END IF;
    IF greatest(NEW.next_attempt_at, NEW.leased_until, NEW.again_at, NEW.polled_until)
        > audit_now() + interval '7 days'
    THEN
        RAISE EXCEPTION 'the next try of an event is more than a week away'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'revocations_event_next_try_is_near';
    END IF;
    RETURN NEW;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("revocations", "0008_nothing_slips_away")]
    operations = [
        migrations.RemoveField(model_name="stream", name="needs_msisdn"),
        migrations.AddField(model_name="order", name="polled_until", field=models.DateTimeField(null=True)),
        migrations.AddField(model_name="streamevent", name="polled_until", field=models.DateTimeField(null=True)),
        migrations.RunSQL(GUARDS, migrations.RunSQL.noop),
    ]
