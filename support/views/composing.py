"""What the composer of a case needs, wherever it stands: templates/desk/_compose.html."""

from datetime import datetime

from accounts.models import User
from support.forms.writing import AnswerForm, NoteForm
from support.models import Ticket
from support.queries.writing import Desk, desk_of


def composing(*, ticket: Ticket, user: User, at: datetime) -> dict[str, object]:
    """The context of the composer for this person of staff."""
    return composer(desk=desk_of(ticket=ticket, user_id=user.pk, at=at))


def composer(*, desk: Desk, form: AnswerForm | None = None, note_form: NoteForm | None = None) -> dict[str, object]:
    """The same, with what was just typed in place of the draft."""
    return {
        "desk": desk,
        "form": form or AnswerForm(initial={"body": desk.answer}, auto_id="id_answer_%s"),
        "note_form": note_form or NoteForm(initial={"body": desk.note}, auto_id="id_note_%s"),
    }
