"""What a phone texted us, as the carrier's message gateway hands it on; and what its words mean."""

import re
import unicodedata
from typing import Annotated, NamedTuple

import msgspec

from consent.domain.change_notices import TextCommand

LONGEST_TEXT = 1600
LOCATION = frozenset({"LOCATION", "UBICACION", "LOCALIZACION"})
STOPS = frozenset({"STOP", "ALTO", "PARAR", "PARE", "DETENER"})
OFF = STOPS | {"STOPALL", "END", "CANCEL", "UNSUBSCRIBE", "QUIT", "OPTOUT", "REVOKE", "CANCELAR", "BAJA"}
ON = frozenset({"START", "UNSTOP", "ALTA", "INICIAR"})
NOS = frozenset({"NO"})
CODE = re.compile(r"[0-9]{6,10}")


class IncomingText(msgspec.Struct, frozen=True):
    """One text. `on_network`: the gateway took it from this very phone on our network; only then is `from` certain."""

    id: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    msisdn: Annotated[str, msgspec.Meta(pattern=r"^\+[1-9][0-9]{6,14}\Z")] = msgspec.field(name="from")
    text: Annotated[str, msgspec.Meta(max_length=LONGEST_TEXT)]
    on_network: bool


class ParsedText(NamedTuple):
    """A wish, and the code that came with it ("" for none)."""

    wish: TextCommand
    code: str = ""


DECODER = msgspec.json.Decoder(IncomingText)


def parse_text(*, text: str) -> ParsedText:
    """What the words of a text mean, whatever their case, accents and punctuation. What nobody knows asks for help."""
    match _words_of(text):
        case [stop, location, *rest] if stop in STOPS and location in LOCATION:
            code = "".join(rest)
            return ParsedText(TextCommand.STOP_LOCATION, code if CODE.fullmatch(code) else "")
        # "OPT OUT" and "STOP ALL" are said in one word or in two.
        case words if "".join(words) in OFF:
            return ParsedText(TextCommand.TEXTS_OFF)
        case [word] if word in ON:
            return ParsedText(TextCommand.TEXTS_ON)
        case [word] if word in NOS:
            return ParsedText(TextCommand.NO)
    return ParsedText(TextCommand.HELP)


def _words_of(text: str) -> list[str]:
    plain = unicodedata.normalize("NFKD", text.upper())
    words = re.findall(r"[A-Z0-9]+", "".join(one for one in plain if not unicodedata.combining(one)))
    if words[:1] == ["STOPLOCATION"]:
        words = ["STOP", "LOCATION", *words[1:]]
    return words
