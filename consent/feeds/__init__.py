"""Carrier files about lines and what their people agreed to or stopped."""

from consent.feeds.approvals import ApprovalsFeed
from consent.feeds.choices import ChoicesFeed
from consent.feeds.lines import LinesFeed
from consent.feeds.links import tell_of_links

__all__ = ["ApprovalsFeed", "ChoicesFeed", "LinesFeed", "tell_of_links"]
