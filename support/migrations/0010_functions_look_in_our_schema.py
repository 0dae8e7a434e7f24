"""Fix where functions look names up, so that a temporary table named like ours changes nothing."""

from django.db import migrations

FIX = r"""
DO $do$
DECLARE one regprocedure;
BEGIN
    FOR one IN
        SELECT p.oid FROM pg_proc p
        WHERE p.pronamespace = 'public'::regnamespace AND p.proname LIKE 'support\_%' AND p.proconfig IS NULL
    LOOP
        EXECUTE format('ALTER FUNCTION %s SET search_path = public, pg_temp', one);
    END LOOP;
END $do$
"""


class Migration(migrations.Migration):
    dependencies = [("support", "0009_one_sender_s_cases")]
    operations = [migrations.RunSQL(FIX, migrations.RunSQL.noop)]
