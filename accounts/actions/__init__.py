"""The verbs of people: codes, sign-in, factors, texts to them, staff."""

from accounts.actions.codes import take_code, text_code
from accounts.actions.people import (
    HasProofAlready,
    choose_language,
    end_tenure,
    person_behind,
    set_first_password,
    sign_in,
)
from accounts.actions.posting import post, post_news
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

__all__ = [
    "AlreadyThere",
    "HasProofAlready",
    "NoInvitation",
    "NoStaff",
    "accept_invitation",
    "choose_language",
    "end_staff",
    "end_tenure",
    "invite_again",
    "make_staff",
    "person_behind",
    "post",
    "post_news",
    "set_first_password",
    "sign_in",
    "sign_in_vouched",
    "take_code",
    "text_code",
]
