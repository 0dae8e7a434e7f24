"""The clock of a line's pages."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from accounts.primitives.zones import NAMES, ZONE_OF_STATE, name_of, zone_of


def test_noon_of_a_winter_day() -> None:
    hours = {"WA": 4, "NY": 7, "TX": 6, "CO": 5, "AZ": 5, "AK": 3, "HI": 2, "GU": 22, "??": 12}
    noon = datetime(2026, 1, 5, 12, tzinfo=UTC)
    assert {state: noon.astimezone(zone_of(state)).hour for state in hours} == hours


def test_every_state_has_a_zone_with_a_name() -> None:
    assert len(ZONE_OF_STATE) == 56
    assert {zone for zone in ZONE_OF_STATE.values() if zone not in NAMES} == set()
    assert (name_of(ZoneInfo("America/New_York")), name_of(ZoneInfo("Asia/Tokyo"))) == ("Eastern time", "Asia/Tokyo")
