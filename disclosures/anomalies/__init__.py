"""What a carrier's own log shows and no partner's list would: found by rules that are rows, set-wise, and acted on."""

from disclosures.anomalies.detection import find, look_again, look_without, take_turn
from disclosures.anomalies.suspension import act

__all__ = ["act", "find", "look_again", "look_without", "take_turn"]
