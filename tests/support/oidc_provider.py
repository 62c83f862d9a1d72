"""A second, independent OpenID Connect server: npm's oidc-provider (certified), in a scratch folder, run by node."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import requests
from joserfc.jwk import RSAKey

from tests.support.ports import free_port
from tests.support.wait import until

PACKAGE, VERSION = "oidc-provider", "8.8.1"
SCRIPT = Path(__file__).with_suffix(".mjs")
INITIAL_TOKEN = "initial-access-token-of-the-test"
AUDIENCE = "https://api.example/orders"


@dataclass
class Provider:
    """The running server. `format`: jwt or opaque access tokens."""

    folder: Path
    modules: Path
    port: int
    format: str = "jwt"
    keys: list[dict[str, str]] = field(default_factory=list)
    process: subprocess.Popen[bytes] | None = None

    @property
    def issuer(self) -> str:
        """Its `iss`."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def well_known(self) -> str:
        """Its discovery document."""
        return f"{self.issuer}/.well-known/openid-configuration"

    def start(self) -> None:
        """Runs it with the present keys."""
        (self.folder / "jwks.json").write_text(json.dumps({"keys": self.keys}))
        script = self.modules / f"provider-{os.getpid()}.mjs"
        shutil.copy(SCRIPT, script)
        environment = {
            "PATH": os.environ["PATH"], "PORT": str(self.port), "STORE": str(self.folder / "store.json"),
            "JWKS": str(self.folder / "jwks.json"), "INITIAL_TOKEN": INITIAL_TOKEN, "AUDIENCE": AUDIENCE, "FORMAT": self.format,
        }  # fmt: skip
        with (self.folder / "provider.log").open("ab") as log:
            self.process = subprocess.Popen(["node", script], env=environment, stdout=log, stderr=log, cwd=self.modules)
        until(self._answers, seconds=60, every=0.1, what="the provider answers")

    def _answers(self) -> bool:
        assert self.process is not None and self.process.poll() is None, (self.folder / "provider.log").read_text()
        try:
            return requests.get(self.well_known, timeout=5).status_code == 200
        except requests.ConnectionError:
            return False

    def stop(self) -> None:
        """Ends it."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(20)

    def rotate(self, kid: str) -> None:
        """Starts it again with a new signing key and without the old ones; its clients stay."""
        self.stop()
        self.keys = [signing_key(kid)]
        self.start()

    def token(self, client: str, secret: str, **more: str) -> str:
        """An access token by client credentials."""
        form = {"grant_type": "client_credentials", **more}
        answer = requests.post(f"{self.issuer}/token", data=form, auth=(client, secret), timeout=20)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])


def signing_key(kid: str) -> dict[str, str]:
    """A private RSA key as JWK."""
    made = RSAKey.generate_key(2048, {"kid": kid, "use": "sig", "alg": "RS256"})
    return {name: str(value) for name, value in made.as_dict(private=True).items()}


def installed() -> Path:
    """The folder with the package; installed at first need. Skips, saying why, where that cannot be done."""
    if not shutil.which("node") or not shutil.which("npm"):
        pytest.skip("node and npm are not installed: the independent OpenID Connect server cannot run")
    place = Path(tempfile.gettempdir()) / f"apim-tests-{PACKAGE}-{VERSION}"
    if (place / "node_modules" / PACKAGE / "package.json").exists():
        return place
    aside = Path(tempfile.mkdtemp(prefix="apim-tests-npm-"))
    (aside / "package.json").write_text('{"private": true}')
    command = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", f"{PACKAGE}@{VERSION}"]
    done = subprocess.run(command, cwd=aside, capture_output=True, text=True, timeout=240, check=False)
    if done.returncode:
        shutil.rmtree(aside, ignore_errors=True)
        pytest.skip(f"npm cannot install {PACKAGE} {VERSION}: {done.stderr[-300:]}")
    try:
        aside.rename(place)
    except OSError:  # another test process was quicker
        shutil.rmtree(aside, ignore_errors=True)
    return place


@contextmanager
def running_provider(folder: Path, format: str = "jwt") -> Iterator[Provider]:
    """A provider with one key."""
    provider = Provider(folder, installed(), free_port(), format, [signing_key("key-1")])
    try:
        provider.start()
        yield provider
    finally:
        provider.stop()
