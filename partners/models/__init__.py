"""Organisations, what was agreed with them, their keys, and what lower apps need to know about dealings with them."""

from partners.models.agents import AgentRequest, AuthorizedAgent
from partners.models.agreements import (
    Campaign,
    Contract,
    Cover,
    Dealing,
    IdentifierLink,
    Party,
    PendingTermChange,
    Reach,
)
from partners.models.machines import (
    Client,
    PairwiseKey,
    PairwiseSubject,
    PartnerKeySet,
    ReceiptKey,
    SigningKey,
    UsedAssertion,
)
from partners.models.officers import JurisdictionRule, NoticeText, Proposal, Suspension

__all__ = [
    "AgentRequest",
    "AuthorizedAgent",
    "Campaign",
    "Client",
    "Contract",
    "Cover",
    "Dealing",
    "IdentifierLink",
    "JurisdictionRule",
    "NoticeText",
    "PairwiseKey",
    "PairwiseSubject",
    "PartnerKeySet",
    "Party",
    "PendingTermChange",
    "Proposal",
    "Reach",
    "ReceiptKey",
    "SigningKey",
    "Suspension",
    "UsedAssertion",
]
