"""Tells a configured service of a request: what is asked, by whom, and where and with what to call back."""

from __future__ import annotations

import base64
import hmac
import json
from datetime import timedelta
from urllib.parse import urlencode

import structlog
from django.conf import settings
from django.utils import timezone
from django.utils.crypto import salted_hmac

from apim.errors import ApimError
from apim.keymanager.errors import VaultLocked
from apim.keymanager.vault import unseal
from apim.websub import outbound
from apim.workflows.models import Credentials, Executor, Status, Style, Task

log = structlog.get_logger(__name__)
ATTEMPTS = 8
FIRST_WAIT = 15
"""Seconds until the second attempt; then twice as long each time."""


def call(reference: str) -> None:
    """Post the request to its service. A failure is noted and tried again later, ATTEMPTS times in all."""
    now = timezone.now()
    claimed = Task.objects.filter(pk=reference, status=Status.CREATED, due__lte=now)
    # Only one worker has the row: the next sees a time that is still to come.
    if not claimed.update(due=now + timedelta(seconds=3 * outbound.SECONDS)):
        return
    task = Task.objects.select_related("organisation", "requester").get(pk=reference)
    executor = Executor.objects.filter(organisation=task.organisation, kind=task.kind, style=Style.HTTP).first()
    problem = "the organisation asks no service any more" if executor is None else _failed(executor, task)
    attempts = task.attempts + 1
    again = problem and executor is not None and attempts < ATTEMPTS
    due = now + timedelta(seconds=FIRST_WAIT * 2 ** (attempts - 1)) if again else None
    Task.objects.filter(pk=task.pk, status=Status.CREATED).update(due=due, attempts=attempts, problem=problem[:300])
    log.info("workflows.service_called", task=reference, problem=problem)


def callback_token(task: Task) -> str:
    """What the service must show when it calls back about `task`: made from the platform's secret, kept nowhere."""
    return salted_hmac("apim.workflows.callback", str(task.pk), algorithm="sha256").hexdigest()


def is_callback_token(task: Task, given: str) -> bool:
    """Whether `given` is that."""
    return hmac.compare_digest(callback_token(task).encode(), given.encode("utf-8", "replace"))


def callback_address(task: Task) -> str:
    """Where the service calls back."""
    return f"{settings.APIM.public}/workflows/callback/{task.pk}"


def body(task: Task) -> dict[str, object]:
    """What the service is told."""
    return {
        "workflowReference": str(task.pk),
        "workflowType": task.kind,
        "tenantDomain": task.organisation.domain,
        "requestedBy": task.requester_name,
        "description": task.description,
        "properties": task.properties,
        "createdTime": task.created.isoformat(),
        "callbackUrl": callback_address(task),
        "callbackToken": callback_token(task),
    }


def _failed(executor: Executor, task: Task) -> str:
    """Why the service did not take the request; empty when it did."""
    try:
        headers = {"content-type": "application/json", **_credentials(executor)}
        answer = outbound.call("POST", executor.url, headers, json.dumps(body(task)).encode())
    except (outbound.CallFailed, ApimError, VaultLocked) as error:
        return str(error)
    return "" if 200 <= answer.status < 300 else f"the service answered {answer.status}"


def _credentials(executor: Executor) -> dict[str, str]:
    if executor.credentials == Credentials.NONE:
        return {}
    pair = base64.b64encode(f"{executor.username}:{unseal(executor.secret)}".encode()).decode()
    if executor.credentials == Credentials.BASIC:
        return {"authorization": f"Basic {pair}"}
    headers = {"authorization": f"Basic {pair}", "content-type": "application/x-www-form-urlencoded"}
    form = urlencode({"grant_type": "client_credentials"}).encode()
    answer = outbound.call("POST", executor.token_url, headers, form)
    try:
        token = json.loads(answer.body)["access_token"]
    except (ValueError, KeyError, TypeError) as error:
        raise outbound.CallFailed(f"the token address answered {answer.status} without a token") from error
    return {"authorization": f"Bearer {token}"}
