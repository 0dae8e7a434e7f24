"""The chains' heads can't be emptied, not even by the owner in passing."""

from django.db import migrations

GUARD = """
CREATE TRIGGER audit_chainhead_no_truncate BEFORE TRUNCATE ON audit_chainhead
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER audit_chainhead_kept BEFORE DELETE ON audit_chainhead
    FOR EACH ROW EXECUTE FUNCTION audit_refuse_change();
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "0005_no_way_out")]
    operations = [migrations.RunSQL(GUARD, migrations.RunSQL.noop)]
