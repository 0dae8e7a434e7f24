"""What subscribers read of their choices: two words swapped, a sentence dropped, one state counted as another."""

from tests.mutants.mutant import Mutant

WORDS = "tests/words"
LINK = f"{WORDS}/test_behind_the_link.py::test_the_counts_are_those_of_what_each_partner_did"
ALL_SIGNED = f"{WORDS}/test_behind_the_link.py::test_of_three_none_one_two_and_all_have_signed"
TOLD = f"{WORDS}/test_choice.py::test_minutes_after_a_stop_nobody_is_said_to_have_signed"
ANSWERED = f"{WORDS}/test_choice.py::test_days_later_each_has_signed_or_is_late"
KINDS = f"{WORDS}/test_choice_of_other_kinds.py"
STATES = "tests/consent/test_state_words.py"
PAUSE = f"{KINDS}::test_a_pause_asks_for_no_deletion"
AFTER_A_STOP = f"{KINDS}::test_a_pause_tells_no_deletion_of_an_earlier_stop"
YES = f"{KINDS}::test_a_yes_is_said_to_be_received_no_more"
REPLACED = f"{KINDS}::test_a_newer_message_is_shown_in_its_place"
LISTED = f"{WORDS}/test_choices_by_everyone.py"
BY_A_YES = f"{LISTED}::test_a_yes_changes_what_was_said_before_it"
RECEIPT = f"{WORDS}/test_receipts.py::test_a_stop_s_receipt_says_who_signed_what"
TEXTS = f"{WORDS}/test_texts.py"
OUTCOME = f"{TEXTS}::test_own_stop_is_confirmed_and_its_outcome_told_once"
OUTBOX, OUTCOMES = "accounts/actions/sms_outbox.py", "consent/workers/outcome_texts.py"
CONFIRMED = "tests/consent/test_change_notices.py::test_own_stops_of_one_minute_are_confirmed_by_one_text"

MUTANTS = (
    # What a newer message carries on is told as it was left.
    Mutant(
        6,
        "consent/queries/choices.py",
        "        return sum(one.state == State.COMPLETED for one in self.to_sign)\n",
        "        return sum(one.order.state == State.COMPLETED for one in self.told)\n",
        "tests/words/test_choices_by_everyone.py::test_an_imported_pause_is_as_far_in_the_list_as_on_its_page",
    ),
    # The page behind the link
    Mutant(6, "templates/stop/progress.html", "<dd>{{ counts.received }}</dd>", "<dd>{{ counts.signed }}</dd>", LINK),
    Mutant(6, "templates/stop/progress.html", "<dd>{{ counts.signed }}</dd>", "<dd>{{ counts.received }}</dd>", LINK),
    Mutant(6, "templates/stop/progress.html", "<dd>{{ counts.waiting }}</dd>", "<dd>{{ counts.told }}</dd>", LINK),
    Mutant(6, "templates/stop/progress.html", "{% if counts.in_part %}", "{% if counts.told == 1 %}", LINK),
    Mutant(
        6,
        "templates/stop/progress.html",
        " “Received” means that their system has our message, not that they deleted anything yet.",
        "",
        LINK,
    ),
    Mutant(
        6, "templates/stop/progress.html", "counts.signed < counts.told", "counts.waiting <= counts.told", ALL_SIGNED
    ),
    Mutant(
        6,
        "consent/queries/receipts.py",
        "RECEIVED = (State.ACKNOWLEDGED,)",
        "RECEIVED = (State.ACKNOWLEDGED, State.PARTIAL)",
        LINK,
    ),
    Mutant(
        6,
        "consent/queries/receipts.py",
        "state == State.COMPLETED for",
        "state in (*RECEIVED, State.COMPLETED) for",
        LINK,
    ),
    Mutant(6, "consent/queries/receipts.py", "WAITING = (State.QUEUED, State.SENT)", "WAITING = (State.QUEUED,)", LINK),
    Mutant(
        6,
        "consent/queries/receipts.py",
        "states = [one.state for one in known]",
        "states = [State.QUEUED for one in known]",
        f"{WORDS}/test_behind_the_link.py::test_a_newer_message_counts_for_what_it_carries_on",
    ),
    # Where an order stands
    Mutant(
        6,
        "consent/queries/order_words.py",
        'gettext_lazy("Received, deletion not yet signed")',
        'gettext_lazy("Signed: deleted")',
        TOLD,
    ),
    Mutant(
        6, "consent/queries/order_words.py", 'gettext_lazy("Sent, no answer yet")', 'gettext_lazy("Received")', TOLD
    ),
    Mutant(6, "consent/queries/order_words.py", 'gettext_lazy("Signed in part")', 'gettext_lazy("Signed")', ANSWERED),
    Mutant(
        6,
        "consent/queries/order_words.py",
        "return (DELETION_TAGS if order.owes_deletion else TAGS)[",
        "return DELETION_TAGS[",
        PAUSE,
    ),
    Mutant(
        6,
        "consent/queries/order_words.py",
        "return (DELETION_TAGS if order.owes_deletion else",
        "return (DELETION_TAGS if order.owes_deletion or order.state == State.COMPLETED else",
        f"{STATES}::test_each_state_of_an_order_has_its_word",
    ),
    Mutant(
        6,
        "consent/queries/order_words.py",
        "        len(signed),\n    )  # fmt: skip\n",
        "        1 if len(signed) > 1 else 2,\n    )  # fmt: skip\n",
        f"{STATES}::test_those_behind_a_partner_who_signed_are_counted",
    ),
    Mutant(
        6,
        "consent/queries/order_words.py",
        "if order.overdue and order.owes:",
        "if order.overdue and not order.owes:",
        ANSWERED,
    ),
    Mutant(
        6,
        "consent/queries/order_words.py",
        "if progress.is_received and not order.owes and",
        "if not progress.is_received and not order.owes and",
        YES,
    ),
    # The steps at a partner
    Mutant(
        6, "consent/queries/progress.py", 'anything=asks != "nothing" and bool(actions)', "anything=bool(actions)", YES
    ),
    Mutant(
        6,
        "consent/queries/order_words.py",
        "    if step.already:\n",
        "    if not step:\n",
        f"{KINDS}::test_what_was_told_before_is_not_told_as_new",
    ),
    Mutant(
        6,
        "templates/choices/_partner.html",
        "{% if not partner.is_replaced or not state.undone %}<ol",
        "{% if partner %}<ol",
        f"{KINDS}::test_a_replaced_yes_shows_no_steps_of_the_stop",
    ),
    Mutant(
        6,
        "consent/queries/order_words.py",
        '    if step.status == "done":\n        return _("Received")\n',
        '    if step.status == "now":\n        return _("Received")\n',
        TOLD,
    ),
    Mutant(
        6,
        "consent/queries/order_words.py",
        "def _unsigned_message(progress: Progress) -> str:\n    if not progress.shown.owes_deletion:",
        "def _unsigned_message(progress: Progress) -> str:\n    if progress.only_about:",
        AFTER_A_STOP,
    ),
    Mutant(
        6,
        "consent/queries/order_words.py",
        "n=len(coverage.missing), names=join_words(coverage.missing_names)",
        "n=len(coverage.signed), names=join_words(coverage.signed_names)",
        ANSWERED,
    ),
    Mutant(
        6,
        "templates/choices/_signed.html",
        "names=coverage.reported_names|join_words",
        "names=coverage.signed_names|join_words",
        ANSWERED,
    ),
    Mutant(
        6,
        "consent/queries/order_words.py",
        '", and so did %(n)s company it passed your data to", ',
        '", and so did %(n)s companies it passed your data to", ',
        ANSWERED,
    ),
    Mutant(
        6,
        "templates/choices/_signed.html",
        '{% if order.state == "contradicted" %}<strong',
        '{% if order.state == "rejected" %}<strong',
        ANSWERED,
    ),
    Mutant(6, "templates/choices/_signed.html", "{% if partner.note %}", "{% if partner.noted %}", ANSWERED),
    Mutant(
        6, "consent/queries/order_words.py", "    if progress.shown.overdue:", "    if progress.shown.owes:", ANSWERED
    ),
    Mutant(
        6,
        "revocations/queries/coverage.py",
        "signed=_companies(signed, names, said)",
        "signed=_companies(signed & due, names, said)",
        ANSWERED,
    ),
    Mutant(
        6,
        "revocations/queries/coverage.py",
        "missing=_companies(due - signed, names, said)",
        "missing=_companies(due - done, names, said)",
        f"{WORDS}/test_who_is_missing.py::test_who_has_not_signed_is_named_but_behind_the_link",
    ),
    Mutant(
        6,
        "consent/queries/progress.py",
        'Step("signed", "now", order.completed_at)',
        'Step("signed", "now", order.acknowledged_at)',
        ANSWERED,
    ),
    Mutant(
        6,
        "consent/queries/progress.py",
        "order.complete_by <= at",
        "order.queued_at + UNCONFIRMED_AFTER <= at",
        ANSWERED,
    ),
    Mutant(
        6,
        "consent/queries/progress.py",
        '.order_by("queued_at")\n    .values("queued_at")[:1]\n)',
        '.order_by("-queued_at")\n    .values("queued_at")[:1]\n)',
        f"{KINDS}::test_an_unreached_partner_has_no_new_quarter_hour",
    ),
    # What a choice's page says first, and the list
    Mutant(
        6,
        "consent/queries/choice_words.py",
        "return made_here and not self.changed and (",
        "return made_here and (",
        REPLACED,
    ),
    Mutant(
        6,
        "consent/queries/choice_words.py",
        '_("That is over: your earlier settings are back.") if state.over',
        '_("That is over: your earlier settings are back.") if not state.over',
        PAUSE,
    ),
    Mutant(6, "templates/choices/list.html", "with k=choice.signed", "with k=choice.orders", BY_A_YES),
    Mutant(
        6,
        "templates/choices/list.html",
        "with k=choice.received",
        "with k=choice.orders",
        f"{LISTED}::test_whatever_one_says_is_listed_as_it_stands",
    ),
    Mutant(
        6,
        "consent/queries/choice_words.py",
        '"holder": gettext_lazy("Made by the account holder")',
        '"holder": gettext_lazy("Made by the person who uses this phone")',
        f"{LISTED}::test_child_and_account_holder_read_who_said_it",
    ),
    Mutant(
        6,
        "consent/queries/choices.py",
        "told=tuple(PartnerProgress(order, known[order.id]) for",
        'told=tuple(PartnerProgress(order, FollowedOrder(order, "", known[order.id].coverage)) for',
        BY_A_YES,
    ),
    Mutant(
        6,
        "consent/queries/choices.py",
        "one.received_at is not None for",
        "one.order.sent_at is not None or one.state for",
        f"{LISTED}::test_whatever_one_says_is_listed_as_it_stands",
    ),
    # Receipts and texts
    Mutant(6, "templates/choices/receipt.html", "{% when one.received_at %}", "{% when choice.made_at %}", RECEIPT),
    Mutant(10, "templates/choices/receipt.html", '<p class="token" tabindex="0">{{ one.token }}</p>', "", RECEIPT),
    Mutant(
        6,
        "consent/queries/receipts.py",
        '"in_progress": gettext_lazy("It signed that it has started")',
        '"in_progress": gettext_lazy("It signed that it is done")',
        RECEIPT,
    ),
    Mutant(
        6,
        "consent/domain/pdf_receipts.py",
        "{one.in_words}, {isolate_bidi(_moment(one.received_at))}",
        "{one.in_words}",
        RECEIPT,
    ),
    Mutant(
        6,
        "consent/domain/pdf_receipts.py",
        '*([(_("Until"), _moment(paper.until))] if paper.until else [])',
        "*()",
        f"{WORDS}/test_receipts.py::test_the_receipt_of_a_pause_says_until_when",
    ),
    Mutant(
        10,
        "consent/domain/receipts.py",
        'sign_completion(number=receipt.number, one=one) if one.status == COMPLETED else ""',
        "sign_completion(number=receipt.number, one=one)",
        RECEIPT,
    ),
    Mutant(
        6,
        "consent/domain/change_notices.py",
        "        if answer == ConsentRequest.Answer.NO:\n",
        "        if answer != ConsentRequest.Answer.NO:\n",
        f"{TEXTS}::test_a_company_s_question_and_its_answer_are_told",
    ),
    Mutant(
        6,
        "consent/domain/change_notices.py",
        "(Change.PAUSE_OVER, Author.PORTAL): Message.Kind.PAUSE_OVER",
        "(Change.PAUSE_OVER, Author.PORTAL): Message.Kind.RECORDS",
        f"{TEXTS}::test_what_time_files_and_we_ourselves_did_is_told",
    ),
    # Alerts that nobody asks for
    Mutant(6, OUTCOMES, "        awaited.delete()\n", "        pass\n", OUTCOME),
    Mutant(6, OUTCOMES, "told_at = now if kind else awaited.late_told_at", "told_at = None", OUTCOME),
    Mutant(6, OUTCOMES, "if owing and all(", "if owing and any(", OUTCOME),
    Mutant(
        7,
        "consent/domain/change_notices.py",
        "(kind == Message.Kind.CONFIRMED and known.was_confirmed)",
        "False",
        CONFIRMED,
    ),
    Mutant(
        7,
        "consent/domain/change_notices.py",
        '"Whereabouts: a company we told about your choice missed',
        '"Whereabouts: RoadAid, which we told about your choice, missed',
        OUTCOME,
    ),
    Mutant(
        7, OUTBOX, "    if kind in TOPICS and not alerts", "    if False and kind in TOPICS and not alerts", CONFIRMED
    ),
    Mutant(
        7,
        OUTBOX,
        "    return kind in NOT_IN_CONFIDENCE and ",
        "    return False and ",
        "tests/consent/test_change_notices.py::test_a_line_in_confidence_gets_no_confirmation",
    ),
    Mutant(7, "accounts/policies/alerts.py", "topic != AlertChoice.Topic.YEARLY", "True", CONFIRMED),
)
