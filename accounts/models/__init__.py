"""People, accounts and lines, and who else has to do with them."""

from accounts.models.alerts import AlertChoice, LineReminder, LineTexts
from accounts.models.delegations import Delegation, SafeContact, Separation
from accounts.models.lines import (
    Account,
    CodeAsker,
    KnownDevice,
    Line,
    LineNumber,
    LineState,
    LineUser,
    Message,
    NewPassword,
    OutgoingEmail,
    TextedCode,
    TextTaken,
    User,
    WrongCode,
)
from accounts.models.rate_limits import BrowserSession, DeviceCookie, SpentCode, Throttle

__all__ = [
    "Account",
    "AlertChoice",
    "BrowserSession",
    "CodeAsker",
    "Delegation",
    "DeviceCookie",
    "KnownDevice",
    "Line",
    "LineNumber",
    "LineReminder",
    "LineState",
    "LineTexts",
    "LineUser",
    "Message",
    "NewPassword",
    "OutgoingEmail",
    "SafeContact",
    "Separation",
    "SpentCode",
    "TextTaken",
    "TextedCode",
    "Throttle",
    "User",
    "WrongCode",
]
