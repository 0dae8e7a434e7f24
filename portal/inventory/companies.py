"""What is kept of companies, agreements, rules and machines."""

from collections.abc import Mapping

from portal.inventory.kinds import BUSINESS, LEDGER, RELEASES, Table

EVERYBODY = "whoever dealt with it; officers and auditors"
OFFICE = "officers and auditors"

TABLES: Mapping[str, Table] = {
    "partners.Party": Table(
        "A company.", BUSINESS, EVERYBODY, key="id", word="kind", business="uri name website jwks_uri", text="about"
    ),
    "partners.Contract": Table(
        "An agreement between the carrier and an aggregator.",
        BUSINESS,
        EVERYBODY,
        key="id ref aggregator epoch",
        time="signed_at starts_at ends_at",
        figure="ack_within_s complete_within_days is_draft",
        business="endpoint_url jwks_uri",
        shapes={"purposes": "the purposes that it allows", "hosts": "hosts that links of the partner may lead to"},
    ),
    "partners.Campaign": Table(
        "What was approved under an agreement: one company, one purpose, how exact, until when.",
        BUSINESS,
        EVERYBODY,
        key="id ref contract lbs_provider",
        time="starts_at ends_at",
        figure="precision_m names_recipient lifeline family_tracking is_draft",
        word="purpose scope consent_flow consideration",
        text="description",
    ),
    "partners.Kin": Table(
        "That one company or use follows another.",
        LEDGER,
        OFFICE,
        key="id ref kin_ref",
        time="recorded_at",
        word="of link",
    ),
    "partners.Reach": Table(
        "A company known behind a use.", BUSINESS, EVERYBODY, key="campaign party", figure="told_apart"
    ),
    "partners.Cover": Table(
        "Every id whose stop covers a use; derived.",
        "as long as the use",
        "nobody",
        key="campaign",
        shapes={
            "parties": "ids of companies",
            "named_parties": "ids of companies",
            "told_apart": "ids of companies",
            "purposes": "purposes",
            "campaigns": "ids of uses",
        },
    ),
    "partners.Dealing": Table(
        "That a company received a line's data, and when first and last.",
        RELEASES,
        "the line's user",
        key="line_id aggregator party",
        time="first_at last_at",
    ),
    "partners.PairwiseKey": Table(
        "The secret behind a partner's names for lines.",
        BUSINESS,
        "nobody",
        key="id party version",
        time="made_at",
        sealed="secret_sealed",
    ),
    "partners.PairwiseSubject": Table(
        "The name by which one partner knows one line; no other partner knows it.",
        LEDGER,
        "that partner",
        key="line_id party",
        sealed="sub",
    ),
    "partners.SigningKey": Table(
        "One of our own keys; the private half sealed.",
        "the public half for good",
        "everybody the public half; nobody the other",
        key="kid",
        time="published_at used_from retired_at",
        word="use",
        sealed="private_sealed",
        shapes={"public_jwk": "the public key"},
    ),
    "partners.PartnerKeySet": Table(
        "A company's public keys as last fetched.",
        "until fetched again",
        OFFICE,
        key="party",
        time="fetched_at",
        shapes={"jwks": "public keys"},
    ),
    "partners.Client": Table(
        "A machine that may ask for tokens.",
        BUSINESS,
        OFFICE,
        key="client_id party number",
        time="disabled_at",
        word="kind",
        proof="certificate_sha256",
        shapes={"public_jwk": "its public key"},
    ),
    "partners.UsedAssertion": Table(
        "A machine's sign-in that was used.",
        "until it expires, and its client's next sign-in",
        "nobody",
        key="client jti",
        time="expires_at",
    ),
    "partners.Proposal": Table(
        "A loosening act that takes two officers.",
        LEDGER,
        OFFICE,
        key="id target_id",
        time="proposed_at decided_at",
        word="act of decision",
        personal="proposed_by decided_by",
        text="reason decision_reason",
        shapes={"payload": "what the act needs besides its target: dates, words, ids"},
    ),
    "partners.Suspension": Table(
        "That a company, agreement or use is denied everything for a while.",
        LEDGER,
        OFFICE,
        key="id target_id lifted_by",
        time="starts_at ends_at",
        figure="automatic",
        word="of",
        personal="actor",
        text="reason",
    ),
    "partners.JurisdictionRule": Table(
        "What is prohibited in a US state, whoever agreed.",
        LEDGER,
        "everybody",
        key="id relaxed_by",
        time="starts_at ends_at",
        figure="sale_test",
        word="state",
        text="source",
        shapes={"purposes": "the purposes that it prohibits"},
    ),
    "partners.NoticeText": Table(
        "The wording of what is read before a choice.",
        LEDGER,
        "everybody",
        key="id version",
        time="published_at",
        word="use language",
        personal="actor",
        text="body",
    ),
}
