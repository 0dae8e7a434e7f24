"""What a thread says happened: kept in English, read in the reader's language."""

import pytest
from django.utils import translation
from django.utils.functional import Promise

from support.models import Ticket
from support.policies import thread_events
from support.policies.thread_events import PROOFS, SCOPES, TEMPLATES, describe_event, translate_event

SPANISH_PAUSE = (
    "Se pausó en nombre de la persona hasta el 5 Dec 2026, 10:00 UTC (un fin); la identificó nuestra llamada registrada"
    " a su número."
)
VALUES = {
    "state": Ticket.State.WAITING.label, "was": Ticket.Priority.NORMAL.label, "priority": Ticket.Priority.HIGH.label,
    "why": "She called: twice.\nAnd wrote.", "scope": SCOPES[1], "proof": PROOFS["call"], "name": "Geo: Bridge (US)",
    "names": "Geo, Bridge", "code": "T-234567", "days": 14, "n": 3, "day": "5 Dec 2026, 10:00", "method": "text",
    "wording": "Yes?", "reference": "A: 1\nB",
}  # fmt: skip


def test_each_is_read_in_the_language_of_its_reader() -> None:
    for template in TEMPLATES:
        with translation.override("es"):
            kept = describe_event(template, **VALUES)
            wanted = str(template) % VALUES
            assert translate_event(body=kept) == wanted
        with translation.override("en"):
            assert kept == str(template) % VALUES == translate_event(body=kept)
        assert kept != wanted


def test_all_templates_are_known() -> None:
    named = [one for name, one in vars(thread_events).items() if name.isupper() and isinstance(one, Promise)]
    assert set(map(str, named)) == set(map(str, TEMPLATES))


@pytest.mark.parametrize("words", ["Something else: it happened.", "(a number)", "Waiting: no state of ours", ""])
def test_what_none_of_them_says_stays_as_it_is(words: str) -> None:
    with translation.override("es"):
        assert translate_event(body=words) == words


@pytest.mark.parametrize(
    ("kept", "spanish"),
    [
        ("The person withdrew “I never agreed”. Their stop stays.",
         "La persona retiró «Nunca acepté». Su bloqueo sigue vigente."),
        ("The privacy office suspended GeoBridge: It sold on.",
         "La oficina de privacidad suspendió a GeoBridge: It sold on."),
        ("Paused for the person until 5 Dec 2026, 10:00 UTC (A purpose), by our logged call to their number.",
         SPANISH_PAUSE),
        ("Stopped for the person (One use by one company), by the code texted to their phone.",
         "Se detuvo en nombre de la persona (un uso de una empresa); la identificó el código enviado a su teléfono."),
        ("A code to stop for them was texted to the person.",
         "Se envió a la persona, por mensaje de texto, un código para detener en su nombre."),
        ("Waiting for a partner: We asked: twice.", "Esperando a un socio: We asked: twice."),
    ],
)  # fmt: skip
def test_what_was_kept_in_english_is_read_in_spanish(kept: str, spanish: str) -> None:
    with translation.override("es"):
        assert translate_event(body=kept) == spanish
