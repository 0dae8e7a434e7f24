"""What is kept of cases."""

from collections.abc import Mapping

from portal.inventory.kinds import LEDGER, Table

THREAD = "the person, but for notes and what partners say; agents and officers; auditors"
STAFF = "agents and officers; auditors"

TABLES: Mapping[str, Table] = {
    "support.Ticket": Table(
        "One case, by a code that the person quotes.",
        "for good",
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
        "What was said and done in a case. Its words can be searched by staff.",
        LEDGER,
        THREAD,
        key="id ticket key",
        time="at",
        word="kind channel",
        personal="author language",
        text="body words",
    ),
    "support.Draft": Table(
        "What somebody of staff has begun to write.",
        "until it is sent",
        "who writes it",
        key="id ticket user",
        time="updated_at send_at",
        word="kind then",
        text="body",
    ),
    "support.Attachment": Table(
        "A file in a case. Its bytes lie in a folder of their own, under its id.",
        "for good",
        THREAD,
        key="id ticket entry",
        time="at scanned_at",
        figure="size",
        word="media_type scan",
        personal="name author",
        proof="sha256",
    ),
    "support.CannedReply": Table(
        "An answer that is written often.",
        "for good",
        STAFF,
        key="id key",
        time="changed_at retired_at",
        word="language",
        text="title body",
    ),
    "support.Reveal": Table(
        "Somebody of staff asked to see who a case's person is.",
        "for good",
        "the person, in their log; officers and auditors",
        key="id ticket user line_id second",
        time="asked_at agreed_at until",
        figure="two_needed",
        text="reason",
    ),
    "support.SuspendRequest": Table(
        "An agent asks an officer to suspend a company.",
        "for good",
        STAFF,
        key="id ticket party_id",
        time="asked_at decided_at",
        word="decision",
        personal="asked_by decided_by",
        text="reason decision_reason",
    ),
    "support.BulkReply": Table(
        "One answer to many cases at once.",
        "for good",
        STAFF,
        key="id incident_id",
        time="at begins_at undone_at finished_at",
        figure="answered skipped",
        personal="by",
        text="body",
        shapes={"ticket_ids": "the ids of the cases to answer"},
    ),
    "support.LoggedCall": Table(
        "The telephone system says that we called a number of record.",
        "for good",
        STAFF,
        key="id call_ref line_id used_for",
        time="answered_at heard_at used_at",
        personal="by",
    ),
    "support.ProtectedLine": Table(
        "An officer said that two of staff must agree before one sees whose a line is.",
        "for good",
        "the person, in their log; officers and auditors",
        key="id line_id",
        time="at ended_at",
        personal="by ended_by",
        text="reason",
    ),
}
