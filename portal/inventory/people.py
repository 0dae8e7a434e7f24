"""What is kept of people, their lines, what was done, and cases."""

from collections.abc import Mapping

from portal.inventory.kinds import LEDGER, TENURE, Table

TRAIL = "the person whose line it is about, in their log; officers and auditors, without who the person is"

TABLES: Mapping[str, Table] = {
    "accounts.User": Table(
        "Somebody who signs in: a subscriber, by a random name and no mailbox, or staff by a mailbox.",
        "for good; a sign-in by a line ends with the line",
        "the person; of staff, the privacy office",
        key="id",
        time="last_login date_joined",
        figure="is_superuser is_staff is_active",
        word="role",
        personal="username first_name last_name email language",
        sealed="password",
    ),
    "accounts.User_groups": Table(
        "Empty: roles are words, not groups.", "nothing is in it", "nobody", key="id user group"
    ),
    "accounts.User_user_permissions": Table(
        "Empty: what a role may do is in the code.", "nothing is in it", "nobody", key="id user permission"
    ),
    "accounts.Account": Table(
        "A billing relationship, by the carrier's id alone.", TENURE, "nobody; it groups lines", key="id carrier_id"
    ),
    "accounts.Line": Table(
        "One subscription of one subscriber, from activation to deactivation.",
        TENURE,
        "its user; of a child's line its account's holder too; staff, with a reason that the person sees",
        key="id carrier_id public_id account continues_line",
        time="activated_at deactivated_at sim_changed_at number_changed_at forwarding_changed_at recorded_at",
        word="user_role",
        personal="state language",
        sealed="holder_name_sealed",
    ),
    "accounts.LineNumber": Table(
        "The number a line had for a period: sealed, and a keyed hash to find it by.",
        TENURE,
        "the line's user; an account's holder; nobody else",
        key="id line",
        time="starts_at ends_at",
        sealed="msisdn_hash msisdn_sealed",
    ),
    "accounts.LineState": Table(
        "The US state a line was in since a moment, for its law and its clock.",
        TENURE,
        "the line's user, as the clock of their pages",
        key="id line",
        time="since",
        personal="state",
    ),
    "accounts.LineUser": Table(
        "Who signs in by a line, and since when.", TENURE, "the person", key="id line user", time="since until"
    ),
    "accounts.TextedCode": Table(
        "A code that was texted, sealed; worth nothing once it was used, or after its time.",
        "for good, sealed; a code of six digits is good for 10 minutes, one of ten digits for 2 hours",
        "nobody",
        key="id line",
        time="made_at sent_at used_at",
        figure="sends tries_left long",
        word="purpose",
        sealed="code_sealed",
    ),
    "accounts.CodeAsker": Table(
        "The browser session that asked for a code, by a random name, and a keyed hash of its network.",
        "as long as its code",
        "nobody",
        key="id code",
        time="asked_at",
        figure="tries_left",
        sealed="asker network_hash",
    ),
    "accounts.Message": Table(
        "A text that waits for the message gateway: its number and words, sealed, and wiped once it was taken.",
        "until its time is over, taken or not: an hour for an answer to a text, else 3 or 7 days",
        "nobody; the person reads it on their phone",
        key="id line about",
        time="made_at next_at expires_at taken_at doubt_at",
        figure="tries",
        word="kind",
        sealed="to_sealed words_sealed",
    ),
    "accounts.NewPassword": Table(
        "That somebody asked for a new password by texted code alone, which waits a day; its link as a hash.",
        "for good",
        "the person",
        key="id user",
        time="asked_at counts_from expires_at cancelled_at used_at",
        sealed="token_hash",
    ),
    "accounts.KnownDevice": Table(
        "That somebody signed in from one family of browsers on one network: a keyed hash of both, and of who.",
        "until a year after it was last seen, or until the line ends",
        "nobody; of a new one the line is told",
        key="id user",
        time="first_at last_at",
        sealed="mark_hash",
    ),
    "accounts.TextTaken": Table(
        "That a text from a phone was acted on: a keyed hash of the message gateway's id, neither number nor words.",
        "a day",
        "nobody",
        time="taken_at",
        sealed="id_hash",
    ),
    "accounts.LineTexts": Table(
        "That the person of a line wants no news by text.",
        "until they want it again",
        "the person, in their log",
        key="line",
        time="off_since",
    ),
    "accounts.LineReminder": Table(
        "When a line was last reminded of what is still on, and whether its person wants that.",
        "as long as the line",
        "the person, in their settings",
        key="line",
        time="told_at off_since",
    ),
    "accounts.Letter": Table(
        "A mail that somebody asked for and that waits: its address and words, sealed, and wiped once it was taken.",
        "3 days, taken or not",
        "nobody; whoever has the mailbox reads it there",
        key="id line",
        time="made_at next_at expires_at taken_at",
        figure="tries",
        sealed="to_sealed body_sealed",
    ),
    "audit.AuditEvent": Table(
        "One thing that was done, by whom, about what: ids only, no number and no name.",
        LEDGER,
        TRAIL,
        key="id chain seq target line_id",
        time="at",
        word="action",
        personal="actor",
        text="reason",
        proof="prev_hash hash",
        shapes={"detail": "ids, counts and words that belong to the action"},
    ),
    "audit.ChainHead": Table(
        "The newest event of a chain, for checkpoints.",
        "it is replaced by the next",
        "nobody",
        key="chain seq",
        proof="hash",
    ),
    "audit.Incident": Table(
        "The opt-out, or a partner, failed in a way that may be reportable.",
        LEDGER,
        "officers and auditors",
        key="id key subject",
        personal="assigned_to",
        time="opened_at acknowledged_at closed_at",
        figure="count",
        word="kind",
    ),
    "support.Ticket": Table(
        "One case, by a code that the person quotes.",
        "for good",
        "the person, agents, officers",
        key="id code key line_id about",
        time="opened_at due_at closed_at",
        word="kind state",
    ),
}
