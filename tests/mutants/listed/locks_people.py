"""Locks, unique keys and second looks left out among people and their choices: what is done once is done twice."""

import re

from tests.mutants.mutant import Mutant

ACCOUNTS = "tests/accounts/test_at_once.py::"
CONSENT = "tests/consent/test_at_once.py::"
LOCK = re.compile(r"\.select_for_update\((?:[^()]|\([^()]*\))*\)| FOR (?:NO KEY )?UPDATE(?: OF \w+)?(?: SKIP LOCKED)?")


def unlocked(promise: int, file: str, was: str, test: str) -> Mutant:
    """The rows of `was` are read, and not locked."""
    return Mutant(promise, file, was, LOCK.sub("", was), test)


MUTANTS = (
    Mutant(
        7,
        "accounts/actions/codes.py",
        'LOCK_LINE = "SELECT FROM accounts_line WHERE id = %s FOR NO KEY UPDATE"\n',
        'LOCK_LINE = "SELECT FROM accounts_line WHERE id = %s"\n',
        f"{ACCOUNTS}test_a_code_typed_twice_at_once_opens_once",
    ),
    Mutant(
        7,
        "accounts/actions/codes.py",
        'LOCK_LINE = "SELECT FROM accounts_line WHERE id = %s FOR NO KEY UPDATE"\n',
        'LOCK_LINE = "SELECT FROM accounts_line WHERE id = %s"\n',
        f"{ACCOUNTS}test_no_guess_at_the_same_time_is_one_too_many",
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
        "accounts/actions/sign_ins.py",
        '    User.objects.select_for_update(of=("self",)).get(pk=user.pk)\n',
        "",
        f"{ACCOUNTS}test_of_two_first_devices_at_once_one_is_told_of",
    ),
    Mutant(
        7,
        "accounts/actions/sign_ins.py",
        '    user = User.objects.select_for_update(of=("self",)).get(pk=user.pk)\n'
        "    if sessions.has_own_proof(user=user, but_carrier=by_carrier):\n",
        "    user = User.objects.get(pk=user.pk)\n    if sessions.has_own_proof(user=user, but_carrier=by_carrier):\n",
        f"{ACCOUNTS}test_a_first_password_is_chosen_once",
    ),
    Mutant(
        7,
        "accounts/actions/sign_ins.py",
        '    user = User.objects.select_for_update(of=("self",)).get(pk=user.pk)\n'
        "    _open(user).filter(expires_at__lte=at).update(cancelled_at=at)\n",
        "    _open(user).filter(expires_at__lte=at).update(cancelled_at=at)\n",
        f"{ACCOUNTS}test_the_wait_for_a_new_password_begins_and_ends_once",
    ),
    Mutant(
        7,
        "accounts/actions/sign_ins.py",
        '    user = User.objects.select_for_update(of=("self",)).get(pk=user.pk)\n'
        "    waited = auth_factors.get_pending_password(user=user, at=at)\n",
        "    waited = auth_factors.get_pending_password(user=user, at=at)\n",
        f"{ACCOUNTS}test_forgotten_password_is_replaced_once_and_not_when_taken_back",
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
        f"{ACCOUNTS}test_member_of_staff_is_pinned_to_one_name_of_provider",
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
        "accounts/actions/delegations.py",
        'Line.objects.select_for_update(of=("self",), no_key=True).filter',
        "Line.objects.filter",
        f"{ACCOUNTS}test_an_invitation_to_sign_in_is_texted_once",
    ),
    Mutant(
        12,
        "accounts/actions/sms_outbox.py",
        "    Line.objects.select_for_update().get(pk=line_id)\n    if OutgoingEmail",
        "    if OutgoingEmail",
        f"{ACCOUNTS}test_no_more_mails_and_links_of_receipts_than_day_has",
    ),
    Mutant(
        12,
        "accounts/actions/sms_outbox.py",
        '    Line.objects.select_for_update(of=("self",), no_key=True).get(pk=line_id)\n    sent',
        "    sent",
        f"{ACCOUNTS}test_no_more_mails_and_links_of_receipts_than_day_has",
    ),
    Mutant(
        12,
        "accounts/workers/email_outbox.py",
        "OutgoingEmail.objects.select_for_update(skip_locked=True).filter(",
        "OutgoingEmail.objects.filter(",
        f"{ACCOUNTS}test_a_mail_is_claimed_by_one_worker",
    ),
    Mutant(
        12,
        "accounts/workers/sms_delivery.py",
        "expires_at > %(now)s\n    FOR UPDATE SKIP LOCKED\n",
        "expires_at > %(now)s\n",
        f"{ACCOUNTS}test_a_text_is_claimed_by_one_worker",
    ),
    Mutant(
        7,
        "accounts/workers/sms_delivery.py",
        "SafeContact.objects.select_for_update().filter(",
        "SafeContact.objects.filter(",
        f"{ACCOUNTS}test_a_contact_whose_number_is_another_s_ends_once",
    ),
    Mutant(
        7,
        "accounts/actions/contacts.py",
        '    Line.objects.select_for_update(of=("self",), no_key=True).get(pk=line_id)\n'
        "    waiting = delegations.get_pending_contact",
        "    waiting = delegations.get_pending_contact",
        f"{ACCOUNTS}test_no_guess_at_a_contacts_code_is_one_too_many",
    ),
    Mutant(
        12,
        "accounts/actions/contacts.py",
        '    Line.objects.select_for_update(of=("self",), no_key=True).get(pk=line_id)\n    asked = SafeContact',
        "    asked = SafeContact",
        f"{ACCOUNTS}test_no_more_numbers_are_texted_code_than_a_day_has",
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
        "accounts/actions/delegations.py",
        '    line = Line.objects.select_for_update(of=("self",), no_key=True).get(pk=line_id)\n',
        "    line = Line.objects.get(pk=line_id)\n",
        f"{ACCOUNTS}test_nor_are_more_numbers_than_a_day_has",
    ),
    Mutant(
        7,
        "accounts/actions/delegations.py",
        'Delegation.objects.select_for_update(of=("self",)).select_related("line")',
        'Delegation.objects.select_related("line")',
        f"{ACCOUNTS}test_what_is_ended_is_not_taken_on",
    ),
    Mutant(
        7,
        "accounts/actions/line_separation.py",
        '    line = Line.objects.select_for_update(of=("self",), no_key=True).get(pk=line_id)\n',
        "    line = Line.objects.get(pk=line_id)\n",
        f"{ACCOUNTS}test_a_separation_is_asked_for_and_closed_once",
    ),
    Mutant(
        7,
        "accounts/actions/line_separation.py",
        'Separation.objects.select_for_update(of=("self",)).filter',
        "Separation.objects.filter",
        f"{ACCOUNTS}test_a_separation_is_asked_for_and_closed_once",
    ),
    unlocked(
        2,
        "consent/sql/gate.sql",
        "    SELECT * INTO g FROM consent_linegate WHERE line_id = line FOR UPDATE;\n",
        f"{CONSENT}test_two_rows_of_ledger_at_once_both_move_the_gate",
    ),
    Mutant(
        5,
        "consent/workers/expiry.py",
        "    lock_line(line_id=line_id)\n    told = ",
        "    told = ",
        f"{CONSENT}test_partner_told_again_never_hears_what_was_before_a_stop",
    ),
    Mutant(
        2,
        "consent/actions/consent_requests.py",
        "    lock_line(line_id=question.line.pk)\n    now = ",
        "    now = ",
        f"{CONSENT}test_a_question_is_answered_once",
    ),
    Mutant(
        12,
        "consent/actions/consent_requests.py",
        "    lock_line(line_id=question.line.pk)\n    if not may_be_answered",
        "    if not may_be_answered",
        f"{CONSENT}test_no_more_questions_are_put_to_line_than_month_has",
    ),
    Mutant(
        12,
        "consent/workers/request_texts.py",
        "    lock_line(line_id=line_id)\n    ask = ",
        "    ask = ",
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
        "consent/workers/agent_callbacks.py",
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
        f"{CONSENT}test_number_that_two_files_give_to_two_lines_is_ones",
    ),
    Mutant(
        2,
        "consent/actions/restore.py",
        "    lock_line(line_id=line_id)\n    if (\n",
        "    if (\n",
        f"{CONSENT}test_yes_that_was_lost_with_database_is_told_of_once",
    ),
    Mutant(
        12,
        "consent/actions/signals.py",
        "    now = lock_line(line_id=line_id)\n    signal, first",
        "    now = at\n    signal, first",
        f"{CONSENT}test_a_privacy_signal_stops_once_what_came_since_the_last",
    ),
    # A campaign becomes another while somebody says yes to it
    Mutant(
        3,
        "consent/domain/snapshots.py",
        "ORDER BY ref FOR SHARE",
        "ORDER BY ref",
        f"{CONSENT}test_no_campaign_changes_while_a_yes_to_it_is_brought",
    ),
    Mutant(
        3,
        "consent/actions/choices.py",
        "    if person and not accounts.queries.may_still(",
        "    if not person and not accounts.queries.may_still(",
        "tests/consent/test_allowed_meanwhile.py::test_no_yes_of_who_may_not_say_it_any_more",
    ),
    Mutant(
        2,
        "consent/actions/consent_requests.py",
        "now.answering != question.answering or ",
        "",
        "tests/consent/test_allowed_meanwhile.py::test_nor_is_a_company_s_question_answered_with_one",
    ),
    Mutant(
        3,
        "consent/actions/choices.py",
        "    snapshots.lock_terms(campaigns=[campaign])\n",
        "",
        f"{CONSENT}test_no_campaign_changes_while_a_person_allows_it",
    ),
)
