"""Authorised agents: who may ask for stops in people's names, and what they asked for (Data Rights Protocol 1.0)."""

from django.db import models
from django.db.models import F, Func, Q, Value


class AuthorizedAgent(models.Model):
    """An organisation that people sign for to stop sharing for them. `id`: its name in the protocol's directory.

    `verify_key`: its public Ed25519 key. `token_hash`: of the bearer token it was given last. `hosts`: where it may be
    told of a change. `token_asked_at`: when it signed for that token; nothing it signed until then gives another.

    `ended_at`: since when it may not ask. Until two officers agreed it may not, to this name, key and hosts (trigger
    `partners_agent_two_officers`); and a yes counts only for what was so when it was proposed, since `changed_at`.
    `number` names it to proposals and in addresses.
    """

    id = models.CharField(max_length=60, primary_key=True)
    number = models.BigIntegerField(
        unique=True, editable=False, db_default=Func(Value("partners_authorizedagent_number"), function="nextval")
    )
    name = models.CharField(max_length=200)
    verify_key = models.BinaryField()
    hosts = models.JSONField(default=list)
    token_hash = models.BinaryField(null=True, unique=True)
    token_asked_at = models.DateTimeField(null=True)
    registered_at = models.DateTimeField()
    changed_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"agent {self.id}"


class AgentRequest(models.Model):
    """One request of an agent. Nothing is done before its person says, from the phone itself, that it is theirs.

    `line_id` is None for a number that is no line of ours, of which the agent sees nothing. `digest`: of what it sent,
    so that the same message again is the same request. `notify_at`: when the agent is to be told of the state it is in.
    """

    class Status(models.TextChoices):
        IN_PROGRESS = "in_progress", "Waiting for the person"
        FULFILLED = "fulfilled", "Done"
        DENIED = "denied", "Denied"
        REVOKED = "revoked", "Withdrawn by the agent"

    class Reason(models.TextChoices):
        NEED_USER_VERIFICATION = "need_user_verification", "The person hasn't answered yet"
        SUSPECTED_FRAUD = "suspected_fraud", "The person says the request isn't theirs"
        INSUF_VERIFICATION = "insuf_verification", "The person didn't answer in time"
        NO_MATCH = "no_match", "The request has no phone number"
        CLAIM_NOT_COVERED = "claim_not_covered", "Agents can request only stops"
        TOO_MANY_REQUESTS = "too_many_requests", "Too many requests for this number"

    id = models.UUIDField(primary_key=True)
    agent = models.ForeignKey(AuthorizedAgent, on_delete=models.PROTECT, related_name="requests")
    agent_request_id = models.CharField(max_length=200, blank=True)
    digest = models.BinaryField()
    line_id = models.BigIntegerField(null=True)
    number_hash = models.BinaryField()
    exercise = models.CharField(max_length=40)
    status = models.CharField(max_length=12, choices=Status)
    reason = models.CharField(max_length=24, choices=Reason, blank=True)
    token_hash = models.BinaryField(unique=True)
    callback = models.CharField(max_length=1000, blank=True)
    received_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    choice_id = models.UUIDField(null=True)
    notify_at = models.DateTimeField(null=True)
    notify_tries = models.PositiveSmallIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["agent", "digest"], name="partners_agentrequest_once"),
            models.CheckConstraint(
                condition=Q(status="in_progress", closed_at__isnull=True)
                | (~Q(status="in_progress") & Q(closed_at__isnull=False)),
                name="partners_agentrequest_closed_has_time",
            ),
            models.CheckConstraint(
                condition=~Q(status="fulfilled") | Q(choice_id__isnull=False, line_id__isnull=False),
                name="partners_agentrequest_done_by_choice",
            ),
            models.CheckConstraint(condition=Q(expires_at__gt=F("received_at")), name="partners_agentrequest_has_time"),
        ]
        indexes = [
            models.Index(fields=["number_hash", "received_at"], name="partners_agentrequest_number"),
            models.Index(fields=["expires_at"], name="partners_agentrequest_open", condition=Q(closed_at__isnull=True)),
            models.Index(
                fields=["notify_at"], name="partners_agentrequest_notify", condition=Q(notify_at__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"request {self.id} of {self.agent_id}"
