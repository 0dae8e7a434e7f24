"""After an agreement ended: its lines are listed and told, in jobs that go on wherever they were cut off."""

from consent.cohorts.listing import build_manifests
from consent.cohorts.settling import settle_orders
from consent.cohorts.texting import tell_subscribers

__all__ = ["build_manifests", "settle_orders", "tell_subscribers"]
