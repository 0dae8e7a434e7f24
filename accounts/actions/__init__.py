"""The verbs of people: codes, sign-in, factors, texts to them, staff."""

from accounts.actions.codes import BY_TEXT, take_code, text_code
from accounts.actions.contacts import ask_contact, prove_contact, remove_contact
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
from accounts.actions.inviting import invite
from accounts.actions.looking_after import NotDelegated, answer_delegation, delegate, end_delegation
from accounts.actions.people import (
    choose_language,
    come_back,
    end_tenure,
    person_behind,
    sign_in,
    sign_in_after_end,
    sign_in_by_carrier,
)
from accounts.actions.posting import post, post_news
from accounts.actions.separating import (
    Asked,
    NotOpen,
    ask_separation,
    close_separation,
    look_at_separation,
    take_back_separation,
)
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
from accounts.actions.texting import allow_texts, may_answer, refuse_texts, take_once

__all__ = [
    "BY_TEXT",
    "AlreadyThere",
    "Asked",
    "HasProofAlready",
    "NoInvitation",
    "NoStaff",
    "NotDelegated",
    "NotOpen",
    "NotYet",
    "accept_invitation",
    "allow_texts",
    "answer_delegation",
    "ask_contact",
    "ask_new_password",
    "ask_separation",
    "cancel_new_password",
    "choose_language",
    "close_separation",
    "come_back",
    "delegate",
    "end_delegation",
    "end_sign_ins",
    "end_staff",
    "end_tenure",
    "invite",
    "invite_again",
    "look_at_separation",
    "make_staff",
    "may_answer",
    "note_changes",
    "note_device",
    "person_behind",
    "post",
    "post_news",
    "prove_contact",
    "refuse_texts",
    "remove_contact",
    "replace_password",
    "set_first_password",
    "sign_in",
    "sign_in_after_end",
    "sign_in_by_carrier",
    "sign_in_vouched",
    "take_back_separation",
    "take_code",
    "take_once",
    "text_code",
]
