"""A carrier's books for the benchmarks: parties, lines, approvals, stops and disclosures, by the million a minute.

Everything follows from the number of a line or row by arithmetic, so that the same sizes give the same books. The
database makes the rows; the owner writes them with the row triggers off, and the gate rows and dealings that those
would have written are written here, set-wise. Two books in one database have nothing in common but the tables.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.backends.utils import CursorWrapper

from accounts.models import Account
from accounts.primitives.sealing import derived_secret, seal
from partners.models import Campaign, Contract, Party
from tools.bench import world

# Ids far above what the sequences give: a line's id, carrier id and number follow from its place in its books.
FIRST_LINE = 5_000_000_000
FIRST_NUMBER = 2_000_000_000
MOST_LINES = 100_000_000
MONTHS_DAYS = 425
PART = 500_000
SCOPE = "location-retrieval:read"
PURPOSES = ("dpv:RequestedServiceProvision", "dpv:FraudPreventionAndDetection", "dpv:IdentityVerification")
AGGREGATORS = ("geobridge", "northlink", "relaywave")
PROVIDERS = ("roadaid", "bankcheck", "parcelpilot", "clinicline", "fleetsight")
CUSTOMERS = ("townbank", "savenow", "towtruckers", "medivan")
CAMPAIGNS = 10
HMAC_BLOCK = 64

type Value = str | int | float | bytes | datetime | list[str]

LINES = """
INSERT INTO accounts_line (id, carrier_id, public_id, account_id, holder_name_sealed, user_role, state, language,
    activated_at)
SELECT %(base)s + n, %(name)s || '-' || n, gen_random_uuid(), %(account)s, %(sealed_name)s, 'holder',
    (ARRAY['WA', 'CA', 'TX', 'NY', 'OH'])[1 + n %% 5], 'en', %(at)s
FROM generate_series(%(first)s, %(last)s) AS n
"""
# HMAC-SHA256 of the number, as `accounts.primitives.sealing.number_hash` makes it.
NUMBERS = """
INSERT INTO accounts_linenumber (line_id, msisdn_hash, msisdn_sealed, starts_at)
SELECT %(base)s + n, sha256(%(outer)s || sha256(%(inner)s || convert_to('+1' || (%(number)s + n), 'UTF8'))),
    %(sealed_number)s, %(at)s
FROM generate_series(%(first)s, %(last)s) AS n
"""
STATES = """
INSERT INTO accounts_linestate (line_id, state, since)
SELECT id, state, activated_at FROM accounts_line WHERE id BETWEEN %(base)s + %(first)s AND %(base)s + %(last)s
"""
# Two standing approvals a line, of one campaign and the next but two; every fiftieth has a term that ends midway.
APPROVALS = """
INSERT INTO consent_approval (line_id, id, campaign, method, captured_at, captured_by, wording, language, evidence_ref,
    expires_at, verified_by, recorded_at, source_id, content_hash)
SELECT %(base)s + n, gen_random_uuid(), (%(refs)s::text[])[1 + (n + 3 * k) %% %(campaigns)s], 'sms',
    %(at)s::timestamptz + n %% 1000 * interval '1 minute', '', 'Find me when I call. Reply YES.', 'en', 'ev-' || n,
    CASE WHEN n %% 50 = 7 THEN %(at)s::timestamptz + interval '200 days' END, 'carrier', %(at)s,
    %(name)s || '-' || n || '-' || k, ''
FROM generate_series(%(first)s, %(last)s) AS n CROSS JOIN generate_series(0, 1) AS k
"""
# Every twentieth line has said stop once, at some moment of the last year: to everything, or to one company.
STOPS = """
INSERT INTO consent_choice (line_id, id, kind, scope, ref, made_at, origin, channel, program, reason, actor,
    recorded_at, source_id)
SELECT %(base)s + n, gen_random_uuid(), 'stop', CASE WHEN n %% 40 = 0 THEN 'all' ELSE 'party' END,
    CASE WHEN n %% 40 = 0 THEN '' ELSE %(stopped)s END,
    %(at)s::timestamptz + interval '60 days' + n %% 360 * interval '1 day', 'person', 'web', '', '', 'subscriber:0',
    %(at)s::timestamptz + interval '60 days' + n %% 360 * interval '1 day', ''
FROM generate_series(%(first)s, %(last)s) AS n WHERE n %% 20 = 0
"""
GATES = """
INSERT INTO consent_linegate (line_id, version, newest_at, active_from, state, stops, pauses, approvals, claims)
SELECT line.id, 2 + (stop.line_id IS NOT NULL)::int, greatest(yes.newest_at, stop.made_at), line.activated_at,
    line.state, CASE WHEN stop.line_id IS NULL THEN '{}' ELSE jsonb_build_object(
        concat_ws(':', stop.scope, nullif(stop.ref, '')), jsonb_build_object('person', consent_us(stop.made_at))) END,
    '{}', coalesce(yes.approvals, '{}'), '{}'
FROM accounts_line line
    LEFT JOIN (
        SELECT line_id, max(captured_at) AS newest_at, jsonb_object_agg(campaign, jsonb_build_array(
            jsonb_build_array(consent_us(captured_at), consent_us(expires_at), 'file'))) AS approvals
        FROM consent_approval WHERE line_id BETWEEN %(base)s + %(first)s AND %(base)s + %(last)s GROUP BY line_id
    ) yes ON yes.line_id = line.id
    LEFT JOIN consent_choice stop ON stop.line_id = line.id
WHERE line.id BETWEEN %(base)s + %(first)s AND %(base)s + %(last)s
"""
# Every partner has acknowledged those stops: one order and its standing for each contract.
ORDERS = """
WITH told AS MATERIALIZED (
    SELECT c.line_id, c.made_at, k.id AS contract_id, k.aggregator_id, gen_random_uuid() AS id
    FROM consent_choice c CROSS JOIN partners_contract k
    WHERE c.line_id BETWEEN %(base)s + %(first)s AND %(base)s + %(last)s AND k.ref LIKE %(name)s || '-%%'
), orders AS (
    INSERT INTO revocations_order (line_id, id, contract_id, party_id, epoch, version, jti, txn, record_id, lane,
        snapshot, queued_at, state, attempts, sent_at, acknowledged_at, complete_by, parked_with, note)
    SELECT line_id, id, contract_id, aggregator_id, 1, 1, replace(id::text, '-', ''),
        'tx-' || replace(id::text, '-', ''), id, 'stop', %(snapshot)s::jsonb, made_at, 'acknowledged', 1, made_at,
        made_at, made_at + interval '10 days', '', ''
    FROM told RETURNING line_id, id, contract_id
), standing AS (
    INSERT INTO revocations_standing (line_id, contract_id, epoch, version, order_id)
    SELECT line_id, contract_id, 1, 1, id FROM orders
)
INSERT INTO consent_choiceorder (line_id, choice_id, contract_id, order_id)
SELECT orders.line_id, c.id, orders.contract_id, orders.id
FROM orders JOIN consent_choice c ON c.line_id = orders.line_id
"""
SNAPSHOT = {"state": [], "changes": [], "default": "denied", "required_actions": ["stop_use", "delete_held"]}
# Row n belongs to a line by a step that visits all; 97 of 100 to a campaign that the line agreed to. In order of time.
MADE = """
SELECT n, 1 + n * 2654435761 %% %(lines)s AS line,
    %(since)s::timestamptz + (n - %(first)s) * %(every)s * interval '1 microsecond' AS occurred_at,
    ((1 + n * 2654435761 %% %(lines)s) + CASE WHEN n %% 100 < 60 THEN 0 WHEN n %% 100 < 97 THEN 3 ELSE 1 END)
        %% %(campaigns)s AS k
FROM generate_series(%(first)s, %(last)s) AS n
"""
# Many rows of the ledger with their terms: `rows` select the columns in this order.
PUT = """
WITH made (line_id, occurred_at, id, source_id, aggregator, path, campaign, purpose, scope, precision_m, basis, outcome,
    decision_id, authority_ref, basis_doubtful, judgement, recorded_at) AS MATERIALIZED (<rows>
), said AS (
    SELECT DISTINCT aggregator, path, campaign, purpose, scope, basis, outcome, '', basis_doubtful, judgement FROM made
), put AS MATERIALIZED (
    SELECT *, disclosures_put_term(ROW(NULL, NULL, said.*)::disclosures_term) AS term FROM said
)
INSERT INTO disclosures_release (line_id, occurred_at, recorded_at, id, term, precision_m, source_id, decision_id,
    authority_ref)
SELECT line_id, occurred_at, recorded_at, id, term, precision_m, source_id, decision_id, authority_ref
FROM made JOIN put USING (aggregator, path, campaign, purpose, scope, basis, outcome, basis_doubtful, judgement)
"""
DISCLOSURES = PUT.replace(
    "<rows>",
    """
SELECT %(base)s + line, occurred_at, md5(%(name)s || n)::uuid, %(name)s || '-' || n, (%(aggregators)s::text[])[1 + k],
    ARRAY[(%(aggregators)s::text[])[1 + k], (%(providers)s::text[])[1 + k]]
        || CASE WHEN n %% 10 < 3 THEN ARRAY[(%(customers)s::text[])[1 + k]]
            WHEN n %% 100 = 99 THEN ARRAY['unknown'] ELSE ARRAY[]::text[] END,
    (%(refs)s::text[])[1 + k], (%(purposes)s::text[])[1 + k], %(scope)s, 500, 'approval',
    CASE WHEN n %% 100 = 98 THEN 'refused' ELSE 'released' END, '', '', false,
    CASE WHEN n %% 100 = 98 THEN 'refused' WHEN n %% 100 >= 97 THEN 'no_approval'
        WHEN line %% 20 = 0 AND occurred_at >= %(opened)s::timestamptz + interval '60 days'
            + line %% 360 * interval '1 day' AND (line %% 40 = 0 OR (%(providers)s::text[])[1 + k] = %(stopped)s)
        THEN 'after_stop' ELSE 'permitted' END,
    occurred_at + interval '1 minute'
FROM (<made>) made
""",
).replace("<made>", MADE)
REGISTER = """
INSERT INTO disclosures_disclosureregister (id, line_id, occurred_at, content_hash)
SELECT md5(%(name)s || n)::uuid, %(base)s + line, occurred_at, substr(sha256(int8send(n)), 1, 7) FROM (<made>) made
""".replace("<made>", MADE)
DEALINGS = """
INSERT INTO partners_dealing AS known (line_id, aggregator_id, party_id, last_at, first_at)
SELECT %(base)s + line, aggregator.id, party.id, max(occurred_at), min(occurred_at)
FROM (<made>) made CROSS JOIN LATERAL unnest(ARRAY[(%(providers)s::text[])[1 + k]]
        || CASE WHEN n %% 10 < 3 THEN ARRAY[(%(customers)s::text[])[1 + k]] ELSE ARRAY[]::text[] END) AS hop (uri)
    JOIN partners_party aggregator ON aggregator.uri = (%(aggregators)s::text[])[1 + k]
    JOIN partners_party party ON party.uri = hop.uri
WHERE n %% 100 <> 98 GROUP BY 1, 2, 3
ON CONFLICT (line_id, aggregator_id, party_id) DO UPDATE
    SET last_at = greatest(known.last_at, excluded.last_at), first_at = least(known.first_at, excluded.first_at)
WHERE known.last_at < excluded.last_at OR excluded.first_at < known.first_at
""".replace("<made>", MADE)
EMPTIED = ("disclosures_release", "disclosures_disclosureregister", "partners_dealing")
TABLES = (
    "accounts_line", "accounts_linenumber", "accounts_linestate", "consent_approval", "consent_choice",
    "consent_linegate", "consent_choiceorder", "revocations_order", *EMPTIED,
)  # fmt: skip


@dataclass(frozen=True)
class Use:
    """One campaign of the books, as a report of a release names it."""

    campaign: str
    aggregator: str
    provider: str
    customer: str
    purpose: str


@dataclass(frozen=True)
class Books:
    """The terms that all lines are under, and the months that the rows lie in: `opened` until `closed`."""

    name: str
    place: int
    opened: datetime
    closed: datetime
    uses: Sequence[Use]
    account: Account

    @property
    def terms(self) -> dict[str, Value]:
        """The terms as the statements here name them."""
        return {
            "name": self.name, "base": FIRST_LINE + self.place * MOST_LINES,
            "number": FIRST_NUMBER + self.place * MOST_LINES, "campaigns": len(self.uses), "scope": SCOPE,
            "account": self.account.pk, "refs": [use.campaign for use in self.uses],
            "aggregators": [use.aggregator for use in self.uses], "providers": [use.provider for use in self.uses],
            "customers": [use.customer for use in self.uses], "purposes": [use.purpose for use in self.uses],
            "stopped": self.uses[0].provider, "opened": self.opened,
        }  # fmt: skip

    def number_of(self, line: int) -> str:
        """Return the number of the line at this place."""
        return f"+1{FIRST_NUMBER + self.place * MOST_LINES + line}"


def open_books(*, name: str, place: int, at: datetime) -> Books:
    """Twelve parties, three contracts, ten campaigns; the rows lie in the fourteen months before `at`.

    Each benchmark has books of its own: a name, and a place from 0 to 49.
    """
    opened = at - timedelta(days=MONTHS_DAYS)
    parties = {
        one: Party.objects.create(uri=f"https://{one}.{name}.example", name=one.title(), kind=kind)
        for kind, names in (
            (Party.Kind.AGGREGATOR, AGGREGATORS),
            (Party.Kind.LBS_PROVIDER, PROVIDERS),
            (Party.Kind.END_CUSTOMER, CUSTOMERS),
        )
        for one in names
    }
    since, until = opened - timedelta(days=100), at + timedelta(days=400)
    contracts = [
        Contract.objects.create(
            ref=f"{name}-{one}", aggregator=parties[one], signed_at=since, starts_at=since, ends_at=until,
            purposes=list(PURPOSES),
        )
        for one in AGGREGATORS
    ]  # fmt: skip
    uses = []
    for k in range(CAMPAIGNS):
        contract, provider = contracts[k % len(contracts)], parties[PROVIDERS[k % len(PROVIDERS)]]
        campaign = Campaign.objects.create(
            ref=f"{name}-{k}", contract=contract, lbs_provider=provider, purpose=PURPOSES[k % len(PURPOSES)],
            description="", consent_flow="sms", scope=SCOPE, precision_m=500, starts_at=since, ends_at=until,
        )  # fmt: skip
        customer = parties[CUSTOMERS[k % len(CUSTOMERS)]].uri
        uses.append(Use(campaign.ref, contract.aggregator.uri, provider.uri, customer, campaign.purpose))
    return Books(name, place, opened, at, uses, Account.objects.create(carrier_id=name))


def write_lines(*, books: Books, count: int, agreed: bool = True) -> Iterator[int]:
    """Write `count` lines with number, state, two approvals, every twentieth with a stop; their gate rows.

    `agreed`: without it, there is neither approval nor stop. A line is found by its own number; sealed is the same for
    all. Yields how many are written, part by part.
    """
    inner, outer = (
        bytes(byte ^ pad for byte in derived_secret("number-hash").ljust(HMAC_BLOCK, b"\0")) for pad in (0x36, 0x5C)
    )
    told = books.terms | {
        "at": books.opened - timedelta(days=30), "inner": inner, "outer": outer, "snapshot": json.dumps(SNAPSHOT),
        "sealed_name": seal("Ada Marsh"), "sealed_number": seal(books.number_of(0)),
    }  # fmt: skip
    tables = ("accounts_line", "accounts_linenumber", "consent_approval", "consent_choice", "revocations_order")
    rows = (APPROVALS, STOPS, GATES, ORDERS) if agreed else (GATES,)
    for start, end in _parts(1, count):
        with _written_by_the_owner(*tables) as cursor:
            for statement in (LINES, NUMBERS, STATES, *rows):
                cursor.execute(statement, told | {"first": start, "last": end})
        yield end


def write_disclosures(
    *, books: Books, lines: int, first: int, last: int, since: datetime, until: datetime
) -> Iterator[int]:
    """Rows `first` to `last` of the first `lines` lines, evenly between two moments, in order of time.

    The register and the dealings too. Yields how many are written, part by part.
    """
    every = (until - since) / max(last - first + 1, 1)
    for start, end in _parts(first, last):
        told = books.terms | {
            "lines": lines, "first": start, "last": end, "since": since + (start - first) * every,
            "every": every.total_seconds() * 1_000_000,
        }  # fmt: skip
        with _written_by_the_owner() as cursor:
            for statement in (DISCLOSURES, REGISTER, DEALINGS):
                cursor.execute(statement, told)
        yield end


def settle() -> None:
    """Let the planner know what was just loaded, and mark and write the pages, as is done by itself soon after."""
    with world.owner().cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"VACUUM (ANALYZE) {table}")
    checkpoint()


def checkpoint() -> None:
    """Have all pages written: whoever touches one of them next writes it into the log in full."""
    with world.owner().cursor() as cursor:
        cursor.execute("CHECKPOINT")


def burn_disclosures() -> None:
    """Away with all disclosures, whoever wrote them: a benchmark of growth begins with none."""
    with _written_by_the_owner(*EMPTIED) as cursor:
        cursor.execute(f"TRUNCATE {', '.join(EMPTIED)}")


def _parts(first: int, last: int) -> Iterator[tuple[int, int]]:
    for start in range(first, last + 1, PART):
        yield start, min(start + PART - 1, last)


@contextmanager
def _written_by_the_owner(*tables: str) -> Iterator[CursorWrapper]:
    """Run one transaction as the owner in which the triggers of these tables do nothing."""
    with world.owner().cursor() as cursor:
        cursor.execute("BEGIN")
        try:
            for table in tables:
                cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            yield cursor
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            for table in tables:
                cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
            cursor.execute("COMMIT")
        except BaseException:
            cursor.execute("ROLLBACK")
            raise
