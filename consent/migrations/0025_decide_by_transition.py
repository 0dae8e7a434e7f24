"""A company's question begins unanswered; that it is answered once is held since it can be asked."""

from django.db import migrations

GUARDS = """
CREATE TRIGGER consent_ask_begins BEFORE INSERT ON consent_ask FOR EACH ROW
    EXECUTE FUNCTION audit_decide_by_transition('{"answer": "", "answered_at": null, "choice_id": null}');
"""


class Migration(migrations.Migration):
    dependencies = [("consent", "0024_functions_look_in_our_schema"), ("audit", "0016_decide_by_transition")]
    operations = [migrations.RunSQL(GUARDS, migrations.RunSQL.noop)]
