"""What every door says of a texted code that was not right."""

from datetime import datetime

from django.http import HttpRequest

from accounts.actions.rate_limits import count_wrong_code
from accounts.domain import sessions
from accounts.forms import CodeForm


def refuse_code(request: HttpRequest, form: CodeForm, *, at: datetime) -> None:
    """Say that a texted code was not right; after so many, that another has to be asked for."""
    tries = count_wrong_code(code_request_id=sessions.get_code_request_id(request), at=at)
    form.refuse(spent=sessions.note_tries(request, tries=tries))
