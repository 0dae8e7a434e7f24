"""Locks, unique keys and second looks left out: what may be done once is done twice where two come at once."""

from tests.mutants.mutant import Mutant

ACCOUNTS = "tests/accounts/test_at_once.py::"

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
)
