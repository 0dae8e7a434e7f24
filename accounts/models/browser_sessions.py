"""A browser's session, and with it where somebody is signed in."""

from django.db import models

from accounts.models.lines import User


class BrowserSession(models.Model):
    """One browser's session (`accounts.domain.session_store`): its row alone opens nothing.

    `user`: who is signed in by it, since `began_at`. `origin_sealed`: from which network address and by which browser.
    """

    id = models.BigAutoField(primary_key=True)
    key_hash = models.BinaryField(unique=True)
    data = models.BinaryField()
    user = models.ForeignKey(User, on_delete=models.CASCADE, null=True, related_name="browser_sessions")
    began_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(db_index=True)
    origin_sealed = models.BinaryField(default=b"")

    def __str__(self) -> str:
        return f"browser session {self.pk}"
