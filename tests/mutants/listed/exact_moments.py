"""Ends and beginnings a microsecond off, and limits off by one, beside those of `exact_ends`: most were once alive."""

from tests.mutants.mutant import Mutant

INFO = "tests/consent/test_consent_info_links.py::"
LINKS = "tests/consent/test_link_ends.py::"
FEEDS = "tests/consent/test_feeds_exact_ends.py::"
ACCOUNTS = "tests/accounts/test_exact_limits.py::"
MACHINES = "tests/partners/test_exact_ends.py::"

MUTANTS = (
    Mutant(
        2,
        "consent/domain/consent_requests.py",
        "h.recorded_at >= met.at AND lately.queued_at > %(quiet_since)s),",
        "h.recorded_at >= met.at AND lately.queued_at >= %(quiet_since)s),",
        f"{INFO}test_after_a_no_it_has_no_link_for_a_year",
    ),
    Mutant(
        2,
        "consent/domain/consent_requests.py",
        "token_hash(token=token), expires_at__gt=at).first()",
        "token_hash(token=token), expires_at__gte=at).first()",
        f"{LINKS}test_a_question_is_open_for_a_week_to_its_person_and_its_company",
    ),
    Mutant(
        2,
        "consent/actions/records.py",
        "approval_id__isnull=False, expires_at__gt=at",
        "approval_id__isnull=False, expires_at__gte=at",
        f"{LINKS}test_a_question_is_open_for_a_week_to_its_person_and_its_company",
    ),
    Mutant(
        7,
        "consent/actions/records.py",
        "        if (changed_at := changed.get(case.line_id)) is None or claim.captured_at > changed_at",
        "        if (changed_at := changed.get(case.line_id)) is None or claim.captured_at >= changed_at",
        f"{LINKS}test_a_claim_is_asked_about_until_it_ends_or_the_number_changes",
    ),
    Mutant(
        7,
        "consent/workers/request_texts.py",
        "    if changed_at is not None and claim.captured_at <= changed_at:",
        "    if changed_at is not None and claim.captured_at < changed_at:",
        f"{LINKS}test_a_claim_is_asked_about_until_it_ends_or_the_number_changes",
    ),
    Mutant(
        6,
        "consent/workers/expiry.py",
        "    if pause.until is not None and pause.recorded_at < pause.until:",
        "    if pause.until is not None and pause.recorded_at <= pause.until:",
        f"{LINKS}test_a_pause_that_was_over_when_it_was_recorded_is_told_of_to_nobody",
    ),
    Mutant(
        7,
        "consent/feeds/lines.py",
        "    if record.deactivated_at is not None and record.has_number_since >= record.deactivated_at:",
        "    if record.deactivated_at is not None and record.has_number_since > record.deactivated_at:",
        f"{FEEDS}test_a_number_begins_before_its_line_ends_and_where_another_s_ends",
    ),
    Mutant(
        7,
        "consent/feeds/numbers.py",
        "(ends_at is None or self.starts_at < ends_at) and (self.ends_at is None",
        "(ends_at is None or self.starts_at <= ends_at) and (self.ends_at is None",
        f"{FEEDS}test_a_number_begins_before_its_line_ends_and_where_another_s_ends",
    ),
    Mutant(
        7,
        "consent/feeds/line_moves.py",
        "one.known_since is not None and one.known_since < self._source.began_at",
        "one.known_since is not None and one.known_since <= self._source.began_at",
        f"{FEEDS}test_what_one_file_begins_is_no_news_to_anybody",
    ),
    Mutant(
        3,
        "consent/feeds/choices.py",
        "    if made_at > at:",
        "    if made_at >= at:",
        f"{FEEDS}test_nothing_that_a_file_says_lies_ahead",
    ),
    Mutant(
        3,
        "consent/feeds/line_continuity.py",
        "        return self.deactivated_at is not None and self.deactivated_at <= moment",
        "        return self.deactivated_at is not None and self.deactivated_at < moment",
        "tests/consent/test_feeds_lines_again.py::test_an_end_where_the_newest_number_begins_is_the_first_one_s",
    ),
    Mutant(
        7,
        "accounts/actions/codes.py",
        "    fresh = [one for one in codes if at < one.made_at + _get_lifetime(one)]",
        "    fresh = [one for one in codes if at <= one.made_at + _get_lifetime(one)]",
        f"{ACCOUNTS}test_a_code_is_texted_five_times_and_is_another_ten_minutes_after_it_was_made",
    ),
    Mutant(
        7,
        "accounts/actions/codes.py",
        "one in fresh if one.long or compared < SHORT_COMPARISONS_A_DAY), None)",
        "one in fresh if one.long or compared <= SHORT_COMPARISONS_A_DAY), None)",
        f"{ACCOUNTS}test_codes_are_long_after_so_many_guesses",
    ),
    Mutant(
        7,
        "accounts/actions/rate_limits.py",
        "    if at < kept.wait_until:",
        "    if at <= kept.wait_until:",
        f"{ACCOUNTS}test_who_guessed_too_often_waits_to_the_moment",
    ),
    Mutant(
        7,
        "accounts/actions/delegations.py",
        '    standing.filter(ends_at__lte=at).update(ended_at=F("ends_at"))',
        '    standing.filter(ends_at__lt=at).update(ended_at=F("ends_at"))',
        f"{ACCOUNTS}test_what_is_over_is_asked_anew_at_its_end",
    ),
    Mutant(
        7,
        "accounts/policies/delegations.py",
        "begun.exclude(Q(line__recorded_at__gt=known_by) | Q(line__change_known_at__gt=known_by))",
        "begun.exclude(Q(line__recorded_at__gte=known_by) | Q(line__change_known_at__gt=known_by))",
        f"{ACCOUNTS}test_a_contact_ends_a_day_after_we_knew_of_another_line",
    ),
    Mutant(
        7,
        "accounts/queries.py",
        "accounts_linenumber WHERE line_id = %s AND starts_at <= %s ORDER BY starts_at DESC LIMIT",
        "accounts_linenumber WHERE line_id = %s AND starts_at < %s ORDER BY starts_at DESC LIMIT",
        f"{ACCOUNTS}test_a_line_has_another_number_from_the_moment_on",
    ),
    Mutant(
        7,
        "accounts/queries.py",
        "(deactivated_at IS NULL OR deactivated_at > %(at)s) AND line.id IN (",
        "(deactivated_at IS NULL OR deactivated_at >= %(at)s) AND line.id IN (",
        f"{ACCOUNTS}test_a_line_is_its_person_s_from_its_beginning_to_its_end",
    ),
    Mutant(
        10,
        "partners/domain/keys.py",
        'list(SigningKey.objects.filter(published_at__lte=at).order_by("use", "used_from",',
        'list(SigningKey.objects.filter(published_at__lt=at).order_by("use", "used_from",',
        f"{MACHINES}test_a_key_signs_from_its_moment_until_it_retires",
    ),
    Mutant(
        2,
        "partners/actions/proposals.py",
        "    if wanted.ends_at <= row.ends_at:",
        "    if wanted.ends_at < row.ends_at:",
        f"{MACHINES}test_what_has_ended_is_neither_extended_nor_shortened",
    ),
    Mutant(
        2,
        "consent/workers/cohorts.py",
        'Contract.objects.filter(~Exists(_ends("contract", "pk")), is_draft=False, ends_at__lte=moment)',
        'Contract.objects.filter(~Exists(_ends("contract", "pk")), is_draft=False, ends_at__lt=moment)',
        "tests/consent/test_term_ends.py::test_on_its_day_it_is_ended_once_and_not_before",
    ),
    Mutant(
        6,
        "revocations/actions/receipts.py",
        '            detail={"answer": said.answer, "late": at > asked.due_at} | ',
        '            detail={"answer": said.answer, "late": at >= asked.due_at} | ',
        "tests/revocations/test_evidence.py::test_an_answer_is_kept_and_opens_nothing",
    ),
    Mutant(
        8,
        "audit/queries.py",
        "what=IncidentStep.What.RENEWED, at__gt=opened_at)",
        "what=IncidentStep.What.RENEWED, at__gte=opened_at)",
        "tests/audit/test_incident_clocks.py::test_nobody_has_seen_what_is_open_again",
    ),
    Mutant(
        2,
        "consent/domain/consent_requests.py",
        "expires_at=known.ended_at, quiet=known.quiet)",
        "expires_at=known.ended_at)",
        f"{INFO}test_after_a_no_it_has_no_link_for_a_year",
    ),
    Mutant(
        3,
        "consent/domain/consent_requests.py",
        'reason="PENDING", quiet=True)',
        'reason="PENDING")',
        "tests/promises/test_03_while_the_gate_is_closed.py::test_a_company_s_question_stays_open_and_says_why",
    ),
    Mutant(
        7,
        "support/views/help.py",
        "    if ticket is None or ticket.asked_by_id is None:\n",
        "    if ticket is None:\n",
        "tests/support/test_cases.py::test_whoever_said_never_agreed_may_withdraw_it_and_the_stop_stays",
    ),
)
