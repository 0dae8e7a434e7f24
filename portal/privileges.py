"""What the application's database role may do. Everything it does not need, it cannot do.

Run by the owner after each migration. A ledger may be read and appended to; of a few tables some columns may be
changed; the gate row and the chain heads are written by the database's own functions only.
"""

from django.conf import settings
from django.db import connections, transaction

LEDGERS = (
    "consent_choice",
    "consent_choiceorder",
    "consent_approval",
    "consent_choicereceipt",
    "consent_endedpause",
    "consent_setaside",
    "consent_digestfinding",
    "audit_auditevent",
    "audit_incidentline",
    "revocations_attempt",
    "revocations_receipt",
    "disclosures_disclosureregister",
    "disclosures_judgementchange",
    "disclosures_delayednotice",
    "disclosures_anomalyrule",
    "disclosures_term",
    "partners_pairwisesubject",
    "partners_kin",
    "partners_noticetext",
    "consent_notice",
    "revocations_streamattempt",
    "revocations_cohortreceipt",
    "revocations_manifestshard",
    "support_document",
    "support_entry",
)
# Changed as things go on, and never taken away.
KEPT = (
    "accounts_line",
    "accounts_linenumber",
    "accounts_linestate",
    "consent_archivehead",
    "partners_authorizedagent",
    "revocations_standing",
    "revocations_streamhealth",
    "support_attachment",
    "support_bulkreply",
    "support_cannedreply",
    "support_loggedcall",
    "support_protectedline",
    "support_reveal",
    "support_suspendrequest",
    "support_ticket",
)
# What waits in them is taken out once it was seen to, and never changed.
WAITING = ("consent_heldrow", "consent_unarchived", "disclosures_uploadpart", "partners_unsettledchange")
READ_ONLY = (
    "consent_linegate", "consent_gateopening", "audit_chainhead", "audit_incidentstep", "partners_cover",
    "disclosures_droppedmonth", "disclosures_givenback", "disclosures_shortenedperiod",
    "django_migrations",
)  # fmt: skip
ONLY_COLUMNS = {
    "disclosures_release": ("term",),
    "disclosures_disclosure": ("judgement", "basis_doubtful"),
    "disclosures_upload": (
        "state", "tries", "leased_until", "done", "accepted", "repeated", "rejected", "outcome", "rejects",
        "checked_at", "agreed_by_id", "decided_by", "decided_at", "finished_at",
    ),
    "revocations_order": (
        "state", "attempts", "next_attempt_at", "sent_at", "acknowledged_at", "completed_at", "superseded_by", "note",
        "leased_until", "parked_with", "again_at", "polled_until",
    ),
    "revocations_streamevent": (
        "state", "attempts", "next_attempt_at", "sent_at", "acknowledged_at", "note", "leased_until", "parked_with",
        "again_at", "polled_until",
    ),
    "revocations_cohort": (
        "listed_to_line", "subject_count", "manifest_at", "manifest_expires_at", "index_token", "event_id",
        "told_to_line", "subscribers_told_at", "completed_at", "complete_by", "contradicted_at",
    ),
    "revocations_breach": ("mended_at",),
    "revocations_evidencerequest": (
        "overdue_at", "answered_at", "answer", "method", "captured_at", "wording", "language", "evidence_ref",
        "answer_jti", "token",
    ),
    "partners_proposal": ("decision", "decided_by", "decided_at", "decision_reason"),
    "partners_jurisdictionrule": ("ends_at", "relaxed_by_id"),
    "revocations_duty": ("discharged_at", "discharged_by"),
    "partners_dealing": ("first_at", "last_at"),
    "partners_reach": ("told_apart",),
    "partners_suspension": ("ends_at", "lifted_by_id"),
    "consent_tightening": ("archived_at",),
    "partners_signingkey": ("retired_at", "private_sealed"),
}  # fmt: skip


def grant_privileges(*, using: str) -> None:
    """Give the application's role (DATABASE_URL's user) exactly its rights on every table. `using`: the owner."""
    owner, role = (str(settings.DATABASES[alias]["USER"]) for alias in (using, "default"))
    if owner == role:
        return
    # All at once: whoever stops meanwhile must not find a table without its rights.
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        # Before PostgreSQL 15 anybody might add to it, and what stands there a function would find.
        cursor.execute(f'REVOKE CREATE ON SCHEMA public FROM PUBLIC, "{role}"')
        cursor.execute(f'GRANT USAGE ON SCHEMA public TO "{role}"')
        cursor.execute(f'GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO "{role}"')
        cursor.execute(
            "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE n.nspname = 'public' AND NOT c.relispartition"
            # Other views are not ours to give rights on.
            " AND (c.relkind IN ('r', 'p') OR c.relname = 'disclosures_disclosure')"
        )
        for (table,) in cursor.fetchall():
            cursor.execute(f'REVOKE ALL ON "{table}" FROM "{role}"')
            cursor.execute(f'GRANT {_rights(table)} ON "{table}" TO "{role}"')
            for column in ONLY_COLUMNS.get(table, ()):
                cursor.execute(f'GRANT UPDATE ("{column}") ON "{table}" TO "{role}"')


def _rights(table: str) -> str:
    if table in READ_ONLY:
        return "SELECT"
    if table in LEDGERS or table in ONLY_COLUMNS:
        return "SELECT, INSERT"
    if table in KEPT:
        return "SELECT, INSERT, UPDATE"
    if table in WAITING:
        return "SELECT, INSERT, DELETE"
    return "SELECT, INSERT, UPDATE, DELETE"
