"""What should end, and does not: keeping, waiting, telling, proving."""

from tests.mutants.mutant import Mutant

RETENTION = "tests/disclosures/test_retention.py::"
ENDS = "tests/accounts/test_exact_ends.py::"
MACHINES = "tests/partners/test_exact_ends.py::"
LINKS = "tests/consent/test_link_ends.py::"
FAIRNESS = "tests/revocations/test_fairness.py::"
MOVED = "tests/promises/test_07_moved.py::"
SAFE_CODE = "tests/promises/test_07_safe_code.py::"
DEPLOY = "tests/portal/test_environment.py::"
SPENT = "tests/partners/test_spent_proposals.py::"
GUESSES = "tests/accounts/test_rate_limits.py::"
TRAIL = "tests/support/test_acts_are_written_down.py::test_each_act_of_staff_is_in_the_trail"
STAFF = "tests/accounts/test_staff.py::"

MUTANTS = (
    # A late request whose cookie signs its person out
    Mutant(
        7,
        "accounts/domain/session_store.py",
        "return self._is_modified and not self._is_late",
        "return self._is_modified",
        "tests/accounts/test_sessions.py::test_a_late_request_that_writes_signs_nobody_out",
    ),
    # Kept for ever, or a moment longer than was said
    Mutant(
        9,
        "disclosures/workers/retention.py",
        "    HeldDisclosure.objects.filter(held_at__lt=before).delete()\n",
        "",
        f"{RETENTION}test_what_was_found_or_held_goes_with_releases",
    ),
    Mutant(
        9,
        "disclosures/workers/retention.py",
        "    HeldDisclosure.objects.filter(held_at__lt=before).delete()\n",
        "    HeldDisclosure.objects.filter(held_at__lte=before).delete()\n",
        f"{RETENTION}test_what_was_found_or_held_goes_with_releases",
    ),
    Mutant(
        9,
        "disclosures/workers/retention.py",
        '        _forget(owner, GIVEN_BACK, "disclosures_givenback", before, now)\n',
        "",
        f"{RETENTION}test_what_was_found_or_held_goes_with_releases",
    ),
    Mutant(
        9,
        "accounts/workers/clocks.py",
        "TextedCode.objects.filter(sent_at__lte=now - DAY)",
        "TextedCode.objects.filter(sent_at__lt=now - DAY)",
        f"{ENDS}test_codes_are_forgotten_a_day_after_they_were_sent",
    ),
    # A text that goes to one more number
    Mutant(
        7,
        "accounts/actions/sms_outbox.py",
        "    phone_too = contact is None or delegations.get_double_alert_end(contact=contact, at=at) is not None\n",
        "    phone_too = True\n",
        f"{ENDS}test_a_phone_hears_of_its_contacts_news_for_a_day",
    ),
    Mutant(
        7,
        "accounts/actions/sms_outbox.py",
        "        numbers = delegations.list_last_numbers(line_ids=line_ids)\n",
        "        numbers = dict[int, str]()\n",
        f"{MOVED}test_a_number_change_tells_old_number_and_safe_contact",
    ),
    Mutant(
        7,
        "accounts/workers/sms_delivery.py",
        "        return number is not None and delegations.is_unassigned_elsewhere(number=number)\n",
        "        return number is not None\n",
        f"{MOVED}test_a_number_that_becomes_another_s_is_told_nothing",
    ),
    Mutant(
        7,
        "accounts/actions/sms_outbox.py",
        "    to_phone = kind in TO_THE_PHONE or not ",
        "    to_phone = not ",
        f"{ENDS}test_what_answers_the_phone_goes_to_no_contact",
    ),
    # A safe contact that shows who somebody is, and should not
    Mutant(
        7,
        "accounts/domain/auth_factors.py",
        "or contact.proved_at >= moved:",
        "or contact.proved_at > moved:",
        f"{SAFE_CODE}test_a_contact_from_after_the_change_does_not_count[at that very moment]",
    ),
    Mutant(
        7,
        "accounts/domain/auth_factors.py",
        "    return own.exists() or bool(delegations.list_reassigned_contacts(contacts=[contact], at=at))\n",
        "    return bool(delegations.list_reassigned_contacts(contacts=[contact], at=at))\n",
        f"{SAFE_CODE}test_a_contact_does_not_count_that",
    ),
    Mutant(
        7,
        "accounts/domain/auth_factors.py",
        "    return contact if was_set.exists() else None\n",
        "    return contact\n",
        f"{SAFE_CODE}test_a_contact_does_not_count_that",
    ),
    Mutant(
        7,
        "accounts/domain/auth_factors.py",
        "shown == (contact.pk, line.number_changed_at)",
        "shown[0] == contact.pk",
        f"{SAFE_CODE}test_a_code_dies_with_its_number_and_its_contact",
    ),
    Mutant(
        7,
        "accounts/actions/contacts.py",
        "    return contact if there is None or queries.get_hold_end(line=there, at=at) is None else None\n",
        "    return contact\n",
        f"{SAFE_CODE}test_a_line_changed_lately_itself_does_not_count",
    ),
    Mutant(
        7,
        "accounts/actions/contacts.py",
        """    return f"{unseal(contact.to_sealed)} {delegations.get_current_number(line_id=line.pk, at=at)}"\n""",
        "    return unseal(contact.to_sealed)\n",
        f"{SAFE_CODE}test_a_code_dies_with_its_number_and_its_contact",
    ),
    Mutant(
        7,
        "accounts/actions/contacts.py",
        ">= READING_TEXTS_A_DAY:",
        "> READING_TEXTS_A_DAY:",
        f"{SAFE_CODE}test_the_safe_contact_is_texted_five_times_a_day",
    ),
    Mutant(
        7,
        "accounts/views/access.py",
        "    if reads and _is_open_by_contact(",
        "    if _is_open_by_contact(",
        f"{SAFE_CODE}test_the_code_opens_reading_and_nothing_else",
    ),
    # An agent's request that is over, and is told to be open until that is written down
    Mutant(
        6,
        "consent/domain/agents.py",
        "    if status == AgentRequest.Status.IN_PROGRESS and request.expires_at <= at:\n",
        "    if status == AgentRequest.Status.IN_PROGRESS and request.expires_at < at:\n",
        "tests/consent/test_agents.py::test_an_unanswered_one_is_over_at_its_last_moment",
    ),
    # A breaker that keeps its past
    Mutant(
        4,
        "revocations/workers/delivery/fairness.py",
        "        PushTally.objects.filter(party_id=party_id).delete()\n",
        "",
        f"{FAIRNESS}test_one_probe_goes_out_at_a_time",
    ),
    Mutant(
        4,
        "revocations/workers/delivery/fairness.py",
        "party_id=party_id, minute__gt=at - WINDOW, ",
        "party_id=party_id, ",
        f"{FAIRNESS}test_what_failed_more_than_five_minutes_ago_is_forgotten",
    ),
    Mutant(
        4,
        "revocations/workers/delivery/fairness.py",
        "        breaker.opened_at = breaker.open_until = breaker.probe_id = None\n",
        "        breaker.open_until = breaker.probe_id = None\n",
        f"{FAIRNESS}test_one_probe_goes_out_at_a_time",
    ),
    # Others wait for a partner that hangs
    Mutant(
        4,
        "revocations/workers/delivery/delivery_rounds.py",
        "any(partner.waiting and not partner.hangs() for",
        "any(partner.waiting for",
        f"{FAIRNESS}test_nobody_waits_for_answers_of_one_that_hangs",
    ),
    Mutant(
        4,
        "revocations/workers/delivery/delivery_rounds.py",
        "        is_stuck = bool(self.waiting) and self.hangs()\n",
        "        is_stuck = False\n",
        f"{FAIRNESS}test_nobody_waits_for_answers_of_one_that_hangs",
    ),
    # Whoever has nothing under way waits for answers of others
    Mutant(
        4,
        "revocations/workers/delivery/delivery_rounds.py",
        "begins = begins or self._begins(found[-1])",
        "begins = False",
        f"{FAIRNESS}test_whoever_has_nothing_under_way_does_not_wait_for_anothers_answers",
    ),
    # Of several partners that workers are told of together, one alone is told
    Mutant(
        4,
        "revocations/actions/nudges.py",
        "        told = sorted(self._party_ids)\n",
        "        told = sorted(self._party_ids)[:1]\n",
        "tests/revocations/test_delivery.py::test_nudges_right_after_one_another_go_out_together",
    ),
    # A form that is shown again, and a page that turns out to be about another's line, are no look.
    Mutant(
        7,
        "accounts/views/access.py",
        "            if is_a_page(response):\n",
        '            if is_a_page(response) and request.method != "POST":\n',
        "tests/words/test_lines_and_logs.py::test_a_child_reads_what_its_parent_read_in_forms",
    ),
    Mutant(
        8,
        "accounts/primitives/reasons.py",
        "    return bool(WHEN.fullmatch(whole) or (OF_A_YEAR.fullmatch(whole) and LETTERS_BEFORE.search(before)))\n",
        "    return bool(WHEN.fullmatch(whole) or LETTERS_BEFORE.search(before))\n",
        "tests/promises/test_08_support_desk.py::test_a_reason_holds_no_phone_number_but_dates_and_references",
    ),
    # The signal of a browser that comes back from the carrier's own sign-in is dropped.
    Mutant(
        12,
        "consent/middleware.py",
        '    return request.method == "POST" or _get_view_name(request) == SIGNED_IN_BY_GET\n',
        '    return request.method == "POST"\n',
        "tests/accounts/test_carrier_sign_in.py::test_the_privacy_signal_counts_back_from_the_carrier",
    ),
    # A code beside the password lifts every limit, and each try hashes passwords.
    Mutant(
        12,
        "accounts/views/adapter.py",
        "            taken = count_network_try(door=GuessTarget.STAFF, source=source, at=at)\n",
        "            taken = Try([], at) if code else "
        "count_network_try(door=GuessTarget.STAFF, source=source, at=at)\n",
        f"{GUESSES}test_wrong_codes_beside_passwords_come_to_a_wait",
    ),
    Mutant(
        12,
        "accounts/actions/people.py",
        "        taken = count_network_try(door=GuessTarget.ENDED, source=source, at=at)\n",
        "        taken = count_try(door=GuessTarget.ENDED, account=code, source=Source(code), at=at)\n",
        f"{GUESSES}test_a_code_beside_the_password_lifts_no_limit_of_the_network",
    ),
    # Whose line has ended is kept from stopping by whoever guesses at their password.
    Mutant(
        12,
        "accounts/actions/people.py",
        "    return _find_by_password(msisdn, password)\n\n\ndef",
        "    count_try(door=GuessTarget.ENDED, account=msisdn, source=NOWHERE, at=datetime.now().astimezone())\n"
        "    return _find_by_password(msisdn, password)\n\n\ndef",
        f"{GUESSES}test_no_limit_closes_the_stop_of_an_ended_line",
    ),
    Mutant(
        12,
        "accounts/primitives/slots.py",
        "                    self._waiting[whose] = theirs\n",
        "                    self._waiting = {whose: theirs, **self._waiting}\n",
        "tests/accounts/test_response_delay.py::test_a_flood_of_forms_that_hash_keeps_no_other_network_waiting",
    ),
    # Whoever comes behind a guess learns by how long they wait whether it was right.
    Mutant(
        7,
        "portal/wsgi_bridge.py",
        "                    out.loop.call_later(max(0, left), self._turns.release)\n",
        "                    out.loop.call_later(0 * left, self._turns.release)\n",
        "tests/accounts/test_response_delay.py::test_whoever_waits_behind_a_guess_does_not_learn_whether_it_was_right",
    ),
    Mutant(
        7,
        "consent/views/stop.py",
        "        sent = True\n",
        "        sent = bool(request.user.pk)\n",
        f"{GUESSES}test_no_limit_closes_the_stop_of_an_ended_line",
    ),
    # What two officers agreed to once is done as often as anybody likes.
    Mutant(
        12,
        "partners/sql/proposals.sql",
        "    UPDATE partners_proposal SET spent_at = clock_timestamp()\n",
        "    UPDATE partners_proposal SET spent_at = NULL\n",
        f"{SPENT}test_a_yes_of_two_officers_does_it_once",
    ),
    # What a passkey signed is read however deep it nests.
    Mutant(
        12,
        "accounts/forms.py",
        "            found = read_json(str(value), max_bytes=LARGEST_CREDENTIAL)\n",
        "            found = super().to_python(value)\n",
        "tests/accounts/test_passkeys.py::test_no_passkey_s_form_fails_on_what_no_browser_sends",
    ),
    # Settings that anybody guesses, or under which anybody answers, pass as production's.
    Mutant(
        7,
        "portal/deploy_checks.py",
        "    return address is not None and not address.is_global\n",
        '    return str(address) == "127.0.0.1"\n',
        f"{DEPLOY}test_check_deploy_fails_on_settings_of_a_demo",
    ),
    Mutant(
        7,
        "portal/deploy_checks.py",
        "    return is_short or _pack(key.encode()) < LEAST_PACKED or any(word",
        "    return is_short or len(zlib.compress(key.encode())) < 0 or any(f'-{word}-'",
        f"{DEPLOY}test_check_deploy_fails_on_settings_of_a_demo",
    ),
    # A file's words that nobody asks by are taken without a word.
    Mutant(
        7,
        "partners/actions/drafts.py",
        ', "scope": identifiers.is_scope(scope)}\n',
        "}\n",
        "tests/support/test_console_forms.py::test_nothing_is_allowed_by_words_in_a_file_that_nobody_asks_by",
    ),
    # A record moves a line to a state that forbids less, and nobody is told.
    Mutant(
        7,
        "consent/feeds/numbers.py",
        "        notify_of_line_moves(lines=warned, change=Change.STATE, at=self._at)\n",
        "",
        f"{MOVED}test_another_state_that_opens_a_use_is_told_at_once",
    ),
    Mutant(
        8,
        "audit/actions.py",
        '    record(action="incident.noted", actor=actor, target=f"incident:{incident_id}", at=at, reason=note)\n',
        "",
        TRAIL,
    ),
    Mutant(8, "partners/actions/notices.py", 'action="notice.published"', 'action="notice.made"', TRAIL),
    Mutant(
        8,
        "accounts/actions/staff.py",
        '    audit.actions.record(action="staff.ended", actor=actor, target=f"user:{user.pk}", at=at)\n',
        "",
        TRAIL,
    ),
    # A date set by a claim that nobody verified
    Mutant(
        2,
        "consent/queries/approvals.py",
        "a.verified_by = 'carrier' AND %(origin)s = 'file'",
        "%(origin)s = 'file'",
        "tests/consent/test_late_releases.py::test_a_claim_outlasts_no_stop_of_a_file",
    ),
    Mutant(
        6,
        "consent/queries/choices.py",
        "verified_by = 'carrier' AND captured_at > %(made_at)s",
        "captured_at > %(made_at)s",
        "tests/consent/test_late_releases.py::test_a_claim_outlasts_no_stop_of_a_file",
    ),
    # A role that is forgotten, or taken for another
    Mutant(
        8,
        "accounts/queries.py",
        "    if user is None or not staff_may(user.role, action):\n",
        "    if user is None:\n",
        f"{STAFF}test_nobody_else_is_an_officer",
    ),
    Mutant(
        11,
        "accounts/policies/permissions.py",
        "    User.Role.LEGAL: frozenset({StaffAction.SEE_DELAYED, StaffAction.CHANGE_DELAYED}),\n",
        "    User.Role.LEGAL: frozenset({StaffAction.SEE_DELAYED}),\n",
        f"{STAFF}test_each_cell",
    ),
    Mutant(
        8,
        "accounts/policies/permissions.py",
        "    User.Role.AUDITOR: frozenset(_READ_ONLY),\n",
        "    User.Role.AUDITOR: frozenset(_READ_ONLY | {StaffAction.REVEAL_PERSON}),\n",
        f"{STAFF}test_each_cell",
    ),
    # Proofs, codes and tokens that never run out
    Mutant(
        7,
        "accounts/domain/sessions.py",
        ' or at >= datetime.fromisoformat(steps["until"]):',
        ":",
        f"{ENDS}test_what_was_proved_at_door_lasts_quarter_of_an_hour",
    ),
    Mutant(
        7,
        "accounts/domain/sessions.py",
        '    if not kept or at >= datetime.fromisoformat(kept["until"]):\n',
        '    if not kept or at > datetime.fromisoformat(kept["until"]):\n',
        f"{ENDS}test_what_was_proved_at_door_lasts_quarter_of_an_hour",
    ),
    Mutant(
        7,
        "accounts/actions/codes.py",
        "    return [code for code in codes if at < code.sent_at + _get_lifetime(code)]\n",
        "    return list(codes)\n",
        f"{ENDS}test_a_code_lasts_from_when_it_was_last_sent[short]",
    ),
    Mutant(
        7,
        "accounts/policies/delegations.py",
        "    return waits.filter(asked_at__gt=at - CODE_LASTS)\n",
        "    return waits\n",
        f"{ENDS}test_the_code_of_a_safe_contact_lasts_ten_minutes",
    ),
    Mutant(
        7,
        "accounts/policies/delegations.py",
        "    return since + HOLD if since is not None and at < since + HOLD else None\n",
        "    return since + HOLD if since is not None and at <= since + HOLD else None\n",
        f"{ENDS}test_a_change_holds_for_a_day_what_lets_somebody_see[sim_changed_at]",
    ),
    Mutant(
        2,
        "partners/api/access.py",
        "    if grant is None or grant.expires_at <= now:\n",
        "    if grant is None or grant.expires_at < now:\n",
        f"{MACHINES}test_every_access_token_has_an_end",
    ),
    Mutant(
        2,
        "partners/api/access.py",
        "    return grant if grant is not None and now < grant.expires_at else None\n",
        "    return grant\n",
        f"{MACHINES}test_every_access_token_has_an_end",
    ),
    Mutant(
        2,
        "partners/actions/proposals.py",
        "    if proposal.proposed_at + OPEN_FOR <= at:\n",
        "    if proposal.proposed_at + OPEN_FOR < at:\n",
        f"{MACHINES}test_a_proposal_counts_for_seven_days_to_the_moment",
    ),
    Mutant(
        6,
        "consent/queries/receipts.py",
        "WHERE link.token_hash = %s AND link.expires_at > %s\n",
        "WHERE link.token_hash = %s AND link.expires_at >= %s\n",
        f"{LINKS}test_a_progress_link_opens_for_thirty_days",
    ),
    Mutant(
        10,
        "consent/domain/receipt_check.py",
        '        content = unpacks.decompress(stream, max(1, at_most)) if is_json else b""\n',
        '        content = unpacks.decompress(stream) if is_json else b""\n',
        "tests/consent/test_receipt_copies.py::test_no_file_makes_us_unpack_much_more_than_a_receipt_holds",
    ),
    Mutant(
        2,
        "partners/sql/guards.sql",
        "greatest((p.payload ->> 'ends_at')::timestamptz, p.decided_at))",
        "p.decided_at)",
        f"{SPENT}test_a_rule_ends_no_sooner_than_was_agreed",
    ),
    Mutant(
        2,
        "partners/feeds/terms.py",
        "is_draft=bool(unknown), ",
        "",
        "tests/support/test_console_forms.py::test_nothing_is_allowed_by_words_in_a_file_that_nobody_asks_by",
    ),
    Mutant(
        7,
        "accounts/workers/sms_delivery.py",
        "    if message.kind == Message.Kind.MOVED:\n        return bool(_list_silenced",
        "    if not message.kind:\n        return bool(_list_silenced",
        f"{MOVED}test_no_line_with_the_safe_contact_s_number_silences_a_warning[begins]",
    ),
)
