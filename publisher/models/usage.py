"""The last time that usage of monetized APIs was given to billing engines."""

from __future__ import annotations

from django.db import models

from apim.accounts.models import Organisation


class UsagePublication(models.Model):
    """One row of an organisation: when it was begun and ended, and with what outcome."""

    organisation = models.OneToOneField(Organisation, on_delete=models.CASCADE, related_name="usage_publication")
    state = models.CharField(max_length=12, default="RUNNING", help_text="RUNNING or COMPLETED.")
    status = models.CharField(max_length=12, default="INPROGRESS", help_text="INPROGRESS, SUCCESSFULL or FAILED.")
    records = models.PositiveIntegerField(default=0)
    started = models.DateTimeField()
    published = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"Usage of {self.organisation}: {self.status}"
