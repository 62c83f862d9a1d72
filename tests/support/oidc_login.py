"""An independent OpenID Connect server with people, and a browser without a screen that logs in there."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import requests

from tests.support.oidc_provider import installed
from tests.support.ports import free_port
from tests.support.wait import until

SCRIPT = Path(__file__).with_suffix(".mjs")
CLIENT_ID, SECRET = "apim", "a-secret-of-32-characters-or-more"
PEOPLE: dict[str, dict[str, Any]] = {
    "sub-ann": {
        "email": "ann@corp.example", "email_verified": True, "preferred_username": "ann", "given_name": "Ann",
        "family_name": "Other", "groups": ["api-team"],
    },
    "sub-bob": {"email": "bob@corp.example", "email_verified": False, "preferred_username": "bob", "groups": []},
}  # fmt: skip


@dataclass
class LoginProvider:
    """The running server."""

    issuer: str

    def log_in(self, address: str, person: str) -> str:
        """Follow the authorization request, log in as `person`, consent; the address of our page it leads back to."""
        browser = requests.Session()
        answer = browser.get(address, allow_redirects=False, timeout=20)
        for _ in range(20):
            if answer.is_redirect:
                to = urljoin(answer.url, answer.headers["location"])
                if not to.startswith(self.issuer):
                    return to
                answer = browser.get(to, allow_redirects=False, timeout=20)
                continue
            assert answer.status_code == 200, answer.text
            form = re.search(r'<form[^>]*action="([^"]+)"', answer.text)
            prompt = re.search(r'name="prompt" value="(\w+)"', answer.text)
            assert form and prompt, answer.text
            fields = {"prompt": prompt[1], "login": person, "password": "any"}
            answer = browser.post(urljoin(answer.url, form[1]), fields, allow_redirects=False, timeout=20)
        raise AssertionError("too many redirects")


@contextmanager
def running_login_provider(redirect_uri: str) -> Iterator[LoginProvider]:
    """A server whose one client is ours, with this redirect URI. Skips, saying why, where it cannot run."""
    modules, port = installed(), free_port()
    script = modules / f"login-{os.getpid()}.mjs"
    shutil.copy(SCRIPT, script)
    client = {
        "client_id": CLIENT_ID, "client_secret": SECRET, "redirect_uris": [redirect_uri], "grant_types": ["authorization_code"],
    }  # fmt: skip
    environment = {
        "PATH": os.environ["PATH"], "PORT": str(port), "CLIENT": json.dumps(client), "PEOPLE": json.dumps(PEOPLE),
    }  # fmt: skip
    process = subprocess.Popen(
        ["node", script], env=environment, cwd=modules, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    issuer = f"http://127.0.0.1:{port}"
    try:
        until(lambda: _answers(process, issuer), seconds=60, every=0.1, what="the provider answers")
        yield LoginProvider(issuer)
    finally:
        process.terminate()
        process.wait(20)
        script.unlink(missing_ok=True)


def _answers(process: subprocess.Popen[bytes], issuer: str) -> bool:
    assert process.poll() is None, "the provider has ended"
    try:
        return requests.get(f"{issuer}/.well-known/openid-configuration", timeout=5).status_code == 200
    except requests.ConnectionError:
        return False
