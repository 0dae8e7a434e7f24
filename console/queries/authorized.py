"""Authorised agents as officers see them: whether each may ask, with which key, and what became of its requests.

Of the requests only counts are shown: whose they are is their person's alone.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count

from console.queries.proposals import OpenProposal, list_open_proposals
from partners.models import AgentRequest, AuthorizedAgent, Proposal
from partners.queries import key_of
from support.queries.history import RecordedAct, done_to

COUNTED_FOR = timedelta(days=30)


@dataclass(frozen=True)
class AgentPage:
    """An agent. `asked`: what is proposed about it. `counts`: what became of what it asked in 30 days, in words."""

    agent: AuthorizedAgent
    key: str
    asked: Sequence[OpenProposal]
    counts: Sequence[tuple[str, int]]
    history: Sequence[RecordedAct]

    @property
    def was_let_in(self) -> bool:
        """Whether it could ever ask: one that could not is new, and none that was suspended."""
        return self.agent.ended_at is None or self.agent.ended_at > self.agent.registered_at

    @property
    def waits(self) -> bool:
        """Whether it is proposed already that it may ask."""
        return any(one.proposal.act == Proposal.Act.LET_AGENT_ASK for one in self.asked)


def agent_page(*, number: int, at: datetime) -> AgentPage | None:
    """Everything about one agent; None where there is none."""
    agent = AuthorizedAgent.objects.filter(number=number).first()
    if agent is None:
        return None
    return AgentPage(
        agent=agent,
        key=key_of(agent=agent),
        asked=list_open_proposals(of="authorized", target_id=number, at=at),
        counts=_counts(agent, at),
        history=done_to(target=f"authorized:{number}", also=f"agent:{agent.pk}"),
    )


def count_agent_requests(*, agent_ids: Collection[str], at: datetime) -> Mapping[str, tuple[int, int]]:
    """How many requests of each agent came in 30 days, and how many of them their person confirmed. One statement."""
    rows = AgentRequest.objects.filter(agent__in=agent_ids, received_at__gt=at - COUNTED_FOR)
    found: dict[str, tuple[int, int]] = dict.fromkeys(agent_ids, (0, 0))
    for agent_id, status, n in rows.values_list("agent_id", "status").annotate(Count("pk")):
        asked, done = found[agent_id]
        found[agent_id] = (asked + n, done + (n if status == AgentRequest.Status.FULFILLED else 0))
    return found


def _counts(agent: AuthorizedAgent, at: datetime) -> list[tuple[str, int]]:
    rows = AgentRequest.objects.filter(agent=agent, received_at__gt=at - COUNTED_FOR)
    counted = {(status, reason): n for status, reason, n in rows.values_list("status", "reason").annotate(Count("pk"))}
    return [(_describe_status(status, reason), n) for (status, reason), n in sorted(counted.items())]


def _describe_status(status: str, reason: str) -> str:
    state = AgentRequest.Status(status)
    why = AgentRequest.Reason(reason).label if reason and state != AgentRequest.Status.IN_PROGRESS else ""
    return f"{state.label}: {why}" if why else str(state.label)
