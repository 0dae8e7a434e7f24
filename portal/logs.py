"""Logs: one event a line, as JSON or for people, with nothing personal in it.

Code never logs a number, a name, a code or a token. What a library might still put into a message or a traceback is
blotted out here, last of all.
"""

import logging
import re
from collections.abc import MutableMapping
from typing import Any

import structlog
from structlog.typing import Processor

Event = MutableMapping[str, Any]

# Begun only where a word begins, and to the end of what is joined to it: no text makes this slow.
EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]+(?:@[\w-]+\.[\w.+-]+)+")
NUMBER = re.compile(r"\+\d{7,15}\b")
PASSWORD_IN_URL = re.compile(r"(?<=://)[^/\s@]*@")
# Opaque words as long as a token, which have a digit or, by chance, none and many capitals; ids with dashes at a UUID's
# places stay readable, and so do names.
TOKEN = re.compile(
    r"(?<![\w-])(?![0-9a-f]{8}-[0-9a-f]{4}-)(?=[\w-]*\d|[A-Z_-]*[a-z])(?=[\w-]*\d|(?:[a-z_-]*[A-Z]){6})(?=[\w-]*[A-Za-z])"
    r"[\w-]{22,}(?:\.[\w-]+)*"
)
# What the database adds to its error: a row, or a statement. To where a traceback goes on.
OF_THE_DATABASE = re.compile(
    r"^(DETAIL|CONTEXT|LINE \d+): .*?(?=^(?:Traceback |The above exception |During handling )|\Z)",
    re.DOTALL | re.MULTILINE,
)
# The same in an error's repr, as Celery words what breaks a task: all on one line.
OF_THE_DATABASE_IN_REPR = re.compile(r"\\n(DETAIL|CONTEXT|LINE \d+): [^\n]*")
BLOTS = (
    (OF_THE_DATABASE, r"\1: [row]\n"),
    (OF_THE_DATABASE_IN_REPR, r"\\n\1: [row]"),
    (PASSWORD_IN_URL, "[login]@"),
    (EMAIL, "[e-mail]"),
    (NUMBER, "[number]"),
    (TOKEN, "[token]"),
)


def redact(text: str) -> str:
    """Return the text without what looks like a phone number, an e-mail address, a password in a URL, or a token."""
    for pattern, mark in BLOTS:
        text = pattern.sub(mark, text)
    return text


def redact_event(_logger: Any, _method: str, event: Event) -> Event:
    """Return a processor that blots every text of an event, tracebacks too."""
    for key, value in event.items():
        if isinstance(value, str):
            event[key] = redact(value)
    return event


def _without_arguments(_logger: Any, _method: str, event: Event) -> Event:
    """Library records carry what their message was made from; the message is enough."""
    event.pop("positional_args", None)
    return event


LOGGERS: dict[str, dict[str, Any]] = {
    "django": {"handlers": [], "propagate": True},
    "django.server": {"handlers": [], "propagate": True},
    "uvicorn": {"handlers": [], "propagate": True},
    # Who asked for what is nobody's to read; `--no-access-log` alone would be forgotten with the line above.
    "uvicorn.access": {"handlers": [], "propagate": False},
    # Addresses of pages that were not found, or refused, can hold anything a stranger typed.
    "django.request": {"level": logging.ERROR},
    "django.security": {"level": logging.CRITICAL},
    # What reads fonts and PDFs tells of every letter.
    "fontTools": {"level": logging.ERROR},
    "pypdf": {"level": logging.ERROR},
}


def configure(*, log_format: str, level: str) -> dict[str, Any]:
    """Set structlog up and return Django's LOGGING, so that both write the same lines to standard error."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: list[Processor] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta, _without_arguments]
    if log_format == "json":
        last += [structlog.processors.format_exc_info, redact_event, structlog.processors.JSONRenderer()]
    else:
        plain = structlog.dev.ConsoleRenderer(colors=False)
        last += [structlog.processors.format_exc_info, redact_event, plain]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "lines": {"()": structlog.stdlib.ProcessorFormatter, "foreign_pre_chain": shared, "processors": last}
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "lines"}},
        "root": {"handlers": ["stderr"], "level": level.upper()},
        "loggers": LOGGERS,
    }
