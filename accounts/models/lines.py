"""People, accounts and lines. A line is a tenure: one subscription from activation to deactivation."""

from datetime import timedelta
from uuid import uuid4

from django.contrib.auth.models import AbstractUser
from django.contrib.postgres.functions import RandomUUID
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now


class User(AbstractUser):
    """Anyone who signs in: a subscriber by a line they use, staff by e-mail.

    `seen_at`: when one of staff last looked at the dashboard; `seen_before_at`: when, before they signed in this time.
    """

    class Role(models.TextChoices):
        SUBSCRIBER = "subscriber", "Subscriber"
        AGENT = "agent", "Support agent"
        OFFICER = "officer", "Privacy officer"
        AUDITOR = "auditor", "Auditor"
        LEGAL = "legal", "Legal process"

    role = models.CharField(max_length=12, choices=Role, default=Role.SUBSCRIBER)
    language = models.CharField(max_length=12, blank=True)
    seen_at = models.DateTimeField(null=True, blank=True)
    seen_before_at = models.DateTimeField(null=True, blank=True)

    class Meta(AbstractUser.Meta):
        # Few of many: whoever lists staff must not read everybody.
        indexes = [models.Index(fields=["role"], condition=~Q(role="subscriber"), name="accounts_user_staff")]

    def __str__(self) -> str:
        return f"{self.role} {self.pk}"

    @property
    def is_subscriber(self) -> bool:
        """Whether they sign in by a line of theirs, and are not staff."""
        return self.role == self.Role.SUBSCRIBER


class Account(models.Model):
    """The billing relationship; the holder has authority over it."""

    carrier_id = models.CharField(max_length=100, unique=True)

    def __str__(self) -> str:
        return f"account {self.pk}"


class Line(models.Model):
    """One subscription of one subscriber, a tenure. `carrier_id` is the carrier's `line_id`; numbers come and go.

    `public_id` names the line in addresses: it says nothing about anybody.
    """

    class UserRole(models.TextChoices):
        HOLDER = "holder", "The account holder"
        USER = "user", "Another adult"
        MINOR = "minor", "A minor"

    id = models.BigAutoField(primary_key=True)
    carrier_id = models.CharField(max_length=100, unique=True)
    public_id = models.UUIDField(unique=True, default=uuid4, db_default=RandomUUID(), editable=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="lines")
    holder_name_sealed = models.BinaryField()
    user_role = models.CharField(max_length=10, choices=UserRole)
    state = models.CharField(max_length=2)
    language = models.CharField(max_length=12)
    activated_at = models.DateTimeField()
    deactivated_at = models.DateTimeField(null=True)
    sim_changed_at = models.DateTimeField(null=True)
    number_changed_at = models.DateTimeField(null=True)
    forwarding_changed_at = models.DateTimeField(null=True)
    # When we first heard of it: what files bring on its first day with us is how it begins, and no news to anybody.
    recorded_at = models.DateTimeField(db_default=Now(), editable=False)
    # When we last learned of a new SIM, number or forwarding, and of another account or holder, however long after it
    # was so; not by the import that first brought the line (`queries.get_hold_end`, `permissions.NEW_HOLDER`). A line
    # that continues another takes its hold over.
    change_known_at = models.DateTimeField(null=True)
    holder_known_at = models.DateTimeField(null=True)
    # When releases that were another line's until then came to this one, because of what a file says of numbers.
    history_known_at = models.DateTimeField(null=True)
    continues_line = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="continued_by")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(deactivated_at__isnull=True) | Q(deactivated_at__gt=F("activated_at")),
                name="accounts_line_ends_after_it_starts",
            )
        ]

    def __str__(self) -> str:
        return f"line {self.pk}"

    def list_tenures(self) -> list["Line"]:
        """Return this line and those that it continues, however far, the newest first: they are one person's."""
        tenures = [self]
        while (before := tenures[-1].continues_line) is not None:
            tenures.append(before)
        return tenures


class LineNumber(models.Model):
    """The number a line had for a period. Periods of one number never overlap (trigger `accounts_number_overlap`)."""

    id = models.BigAutoField(primary_key=True)
    line = models.ForeignKey(Line, on_delete=models.PROTECT, related_name="numbers")
    msisdn_hash = models.BinaryField()
    msisdn_sealed = models.BinaryField()
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["msisdn_hash", "starts_at"], name="accounts_number_once_at_a_time"),
            models.UniqueConstraint(fields=["line", "starts_at"], name="accounts_line_one_number_at_a_time"),
        ]

    def __str__(self) -> str:
        return f"number of line {self.line_id}"


class LineState(models.Model):
    """The US state a line was in since a moment; the first row starts with the tenure."""

    id = models.BigAutoField(primary_key=True)
    line = models.ForeignKey(Line, on_delete=models.PROTECT, related_name="states")
    state = models.CharField(max_length=2)
    since = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["line", "since"], name="accounts_linestate_one_at_a_time")]

    def __str__(self) -> str:
        return f"line {self.line_id} in {self.state}"


class LineUser(models.Model):
    """Who carries the phone of this line and signs in by it; ends with the tenure."""

    id = models.BigAutoField(primary_key=True)
    line = models.ForeignKey(Line, on_delete=models.PROTECT, related_name="line_users")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="line_users")
    since = models.DateTimeField()
    until = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["line"], condition=Q(until__isnull=True), name="accounts_lineuser_one_now")
        ]

    def __str__(self) -> str:
        return f"user {self.user_id} of line {self.line_id}"


class TextedCode(models.Model):
    """A code texted to a line for one purpose, kept sealed, so that asking again repeats it while it is fresh.

    A `long` one has more digits than anybody could guess. `tries_left`: over all browsers. `number_hash`: the number
    that it was texted to, with which it dies; of one to the safe contact, the line's own number as well.
    """

    class Purpose(models.TextChoices):
        STOP = "stop", "Stop all sharing"
        SIGN_IN = "sign_in", "Sign in"
        ASK = "ask", "Answer a question"
        STOP_FOR = "stop_for", "Have our support stop sharing"
        READ = "read", "Read while a new number holds the line"

    id = models.UUIDField(primary_key=True)
    line = models.ForeignKey(Line, on_delete=models.PROTECT)
    purpose = models.CharField(max_length=10, choices=Purpose)
    number_hash = models.BinaryField(default=b"", db_default=b"")
    code_sealed = models.BinaryField()
    made_at = models.DateTimeField()
    sent_at = models.DateTimeField()
    sends = models.PositiveSmallIntegerField(default=1)
    tries_left = models.PositiveSmallIntegerField(default=20)
    used_at = models.DateTimeField(null=True)
    long = models.BooleanField(default=False, db_default=False)

    class Meta:
        indexes = [
            models.Index(fields=["line", "purpose", "-made_at"], name="accounts_code_newest"),
            models.Index(fields=["sent_at"], name="accounts_code_sent"),
        ]

    def __str__(self) -> str:
        return f"code {self.id}"


class CodeAsker(models.Model):
    """A browser session that asked for a code: only there does the code count, and each has its own tries at it.

    `network_hash`: from where, as a keyed hash, to know a network from which very many are asked for.
    """

    id = models.BigAutoField(primary_key=True)
    code = models.ForeignKey(TextedCode, on_delete=models.CASCADE, related_name="askers")
    asker = models.CharField(max_length=32)
    tries_left = models.PositiveSmallIntegerField()
    network_hash = models.BinaryField(default=b"")
    asked_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["code", "asker"], name="accounts_codeasker_once")]
        indexes = [models.Index(fields=["network_hash", "asked_at"], name="accounts_codeasker_network")]

    def __str__(self) -> str:
        return f"asker of code {self.code_id}"


class WrongCode(models.Model):
    """A wrong guess at a line's short codes for one purpose, and with how many of them it was `compared`."""

    id = models.BigAutoField(primary_key=True)
    line = models.ForeignKey(Line, on_delete=models.PROTECT)
    purpose = models.CharField(max_length=10, choices=TextedCode.Purpose)
    at = models.DateTimeField()
    compared = models.PositiveSmallIntegerField()

    class Meta:
        indexes = [
            models.Index(fields=["line", "purpose", "at"], name="accounts_wrongcode_lately"),
            models.Index(fields=["at"], name="accounts_wrongcode_over"),
        ]

    def __str__(self) -> str:
        return f"wrong code of line {self.line_id}"


class Message(models.Model):
    """A text to a line's phone. The row is the queue: it waits until the gateway took it, or until its time is over.

    To which number, and what, is sealed as it was when it was written, and wiped once it was taken. Codes are not here.
    """

    class Kind(models.TextChoices):
        STOPPED = "stopped", "All sharing was stopped without sign-in"
        CHILD = "child", "The account holder changed something on a child's line"
        STAFF = "staff", "Our support or privacy office changed something"
        RECORDS = "records", "A file changed what is on record"
        PAUSE_OVER = "pause_over", "A pause has ended"
        NUMBER = "number", "The line has another number"
        SIGNAL = "signal", "A browser's privacy signal stopped something"
        LIFELINE = "lifeline", "A service that finds the phone in an emergency was lost"
        SUSPENDED = "suspended", "We stopped a company for the line by ourselves"
        ANSWERED = "answered", "A company's question was answered by texted code"
        REPLY = "reply", "An answer to a text"
        WAY_IN = "way_in", "What lets somebody in was changed, asked for or used"
        INVITED = "invited", "The account holder invites the line's user to sign in"
        DELEGATE = "delegate", "About somebody who was asked to look after a line"
        CONTACT = "contact", "Where news about the line goes was changed"
        RECEIPT = "receipt", "A link to a receipt that somebody asked for"
        REMINDER = "reminder", "Something is still on"
        AGENT = "agent", "Somebody asks for a stop in the person's name"
        CASE = "case", "Something was written in a case"
        MOVED = "moved", "The carrier's record of the line has another number, SIM, forwarding, account or holder"
        CONFIRMED = "confirmed", "A stop or pause by the line's own person"
        SIGNED = "signed", "The last company has signed what it was asked to do"
        LATE = "late", "A company is late in signing"
        YEARLY = "yearly", "A link to the history of the past year"

    id = models.UUIDField(primary_key=True)
    line = models.ForeignKey(Line, on_delete=models.PROTECT)
    kind = models.CharField(max_length=20, choices=Kind)
    about = models.CharField(max_length=80, blank=True)
    to_sealed = models.BinaryField()
    words_sealed = models.BinaryField()
    made_at = models.DateTimeField()
    next_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    tries = models.PositiveSmallIntegerField(default=0)
    taken_at = models.DateTimeField(null=True)
    # When the gateway was given it and kept silent: whether it took it nobody knows.
    doubt_at = models.DateTimeField(null=True)
    # Whose the number is, where it is not the line's own.
    contact = models.ForeignKey("SafeContact", on_delete=models.PROTECT, null=True, related_name="messages")

    class Meta:
        indexes = [
            models.Index(
                fields=["taken_at"],
                name="accounts_message_taken",
                condition=Q(taken_at__isnull=False, doubt_at__isnull=True),
            ),
            models.Index(fields=["doubt_at"], name="accounts_message_doubt", condition=Q(doubt_at__isnull=False)),
            models.Index(fields=["next_at"], name="accounts_message_due", condition=Q(taken_at__isnull=True)),
            models.Index(fields=["kind", "next_at"], name="accounts_message_lane", condition=Q(taken_at__isnull=True)),
            models.Index(fields=["about"], name="accounts_message_about", condition=Q(taken_at__isnull=True)),
            models.Index(fields=["expires_at"], name="accounts_message_over"),
        ]

    def __str__(self) -> str:
        return f"message {self.id}"


class NewPassword(models.Model):
    """A password that its person forgot is to be replaced by texted code alone: from `counts_from` on, a day later.

    Whoever has the link that was texted then, and whoever signs in by the line, takes it back with one press.
    """

    id = models.BigAutoField(primary_key=True)
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="new_passwords")
    token_hash = models.BinaryField(unique=True)
    asked_at = models.DateTimeField()
    counts_from = models.DateTimeField()
    expires_at = models.DateTimeField()
    cancelled_at = models.DateTimeField(null=True)
    used_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(counts_from__gte=F("asked_at") + timedelta(hours=24)), name="accounts_newpassword_waits"
            ),
            models.CheckConstraint(
                condition=Q(used_at__isnull=True)
                | Q(cancelled_at__isnull=True, used_at__gte=F("counts_from"), used_at__lt=F("expires_at")),
                name="accounts_newpassword_used_in_its_time",
            ),
            models.UniqueConstraint(
                fields=["user"],
                condition=Q(cancelled_at__isnull=True, used_at__isnull=True),
                name="accounts_newpassword_one_open",
            ),
        ]

    def __str__(self) -> str:
        return f"new password {self.id}"


class KnownDevice(models.Model):
    """A browser family on a network by which somebody signed in: kept as a keyed hash, to tell them of another one."""

    id = models.BigAutoField(primary_key=True)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="known_devices")
    mark_hash = models.BinaryField()
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "mark_hash"], name="accounts_knowndevice_once")]

    def __str__(self) -> str:
        return f"device {self.id} of user {self.user_id}"


class TextTaken(models.Model):
    """A text from a phone that was acted on, by a keyed hash of the gateway's id: the same one does nothing again."""

    id_hash = models.BinaryField(primary_key=True)
    taken_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"text taken at {self.taken_at}"


class OutgoingEmail(models.Model):
    """A mail that somebody asked for. The row is the queue: it waits until it was taken, or its time is over.

    To whom, and what, attachments too, is sealed and wiped once it was taken. No address is kept beyond that. `line`:
    none where it is about nobody's line.
    """

    id = models.UUIDField(primary_key=True)
    line = models.ForeignKey(Line, on_delete=models.PROTECT, null=True)
    to_sealed = models.BinaryField()
    body_sealed = models.BinaryField()
    made_at = models.DateTimeField()
    next_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    tries = models.PositiveSmallIntegerField(default=0)
    taken_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "accounts_letter"
        indexes = [
            models.Index(fields=["next_at"], name="accounts_letter_due", condition=Q(taken_at__isnull=True)),
            models.Index(fields=["line", "made_at"], name="accounts_letter_of_line"),
            models.Index(fields=["expires_at"], name="accounts_letter_over"),
        ]

    def __str__(self) -> str:
        return f"letter {self.id}"
