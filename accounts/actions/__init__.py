"""The verbs of people: codes, sign-in, factors, texts to them, staff."""

from accounts.actions.codes import BY_TEXT, take_code, text_code
from accounts.actions.devices import end_sign_ins, note_device
from accounts.actions.factors import (
    HasProofAlready,
    NotYet,
    ask_new_password,
    cancel_new_password,
    note_changes,
    replace_password,
    set_first_password,
)
from accounts.actions.people import choose_language, end_tenure, person_behind, sign_in, sign_in_by_carrier
from accounts.actions.posting import SentEnough, post, post_letter, post_news, post_receipt, remind
from accounts.actions.staff import (
    AlreadyThere,
    NoInvitation,
    NoStaff,
    accept_invitation,
    end_staff,
    invite_again,
    make_staff,
    sign_in_vouched,
)
from accounts.actions.texting import (
    allow_reminders,
    allow_texts,
    choose_texts,
    may_answer,
    refuse_reminders,
    refuse_texts,
    take_once,
)

__all__ = [
    "BY_TEXT",
    "AlreadyThere",
    "HasProofAlready",
    "NoInvitation",
    "NoStaff",
    "NotYet",
    "SentEnough",
    "accept_invitation",
    "allow_reminders",
    "allow_texts",
    "ask_new_password",
    "cancel_new_password",
    "choose_language",
    "choose_texts",
    "end_sign_ins",
    "end_staff",
    "end_tenure",
    "invite_again",
    "make_staff",
    "may_answer",
    "note_changes",
    "note_device",
    "person_behind",
    "post",
    "post_letter",
    "post_news",
    "post_receipt",
    "refuse_reminders",
    "refuse_texts",
    "remind",
    "replace_password",
    "set_first_password",
    "sign_in",
    "sign_in_by_carrier",
    "sign_in_vouched",
    "take_code",
    "take_once",
    "text_code",
]
