"""What is kept of people, their lines, what was done, and cases."""

from collections.abc import Mapping

from tools.inventory.kinds import FOR_EVER, LEDGER, TENURE, Table

TRAIL = "the person, in their log; the office without the person"

TABLES: Mapping[str, Table] = {
    "accounts.User": Table(
        "Who signs in: a subscriber under a random name, or staff by e-mail address.",
        "a line's sign-in ends with the line",
        "the person; of staff, the office",
        personal="username first_name last_name email language",
        sealed="password",
    ),
    "accounts.BrowserSession": Table(
        "A browser session; only its key decrypts it.",
        "until sign-out, or two weeks unused",
        "the person",
        sealed="data",
    ),
    "accounts.User_groups": Table("Empty: roles are a field.", FOR_EVER, "nobody"),
    "accounts.User_user_permissions": Table("Empty: permissions are in the code.", FOR_EVER, "nobody"),
    "accounts.Account": Table("A billing relationship, by the carrier's id.", TENURE, "nobody", key="carrier_id"),
    "accounts.Line": Table(
        "One subscription of one subscriber.", TENURE, "the line's people", key="carrier_id", personal="state language"
    ),
    "accounts.LineNumber": Table("A line's number for a period.", TENURE, "the line's user; the account holder"),
    "accounts.LineState": Table(
        "The line's US state, for its law and time zone.", TENURE, "the line's user", personal="state"
    ),
    "accounts.LineUser": Table("Who signs in by a line.", TENURE, "the person"),
    "accounts.TextedCode": Table("A texted code.", "a day after it was last sent", "nobody"),
    "accounts.WrongCode": Table("That a line's code was guessed wrong.", "a day", "nobody"),
    "accounts.CodeAsker": Table(
        "The session that requested a code, by a random name, and its network.",
        "as long as its code",
        "nobody",
        sealed="asker",
    ),
    "accounts.Message": Table(
        "A text waiting for the gateway; erased once taken.", "until it expires, 7 days at most", "nobody", key="about"
    ),
    "accounts.NewPassword": Table("A request for a new password, which waits a day.", FOR_EVER, "the person"),
    "accounts.KnownDevice": Table(
        "A kind of browser and network that someone signed in from.",
        "a year after its last use, or until the line ends",
        "nobody",
    ),
    "accounts.TextTaken": Table("That an incoming text was processed.", "a day", "nobody"),
    "accounts.LineTexts": Table(
        "That a line turned optional alerts off.", "until they turn alerts on", "the person, in their log"
    ),
    "accounts.Delegation": Table(
        "A trusted helper: by their number, for what, until when.", FOR_EVER, "the line's user; the helper"
    ),
    "accounts.SafeContact": Table(
        "A number of the line user's own for alerts.", "for ever, for texts still waiting", "the line's user"
    ),
    "accounts.Separation": Table(
        "A confidential request for a line of one's own, and how to reach the person.",
        FOR_EVER,
        "the person; officers, with a reason the person sees",
    ),
    "accounts.Throttle": Table(
        "Wrong guesses by a device, account or network, without what was typed.",
        "three days after the last try",
        "nobody",
    ),
    "accounts.DeviceCookie": Table(
        "A browser in which a person proved who they are.", "a year after its last sign-in", "nobody"
    ),
    "accounts.SpentCode": Table("A used code of an authenticator app.", "five minutes", "nobody"),
    "accounts.LineReminder": Table(
        "When a line was last reminded of what is allowed, and whether it wants that.",
        "as long as the line",
        "the person",
    ),
    "accounts.AlertChoice": Table("Whether a line wants one kind of alert.", "as long as the line", "the person"),
    "accounts.OutgoingEmail": Table("A requested mail that waits; erased once taken.", "3 days", "nobody"),
    "audit.AuditEvent": Table(
        "One act: what, by whom, about what; no number or name.",
        LEDGER,
        TRAIL,
        key="chain seq target line_id",
        word="action",
        personal="actor",
        text="reason",
        proof="prev_hash hash",
        shapes={"detail": "ids, counts and words of the action"},
    ),
    "audit.ChainHead": Table("The newest event of a chain.", "until the next", "nobody", key="chain seq", proof="hash"),
    "audit.Incident": Table(
        "A failure that may have to be reported.",
        LEDGER,
        "the office",
        key="key subject",
        personal="assigned_to reported_by",
        text="happened affected",
    ),
    "audit.IncidentStep": Table("An incident's timeline.", LEDGER, "the office", key="incident_id"),
    "audit.IncidentLine": Table(
        "A line an incident reached.",
        LEDGER,
        "the office by a code, after a reason in the line's log",
        key="incident_id line_id",
    ),
    "support.CanaryRun": Table(
        "One run of the canary.",
        "90 days",
        "officers and operators",
        word="failed",
        shapes={"seconds": "how long each step took"},
    ),
    "support.CarrierTestLine": Table(
        "A line of the carrier's own account, watched for false receipts.",
        FOR_EVER,
        "the office",
        key="line_id",
        personal="marked_by",
        text="about",
    ),
}
