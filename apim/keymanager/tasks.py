"""Background chores of the key manager, run by Celery beat (see `beat.py`)."""

from __future__ import annotations

import structlog
from celery import shared_task
from oauth2_provider.models import clear_expired

from apim.keymanager import assertions, codes, opaque
from apim.keymanager.actions.signing_keys import remove_lapsed
from apim.keymanager.actions.tokens import prune_revocations

log = structlog.get_logger(__name__)


@shared_task(ignore_result=True)
def prune() -> None:
    """Forget expired revocations, tokens, codes and assertions, and signing keys nobody can have a token of."""
    revocations, keys = prune_revocations(), remove_lapsed()
    for forget in (clear_expired, assertions.prune, codes.prune, opaque.prune):
        forget()
    log.info("keymanager.pruned", revocations=revocations, signing_keys=keys)
