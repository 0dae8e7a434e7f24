"""The ledger of choices and approvals, and the gate row derived from it.

Ledger rows are written once: triggers refuse the rest. The database alone writes the gate row, with its ledger row."""

from django.db import models
from django.db.models import Q


class Origin(models.TextChoices):
    """Whose word a choice is. Ours is only ever a stop; like the person's own, only their newer yes outlasts it."""

    PERSON = "person", "The person"
    FILE = "file", "A carrier file"
    SYSTEM = "system", "This portal, after what a company did"


class Choice(models.Model):
    """One row of the append-only ledger: a stop, a pause, an allow, a refusal.

    `ref` names the party (URI), purpose (DPV term) or campaign (id) that `scope` speaks of; it may not be known yet.
    `made_at` of a person's choice is set under the lock of the line's gate row.
    """

    class Kind(models.TextChoices):
        STOP = "stop", "Stop"
        PAUSE = "pause", "Pause"
        ALLOW = "allow", "Allow"
        REFUSE = "refuse", "Refuse"

    class Scope(models.TextChoices):
        ALL = "all", "Everything"
        PARTY = "party", "A company"
        PURPOSE = "purpose", "A purpose"
        CAMPAIGN = "campaign", "One use by one company"

    pk = models.CompositePrimaryKey("line_id", "id")
    line_id = models.BigIntegerField()
    id = models.UUIDField()
    kind = models.CharField(max_length=6, choices=Kind)
    scope = models.CharField(max_length=8, choices=Scope)
    ref = models.CharField(max_length=1000, blank=True)
    made_at = models.DateTimeField()
    until = models.DateTimeField(null=True)
    origin = models.CharField(max_length=6, choices=Origin)
    channel = models.CharField(max_length=40)
    program = models.CharField(max_length=1000, blank=True)
    reason = models.CharField(max_length=40, blank=True)
    # "client:" and the longest id that a client may have fit in.
    actor = models.CharField(max_length=220)
    recorded_at = models.DateTimeField()
    source_id = models.CharField(max_length=1000, blank=True)
    content_hash = models.BinaryField(null=True)
    # The notice that was read before it: `Notice.digest`.
    notice = models.CharField(max_length=64, blank=True, default="", db_default="")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=(Q(scope="all") & Q(ref="")) | (~Q(scope="all") & ~Q(ref="")),
                name="consent_choice_ref_iff_scoped",
            ),
            models.CheckConstraint(
                condition=~Q(kind__in=("allow", "refuse")) | Q(scope="campaign"),
                name="consent_choice_allow_names_a_campaign",
            ),
            models.CheckConstraint(
                condition=~Q(kind="pause") | Q(until__isnull=False), name="consent_choice_pause_has_an_end"
            ),
            models.CheckConstraint(
                condition=~Q(kind__in=("stop", "refuse")) | Q(until__isnull=True), name="consent_choice_stop_has_no_end"
            ),
            models.CheckConstraint(
                condition=~Q(kind="allow") | ~Q(origin="person") | Q(actor__startswith="subscriber:"),
                name="consent_choice_only_the_person_allows",
            ),
            models.CheckConstraint(
                condition=~Q(origin="system") | Q(kind="stop", scope="party"), name="consent_choice_we_only_suspend"
            ),
        ]
        indexes = [
            models.Index(fields=["line_id", "-made_at"], name="consent_choice_newest"),
            models.Index(fields=["id"], name="consent_choice_by_id"),
            models.Index(fields=["recorded_at"], name="consent_choice_recorded"),
            models.Index(fields=["until"], condition=Q(kind="pause"), name="consent_pause_ends"),
            models.Index(fields=["recorded_at"], condition=Q(reason="never_agreed"), name="consent_choice_disputes"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.scope} on line {self.line_id}"


class ChoiceOrder(models.Model):
    """The order that tells one partner of a choice: written with it, or already standing. Append-only."""

    pk = models.CompositePrimaryKey("line_id", "choice_id", "contract_id")
    line_id = models.BigIntegerField()
    choice_id = models.UUIDField()
    contract_id = models.BigIntegerField()
    order_id = models.UUIDField()

    def __str__(self) -> str:
        return f"choice {self.choice_id} told by order {self.order_id}"


class Approval(models.Model):
    """A subscriber's express yes for one campaign, with its evidence. By a partner's word alone it is a claim."""

    class VerifiedBy(models.TextChoices):
        CARRIER = "carrier", "The carrier"
        PARTNER = "partner", "The partner alone"

    class Method(models.TextChoices):
        SMS = "sms", "by text"
        IVR = "ivr", "by phone call"
        WEB = "web", "on a web page"
        APP = "app", "in an app"
        PAPER = "paper", "on paper"

    pk = models.CompositePrimaryKey("line_id", "id")
    line_id = models.BigIntegerField()
    id = models.UUIDField()
    campaign = models.CharField(max_length=200)
    method = models.CharField(max_length=6, choices=Method)
    captured_at = models.DateTimeField()
    captured_by = models.CharField(max_length=1000)
    wording = models.CharField(max_length=1000)
    language = models.CharField(max_length=40)
    evidence_ref = models.CharField(max_length=1000)
    expires_at = models.DateTimeField(null=True)
    verified_by = models.CharField(max_length=8, choices=VerifiedBy)
    recorded_at = models.DateTimeField()
    source_id = models.CharField(max_length=1000)
    content_hash = models.BinaryField()

    class Meta:
        indexes = [
            models.Index(fields=["line_id", "campaign", "-captured_at"], name="consent_approval_newest"),
            models.Index(fields=["id"], name="consent_approval_by_id"),
            models.Index(fields=["recorded_at"], name="consent_approval_recorded"),
            models.Index(fields=["campaign"], name="consent_approval_by_campaign"),
        ]

    def __str__(self) -> str:
        return f"approval of {self.campaign} on line {self.line_id}"


class LineGate(models.Model):
    """All that a decision needs to know of one line. Times inside the JSON are microseconds since 1970.

    `stops`     {"all" | "party:URI" | "purpose:TERM" | "campaign:ID": {"person": t, "file": t}}, the newest of each
    `pauses`    the same keys: [[from, until, origin], ...]
    `approvals` {campaign: [[from, until or null, origin], ...]}
    `claims`    {campaign: earliest}
    """

    line_id = models.BigIntegerField(primary_key=True)
    version = models.BigIntegerField(default=0)
    newest_at = models.DateTimeField(null=True)
    active_from = models.DateTimeField()
    active_until = models.DateTimeField(null=True)
    state = models.CharField(max_length=2)
    number_changed_at = models.DateTimeField(null=True)
    stops = models.JSONField(default=dict)
    pauses = models.JSONField(default=dict)
    approvals = models.JSONField(default=dict)
    claims = models.JSONField(default=dict)

    def __str__(self) -> str:
        return f"gate of line {self.line_id}"


class ChoiceReceipt(models.Model):
    """The signed proof of one choice that its maker keeps. Append-only."""

    pk = models.CompositePrimaryKey("line_id", "choice_id")
    line_id = models.BigIntegerField()
    choice_id = models.UUIDField()
    number = models.CharField(max_length=12)
    token = models.TextField()

    class Meta:
        indexes = [models.Index(fields=["number"], name="consent_receipt_by_number")]

    def __str__(self) -> str:
        return f"receipt {self.number}"


class ProgressLink(models.Model):
    """An unguessable link (30 days) that shows how far a stop made without an account has come, in counts."""

    token_hash = models.BinaryField(primary_key=True)
    line_id = models.BigIntegerField()
    choice_id = models.UUIDField()
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"progress of choice {self.choice_id}"


class EndedPause(models.Model):
    """A pause that has ended, and whose end the partners have been told. Append-only."""

    pk = models.CompositePrimaryKey("line_id", "choice_id")
    line_id = models.BigIntegerField()
    choice_id = models.UUIDField()
    told_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"end of pause {self.choice_id}"


class AwaitedOutcome(models.Model):
    """A line whose partners have still to sign for its newest stop or pause; `look_at`: when to look again.

    The row goes in the transaction that texts the line that all have signed, and notes that it was told one is late.
    """

    line_id = models.BigIntegerField(primary_key=True)
    since = models.DateTimeField()
    look_at = models.DateTimeField(db_index=True)
    late_told_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"outcome of line {self.line_id}"


class HeldRow(models.Model):
    """A feed row that names a line or campaign not known yet: kept, sealed, until what it names arrives.

    A choice bears the id that it will have in the ledger, and can't be removed before it is there.
    """

    class Feed(models.TextChoices):
        APPROVALS = "approvals", "Approvals"
        CHOICES = "choices", "Choices"

    pk = models.CompositePrimaryKey("feed", "source_hash")
    feed = models.CharField(max_length=12, choices=Feed)
    source_hash = models.BinaryField()
    msisdn_hash = models.BinaryField()
    campaign = models.CharField(max_length=200, blank=True)
    row_sealed = models.BinaryField()
    held_at = models.DateTimeField()
    choice_id = models.UUIDField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["msisdn_hash"], name="consent_held_number"),
            models.Index(fields=["campaign"], name="consent_held_campaign"),
        ]

    def __str__(self) -> str:
        return f"held {self.feed} row"


class RejudgeRequest(models.Model):
    """A line whose past judgements may have changed from a moment on; a task in `disclosures` judges them again."""

    id = models.BigAutoField(primary_key=True)
    line_id = models.BigIntegerField()
    since = models.DateTimeField()

    class Meta:
        db_table = "consent_touched"

    def __str__(self) -> str:
        return f"line {self.line_id} touched from {self.since}"


class Notice(models.Model):
    """What a person read before a choice, word for word, with the companies it named. Append-only.

    `digest` is the SHA-256, in hex, of language, body and companies; one wording is kept once.
    """

    digest = models.CharField(max_length=64, primary_key=True)
    use = models.CharField(max_length=6)
    language = models.CharField(max_length=12)
    version = models.PositiveIntegerField()
    body = models.CharField(max_length=4000)
    companies = models.JSONField()
    first_shown_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"notice {self.digest[:12]}"


class ConsentRequest(models.Model):
    """A question to a line: does this company have your yes? The link names the question, never the person.

    One yes or no ends it; unanswered it ends after 7 days. One about a claim (`approval_id`) is texted; one that a
    partner shows by itself is not, and leads back to `callback`. `line_id` below zero stands for a number that is no
    line of ours (`accounts.primitives.sealing.make_placeholder_id`): nobody can answer it.
    """

    class Answer(models.TextChoices):
        YES = "yes", "Yes"
        NO = "no", "No"

    pk = models.CompositePrimaryKey("line_id", "id")
    line_id = models.BigIntegerField()
    id = models.UUIDField()
    token_hash = models.BinaryField(unique=True)
    campaign = models.CharField(max_length=200)
    party_id = models.BigIntegerField()
    approval_id = models.UUIDField(null=True)
    until = models.DateTimeField(null=True)
    asked_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    texted_at = models.DateTimeField(null=True)
    answer = models.CharField(max_length=3, choices=Answer, blank=True)
    answered_at = models.DateTimeField(null=True)
    choice_id = models.UUIDField(null=True)
    callback = models.CharField(max_length=1000, blank=True, default="", db_default="")

    class Meta:
        db_table = "consent_ask"
        constraints = [
            models.CheckConstraint(
                condition=Q(answer="", answered_at__isnull=True) | (~Q(answer="") & Q(answered_at__isnull=False)),
                name="consent_ask_answered_has_time",
            )
        ]
        indexes = [
            models.Index(fields=["line_id", "-asked_at"], name="consent_ask_newest"),
            models.Index(
                fields=["expires_at"],
                condition=Q(answer="", approval_id__isnull=False, texted_at__isnull=True),
                name="consent_ask_waiting",
            ),
        ]

    def __str__(self) -> str:
        return f"ask {self.id}"


class PrivacySignal(models.Model):
    """That somebody's browser sent the Global Privacy Control signal when they proved that a line is theirs.

    `asked_at`: when it met a yes of their own, so that they are asked once which of the two counts; at most once in 12
    months. Unanswered, the yes stands, and the signal holds for everything else.
    """

    class Answer(models.TextChoices):
        KEEP = "keep", "My own yes counts"
        STOP = "stop", "The signal counts"

    line_id = models.BigIntegerField(primary_key=True)
    first_at = models.DateTimeField()
    newest_at = models.DateTimeField()
    asked_at = models.DateTimeField(null=True)
    answer = models.CharField(max_length=4, choices=Answer, blank=True, default="", db_default="")
    answered_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(answer="", answered_at__isnull=True)
                | (~Q(answer="") & Q(answered_at__isnull=False, asked_at__isnull=False)),
                name="consent_signal_answered_has_time",
            )
        ]

    def __str__(self) -> str:
        return f"privacy signal for line {self.line_id}"


class InvalidatedApproval(models.Model):
    """A yes of a file or a claim that came by a number when that was no longer its line's. Append-only.

    It stays in the ledger and counts for nothing there: whoever had the number then is given it as their own.
    `yes_id`: of the approval, or of the choice that allows.
    """

    pk = models.CompositePrimaryKey("line_id", "yes_id")
    line_id = models.BigIntegerField()
    yes_id = models.UUIDField()
    campaign = models.CharField(max_length=200)
    recorded_at = models.DateTimeField()

    class Meta:
        db_table = "consent_setaside"

    def __str__(self) -> str:
        return f"yes {self.yes_id}, which is not line {self.line_id}'s"
