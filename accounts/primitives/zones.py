"""The time zone in which a line's pages tell the time: that of the state the line is registered in.

A state with two zones gets the one where most of its people live; the pages say which zone they speak of, and every
`<time>` carries the exact instant.
"""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

_EASTERN, _CENTRAL, _MOUNTAIN, _PACIFIC = (
    "America/New_York",
    "America/Chicago",
    "America/Denver",
    "America/Los_Angeles",
)
_STATES = {
    _EASTERN: "CT DC DE FL GA IN KY MA MD ME MI NC NH NJ NY OH PA RI SC VA VT WV",
    _CENTRAL: "AL AR IA IL KS LA MN MO MS ND NE OK SD TN TX WI",
    _MOUNTAIN: "CO ID MT NM UT WY",
    "America/Phoenix": "AZ",
    _PACIFIC: "CA NV OR WA",
    "America/Anchorage": "AK",
    "Pacific/Honolulu": "HI",
    "America/Puerto_Rico": "PR VI",
    "Pacific/Guam": "GU MP",
    "Pacific/Pago_Pago": "AS",
}
ZONE_OF_STATE = {state: zone for zone, states in _STATES.items() for state in states.split()}
# For staff alone, who read English.
STATE_NAMES = {
    "AK": "Alaska", "AL": "Alabama", "AR": "Arkansas", "AS": "American Samoa", "AZ": "Arizona", "CA": "California",
    "CO": "Colorado", "CT": "Connecticut", "DC": "District of Columbia", "DE": "Delaware", "FL": "Florida",
    "GA": "Georgia", "GU": "Guam", "HI": "Hawaii", "IA": "Iowa", "ID": "Idaho", "IL": "Illinois", "IN": "Indiana",
    "KS": "Kansas", "KY": "Kentucky", "LA": "Louisiana", "MA": "Massachusetts", "MD": "Maryland", "ME": "Maine",
    "MI": "Michigan", "MN": "Minnesota", "MO": "Missouri", "MP": "Northern Mariana Islands", "MS": "Mississippi",
    "MT": "Montana", "NC": "North Carolina", "ND": "North Dakota", "NE": "Nebraska", "NH": "New Hampshire",
    "NJ": "New Jersey", "NM": "New Mexico", "NV": "Nevada", "NY": "New York", "OH": "Ohio", "OK": "Oklahoma",
    "OR": "Oregon", "PA": "Pennsylvania", "PR": "Puerto Rico", "RI": "Rhode Island", "SC": "South Carolina",
    "SD": "South Dakota", "TN": "Tennessee", "TX": "Texas", "UT": "Utah", "VA": "Virginia", "VI": "U.S. Virgin Islands",
    "VT": "Vermont", "WA": "Washington", "WI": "Wisconsin", "WV": "West Virginia", "WY": "Wyoming",
}  # fmt: skip
NAMES: dict[str, Promise] = {
    _EASTERN: _("Eastern time"),
    _CENTRAL: _("Central time"),
    _MOUNTAIN: _("Mountain time"),
    "America/Phoenix": _("Arizona time"),
    _PACIFIC: _("Pacific time"),
    "America/Anchorage": _("Alaska time"),
    "Pacific/Honolulu": _("Hawaii time"),
    "America/Puerto_Rico": _("Atlantic time"),
    "Pacific/Guam": _("Chamorro time"),
    "Pacific/Pago_Pago": _("Samoa time"),
    "UTC": _("universal time (UTC)"),
}


# Nobody is texted before or after, unless they have just done something themselves.
MORNING, EVENING = 8, 21


def end_of_day(*, day: date, zone: ZoneInfo) -> datetime:
    """Return the last second of a day in a zone: what lasts until a day ends on that day, whoever reads it there."""
    return datetime.combine(day, time(23, 59, 59), zone)


def zone_of(state: str) -> ZoneInfo:
    """Return the zone of a US postal state code; UTC for one that we do not know."""
    return ZoneInfo(ZONE_OF_STATE.get(state, "UTC"))


def name_of(zone: ZoneInfo) -> str:
    """Return what people call a zone, in the language of the page."""
    return str(NAMES.get(zone.key, zone.key))


def is_day(zone: ZoneInfo, at: datetime) -> bool:
    """Return whether people there may be texted what can wait."""
    return MORNING <= at.astimezone(zone).hour < EVENING


def next_day_time(zone: ZoneInfo, at: datetime) -> datetime:
    """Return the first moment from `at` on that is by day there."""
    if is_day(zone, at):
        return at
    there = at.astimezone(zone)
    morning = there.replace(hour=MORNING, minute=0, second=0, microsecond=0)
    return morning if there < morning else morning + timedelta(days=1)
