"""Text a code and take it (docs/decisions/0016)."""

import secrets
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from django.db import connection, transaction
from django.db.models import F
from django.utils import translation

from accounts import queries
from accounts.clients import texts
from accounts.domain.message_templates import code_text, language_of, reply_code_text
from accounts.models import CodeAsker, Line, TextedCode, WrongCode
from accounts.primitives.numbers import read_code
from accounts.primitives.sealing import compute_hmac, number_hash, seal, unseal

DAY = timedelta(days=1)
# Who asks by text, and answers with the code by text: no browser's session is called so.
BY_TEXT = "by text"
# docs/decisions/0016: how long a code lasts, how often it is sent, how many digits it has, and how many tries at it
# one browser has, and all of them together.
FRESH, LONG_FRESH = timedelta(minutes=10), timedelta(hours=2)
SENDS_OF_ONE_CODE, SENDS_OF_LONG_CODE = 5, 2
SHORT, LONG = 6, 10
SHORT_TRIES, LONG_TRIES = 5, 20
SHORT_TRIES_OF_ALL, LONG_TRIES_OF_ALL = 20, 30_000
# A button that is pressed twice sends its code twice: for so long the second is not taken for a wrong one.
PRESSED_TWICE = timedelta(seconds=10)
# Of one line, for one purpose, in any 24 hours: so often is a wrong guess compared with a short code, over all of its
# short codes and all browsers. After so many fewer, new codes are long.
SHORT_COMPARISONS_A_DAY, LONG_AFTER = 40, 20
# Short codes asked for and never used; one that was used was asked for by the line's own person.
UNUSED_AT_MOST = {timedelta(hours=1): 3, DAY: 8}
# docs/decisions/0024: for so many different lines codes are asked from one network in an hour before it gets fewer.
# Thousands of phones may share one address of a carrier's.
LINES_A_NETWORK, HOUR = 500, timedelta(hours=1)
# Since when the line's number is its own as we know it: codes made before are no good where a number comes back, too.
LOCK_LINE = """
SELECT greatest(change_known_at, CASE WHEN number_changed_at <= %s THEN number_changed_at END)
FROM accounts_line WHERE id = %s FOR NO KEY UPDATE
"""
OPEN_TO = """
SELECT code_id FROM accounts_codeasker WHERE code_id = ANY (%s::uuid[]) AND asker = %s AND tries_left > 0
"""
# Its digits go with it: whatever the row says later, it can't be used again.
USE_UP = "UPDATE accounts_textedcode SET used_at = %s, code_sealed = '' WHERE id = %s"
FRESH_CODES = """
SELECT id, line_id, purpose, number_hash, code_sealed, made_at, sent_at, sends, tries_left, used_at, long
FROM accounts_textedcode
WHERE line_id = %(line)s AND purpose = %(purpose)s AND number_hash = %(number)s AND used_at IS NULL AND tries_left > 0
    AND sent_at > %(since)s AND code_sealed <> ''
ORDER BY made_at DESC
"""
# Of one line and purpose since a moment: how often a wrong guess was compared, and when short codes were made that
# nobody used. Whoever stops by a code is asked for it twice: Django would take several times as long.
HISTORY = """
SELECT (SELECT coalesce(sum(compared), 0) FROM accounts_wrongcode
        WHERE line_id = %(line)s AND purpose = %(purpose)s AND at > %(since)s),
    ARRAY(SELECT made_at FROM accounts_textedcode WHERE line_id = %(line)s AND purpose = %(purpose)s AND NOT long
        AND used_at IS NULL AND made_at > %(since)s)
"""
NEW_CODE = """
WITH made AS (
    INSERT INTO accounts_textedcode (id, line_id, purpose, number_hash, code_sealed, made_at, sent_at, sends, long,
        tries_left)
    VALUES (%(id)s, %(line)s, %(purpose)s, %(number)s, %(code)s, %(at)s, %(at)s, 1, %(long)s, %(tries_of_all)s)
    RETURNING id
)
INSERT INTO accounts_codeasker (code_id, asker, tries_left, network_hash, asked_at)
SELECT id, %(asker)s, %(tries)s, %(network)s, %(at)s FROM made
"""


def text_code(*, msisdn: str, purpose: TextedCode.Purpose, asker: str, network: str = "", at: datetime) -> None:
    """Text a code for one purpose to a number that is an active line; do nothing for any other. Tells nobody which.

    `asker`: the browser session (`sessions.asker`). While a code is fresh the same one is sent again, to whoever asks.
    Where many go unused or are guessed at, codes are long, so that nobody's guesses keep the line's person out. The
    text goes out after the commit; call outside a transaction.

    `network`: where the browser is (`browsers.network`). From one from which very many lines are asked for no code is
    sent a second time; each line's first is, because the network may be a carrier's own, with thousands behind it.
    """
    line = queries.line_of_number(msisdn=msisdn, at=at)
    code = None
    if line:
        code = choose_code_to_send(line=line, number=msisdn, purpose=purpose, asker=asker, network=network, at=at)
    if line and code:
        with translation.override(language_of(line)):
            words = code_text(purpose=purpose, code=code) if asker != BY_TEXT else reply_code_text(code=code)
            texts.send_code(msisdn=msisdn, text=words, code=code, at=at)


def verify_code(*, msisdn: str, purpose: TextedCode.Purpose, asker: str, typed: str, at: datetime) -> Line | None:
    """Return the line, when `typed` is the code that this browser session had texted to it for this purpose.

    None for everything else. A wrong try is counted for this session, and against each code that is still good; a right
    one uses the code up. Those who guess at one line take turns, so that no limit is passed by guessing at once.
    """
    line = queries.line_of_number(msisdn=msisdn, at=at)
    if line is None:
        return None
    is_right = use_code(line=line, number=msisdn, purpose=purpose, asker=asker, typed=typed, at=at)
    return line if is_right else None


def has_just_used(*, msisdn: str, purpose: TextedCode.Purpose, asker: str, at: datetime) -> bool:
    """Return whether this browser session has used a code of this number's a moment ago; that opens nothing again."""
    line = queries.line_of_number(msisdn=msisdn, at=at)
    used = TextedCode.objects.filter(line=line, purpose=purpose, used_at__gt=at - PRESSED_TWICE, askers__asker=asker)
    return line is not None and used.exists()


@transaction.atomic
def use_code(*, line: Line, number: str, purpose: TextedCode.Purpose, asker: str, typed: str, at: datetime) -> bool:
    """Use up a code of this line's, bound to `number`, or count a wrong try. Returns whether `typed` is such a code."""
    fresh = _locked_codes(line, number, purpose, at)
    with connection.cursor() as cursor:
        cursor.execute(OPEN_TO, [[code.pk for code in fresh], asker])
        open_to = {code_id for (code_id,) in cursor.fetchall()}
        compared = _list_comparable_codes([code for code in fresh if code.pk in open_to], line, purpose, at)
        for code in compared:
            if secrets.compare_digest(unseal(code.code_sealed).encode(), read_code(typed).encode()):
                cursor.execute(USE_UP, [at, code.pk])
                return True
    _count_wrong(line, purpose, asker=asker, fresh=fresh, compared=compared, at=at)
    return False


def expire_codes(*, line_ids: Collection[int]) -> None:
    """End every code of these lines; within the transaction that gives them other numbers.

    A moment that a file names tells nothing: the number may come back, as of a time before a code was texted.
    """
    TextedCode.objects.filter(line__in=line_ids, used_at__isnull=True, tries_left__gt=0).update(tries_left=0)


def _list_comparable_codes(
    codes: Sequence[TextedCode], line: Line, purpose: TextedCode.Purpose, at: datetime
) -> list[TextedCode]:
    """Return those of these codes that a guess may be compared with today: long ones, and as many short as are left."""
    short = [code for code in codes if not code.long]
    left = SHORT_COMPARISONS_A_DAY - _read_history(line, purpose, at)[0] if short else 0
    return [code for code in codes if code.long] + short[: max(0, left)]


def _count_wrong(
    line: Line, purpose: TextedCode.Purpose, *, asker: str, fresh: Sequence[TextedCode],
    compared: Sequence[TextedCode], at: datetime,
) -> None:  # fmt: skip
    if not compared:
        return
    mine = CodeAsker.objects.filter(code__in=fresh, asker=asker, tries_left__gt=0)
    mine.update(tries_left=F("tries_left") - 1)
    TextedCode.objects.filter(pk__in=[code.pk for code in fresh]).update(tries_left=F("tries_left") - 1)
    if short := sum(not code.long for code in compared):
        WrongCode.objects.create(line=line, purpose=purpose, at=at, compared=short)


def _read_history(line: Line, purpose: TextedCode.Purpose, at: datetime) -> tuple[int, Sequence[datetime]]:
    """Read how often wrong guesses were compared with short codes within a day, and when unused ones were made."""
    with connection.cursor() as cursor:
        cursor.execute(HISTORY, {"line": line.pk, "purpose": purpose.value, "since": at - DAY})
        ((compared, unused),) = cursor.fetchall()
    return compared, unused


@transaction.atomic
def choose_code_to_send(
    *, line: Line, number: str, purpose: TextedCode.Purpose, asker: str, network: str, at: datetime
) -> str | None:
    """Choose the code to text now, bound to `number`: a fresh one stays, else a new one. None where none is sent."""
    mark = compute_hmac("network", network.encode()) if network else b""
    codes = _locked_codes(line, number, purpose, at)
    compared, unused = _read_history(line, purpose, at)
    code = _fresh_code(codes, compared, at)
    if code is not None:
        asks = {"tries_left": _get_try_limit(asker, is_long=code.long), "network_hash": mark, "asked_at": at}
        mine, _new = CodeAsker.objects.get_or_create(code=code, asker=asker, defaults=asks)
        # Whoever spent their own tries gets another code; a long one is not worth guessing at, and not sent twice.
        if mine.tries_left or code.long:
            return None if _is_crowded(mark, at) else _extend_code(code, at)
    is_long = compared >= LONG_AFTER or _has_many_unused(unused, at)
    asked = {"line": line.pk, "purpose": purpose.value, "number": number_hash(number), "asker": asker, "network": mark}
    return _make_code(asked, is_long=is_long, tries=_get_try_limit(asker, is_long=is_long), at=at)


def _make_code(asked: Mapping[str, Any], *, is_long: bool, tries: int, at: datetime) -> str:
    """Write a new code as it was asked for. Returns its digits."""
    digits = "".join(str(secrets.randbelow(10)) for _ in range(LONG if is_long else SHORT))
    values = {
        **asked, "id": uuid4(), "code": seal(digits), "at": at, "long": is_long, "tries": tries,
        "tries_of_all": LONG_TRIES_OF_ALL if is_long else SHORT_TRIES_OF_ALL,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(NEW_CODE, values)
    return digits


def _fresh_code(codes: Sequence[TextedCode], compared: int, at: datetime) -> TextedCode | None:
    fresh = [one for one in codes if at < one.made_at + _get_lifetime(one)]
    # A short code that no guess is compared with any more is of no use to the line's person either.
    return next((one for one in fresh if one.long or compared < SHORT_COMPARISONS_A_DAY), None)


def _is_crowded(network: bytes, at: datetime) -> bool:
    """Whether codes for very many lines were asked for from one network lately."""
    if not network:
        return False
    # Django writes the limit into the text: with one that it can't see, a kept plan would walk through every code.
    asked = CodeAsker.objects.filter(network_hash=network, asked_at__gt=at - HOUR)
    return asked.values("code__line").distinct()[:LINES_A_NETWORK].count() >= LINES_A_NETWORK


def _extend_code(code: TextedCode, at: datetime) -> str | None:
    if code.sends >= (SENDS_OF_LONG_CODE if code.long else SENDS_OF_ONE_CODE):
        return None
    code.sends += 1
    code.sent_at = at
    code.save(update_fields=["sends", "sent_at"])
    return unseal(code.code_sealed)


def _has_many_unused(unused: Sequence[datetime], at: datetime) -> bool:
    """Whether so many short codes went unused that somebody else may be asking for them."""
    return any(sum(made_at > at - span for made_at in unused) >= most for span, most in UNUSED_AT_MOST.items())


def _get_lifetime(code: TextedCode) -> timedelta:
    return LONG_FRESH if code.long else FRESH


def _get_try_limit(asker: str, *, is_long: bool) -> int:
    """All who text are one asker: were its tries at a long code few, a made-up sender could shut the person out."""
    if is_long and asker == BY_TEXT:
        return LONG_TRIES_OF_ALL
    return LONG_TRIES if is_long else SHORT_TRIES


def _locked_codes(line: Line, msisdn: str, purpose: TextedCode.Purpose, at: datetime) -> list[TextedCode]:
    """Lock the line, and return the codes that are still good, the newest first: those texted to its number now."""
    with connection.cursor() as cursor:
        cursor.execute(LOCK_LINE, [at, line.pk])
        ((changed,),) = cursor.fetchall()
    asked = {
        "line": line.pk, "purpose": purpose.value, "number": number_hash(msisdn), "since": at - LONG_FRESH,
    }  # fmt: skip
    codes = TextedCode.objects.raw(FRESH_CODES, asked)
    since_change = [code for code in codes if changed is None or code.made_at >= changed]
    return [code for code in since_change if at < code.sent_at + _get_lifetime(code)]
