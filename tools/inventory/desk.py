"""What is kept of cases."""

from collections.abc import Mapping

from tools.inventory.kinds import LEDGER, Table

THREAD = "the person, except notes and partners' answers; staff"
STAFF = "staff"

TABLES: Mapping[str, Table] = {
    "support.Ticket": Table(
        "One case, by a code people quote.",
        "for ever",
        "the person, agents, officers",
        key="code key line_id party_id about_ref",
        figure="reopened rating priority",
        word="kind state about_kind",
        text="about rating_words",
        personal="number_ending language",
        sealed="mail_sealed",
    ),
    "support.Entry": Table(
        "What was said and done in a case. Staff can search its words.",
        LEDGER,
        THREAD,
        key="key",
        word="kind channel",
        personal="author language",
        text="body words",
    ),
    "support.Draft": Table(
        "An answer a staff member has begun.", "until it is sent", "its writer", word="kind then", text="body"
    ),
    "support.Attachment": Table(
        "A case's file. Its bytes are in a folder, under its id.",
        "for ever",
        THREAD,
        figure="size",
        word="media_type scan",
        personal="name author",
        proof="sha256",
    ),
    "support.SavedReply": Table("A saved reply.", "for ever", STAFF, key="key", word="language", text="title body"),
    "support.Reveal": Table(
        "That a staff member saw who a case's person is.",
        "for ever",
        "the person, in their log; the office",
        key="line_id",
        figure="two_needed",
        text="reason",
    ),
    "support.SuspendRequest": Table(
        "An agent's request that an officer suspend a company.",
        "for ever",
        STAFF,
        key="party_id",
        word="decision",
        personal="asked_by decided_by",
        text="reason decision_reason",
    ),
    "support.BulkReply": Table(
        "One answer to many cases.",
        "for ever",
        STAFF,
        key="incident_id",
        figure="answered skipped",
        personal="by",
        text="body",
        shapes={"ticket_ids": "the ids of the cases to answer"},
    ),
    "support.Document": Table(
        "A certificate, notification or evidence pack, as it was signed.",
        LEDGER,
        "officers and auditors, with a reason",
        key="about line_id release_id",
        word="kind",
        text="title",
        personal="made_by",
        proof="sha256",
        sealed="pdf_sealed",
    ),
    "support.NotificationChannel": Table(
        "Where an officer is told what waits for them: their e-mail, or the webhook.",
        "while the account exists",
        STAFF,
        figure="is_on quiet_from quiet_until",
        word="zone",
    ),
    "support.LoggedCall": Table(
        "That we called a number on record, according to the telephone system.",
        "for ever",
        STAFF,
        key="call_ref line_id used_for",
        personal="by",
    ),
    "support.ProtectedLine": Table(
        "An officer's mark: two staff members must agree before one sees whose line it is.",
        "for ever",
        "the person, in their log; the office",
        key="line_id",
        personal="by ended_by",
        text="reason",
    ),
}
