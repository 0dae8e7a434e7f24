"""Ends and beginnings that are a microsecond off: in orders, agreements, the ledger, cases and documents."""

from tests.mutants.mutant import Mutant

DENIED = "tests/revocations/test_clocks.py::test_a_denial_comes_at_exactly_24_hours"
LIFELINE = "tests/revocations/test_clocks.py::test_officers_are_told_of_a_lifeline_once_a_day"
ASKED = "test_so_often_is_asked_in_a_day"
INVITED = "test_an_invitation_to_sign_in_is_texted_once_a_week"
DEVICE = "test_a_device_is_known_for_a_year_and_a_day"
REQUEST = "test_link_ends.py::test_an_agent_s_request_waits_for_a_week"
MESSAGE = "test_link_ends.py::test_an_agent_s_message_is_good_to_its_very_end"
ANEW = "test_link_ends.py::test_a_number_is_asked_about_anew_after_a_day"
MOMENT = "test_feeds_records.py::test_approval_of_this_very_moment_is_not_in_the_future"
EXPORT = "test_feeds_records.py::test_the_export_gives_what_was_agreed_the_newest_first"
ALL_READINGS = "tests/consent/test_exact_ends.py::test_all_readings_agree_at_each_beginning_and_end"

MUTANTS = (
    Mutant(
        3,
        "tests/consent/oracle.py",
        "    if not (world.active_from <= t and (world.active_until is None or t < world.active_until)):",
        "    if not (world.active_from < t and (world.active_until is None or t < world.active_until)):",
        ALL_READINGS,
    ),
    Mutant(
        3,
        "tests/consent/oracle.py",
        "    if not (world.active_from <= t and (world.active_until is None or t < world.active_until)):",
        "    if not (world.active_from <= t and (world.active_until is None or t <= world.active_until)):",
        ALL_READINGS,
    ),
    Mutant(
        3,
        "tests/consent/oracle.py",
        "    suspended = {one.ref for one in world.suspensions if one.since <= t and"
        " (one.until is None or t < one.until)}",
        "    suspended = {one.ref for one in world.suspensions if one.since < t and"
        " (one.until is None or t < one.until)}",
        ALL_READINGS,
    ),
    Mutant(
        3,
        "tests/consent/oracle.py",
        "    suspended = {one.ref for one in world.suspensions if one.since <= t and"
        " (one.until is None or t < one.until)}",
        "    suspended = {one.ref for one in world.suspensions if one.since <= t and"
        " (one.until is None or t <= one.until)}",
        ALL_READINGS,
    ),
    Mutant(
        3,
        "tests/consent/oracle.py",
        "    yeses = [y for y in world.yeses if campaign and y.campaign == campaign.ref and y.at <= t]",
        "    yeses = [y for y in world.yeses if campaign and y.campaign == campaign.ref and y.at < t]",
        ALL_READINGS,
    ),
    Mutant(
        3,
        "tests/consent/oracle.py",
        "    covering = [d for d in world.denials if d.at <= t and covers(world, d, request, campaign)]",
        "    covering = [d for d in world.denials if d.at < t and covers(world, d, request, campaign)]",
        ALL_READINGS,
    ),
    Mutant(
        3,
        "tests/consent/oracle.py",
        "    pauses = [d for d in covering if d.until is not None and t < d.until]",
        "    pauses = [d for d in covering if d.until is not None and t <= d.until]",
        ALL_READINGS,
    ),
    Mutant(
        3,
        "tests/consent/oracle.py",
        "    if not campaign.contract_starts <= t < campaign.contract_ends:",
        "    if not campaign.contract_starts < t < campaign.contract_ends:",
        ALL_READINGS,
    ),
    Mutant(
        3,
        "tests/consent/oracle.py",
        "    if not campaign.contract_starts <= t < campaign.contract_ends:",
        "    if not campaign.contract_starts <= t <= campaign.contract_ends:",
        ALL_READINGS,
    ),
    Mutant(
        3,
        "tests/consent/oracle.py",
        "    if not campaign.starts <= t < campaign.ends:",
        "    if not campaign.starts < t < campaign.ends:",
        ALL_READINGS,
    ),
    Mutant(
        3,
        "tests/consent/oracle.py",
        "    if not campaign.starts <= t < campaign.ends:",
        "    if not campaign.starts <= t <= campaign.ends:",
        ALL_READINGS,
    ),
    Mutant(
        3,
        "tests/consent/oracle.py",
        "    rules = [rule for rule in world.rules if rule.since <= t and (rule.until is None or t < rule.until)]",
        "    rules = [rule for rule in world.rules if rule.since < t and (rule.until is None or t < rule.until)]",
        ALL_READINGS,
    ),
    Mutant(
        3,
        "tests/consent/oracle.py",
        "    rules = [rule for rule in world.rules if rule.since <= t and (rule.until is None or t < rule.until)]",
        "    rules = [rule for rule in world.rules if rule.since <= t and (rule.until is None or t <= rule.until)]",
        ALL_READINGS,
    ),
    Mutant(
        3,
        "tests/consent/oracle.py",
        "            (yes.ends is not None and yes.ends <= t)",
        "            (yes.ends is not None and yes.ends < t)",
        ALL_READINGS,
    ),
    Mutant(
        3,
        "tests/consent/oracle.py",
        "            or any(yes.at < change <= t for change in world.number_changes)",
        "            or any(yes.at < change < t for change in world.number_changes)",
        ALL_READINGS,
    ),
    # A partner is denied at 24 hours, its officers are told at twelve, and of lifelines once a day.
    *(
        Mutant(6, "revocations/workers/stream_health.py", was, was.replace(">=", ">"), DENIED)
        for was in (
            "            yield _not_acknowledged(order, since, denies=waited >= ACKNOWLEDGED_WITHIN)",
            "            yield _not_acknowledged(event, since, denies=waited >= ACKNOWLEDGED_WITHIN)",
            "        if waited >= WARN_AFTER:\n            yield _not_acknowledged(order",
            "        if waited >= WARN_AFTER:\n            yield _not_acknowledged(event",
        )
    ),
    *(
        Mutant(6, "revocations/workers/stream_health.py", "opened_at__gt=now - timedelta(days=1)", becomes, LIFELINE)
        for becomes in ("opened_at__gte=now - timedelta(days=1)", "opened_at__gt=now - timedelta(hours=1)")
    ),
    # A day's questions, a week's invitation, and the device that is forgotten.
    *(
        Mutant(7, file, was, becomes, f"tests/accounts/test_exact_ends.py::{test}")
        for file, was, becomes, test in (
            ("accounts/actions/delegations.py", "lately.count() >= ASKED_A_DAY", "lately.count() > ASKED_A_DAY", ASKED),
            (
                "accounts/actions/delegations.py",
                "(line=line_id, asked_at__gt=at - DAY)",
                "(line=line_id, asked_at__gte=at - DAY)",
                ASKED,
            ),
            ("accounts/actions/delegations.py", "made_at__gt=since", "made_at__gte=since", INVITED),
            ("accounts/actions/sign_ins.py", "    known.filter(last_at__lt=at - REMEMBERED).delete()\n", "", DEVICE),
            ("accounts/actions/sign_ins.py", "last_at__lt=at - REMEMBERED", "last_at__lte=at - REMEMBERED", DEVICE),
        )
    ),
    # An agent's request, message and day; an approval of this very moment; the export's order.
    *(
        Mutant(promise, file, was, becomes, f"tests/consent/{test}")
        for promise, file, was, becomes, test in (
            (7, "consent/actions/agents.py", "expires_at__gt=at, agent", "expires_at__gte=at, agent", REQUEST),
            (7, "consent/actions/agents.py", "received_at__gt=at - DAY", "received_at__gte=at - DAY", ANEW),
            (7, "consent/domain/agents.py", "message.expires_at <= max(", "message.expires_at < max(", MESSAGE),
            (7, "consent/domain/agents.py", "issued_at > at + SKEW", "issued_at >= at + SKEW", MESSAGE),
            (7, "consent/domain/agents.py", "issued_at + LONGEST_VALID", "issued_at + 2 * LONGEST_VALID", MESSAGE),
            (7, "consent/domain/agents.py", "request.expires_at <= at:", "request.expires_at < at:", REQUEST),
            (7, "consent/domain/agents.py", "expires_at__gt=at\n", "expires_at__gte=at\n", REQUEST),
            (7, "consent/workers/agent_callbacks.py", "expires_at__lte=now", "expires_at__lt=now", REQUEST),
            (3, "consent/feeds/approvals.py", "captured_at > at:", "captured_at >= at:", MOMENT),
            (10, "disclosures/queries/downloads.py", '"-captured_at", "campaign"', '"captured_at", "campaign"', EXPORT),
            (
                10,
                "disclosures/queries/downloads.py",
                '"-captured_at", "campaign"',
                '"-captured_at", "-campaign"',
                EXPORT,
            ),
        )
    ),
)
