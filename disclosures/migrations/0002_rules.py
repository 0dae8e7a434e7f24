"""Releases: what Django can't say of the tables, the database's own rules, and the first rows."""

from django.db import migrations

from audit.primitives.sql_files import InstallSQL

TABLE = """
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
CREATE TABLE disclosures_release (
    line_id bigint NOT NULL,
    occurred_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    id uuid NOT NULL,
    term integer NOT NULL,
    precision_m integer NOT NULL CONSTRAINT disclosures_precision_not_negative CHECK (precision_m >= 0),
    source_id varchar(1000) NOT NULL,
    decision_id varchar(1000) NOT NULL,
    authority_ref varchar(1000) NOT NULL
) PARTITION BY RANGE (occurred_at);
CREATE TABLE disclosures_disclosure_default PARTITION OF disclosures_release DEFAULT;
CREATE INDEX disclosures_release_line ON disclosures_release (line_id, occurred_at);
CREATE INDEX disclosures_disclosure_recorded ON disclosures_release
    USING brin (recorded_at) WITH (pages_per_range = 16, autosummarize = on);
CREATE INDEX disclosures_disclosure_occurred ON disclosures_release
    USING brin (occurred_at) WITH (pages_per_range = 16, autosummarize = on);
CREATE INDEX disclosures_change_when ON disclosures_judgementchange (changed_at);
CREATE INDEX disclosures_notice_recorded ON disclosures_delayednotice (recorded_at);
CREATE INDEX disclosures_notice_ends ON disclosures_delayednotice (suppressed_until);
"""

MONTHS = """
SELECT disclosures_make_partitions(now() - interval '26 months', now() + interval '3 months');
"""

ANOMALY_RULES = """
INSERT INTO disclosures_anomalyrule
    (kind, version, threshold, "window", suspend_after_days, enabled, reason, actor, made_at)
SELECT kind, 1, threshold, span, days, true, 'As it was installed', 'system:install', audit_now() FROM (VALUES
    ('after_stop', 1, 30, 3), ('no_approval', 3, 30, 3), ('burst', 20, 60, NULL), ('night', 4, 7, NULL),
    ('many_lines', 25, 1, NULL), ('dormant', 3, 180, NULL), ('disputed', 3, 3, NULL)
) AS installed (kind, threshold, span, days);
INSERT INTO disclosures_anomalyrule
    (kind, version, threshold, "window", suspend_after_days, enabled, reason, actor, made_at)
SELECT kind, version + 1, threshold, "window", 14, enabled, 'At most 14 days, so that the day can come',
    'system:install', audit_now()
FROM (SELECT DISTINCT ON (kind) * FROM disclosures_anomalyrule ORDER BY kind, version DESC) newest
WHERE suspend_after_days > 14;
INSERT INTO disclosures_anomalyrule
    (kind, version, threshold, "window", suspend_after_days, enabled, reason, actor, made_at)
VALUES ('suspended', 1, 1, 30, NULL, true, 'As it was installed', 'system:install', audit_now());
"""


class Migration(migrations.Migration):
    # A database of 0.1.0 that has run all of these has all that is made here.
    replaces = [
        ("disclosures", "0002_partitions"),
        ("disclosures", "0003_held_notices"),
        ("disclosures", "0004_rollups"),
        ("disclosures", "0005_retention"),
        ("disclosures", "0006_imported_chunks"),
        ("disclosures", "0007_doubt_may_come_later"),
        ("disclosures", "0008_anomalies"),
        ("disclosures", "0009_looser_by_two"),
        ("disclosures", "0010_the_day_comes"),
        ("disclosures", "0011_published_figures"),
        ("disclosures", "0012_after_we_suspended"),
        ("disclosures", "0013_archives"),
        ("disclosures", "0014_orders_kept_outside"),
        ("disclosures", "0015_held_by_the_gateway"),
        ("disclosures", "0016_held_to_be_counted"),
        ("disclosures", "0017_what_was_held_before"),
        ("disclosures", "0018_given_back"),
        ("disclosures", "0019_what_was_shortened_before"),
        ("disclosures", "0020_notices_kept_with_their_line"),
        ("disclosures", "0021_the_newest_of_a_period"),
        ("disclosures", "0022_when_it_grew"),
        ("disclosures", "0023_how_far_back"),
        ("disclosures", "0024_orders_outlast_months"),
        ("disclosures", "0026_path_completed"),
    ]
    dependencies = [("disclosures", "0001_initial"), ("consent", "0002_rules")]
    operations = [
        migrations.RunSQL(TABLE, migrations.RunSQL.noop),
        InstallSQL("anomalies", "giving_back", "guards", "ledger", "notices", "releases", "retention"),
        migrations.RunSQL(MONTHS, migrations.RunSQL.noop),
        migrations.RunSQL(ANOMALY_RULES, migrations.RunSQL.noop),
    ]
