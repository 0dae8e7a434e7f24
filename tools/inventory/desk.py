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
        key="id code key line_id party_id about_ref assignee merged_into asked_by",
        time="opened_at due_at claimed_at first_answer_at last_at solved_at closed_at escalated_at rated_at",
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
        key="id ticket key",
        time="at",
        word="kind channel",
        personal="author language",
        text="body words",
    ),
    "support.Draft": Table(
        "An answer a staff member has begun.",
        "until it is sent",
        "its writer",
        key="id ticket user",
        time="updated_at send_at",
        word="kind then",
        text="body",
    ),
    "support.Attachment": Table(
        "A case's file. Its bytes are in a folder, under its id.",
        "for ever",
        THREAD,
        key="id ticket entry",
        time="at scanned_at",
        figure="size",
        word="media_type scan",
        personal="name author",
        proof="sha256",
    ),
    "support.SavedReply": Table(
        "A saved reply.",
        "for ever",
        STAFF,
        key="id key",
        time="changed_at retired_at",
        word="language",
        text="title body",
    ),
    "support.Reveal": Table(
        "That a staff member saw who a case's person is.",
        "for ever",
        "the person, in their log; the office",
        key="id ticket user line_id second",
        time="asked_at agreed_at until",
        figure="two_needed",
        text="reason",
    ),
    "support.SuspendRequest": Table(
        "An agent's request that an officer suspend a company.",
        "for ever",
        STAFF,
        key="id ticket party_id",
        time="asked_at decided_at",
        word="decision",
        personal="asked_by decided_by",
        text="reason decision_reason",
    ),
    "support.BulkReply": Table(
        "One answer to many cases.",
        "for ever",
        STAFF,
        key="id incident_id",
        time="at begins_at undone_at finished_at",
        figure="answered skipped",
        personal="by",
        text="body",
        shapes={"ticket_ids": "the ids of the cases to answer"},
    ),
    "support.LoggedCall": Table(
        "That we called a number on record, according to the telephone system.",
        "for ever",
        STAFF,
        key="id call_ref line_id used_for",
        time="answered_at heard_at used_at",
        personal="by",
    ),
    "support.ProtectedLine": Table(
        "An officer's mark: two staff members must agree before one sees whose line it is.",
        "for ever",
        "the person, in their log; the office",
        key="id line_id",
        time="at ended_at",
        personal="by ended_by",
        text="reason",
    ),
}
