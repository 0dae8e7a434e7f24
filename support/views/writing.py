"""Write in a case: answers, notes, drafts, files."""

from dataclasses import replace
from datetime import datetime
from http import HTTPStatus
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import User
from accounts.policies.permissions import StaffAction, actor_of
from accounts.queries import StaffOnly
from accounts.views.access import PersonRequest, get_next_path
from accounts.views.downloads import staff_download
from support.actions import writing as actions
from support.actions.replies import search_replies, take_reply
from support.domain import files
from support.forms.writing import NO_FILES, AnswerForm, DraftForm, NoteForm
from support.models import Entry, Ticket
from support.policies.lifecycle import NotNow
from support.policies.reply_variables import BadVariable, fill_variables
from support.queries.writing import Desk, desk_of, values_of
from support.views.access import at_the_desk, to_save

LONGEST_SEARCH = 100


def composing(*, ticket: Ticket, user: User, at: datetime) -> dict[str, object]:
    """The context of the composer for this person of staff."""
    return composer(desk=desk_of(ticket=ticket, user_id=user.pk, at=at))


def composer(*, desk: Desk, form: AnswerForm | None = None, note_form: NoteForm | None = None) -> dict[str, object]:
    """The same, with what was just typed in place of the draft."""
    return {
        "desk": desk,
        "form": form or AnswerForm(initial={"body": desk.answer}, auto_id="id_answer_%s"),
        "note_form": note_form
        or NoteForm(
            initial={"body": desk.note, "mentions": desk.mentions}, auto_id="id_note_%s", writer_id=desk.writer_id
        ),
    }


@require_http_methods(["GET", "HEAD", "POST"])
@at_the_desk(StaffAction.WORK_TICKETS)
def write(request: PersonRequest, code: str) -> HttpResponse:
    """The thread with the composer; an answer that is sent, which may be taken back for half a minute."""
    if request.method != "POST":
        return _page(request, code, None, None)
    form = AnswerForm(request.POST, request.FILES, auto_id="id_answer_%s")
    if not form.is_valid():
        return _page(request, code, form, None)
    said = {"body": form.cleaned_data["body"], "uploads": form.cleaned_data["uploads"]}
    try:
        actions.send(
            code=code, then=Ticket.State(form.cleaned_data["then"]), actor=actor_of(request.user), at=timezone.now(),
            **said,
        )  # fmt: skip
    except (BadVariable, NotNow) as error:
        form.add_error("body", str(error))
        return _page(request, code, form, None)
    return _back(request, code)


@require_POST
@at_the_desk(StaffAction.WORK_TICKETS)
def insert_canned_reply(request: PersonRequest, code: str) -> HttpResponse:
    """The composer with an answer that is written often put behind what is there.

    409 where no composer is shown, because one's own answer is on its way: a script then leaves what it has alone.
    """
    said = _keep_files(request, code)
    seen = _get_thread(request, code)
    words = take_reply(offered=seen.desk.canned, chosen=request.POST.get("canned", ""))
    before = request.POST.get("body", "").rstrip()
    body = "\n\n".join(part for part in (before, words) if part)
    return _go_on(request, seen, body, said=said)


@require_POST
@at_the_desk(StaffAction.WORK_TICKETS)
def find_canned_reply(request: PersonRequest, code: str) -> HttpResponse:
    """The same with those answers to choose from that have the words looked for; all of them where there are none."""
    said = _keep_files(request, code)
    seen = _get_thread(request, code)
    asked = request.POST.get("saved_words", "").replace("\x00", "").strip()[:LONGEST_SEARCH]
    if asked:
        found = search_replies(
            language=seen.desk.ticket.language, words=asked, actor=actor_of(request.user), at=timezone.now()
        )
        seen = replace(seen, desk=replace(seen.desk, canned=[one.replies[0] for one in found]))
    return _go_on(request, seen, request.POST.get("body", ""), said=said, searched=bool(asked), saved_words=asked)


@require_POST
@at_the_desk(StaffAction.WORK_TICKETS)
def preview(request: PersonRequest, code: str) -> HttpResponse:
    """The answer as its person would read it, with its variables filled in. Nothing is sent, and files are kept."""
    said = _keep_files(request, code)
    seen = _get_thread(request, code)
    form = AnswerForm(request.POST, auto_id="id_answer_%s")
    if said:
        form.add_error("uploads", said)
    shown: dict[str, object] = {**composer(desk=seen.desk, form=form), "thread": seen.thread}
    if form.is_valid():
        try:
            shown["preview"] = fill_variables(
                body=form.cleaned_data["body"], values=values_of(ticket=seen.desk.ticket, at=timezone.now())
            )
        except BadVariable as error:
            form.add_error("body", str(error))
    return render(request, "desk/write.html", shown, status=400 if form.errors else 200)


@require_POST
@at_the_desk(StaffAction.WORK_TICKETS)
def draft(request: PersonRequest, code: str, kind: str) -> HttpResponse:
    """Keep what was begun: by its button, or by the script whenever the writer pauses."""
    kinds = {"answer": Entry.Kind.ANSWER, "note": Entry.Kind.NOTE}
    if kind not in kinds:
        raise Http404
    # What was written is kept, whatever came with it.
    no_files = kind == "note" and bool(request.FILES)
    form = DraftForm(request.POST, None if no_files else request.FILES)
    said, kept = str(NO_FILES) if no_files else "", False
    if form.is_valid():
        body, uploads = form.cleaned_data["body"], form.cleaned_data["uploads"]
        try:
            kept = actions.keep_draft(
                code=code, kind=kinds[kind], body=body.replace("\r\n", "\n"), uploads=uploads,
                mentions=form.list_mentions(), actor=actor_of(request.user), at=timezone.now(),
            )  # fmt: skip
        except NotNow as error:
            said = str(error)
    else:
        said = _faults_of(form)
    return _build_saved_response(request, code, said=said, kept=kept)


@require_POST
@at_the_desk(StaffAction.WORK_TICKETS)
def undo(request: PersonRequest, code: str) -> HttpResponse:
    """Take an answer back that has not gone out."""
    try:
        actions.undo_answer(code=code, actor=actor_of(request.user), at=timezone.now())
    except NotNow as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("Cancelled. Nothing was sent."))
    return _back(request, code)


@require_POST
@at_the_desk(StaffAction.WORK_TICKETS)
def note(request: PersonRequest, code: str) -> HttpResponse:
    """Write a note for colleagues."""
    form = NoteForm(request.POST, request.FILES, auto_id="id_note_%s", writer_id=request.user.pk)
    if not form.is_valid():
        return _page(request, code, None, form)
    try:
        actions.add_note(code=code, **form.cleaned_data, actor=actor_of(request.user), at=timezone.now())
    except NotNow as error:
        form.add_error("body", str(error))
        return _page(request, code, None, form)
    return _back(request, code)


@require_POST
@at_the_desk(StaffAction.WORK_TICKETS)
def remove_file(request: PersonRequest, code: str, file_id: UUID) -> HttpResponse:
    """Take a file away that has not gone out."""
    try:
        actions.remove_file(code=code, file_id=file_id, actor=actor_of(request.user), at=timezone.now())
    except NotNow as error:
        messages.error(request, str(error))
    return _back(request, code)


@require_safe
@at_the_desk(StaffAction.REVEAL_PERSON)
@staff_download
def file(request: PersonRequest, code: str, file_id: UUID) -> HttpResponse:
    """A file of a case, to save: never shown in the page. For who is shown its person now."""
    try:
        found = actions.open_file(code=code, file_id=file_id, actor=actor_of(request.user), at=timezone.now())
    except StaffOnly as error:
        raise PermissionDenied from error
    if found is None:
        raise Http404
    return to_save(name=found.name, media_type=found.media_type, content=files.read_file(file_id=found.pk))


def _go_on(request: PersonRequest, seen: actions.Thread, body: str, *, said: str, **more: object) -> HttpResponse:
    """The composer with these words in it. `said`: what is wrong with the files that came, or ""."""
    if said:
        messages.error(request, said)
    initial = {"body": body, "then": request.POST.get("then", Ticket.State.SOLVED)}
    shown = composer(desk=seen.desk, form=AnswerForm(initial=initial, auto_id="id_answer_%s"))
    status = HTTPStatus.CONFLICT if seen.desk.on_its_way else HTTPStatus.OK
    return render(request, "desk/write.html", {**shown, **more, "thread": seen.thread}, status=status)


def _faults_of(form: DraftForm) -> str:
    return " ".join(str(error) for errors in form.errors.values() for error in errors)


def _keep_files(request: PersonRequest, code: str) -> str:
    """Keep the files that came with what is only looked at: a browser sends them once. Returns what is wrong, or ""."""
    if not request.FILES:
        return ""
    form = DraftForm(request.POST, request.FILES)
    if not form.is_valid():
        return " ".join(str(error) for errors in form.errors.values() for error in errors)
    try:
        actions.keep_draft(
            code=code, kind=Entry.Kind.ANSWER, body=form.cleaned_data["body"].replace("\r\n", "\n"),
            uploads=form.cleaned_data["uploads"], actor=actor_of(request.user), at=timezone.now(),
        )  # fmt: skip
    except NotNow as error:
        return str(error)
    return ""


def _page(request: PersonRequest, code: str, form: AnswerForm | None, note_form: NoteForm | None) -> HttpResponse:
    seen = _get_thread(request, code)
    shown = {**composer(desk=seen.desk, form=form, note_form=note_form), "thread": seen.thread}
    return render(request, "desk/write.html", shown, status=400 if request.method == "POST" else 200)


def _get_thread(request: PersonRequest, code: str) -> actions.Thread:
    seen = actions.see_thread(code=code, actor=actor_of(request.user), at=timezone.now())
    if seen is None:
        raise Http404
    return seen


def _build_saved_response(request: PersonRequest, code: str, *, said: str, kept: bool) -> HttpResponse:
    """For the script a few words; for a form, back to the page."""
    if request.headers.get("HX-Request"):
        return render(request, "desk/_kept.html", {"said": said, "kept": kept, "at": timezone.now()})
    if said:
        messages.error(request, said)
    return _back(request, code)


def _back(request: PersonRequest, code: str) -> HttpResponse:
    """Where the composer stood."""
    then = get_next_path(request)
    return redirect(then) if then else redirect("desk-write", code=code)
