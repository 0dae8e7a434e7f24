"""What a person says yes to, proves or ends begins as asked, and is answered once."""

from django.db import migrations

GUARDS = """
CREATE TRIGGER accounts_delegation_begins BEFORE INSERT ON accounts_delegation FOR EACH ROW
    EXECUTE FUNCTION audit_decide_by_transition('{"user_id": null, "taken_at": null, "ended_at": null}');
CREATE TRIGGER accounts_delegation_taken_once BEFORE UPDATE ON accounts_delegation FOR EACH ROW
    WHEN (NEW.user_id IS DISTINCT FROM OLD.user_id OR NEW.taken_at IS DISTINCT FROM OLD.taken_at)
    EXECUTE FUNCTION audit_decide_by_transition('{"user_id": null, "ended_at": null}', 'user_id', 'taken_at');
CREATE TRIGGER accounts_delegation_ended_once BEFORE UPDATE ON accounts_delegation FOR EACH ROW
    EXECUTE FUNCTION audit_decide_by_transition('{"ended_at": null}', 'ended_at', 'user_id', 'taken_at');

CREATE TRIGGER accounts_safecontact_begins BEFORE INSERT ON accounts_safecontact FOR EACH ROW
    EXECUTE FUNCTION audit_decide_by_transition('{"proved_at": null, "ended_at": null}');
CREATE TRIGGER accounts_safecontact_proved_once BEFORE UPDATE ON accounts_safecontact FOR EACH ROW
    WHEN (NEW.proved_at IS DISTINCT FROM OLD.proved_at)
    EXECUTE FUNCTION audit_decide_by_transition('{"proved_at": null, "ended_at": null}', 'proved_at', 'code_sealed');
CREATE TRIGGER accounts_safecontact_ended_once BEFORE UPDATE ON accounts_safecontact FOR EACH ROW
    EXECUTE FUNCTION audit_decide_by_transition(
        '{"ended_at": null}', 'ended_at', 'proved_at', 'code_sealed', 'tries_left');

CREATE TRIGGER accounts_separation_begins BEFORE INSERT ON accounts_separation FOR EACH ROW
    EXECUTE FUNCTION audit_decide_by_transition('{"state": "open", "closed_at": null, "tell_from": null}');
CREATE TRIGGER accounts_separation_closed_once BEFORE UPDATE ON accounts_separation FOR EACH ROW
    WHEN ((NEW.state, NEW.closed_at) IS DISTINCT FROM (OLD.state, OLD.closed_at))
    EXECUTE FUNCTION audit_decide_by_transition('{"state": "open"}', 'state', 'closed_at', 'tell_from');

CREATE TRIGGER accounts_newpassword_begins BEFORE INSERT ON accounts_newpassword FOR EACH ROW
    EXECUTE FUNCTION audit_decide_by_transition('{"used_at": null, "cancelled_at": null}');
CREATE TRIGGER accounts_newpassword_ended_once BEFORE UPDATE ON accounts_newpassword FOR EACH ROW
    WHEN ((NEW.used_at, NEW.cancelled_at, NEW.user_id) IS DISTINCT FROM (OLD.used_at, OLD.cancelled_at, OLD.user_id))
    EXECUTE FUNCTION audit_decide_by_transition('{"used_at": null, "cancelled_at": null}', 'used_at', 'cancelled_at');
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0019_functions_look_in_our_schema"), ("audit", "0016_decide_by_transition")]
    operations = [migrations.RunSQL(GUARDS, migrations.RunSQL.noop)]
