"""Read phone numbers as people type them, keep them as E.164, and show them on pages.

The trial of stopping that runs every hour has a number of its own, one of those that are kept free for stories
(555-0100 to 0199): no text goes there.
"""

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat

HOME_REGION = "US"
LONGEST_TYPED = 40


class NotANumber(ValueError):
    """What was typed is not a phone number that could exist."""


def normalise_number(typed: str) -> str:
    """Return the E.164 form of a number as a person typed it, `(206) 555-0142` or `+1 206 555 0142`. Raises NotANumber.

    Only length and shape are checked, not whether the number is given out: that answer would differ between numbers.
    """
    if len(typed) > LONGEST_TYPED:
        raise NotANumber
    try:
        number = phonenumbers.parse(typed, HOME_REGION)
    except NumberParseException as error:
        raise NotANumber from error
    if number.extension or not phonenumbers.is_possible_number(number):
        raise NotANumber
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def read_code(typed: str) -> str:
    """Return the digits of a code as a person typed it, set apart or not, in whatever script their keyboard has."""
    return "".join(str(int(sign)) for sign in typed if sign.isdecimal())


def mask_number(msisdn: str) -> str:
    """Mask a number so that its own person knows which one is meant, and nobody else: its last two digits."""
    return f"•••• ••{msisdn[-2:]}"


def format_phone_number(msisdn: str) -> str:
    """Format a number for a page: national form for the home country, `(206) 555-0142`, international for others."""
    try:
        number = phonenumbers.parse(msisdn, None)
    except NumberParseException:
        return msisdn
    at_home = number.country_code == phonenumbers.country_code_for_region(HOME_REGION)
    form = PhoneNumberFormat.NATIONAL if at_home else PhoneNumberFormat.INTERNATIONAL
    return phonenumbers.format_number(number, form)


CANARY_NUMBER = "+12025550199"
# The `carrier_id` of its line, the id of its account, of its agreement, its use and of the machines that speak for it.
CANARY_NAME = "whereabouts-canary"
# The company that is told, which is this portal itself. Nobody can own a name under `.invalid` (RFC 2606).
CANARY_PARTY = "https://canary.whereabouts.invalid"
CANARY_PARTY_NAME = "Canary (our own trial, no company)"
# Where it hears of its orders, under our own address.
CANARY_EVENTS = "/canary/events"
