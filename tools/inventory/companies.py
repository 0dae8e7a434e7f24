"""What is kept of companies, agreements, rules and machines."""

from collections.abc import Mapping

from tools.inventory.kinds import BUSINESS, LEDGER, RELEASES, Table

EVERYBODY = "whoever dealt with it; the office"
OFFICE = "the office"

TABLES: Mapping[str, Table] = {
    "partners.Party": Table(
        "A company.", BUSINESS, EVERYBODY, word="kind", business="uri name website jwks_uri", text="about"
    ),
    "partners.Contract": Table(
        "An agreement between the carrier and an aggregator.",
        BUSINESS,
        EVERYBODY,
        key="ref epoch",
        figure="ack_within_s complete_within_days is_draft",
        business="endpoint_url jwks_uri",
        shapes={"purposes": "the purposes that it allows", "hosts": "hosts that links of the partner may lead to"},
    ),
    "partners.AuthorizedAgent": Table(
        "A company that may ask for stops in people's names.",
        "for ever; no requests while suspended",
        "the person; the office",
        key="id number",
        business="name",
        proof="verify_key",
        sealed="token_hash",
        shapes={"hosts": "hosts where it may be called back"},
    ),
    "partners.AgentRequest": Table(
        "One such request: the number as a keyed hash, and its result.",
        "for ever: requests are counted for at least 24 months",
        "the line's user, in their log; the agent its status, alike for unknown numbers",
        key="agent_request_id line_id",
        figure="notify_tries",
        word="exercise status reason",
        business="callback",
        sealed="number_hash token_hash",
        proof="digest",
    ),
    "partners.Campaign": Table(
        "An approved use under an agreement: one company, purpose, precision and term.",
        BUSINESS,
        EVERYBODY,
        key="ref",
        figure="precision_m names_recipient lifeline family_tracking is_draft",
        word="purpose scope consent_flow consideration",
        text="description",
    ),
    "partners.PendingTermChange": Table(
        "What a carrier file changed of companies and agreements.",
        "until the follow-up work is done, minutes",
        "nobody",
        key="ref",
        word="kind of",
    ),
    "partners.IdentifierLink": Table(
        "That one company, purpose or campaign succeeds, or is, another.",
        LEDGER,
        OFFICE,
        key="ref kin_ref",
        word="of link",
    ),
    "partners.Reach": Table("A company known behind a campaign.", BUSINESS, EVERYBODY, figure="told_apart"),
    "partners.Cover": Table(
        "Every id whose stop covers a campaign; derived.",
        "with the campaign",
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
    "partners.Dealing": Table(
        "That a company received a line's data, first and last when.", RELEASES, "the line's user", key="line_id"
    ),
    "partners.PairwiseKey": Table(
        "The secret behind a partner's names for lines.", BUSINESS, "nobody", key="version", sealed="secret_sealed"
    ),
    "partners.PairwiseSubject": Table(
        "One partner's name for one line; no other partner knows it.",
        LEDGER,
        "that partner",
        key="line_id",
        sealed="sub",
    ),
    "partners.SigningKey": Table(
        "One of our own keys; the private half sealed.",
        "the public half for ever",
        "everyone the public half; nobody the other",
        key="kid",
        word="use",
        sealed="private_sealed",
        shapes={"public_jwk": "the public key"},
    ),
    "partners.PartnerKeySet": Table(
        "A company's public keys as last fetched.", "until fetched again", OFFICE, shapes={"jwks": "public keys"}
    ),
    "partners.Client": Table(
        "An API client.",
        BUSINESS,
        OFFICE,
        key="client_id number",
        word="kind",
        proof="certificate_sha256",
        shapes={"public_jwk": "its public key"},
    ),
    "partners.UsedAssertion": Table(
        "A used authentication of an API client.",
        "until it expires and the client authenticates again",
        "nobody",
        key="jti",
    ),
    "partners.Proposal": Table(
        "A loosening act that needs two officers.",
        LEDGER,
        OFFICE,
        key="target_id",
        word="act of decision",
        personal="proposed_by decided_by",
        text="reason decision_reason",
        shapes={"payload": "what the act needs besides its target: dates, words, ids"},
    ),
    "partners.Suspension": Table(
        "That a company, agreement or campaign is denied everything until lifted.",
        LEDGER,
        OFFICE,
        key="target_id",
        figure="automatic",
        word="of",
        personal="actor",
        text="reason",
    ),
    "partners.JurisdictionRule": Table(
        "What a US state prohibits, whoever agreed.",
        LEDGER,
        "everyone",
        figure="sale_test max_radius_m",
        word="state consideration",
        text="source",
        shapes={"purposes": "the purposes that it prohibits"},
    ),
    "partners.NoticeText": Table(
        "The wording of a notice before a choice.",
        LEDGER,
        "everyone",
        key="version",
        word="use language",
        personal="actor",
        text="body",
    ),
}
