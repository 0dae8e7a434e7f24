"""At least one way to break each promise."""

from tests.mutants.mutant import Mutant

MUTANTS = (
    Mutant(
        1,
        "consent/sql/gate.sql",
        "    PERFORM consent_put_gate(consent_after_choice(g, NEW));\n",
        "    NULL;\n",
        "tests/promises/test_01_gate_first.py::test_no_is_the_answer_from_the_commit_on",
    ),
    Mutant(
        1,
        "consent/sql/gate.sql",
        "    SELECT newest_at INTO newest FROM consent_linegate WHERE line_id = line FOR UPDATE;\n",
        "    SELECT newest_at INTO newest FROM consent_linegate WHERE line_id = line;\n",
        "tests/promises/test_01_gate_first.py::"
        "test_pairs_from_servers_seconds_apart_end_in_commit_order[3]",
    ),
    Mutant(
        2,
        "consent/gate/rules.py",
        '        return "approval_unverified" if line.claimed else "no_approval"\n',
        '        return "" if line.claimed else "no_approval"\n',
        "tests/promises/test_02_no_record_no_disclosure.py::test_no_approval_a_claim_and_an_ended_approval_are_denied",
    ),
    Mutant(
        2,
        "consent/gate/rules.py",
        "    if (question.precision_m or 0) < campaign.precision_m:\n",
        "    if (question.precision_m or campaign.precision_m) < campaign.precision_m:\n",
        "tests/promises/test_02_no_record_no_disclosure.py::test_whatever_differs_from_the_record_is_denied",
    ),
    Mutant(
        3,
        "consent/actions/choices.py",
        "    twin = _twin(choice, made_at)\n    before = ",
        "    if (twin := _twin(choice, made_at)) is not None:\n"
        "        return _build_repeated_choice(twin)\n    before = ",
        "tests/promises/test_03_while_the_gate_is_closed.py::"
        "test_a_yes_that_would_not_count_says_so",
    ),
    Mutant(
        6,
        "consent/actions/choices.py",
        "    return None if _was_claimed_since(twin) else twin\n",
        "    return twin\n",
        "tests/consent/test_pressed_twice.py::test_i_never_agreed_to_a_later_yes_asks_for_proof",
    ),
    Mutant(
        3,
        "consent/views/consent_requests.py",
        "        except NotAllowable as error:\n",
        "        except NotAllowable as error:\n            return render_closed(request)\n",
        "tests/promises/test_03_while_the_gate_is_closed.py::"
        "test_a_company_s_question_stays_open_and_says_why",
    ),
    Mutant(
        3,
        "consent/gate/rules.py",
        '        return self.origin == "person" or origin == "file"\n',
        "        return True\n",
        "tests/promises/test_03_a_stop_never_lapses.py::test_no_file_outranks_the_person",
    ),
    Mutant(
        3,
        "consent/sql/append_only.sql",
        "CREATE OR REPLACE TRIGGER consent_choice_append_only BEFORE UPDATE OR DELETE ON consent_choice\n"
        "    FOR EACH ROW EXECUTE FUNCTION audit_refuse_change();\n",
        "",
        "tests/promises/test_03_a_stop_never_lapses.py::test_not_even_the_owner_changes_a_choice_by_accident",
    ),
    Mutant(
        3,
        "portal/privileges.py",
        '    "consent_choice",\n',
        "",
        "tests/promises/test_03_a_stop_never_lapses.py::test_the_application_may_change_no_ledger",
    ),
    Mutant(
        3,
        "consent/feeds/records.py",
        "        if self._stops_come_first(may_allow, fresh):\n            return None\n",
        "",
        "tests/consent/test_held_stops.py::test_whatever_brings_yes_before_the_lines_come_to_their_end[by_a_new_yes]",
    ),
    Mutant(
        2,
        "consent/feeds/tenures.py",
        "    keeper.invalidate_outdated_approvals()\n",
        "",
        "tests/consent/test_invalidated_approvals.py::test_the_gate_never_allows_once_the_change_is_known",
    ),
    Mutant(
        3,
        "accounts/sql/lines.sql",
        "    WHEN ((NEW.id, NEW.carrier_id) IS DISTINCT FROM (OLD.id, OLD.carrier_id))\n",
        "    WHEN (NEW.id IS DISTINCT FROM OLD.id)\n",
        "tests/promises/test_03_no_row_undoes_a_stop.py::test_a_tenure_stays_itself",
    ),
    Mutant(
        3,
        "consent/sql/gate.sql",
        "    IF pg_trigger_depth() = 1 THEN\n",
        "    IF false THEN\n",
        "tests/promises/test_03_no_row_undoes_a_stop.py::"
        "test_the_gate_row_follows_the_ledger_whoever_writes",
    ),
    Mutant(
        2,
        "partners/sql/suspensions.sql",
        "p.proposed_at >= OLD.starts_at)\n",
        "true)\n",
        "tests/promises/test_02_two_officers.py::test_what_began_after_the_proposal_is_not_lifted_by_it",
    ),
    Mutant(
        4,
        "consent/sql/orders.sql",
        "        IF FOUND THEN\n            RAISE EXCEPTION 'the order",
        "        IF false THEN\n            RAISE EXCEPTION 'the order",
        "tests/promises/test_04_no_order_slips_away.py::"
        "test_no_stop_names_an_order_that_still_allows",
    ),
    Mutant(
        4,
        "revocations/sql/orders.sql",
        "                AND (newer.epoch, newer.version) > (o.epoch, o.version));\n",
        "                AND newer.id <> o.id);\n",
        "tests/promises/test_04_no_order_slips_away.py::"
        "test_a_try_shows_no_completion_older_orders_replace_none",
    ),
    Mutant(
        3,
        "accounts/sql/lines.sql",
        "OR NEW.number_changed_at < OLD.number_changed_at",
        "AND NEW.number_changed_at < OLD.number_changed_at",
        "tests/promises/test_03_ends_stay.py::test_a_change_of_number_is_not_taken_back",
    ),
    Mutant(
        4,
        "revocations/sql/duties.sql",
        "r.jti = NEW.discharged_by AND r.status = 'completed')\n        AND NOT",
        "true)\n        AND NOT",
        "tests/promises/test_04_orders_begin_at_the_beginning.py::test_what_is_owed_ends_only_with_what_was_signed",
    ),
    Mutant(
        4,
        "consent/sql/orders.sql",
        "what = 'all' OR id IN (SELECT id FROM covered)",
        "true",
        "tests/promises/test_04_nothing_is_lost.py::"
        "test_a_narrower_stop_is_told_to_who_handled_it",
    ),
    Mutant(
        6,
        "consent/gate/agreed.py",
        "recipient=(recipient or provider) if",
        "recipient=provider if",
        "tests/promises/test_06_for_whom_it_asks.py::test_each_end_customers_page_has_the_gates_answer_for_it",
    ),
    Mutant(
        4,
        "consent/actions/late_releases.py",
        "Q(kind__in=(Choice.Kind.STOP, Choice.Kind.REFUSE))",
        "Q(kind__in=(Choice.Kind.STOP,))",
        "tests/promises/test_04_no_order_slips_away.py::test_a_partner_heard_of_late_is_told_of_a_no",
    ),
    Mutant(
        4,
        "consent/sql/orders.sql",
        "    IF FOUND THEN\n        RAISE EXCEPTION 'choice % has no order",
        "    IF false THEN\n        RAISE EXCEPTION 'choice % has no order",
        "tests/promises/test_04_nothing_is_lost.py::test_a_stop_without_its_orders_can_t_be_committed",
    ),
    Mutant(
        4,
        "revocations/workers/delivery/claims.py",
        "        lease = clock.now() + LEASE\n",
        "        lease = clock.now() + LEASE * 99999\n",
        "tests/faults/test_named_points.py::test_killed_after_the_claim_or_after_the_202",
    ),
    Mutant(
        5,
        "revocations/workers/delivery/claims.py",
        "    return [order for order in rows if newest[order.line_id, order.contract_id] == order.id]\n",
        "    return list(rows)\n",
        "tests/promises/test_05_the_newest_wins.py::test_no_allow_is_sent_after_a_newer_stop",
    ),
    Mutant(
        6,
        "revocations/queries/coverage.py",
        "        return not self.missing and not self.unnamed\n",
        "        return True\n",
        "tests/revocations/test_receipts.py::test_a_state_goes_on_and_never_back",
    ),
    Mutant(
        6,
        "revocations/workers/delivery/verdicts.py",
        "    if reply.status == HTTPStatus.ACCEPTED:\n",
        "    if reply.status is not None:\n",
        "tests/revocations/test_delivery.py::test_everything_else_is_tried_again",
    ),
    Mutant(
        6,
        "consent/queries/progress.py",
        "        case State.COMPLETED:\n            return Step(",
        "        case State.COMPLETED | State.ACKNOWLEDGED:\n            return Step(",
        "tests/words/test_choice.py::test_minutes_after_a_stop_nobody_is_said_to_have_signed",
    ),
    Mutant(
        7,
        "accounts/policies/permissions.py",
        "    Relation.HOLDER_OF_ADULT: {Action.KNOW: How.PROOF, Action.INVITE: How.PROOF},\n",
        "    Relation.HOLDER_OF_ADULT: _READ,\n",
        "tests/promises/test_07_each_person_sees_only_their_own.py::"
        "test_the_holder_is_a_stranger_to_an_adults_line",
    ),
    Mutant(
        7,
        "accounts/queries.py",
        "    if line.user_role == Line.UserRole.MINOR:\n        relation = Relation.HOLDER_OF_MINOR\n",
        "    if line.user_role != Line.UserRole.HOLDER:\n        relation = Relation.HOLDER_OF_MINOR\n",
        "tests/promises/test_07_each_person_sees_only_their_own.py::"
        "test_a_minors_line_is_its_holders_until_it_is_grown",
    ),
    Mutant(
        7,
        "accounts/queries.py",
        "    return relation if _compute_hold_end(line.holder_known_at, at) is None else Relation.NEW_HOLDER\n",
        "    return relation\n",
        "tests/promises/test_07_moved.py::test_a_new_holder_sees_nothing_for_a_day_and_stops",
    ),
    Mutant(
        7,
        "consent/feeds/tenures.py",
        '        line.change_known_at = self.at\n        return ["change_known_at"]\n',
        "        return []\n",
        "tests/promises/test_07_moved.py::test_a_late_report_holds_a_day_from_its_arrival",
    ),
    Mutant(
        7,
        "accounts/actions/sms_outbox.py",
        "    if delegations.leaves_in_confidence(line_id=line_id, at=at) or lately",
        "    if lately",
        "tests/promises/test_07_moved.py::test_nothing_is_told_where_the_line_leaves_in_confidence",
    ),
    Mutant(
        7,
        "disclosures/feeds/reports.py",
        'LinesFeed(actor=f"client:{client_id}")',
        "LinesFeed()",
        "tests/promises/test_07_taken_over.py::test_the_machine_is_named_and_the_person_told",
    ),
    Mutant(
        7,
        "accounts/policies/permissions.py",
        "    Relation.MINOR_USER: {**_READ, **_TIGHTEN, **_SIGNAL, **_OWN, **_ASK},\n",
        "    Relation.MINOR_USER: {**_READ, **_TIGHTEN, **_SIGNAL, **_OWN, **_ASK, **_ALLOW},\n",
        "tests/promises/test_07_each_person_sees_only_their_own.py::test_a_minor_stops_and_pauses_and_does_not_allow",
    ),
    Mutant(
        7,
        "consent/views/choices.py",
        "@subscriber_required\ndef follow_signal(",
        "@line_required(Action.SIGNAL)\ndef follow_signal(",
        "tests/promises/test_07_held.py::"
        "test_stop_is_taken_from_an_open_question_and_nothing_else[/home/]",
    ),
    Mutant(
        8,
        "console/actions/staff_access_log.py",
        '    if page is not None:\n        audit.actions.record(\n            action="order.seen"',
        '    if page is None:\n        audit.actions.record(\n            action="order.seen"',
        "tests/promises/test_08_staff_work_under_glass.py::"
        "test_a_look_at_an_order_needs_a_reason",
    ),
    Mutant(
        8,
        "support/actions/cases.py",
        '    note(ticket=ticket, action="case.seen", actor=actor, at=at)\n',
        "    pass\n",
        "tests/promises/test_08_the_desk.py::test_each_look_at_a_case_is_logged[agent]",
    ),
    Mutant(
        8,
        "support/actions/reveal.py",
        "    two = takes_two(line_id=line_id, at=at)\n",
        "    two = False\n",
        "tests/promises/test_08_the_desk.py::test_whose_a_protected_line_is_takes_two[separation]",
    ),
    Mutant(
        9,
        "disclosures/migrations/0002_rules.py",
        "    recorded_at timestamptz NOT NULL,\n",
        "    recorded_at timestamptz NOT NULL,\n    cell_id text,\n",
        "tests/promises/test_09_not_a_location_database.py::"
        "test_no_column_of_the_database_is_for_a_place",
    ),
    Mutant(
        10,
        "portal/management/commands/verify_receipt.py",
        '    if found.headers().get("typ") != SigningKey.Use.RECEIPT.value:\n',
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
        "tests/promises/test_11_honest_about_limits.py::"
        "test_a_hidden_row_changes_no_judgement_and_no_export",
    ),
    Mutant(
        11,
        "disclosures/domain/ingest/projections.py",
        "p.kind IN ('lbs_provider', 'end_customer') AND NOT r.hidden\n",
        "p.kind IN ('lbs_provider', 'end_customer')\n",
        "tests/promises/test_11_honest_about_limits.py::"
        "test_a_hidden_row_changes_no_judgement_and_no_export",
    ),
    Mutant(
        11,
        "disclosures/domain/ingest/terms.py",
        "    ) AS hidden\n",
        "    ) AND false AS hidden\n",
        "tests/promises/test_11_honest_about_limits.py::"
        "test_a_later_campaign_does_not_show_whom_hidden_rows_reached",
    ),
    Mutant(
        12,
        "consent/views/stop.py",
        '    if "stop-all" in request.POST and is_this:\n',
        '    if "sure" in request.POST and is_this:\n',
        "tests/promises/test_12_easy.py::test_a_stop_without_account_takes_three_actions",
    ),
)
