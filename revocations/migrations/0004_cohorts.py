"""What was written down about streams and cohorts stays as it was written."""

from django.db import migrations

GUARDS = """
CREATE TRIGGER revocations_streamattempt_append_only BEFORE UPDATE OR DELETE ON revocations_streamattempt
    FOR EACH ROW EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER revocations_cohortreceipt_append_only BEFORE UPDATE OR DELETE ON revocations_cohortreceipt
    FOR EACH ROW EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER revocations_manifestshard_append_only BEFORE UPDATE OR DELETE ON revocations_manifestshard
    FOR EACH ROW EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER revocations_cohort_kept BEFORE DELETE ON revocations_cohort
    FOR EACH ROW EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER revocations_breach_kept BEFORE DELETE ON revocations_breach
    FOR EACH ROW EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER revocations_streamevent_kept BEFORE DELETE ON revocations_streamevent
    FOR EACH ROW EXECUTE FUNCTION audit_refuse_change();
"""


class Migration(migrations.Migration):
    dependencies = [("revocations", "0003_officers"), ("audit", "0002_chain")]
    operations = [migrations.RunSQL(GUARDS, migrations.RunSQL.noop)]
