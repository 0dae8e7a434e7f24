"""An agreement ends; its lines are listed and told, in jobs that go on wherever they were cut off."""

from consent.cohorts.ending import PlanChanged, end, end_terms
from consent.cohorts.listing import build_manifests, keep_after
from consent.cohorts.settling import settle_orders
from consent.cohorts.texting import tell_subscribers

__all__ = ["PlanChanged", "build_manifests", "end", "end_terms", "keep_after", "settle_orders", "tell_subscribers"]
