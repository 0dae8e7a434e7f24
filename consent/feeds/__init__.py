"""Carrier files about lines and what their people agreed to or stopped."""

from consent.feeds.approvals import ApprovalsFeed
from consent.feeds.choices import ChoicesFeed
from consent.feeds.held import take_in_held
from consent.feeds.importing import take_choices
from consent.feeds.lines import LinesFeed
from consent.feeds.links import tell_of_links

__all__ = ["ApprovalsFeed", "ChoicesFeed", "LinesFeed", "take_choices", "take_in_held", "tell_of_links"]
