"""What is kept of choices, approvals and questions, and of what the gate derives from them."""

from collections.abc import Mapping

from tools.inventory.kinds import FOR_EVER, LEDGER, Table

OWN = "the line's people"

TABLES: Mapping[str, Table] = {
    "consent.Choice": Table(
        "One stop, pause, allow or refusal.",
        LEDGER,
        OWN,
        key="line_id ref source_id",
        word="channel reason",
        business="program",
        personal="actor",
        proof="content_hash notice",
    ),
    "consent.ChoiceOrder": Table("Which order tells a partner of a choice.", LEDGER, OWN, key="line_id contract_id"),
    "consent.ChoiceReceipt": Table(
        "The signed proof of a choice.", LEDGER, "whoever made the choice", key="line_id", proof="number token"
    ),
    "consent.Approval": Table(
        "Reported consent with its evidence.",
        LEDGER,
        OWN,
        key="line_id campaign source_id",
        word="language",
        business="captured_by",
        text="wording",
        proof="evidence_ref content_hash",
    ),
    "consent.InvalidatedApproval": Table(
        "An approval whose number no longer was the line's.", LEDGER, "nobody", key="line_id campaign"
    ),
    "consent.LineGate": Table(
        "What one decision needs, derived from the rows above.",
        "as long as the line",
        "nobody",
        key="line_id version",
        personal="state",
        shapes={
            "stops": "by what is stopped: the newest time",
            "pauses": "by what is paused: from, until, origin",
            "approvals": "by campaign: from, until, origin",
            "claims": "by campaign: the earliest time",
        },
    ),
    "consent.ProgressLink": Table(
        "A link that shows a stop's progress in counts.",
        "for ever; works for 30 days",
        "anyone with the link: counts, and names of signers",
        key="line_id",
    ),
    "consent.AwaitedOutcome": Table(
        "A line whose partners have still to sign for its newest stop.",
        "until all have signed; 400 days at most",
        "nobody",
        key="line_id",
    ),
    "consent.EndedPause": Table("That partners were told of a pause's end.", LEDGER, "nobody", key="line_id"),
    "consent.HeldRow": Table(
        "A feed's row about a line or campaign not known yet.",
        "until what it names arrives",
        "nobody",
        key="feed campaign",
    ),
    "consent.RejudgeRequest": Table(
        "A line whose releases are to be judged again.", "seconds", "nobody", key="line_id"
    ),
    "consent.Notice": Table(
        "What a person read before choosing, word for word.",
        LEDGER,
        "whoever made such a choice",
        key="version",
        word="use language",
        text="body",
        proof="digest",
        shapes={"companies": "the companies it named"},
    ),
    "consent.ConsentRequest": Table(
        "A company's question to a line.",
        FOR_EVER,
        "the line's user; the partner its status",
        key="line_id campaign party_id",
        business="callback",
    ),
    "consent.PrivacySignal": Table(
        "That the person's browser sent Global Privacy Control.", "as long as the line", OWN, key="line_id"
    ),
    "consent.DigestRun": Table(
        "One reconciliation with a partner.",
        FOR_EVER,
        "the partner",
        key="party_id",
        shapes={"differing": "numbers of buckets that differ", "drilled": "those compared", "findings": "counts"},
    ),
    "consent.DigestFinding": Table(
        "One difference a reconciliation found.",
        FOR_EVER,
        "the office by a code",
        key="line_id contract_id",
        business="recipient purpose scope",
    ),
    "consent.ArchiveQueueEntry": Table(
        "A choice, suspension or end waiting for the archive outside the database.",
        "seconds",
        "nobody",
        key="line_id id object_id",
    ),
    "consent.Tightening": Table(
        "Another tightening, for the archive: a rule, link, end of access, court order.",
        FOR_EVER,
        "nobody",
        key="line_id",
        word="kind",
        shapes={"facts": "its columns; no person's number or name"},
    ),
    "consent.ArchiveHead": Table("The newest entry of that archive.", FOR_EVER, "nobody", key="id day", proof="digest"),
    "consent.GateOpening": Table(
        "That the gate may allow, for one start of one server.",
        FOR_EVER,
        "operators",
        key="id incarnation table_oid",
        text="closed_because",
    ),
}
