"""Ends and beginnings that are a microsecond off: in the gate, in the ledger's reading and in the naive one."""

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
        2,
        "consent/gate/rules.py",
        "        return self.until is None or at < self.until",
        "        return self.until is None or at <= self.until",
        ALL_READINGS,
    ),
    Mutant(
        2,
        "consent/gate/rules.py",
        "    if line.number_changed_at is not None and line.number_changed_at <= at:",
        "    if line.number_changed_at is not None and line.number_changed_at < at:",
        ALL_READINGS,
    ),
    Mutant(2, "consent/gate/rules.py", "        if since <= at < until", "        if since < at < until", ALL_READINGS),
    Mutant(
        2, "consent/gate/rules.py", "        if since <= at < until", "        if since <= at <= until", ALL_READINGS
    ),
    Mutant(
        2,
        "consent/gate/look_up.py",
        "            WHERE rule.starts_at <= moment.now AND (rule.ends_at IS NULL OR moment.now < rule.ends_at)",
        "            WHERE rule.starts_at < moment.now AND (rule.ends_at IS NULL OR moment.now < rule.ends_at)",
        ALL_READINGS,
        places=2,
    ),
    Mutant(
        2,
        "consent/gate/look_up.py",
        "            WHERE rule.starts_at <= moment.now AND (rule.ends_at IS NULL OR moment.now < rule.ends_at)",
        "            WHERE rule.starts_at <= moment.now AND (rule.ends_at IS NULL OR moment.now <= rule.ends_at)",
        ALL_READINGS,
        places=2,
    ),
    Mutant(
        2,
        "consent/gate/look_up.py",
        "            AND s.starts_at <= moment.now AND (s.ends_at IS NULL OR moment.now < s.ends_at)",
        "            AND s.starts_at < moment.now AND (s.ends_at IS NULL OR moment.now < s.ends_at)",
        ALL_READINGS,
        places=2,
    ),
    Mutant(
        2,
        "consent/gate/look_up.py",
        "            AND s.starts_at <= moment.now AND (s.ends_at IS NULL OR moment.now < s.ends_at)",
        "            AND s.starts_at <= moment.now AND (s.ends_at IS NULL OR moment.now <= s.ends_at)",
        ALL_READINGS,
        places=2,
    ),
    Mutant(
        2,
        "consent/gate/look_up.py",
        (
            "terms.campaigns)::text END,\n    g.line_id, g.version,\n"
            "    g.active_from <= at.at AND (g.active_until IS NULL OR at.at < g.active_until),"
        ),
        (
            "terms.campaigns)::text END,\n    g.line_id, g.version,\n"
            "    g.active_from < at.at AND (g.active_until IS NULL OR at.at < g.active_until),"
        ),
        ALL_READINGS,
        places=2,
    ),
    Mutant(
        2,
        "consent/gate/look_up.py",
        (
            "terms.campaigns)::text END,\n    g.line_id, g.version,\n"
            "    g.active_from <= at.at AND (g.active_until IS NULL OR at.at < g.active_until),"
        ),
        (
            "terms.campaigns)::text END,\n    g.line_id, g.version,\n"
            "    g.active_from <= at.at AND (g.active_until IS NULL OR at.at <= g.active_until),"
        ),
        ALL_READINGS,
        places=2,
    ),
    Mutant(
        2,
        "consent/gate/look_up.py",
        "    terms.contract_starts_at <= at.at AND at.at < terms.contract_in_force_until,",
        "    terms.contract_starts_at < at.at AND at.at < terms.contract_in_force_until,",
        ALL_READINGS,
        places=2,
    ),
    Mutant(
        2,
        "consent/gate/look_up.py",
        "    terms.contract_starts_at <= at.at AND at.at < terms.contract_in_force_until,",
        "    terms.contract_starts_at <= at.at AND at.at <= terms.contract_in_force_until,",
        ALL_READINGS,
        places=2,
    ),
    Mutant(
        2,
        "consent/gate/look_up.py",
        "    terms.starts_at <= at.at AND at.at < terms.in_force_until,",
        "    terms.starts_at < at.at AND at.at < terms.in_force_until,",
        ALL_READINGS,
        places=2,
    ),
    Mutant(
        2,
        "consent/gate/look_up.py",
        "    terms.starts_at <= at.at AND at.at < terms.in_force_until,",
        "    terms.starts_at <= at.at AND at.at <= terms.in_force_until,",
        ALL_READINGS,
        places=2,
    ),
    Mutant(
        2,
        "consent/gate/look_up.py",
        "        AND by_number.starts_at <= moment.now"
        " AND (by_number.ends_at IS NULL OR moment.now < by_number.ends_at)",
        "        AND by_number.starts_at < moment.now"
        " AND (by_number.ends_at IS NULL OR moment.now < by_number.ends_at)",
        ALL_READINGS,
        places=2,
    ),
    Mutant(
        2,
        "consent/gate/look_up.py",
        (
            "cover.campaigns)::text END,\n    g.line_id, g.version,\n"
            "    g.active_from <= at.at AND (g.active_until IS NULL OR at.at < g.active_until),"
        ),
        (
            "cover.campaigns)::text END,\n    g.line_id, g.version,\n"
            "    g.active_from < at.at AND (g.active_until IS NULL OR at.at < g.active_until),"
        ),
        ALL_READINGS,
    ),
    Mutant(
        2,
        "consent/gate/look_up.py",
        (
            "cover.campaigns)::text END,\n    g.line_id, g.version,\n"
            "    g.active_from <= at.at AND (g.active_until IS NULL OR at.at < g.active_until),"
        ),
        (
            "cover.campaigns)::text END,\n    g.line_id, g.version,\n"
            "    g.active_from <= at.at AND (g.active_until IS NULL OR at.at <= g.active_until),"
        ),
        ALL_READINGS,
    ),
    Mutant(
        2,
        "consent/gate/look_up.py",
        "    k.starts_at <= at.at AND at.at < k.in_force_until,",
        "    k.starts_at < at.at AND at.at < k.in_force_until,",
        ALL_READINGS,
    ),
    Mutant(
        2,
        "consent/gate/look_up.py",
        "    k.starts_at <= at.at AND at.at < k.in_force_until,",
        "    k.starts_at <= at.at AND at.at <= k.in_force_until,",
        ALL_READINGS,
    ),
    Mutant(
        2,
        "consent/gate/look_up.py",
        "    c.starts_at <= at.at AND at.at < CASE WHEN c.is_draft THEN c.starts_at ELSE c.ends_at END,",
        "    c.starts_at < at.at AND at.at < CASE WHEN c.is_draft THEN c.starts_at ELSE c.ends_at END,",
        ALL_READINGS,
    ),
    Mutant(
        2,
        "consent/gate/look_up.py",
        "    c.starts_at <= at.at AND at.at < CASE WHEN c.is_draft THEN c.starts_at ELSE c.ends_at END,",
        "    c.starts_at <= at.at AND at.at <= CASE WHEN c.is_draft THEN c.starts_at ELSE c.ends_at END,",
        ALL_READINGS,
    ),
    Mutant(
        2,
        "consent/gate/look_up.py",
        "        AND s.starts_at <= moment.now AND (s.ends_at IS NULL OR moment.now < s.ends_at)) suspended",
        "        AND s.starts_at < moment.now AND (s.ends_at IS NULL OR moment.now < s.ends_at)) suspended",
        ALL_READINGS,
    ),
    Mutant(
        2,
        "consent/gate/look_up.py",
        "        AND s.starts_at <= moment.now AND (s.ends_at IS NULL OR moment.now < s.ends_at)) suspended",
        "        AND s.starts_at <= moment.now AND (s.ends_at IS NULL OR moment.now <= s.ends_at)) suspended",
        ALL_READINGS,
    ),
    Mutant(
        2,
        "consent/queries/permission.py",
        "        AND own.contract_starts_at <= question.at AND question.at < own.contract_ends_at",
        "        AND own.contract_starts_at <= question.at AND question.at <= own.contract_ends_at",
        ALL_READINGS,
    ),
    Mutant(
        2,
        "consent/queries/permission.py",
        "        AND own.starts_at <= question.at AND question.at < own.ends_at",
        "        AND own.starts_at <= question.at AND question.at <= own.ends_at",
        ALL_READINGS,
    ),
    Mutant(
        2,
        "consent/queries/permission.py",
        "        AND line.activated_at <= question.at"
        " AND (line.deactivated_at IS NULL OR question.at < line.deactivated_at)",
        "        AND line.activated_at <= question.at"
        " AND (line.deactivated_at IS NULL OR question.at <= line.deactivated_at)",
        ALL_READINGS,
    ),
    Mutant(
        2,
        "consent/queries/permission.py",
        "                AND (a.expires_at IS NULL OR question.at < a.expires_at) AND <stands>",
        "                AND (a.expires_at IS NULL OR question.at <= a.expires_at) AND <stands>",
        ALL_READINGS,
    ),
    Mutant(
        2,
        "consent/queries/permission.py",
        "                        AND n.starts_at > a.captured_at AND n.starts_at <= question.at))",
        "                        AND n.starts_at > a.captured_at AND n.starts_at < question.at))",
        ALL_READINGS,
    ),
    Mutant(
        2,
        "consent/queries/permission.py",
        "        WHEN NOT (own.contract_starts_at <= question.at AND question.at < own.contract_ends_at)",
        "        WHEN NOT (own.contract_starts_at < question.at AND question.at < own.contract_ends_at)",
        ALL_READINGS,
    ),
    Mutant(
        2,
        "consent/queries/permission.py",
        "        WHEN NOT (own.contract_starts_at <= question.at AND question.at < own.contract_ends_at)",
        "        WHEN NOT (own.contract_starts_at <= question.at AND question.at <= own.contract_ends_at)",
        ALL_READINGS,
    ),
    Mutant(
        2,
        "consent/queries/permission.py",
        "        WHEN NOT (own.starts_at <= question.at AND question.at < own.ends_at) THEN 'campaign_not_in_force'",
        "        WHEN NOT (own.starts_at < question.at AND question.at < own.ends_at) THEN 'campaign_not_in_force'",
        ALL_READINGS,
    ),
    Mutant(
        2,
        "consent/queries/permission.py",
        "        WHEN NOT (own.starts_at <= question.at AND question.at < own.ends_at) THEN 'campaign_not_in_force'",
        "        WHEN NOT (own.starts_at <= question.at AND question.at <= own.ends_at) THEN 'campaign_not_in_force'",
        ALL_READINGS,
    ),
    Mutant(
        2,
        "consent/queries/permission.py",
        (
            "LEFT JOIN accounts_line line ON line.id = question.line_id\n"
            "    AND line.activated_at <= question.at"
            " AND (line.deactivated_at IS NULL OR question.at < line.deactivated_at)"
        ),
        (
            "LEFT JOIN accounts_line line ON line.id = question.line_id\n"
            "    AND line.activated_at < question.at"
            " AND (line.deactivated_at IS NULL OR question.at < line.deactivated_at)"
        ),
        ALL_READINGS,
    ),
    Mutant(
        2,
        "consent/queries/permission.py",
        (
            "LEFT JOIN accounts_line line ON line.id = question.line_id\n"
            "    AND line.activated_at <= question.at"
            " AND (line.deactivated_at IS NULL OR question.at < line.deactivated_at)"
        ),
        (
            "LEFT JOIN accounts_line line ON line.id = question.line_id\n"
            "    AND line.activated_at <= question.at"
            " AND (line.deactivated_at IS NULL OR question.at <= line.deactivated_at)"
        ),
        ALL_READINGS,
    ),
    Mutant(
        2,
        "consent/queries/permission.py",
        "        WHERE NOT s.automatic AND s.starts_at <= question.at"
        " AND (s.ends_at IS NULL OR question.at < s.ends_at) AND (",
        "        WHERE NOT s.automatic AND s.starts_at < question.at"
        " AND (s.ends_at IS NULL OR question.at < s.ends_at) AND (",
        ALL_READINGS,
    ),
    Mutant(
        2,
        "consent/queries/permission.py",
        "        WHERE NOT s.automatic AND s.starts_at <= question.at"
        " AND (s.ends_at IS NULL OR question.at < s.ends_at) AND (",
        "        WHERE NOT s.automatic AND s.starts_at <= question.at"
        " AND (s.ends_at IS NULL OR question.at <= s.ends_at) AND (",
        ALL_READINGS,
    ),
    Mutant(
        2,
        "consent/queries/permission.py",
        (
            "        WHERE line_id = question.line_id AND kind = 'allow' AND ref = own.ref\n"
            "            AND made_at <= question.at AND recorded_at <= question.known_at"
        ),
        (
            "        WHERE line_id = question.line_id AND kind = 'allow' AND ref = own.ref\n"
            "            AND made_at < question.at AND recorded_at <= question.known_at"
        ),
        ALL_READINGS,
    ),
    Mutant(
        2,
        "consent/queries/permission.py",
        (
            "        WHERE line_id = question.line_id AND campaign = own.ref AND verified_by = 'carrier'\n"
            "            AND captured_at <= question.at AND recorded_at <= question.known_at"
        ),
        (
            "        WHERE line_id = question.line_id AND campaign = own.ref AND verified_by = 'carrier'\n"
            "            AND captured_at < question.at AND recorded_at <= question.known_at"
        ),
        ALL_READINGS,
    ),
    Mutant(
        2,
        "consent/queries/permission.py",
        (
            "    WHERE s.line_id = question.line_id AND s.kind IN ('stop', 'refuse')\n"
            "        AND s.made_at <= question.at AND s.recorded_at <= question.known_at"
        ),
        (
            "    WHERE s.line_id = question.line_id AND s.kind IN ('stop', 'refuse')\n"
            "        AND s.made_at < question.at AND s.recorded_at <= question.known_at"
        ),
        ALL_READINGS,
    ),
    Mutant(
        2,
        "consent/queries/permission.py",
        "            AND p.made_at <= question.at AND question.at < p.until AND p.recorded_at <= question.known_at",
        "            AND p.made_at < question.at AND question.at < p.until AND p.recorded_at <= question.known_at",
        ALL_READINGS,
    ),
    Mutant(
        2,
        "consent/queries/permission.py",
        "            AND p.made_at <= question.at AND question.at < p.until AND p.recorded_at <= question.known_at",
        "            AND p.made_at <= question.at AND question.at <= p.until AND p.recorded_at <= question.known_at",
        ALL_READINGS,
    ),
    Mutant(
        2,
        "consent/queries/permission.py",
        "        WHERE rule.starts_at <= question.at AND (rule.ends_at IS NULL OR question.at < rule.ends_at)",
        "        WHERE rule.starts_at < question.at AND (rule.ends_at IS NULL OR question.at < rule.ends_at)",
        ALL_READINGS,
    ),
    Mutant(
        2,
        "consent/queries/permission.py",
        "        WHERE rule.starts_at <= question.at AND (rule.ends_at IS NULL OR question.at < rule.ends_at)",
        "        WHERE rule.starts_at <= question.at AND (rule.ends_at IS NULL OR question.at <= rule.ends_at)",
        ALL_READINGS,
    ),
    Mutant(
        2,
        "consent/queries/permission.py",
        "                AND made_at <= question.at AND recorded_at <= question.known_at",
        "                AND made_at < question.at AND recorded_at <= question.known_at",
        ALL_READINGS,
    ),
    Mutant(
        2,
        "consent/queries/permission.py",
        "                AND captured_at <= question.at AND recorded_at <= question.known_at",
        "                AND captured_at < question.at AND recorded_at <= question.known_at",
        ALL_READINGS,
    ),
    Mutant(
        2,
        "consent/queries/permission.py",
        "        WHERE (a.until IS NULL OR question.at < a.until) AND <stands>",
        "        WHERE (a.until IS NULL OR question.at <= a.until) AND <stands>",
        ALL_READINGS,
    ),
    Mutant(
        2,
        "consent/queries/permission.py",
        "                    AND n.starts_at > a.at AND n.starts_at <= question.at)",
        "                    AND n.starts_at > a.at AND n.starts_at < question.at)",
        ALL_READINGS,
    ),
    Mutant(
        2,
        "consent/queries/permission.py",
        "                    AND (s.kind IN ('stop', 'refuse') OR s.kind = 'pause' AND question.at < s.until)",
        "                    AND (s.kind IN ('stop', 'refuse') OR s.kind = 'pause' AND question.at <= s.until)",
        ALL_READINGS,
    ),
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
    # A rule that prohibits within a radius prohibits at that radius.
    Mutant(
        2,
        "consent/gate/rules.py",
        "(question.precision_m or 0) <= line.prohibited_within_m:",
        "(question.precision_m or 0) < line.prohibited_within_m:",
        "tests/support/test_rules_of_states.py::test_a_rule_prohibits_within_its_radius_alone",
    ),
    Mutant(
        2,
        "consent/queries/permission.py",
        "coalesce(question.precision_m, 0) <= rule.max_radius_m)",
        "coalesce(question.precision_m, 0) < rule.max_radius_m)",
        "tests/support/test_rules_of_states.py::test_a_rule_prohibits_within_its_radius_alone",
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
