"""Ends and beginnings that are a microsecond off: in the gate, in choices, and in what people are sent."""

from tests.mutants.mutant import Mutant

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
)
