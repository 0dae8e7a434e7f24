"""What is kept of choices, approvals and questions, and of what the gate derives from them."""

from collections.abc import Mapping

from tools.inventory.kinds import LEDGER, Table

OWN = "the line's people"

TABLES: Mapping[str, Table] = {
    "consent.Choice": Table(
        "One stop, pause, allow or refusal.",
        LEDGER,
        OWN,
        key="line_id ref source_id",
        word="kind scope origin channel reason",
        business="program",
        personal="actor",
        proof="content_hash notice",
    ),
    "consent.ChoiceOrder": Table("Which order tells a partner of a choice.", LEDGER, OWN, key="line_id contract_id"),
    "consent.ChoiceReceipt": Table(
        "The signed proof of a choice.",
        LEDGER,
        "whoever made the choice, and anyone they give it to",
        key="line_id",
        proof="number token",
    ),
    "consent.Approval": Table(
        "Reported consent with its evidence; a partner's claim alone allows nothing.",
        LEDGER,
        OWN,
        key="line_id campaign source_id",
        word="method verified_by language",
        business="captured_by",
        text="wording",
        proof="evidence_ref content_hash",
    ),
    "consent.InvalidatedApproval": Table(
        "An invalidated approval: its number no longer was the line's.",
        LEDGER,
        "nobody; what it names isn't shown on this line",
        key="line_id campaign",
    ),
    "consent.LineGate": Table(
        "Everything one decision needs, derived from the rows above.",
        "with the line; it can be rebuilt",
        "nobody; it answers the gateway",
        key="line_id version",
        personal="state",
        shapes={
            "stops": "for each stopped thing, the newest time",
            "pauses": "for each paused thing: from, until, origin",
            "approvals": "by campaign: from, until, origin",
            "claims": "by campaign: the earliest time",
        },
    ),
    "consent.ProgressLink": Table(
        "The hash of a link that shows a stop's progress in counts.",
        "for ever; it opens nothing after 30 days",
        "anyone with the link: counts and receipts, without number, and only signers' names",
        key="line_id",
        sealed="token_hash",
    ),
    "consent.AwaitedOutcome": Table(
        "A line whose partners have still to sign for its newest stop, and when it was told that one is late.",
        "until all have signed; 400 days at most",
        "nobody",
        key="line_id",
    ),
    "consent.EndedPause": Table("That partners were told of a pause's end.", LEDGER, "nobody", key="line_id"),
    "consent.HeldRow": Table(
        "A feed's row about a line or campaign not known yet, sealed.",
        "until what it names arrives",
        "nobody",
        key="feed campaign",
        sealed="source_hash msisdn_hash row_sealed",
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
        shapes={"companies": "the companies that it named: ids and names"},
    ),
    "consent.ConsentRequest": Table(
        "A company's question to a line; the link as a hash.",
        "for ever; open for 7 days",
        "the line's user; the partner only its own status",
        key="line_id campaign party_id",
        word="answer",
        business="callback",
        sealed="token_hash",
    ),
    "consent.PrivacySignal": Table(
        "That the person's browser sent Global Privacy Control, and which wins over their own consent.",
        "as long as the line",
        OWN,
        key="line_id",
        word="answer",
    ),
    "consent.DigestRun": Table(
        "One reconciliation with a partner.",
        "for ever",
        "the office; the partner its own",
        key="party_id",
        shapes={
            "differing": "the numbers of the buckets that differ",
            "drilled": "those of them that were compared",
            "findings": "counts: partner_has, partner_lacks, same, unknown",
        },
    ),
    "consent.DigestFinding": Table(
        "One difference a reconciliation found.",
        "for ever",
        "the office by a code; the line only after a reason",
        key="line_id contract_id",
        figure="told_so",
        word="kind",
        business="recipient purpose scope",
    ),
    "consent.ArchiveQueueEntry": Table(
        "A choice, suspension or end waiting for the archive outside the database.",
        "seconds",
        "nobody",
        key="line_id id object_id",
        word="kind",
    ),
    "consent.Tightening": Table(
        "Another tightening as archived: a state rule, link, end of access, court order.",
        "for ever",
        "nobody",
        key="line_id",
        word="kind",
        shapes={
            "facts": "its columns: state, purposes, ids, names and dates of agreements, a public key, an order's"
            " reference; no person's number or name"
        },
    ),
    "consent.ArchiveHead": Table(
        "The newest entry of that archive.", "for ever", "nobody", key="id day", proof="digest"
    ),
    "consent.GateOpening": Table(
        "What lets the gate allow, for one start of one server.",
        "for ever",
        "operators",
        key="id incarnation table_oid",
        text="closed_because",
    ),
}
