"""What tests of a restore and of the archive of stops do: agree, ask the gate, end, start the server anew."""

import uuid
from collections.abc import Sequence
from io import StringIO

from django.core.management import call_command
from django.db import connections
from django.utils import timezone

from accounts.models import Line
from consent.gate import deciding
from consent.gate.shapes import as_agreed
from consent.workers import archive_writing
from partners.clients import checkpoint_places
from partners.models import Campaign
from partners.workers import checkpoints
from revocations.models import Cohort, Order, Standing
from tests.factories import a_line, an_approval


def agreed(campaign: Campaign, count: int) -> list[Line]:
    lines = [a_line() for _ in range(count)]
    for line in lines:
        an_approval(line, campaign)
    return lines


def reasons(campaign: Campaign, lines: Sequence[Line], *, for_release: bool = True) -> list[str]:
    questions = [as_agreed(campaign=campaign, line=line.carrier_id) for line in lines]
    return [answer.reason for answer in deciding.evaluate(questions=questions, for_release=for_release)]


def kept_outside() -> int:
    done = archive_writing.write(now=timezone.now())
    checkpoints.write(place=checkpoint_places.place(), at=timezone.now())
    return done


def after_restore(*args: str) -> str:
    said = StringIO()
    call_command("after_restore", *args, stdout=said)
    return said.getvalue()


def told(lines: Sequence[Line]) -> list[tuple[int, int] | None]:
    """Of each line: the epoch in which its partner was last told, and how many uses are allowed by that."""
    standing = {one.line_id: one for one in Standing.objects.all()}
    orders = {one.id: one for one in Order.objects.filter(id__in=[one.order_id for one in standing.values()])}
    newest = {line_id: orders[one.order_id] for line_id, one in standing.items()}
    return [
        (newest[line.pk].epoch, len(newest[line.pk].snapshot["state"])) if line.pk in newest else None for line in lines
    ]


def as_owner(statement: str) -> None:
    """As who may do anything, without a trigger."""
    with connections["owner"].cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(statement)
        cursor.execute("SET session_replication_role = origin")


def an_end(campaign: Campaign, of: str = "campaign") -> Cohort:
    """The end of a campaign, or of its contract with it."""
    now, target_id = timezone.now(), campaign.pk if of == "campaign" else campaign.contract_id
    return Cohort.objects.create(
        id=uuid.uuid4(), of=of, target_id=target_id, contract_id=campaign.contract_id,
        party_id=campaign.contract.aggregator_id, epoch=2, terminated_at=now, actor="officer:1", reason="Due", plan={},
        complete_by=now,
    )  # fmt: skip


def the_server_started() -> None:
    """As after a start of the server, or of one that has the same files."""
    as_owner("UPDATE consent_gateopening SET server_started = '-infinity'")
