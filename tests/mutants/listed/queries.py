"""Selections and counts of pages: ends a microsecond off, a full page, a dropped filter. Each was alive once."""

from tests.mutants.mutant import Mutant

BY_NAME = "tests/disclosures/test_companies.py::test_a_company_without_a_known_use_is_stopped_by_its_name"
UNREAD = "tests/support/test_writing.py::test_a_case_about_no_person_takes_notes_and_no_answer"
CLAIM = "tests/consent/test_invalidated_approvals.py::test_its_own_claim_is_no_yes_where_another_s_is_set_aside"
WENT_ON = "tests/support/test_incidents.py::test_first_and_last_are_since_it_was_opened_again"
UNNAMED = "tests/support/test_admin_pages.py::test_an_end_is_not_signed_by_all_while_somebody_unnamed_received"
EVENTS = "tests/support/test_admin_pages.py::test_the_newest_events_stand_on_the_first_page"
RULE = "tests/support/test_admin_purposes.py::test_a_rule_prohibits_what_runs_after_its_beginning"
COMPLAINTS = "tests/support/test_figures.py::test_the_year_s_complaints_are_for_the_certificate"
ADDR = "tests/partners/test_addresses.py::test_an_address_for_events_takes_the_place_of_polling"
SHOWN = "tests/disclosures/test_retention.py::test_what_was_shown_long_ago_outlasts_nothing"
YEAR = "tests/disclosures/test_retention.py::test_nothing_is_dropped_within_a_year_whatever_is_set"
RECORD = "tests/disclosures/test_workers_at_once.py::test_each_change_of_a_judgement_needs_a_record_of_its_own"
VERIFY = "tests/revocations/test_clocks.py::test_after_that_it_takes_three_new_verifications_to_deny"
SEPARATION = "tests/promises/test_07_others_of_a_line.py::TestSeparation::test_the_holder_finds_nothing_of_it_anywhere"
EMAIL = "tests/support/test_notifications.py::test_an_email_counts_what_came_and_names_nobody"
SHARE = "tests/support/test_notifications.py::test_a_share_of_the_time_is_used_from_its_moment_on"
BAD_ADDRESS = "tests/support/test_notifications.py::test_one_bad_address_keeps_no_other_message_back"
DELIVERY = "tests/support/test_dashboard.py::test_delivery_is_late_and_then_silent_from_its_moment_on"
REMINDERS = "tests/support/test_dashboard.py::test_reminders_and_proposals_are_over_at_their_moment"
LIGHTS = "tests/support/test_dashboard.py::test_the_lights_say_how_the_last_hour_was"
WRONG = "tests/support/test_admin_pages.py::test_what_is_wrong_stands_first_and_is_counted"
TIMELINE = "tests/support/test_admin_pages.py::test_the_timeline_goes_on_before_its_last"
FULL = "tests/support/test_queue.py::test_nothing_follows_a_page_that_is_just_full"
LETTERS = "tests/support/test_queue.py::test_three_letters_are_searched_for_and_two_are_not"
DRAFT = "tests/support/test_writing.py::test_a_draft_is_kept_and_colleagues_see_who_writes"
FAILURE = "tests/support/test_set_up.py::test_what_delivery_takes_for_a_failure_is_told"
ENDED_LINE = "tests/support/test_exact_ends.py::test_a_line_has_ended_from_its_end_on"
FULL_LIST = "tests/consent/test_choice_pages.py::test_nothing_is_older_than_a_page_that_is_just_full"
PAUSE = "tests/consent/test_denied_since.py::test_a_pause_is_over_at_its_end_and_changed_by_nothing_from_then_on"
PROOF = "tests/consent/test_choice_pages.py::test_a_partner_s_proof_is_late_after_its_date"
LOST = "tests/consent/test_terminations.py::test_a_campaign_is_lost_from_its_beginning_to_its_end"
AS_SEEN = "tests/consent/test_terminations.py::test_about_as_many_people_is_what_was_seen"
END = "tests/revocations/test_clocks.py::test_an_end_not_signed_for_in_time_is_a_breach"
ORDER = "tests/revocations/test_clocks.py::test_each_order_past_its_date_is_a_breach"
EXACT = "tests/disclosures/test_companies.py::test_a_use_is_as_exact_as_its_most_exact_look_up"
TWO_USES = "tests/disclosures/test_companies.py::test_one_of_two_uses_stopped_is_no_stop_of_the_company"
ASK_AGAIN = "tests/disclosures/test_companies.py::test_when_a_pause_ends_only_who_was_agreed_to_may_ask_again"
IN_ORDER = "tests/disclosures/test_companies.py::test_what_has_no_record_names_partners_and_contracts_in_order"
OLD = "tests/disclosures/test_line_alerts.py::test_an_alert_is_old_after_thirty_days"
HELD = "tests/disclosures/test_pending_rows.py::test_what_an_order_hides_is_counted_nowhere_until_it_lifts"
TIMES = "tests/disclosures/test_history.py::test_times_are_of_the_days_asked_for_and_of_none_to_come"
SALE = "tests/support/test_rules_of_states.py::test_a_sale_is_what_the_rule_says_it_is"
SALES_NAMED = "tests/support/test_set_up.py::test_states_that_prohibit_a_sale_are_named_for_what_is_sold"
QUIET = "tests/disclosures/test_anomalies_hidden.py::test_days_and_quiet_times_are_counted_by_what_shows"
OVER_BEFORE = "tests/consent/test_choice_pages.py::test_a_pause_over_before_it_came_never_counted_here"
TO_SIGN = "tests/consent/test_choice_pages.py::test_a_list_names_who_has_yet_to_sign_by_name"
NAMED_USE = "tests/consent/test_choice_pages.py::test_what_a_choice_would_be_about_is_the_use_it_names"
BESIDES = (
    "tests/disclosures/test_delayed_console.py"
    "::test_what_hides_a_release_besides_an_order_is_the_last_word_of_another_to_its_end"
)
BREACH = "tests/support/test_incidents.py::test_the_breach_notification_says_what_is_known"
OTHERS = "tests/support/test_admin_purposes.py::test_stops_hold_across_linked_purposes_and_approvals_do_not"
STANDING = "tests/consent/test_choice_pages.py::test_of_two_orders_to_a_partner_the_one_that_stands_is_told_of"

MUTANTS = (
    Mutant(3, "consent/queries/current_consent_uses.py", "stopped or self.paused_since", "self.paused_since", BY_NAME),
    Mutant(
        8, "support/queries/writing.py", "Ticket.Kind.OVERDUE, Ticket.Kind.PARTIAL})", "Ticket.Kind.PARTIAL})", UNREAD
    ),
    Mutant(2, "consent/sql/gate.sql", "a.campaign = named AND a.verified_by = 'carrier'", "a.campaign = named", CLAIM),
    Mutant(3, "consent/queries/current_consent_uses.py", "stopped or self.paused_since", "stopped", ASK_AGAIN),
    Mutant(4, "support/queries/incidents.py", 'first=Min("at")', 'first=Max("at")', WENT_ON),
    Mutant(6, "console/queries/terminations.py", " and not progress.unnamed", "", UNNAMED),
    Mutant(
        4,
        "support/queries/timeline.py",
        'events.defer("claims").order_by("-queued_at", "-id")',
        'events.defer("claims").order_by("-id")',
        EVENTS,
    ),
    Mutant(2, "console/queries/purposes.py", "ends_at__gt=since, contract", "ends_at__gte=since, contract", RULE),
    Mutant(2, "console/queries/purposes.py", "contract__ends_at__gt=since", "contract__ends_at__gte=since", RULE),
    Mutant(2, "console/queries/purposes.py", "terms.starts_at <= at", "terms.starts_at < at", RULE),
    Mutant(
        12,
        "support/queries/team_metrics.py",
        "opened_at < %(until)s AND kind",
        "opened_at <= %(until)s AND kind",
        COMPLAINTS,
    ),
    Mutant(4, "partners/sql/addresses.sql", " AND m.changed_at IS NOT NULL)", ")", ADDR),
    Mutant(11, "disclosures/sql/retention.sql", "> lifted)", ">= lifted)", SHOWN),
    Mutant(
        11,
        "disclosures/sql/retention.sql",
        "    WHERE known.occurred_at >= starts AND",
        "    WHERE known.occurred_at > starts AND",
        SHOWN,
    ),
    Mutant(
        11,
        "disclosures/sql/retention.sql",
        "    IF ends > audit_now() - interval '12 months'",
        "    IF ends >= audit_now() - interval '12 months'",
        YEAR,
    ),
    Mutant(11, "disclosures/sql/releases.sql", " AND c.changed_at >= transaction_timestamp()", "", RECORD),
    Mutant(4, "revocations/workers/stream_health.py", "queued_at__gt=since", "queued_at__gte=since", VERIFY),
    Mutant(
        7,
        "accounts/actions/line_separation.py",
        '    _record_event("asked", made, f"subscriber:{user.pk}", at)\n',
        "",
        SEPARATION,
    ),
    Mutant(4, "console/queries/notifications.py", "if since < one <= until)", "if since <= one <= until)", EMAIL),
    Mutant(4, "console/queries/notifications.py", "if since < one <= until)", "if since < one < until)", EMAIL),
    Mutant(
        4, "console/queries/notifications.py", "whole * least <= at < began_at", "whole * least < at < began_at", SHARE
    ),
    Mutant(
        4,
        "console/queries/notifications.py",
        "<= at < began_at + whole * most",
        "<= at <= began_at + whole * most",
        SHARE,
    ),
    Mutant(4, "console/queries/notifications.py", "reached__lte=at", "reached__lt=at", SHARE),
    Mutant(4, "support/queries/counts.py", "at - oldest >= LATE", "at - oldest > LATE", DELIVERY),
    Mutant(4, "support/queries/counts.py", "at - oldest >= DENIED", "at - oldest > DENIED", DELIVERY),
    Mutant(4, "support/queries/counts.py", "if failed >= 3:", "if failed > 3:", DELIVERY),
    Mutant(4, "console/queries/lights.py", "if runs < 2:", "if runs <= 2:", LIGHTS),
    Mutant(4, "console/queries/dashboard.py", " + len(self.requests)", "", WRONG),
    Mutant(2, "console/queries/proposals.py", "and until <= at,", "and until < at,", REMINDERS),
    Mutant(2, "console/queries/proposals.py", "expired=not one.decision and until", "expired=until", REMINDERS),
    Mutant(12, "console/queries/standing.py", "and day <= at]", "and day < at]", REMINDERS),
    Mutant(12, "support/queries/counts.py", "if n > CAP else", "if n >= CAP else", BAD_ADDRESS),
    Mutant(
        12,
        "support/queries/queue.py",
        "found[PAGE - 1]) if len(found) > PAGE",
        "found[PAGE - 1]) if len(found) >= PAGE",
        FULL,
    ),
    Mutant(
        12,
        "support/queries/queue.py",
        "found[PAGE - 1].pk if len(found) > PAGE",
        "found[PAGE - 1].pk if len(found) >= PAGE",
        FULL,
    ),
    Mutant(12, "support/queries/queue.py", "and len(said) >= SHORTEST", "and len(said) > SHORTEST", LETTERS),
    Mutant(12, "support/queries/queue.py", "    if len(said) < SHORTEST:", "    if len(said) <= SHORTEST:", LETTERS),
    Mutant(4, "support/queries/timeline.py", "if len(both) > SIZE else", "if len(both) >= SIZE else", TIMELINE),
    Mutant(8, "support/queries/writing.py", "one.updated_at > at - WRITES", "one.updated_at >= at - WRITES", DRAFT),
    Mutant(
        4, "console/queries/set_up.py", "if reply.status >= SERVER_ERROR:", "if reply.status > SERVER_ERROR:", FAILURE
    ),
    Mutant(
        4, "console/queries/set_up.py", "if reply.status >= REDIRECT and", "if reply.status > REDIRECT and", FAILURE
    ),
    Mutant(4, "console/queries/set_up.py", "reply.status < CLIENT_ERROR:", "reply.status <= CLIENT_ERROR:", FAILURE),
    Mutant(8, "support/queries/case.py", "line.deactivated_at <= at", "line.deactivated_at < at", ENDED_LINE),
    Mutant(12, "consent/queries/choices.py", "if len(found) > PAGE else", "if len(found) >= PAGE else", FULL_LIST),
    Mutant(3, "consent/queries/choices.py", "self.until <= at\n", "self.until < at\n", PAUSE),
    Mutant(3, "consent/queries/choices.py", "changed >= choice.until else", "changed > choice.until else", PAUSE),
    Mutant(
        6,
        "consent/queries/receipts.py",
        "(row.answered_at or at) > row.due_at",
        "(row.answered_at or at) >= row.due_at",
        PROOF,
    ),
    Mutant(
        2,
        "consent/queries/termination.py",
        "term.starts_at <= at < term.ends_at",
        "term.starts_at < at < term.ends_at",
        LOST,
    ),
    Mutant(
        2,
        "consent/queries/termination.py",
        "term.starts_at <= at < term.ends_at",
        "term.starts_at <= at <= term.ends_at",
        LOST,
    ),
    Mutant(2, "consent/queries/termination.py", "not term.is_draft and ", "", LOST),
    Mutant(2, "consent/queries/termination.py", "abs(new - old) <= max(", "abs(new - old) < max(", AS_SEEN),
    Mutant(
        2,
        "consent/queries/termination.py",
        '        return facts == self.digest.partition(".")[0] and all(',
        "        return all(",
        AS_SEEN,
    ),
    Mutant(6, "consent/queries/termination.py", "overdue=delete_by <= at", "overdue=delete_by < at", END),
    Mutant(
        6, "revocations/queries/cohorts.py", "overdue=cohort.complete_by <= at", "overdue=cohort.complete_by < at", END
    ),
    Mutant(6, "revocations/queries/cohorts.py", " and event.state != State.COMPLETED,", ",", END),
    Mutant(
        6, "console/queries/terminations.py", "late = cohort.complete_by <= at", "late = cohort.complete_by < at", END
    ),
    Mutant(6, "consent/queries/progress.py", ">= UNCONFIRMED_AFTER", "> UNCONFIRMED_AFTER", ORDER),
    Mutant(11, "disclosures/queries/company_cards.py", "finest = min((one", "finest = max((one", EXACT),
    Mutant(11, "disclosures/queries/release_counts.py", "min(row[4]", "max(row[4]", EXACT),
    Mutant(
        3, "consent/queries/current_consent_uses.py", "if all(use.is_stopped for", "if any(use.is_stopped for", TWO_USES
    ),
    Mutant(
        3,
        "consent/queries/current_consent_uses.py",
        "by_record=any(use.by_record",
        "by_record=all(use.by_record",
        TWO_USES,
    ),
    Mutant(11, "disclosures/queries/company_cards.py", ".lifeline and one.use.allowed for", ".lifeline for", TWO_USES),
    Mutant(
        3,
        "consent/queries/current_consent_uses.py",
        'use.beneath == "paused" and use.proof.counts',
        'use.beneath == "paused"',
        ASK_AGAIN,
    ),
    Mutant(3, "consent/queries/current_consent.py", "until = max((one.until", "until = min((one.until", ASK_AGAIN),
    Mutant(
        6,
        "disclosures/queries/no_record.py",
        "partners=tuple(sorted(one.name for one in partners)),",
        "partners=tuple(one.name for one in partners),",
        IN_ORDER,
    ),
    Mutant(11, "disclosures/queries/line_alerts.py", "is_old=last < at - RECENT", "is_old=last <= at - RECENT", OLD),
    Mutant(
        2,
        "disclosures/queries/delayed.py",
        "return self.from_files + self.from_gateway",
        "return self.from_gateway",
        HELD,
    ),
    Mutant(
        11,
        "disclosures/queries/history_counts.py",
        "min(filters.until or today, today)",
        "filters.until or today",
        TIMES,
    ),
    Mutant(11, "disclosures/queries/history.py", " or self.since or self.until or ", " or self.since or ", TIMES),
    Mutant(
        2,
        "consent/queries/permission.py",
        "OR rule.sale_test AND own.consideration IN ('monetary', 'other')",
        "OR rule.sale_test",
        SALE,
    ),
    Mutant(
        11, "disclosures/sql/anomalies.sql", "n.suppressed_until > seen_at)", "n.suppressed_until >= seen_at)", QUIET
    ),
    Mutant(
        11,
        "consent/queries/choices.py",
        "self.until <= self.in_force_since",
        "self.until < self.in_force_since",
        OVER_BEFORE,
    ),
    Mutant(
        6,
        "consent/queries/choices.py",
        "self.kind == Choice.Kind.ALLOW or self.over_before:",
        "self.kind == Choice.Kind.ALLOW:",
        OVER_BEFORE,
    ),
    Mutant(
        6,
        "consent/queries/choices.py",
        "tuple(sorted(followed, key=lambda one: one.party.casefold()))",
        "tuple(followed)",
        TO_SIGN,
    ),
    Mutant(
        11,
        "consent/queries/choices.py",
        'Campaign.objects.filter(ref=ref).select_related("lbs_provider")',
        'Campaign.objects.select_related("lbs_provider")',
        NAMED_USE,
    ),
    Mutant(
        2,
        "disclosures/queries/delayed.py",
        "table.objects.filter(disclosure_id=disclosure_id).exclude(order_ref=besides)",
        "table.objects.exclude(order_ref=besides)",
        BESIDES,
    ),
    Mutant(2, "disclosures/queries/delayed.py", ".exclude(order_ref=besides)", "", BESIDES),
    Mutant(
        2,
        "disclosures/queries/delayed.py",
        "return notice.suppressed_until is None or notice.suppressed_until > at",
        "return notice.suppressed_until is None or notice.suppressed_until >= at",
        BESIDES,
    ),
    Mutant(
        2,
        "disclosures/queries/delayed.py",
        "newest.suppressed_until >= until",
        "newest.suppressed_until > until",
        BESIDES,
    ),
    Mutant(
        2,
        "console/queries/set_up.py",
        'Q(sale_test=True, consideration__in=["", row.consideration])',
        'Q(consideration__in=["", row.consideration])',
        SALES_NAMED,
    ),
    Mutant(
        2,
        "console/queries/set_up.py",
        'Q(sale_test=True, consideration__in=["", row.consideration])',
        "Q(sale_test=True)",
        SALES_NAMED,
    ),
    Mutant(
        4,
        "console/queries/evidence_packs.py",
        '_build_acts("Timeline", reversed(page.timeline))',
        '_build_acts("Timeline", page.timeline)',
        BREACH,
    ),
    Mutant(
        4,
        "console/queries/evidence_packs.py",
        '"Found by": page.reporter or "our systems"',
        '"Found by": "our systems"',
        BREACH,
    ),
    Mutant(4, "console/queries/evidence_packs.py", "found.lines is not None else", "found.lines is None else", BREACH),
    Mutant(
        8,
        "console/queries/lights.py",
        "failed > texts - unanswered + taken",
        "failed >= texts - unanswered + taken",
        LIGHTS,
    ),
    Mutant(
        8,
        "console/queries/purposes.py",
        "get_purpose_words() | {term: purpose_in_words(term) for term in used}",
        "get_purpose_words()",
        OTHERS,
    ),
    Mutant(
        6,
        "consent/queries/progress.py",
        "(line_id=line_id, id__in=standing, party_id__in=partner_ids)",
        "(line_id=line_id, party_id__in=partner_ids)",
        STANDING,
    ),
)
