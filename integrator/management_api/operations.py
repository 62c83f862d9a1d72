"""/server, /external-vaults and /connectors: the process itself and what it was told."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

from integrator.engine.deploy.loaded import SYNAPSE
from integrator.management_api.answers import Call, Refusal, text_of

SIGNALS = {
    "shutdown": signal.SIGINT,
    "shutdownGracefully": signal.SIGTERM,
    "restart": signal.SIGHUP,
    "restartGracefully": signal.SIGHUP,
}
"""What gunicorn's master does for each word. Both restarts let calls in flight end: it knows no other."""
HASHICORP = "hashicorp"
IMPORTS = SYNAPSE / "imports"


def tell_master(word: str) -> None:
    """Send the signal to gunicorn's master. Raises Refusal when this process has none."""
    if "gunicorn" not in os.environ.get("SERVER_SOFTWARE", ""):
        raise Refusal(409, "This integrator was not started by gunicorn: stop it where it was started.")
    os.kill(os.getppid(), SIGNALS[word])


async def control(call: Call) -> dict[str, Any]:
    """Stop or restart the process."""
    word = text_of(await call.json(), "status", tuple(SIGNALS))
    call.audit(word, "server", {})
    call.management.control(word)
    done = "restart" if word.startswith("restart") else "shutdown"
    return {"Message": f"The server will start to {done}{' gracefully' if word.endswith('Gracefully') else ''}."}


async def external_vault(call: Call) -> dict[str, Any]:
    """Another secret id for the HashiCorp vault of deployment.toml."""
    if call.rest != HASHICORP:
        raise Refusal(404, f"external vault {call.rest[:100]!r}: allowed is {HASHICORP}")
    secret = text_of(await call.json(), "secretId")
    tables = call.deployment.config.tables.get("external_vault", ())
    if not any(isinstance(one, dict) and one.get("name", HASHICORP) == HASHICORP for one in tables):
        raise Refusal(404, "deployment.toml has no [[external_vault]] named hashicorp")
    call.management.monitor.vault_secrets[HASHICORP] = secret
    call.audit("updated", "external_vault", {"name": HASHICORP})
    return {"message": "SecretId value is updated in HashiCorp vault runtime configurations."}


async def connector(call: Call) -> dict[str, Any]:
    """Enable or disable a connector archive, by an import file as the original writes it."""
    body = await call.json()
    name, package = text_of(body, "name"), text_of(body, "packageName")
    status = text_of(body, "status", ("enabled", "disabled"))
    found = call.deployment.libraries.get(name.lower())
    if found is None or found.package != package:
        raise Refusal(404, f"connector {{{package[:100]}}}{name[:100]} is not deployed")
    await call.management.run(_write_import, call.management.settings.home / IMPORTS, found.name, package, status)
    await call.management.refresh()
    call.audit(status, "connector", {"name": found.name, "packageName": package})
    return {"message": f"Status updated successfully for {found.qualified}: {status}"}


def _write_import(folder: Path, name: str, package: str, status: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    given = f"name={quoteattr(name)} package={quoteattr(package)} status={quoteattr(status)}"
    text = f'<import xmlns="http://ws.apache.org/ns/synapse" {given}/>\n'
    (folder / f"{{{package}}}{name}.xml".replace("/", "_")).write_text(text, "utf-8")
