"""Everybody in one machine."""

from tests.machine.days import Days
from tests.machine.files import Files
from tests.machine.officers import Officers
from tests.machine.people import People
from tests.machine.trade import Trade


class Machine(People, Files, Officers, Trade, Days):
    """Everybody: who says what, who brings it, who sells and who buys, and the days that pass."""
