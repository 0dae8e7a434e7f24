"""That a basis is doubtful may turn out later, when it becomes known what the company is; it never turns back."""

from django.db import migrations

GUARD = """
CREATE OR REPLACE FUNCTION disclosures_facts_stand() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        OLD.judgement := NEW.judgement;
        IF NEW.basis_doubtful AND NEW.basis IN ('emergency', 'network') THEN
            OLD.basis_doubtful := true;
        END IF;
        IF OLD IS NOT DISTINCT FROM NEW THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION '% of a disclosure is refused: of it only the judgement may change', TG_OP
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'disclosures_facts_stand';
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("disclosures", "0006_imported_chunks")]
    operations = [migrations.RunSQL(GUARD, migrations.RunSQL.noop)]
