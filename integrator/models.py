"""What the control plane knows of integrators: their artifacts, task runs and stored messages at a glance."""

from __future__ import annotations

from django.db import models


class TaskRun(models.Model):
    """One run of a scheduled task or message processor by a Celery worker, with its outcome."""

    home = models.CharField(max_length=500)
    kind = models.CharField(max_length=20, choices=[("task", "Scheduled task"), ("processor", "Message processor")])
    name = models.CharField(max_length=250, db_index=True)
    started = models.DateTimeField(db_index=True)
    duration_ms = models.IntegerField(default=0)
    ok = models.BooleanField(default=True)
    result = models.TextField(blank=True)
    error = models.TextField(blank=True)
    worker = models.CharField(max_length=250, blank=True)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["home", "kind", "name", "-id"], name="task_run_latest")]

    def __str__(self) -> str:
        return f"{self.kind} {self.name} {self.started:%Y-%m-%d %H:%M:%S}"


class ArtifactStatus(models.Model):
    """One artifact of an integrator home, as last deployed or refused."""

    home = models.CharField(max_length=500)
    kind = models.CharField(max_length=40)
    name = models.CharField(max_length=250)
    deployed = models.BooleanField(default=True)
    error = models.TextField(blank=True)
    detail = models.JSONField(
        default=dict, blank=True, help_text="What can be told at a glance: trigger, messages stored."
    )
    seen = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["home", "kind", "name"]
        verbose_name_plural = "artifact statuses"
        constraints = [models.UniqueConstraint(fields=["home", "kind", "name"], name="artifact_unique")]

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


class Integrator(models.Model):
    """One integrator that the dashboard looks after: where its management API is, and what was last seen of it."""

    class State(models.TextChoices):
        """What the last look came to."""

        UNKNOWN = "unknown", "not looked at yet"
        UP = "up", "up"
        DOWN = "down", "down"

    name = models.CharField(max_length=100, unique=True, help_text="How people call it.")
    url = models.CharField("address", max_length=500, help_text="Of the management API, for example https://host:9164.")
    username = models.CharField("user name", max_length=100, default="admin", help_text="An administrator of it.")
    sealed_password = models.TextField(blank=True, editable=False)
    certificate = models.TextField(
        blank=True,
        help_text="Certificate (PEM) to trust, when it is not of a known authority; its own one if self-signed.",
    )
    local = models.BooleanField(default=False, editable=False, help_text="Started with the platform.")
    created = models.DateTimeField(auto_now_add=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.UNKNOWN, editable=False)
    reason = models.CharField(max_length=500, blank=True, editable=False)
    version = models.CharField(max_length=60, blank=True, editable=False)
    checked = models.DateTimeField(null=True, editable=False)
    seen = models.DateTimeField(null=True, editable=False)
    figures = models.JSONField(default=dict, editable=False)

    class Meta:
        ordering = ["-local", "name"]

    def __str__(self) -> str:
        return self.name


class IntegratorSample(models.Model):
    """What an integrator did between two looks: `seconds` long, `busy` seconds spent on `requests`, of which `errors` failed."""

    integrator = models.ForeignKey(Integrator, on_delete=models.CASCADE, related_name="samples")
    at = models.DateTimeField(db_index=True)
    seconds = models.FloatField()
    requests = models.BigIntegerField(default=0)
    errors = models.BigIntegerField(default=0)
    busy = models.FloatField(default=0)
    memory = models.BigIntegerField(default=0)

    class Meta:
        ordering = ["integrator", "at"]
        indexes = [models.Index(fields=["integrator", "-id"], name="integrator_sample_latest")]

    def __str__(self) -> str:
        return f"{self.integrator} {self.at:%Y-%m-%d %H:%M:%S}"
