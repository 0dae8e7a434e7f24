"""Nobody is given so long that the day on which they are suspended, as their person was told, can't come."""

from django.db import migrations

# Versions of before stay as they were; what is longer is followed by one that isn't. That is stricter: one may.
GUARDS = """
INSERT INTO disclosures_anomalyrule
    (kind, version, threshold, "window", suspend_after_days, enabled, reason, actor, made_at)
SELECT kind, version + 1, threshold, "window", 14, enabled, 'At most 14 days, so that the day can come',
    'system:install', audit_now()
FROM (SELECT DISTINCT ON (kind) * FROM disclosures_anomalyrule ORDER BY kind, version DESC) newest
WHERE suspend_after_days > 14;

CREATE FUNCTION disclosures_anomalyrule_grace() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a company is suspended after at most 14 days'
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_NAME;
END $$;
CREATE TRIGGER disclosures_anomalyrule_grace BEFORE INSERT ON disclosures_anomalyrule FOR EACH ROW
    WHEN (NEW.suspend_after_days > 14) EXECUTE FUNCTION disclosures_anomalyrule_grace();
"""


class Migration(migrations.Migration):
    dependencies = [("disclosures", "0009_looser_by_two")]
    operations = [migrations.RunSQL(GUARDS, migrations.RunSQL.noop)]
