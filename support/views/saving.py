"""Files to save: never shown, never run, whatever they say that they are."""

from django.http import HttpResponse


def to_save(*, name: str, media_type: str, content: bytes) -> HttpResponse:
    """A file as an attachment, in a sandbox without rights, its kind not to be guessed. `name`: harmless already."""
    kind = f"{media_type}; charset=utf-8" if media_type == "text/plain" else media_type
    return HttpResponse(
        content,
        content_type=kind,
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "default-src 'none'; sandbox",
        },
    )
