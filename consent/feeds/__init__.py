"""Carrier files about lines and what their people agreed to or stopped."""

from consent.feeds.approvals import ApprovalsFeed
from consent.feeds.choices import ChoicesFeed
from consent.feeds.held import apply_held_rows
from consent.feeds.importing import take_choices
from consent.feeds.lines import LinesFeed
from consent.feeds.links import notify_partners_of_links

__all__ = ["ApprovalsFeed", "ChoicesFeed", "LinesFeed", "apply_held_rows", "notify_partners_of_links", "take_choices"]
