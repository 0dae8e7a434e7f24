CREATE OR REPLACE TRIGGER revocations_evidencerequest_begins BEFORE INSERT ON revocations_evidencerequest FOR EACH ROW
    EXECUTE FUNCTION audit_decide_by_transition('{"answer": "", "answered_at": null, "overdue_at": null}');
CREATE OR REPLACE TRIGGER revocations_evidencerequest_answered_once BEFORE UPDATE ON revocations_evidencerequest FOR EACH ROW
    EXECUTE FUNCTION audit_decide_by_transition('{"answer": ""}', 'overdue_at', 'answered_at', 'answer', 'method',
        'captured_at', 'wording', 'language', 'evidence_ref', 'answer_jti', 'token');
