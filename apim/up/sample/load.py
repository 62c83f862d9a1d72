"""Loads the sample step by step, through the same actions people use, and leaves a note of how to call it."""

from __future__ import annotations

import json
import os
import shutil
import time
import urllib.error
import urllib.request
from pathlib import Path

import msgspec
import structlog
from django.conf import settings

from apim.accounts.models import SUPER_TENANT, Organisation
from apim.keymanager.actions.tokens import issue_test_token
from apim.up.banner import Note
from apim.up.parts import SAMPLE_NOTE, integrator_home
from apim.up.sample.apis import ensure_apis
from apim.up.sample.consumer import ensure_consumer
from apim.up.sample.people import ensure_people, secret_name
from apim.up.trouble import Trouble
from integrator.sample.install import install_sample
from portal.models import Application, KeyType

log = structlog.get_logger(__name__)
BODY = {"customerId": 1, "sku": "TEA-001", "quantity": 1}
PATH = "/order/1.0.0/orders"
ANSWER = 30.0
"""Seconds in which the first call through the gateway has to be answered."""


def load_sample() -> Note:
    """Do what is still to be done; how to call the result. Raises Trouble when a process does not do its part."""
    install_artifacts(integrator_home(settings.APIM))
    organisation = Organisation.objects.get(domain=SUPER_TENANT)
    people = ensure_people(organisation)
    apis = ensure_apis(organisation, people["creator"], people["publisher"])
    application, client_id, secret = ensure_consumer(people["developer"], apis)
    note = Note(
        url=settings.APIM.gateway + PATH,
        client_id=client_id,
        client_secret=secret,
        token_url=f"{settings.APIM.public}/oauth2/token",
        body=json.dumps(BODY),
        accounts={name: secret_name(name) for name in people},
    )
    wait_for_answer(application)
    _keep(note)
    return note


def install_artifacts(home: Path) -> None:
    """The integrator's sample, and the backend of the pizza API."""
    install_sample(home)
    target = home / "repository/deployment/server/synapse-configs/default/api/pizzashack.xml"
    if not target.exists():
        scratch = target.with_suffix(".part")
        shutil.copyfile(Path(__file__).with_name("pizzashack.xml"), scratch)
        scratch.rename(target)


def wait_for_answer(application: Application) -> None:
    """Call the order API's health resource through the gateway until it answers. Raises Trouble with the last failure."""
    key = application.keys.get(key_type=KeyType.PRODUCTION)
    token = issue_test_token(by=application.owner, client=key.client)["access_token"]
    url = f"http://127.0.0.1:{settings.APIM.port(8280)}{PATH}/health"
    deadline = time.monotonic() + ANSWER
    while True:
        request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})  # noqa: S310 - our own gateway
        try:
            urllib.request.urlopen(request, timeout=5).close()  # noqa: S310
            return
        except urllib.error.HTTPError as error:
            reason = f"{error.code} {error.read(500).decode(errors='replace')}"
        except OSError as error:
            reason = str(error)
        if time.monotonic() > deadline:
            raise Trouble(f"The sample is loaded, but {url} does not answer: {reason}")
        time.sleep(0.2)


def _keep(note: Note) -> None:
    path = settings.APIM.var / SAMPLE_NOTE
    scratch = path.with_suffix(".part")
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(msgspec.json.encode(note))
    scratch.rename(path)
