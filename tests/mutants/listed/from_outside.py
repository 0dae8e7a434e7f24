"""Faults that once slipped through: exact ends, missing conditions, and news to one phone too many."""

from tests.mutants.mutant import Mutant

MUTANTS = (
    Mutant(
        4,
        "consent/sql/orders.sql",
        "o.state NOT IN ('completed', 'superseded')",
        "o.state NOT IN ('completed', 'superseded', 'acknowledged')",
        "tests/consent/test_order_planning.py::test_whoever_has_not_signed_is_told_of_the_next_stop",
    ),
    Mutant(
        6,
        "revocations/actions/contradictions.py",
        "order.completed_at < use.occurred_at:",
        "order.completed_at <= use.occurred_at:",
        "tests/revocations/test_contradictions.py::test_a_use_as_it_is_signed_breaks_no_word",
    ),
    Mutant(
        6,
        "consent/domain/digest_books.py",
        "(use.ends_at is None or use.ends_at > as_of) and",
        "(use.ends_at is None or use.ends_at >= as_of) and",
        "tests/consent/test_digests.py::test_what_was_told_until_a_moment_is_held_until_then",
    ),
    Mutant(
        4,
        "disclosures/workers/retention.py",
        "    AND last_at < %(before)s AND NOT EXISTS (",
        "    AND last_at <= %(before)s AND NOT EXISTS (",
        "tests/disclosures/test_retention.py::test_who_received_as_a_kept_month_began_is_known",
    ),
    Mutant(
        4,
        "revocations/domain/streams.py",
        "return by.startswith(PARTNER) and (status != Stream.Status.ENABLED or stream.status_by.startswith(PARTNER))",
        "return by.startswith(PARTNER)",
        "tests/revocations/test_verification.py::test_who_ends_the_pause_of_its_410_is_asked_anew",
    ),
    Mutant(
        2,
        "disclosures/sql/giving_back.sql",
        "d.basis_doubtful AND NOT EXISTS (\n"
        "            SELECT FROM disclosures_concealeddisclosure c WHERE c.line_id = d.line_id AND c.id = d.id\n"
        "        ) THEN",
        "d.basis_doubtful THEN",
        "tests/disclosures/test_reassignment.py::test_a_hidden_doubt_is_counted_once_it_shows",
    ),
    Mutant(
        5,
        "consent/actions/signals.py",
        'use.beneath.startswith("stopped_") and not use.by_record',
        'use.beneath.startswith("stopped_")',
        "tests/consent/test_privacy_signal.py::test_what_only_a_record_stops_is_stopped_by_it",
    ),
    Mutant(
        12,
        "consent/actions/signals.py",
        "signal.answered_at + ASKS_AGAIN_AFTER <= now",
        "signal.answered_at + ASKS_AGAIN_AFTER < now",
        "tests/consent/test_privacy_signal.py::test_not_asked_again_within_twelve_months_and_then_again",
    ),
    Mutant(
        6,
        "disclosures/queries/access_summary.py",
        'int(n) if outcome != Outcome.REFUSED and basis != "approval" else 0',
        'int(n) if basis != "approval" else 0',
        "tests/disclosures/test_access_summary.py::test_the_page_in_words_empty_and_full",
    ),
    Mutant(
        6,
        "console/queries/dashboard.py",
        'party_id=OuterRef("party_id"), finished_at__isnull=False)',
        'party_id=OuterRef("party_id"))',
        "tests/support/test_admin_pages.py::test_a_comparison_under_way_hides_no_difference",
    ),
    Mutant(
        7,
        "accounts/workers/sms_delivery.py",
        " or delegations.contact_of(line_id=message.line_id):",
        ":",
        "tests/accounts/test_exact_ends.py::test_news_for_a_number_given_away_goes_to_no_phone",
    ),
    Mutant(
        2,
        "consent/queries/permission.py",
        "s.line_id = question.line_id AND s.since <= question.at\n",
        "s.line_id = question.line_id\n",
        "tests/disclosures/test_ingest.py::test_a_move_to_another_state_judges_no_earlier_release",
    ),
    Mutant(
        6,
        "templates/archive/_state.html",
        "{% when archive.expires_at %}",
        "{% when archive.as_of %}",
        "tests/disclosures/test_archives.py::test_nothing_is_kept_open_and_nothing_longer_than_a_day",
    ),
    Mutant(
        6,
        "templates/admin/incident_report.html",
        "<dd>{{ page.affected.first_at|date",
        "<dd>{{ page.affected.last_at|date",
        "tests/support/test_incidents_work.py::test_what_is_sent_away_says_how_long_it_went_on",
    ),
    Mutant(
        6,
        "templates/desk/complaints.html",
        "{{ one.answered|intcomma }}",
        "{{ one.received|intcomma }}",
        "tests/support/test_figures.py::test_the_year_s_complaints_are_for_the_certificate",
    ),
    Mutant(
        6,
        "templates/admin/finding.html",
        "{% if row.told_so %}",
        "{% if not row.told_so %}",
        "tests/support/test_admin_differences.py::test_a_difference_says_whether_our_order_allowed_it",
    ),
)
