"""What is kept of choices, approvals and questions, and of what the gate derives from them."""

from collections.abc import Mapping

from portal.inventory.kinds import LEDGER, Table

OWN = "the line's user; of a child's line its account's holder too; staff with a reason that these see"

TABLES: Mapping[str, Table] = {
    "consent.Choice": Table(
        "One stop, pause, allow or refusal.",
        LEDGER,
        OWN,
        key="line_id id ref source_id",
        time="made_at until recorded_at",
        word="kind scope origin channel reason",
        business="program",
        personal="actor",
        proof="content_hash notice",
    ),
    "consent.ChoiceOrder": Table(
        "Which order tells a partner of a choice.", LEDGER, OWN, key="line_id choice_id contract_id order_id"
    ),
    "consent.ChoiceReceipt": Table(
        "The signed proof of a choice.",
        LEDGER,
        "who made the choice, and whoever they give it to",
        key="line_id choice_id",
        proof="number token",
    ),
    "consent.Approval": Table(
        "A yes that was reported, with its evidence; a partner's alone allows nothing.",
        LEDGER,
        OWN,
        key="line_id id campaign source_id",
        time="captured_at expires_at recorded_at",
        word="method verified_by language",
        business="captured_by",
        text="wording",
        proof="evidence_ref content_hash",
    ),
    "consent.SetAside": Table(
        "That a yes in the ledger was another's: it came by a number that was no longer the line's.",
        LEDGER,
        "nobody; what it names is shown to nobody on this line",
        key="line_id yes_id campaign",
        time="recorded_at",
    ),
    "consent.LineGate": Table(
        "All that one decision needs, derived from the rows above.",
        "as long as the line; it can be rebuilt",
        "nobody; it answers the gateway",
        key="line_id version",
        time="newest_at active_from active_until number_changed_at",
        personal="state",
        shapes={
            "stops": "by what is stopped: the newest time of each",
            "pauses": "by what is paused: from, until, origin",
            "approvals": "by campaign: from, until, origin",
            "claims": "by campaign: the earliest time",
        },
    ),
    "consent.ProgressLink": Table(
        "The hash of a link that shows how far a stop has come, in counts.",
        "for good; it opens nothing after 30 days",
        "whoever has the link sees counts, and has the receipts: no number, no name but of who signed",
        key="line_id choice_id",
        time="expires_at",
        sealed="token_hash",
    ),
    "consent.EndedPause": Table(
        "That partners were told of a pause's end.", LEDGER, "nobody", key="line_id choice_id", time="told_at"
    ),
    "consent.HeldRow": Table(
        "A row of a feed that names a line or campaign not known yet, sealed.",
        "until what it names arrives",
        "nobody",
        key="feed campaign choice_id",
        time="held_at",
        sealed="source_hash msisdn_hash row_sealed",
    ),
    "consent.Touched": Table(
        "A line whose past is to be judged again.",
        "until it was, seconds later",
        "nobody",
        key="id line_id",
        time="since",
    ),
    "consent.Notice": Table(
        "What was read before a choice, word for word.",
        LEDGER,
        "whoever made such a choice",
        key="version",
        time="first_shown_at",
        word="use language",
        text="body",
        proof="digest",
        shapes={"companies": "the companies that it named: ids and names"},
    ),
    "consent.Ask": Table(
        "A company's question to a line; the link is kept as a hash.",
        "for good; it is open for 7 days",
        "the line's user; the partner sees only how the line stands to it",
        key="line_id id campaign party_id approval_id choice_id",
        time="until asked_at expires_at texted_at answered_at",
        word="answer",
        business="callback",
        sealed="token_hash",
    ),
    "consent.PrivacySignal": Table(
        "That a browser of the line's person sent Global Privacy Control, and which counts where it met their own yes.",
        "as long as the line",
        OWN,
        key="line_id",
        time="first_at newest_at asked_at answered_at",
        word="answer",
    ),
    "consent.DigestRun": Table(
        "One comparison of a partner's books with ours.",
        "for good",
        "officers and auditors; the partner its own",
        key="id party_id",
        time="received_at finished_at",
        shapes={
            "differing": "the numbers of the buckets that differ",
            "drilled": "those of them that were compared",
            "findings": "counts: partner_has, partner_lacks, same, unknown",
        },
    ),
    "consent.DigestFinding": Table(
        "One difference that a comparison of books found.",
        "for good",
        "officers and auditors by a code; whose line it is only after a reason",
        key="id run line_id contract_id",
        time="found_at",
        figure="told_so",
        word="kind",
        business="recipient purpose scope",
    ),
    "consent.Unarchived": Table(
        "A choice, suspension or end that waits to be written to the archive outside the database.",
        "until it was, seconds later",
        "nobody",
        key="line_id id object_id",
        time="queued_at",
        word="kind",
    ),
    "consent.Tightening": Table(
        "Something else that tightened, as the archive outside has it: a rule, kin, an end of access, a court's order.",
        "for good",
        "nobody",
        key="line_id id",
        time="at archived_at",
        word="kind",
        shapes={
            "said": "the columns that say it: state, purposes, ids, names and moments of agreements, a public key, an"
            " order's reference; nobody's number or name"
        },
    ),
    "consent.ArchiveHead": Table(
        "The one row that names the newest entry of that archive.",
        "for good",
        "nobody",
        key="id day",
        time="written_at",
        proof="digest",
    ),
    "consent.GateOpening": Table(
        "The one row that lets the gate say yes, for one start of one server.",
        "for good",
        "operators",
        key="id incarnation table_oid",
        time="server_started opened_at epochs_raised_at",
        text="closed_because",
    ),
}
