"""The table of disclosures, partitioned by month, and the guards of what may never change in it."""

from django.db import migrations

TABLE = """
CREATE TABLE disclosures_disclosure (
    line_id bigint NOT NULL,
    occurred_at timestamptz NOT NULL,
    id uuid NOT NULL,
    source_id varchar(1000) NOT NULL,
    aggregator varchar(1000) NOT NULL,
    path varchar(1000)[] NOT NULL,
    campaign varchar(1000) NOT NULL,
    purpose varchar(1000) NOT NULL,
    scope varchar(1000) NOT NULL,
    precision_m integer NOT NULL CONSTRAINT disclosures_precision_not_negative CHECK (precision_m >= 0),
    basis varchar(14) NOT NULL
        CONSTRAINT disclosures_basis_known CHECK (basis IN ('approval', 'emergency', 'legal_process', 'network')),
    outcome varchar(8) NOT NULL CONSTRAINT disclosures_outcome_known CHECK (outcome IN ('released', 'refused')),
    decision_id varchar(1000) NOT NULL,
    authority_ref varchar(1000) NOT NULL,
    basis_doubtful boolean NOT NULL,
    judgement varchar(24) NOT NULL,
    recorded_at timestamptz NOT NULL,
    CONSTRAINT disclosures_disclosure_pkey PRIMARY KEY (line_id, occurred_at, id),
    CONSTRAINT disclosures_judged_iff_released_by_approval CHECK (
        CASE WHEN basis <> 'approval' THEN judgement = basis
            WHEN outcome = 'refused' THEN judgement = 'refused'
            ELSE judgement IN ('permitted', 'after_stop', 'no_approval', 'approval_unverified', 'approval_expired',
                'contract_not_in_force', 'campaign_not_in_force', 'jurisdiction_prohibits', 'precision_exceeded',
                'partner_suspended') END)
) PARTITION BY RANGE (occurred_at);
CREATE TABLE disclosures_disclosure_default PARTITION OF disclosures_disclosure DEFAULT;

-- Make the partition of each month (UTC) from `since` to `until` that is not there yet. For the owner of the tables.
CREATE FUNCTION disclosures_make_partitions(since timestamptz, until timestamptz) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
    month timestamp := date_trunc('month', since AT TIME ZONE 'UTC');
    made integer := 0;
    partition text;
BEGIN
    WHILE month <= until AT TIME ZONE 'UTC' LOOP
        partition := 'disclosures_disclosure_' || to_char(month, 'YYYY_MM');
        IF to_regclass('public.' || partition) IS NULL THEN
            EXECUTE format('CREATE TABLE %I PARTITION OF disclosures_disclosure FOR VALUES FROM (%L) TO (%L)', partition,
                month AT TIME ZONE 'UTC', (month + interval '1 month') AT TIME ZONE 'UTC');
            made := made + 1;
        END IF;
        month := month + interval '1 month';
    END LOOP;
    RETURN made;
END $$;
SELECT disclosures_make_partitions(now() - interval '26 months', now() + interval '3 months');
"""

GUARDS = """
-- What left the carrier stays what it was. Only the judgement of it may change, never silently.
CREATE FUNCTION disclosures_facts_stand() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        OLD.judgement := NEW.judgement;
        IF OLD IS NOT DISTINCT FROM NEW THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION '% of a disclosure is refused: of it only the judgement may change', TG_OP
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'disclosures_facts_stand';
END $$;
CREATE TRIGGER disclosures_facts_stand BEFORE UPDATE OR DELETE ON disclosures_disclosure
    FOR EACH ROW EXECUTE FUNCTION disclosures_facts_stand();
CREATE TRIGGER disclosures_disclosure_no_truncate BEFORE TRUNCATE ON disclosures_disclosure
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();

-- A change row is dated by the server, whatever its writer says; so the check below can tell this transaction's own.
CREATE FUNCTION disclosures_date_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.changed_at := clock_timestamp();
    RETURN NEW;
END $$;
CREATE TRIGGER disclosures_date_change BEFORE INSERT ON disclosures_judgementchange
    FOR EACH ROW EXECUTE FUNCTION disclosures_date_change();

CREATE FUNCTION disclosures_change_is_recorded() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM disclosures_judgementchange c
        WHERE c.line_id = NEW.line_id AND c.disclosure_id = NEW.id AND c.changed_at >= transaction_timestamp()
            AND c.was = OLD.judgement AND c.becomes = NEW.judgement)
    THEN
        RAISE EXCEPTION 'the judgement of disclosure % changed without a record of it', NEW.id
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'disclosures_change_is_recorded';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER disclosures_change_is_recorded AFTER UPDATE ON disclosures_disclosure
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (OLD.judgement IS DISTINCT FROM NEW.judgement)
    EXECUTE FUNCTION disclosures_change_is_recorded();

CREATE TRIGGER disclosures_register_append_only BEFORE UPDATE OR DELETE ON disclosures_disclosureregister
    FOR EACH ROW EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER disclosures_register_no_truncate BEFORE TRUNCATE ON disclosures_disclosureregister
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER disclosures_change_append_only BEFORE UPDATE OR DELETE ON disclosures_judgementchange
    FOR EACH ROW EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER disclosures_change_no_truncate BEFORE TRUNCATE ON disclosures_judgementchange
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER disclosures_notice_append_only BEFORE UPDATE OR DELETE ON disclosures_delayednotice
    FOR EACH ROW EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER disclosures_notice_no_truncate BEFORE TRUNCATE ON disclosures_delayednotice
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
"""

UNDO = "DROP TABLE disclosures_disclosure; DROP FUNCTION disclosures_make_partitions"


class Migration(migrations.Migration):
    dependencies = [("disclosures", "0001_initial"), ("audit", "0002_chain")]
    operations = [
        migrations.RunSQL(TABLE, UNDO),
        migrations.RunSQL(GUARDS, migrations.RunSQL.noop),
    ]
