"""What gate and ledger say of a line and a campaign, for the use that was agreed."""

from datetime import datetime

from accounts.models import Line
from audit.queries import database_clock
from consent.gate import deciding
from consent.gate.shapes import Question
from consent.queries.permission import permission_at
from partners.models import Campaign, Party


def question(line: Line, campaign: Campaign) -> Question:
    return Question(
        aggregator=campaign.contract.aggregator.uri, provider=campaign.lbs_provider.uri, campaign=campaign.ref,
        purpose=campaign.purpose, scope=campaign.scope, precision_m=campaign.precision_m, line=line.carrier_id,
    )  # fmt: skip


def ask(line: Line, campaign: Campaign) -> str:
    """The gate's reason; "" where it allows."""
    (answer,) = deciding.evaluate(questions=[question(line, campaign)])
    return answer.reason


def judged(line: Line, campaign: Campaign, at: datetime) -> str:
    chain = [campaign.contract.aggregator.uri, campaign.lbs_provider.uri]
    reached = Party.objects.filter(reached_by__campaign=campaign).values_list("uri", flat=True)
    return permission_at(
        line_id=line.pk, campaign=campaign.ref, purpose=campaign.purpose, parties=[*chain, *reached],
        precision_m=campaign.precision_m, at=at, known_at=database_clock(),
    )  # fmt: skip
