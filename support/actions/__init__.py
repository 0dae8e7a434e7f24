"""What staff do across more than one app: proposals, drafts, rules, links, looks at an order, incidents, cases."""

from accounts.queries import NotForThem
from accounts.reasons import NoReason
from support.actions.canary import hear_canary
from support.actions.figures import take_complaints, take_figures
from support.actions.incidents import (
    assign_incident,
    close_incident,
    do_duty,
    export_incident,
    note_incident,
    report_incident,
)
from support.actions.proposals import agree, propose_termination
from support.actions.queue import assign, claim, claim_next, hand_over, merge
from support.actions.replies import begin_reply, undo_reply
from support.actions.staff_access_log import look_at_difference, look_at_order, look_at_rows, take_rows
from support.actions.terms import add_rule, discard_draft, link, put_in_force, set_consideration
from support.actions.test_lines import end_test_line, mark_test_line
from support.actions.ticket_search import note_search, search
from support.actions.trail import take_trail

__all__ = [
    "NoReason",
    "NotForThem",
    "add_rule",
    "agree",
    "assign",
    "assign_incident",
    "begin_reply",
    "claim",
    "claim_next",
    "close_incident",
    "discard_draft",
    "do_duty",
    "end_test_line",
    "export_incident",
    "hand_over",
    "hear_canary",
    "link",
    "look_at_difference",
    "look_at_order",
    "look_at_rows",
    "mark_test_line",
    "merge",
    "note_incident",
    "note_search",
    "propose_termination",
    "put_in_force",
    "report_incident",
    "search",
    "set_consideration",
    "take_complaints",
    "take_figures",
    "take_rows",
    "take_trail",
    "undo_reply",
]
