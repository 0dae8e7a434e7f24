"""What limits guessing at the doors: how often something was wrong, and which browsers a person signs in by."""

from django.db import models

from accounts.models.lines import User


class Throttle(models.Model):
    """How often a guess at one door was wrong for one device, account or network, and until when none is looked at.

    `level_milli`: how many wrong tries, less what has faded since, in thousandths. `mark_hash`: a keyed hash of what
    is counted, whether or not there is such an account.
    """

    id = models.BigAutoField(primary_key=True)
    mark_hash = models.BinaryField(unique=True)
    level_milli = models.PositiveIntegerField()
    last_at = models.DateTimeField(db_index=True)
    wait_until = models.DateTimeField()

    def __str__(self) -> str:
        return f"throttle {self.pk}"


class DeviceCookie(models.Model):
    """A browser by which a person proved who they are, known by its cookie: others' guesses don't count against it."""

    id = models.BigAutoField(primary_key=True)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="device_cookies")
    token_hash = models.BinaryField()
    last_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "token_hash"], name="accounts_devicecookie_once")]

    def __str__(self) -> str:
        return f"device of user {self.user_id}"


class SpentCode(models.Model):
    """A code of an authenticator app that was taken, by a keyed hash: it is good once."""

    code_hash = models.BinaryField(primary_key=True)
    at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"code spent at {self.at}"


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
