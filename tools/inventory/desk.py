"""What is kept of cases."""

from collections.abc import Mapping

from tools.inventory.kinds import FOR_EVER, LEDGER, Table

THREAD = "staff; the person, except notes and partners' answers"
STAFF = "staff"

TABLES: Mapping[str, Table] = {
    "support.Ticket": Table(
        "One case, by a code people quote.",
        FOR_EVER,
        "the person, agents, officers",
        key="code key line_id party_id about_ref",
        word="about_kind",
        text="about rating_words",
        personal="number_ending language",
    ),
    "support.Entry": Table(
        "What was said and done in a case.", LEDGER, THREAD, key="key", personal="author language", text="body words"
    ),
    "support.Draft": Table(
        "An answer or note a staff member has begun.",
        "until it is sent",
        "its writer",
        text="body",
        shapes={"mentions": "ids of staff"},
    ),
    "support.Attachment": Table(
        "A case's file; its bytes are in a folder.",
        FOR_EVER,
        THREAD,
        word="media_type",
        personal="name author",
        proof="sha256",
    ),
    "support.SavedReply": Table("A saved reply.", FOR_EVER, STAFF, key="key", word="language", text="title body"),
    "support.Reveal": Table(
        "That staff saw who a case's person is.", FOR_EVER, "the person; the office", key="line_id", text="reason"
    ),
    "support.SuspendRequest": Table(
        "An agent's request to suspend a company.",
        FOR_EVER,
        STAFF,
        key="party_id",
        personal="asked_by decided_by",
        text="reason decision_reason",
    ),
    "support.BulkReply": Table(
        "One answer to many cases.",
        FOR_EVER,
        STAFF,
        key="incident_id",
        personal="by",
        text="body",
        shapes={"ticket_ids": "ids of cases"},
    ),
    "support.Document": Table(
        "A certificate, notification, evidence pack or agreement.",
        LEDGER,
        "the office, with a reason",
        key="about line_id company_id",
        text="title",
        personal="made_by",
        proof="sha256",
    ),
    "support.NotificationChannel": Table(
        "Where a staff member is told what is waiting.",
        "while the account exists",
        STAFF,
        word="zone language",
        shapes={"left_out": "kinds of notifications"},
    ),
    "support.SavedView": Table(
        "A list as a staff member narrowed it.", "while the account exists", STAFF, word="page", text="name query"
    ),
    "support.LoggedCall": Table(
        "That we called a number on record.", FOR_EVER, STAFF, key="call_ref line_id used_for", personal="by"
    ),
    "support.ProtectedLine": Table(
        "A line that takes two staff members to be seen.",
        FOR_EVER,
        "the person; the office",
        key="line_id",
        personal="by ended_by",
        text="reason",
    ),
}
