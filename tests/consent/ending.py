"""The end of an agreement: whose data went through it, and the list of lines that its partner is given."""

import gzip
import json
from collections.abc import Iterable
from datetime import datetime, timedelta

from accounts.models import Line
from audit.queries import database_clock
from consent.workers.cohorts import build_manifests
from partners.domain import pairwise
from partners.models import Campaign, Dealing, Party
from revocations.models import Cohort, ManifestShard
from tests.factories import NOW

LATER = timedelta(minutes=2)


def build(**sizes: int) -> int:
    """A worker's run, late enough for any transaction of anybody on this server to be over."""
    return build_manifests(now=database_clock() + LATER, **sizes)


def listed(cohort: Cohort) -> list[str]:
    shards = ManifestShard.objects.filter(cohort_id=cohort.pk).order_by("number")
    lines = [line for shard in shards for line in gzip.decompress(bytes(shard.content)).decode().splitlines()]
    return [json.loads(line)["sub"] for line in lines]


def names(party: Party, lines: Iterable[Line]) -> set[str]:
    return set(pairwise.list_subjects(line_ids=[line.pk for line in lines], party_id=party.pk).values())


def dealt(line: Line, campaign: Campaign, *more: Party, at: datetime = NOW) -> None:
    for party in (campaign.lbs_provider, *more):
        Dealing.objects.create(line_id=line.pk, aggregator=campaign.contract.aggregator, party=party, last_at=at)


class MachineDied(BaseException):
    """As when its power fails: nothing after it runs."""
