"""Rules of states, notices, proposals of other officers."""

import uuid

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone

import disclosures.actions
from accounts.views.access import PersonRequest
from console.actions import proposals, terms
from console.forms import rules
from console.forms.rules import AnomalyRuleForm
from console.forms.terms import EndForm
from console.queries.notices import get_notice_preview
from console.queries.proposals import list_open_proposals
from console.queries.purposes import get_rule_impact
from console.views.acts import PROPOSED, Act, answer, build_arguments
from disclosures.queries.rules import finds, newest_rule
from partners.actions import notices
from partners.actions import proposals as proposals_actions
from partners.models import JurisdictionRule, Proposal
from support.forms.acting import ActForm

DECIDED = {
    "agree": (proposals.agree_to_proposal, "Agree", "Agreed. The change takes effect as proposed."),
    "decline": (proposals_actions.decline, "Decline", "Declined. Nothing changed."),
    "withdraw": (proposals_actions.withdraw, "Withdraw", "Withdrawn. Nothing changed."),
}


def decide(request: PersonRequest, proposal_id: uuid.UUID, how: str) -> HttpResponse:
    """Agree to, decline or withdraw a proposal."""
    if how not in DECIDED or not Proposal.objects.filter(pk=proposal_id).exists():
        raise Http404
    verb, word, done = DECIDED[how]
    act = Act(
        title=f"{word} to the proposal" if how == "agree" else f"{word} the proposal",
        form=ActForm(request.POST or None),
        verb=lambda _, by: verb(proposal_id=proposal_id, **by),
        back=reverse("admin:proposal", args=[proposal_id]),
        done=done,
        button=word,
    )
    return answer(request, act)


def add_rule(request: PersonRequest) -> HttpResponse:
    """Prohibit uses in a state."""
    act = Act(
        title="Add a rule",
        lead=(
            "From that day these uses are denied in that state, even with consent. Ending a rule takes two officers."
            " To narrow a rule, add the narrower one and propose to end the wider one."
        ),
        form=rules.RuleForm(request.POST or None, at=timezone.now()),
        verb=lambda form, by: terms.add_rule(terms=form.terms(), **by),
        back=reverse("admin:rules"),
        done="Rule added.",
        shows=lambda form: get_rule_impact(terms=form.terms(), at=timezone.now()),
    )
    return answer(request, act)


def relax_rule(request: PersonRequest, rule_id: int) -> HttpResponse:
    """Propose that a rule ends."""
    rule = get_object_or_404(JurisdictionRule, pk=rule_id)
    asked = list_open_proposals(of="rule", target_id=rule_id, at=timezone.now())
    ends = f" Its end on {rule.ends_at:%-d %b %Y} was agreed." if rule.ends_at else ""
    act = Act(
        title=f"Propose to end the rule {rule}",
        lead=f"{rule.source}. It stays in force until another officer agrees.{ends}",
        asked=asked,
        form=EndForm(request.POST or None),
        verb=lambda form, by: proposals_actions.propose(
            act=Proposal.Act.RELAX_RULE, of="rule", target_id=rule_id,
            payload={"ends_at": form.moment().isoformat()}, **by,
        ),
        back=reverse("admin:rules"),
        done="Proposed. The rule ends when another officer agrees, within 7 days.",
        button="Propose",
    )  # fmt: skip
    return answer(request, act)


def propose_notice(request: PersonRequest) -> HttpResponse:
    """Propose the next version of a notice."""
    act = Act(
        title="Propose a version",
        lead="People see it when another officer has agreed and its day has come. What people read before earlier"
        " choices stays on record.",
        form=rules.NoticeForm(request.POST or None, at=timezone.now()),
        verb=lambda form, by: notices.propose_notice(**build_arguments(form, by)),
        back=lambda made: reverse("admin:proposal", args=[getattr(made, "pk", "")]),
        cancel=reverse("admin:notices"),
        done=PROPOSED,
        button="Preview",
        shows=lambda form: get_notice_preview(
            **{name: form.cleaned_data[name] for name in ("use", "language", "body", "starts_at")}
        ),
    )
    return answer(request, act)


def change_anomaly_rule(request: PersonRequest, kind: str) -> HttpResponse:
    """Write the next version of the rule of one kind of anomaly, or propose it where it is looser."""
    rule = newest_rule(kind=kind)
    if rule is None:
        raise Http404
    act = Act(
        title=str(rule.get_kind_display()),
        lead=(
            f"Version {rule.version} now: {finds(rule=rule)}{'' if rule.enabled else '. It is off'}. A change that "
            "finds less, or suspends later or never, takes two officers."
        ),
        asked=list_open_proposals(of="anomaly", target_id=rule.pk, at=timezone.now()),
        form=AnomalyRuleForm(request.POST or None, rule=rule),
        verb=lambda form, by: disclosures.actions.change_anomaly_rule(
            kind=kind, **{"suspend_after_days": None} | build_arguments(form, by)
        ),
        back=reverse("admin:anomaly-rules"),
        done=lambda result: (
            "Proposed. It takes effect when another officer agrees, within 7 days."
            if isinstance(result, Proposal)
            else "Saved. It applies from the next search."
        ),
        button="Save",
    )
    return answer(request, act)
