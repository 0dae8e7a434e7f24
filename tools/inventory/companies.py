"""What is kept of companies, agreements, rules and machines."""

from collections.abc import Mapping

from tools.inventory.kinds import FOR_EVER, LEDGER, RELEASES, Table

EVERYBODY = "whoever dealt with it; the office"
OFFICE = "the office"

TABLES: Mapping[str, Table] = {
    "partners.Party": Table("A company.", FOR_EVER, EVERYBODY, business="uri name website jwks_uri", text="about"),
    "partners.Contract": Table(
        "An agreement between the carrier and an aggregator.",
        FOR_EVER,
        EVERYBODY,
        key="ref epoch",
        business="endpoint_url jwks_uri",
        shapes={"purposes": "those it allows", "hosts": "hosts of its links"},
    ),
    "partners.AuthorizedAgent": Table(
        "A company that may ask for stops in people's names.",
        FOR_EVER,
        "the person; the office",
        key="id number",
        business="name",
        proof="verify_key",
        shapes={"hosts": "for callbacks"},
    ),
    "partners.AgentRequest": Table(
        "One such request, and its result.",
        FOR_EVER,
        "the line's user; the agent its status",
        key="agent_request_id line_id",
        word="exercise",
        business="callback",
        proof="digest",
    ),
    "partners.Campaign": Table(
        "An approved use under an agreement.",
        FOR_EVER,
        EVERYBODY,
        key="ref",
        word="purpose scope consent_flow",
        text="description",
    ),
    "partners.PendingTermChange": Table(
        "What a carrier file changed of companies and agreements.", "minutes", "nobody", key="ref"
    ),
    "partners.IdentifierLink": Table(
        "That one company, purpose or campaign succeeds, or is, another.", LEDGER, OFFICE, key="ref kin_ref"
    ),
    "partners.Reach": Table("A company known behind a campaign.", FOR_EVER, EVERYBODY),
    "partners.Cover": Table(
        "Every id whose stop covers a campaign; derived.",
        "as long as the campaign",
        "nobody",
        key="aggregator provider",
        shapes={
            "parties": "ids of companies",
            "named_parties": "ids of companies",
            "told_apart": "ids of companies",
            "purposes": "purposes",
            "campaigns": "ids of uses",
            "targets": "whose suspension denies it",
            "named_targets": "whose suspension denies it",
        },
    ),
    "partners.Dealing": Table("That a company received a line's data.", RELEASES, "the line's user", key="line_id"),
    "partners.PairwiseKey": Table("The secret behind a partner's names for lines.", FOR_EVER, "nobody", key="version"),
    "partners.PairwiseSubject": Table(
        "One partner's name for one line.", LEDGER, "that partner", key="line_id", sealed="sub"
    ),
    "partners.SigningKey": Table(
        "One of our own keys.",
        FOR_EVER,
        "everyone: the public half",
        key="kid",
        shapes={"public_jwk": "the public key"},
    ),
    "partners.PartnerKeySet": Table(
        "A company's public keys as last fetched.", "until fetched again", OFFICE, shapes={"jwks": "public keys"}
    ),
    "partners.ReceiptKey": Table(
        "A key by which a company's receipt was accepted.", LEDGER, OFFICE, shapes={"jwk": "a public key"}
    ),
    "partners.Client": Table(
        "An API client.",
        FOR_EVER,
        OFFICE,
        key="client_id number",
        proof="certificate_sha256",
        shapes={"public_jwk": "its public key"},
    ),
    "partners.UsedAssertion": Table("A used authentication of an API client.", "until it expires", "nobody", key="jti"),
    "partners.Proposal": Table(
        "A loosening act that needs two officers.",
        LEDGER,
        OFFICE,
        key="target_id",
        personal="proposed_by decided_by",
        text="reason decision_reason",
        shapes={"payload": "what the act needs: dates, words, ids"},
    ),
    "partners.Suspension": Table(
        "That a company, agreement or campaign is denied everything.",
        LEDGER,
        OFFICE,
        key="target_id",
        personal="actor",
        text="reason",
    ),
    "partners.JurisdictionRule": Table(
        "What a US state prohibits, whoever agreed.",
        LEDGER,
        "everyone",
        word="state",
        text="source",
        shapes={"purposes": "those it prohibits"},
    ),
    "partners.NoticeText": Table(
        "The wording of a notice before a choice.",
        LEDGER,
        "everyone",
        key="version",
        word="language",
        personal="actor",
        text="body",
    ),
}
