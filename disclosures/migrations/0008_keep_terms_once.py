"""Keep once, as a term, what many releases have in common.

Those of 1.0 get their terms by `compact_ledger`. A program of 1.0 sees `disclosures_disclosure` as it always did: as a
view that it may write to. A database that began with 0002_rules as it stands today has all of this.
"""

from django.db import migrations

from audit.primitives.sql_files import InstallSQL

TERMS = """
DO $do$
BEGIN
    IF to_regclass('public.disclosures_release') IS NOT NULL THEN
        RETURN;
    END IF;
    CREATE TABLE disclosures_term (
        id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        content bytea NOT NULL CONSTRAINT disclosures_term_content UNIQUE,
        aggregator varchar(1000) NOT NULL,
        path varchar(1000)[] NOT NULL,
        campaign varchar(1000) NOT NULL,
        purpose varchar(1000) NOT NULL,
        scope varchar(1000) NOT NULL,
        basis varchar(14) NOT NULL
            CONSTRAINT disclosures_basis_known CHECK (basis IN ('approval', 'emergency', 'legal_process', 'network')),
        outcome varchar(8) NOT NULL CONSTRAINT disclosures_outcome_known CHECK (outcome IN ('released', 'refused')),
        path_completed varchar(12) NOT NULL CONSTRAINT disclosures_path_completed_known
            CHECK (path_completed IN ('', 'aggregator', 'lbs_provider', 'both')),
        basis_doubtful boolean NOT NULL,
        judgement varchar(24) NOT NULL,
        CONSTRAINT disclosures_judged_iff_released_by_approval CHECK (
            CASE WHEN basis <> 'approval' THEN judgement = basis
                WHEN outcome = 'refused' THEN judgement = 'refused'
                ELSE judgement IN ('permitted', 'after_stop', 'no_approval', 'approval_unverified', 'approval_expired',
                    'contract_not_in_force', 'campaign_not_in_force', 'jurisdiction_prohibits', 'precision_exceeded',
                    'partner_suspended') END)
    );
    ALTER TABLE disclosures_disclosure RENAME TO disclosures_release;
    ALTER TABLE disclosures_release
        ADD COLUMN term integer,
        ALTER COLUMN path_completed DROP DEFAULT,
        ALTER COLUMN aggregator DROP NOT NULL,
        ALTER COLUMN path DROP NOT NULL,
        ALTER COLUMN campaign DROP NOT NULL,
        ALTER COLUMN purpose DROP NOT NULL,
        ALTER COLUMN scope DROP NOT NULL,
        ALTER COLUMN basis DROP NOT NULL,
        ALTER COLUMN outcome DROP NOT NULL,
        ALTER COLUMN path_completed DROP NOT NULL,
        ALTER COLUMN basis_doubtful DROP NOT NULL,
        ALTER COLUMN judgement DROP NOT NULL;
    DROP TRIGGER disclosures_change_is_recorded ON disclosures_release;
END $do$
"""
# Who may use the table may use the view at once: programs of 1.0 go on while the other migrations run.
RIGHTS = """
DO $do$
DECLARE
    role regrole;
BEGIN
    FOR role IN
        SELECT given.grantee FROM pg_class c, aclexplode(c.relacl) given
        WHERE c.oid = 'disclosures_release'::regclass AND given.privilege_type = 'INSERT'
            AND given.grantee NOT IN (0, c.relowner)
    LOOP
        EXECUTE format('GRANT SELECT, INSERT ON disclosures_disclosure, disclosures_term TO %s', role);
        EXECUTE format('GRANT UPDATE (judgement, basis_doubtful) ON disclosures_disclosure TO %s', role);
        EXECUTE format('GRANT UPDATE (term) ON disclosures_release TO %s', role);
    END LOOP;
END $do$
"""


class Migration(migrations.Migration):
    dependencies = [("disclosures", "0007_uploads")]
    operations = [
        migrations.RunSQL(TERMS, migrations.RunSQL.noop),
        InstallSQL("anomalies", "giving_back", "guards", "ledger", "notices", "releases", "retention"),
        migrations.RunSQL(RIGHTS, migrations.RunSQL.noop),
    ]
