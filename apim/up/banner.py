"""What is said when everything is ready: addresses, log-in, and a line to paste."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from apim.config import Config
from apim.up.parts import SAMPLE_NOTE

if TYPE_CHECKING:
    from apim.up.supervisor import Supervisor


class Note(msgspec.Struct):
    """What `load_sample` knows and the banner tells. `accounts` maps user names to their secret files' names."""

    url: str
    client_id: str
    client_secret: str
    token_url: str
    body: str = ""
    accounts: dict[str, str] = {}


class Announcer:
    """Follows the start; speaks when all processes are ready, and once more when the sample is there."""

    def __init__(self, config: Config, began: float) -> None:
        self.config = config
        self.began = began
        self.timed = False

    def part_is_ready(self, run: Supervisor) -> None:
        """Called by the supervisor each time a part is ready for the first time."""
        waiting = [child.part for child in run.children.values() if not child.ready]
        if not self.timed and all(part.optional for part in waiting):
            self.timed = True
            run.say(f"all processes are ready after {time.monotonic() - self.began:.1f} s")
            if waiting:
                run.say("loading the sample: two system APIs, a process API, two experience APIs")
        if not waiting:
            sys.stdout.write(self.text())
            sys.stdout.flush()

    def text(self) -> str:
        """The whole announcement."""
        config = self.config
        lines = [
            "",
            f"  Publisher         {config.public}/publisher/",
            f"  Developer portal  {config.public}/devportal/",
            f"  Service catalog   {config.public}/service-catalog/",
            f"  Administration    {config.public}/admin/",
            f"  Gateway           {config.gateway}  {config.gateway_http}",
            f"  Integrator        {config.integrator}",
            "",
            f"  Log in as         admin / {_secret(config, 'admin-password')}",
        ]
        note = read_note(config.var)
        if note:
            lines += [f"                    {name} / {_secret(config, file)}" for name, file in note.accounts.items()]
            lines += ["", "  Call the sample API through the gateway (paste it into another terminal):", "", curl(note)]
        return "\n".join([*lines, "", "  Ctrl-C stops everything; the data stays in " + str(config.var), "", ""])


def read_note(var: Path) -> Note | None:
    """The sample's note, when it was loaded."""
    path = var / SAMPLE_NOTE
    return msgspec.json.decode(path.read_bytes(), type=Note) if path.exists() else None


def curl(note: Note) -> str:
    """One line that gets a fresh token and calls the API. -k because the certificate is self-signed."""
    ask = f"curl -sk -u {note.client_id}:{note.client_secret} -d grant_type=client_credentials {note.token_url}"
    take = """python3 -c 'import json,sys; print(json.load(sys.stdin)["access_token"])'"""
    body = f" -H 'Content-Type: application/json' -d '{note.body}'" if note.body else ""
    return f'curl -sk -H "Authorization: Bearer $({ask} | {take})"{body} {note.url}'


def _secret(config: Config, name: str) -> str:
    path = config.secrets / name
    if name == "admin-password" and config.admin_password:
        return "the password in APIM_ADMIN_PASSWORD"
    return path.read_text().strip() if path.exists() else "the password you chose"
