"""Taking in what was released: stored by COPY, attributed and judged set-wise, judged again when more is known."""

from disclosures.ingest.judging import rejudge
from disclosures.ingest.notices import append, not_arrived, take_turn
from disclosures.ingest.projections import reveal
from disclosures.ingest.reassigned_rows import Stretch, give_back, outside, pass_over, shortened
from disclosures.ingest.reassigned_rows import take_turn as take_turn_of_judging
from disclosures.ingest.replay import attribute_held
from disclosures.ingest.rollups import LONG, roll_up
from disclosures.ingest.rows import Outcome, Report, Row, id_of, row_of
from disclosures.ingest.store import nothing_besides, store
from disclosures.ingest.terms import doubt, touch, touch_paths, touch_since, touch_state

__all__ = [
    "LONG",
    "Outcome",
    "Report",
    "Row",
    "Stretch",
    "append",
    "attribute_held",
    "doubt",
    "give_back",
    "id_of",
    "not_arrived",
    "nothing_besides",
    "outside",
    "pass_over",
    "rejudge",
    "reveal",
    "roll_up",
    "row_of",
    "shortened",
    "store",
    "take_turn",
    "take_turn_of_judging",
    "touch",
    "touch_paths",
    "touch_since",
    "touch_state",
]
