"""What is kept of orders to stop, of what partners signed, and of how they are reached."""

from collections.abc import Mapping

from tools.inventory.kinds import FOR_EVER, LEDGER, Table

OWN = "status"
OFFICE = "the partner"

TABLES: Mapping[str, Table] = {
    "revocations.Order": Table(
        "One signed message to one partner about one line.",
        LEDGER,
        OWN,
        key="line_id contract_id party_id epoch version jti txn trace",
        text="note",
        shapes={"snapshot": "companies, purposes, scopes, duties and dates"},
    ),
    "revocations.Standing": Table(
        "The newest version a partner was told.", LEDGER, OWN, key="line_id contract_id epoch version"
    ),
    "revocations.Attempt": Table(
        "One try to deliver an order.", LEDGER, OWN, key="line_id number", word="outcome", text="detail", proof="token"
    ),
    "revocations.Duty": Table(
        "An action a partner still owes for a line.",
        LEDGER,
        OWN,
        key="line_id contract_id discharged_by",
        business="scope",
    ),
    "revocations.Receipt": Table(
        "A partner's signed statement about an order.",
        LEDGER,
        OWN,
        key="line_id jti party_id",
        word="status",
        proof="token token_hash",
    ),
    "revocations.DownstreamReport": Table(
        "A company behind the partner, and whether it did its part.",
        LEDGER,
        OWN,
        key="line_id receipt_jti",
        word="status",
        business="party_uri",
    ),
    "revocations.Breach": Table(
        "A deadline a partner missed.", LEDGER, "the office", key="contract_id party_id line_id about"
    ),
    "revocations.Cohort": Table(
        "All lines under an agreement that ended.",
        LEDGER,
        OFFICE,
        key="target_id contract_id party_id epoch listed_to_line told_to_line",
        personal="actor second_actor",
        text="reason",
        proof="index_token",
        shapes={"plan": "expected effects, counted before it"},
    ),
    "revocations.ManifestShard": Table(
        "Part of that list: the partner's own names for lines.",
        LEDGER,
        "the partner, until it expires",
        key="number",
        proof="sha256 content",
    ),
    "revocations.CohortReceipt": Table(
        "A partner's signed statement about that list.",
        LEDGER,
        OFFICE,
        key="jti",
        word="status",
        business="signer_uri",
        proof="list_sha256 token token_hash",
    ),
    "revocations.Stream": Table(
        "How one partner receives events.",
        "as long as the partner keeps it",
        OFFICE,
        key="party_id",
        business="endpoint_url description",
        personal="status_by",
        text="status_reason",
        shapes={"events_requested": "kinds of events"},
    ),
    "revocations.StreamHealth": Table(
        "How many verifications a partner didn't answer.", FOR_EVER, OFFICE, key="party_id"
    ),
    "revocations.StreamEvent": Table(
        "An event to one partner that isn't about one line.",
        LEDGER,
        OFFICE,
        key="party_id contract_id jti",
        text="note",
        shapes={"claims": "ids, dates, counts, addresses"},
    ),
    "revocations.StreamAttempt": Table(
        "One try to deliver that event.", LEDGER, OFFICE, key="number", word="outcome", text="detail", proof="token"
    ),
    "revocations.Breaker": Table("Whether delivery to a partner pauses.", FOR_EVER, OFFICE, key="party_id"),
    "revocations.PushTally": Table("How many pushes to a partner failed in a minute.", "a day", OFFICE, key="party_id"),
    "revocations.Pulse": Table("A minute in which delivery ran.", FOR_EVER, "nobody"),
    "revocations.Trial": Table(
        "A partner's run of the conformance suite.",
        "90 days",
        OFFICE,
        key="party_id",
        shapes={"report": "checks, passed or not, and why"},
    ),
    "revocations.TrialOrder": Table(
        "An order of that run, about an invented name.",
        "90 days",
        OFFICE,
        key="jti party_id epoch version",
        proof="list_sha256",
        shapes={"required_actions": "required actions"},
    ),
    "revocations.EvidenceRequest": Table(
        "A request for evidence of consent, and its signed answer.",
        LEDGER,
        "whoever disputed; the office",
        key="line_id party_id contract_id campaign jti answer_jti",
        word="method language",
        text="wording",
        proof="evidence_ref token",
    ),
    "revocations.TrialReceipt": Table(
        "The partner's signed statement about it.",
        "90 days",
        OFFICE,
        key="jti",
        word="status",
        text="fault",
        proof="token_hash",
        shapes={"downstream": "companies behind it, with their status"},
    ),
    "revocations.TrialShard": Table(
        "Part of that run's list: invented names.", "90 days", OFFICE, key="number party_id", proof="content"
    ),
}
