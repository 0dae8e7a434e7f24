"""Locks, unique keys and second looks left out: what may be done once is done twice where two come at once."""

import re

from tests.mutants.mutant import Mutant

ACCOUNTS = "tests/accounts/test_at_once.py::"
OFFICERS = "tests/support/test_officers_at_once.py::"
REVOCATIONS = "tests/revocations/test_at_once.py::"
CONSENT = "tests/consent/test_at_once.py::"
DESK = "tests/support/test_desk_at_once.py::"
PARTNERS = "tests/partners/test_at_once.py::"
LOCK = re.compile(r"\.select_for_update\((?:[^()]|\([^()]*\))*\)| FOR (?:NO KEY )?UPDATE(?: OF \w+)?(?: SKIP LOCKED)?")


def unlocked(promise: int, file: str, was: str, test: str) -> Mutant:
    """The rows of `was` are read, and not locked."""
    return Mutant(promise, file, was, LOCK.sub("", was), test)


MUTANTS = (
    Mutant(
        7,
        "accounts/actions/codes.py",
        "ORDER BY made_at DESC FOR UPDATE\n",
        "ORDER BY made_at DESC\n",
        f"{ACCOUNTS}test_a_code_typed_twice_at_once_opens_once",
    ),
    Mutant(
        12,
        "accounts/actions/codes.py",
        'LOCK_LINE = "SELECT FROM accounts_line WHERE id = %s FOR NO KEY UPDATE"\n',
        'LOCK_LINE = "SELECT FROM accounts_line WHERE id = %s"\n',
        f"{ACCOUNTS}test_two_who_ask_at_once_are_texted_the_same_code",
    ),
    Mutant(
        7,
        "accounts/actions/people.py",
        '    Line.objects.select_for_update(of=("self",), no_key=True).get(pk=line.pk)\n'
        "    user = queries.user_of_line(line_id=line.pk)\n",
        "    user = queries.user_of_line(line_id=line.pk)\n",
        f"{ACCOUNTS}test_two_first_sign_ins_at_once_are_one_person",
    ),
    Mutant(
        7,
        "accounts/actions/people.py",
        '        LineUser.objects.select_for_update(of=("self",))\n',
        "        LineUser.objects\n",
        f"{ACCOUNTS}test_a_tenure_ends_once",
    ),
    Mutant(
        7,
        "accounts/actions/devices.py",
        '    User.objects.select_for_update(of=("self",)).get(pk=user.pk)\n',
        "",
        f"{ACCOUNTS}test_of_two_first_devices_at_once_one_is_told_of",
    ),
    Mutant(
        7,
        "accounts/actions/factors.py",
        '    user = User.objects.select_for_update(of=("self",)).get(pk=user.pk)\n'
        "    if sessions.has_proof_of_their_own(user=user, but_carrier=by_carrier):\n",
        "    user = User.objects.get(pk=user.pk)\n"
        "    if sessions.has_proof_of_their_own(user=user, but_carrier=by_carrier):\n",
        f"{ACCOUNTS}test_a_first_password_is_chosen_once",
    ),
    Mutant(
        7,
        "accounts/actions/factors.py",
        '    user = User.objects.select_for_update(of=("self",)).get(pk=user.pk)\n'
        "    _open(user).filter(expires_at__lte=at).update(cancelled_at=at)\n",
        "    _open(user).filter(expires_at__lte=at).update(cancelled_at=at)\n",
        f"{ACCOUNTS}test_the_wait_for_a_new_password_begins_and_ends_once",
    ),
    Mutant(
        7,
        "accounts/actions/factors.py",
        '    user = User.objects.select_for_update(of=("self",)).get(pk=user.pk)\n'
        "    waited = ways_in.new_password_of(user=user, at=at)\n",
        "    waited = ways_in.new_password_of(user=user, at=at)\n",
        f"{ACCOUNTS}test_a_forgotten_password_is_replaced_once_and_not_when_taken_back",
    ),
    Mutant(
        8,
        "accounts/actions/staff.py",
        '        User.objects.select_for_update(of=("self",)).get(pk=user.pk)\n',
        "",
        f"{ACCOUNTS}test_an_invitation_is_used_once",
    ),
    Mutant(
        8,
        "accounts/actions/staff.py",
        'noted with its name."""\n'
        '    staff = User.objects.select_for_update(of=("self",)).exclude(role=User.Role.SUBSCRIBER)\n',
        'noted with its name."""\n    staff = User.objects.exclude(role=User.Role.SUBSCRIBER)\n',
        f"{ACCOUNTS}test_a_member_of_staff_is_pinned_to_one_name_of_the_provider",
    ),
    Mutant(
        8,
        "accounts/actions/staff.py",
        "def _staff(email: str) -> User:\n"
        '    staff = User.objects.select_for_update(of=("self",)).exclude(role=User.Role.SUBSCRIBER)\n',
        "def _staff(email: str) -> User:\n    staff = User.objects.exclude(role=User.Role.SUBSCRIBER)\n",
        f"{ACCOUNTS}test_who_has_left_is_ended_once_and_invited_no_more",
    ),
    Mutant(
        12,
        "accounts/actions/inviting.py",
        'Line.objects.select_for_update(of=("self",), no_key=True).filter',
        "Line.objects.filter",
        f"{ACCOUNTS}test_an_invitation_to_sign_in_is_texted_once",
    ),
    Mutant(
        12,
        "accounts/actions/posting.py",
        "    Line.objects.select_for_update().get(pk=line_id)\n    if Letter",
        "    if Letter",
        f"{ACCOUNTS}test_no_more_mails_and_links_of_receipts_than_a_day_has",
    ),
    Mutant(
        12,
        "accounts/actions/posting.py",
        '    Line.objects.select_for_update(of=("self",), no_key=True).get(pk=line_id)\n    sent',
        "    sent",
        f"{ACCOUNTS}test_no_more_mails_and_links_of_receipts_than_a_day_has",
    ),
    Mutant(
        12,
        "accounts/letters.py",
        "Letter.objects.select_for_update(skip_locked=True).filter(taken_at__isnull=True, expires_at__gt=now)",
        "Letter.objects.filter(taken_at__isnull=True, expires_at__gt=now)",
        f"{ACCOUNTS}test_a_mail_is_claimed_by_one_worker",
    ),
    Mutant(
        12,
        "accounts/delivery.py",
        "expires_at > %s\nFOR UPDATE SKIP LOCKED\n",
        "expires_at > %s\n",
        f"{ACCOUNTS}test_a_text_is_claimed_by_one_worker",
    ),
    Mutant(
        7,
        "accounts/delivery.py",
        "SafeContact.objects.select_for_update().filter(",
        "SafeContact.objects.filter(",
        f"{ACCOUNTS}test_a_contact_whose_number_is_another_s_ends_once",
    ),
    Mutant(
        7,
        "accounts/actions/contacts.py",
        '    Line.objects.select_for_update(of=("self",), no_key=True).get(pk=line_id)\n'
        "    waiting = care.contact_waiting",
        "    waiting = care.contact_waiting",
        f"{ACCOUNTS}test_no_guess_at_a_contact_s_code_is_one_too_many",
    ),
    Mutant(
        12,
        "accounts/actions/contacts.py",
        '    Line.objects.select_for_update(of=("self",), no_key=True).get(pk=line_id)\n    asked = SafeContact',
        "    asked = SafeContact",
        f"{ACCOUNTS}test_no_more_numbers_are_texted_a_code_than_a_day_has",
    ),
    Mutant(
        7,
        "accounts/actions/contacts.py",
        '    Line.objects.select_for_update(of=("self",), no_key=True).get(pk=line_id)\n    SafeContact',
        "    SafeContact",
        f"{ACCOUNTS}test_a_contact_is_proved_and_removed_once",
    ),
    Mutant(
        7,
        "accounts/actions/looking_after.py",
        '    line = Line.objects.select_for_update(of=("self",), no_key=True).get(pk=line_id)\n',
        "    line = Line.objects.get(pk=line_id)\n",
        f"{ACCOUNTS}test_nor_are_more_numbers_than_a_day_has",
    ),
    Mutant(
        7,
        "accounts/actions/looking_after.py",
        'Delegation.objects.select_for_update(of=("self",)).select_related("line")',
        'Delegation.objects.select_related("line")',
        f"{ACCOUNTS}test_what_is_ended_is_not_taken_on",
    ),
    Mutant(
        7,
        "accounts/actions/separating.py",
        '    line = Line.objects.select_for_update(of=("self",), no_key=True).get(pk=line_id)\n',
        "    line = Line.objects.get(pk=line_id)\n",
        f"{ACCOUNTS}test_a_separation_is_asked_for_and_closed_once",
    ),
    Mutant(
        7,
        "accounts/actions/separating.py",
        'Separation.objects.select_for_update(of=("self",)).filter',
        "Separation.objects.filter",
        f"{ACCOUNTS}test_a_separation_is_asked_for_and_closed_once",
    ),
    unlocked(
        8,
        "partners/actions/proposals.py",
        '    proposal = Proposal.objects.select_for_update(of=("self",)).filter(pk=proposal_id).first()\n',
        f"{OFFICERS}test_of_two_who_agree_the_first_did_it",
    ),
    unlocked(
        2,
        "partners/actions/proposals.py",
        '    proposal = Proposal.objects.select_for_update(of=("self",)).filter(pk=proposal_id).first()\n',
        f"{OFFICERS}test_what_is_declined_or_withdrawn_is_not_done",
    ),
    unlocked(
        2,
        "partners/actions/guards.py",
        '        row = Contract.objects.select_for_update(of=("self",)).filter(pk=target_id).first()\n',
        f"{OFFICERS}test_a_draft_is_put_in_force_once_and_changed_no_more",
    ),
    unlocked(
        8,
        "partners/actions/machines.py",
        'Client.objects.select_for_update(of=("self",)).filter(number=number)',
        f"{OFFICERS}test_a_machine_is_disabled_once_and_another_key_proposed_once",
    ),
    unlocked(
        8,
        "partners/actions/clients.py",
        "    client = Client.objects.select_for_update().filter(client_id=client_id).first()\n",
        f"{OFFICERS}test_so_is_one_by_the_operator_s_commands",
    ),
    unlocked(
        8,
        "partners/actions/authorized.py",
        'AuthorizedAgent.objects.select_for_update(of=("self",)).filter(number=number)',
        f"{OFFICERS}test_an_agent_is_suspended_once",
    ),
    unlocked(
        8,
        "partners/actions/parties.py",
        "Party.objects.select_for_update().filter(uri=uri)",
        f"{OFFICERS}test_a_company_seen_in_a_path_is_named_once",
    ),
    unlocked(
        8,
        "partners/actions/parties.py",
        "Party.objects.select_for_update().filter(pk=party_id)",
        f"{OFFICERS}test_the_trail_names_what_each_officer_changed_of_a_company",
    ),
    Mutant(
        2,
        "revocations/actions/suspend.py",
        '        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"',
        '        cursor.execute("SELECT hashtextextended(%s, 0)"',
        f"{OFFICERS}test_two_who_suspend_make_one_suspension",
    ),
    Mutant(
        11,
        "disclosures/actions.py",
        "    with connection.cursor() as cursor:\n"
        "        cursor.execute(\"SELECT pg_advisory_xact_lock(hashtext('disclosures.anomalyrule'))\")\n",
        "",
        f"{OFFICERS}test_a_rule_for_anomalies_has_one_next_version",
    ),
    unlocked(
        8,
        "support/actions/cases.py",
        'Ticket.objects.select_for_update(of=("self",)).filter(code=code)',
        f"{DESK}test_a_case_is_claimed_once",
    ),
    unlocked(
        8,
        "support/actions/queue.py",
        "free.select_for_update(skip_locked=True)",
        f"{DESK}test_who_asks_for_the_next_case_never_gets_another_s",
    ),
    unlocked(
        8,
        "support/actions/queue.py",
        "Ticket.objects.select_for_update().filter(code__in=[code, into])",
        f"{DESK}test_a_case_is_merged_once",
    ),
    Mutant(
        8,
        "support/actions/asking.py",
        "    User.objects.select_for_update().get(pk=user.pk)\n",
        "",
        f"{DESK}test_no_more_cases_are_opened_than_a_day_has",
    ),
    unlocked(
        8,
        "support/oversight/own.py",
        '(rows.select_for_update(of=("self",)) if locked else rows)',
        f"{DESK}test_nor_is_more_written_in_one",
    ),
    unlocked(
        8,
        "support/actions/mail.py",
        "Ticket.objects.select_for_update().filter(code=code)",
        f"{DESK}test_nor_by_mail",
    ),
    unlocked(
        8,
        "support/sending.py",
        'Ticket.objects.select_for_update(of=("self",), skip_locked=True)',
        f"{DESK}test_an_answer_waits_for_who_works_on_its_case",
    ),
    unlocked(
        8,
        "support/sending.py",
        'Draft.objects.select_for_update(of=("self",))',
        f"{DESK}test_what_is_taken_back_does_not_go_out",
    ),
    Mutant(
        8,
        "support/actions/replies.py",
        "    Incident.objects.select_for_update().filter(pk=incident_id).first()\n",
        "",
        f"{DESK}test_one_reply_to_many_is_begun_sent_and_taken_back_once",
    ),
    unlocked(
        8,
        "support/actions/replies.py",
        "BulkReply.objects.select_for_update().filter(pk=reply_id)",
        f"{DESK}test_one_reply_to_many_is_begun_sent_and_taken_back_once",
    ),
    unlocked(
        8,
        "support/replying.py",
        "BulkReply.objects.select_for_update(skip_locked=True)",
        f"{DESK}test_one_reply_to_many_is_begun_sent_and_taken_back_once",
    ),
    unlocked(
        8,
        "support/actions/canned.py",
        "CannedReply.objects.select_for_update().filter(pk=reply_id)",
        f"{DESK}test_a_reply_written_often_is_retired_and_brought_back",
    ),
    unlocked(
        8,
        "support/actions/reveal.py",
        'Reveal.objects.select_for_update(of=("self",))',
        f"{DESK}test_a_second_person_s_yes_is_given_once",
    ),
    unlocked(
        8,
        "support/actions/cases.py",
        'Ticket.objects.select_for_update(of=("self",)).filter(code=code)',
        f"{DESK}test_a_reveal_asked_for_twice_is_one",
    ),
    unlocked(
        8,
        "support/actions/stop_for.py",
        '        LoggedCall.objects.select_for_update(of=("self",))\n',
        f"{DESK}test_a_logged_call_is_the_proof_of_one_stop",
    ),
    unlocked(
        8,
        "support/actions/referring.py",
        'SuspendRequest.objects.select_for_update(of=("self",)).filter',
        f"{DESK}test_a_company_is_suspended_for_a_case_once",
    ),
    unlocked(
        6,
        "support/actions/seeds.py",
        "SeedLine.objects.select_for_update().filter",
        f"{DESK}test_a_test_line_is_watched_and_let_go_of_once",
    ),
    unlocked(
        6,
        "audit/actions.py",
        "Incident.objects.select_for_update().get_or_create(",
        f"{DESK}test_an_incident_counts_what_comes_at_once",
    ),
    Mutant(
        6,
        "revocations/actions/receipts.py",
        "        _take_turn(party, word.jti)\n        if not",
        "        if not",
        f"{REVOCATIONS}test_one_jti_is_one_receipt_whatever_it_is_about",
    ),
    Mutant(
        6,
        "revocations/actions/receipts.py",
        "        if not _known(word.jti, digest, party):\n            _record(",
        "        if True:\n            _record(",
        f"{REVOCATIONS}test_a_receipt_handed_in_twice_is_kept_once",
    ),
    unlocked(
        6,
        "revocations/actions/receipts.py",
        "Order.objects.select_for_update().filter(jti=word.order_jti",
        f"{REVOCATIONS}test_two_receipts_that_each_bring_a_company_s_signature_bring_both",
    ),
    unlocked(
        6,
        "revocations/actions/cohort_receipts.py",
        "        StreamEvent.objects.select_for_update()\n",
        f"{REVOCATIONS}test_an_end_signed_twice_at_once_is_kept_once_and_not_taken_back",
    ),
    unlocked(
        6,
        "revocations/actions/evidence.py",
        "EvidenceRequest.objects.select_for_update().filter(jti",
        f"{REVOCATIONS}test_a_question_for_proof_is_answered_once",
    ),
    unlocked(
        6,
        "revocations/clocks/evidence.py",
        "EvidenceRequest.objects.select_for_update(skip_locked=True)",
        f"{REVOCATIONS}test_a_question_for_proof_that_nobody_answered_is_noted_once",
    ),
    unlocked(
        5,
        "revocations/actions/tell.py",
        "contract_id = ANY (%s) ORDER BY contract_id FOR UPDATE\n",
        f"{REVOCATIONS}test_a_stop_and_a_partner_that_is_told_again_have_two_versions",
    ),
    unlocked(
        5,
        "revocations/actions/again.py",
        "Standing.objects.select_for_update()",
        f"{REVOCATIONS}test_a_partner_is_told_again_once",
    ),
    unlocked(
        6,
        "revocations/actions/contradict.py",
        "        Order.objects.select_for_update()\n",
        f"{REVOCATIONS}test_a_use_after_the_signature_contradicts_once",
    ),
    unlocked(
        6,
        "revocations/actions/broken_ends.py",
        "StreamEvent.objects.select_for_update()",
        f"{REVOCATIONS}test_so_does_one_of_what_had_ended",
    ),
    unlocked(
        4,
        "revocations/delivery/claims.py",
        "AND lane = %(lane)s AND next_attempt_at <= %(now)s\n"
        "    AND (%(only)s::uuid[] IS NULL OR id = ANY (%(only)s::uuid[]))\n"
        "ORDER BY next_attempt_at LIMIT %(room)s FOR UPDATE SKIP LOCKED\n",
        f"{REVOCATIONS}test_what_a_poll_was_given_is_not_pushed",
    ),
    unlocked(
        4,
        "revocations/delivery/claims.py",
        "rows.select_for_update(skip_locked=True)[:room]",
        f"{REVOCATIONS}test_of_two_polls_one_is_given_it",
    ),
    unlocked(
        4,
        "revocations/delivery/fairness.py",
        "FROM revocations_breaker WHERE party_id = %s FOR UPDATE",
        f"{REVOCATIONS}test_no_more_is_in_flight_than_a_partner_s_share",
    ),
    unlocked(
        4,
        "revocations/delivery/fairness.py",
        "FROM revocations_breaker WHERE party_id = %s FOR UPDATE",
        f"{REVOCATIONS}test_one_probe_finds_out_whether_a_partner_is_back",
    ),
    Mutant(
        4,
        "revocations/delivery/fairness.py",
        "    SET tries = tally.tries + excluded.tries, failures = tally.failures + excluded.failures\n",
        "    SET tries = excluded.tries, failures = excluded.failures\n",
        f"{REVOCATIONS}test_pushes_counted_at_once_are_all_counted",
    ),
    unlocked(
        4,
        "revocations/delivery/polling.py",
        'for order in orders.filter(open_ones, jti__in=errors).order_by("pk").select_for_update():',
        f"{REVOCATIONS}test_what_a_poller_refuses_twice_is_one_try",
    ),
    unlocked(
        4,
        "revocations/actions/cohorts.py",
        "    cohort = Cohort.objects.select_for_update().get(pk=cohort_id)\n    if cohort.listed_to_line",
        f"{REVOCATIONS}test_a_shard_is_listed_and_a_manifest_published_once",
    ),
    unlocked(
        4,
        "revocations/actions/cohorts.py",
        "    cohort = Cohort.objects.select_for_update().get(pk=cohort_id)\n    if cohort.manifest_at",
        f"{REVOCATIONS}test_a_shard_is_listed_and_a_manifest_published_once",
    ),
    unlocked(
        4,
        "revocations/verification.py",
        "rows.select_for_update(skip_locked=True)",
        f"{REVOCATIONS}test_a_stream_is_asked_whether_it_lives_by_one_worker",
    ),
    unlocked(
        4,
        "revocations/actions/streams.py",
        "Stream.objects.select_for_update().filter(party_id=party.pk)",
        f"{REVOCATIONS}test_what_an_officer_paused_its_partner_does_not_enable",
    ),
    unlocked(
        4,
        "revocations/streams/status.py",
        "Stream.objects.select_for_update().get(party_id=party_id)",
        f"{REVOCATIONS}test_a_stream_paused_by_two_officers_at_once_is_paused_and_told_once",
    ),
    Mutant(
        6,
        "revocations/clocks/dates.py",
        "ORDER BY o.complete_by LIMIT %(batch)s\nON CONFLICT DO NOTHING RETURNING party_id, due_at\n",
        "ORDER BY o.complete_by LIMIT %(batch)s\n"
        "ON CONFLICT (kind, about) DO UPDATE SET at = excluded.at RETURNING party_id, due_at\n",
        f"{REVOCATIONS}test_a_late_order_is_a_breach_once",
    ),
    Mutant(
        6,
        "revocations/clocks/health.py",
        '        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [key])\n',
        '        cursor.execute("SELECT %s", [key])\n',
        f"{REVOCATIONS}test_a_partner_that_let_three_questions_pass_is_denied_once",
    ),
    unlocked(
        2,
        "consent/migrations/0002_gate.py",
        "    SELECT * INTO g FROM consent_linegate WHERE line_id = line FOR UPDATE;\n",
        f"{CONSENT}test_two_rows_of_the_ledger_at_once_both_move_the_gate",
    ),
    Mutant(
        5,
        "consent/expiry.py",
        'cursor.execute("SELECT consent_lock_line(%s)", [line_id])',
        'cursor.execute("SELECT %s", [line_id])',
        f"{CONSENT}test_a_partner_that_is_told_again_never_hears_what_was_before_a_stop",
    ),
    Mutant(
        2,
        "consent/actions/asks.py",
        "    take_turn(line_id=question.line.pk)\n    now_open",
        "    now_open",
        f"{CONSENT}test_a_question_is_answered_once",
    ),
    Mutant(
        12,
        "consent/actions/asks.py",
        "    take_turn(line_id=question.line.pk)\n    if not asks.may_be_answered",
        "    if not asks.may_be_answered",
        f"{CONSENT}test_no_more_questions_are_put_to_a_line_than_a_month_has",
    ),
    Mutant(
        12,
        "consent/asking.py",
        'cursor.execute("SELECT consent_lock_line(%s)", [line_id])',
        'cursor.execute("SELECT %s", [line_id])',
        f"{CONSENT}test_a_question_s_text_is_sent_by_one_worker",
    ),
    unlocked(
        7,
        "consent/actions/agents.py",
        "AuthorizedAgent.objects.select_for_update().get(pk=agent.pk)",
        f"{CONSENT}test_the_same_message_of_an_agent_is_one_request",
    ),
    unlocked(
        7,
        "consent/actions/agents.py",
        "AuthorizedAgent.objects.select_for_update().get(pk=agent.pk)",
        f"{CONSENT}test_a_suspended_agent_asks_for_nobody",
    ),
    unlocked(
        7,
        "consent/actions/agents.py",
        'AgentRequest.objects.select_for_update(of=("self",))',
        f"{CONSENT}test_an_agent_s_request_is_answered_once",
    ),
    unlocked(
        7,
        "consent/agency.py",
        'AgentRequest.objects.select_for_update(skip_locked=True, of=("self",))',
        f"{CONSENT}test_an_agent_s_request_that_nobody_answered_is_over_once",
    ),
    unlocked(
        6,
        "consent/actions/digests.py",
        "DigestRun.objects.select_for_update().filter",
        f"{CONSENT}test_a_bucket_of_a_partner_s_books_is_compared_once",
    ),
    Mutant(
        7,
        "consent/feeds/tenures.py",
        "    with connection.cursor() as cursor:\n        cursor.execute(ONE_AT_A_TIME)\n    keeper =",
        "    keeper =",
        f"{CONSENT}test_a_number_that_two_files_give_to_two_lines_is_one_s",
    ),
    Mutant(
        2,
        "consent/actions/restoring.py",
        "    take_turn(line_id=line_id)\n    if (\n",
        "    if (\n",
        f"{CONSENT}test_a_yes_that_was_lost_with_the_database_is_told_of_once",
    ),
    Mutant(
        12,
        "consent/actions/signals.py",
        "    now = take_turn(line_id=line_id)\n    signal, first",
        "    now = at\n    signal, first",
        f"{CONSENT}test_a_privacy_signal_stops_once_what_came_since_the_last",
    ),
)
