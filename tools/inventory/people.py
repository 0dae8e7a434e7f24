"""What is kept of people, their lines, what was done, and cases."""

from collections.abc import Mapping

from tools.inventory.kinds import LEDGER, TENURE, Table

TRAIL = "the person, in their log; the office without the person"

TABLES: Mapping[str, Table] = {
    "accounts.User": Table(
        "A person who signs in: a subscriber under a random name, or a staff member by e-mail address.",
        "for ever; a line's sign-in ends with the line",
        "the person; for staff, the privacy office",
        figure="is_superuser is_staff is_active",
        word="role",
        personal="username first_name last_name email language",
        sealed="password",
    ),
    "accounts.BrowserSession": Table(
        "A browser session, by a keyed hash of its key; only that key decrypts its data.",
        "until sign-out, or two weeks after its last use",
        "the person: since when; with a password or passkey also address and browser",
        sealed="key_hash data origin_sealed",
    ),
    "accounts.User_groups": Table("Empty: roles are a field.", "nothing is in it", "nobody"),
    "accounts.User_user_permissions": Table("Empty: permissions are in the code.", "nothing is in it", "nobody"),
    "accounts.Account": Table(
        "A billing relationship, by the carrier's id.", TENURE, "nobody; it groups lines", key="carrier_id"
    ),
    "accounts.Line": Table(
        "One subscription of one subscriber, from activation to deactivation.",
        TENURE,
        "the line's people",
        key="carrier_id",
        word="user_role",
        personal="state language",
        sealed="holder_name_sealed",
    ),
    "accounts.LineNumber": Table(
        "A line's number for a period: sealed, with a keyed hash to find it.",
        TENURE,
        "the line's user; the account holder",
        sealed="msisdn_hash msisdn_sealed",
    ),
    "accounts.LineState": Table(
        "The line's US state since a moment, for its law and time zone.",
        TENURE,
        "the line's user, as their pages' time zone",
        personal="state",
    ),
    "accounts.LineUser": Table("Who signs in by a line, and since when.", TENURE, "the person"),
    "accounts.TextedCode": Table(
        "A texted code, sealed; worthless once used or expired.",
        "a day after it was last sent; six digits work for 10 minutes, ten for 2 hours",
        "nobody",
        figure="sends tries_left long",
        word="purpose",
        sealed="code_sealed number_hash",
    ),
    "accounts.WrongCode": Table(
        "A wrong guess at a line's six-digit codes, without what was typed.",
        "a day",
        "nobody",
        figure="compared",
        word="purpose",
    ),
    "accounts.CodeAsker": Table(
        "The session that requested a code, by a random name, and a keyed hash of its network.",
        "as long as its code",
        "nobody",
        figure="tries_left",
        sealed="asker network_hash",
    ),
    "accounts.Message": Table(
        "A text waiting for the gateway: sealed number and words, erased once taken.",
        "until it expires: an hour for a reply, otherwise 3 or 7 days",
        "nobody; the person reads it on their phone or safe number",
        key="about",
        figure="tries",
        word="kind",
        sealed="to_sealed words_sealed",
    ),
    "accounts.NewPassword": Table(
        "A request for a new password by texted code, which waits a day; its link as a hash.",
        "for ever",
        "the person",
        sealed="token_hash",
    ),
    "accounts.KnownDevice": Table(
        "A family of browsers and network that someone signed in from: keyed hashes.",
        "a year after it was last seen, or until the line ends",
        "nobody; the line is told of a new one",
        sealed="mark_hash",
    ),
    "accounts.TextTaken": Table(
        "That an incoming text was processed: a keyed hash of the gateway's id.", "a day", "nobody", sealed="id_hash"
    ),
    "accounts.LineTexts": Table(
        "That a line turned optional alerts off.", "until they turn alerts on", "the person, in their log"
    ),
    "accounts.Delegation": Table(
        "A trusted helper: by the number of their own line, for what, until when.",
        "for ever, ended",
        "the line's user; the helper",
        word="may",
        sealed="asked_hash asked_sealed",
    ),
    "accounts.SafeContact": Table(
        "A number of the line user's own for alerts; its code until it is typed.",
        "for ever, ended and sealed, for texts still waiting",
        "the line's user",
        figure="tries_left",
        sealed="to_sealed code_sealed",
    ),
    "accounts.Separation": Table(
        "A confidential request for a line of one's own, how to reach the person, and its completion.",
        "for ever, sealed",
        "the person; officers, with a reason the person sees; never an account holder",
        word="state",
        sealed="reach_sealed note_sealed",
    ),
    "accounts.Throttle": Table(
        "Wrong guesses for a device, account or network: keyed hashes, never what was typed.",
        "three days after the last try",
        "nobody",
        figure="level_milli",
        sealed="mark_hash",
    ),
    "accounts.DeviceCookie": Table(
        "A browser in which a person proved who they are: a keyed hash of a random token.",
        "a year after its last sign-in",
        "nobody",
        sealed="token_hash",
    ),
    "accounts.SpentCode": Table(
        "A used code of an authenticator app: a keyed hash, so that it works once.",
        "five minutes",
        "nobody",
        sealed="code_hash",
    ),
    "accounts.LineReminder": Table(
        "When a line was last reminded of what is still allowed, and whether it wants that.",
        "as long as the line",
        "the person, in their settings",
    ),
    "accounts.AlertChoice": Table(
        "Whether a line's person wants one kind of alert, and when a yearly one was last sent.",
        "as long as the line",
        "the person, in their settings",
        figure="wanted",
        word="topic",
    ),
    "accounts.OutgoingEmail": Table(
        "A requested mail that waits: sealed address and text, erased once taken.",
        "3 days",
        "nobody; the recipient reads it in their mailbox",
        figure="tries",
        sealed="to_sealed body_sealed",
    ),
    "audit.AuditEvent": Table(
        "One act: what, by whom, about what; ids only, no number or name.",
        LEDGER,
        TRAIL,
        key="chain seq target line_id",
        word="action",
        personal="actor",
        text="reason",
        proof="prev_hash hash",
        shapes={"detail": "ids, counts and words that belong to the action"},
    ),
    "audit.ChainHead": Table(
        "The newest event of a chain, for checkpoints.", "until the next", "nobody", key="chain seq", proof="hash"
    ),
    "audit.Incident": Table(
        "A failure, ours or a partner's, that may have to be reported.",
        LEDGER,
        "the office",
        key="key subject",
        personal="assigned_to reported_by",
        text="happened affected",
        figure="count",
        word="kind",
    ),
    "audit.IncidentStep": Table(
        "An incident's timeline: opened, seen again, fewer, closed.",
        LEDGER,
        "the office",
        key="incident_id",
        figure="count",
        word="what",
    ),
    "audit.IncidentLine": Table(
        "A line an incident reached, by a release's ids; the release itself goes with its month.",
        LEDGER,
        "the office by a code, after a reason in the line's log; the count without",
        key="incident_id line_id",
    ),
    "support.CanaryRun": Table(
        "One run of the canary: nobody's line.",
        "90 days",
        "officers and operators",
        word="step failed",
        shapes={"seconds": "how long each step took"},
    ),
    "support.CarrierTestLine": Table(
        "A line of the carrier's own account, watched for false receipts.",
        "for ever",
        "the office",
        key="line_id",
        personal="marked_by",
        text="about",
    ),
}
