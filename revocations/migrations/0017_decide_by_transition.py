"""What a partner is asked to show begins unanswered, and is answered once."""

from django.db import migrations

GUARDS = """
CREATE TRIGGER revocations_evidencerequest_begins BEFORE INSERT ON revocations_evidencerequest FOR EACH ROW
    EXECUTE FUNCTION audit_decide_by_transition('{"answer": "", "answered_at": null, "overdue_at": null}');
CREATE TRIGGER revocations_evidencerequest_answered_once BEFORE UPDATE ON revocations_evidencerequest FOR EACH ROW
    EXECUTE FUNCTION audit_decide_by_transition('{"answer": ""}', 'overdue_at', 'answered_at', 'answer', 'method',
        'captured_at', 'wording', 'language', 'evidence_ref', 'answer_jti', 'token');
"""


class Migration(migrations.Migration):
    dependencies = [("revocations", "0016_functions_look_in_our_schema"), ("audit", "0016_decide_by_transition")]
    operations = [migrations.RunSQL(GUARDS, migrations.RunSQL.noop)]
