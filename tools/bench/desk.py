"""How long the desk's queue and its search take at many tickets, beside few."""

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from statistics import median

from django.conf import settings
from django.db import connection
from django.test import Client

from accounts.models import User
from audit.queries import database_clock
from partners.models import Party
from support.models import CODE_LETTERS, Ticket
from tools.bench import world
from tools.bench.measure import Bench, Result, percentile

SMALL = 10_000
# Of the disclosures asked for, so that the usual 2 million are a million tickets.
PARTS = 2
PART = 100_000
ROUNDS, WARM_UP = 25, 3
COMPANIES = 40
FIRST_LINE = 2_000_000_000
# Each end of a number, and each rare word, fills a page at either size.
SHARED_BY = 60
BACKEND = "django.contrib.auth.backends.ModelBackend"

# Of a hundred tickets three are under way, the newest; one in fifty of them is somebody's.
TICKETS = """
INSERT INTO support_ticket (code, kind, key, state, priority, line_id, party_id, about, about_kind, about_ref,
    number_ending, language, assignee_id, claimed_at, opened_at, due_at, last_at, first_answer_at, solved_at, closed_at,
    reopened, rating_words)
SELECT 'T-' || (
        SELECT string_agg(substr(%(letters)s, ((n / power(32, k)::bigint) %% 32)::int + 1, 1), '')
        FROM generate_series(0, 5) AS k
    ), (ARRAY['dispute', 'look_up', 'choice', 'order', 'still_have', 'sign_in', 'other'])[n %% 7 + 1], 'bench:' || n,
    state, CASE WHEN n %% 50 = 0 THEN 1 WHEN n %% 11 = 0 THEN 2 ELSE 3 END, %(first_line)s + n / 2,
    (%(parties)s::bigint[])[n %% array_length(%(parties)s::bigint[], 1) + 1],
    (ARRAY['I never agreed to this', 'A look-up at night', 'My stop', 'What a company was told', 'They kept it'])
        [n %% 5 + 1], '', '', lpad((n %% least(10000, %(many)s))::text, 4, '0'),
    CASE WHEN n %% 9 = 0 THEN 'es' ELSE 'en' END, CASE WHEN n %% 50 = 1 AND under_way THEN %(user)s END,
    CASE WHEN n %% 50 = 1 AND under_way THEN at END, at, at + interval '7 days', at, NULL,
    CASE WHEN state IN ('solved', 'closed') THEN at + interval '1 day' END,
    CASE WHEN state = 'closed' THEN at + interval '15 days' END, 0, ''
FROM (
    SELECT n, under_way, %(at)s::timestamptz - interval '700 days' * ((%(last)s - n)::float8 / %(last)s) AS at,
        CASE WHEN under_way THEN (ARRAY['open', 'open', 'waiting', 'partner'])[n %% 4 + 1]
            WHEN n %% 40 = 0 THEN 'solved' ELSE 'closed' END AS state
    FROM (SELECT n, n %% 100 < 3 AS under_way FROM generate_series(%(first)s, %(last)s) AS n) AS made
) AS made
"""
ENTRIES = """
INSERT INTO support_entry (ticket_id, kind, author, channel, at, body, language, key)
SELECT id, 'heard', 'subscriber:1', 'web', opened_at,
    'My phone was found and I do not know why. Topic topic' || id %% 200 || ' detail' || id %% %(many)s, 'en', ''
FROM support_ticket WHERE id > %(after)s
"""


# The tickets as they are at the small size, with the same indexes, beside all of them.
APART = """
CREATE SCHEMA few;
CREATE TABLE few.support_ticket (LIKE public.support_ticket INCLUDING ALL);
CREATE TABLE few.support_entry (LIKE public.support_entry INCLUDING ALL);
INSERT INTO few.support_ticket SELECT * FROM public.support_ticket;
INSERT INTO few.support_entry (id, ticket_id, kind, author, channel, at, body, language, key)
SELECT id, ticket_id, kind, author, channel, at, body, language, key FROM public.support_entry;
DO $do$
BEGIN
    EXECUTE format('GRANT USAGE ON SCHEMA few TO %%I; GRANT SELECT ON ALL TABLES IN SCHEMA few TO %%I',
        %(role)s::text, %(role)s::text);
END $do$;
"""


def run(bench: Bench) -> Result:
    """The p95 in milliseconds at half as many tickets as disclosures; the ceiling: at 10,000; at most 1.5 times it."""
    large = max(bench.disclosures // PARTS, 2)
    small, value = queue_growth(sizes=(min(SMALL, large // 2), large), tell=bench.tell)
    return Result("queue_growth", value, "ms", small)


def queue_growth(*, sizes: tuple[int, int], tell: Callable[[str], None]) -> tuple[float, float]:
    """Return the p95 of pages of the queue and of searches at both sizes. Each look is at both, one after the other."""
    at = database_clock()
    user = User.objects.create_user("bench-desk", "desk@carrier.example", role=User.Role.AGENT)
    parties = [
        Party.objects.create(uri=f"https://desk-{n}.bench.example", name=f"Finder {n} Inc", kind="lbs_provider").pk
        for n in range(COMPANIES)
    ]
    browser, made = _browser(user), 0
    for size in sizes:
        for first in range(made + 1, size + 1, PART):
            _store(first, min(first + PART - 1, size), parties, user, at)
            tell(f"desk: {min(first + PART - 1, size)} tickets")
        if not made:
            with world.owner().cursor() as cursor:
                cursor.execute(APART, {"role": connection.settings_dict["USER"]})
        made = size
    # As it is some minutes later: what came in is in the indexes, and the planner knows what was loaded.
    with world.owner().cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    connection.close()
    few, all_of_them = _measure(browser, tell)
    return percentile(few, 0.95), percentile(all_of_them, 0.95)


def _measure(browser: Client, tell: Callable[[str], None]) -> tuple[list[float], list[float]]:
    links = [world.connect_to("few, public"), world.connect_to("public")]
    found: tuple[list[float], list[float]] = ([], [])
    apart: dict[str, tuple[list[float], list[float]]] = {"queue": ([], []), "search": ([], [])}
    for path, asked in _looks():
        here: tuple[list[float], list[float]] = ([], [])
        for n in range(WARM_UP + ROUNDS):
            for link, times in zip(links, here, strict=True):
                connection.connection = link
                took = world.time_look(browser, path, search=asked)
                times.extend([took] if n >= WARM_UP else [])
        tell(f"desk: {path} {asked} median {median(here[1]):.1f} ms beside {median(here[0]):.1f}")
        for times, whole, kind in zip(here, found, apart["search" if asked else "queue"], strict=True):
            whole.extend(times)
            kind.extend(times)
    for name, (few, all_of_them) in apart.items():
        tell(f"desk: {name} p95 {percentile(all_of_them, 0.95):.1f} ms beside {percentile(few, 0.95):.1f}")
    links[0].close()
    return found


def _store(first: int, last: int, parties: Sequence[int], user: User, at: datetime) -> None:
    many = max(last // SHARED_BY, 1)
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(max(id), 0) FROM support_ticket")
        (after,) = cursor.fetchone() or (0,)
        cursor.execute(
            TICKETS,
            {
                "letters": CODE_LETTERS, "first": first, "last": last, "first_line": FIRST_LINE, "many": many,
                "parties": list(parties), "user": user.pk, "at": at - timedelta(hours=1),
            },
        )  # fmt: skip
        cursor.execute(ENTRIES, {"after": after, "many": many})


def _looks() -> Iterator[tuple[str, str]]:
    """Pages of the queue, the second among them, and searches by each way there is."""
    for path in (
        "/desk/", "/desk/?whose=nobody", "/desk/?kind=dispute&sort=priority", "/desk/?company=Finder+7",
        "/desk/?language=es&overdue=on", "/desk/?state=closed", "/desk/?whose=mine",
    ):  # fmt: skip
        yield path, ""
    middle = Ticket.objects.filter(state__in=("open", "waiting", "partner")).order_by("due_at")[100:101].get()
    yield f"/desk/?after={middle.due_at:%Y-%m-%dT%H:%M:%S.%f}%2B00:00~{middle.pk}", ""
    oldest = Ticket.objects.earliest("id")
    for asked in (oldest.code, "0042", "detail42", "topic77", "phone", "Finder 7", "never agreed"):
        yield "/desk/search/", asked


def _browser(user: User) -> Client:
    """Somebody of staff, signed in with a second factor."""
    browser = Client(SERVER_NAME="localhost")
    browser.force_login(user, backend=BACKEND)
    session = browser.session
    given = [{"method": "password", "at": time.time()}, {"method": "mfa", "type": "totp", "at": time.time()}]
    session["account_authentication_methods"] = given
    session["account_authentication_methods_user"] = str(user.pk)
    session.save()
    # Who proves more goes on in a session of another key.
    browser.cookies[settings.SESSION_COOKIE_NAME] = str(session.session_key)
    return browser
