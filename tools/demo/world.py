"""The demo's world: made-up companies, what was agreed with them, and the people whose phones they look for.

Every company has an `.example` address and every number lies in a 555-01XX range, so that none of them is anybody's.
Days count back from the day of the demo: `since=420` is 420 days ago.
"""

from dataclasses import dataclass

READ = "location-retrieval:read"
REQUESTED = "dpv:RequestedServiceProvision"
SERVICE = "dpv:ServiceProvision"
FRAUD = "dpv:FraudPreventionAndDetection"
IDENTITY = "dpv:IdentityVerification"
ADVERTS = "dpv:TargetedAdvertising"
SALE = "dpv:SellDataToThirdParties"
PURPOSES = [FRAUD, IDENTITY, REQUESTED, SALE, SERVICE, ADVERTS]
UNKNOWN = "unknown"
MERIDIAN, WAYPOINT = "meridian-locate", "waypoint-exchange"


@dataclass(frozen=True)
class Party:
    """A company as the carrier's party file describes it."""

    key: str
    name: str
    kind: str
    about: str

    @property
    def uri(self) -> str:
        return f"https://{self.key}.example"


@dataclass(frozen=True)
class Campaign:
    """One approved use: a provider, reached through an aggregator, for a purpose."""

    ref: str
    aggregator: str
    provider: str
    purpose: str
    precision_m: int
    lifeline: bool = False
    family_tracking: bool = False
    consideration: str | None = None
    recipients: tuple[str, ...] = ()
    ended: int | None = None


@dataclass(frozen=True)
class Line:
    """One subscription; `since` and `until` in days before the demo."""

    line_id: str
    msisdn: str
    account_id: str
    holder_name: str
    user_role: str
    since: int
    until: int | None = None
    state: str = "WA"
    language: str = "en"


@dataclass(frozen=True)
class Agreement:
    """An approval, or with `claimed` the partner's word alone."""

    line_id: str
    campaign: str
    since: int
    method: str = "sms"
    claimed: bool = False
    expires: int | None = None


@dataclass(frozen=True)
class Denial:
    """A stop or pause that an earlier opt-out system had recorded."""

    line_id: str
    since: int
    scope: str
    ref: str = ""
    kind: str = "stop"
    until: int | None = None
    channel: str = "web"
    program: str = ""


@dataclass(frozen=True)
class Habit:
    """Look-ups that recur: about so many a week, in bursts, from day `since` until day `until`."""

    line_id: str
    campaign: str
    per_week: float
    since: int
    until: int = 0
    burst: int = 1
    then: tuple[str, ...] = ()
    precision_m: int | None = None
    refused: bool = False


@dataclass(frozen=True)
class Series:
    """Look-ups that a rule for anomalies is there to find: `n` of them, one every so many minutes.

    The first was so many days ago, at this hour of the day (UTC).
    """

    line_id: str
    campaign: str
    days_ago: int
    hour: int
    n: int
    minutes: int
    then: tuple[str, ...] = ()


@dataclass(frozen=True)
class Event:
    """One release that no campaign stands behind: an emergency, a lawful order, the network's own."""

    line_id: str
    aggregator: str
    days_ago: int
    basis: str
    authority_ref: str = ""
    then: tuple[str, ...] = ()
    hidden: str = ""  # "", "until_later", "lifted"


PARTIES = (
    Party("meridian-locate", "Meridian Locate", "aggregator", "Passes carriers' phone locations on to companies"),
    Party("waypoint-exchange", "Waypoint Exchange", "aggregator", "A marketplace for carrier location look-ups"),
    Party("towfriend", "TowFriend", "lbs_provider", "Finds your car when you call for a tow"),
    Party("carebutton", "CareButton", "lbs_provider", "Sends help when its worn button is pressed"),
    Party("cardnear", "CardNear", "lbs_provider", "Checks that your phone is near your card"),
    Party("stormbell", "StormBell", "lbs_provider", "Warns of floods and storms where you are"),
    Party("vanboard", "VanBoard", "lbs_provider", "Shows a firm where its vans are"),
    Party("kincircle", "KinCircle", "lbs_provider", "Shows a family where its members are"),
    Party("cellproof", "CellProof", "lbs_provider", "Tells shops whether you are who you say"),
    Party("admosaic", "AdMosaic", "lbs_provider", "Shows ads by the places you go"),
    Party("footfall-index", "Footfall Index", "lbs_provider", "Sells counts and lists of visits to shops"),
    Party("skipfind", "Skipfind", "lbs_provider", "Finds people for collectors and bail agents"),
    Party("gamefence", "GameFence", "lbs_provider", "Checks that you are in a state where a game is allowed"),
    Party("loneworker-link", "LoneWorker Link", "lbs_provider", "Watches over people who work alone"),
    Party("harbor-collections", "Harbor Collections", "end_customer", "Collects debts"),
    Party("second-street-bail", "Second Street Bail", "end_customer", "Lends bail money"),
    Party("lakeside-bank", "Lakeside Bank", "end_customer", "A bank"),
    Party("blue-anchor-insurance", "Blue Anchor Insurance", "end_customer", "Insures cars"),
    Party("mallmetrics", "MallMetrics", "end_customer", "Advises shopping centres"),
    Party("petal-parcel", "Petal & Parcel", "end_customer", "Delivers flowers"),
)  # fmt: skip

CONTRACTS = {"meridian-locate": "AGR-MERIDIAN-2024", "waypoint-exchange": "AGR-WAYPOINT-2024"}

CAMPAIGNS = (
    Campaign("CMP-TOWFRIEND-M", MERIDIAN, "towfriend", REQUESTED, 500, lifeline=True, consideration="none"),
    Campaign("CMP-CAREBUTTON-W", WAYPOINT, "carebutton", REQUESTED, 100, lifeline=True, consideration="none"),
    Campaign("CMP-CARDNEAR-W", WAYPOINT, "cardnear", FRAUD, 5000, consideration="none", recipients=("lakeside-bank",)),
    Campaign("CMP-CARDNEAR-M", MERIDIAN, "cardnear", FRAUD, 5000, consideration="none"),
    Campaign("CMP-STORMBELL-M", MERIDIAN, "stormbell", SERVICE, 10000),
    Campaign("CMP-VANBOARD-W", WAYPOINT, "vanboard", SERVICE, 100, recipients=("petal-parcel",)),
    Campaign("CMP-KINCIRCLE-M", MERIDIAN, "kincircle", REQUESTED, 50, family_tracking=True),
    Campaign("CMP-CELLPROOF-W", WAYPOINT, "cellproof", IDENTITY, 1000),
    Campaign("CMP-ADMOSAIC-M", MERIDIAN, "admosaic", ADVERTS, 500, consideration="monetary"),
    Campaign("CMP-FOOTFALL-W", WAYPOINT, "footfall-index", SALE, 100, consideration="monetary"),
    Campaign("CMP-SKIPFIND-M", MERIDIAN, "skipfind", IDENTITY, 100, consideration="monetary"),
    Campaign("CMP-GAMEFENCE-W", WAYPOINT, "gamefence", SERVICE, 1000),
    Campaign("CMP-LONEWORKER-M", MERIDIAN, "loneworker-link", SERVICE, 50, ended=45),
)  # fmt: skip

DANA, DANA_SPARE, MIA = "DEMO-0001", "DEMO-0002", "DEMO-0003"
SAM, RUTH, LEO, BEFORE_PRIYA, PRIYA = "DEMO-0004", "DEMO-0005", "DEMO-0006", "DEMO-0007", "DEMO-0008"
QUIET = "DEMO-0009"

LINES = (
    Line(DANA, "+12065550142", "DEMO-A01", "Dana Whitfield", "holder", since=900),
    Line(DANA_SPARE, "+12065550143", "DEMO-A01", "Dana Whitfield", "holder", since=640),
    Line(MIA, "+12065550144", "DEMO-A01", "Dana Whitfield", "minor", since=500),
    Line(SAM, "+12065550150", "DEMO-A02", "Sam Okafor", "holder", since=75, language="es"),
    Line(RUTH, "+12065550160", "DEMO-A03", "Ruth Delgado", "holder", since=800, state="OR"),
    Line(LEO, "+12065550161", "DEMO-A03", "Ruth Delgado", "user", since=430, state="OR"),
    Line(BEFORE_PRIYA, "+12065550170", "DEMO-A04", "Marcus Bell", "holder", since=700, until=200),
    Line(PRIYA, "+12065550170", "DEMO-A05", "Priya Nair", "holder", since=120),
    Line(QUIET, "+12065550180", "DEMO-A06", "Walter Grimm", "holder", since=800),
)

AGREEMENTS = (
    Agreement(DANA, "CMP-TOWFRIEND-M", since=410),
    Agreement(DANA, "CMP-CARDNEAR-W", since=380, method="app"),
    Agreement(DANA, "CMP-STORMBELL-M", since=300, method="web"),
    Agreement(DANA, "CMP-ADMOSAIC-M", since=330, method="web", expires=60),
    Agreement(DANA, "CMP-CELLPROOF-W", since=200, method="web", claimed=True),
    Agreement(DANA_SPARE, "CMP-CARDNEAR-W", since=350, method="app"),
    Agreement(DANA_SPARE, "CMP-FOOTFALL-W", since=280, method="web", claimed=True),
    Agreement(DANA_SPARE, "CMP-ADMOSAIC-M", since=260, method="web"),
    Agreement(DANA_SPARE, "CMP-SKIPFIND-M", since=240, method="ivr", claimed=True),
    Agreement(MIA, "CMP-KINCIRCLE-M", since=390, method="app"),
    Agreement(MIA, "CMP-CAREBUTTON-W", since=320, method="paper"),
    Agreement(RUTH, "CMP-TOWFRIEND-M", since=310),
    Agreement(RUTH, "CMP-SKIPFIND-M", since=205, method="web", claimed=True),
    Agreement(LEO, "CMP-VANBOARD-W", since=210, method="app"),
    Agreement(LEO, "CMP-GAMEFENCE-W", since=150, method="web"),
    Agreement(LEO, "CMP-LONEWORKER-M", since=190, method="paper"),
    Agreement(BEFORE_PRIYA, "CMP-CARDNEAR-M", since=600, method="app"),
    Agreement(PRIYA, "CMP-STORMBELL-M", since=100, method="web"),
)

DENIALS = (
    Denial(DANA_SPARE, 150, "party", "https://skipfind.example", program="Marketing choices"),
    Denial(DANA_SPARE, 95, "purpose", ADVERTS, channel="phone", program="Relevant offers"),
    Denial(MIA, 110, "party", "https://admosaic.example"),
    Denial(RUTH, 130, "all", kind="pause", until=100, channel="phone"),
    Denial(BEFORE_PRIYA, 260, "all", channel="store", program="Custom experience"),
)

HABITS = (
    # Dana's own line: what she agreed to, what ended, what was only claimed, and what nobody asked her about.
    Habit(DANA, "CMP-CARDNEAR-W", per_week=2.2, since=378, then=("lakeside-bank",)),
    Habit(DANA, "CMP-STORMBELL-M", per_week=1.2, since=299),
    Habit(DANA, "CMP-TOWFRIEND-M", per_week=0.12, since=405, burst=14),
    Habit(DANA, "CMP-ADMOSAIC-M", per_week=3.0, since=328, until=22, burst=3),
    Habit(DANA, "CMP-CELLPROOF-W", per_week=0.6, since=198, then=("blue-anchor-insurance",)),
    Habit(DANA, "CMP-SKIPFIND-M", per_week=1.1, since=160, burst=5, then=("second-street-bail",)),
    Habit(DANA, "CMP-SKIPFIND-M", per_week=0.5, since=420, until=160, then=("harbor-collections",)),
    Habit(DANA, "CMP-CARDNEAR-W", per_week=0.2, since=120, then=("lakeside-bank",), precision_m=500),
    Habit(DANA, "CMP-FOOTFALL-W", per_week=0.3, since=250, refused=True),
    # Her second line: two stops of old, and companies that went on.
    Habit(DANA_SPARE, "CMP-CARDNEAR-W", per_week=1.0, since=348, then=("lakeside-bank",)),
    Habit(DANA_SPARE, "CMP-SKIPFIND-M", per_week=0.8, since=238, until=151, then=("harbor-collections",)),
    Habit(DANA_SPARE, "CMP-SKIPFIND-M", per_week=0.4, since=148, until=70, then=("harbor-collections", UNKNOWN)),
    Habit(DANA_SPARE, "CMP-ADMOSAIC-M", per_week=1.5, since=258, until=80, burst=2),
    Habit(DANA_SPARE, "CMP-FOOTFALL-W", per_week=0.7, since=270, then=("mallmetrics", UNKNOWN)),
    Habit(DANA_SPARE, "CMP-SKIPFIND-M", per_week=0.4, since=69, refused=True),
    # Mia, a minor.
    Habit(MIA, "CMP-KINCIRCLE-M", per_week=5.0, since=388, burst=2),
    Habit(MIA, "CMP-CAREBUTTON-W", per_week=0.1, since=318, burst=4),
    Habit(MIA, "CMP-ADMOSAIC-M", per_week=0.4, since=210, until=112),
    Habit(MIA, "CMP-ADMOSAIC-M", per_week=0.3, since=108, refused=True),
    # The others.
    Habit(RUTH, "CMP-TOWFRIEND-M", per_week=0.1, since=300, burst=8),
    Habit(RUTH, "CMP-SKIPFIND-M", per_week=0.2, since=200, then=("second-street-bail",)),
    Habit(LEO, "CMP-VANBOARD-W", per_week=6.0, since=208, burst=4, then=("petal-parcel",)),
    Habit(LEO, "CMP-GAMEFENCE-W", per_week=1.0, since=148),
    Habit(LEO, "CMP-LONEWORKER-M", per_week=1.5, since=188, until=20),
    Habit(BEFORE_PRIYA, "CMP-CARDNEAR-M", per_week=0.8, since=590, until=261),
    Habit(BEFORE_PRIYA, "CMP-SKIPFIND-M", per_week=0.3, since=255, until=205, then=("harbor-collections",)),
    Habit(PRIYA, "CMP-STORMBELL-M", per_week=1.0, since=99),
)  # fmt: skip

# One of each kind that the rules look for.
SERIES = (
    # After the person said stop, 95 days ago.
    Series(DANA_SPARE, "CMP-ADMOSAIC-M", days_ago=4, hour=17, n=14, minutes=25),
    # A van that is looked up every other minute.
    Series(LEO, "CMP-VANBOARD-W", days_ago=9, hour=18, n=24, minutes=2, then=("petal-parcel",)),
    # Somebody looks where a child sleeps, at 2 or 3 in the morning.
    Series(MIA, "CMP-KINCIRCLE-M", days_ago=12, hour=10, n=5, minutes=1440),
    # A phone that nobody had looked up for years.
    Series(QUIET, "CMP-CELLPROOF-W", days_ago=8, hour=16, n=4, minutes=90),
)
# A lender of bail money has everybody looked up on one day: those of the family named here, and every neighbour.
DRAGNET = (DANA, RUTH, LEO)
DRAGNET_CAMPAIGN, DRAGNET_FOR, DRAGNET_DAYS_AGO = "CMP-SKIPFIND-M", "second-street-bail", 6

EVENTS = (
    Event(DANA, "meridian-locate", 230, "emergency", "911 call"),
    Event(DANA, "waypoint-exchange", 88, "network", "Coverage check"),
    Event(DANA, "meridian-locate", 31, "legal_process", "Order 26-1183", hidden="until_later"),
    Event(DANA_SPARE, "waypoint-exchange", 190, "legal_process", "Warrant 26-0417", hidden="lifted"),
    Event(MIA, "meridian-locate", 140, "emergency", "911 call"),
    Event(RUTH, "meridian-locate", 64, "emergency", "911 call", then=("skipfind",)),
    Event(LEO, "waypoint-exchange", 17, "network", "Coverage check"),
    # The oldest of her 14 months.
    Event(DANA, "meridian-locate", 428, "network", "Coverage check"),
)

# Neighbours in the carrier's books, so that public figures speak of more than one family.
NEIGHBOURS = (
    "Aiko Tanaka", "Ben Kowalski", "Carla Mendes", "Dev Patel", "Elsa Lindqvist", "Farid Haddad", "Grace Nguyen",
    "Hank Sorensen", "Ines Duarte", "Jamal Porter", "Kim Bautista", "Lena Hofmann", "Mateo Rivas", "Nora Finch",
    "Owen Sinclair", "Paula Reyes", "Quinn Abbott", "Rashid Karimi", "Sofia Romano", "Tom Whitehorse", "Uma Desai",
    "Victor Ilyin", "Wren Castillo", "Yusuf Demir",
)  # fmt: skip
NEIGHBOUR_STATES = ("WA", "WA", "WA", "OR", "CA", "MD", "VA", "TX")
