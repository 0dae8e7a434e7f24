"""What people should read, written by hand: the one table of sentences, labels and moments that the tests compare with.

A sentence of a page stands once in this folder's `*.txt`, in English and in Spanish, under a short name; `{…}` stands
for what is filled in. To reword a page is to reword it there as well, and nowhere else. Nothing of it is taken from the
catalogue of translations, from a template or from the code that writes the words.
"""

from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

LANGUAGES: Final = ("en", "es")
PACIFIC, EASTERN = ZoneInfo("America/Los_Angeles"), ZoneInfo("America/New_York")
FOLDER = Path(__file__).parent


class Said(NamedTuple):
    """One sentence or label as it should be read, in English and in Spanish."""

    en: str
    es: str


def read_tables() -> Iterator[tuple[str, Said]]:
    """The entries of all tables: a name, then a line in each language."""
    for file in sorted(FOLDER.glob("*.txt")):
        if file.name != SCRIPTS_FILE:
            for entry in file.read_text().strip().split("\n\n"):
                if not entry.startswith("#"):
                    name, en, es = (line.replace("\\n", "\n") for line in entry.split("\n"))
                    yield name, Said(en, es)


def read_scripts() -> Iterator[tuple[str, list[str]]]:
    """Whole pages of the console, and what becomes different on them: "== NAME", then their lines."""
    for page in (FOLDER / SCRIPTS_FILE).read_text().removeprefix("== ").split("\n== "):
        name, *lines = page.rstrip("\n").split("\n")
        yield name, lines


SCRIPTS_FILE: Final = "console_pages.txt"
ENTRIES: Final = list(read_tables())
TABLE: Final = dict(ENTRIES)
# A name stands for one sentence, wherever it is used.
assert len(TABLE) == len(ENTRIES), sorted({name for name, _ in ENTRIES if [n for n, _ in ENTRIES].count(name) > 1})
SCRIPTS: Final = dict(read_scripts())
SPANISH_MONTHS = ("ene", "feb", "mar", "abr", "may", "jun", "jul", "ago", "sep", "oct", "nov", "dic")
SPANISH_MONTH_NAMES = (
    "enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre", "octubre", "noviembre",
    "diciembre",
)  # fmt: skip
SPANISH_DAYS = ("Lunes", "Martes", "Miércoles", "Jueves", "Viernes", "Sábado", "Domingo")


class Words:
    """The table in one language: `say("load_again")`, `say("due_by", day=…)`. Moments are those of the line's state."""

    def __init__(self, language: str, zone: ZoneInfo = PACIFIC) -> None:
        self.language, self.zone = language, zone

    def __call__(self, name: str, /, **filled: object) -> str:
        """A sentence of the table with what is filled in."""
        sentence: str = getattr(TABLE[name], self.language)
        return sentence.format(**filled)

    def counted(self, name: str, n: int, /, **filled: object) -> str:
        """A sentence that counts: by its name and `_1`, or by its name and `_n` where there is not exactly one."""
        return self(f"{name}_1" if n == 1 else f"{name}_n", n=n, **filled)

    def day(self, at: datetime) -> str:
        """ "Nov 20, 2026", "20 nov 2026"."""
        local = at.astimezone(self.zone)
        if self.language == "en":
            return f"{local:%b} {local.day}, {local.year}"
        return f"{local.day} {SPANISH_MONTHS[local.month - 1]} {local.year}"

    def short(self, day: date) -> str:
        """ "Nov 20", "20 nov"."""
        return f"{day:%b} {day.day}" if self.language == "en" else f"{day.day} {SPANISH_MONTHS[day.month - 1]}"

    def heading(self, day: date) -> str:
        """ "Friday, November 20, 2026", "Viernes, 20 de noviembre de 2026"."""
        if self.language == "en":
            return f"{day:%A}, {day:%B} {day.day}, {day.year}"
        return f"{SPANISH_DAYS[day.weekday()]}, {day.day} de {SPANISH_MONTH_NAMES[day.month - 1]} de {day.year}"

    def time(self, at: datetime) -> str:
        """ "4:05 AM", "4:05"."""
        local = at.astimezone(self.zone)
        return f"{local:%-I:%M %p}" if self.language == "en" else f"{local:%-H:%M}"

    def second(self, at: datetime) -> str:
        """ "4:05:09 AM", "4:05:09"."""
        local = at.astimezone(self.zone)
        return f"{local:%-I:%M:%S %p}" if self.language == "en" else f"{local:%-H:%M:%S}"

    def near(self, at: datetime, *, now: datetime) -> str:
        """With seconds; without its day where that is today."""
        same = at.astimezone(self.zone).date() == now.astimezone(self.zone).date()
        return self.second(at) if same else self.exact(at)

    def exact(self, at: datetime) -> str:
        """ "Nov 20, 2026, 4:05:09 AM", "20 nov 2026, 4:05:09"."""
        return f"{self.day(at)}, {self.second(at)}"

    def moment(self, at: datetime) -> str:
        """ "Nov 20, 2026, 4:05 AM", "20 nov 2026, 4:05"."""
        return f"{self.day(at)}, {self.time(at)}"
