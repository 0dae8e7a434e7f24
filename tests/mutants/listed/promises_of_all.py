"""At least one way to break each of the other promises."""

from tests.mutants.mutant import Mutant

MUTANTS = (
    Mutant(
        12,
        "consent/actions/choices.py",
        "            is_texted=number == 0,\n",
        "            is_texted=True,\n",
        "tests/consent/test_stop_coverage.py::test_a_helper_who_stops_several_is_told_of_once",
    ),
    Mutant(
        11,
        "console/domain/carrier_files.py",
        "    if feed == Upload.Feed.DISCLOSURES and any(one.suppressed_until for one in marks):\n",
        "    if False:\n",
        "tests/support/test_imports.py::test_delayed_notices_are_the_legal_process_roles_alone",
    ),
    *(
        Mutant(7, file, was, becomes, f"tests/promises/test_07_history.py::{test}")
        for file, was, becomes, test in (
            (
                "disclosures/domain/ingest/reassigned_rows.py",
                "    start_history_hold(line_ids=receivers, at=at)\n",
                "",
                "test_nobody_opens_what_was_moved_for_a_day[by_an_end]",
            ),
            (
                "disclosures/domain/ingest/reassigned_rows.py",
                "    notify_of_line_moves(lines=told, change=Change.HISTORY, at=at)\n",
                "",
                "test_who_lost_it_is_warned_and_officers_are_told[by_another_number]",
            ),
            (
                "disclosures/domain/ingest/reassigned_rows.py",
                "WHERE was <> line_id AND NOT id IN (SELECT id FROM hidden) ORDER BY id\n",
                "WHERE was <> line_id ORDER BY id\n",
                "test_what_an_order_hides_holds_nothing",
            ),
            (
                "accounts/domain/auth_factors.py",
                "(line.sim_changed_at, line.forwarding_changed_at, line.history_known_at)",
                "(line.sim_changed_at, line.forwarding_changed_at)",
                "test_an_older_password_does_not_show_whose_it_is",
            ),
            (
                "accounts/queries.py",
                "(get_hold_end(line=own, at=at), delegations.get_history_hold_end(line=line, at=at))",
                "(get_hold_end(line=own, at=at),)",
                "test_neither_holder_nor_helper_opens_what_was_moved",
            ),
            (
                "accounts/views/access.py",
                "    reads = is_readable and request.method in",
                "    reads = request.method in",
                "test_a_helper_with_a_new_number_opens_nothing_either",
            ),
            (
                "accounts/sql/lines.sql",
                "(NEW.history_known_at IS NULL OR NEW.history_known_at < OLD.history_known_at)",
                "NEW.history_known_at IS NULL",
                "test_what_holds_a_history_moves_on_and_never_back",
            ),
        )
    ),
    *(
        Mutant(7, file, was, becomes, f"tests/promises/test_07_account.py::{test}")
        for file, was, becomes, test in (
            (
                "consent/feeds/line_moves.py",
                "            if known.get(line.account_id) or line.carrier_id in self._took:\n",
                "            if line.carrier_id in self._took:\n",
                "test_a_line_that_joins_opens_none_for_a_day[holder-joins_anew]",
            ),
            (
                "consent/feeds/line_moves.py",
                "            if known.get(line.account_id) or line.carrier_id in self._took:\n",
                "            if known.get(line.account_id):\n",
                "test_who_takes_a_stopped_number_allows_nothing[takes_by_lines_that_come_together]",
            ),
            (
                "consent/feeds/line_moves.py",
                "(self._source.is_new_line(line) and not self._others_of(line))",
                "self._source.is_new_line(line)",
                "test_a_line_that_joins_opens_none_for_a_day[minor-joins_in_two_steps]",
            ),
            (
                "consent/feeds/line_moves.py",
                '            line.holder_known_at = self._at\n            names.append("holder_known_at")\n',
                "            pass\n",
                "test_who_takes_a_stopped_number_allows_nothing[takes_by_a_known_line]",
            ),
            (
                "consent/feeds/line_moves.py",
                "            if other.pk not in before:\n                self.warn(other, Change.JOINED)\n",
                "            pass\n",
                "test_each_line_that_can_be_opened_is_warned_at_once[holder-joins_by_moving]",
            ),
            (
                "consent/feeds/line_moves.py",
                "                self._changes.warn_taken(line)\n\n    def take_number",
                "\n    def take_number",
                "test_who_takes_a_stopped_number_allows_nothing[takes_by_a_new_line]",
            ),
            (
                "consent/feeds/tenures.py",
                "            self.moves.warn(line, Change.ENDED)\n",
                "            pass\n",
                "test_an_end_tells_phone_and_safe_contact",
            ),
            (
                "accounts/policies/delegations.py",
                "for moment in (own.holder_known_at, line.holder_known_at) if",
                "for moment in (line.holder_known_at,) if",
                "test_a_line_that_joins_opens_none_for_a_day[minor-joins_by_moving]",
            ),
            (
                "accounts/queries.py",
                'order_by(theirs_since, "activated_at", "pk")',
                'order_by("activated_at", "pk")',
                "test_the_holder_known_longest_answers_for_a_child",
            ),
            (
                "consent/views/access.py",
                "    if line.pk != question.line.pk:\n        ends.append(",
                "    if False:\n        ends.append(",
                "test_a_new_holder_answers_no_question_with_yes_for_a_day",
            ),
            (
                "accounts/actions/sms_outbox.py",
                "made_at__gt=at - DAY, about=about)\n",
                "made_at__gt=at - DAY)\n",
                "test_many_changes_of_one_kind_silence_no_other",
            ),
            (
                "consent/feeds/tenures.py",
                "copy_predecessor(line=line, actor=self.source.actor, at=self.at)",
                'copy_predecessor(line=line, actor="import:lines", at=self.at)',
                "test_stops_that_a_machine_has_continued_name_it",
            ),
            (
                "consent/actions/records.py",
                'by = actor if actor.startswith("client:") else "import:choices"',
                'by = "import:choices"',
                "test_stops_that_a_machine_has_continued_name_it",
            ),
            (
                "consent/feeds/lines.py",
                "GROWN_UP if self._actor == ACTOR else self._actor",
                "GROWN_UP",
                "test_a_yes_that_ends_as_a_child_grows_up_names_the_machine",
            ),
            (
                "disclosures/feeds/reports.py",
                'at=at, actor=f"client:{client_id}")\n    ordered',
                "at=at)\n    ordered",
                "test_releases_that_a_machine_moves_name_it",
            ),
            (
                "consent/domain/change_notices.py",
                "at_most=AT_MOST.get(change), at=at",
                "at_most=AT_MOST.get(change, 5), at=at",
                "test_many_changes_of_one_kind_silence_no_other",
            ),
        )
    ),
    Mutant(
        8,
        "console/actions/staff_access_log.py",
        '    if page is not None:\n        audit.actions.record(\n            action="order.seen"',
        '    if page is None:\n        audit.actions.record(\n            action="order.seen"',
        "tests/promises/test_08_staff_access.py::test_a_look_at_an_order_needs_a_reason",
    ),
    Mutant(
        8,
        "support/actions/queue.py",
        "    if case is not None and case.line_id is not None:\n",
        "    if case is not None and case.line_id is None:\n",
        "tests/support/test_search.py::test_whose_case_is_found_reads_that_in_their_log",
    ),
    Mutant(
        8,
        "console/queries/search.py",
        '    found = found.exclude(target__startswith="protection:")\n',
        "",
        "tests/support/test_search.py::test_everything_but_people_is_found",
    ),
    Mutant(
        8,
        "support/actions/cases.py",
        '    record_case_act(ticket=ticket, action="case.seen", actor=actor, at=at)\n',
        "    pass\n",
        "tests/promises/test_08_support_desk.py::test_each_look_at_a_case_is_logged",
    ),
    Mutant(
        8,
        "support/actions/protected_lines.py",
        "    two = takes_two(line_id=line_id, at=at)\n",
        "    two = False\n",
        "tests/promises/test_08_support_desk.py::test_whose_a_protected_line_is_takes_two[separation]",
    ),
    Mutant(
        9,
        "disclosures/migrations/0002_rules.py",
        "    recorded_at timestamptz NOT NULL,\n",
        "    recorded_at timestamptz NOT NULL,\n    cell_id text,\n",
        "tests/promises/test_09_not_a_location_database.py::test_no_column_of_the_database_is_for_a_place",
    ),
    Mutant(
        10,
        "consent/domain/receipt_check.py",
        '    if found.headers().get("typ") != use.value:\n',
        "    if False:\n",
        "tests/promises/test_10_proof_without_trust.py::test_a_token_signed_for_another_use_is_no_receipt",
    ),
    Mutant(
        10,
        "audit/queries.py",
        " or own_hash != hashlib.sha256(prev_hash + text.encode()).digest():\n",
        ":\n",
        "tests/audit/test_chain.py::test_tampering_is_found",
    ),
    Mutant(
        11,
        "disclosures/queries/visible.py",
        "    return Disclosure.objects.filter(line_id=line_id).exclude(Exists(in_force))\n",
        "    return Disclosure.objects.filter(line_id=line_id)\n",
        "tests/promises/test_11_honest_about_limits.py::test_a_hidden_row_changes_no_judgement_and_no_export",
    ),
    Mutant(
        11,
        "disclosures/domain/ingest/projections.py",
        "p.kind IN ('lbs_provider', 'end_customer') AND NOT r.hidden\n",
        "p.kind IN ('lbs_provider', 'end_customer')\n",
        "tests/promises/test_11_honest_about_limits.py::test_a_hidden_row_changes_no_judgement_and_no_export",
    ),
    Mutant(
        11,
        "disclosures/domain/ingest/projections.py",
        "WHERE d.campaign = ANY (%(campaigns)s) AND <look-up>\n",
        "WHERE d.campaign = ANY (%(campaigns)s) AND d.basis = 'approval' AND d.outcome = 'released'\n",
        "tests/promises/test_11_honest_about_limits.py::test_a_later_campaign_does_not_show_whom_hidden_rows_reached",
    ),
    Mutant(
        12,
        "consent/views/stop.py",
        '    if "stop-all" in request.POST and is_this:\n',
        '    if "sure" in request.POST and is_this:\n',
        "tests/promises/test_12_easy.py::test_a_stop_without_account_takes_three_actions",
    ),
)
