"""What the gate answers to one question about one line."""

from typing import Any

from accounts.models import Line
from consent.gate import deciding
from consent.gate.shapes import Answer, Question
from partners.models import Campaign


def question(of_line: Line, of_campaign: Campaign, **changed: Any) -> Question:
    """What the campaign's own request would ask."""
    asked: dict[str, Any] = {
        "aggregator": of_campaign.contract.aggregator.uri, "provider": of_campaign.lbs_provider.uri,
        "campaign": of_campaign.ref, "purpose": of_campaign.purpose, "scope": of_campaign.scope,
        "precision_m": of_campaign.precision_m, "line": of_line.carrier_id, **changed,
    }  # fmt: skip
    return Question(**asked)


def ask(of_line: Line, of_campaign: Campaign, **changed: Any) -> Answer:
    (answer,) = deciding.evaluate(questions=[question(of_line, of_campaign, **changed)])
    return answer


def reason(of_line: Line, of_campaign: Campaign, **changed: Any) -> str:
    """Why not; empty if it is allowed."""
    return ask(of_line, of_campaign, **changed).reason
