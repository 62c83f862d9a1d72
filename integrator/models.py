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
