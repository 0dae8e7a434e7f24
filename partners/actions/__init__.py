"""The verbs of partners: keys, machines that sign in, and what officers do with companies, contracts and campaigns."""

from partners.actions.authorized import propose_agent, register_agent, suspend_agent
from partners.actions.clients import bind_client, disable_client, register_client, restore_key
from partners.actions.drafts import (
    NOT_SIGNED_YET,
    CampaignTerms,
    ContractTerms,
    change_draft,
    discard_draft,
    draft_campaign,
    draft_contract,
    put_in_force,
)
from partners.actions.keys import ensure_signing_keys
from partners.actions.machines import (
    disable_machine,
    propose_certificate,
    propose_key,
    register_machine,
    unbind_machine,
)
from partners.actions.notices import publish_notice
from partners.actions.parties import add_party, change_party
from partners.actions.proposals import carry_out, decline, mark_agreed, propose, withdraw
from partners.actions.sign_in import ASSERTION_TYPE, Issued, Refused, issue_access_token, sign_in
from partners.actions.terms import RuleTerms, add_rule, link, set_consideration, set_endpoints, shorten_term
from partners.actions.trial_keys import publish_trial_key, retire_trial_key

__all__ = [
    "ASSERTION_TYPE",
    "NOT_SIGNED_YET",
    "CampaignTerms",
    "ContractTerms",
    "Issued",
    "Refused",
    "RuleTerms",
    "add_party",
    "add_rule",
    "bind_client",
    "carry_out",
    "change_draft",
    "change_party",
    "decline",
    "disable_client",
    "disable_machine",
    "discard_draft",
    "draft_campaign",
    "draft_contract",
    "ensure_signing_keys",
    "issue_access_token",
    "link",
    "mark_agreed",
    "propose",
    "propose_agent",
    "propose_certificate",
    "propose_key",
    "publish_notice",
    "publish_trial_key",
    "put_in_force",
    "register_agent",
    "register_client",
    "register_machine",
    "restore_key",
    "retire_trial_key",
    "set_consideration",
    "set_endpoints",
    "shorten_term",
    "sign_in",
    "suspend_agent",
    "unbind_machine",
    "withdraw",
]
