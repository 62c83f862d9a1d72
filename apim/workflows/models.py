"""Approvals: which executor an organisation uses for which kind of request, and the requests themselves."""

from __future__ import annotations

import uuid

from django.db import models

from apim.accounts.models import Organisation, User


class Kind(models.TextChoices):
    """What can be asked for (reference A9). The values are `workflowType` of the admin contract."""

    APPLICATION_CREATION = "APPLICATION_CREATION", "Application creation"
    APPLICATION_DELETION = "APPLICATION_DELETION", "Application deletion"
    PRODUCTION_KEY = "APPLICATION_REGISTRATION_PRODUCTION", "Production key registration"
    SANDBOX_KEY = "APPLICATION_REGISTRATION_SANDBOX", "Sandbox key registration"
    SUBSCRIPTION_CREATION = "SUBSCRIPTION_CREATION", "Subscription creation"
    SUBSCRIPTION_UPDATE = "SUBSCRIPTION_UPDATE", "Subscription plan change"
    SUBSCRIPTION_DELETION = "SUBSCRIPTION_DELETION", "Subscription deletion"
    USER_SIGNUP = "USER_SIGNUP", "Self sign-up"
    API_STATE = "API_STATE", "API state change"
    API_PRODUCT_STATE = "API_PRODUCT_STATE", "API product state change"


class Style(models.TextChoices):
    """Who decides."""

    SIMPLE = "SIMPLE", "Simple: approved at once"
    APPROVAL = "APPROVAL", "Approval: an administrator decides"
    HTTP = "HTTP", "HTTP: a service is asked and calls back"


class Credentials(models.TextChoices):
    """How the platform shows a service who it is."""

    NONE = "NONE", "None"
    BASIC = "BASIC", "User name and password (Basic)"
    OAUTH = "OAUTH", "OAuth2 client credentials"


class Executor(models.Model):
    """How an organisation decides on one kind of request. Without a row: at once, with yes.

    `secret` (password or client secret) is sealed. `transitions` narrows state changes to `CREATED:Publish` and the like.
    """

    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="workflow_executors")
    kind = models.CharField(max_length=40, choices=Kind.choices)
    style = models.CharField(max_length=10, choices=Style.choices, default=Style.APPROVAL)
    url = models.CharField("service address", max_length=500, blank=True, help_text="HTTP: where requests are posted.")
    credentials = models.CharField(max_length=6, choices=Credentials.choices, default=Credentials.NONE)
    username = models.CharField("user name or client id", max_length=250, blank=True)
    secret = models.TextField(blank=True, editable=False)
    token_url = models.CharField(
        "token address", max_length=500, blank=True, help_text="OAuth2: where the token for the service comes from."
    )
    transitions = models.JSONField(
        default=list,
        blank=True,
        help_text="State changes only: those that need a decision, as CREATED:Publish. None: all of them.",
    )
    notify = models.CharField(
        "mail to", max_length=1000, blank=True, help_text="Addresses, by comma. None: all administrators."
    )

    class Meta:
        ordering = ["kind"]
        verbose_name = "workflow executor"
        constraints = [models.UniqueConstraint(fields=["organisation", "kind"], name="executor_unique_kind")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.get_style_display()}"


class Status(models.TextChoices):
    """Where a request stands."""

    CREATED = "CREATED", "Waiting"
    APPROVED = "APPROVED", "Approved"
    REJECTED = "REJECTED", "Rejected"
    WITHDRAWN = "WITHDRAWN", "Withdrawn"


class Task(models.Model):
    """A request that waits for a decision, and what became of it. The id is its reference outside.

    `properties` are for people and services, `payload` is what carrying it out needs; neither holds a secret.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="workflow_tasks")
    kind = models.CharField(max_length=40, choices=Kind.choices)
    style = models.CharField(max_length=10, choices=Style.choices, default=Style.APPROVAL)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.CREATED, db_index=True)
    requester = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="workflow_tasks")
    requester_name = models.CharField(max_length=254)
    subject_kind = models.CharField(max_length=60)
    subject_id = models.CharField(max_length=80)
    subject_name = models.CharField(max_length=250)
    description = models.CharField(max_length=500)
    properties = models.JSONField(default=dict, blank=True)
    payload = models.JSONField(default=dict, blank=True, editable=False)
    comment = models.CharField(max_length=500, blank=True)
    decided_by = models.CharField(max_length=254, blank=True)
    created = models.DateTimeField(auto_now_add=True)
    updated = models.DateTimeField(auto_now=True)
    attempts = models.PositiveIntegerField(default=0, editable=False)
    due = models.DateTimeField(null=True, blank=True, editable=False, help_text="Next call of the service; none: none.")
    problem = models.CharField(max_length=300, blank=True, editable=False)

    class Meta:
        ordering = ["-created"]
        verbose_name = "workflow task"
        constraints = [
            models.UniqueConstraint(
                fields=["subject_kind", "subject_id"], condition=models.Q(status="CREATED"), name="task_one_waiting"
            )
        ]
        indexes = [models.Index(fields=["organisation", "status", "kind"], name="task_waiting")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.subject_name}"

    @property
    def is_waiting(self) -> bool:
        """Whether nobody has decided yet."""
        return self.status == Status.CREATED
