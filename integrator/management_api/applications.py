"""/applications: carbon applications are added as .car files, given back, and removed."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path
from typing import Any

from integrator.engine.deploy.loaded import SERVER
from integrator.management_api import resources
from integrator.management_api.answers import Call, Raw, Refusal
from integrator.management_api.uploads import files_of

LARGEST = 100 * 1024 * 1024
_NAME = re.compile(r"[\w][\w.@+-]{0,150}\.car\Z", re.ASCII)


async def get(call: Call) -> Any:
    """The lists or one application; with `Accept: application/octet-stream` its file."""
    accepts = (call.exchange.header(b"accept") or b"").decode("latin-1")
    if "carbonAppName" in call.query and "application/octet-stream" in accepts:
        file = _file_of(call, call.query["carbonAppName"])
        return Raw(await call.management.run(file.read_bytes), "application/octet-stream", file.name)
    return await resources.applications(call.management.view(), call.query)


async def add(call: Call) -> dict[str, Any]:
    """Put a .car file into the deployment folder and deploy it; one of the same name is replaced."""
    data = await call.exchange.body(LARGEST)
    kind = (call.exchange.header(b"content-type") or b"").decode("latin-1")
    if not kind.lower().startswith("multipart/form-data"):
        raise Refusal(415, "a multipart/form-data body with the part 'file' is expected")
    found = await call.management.run(files_of, data, kind)
    if len(found) != 1:
        raise Refusal(400, f"one file is expected, not {len(found)}")
    name, packed = found[0]
    if not _NAME.match(name):
        raise Refusal(400, f"file name {name[:100]!r}: letters, digits and . _ @ + - are allowed, ending in .car")
    if not zipfile.is_zipfile(io.BytesIO(packed)):
        raise Refusal(400, f"{name} is no zip archive")
    await call.management.run(_write, _folder(call) / name, packed)
    await call.management.refresh()
    call.audit("created", "carbon_application", {"fileName": name})
    return {"Message": f"Successfully added Carbon Application {name}"}


async def remove(call: Call) -> dict[str, Any]:
    """Remove an application by its file's name without .car, or by its own name."""
    file = _file_of(call, call.rest)
    await call.management.run(file.unlink)
    await call.management.refresh()
    call.audit("deleted", "carbon_application", {"fileName": file.name})
    return {"Message": f"Successfully removed Carbon Application(s) named {call.rest}"}


def _folder(call: Call) -> Path:
    return call.management.settings.home / SERVER / "carbonapps"


def _file_of(call: Call, name: str) -> Path:
    known = [
        Path(app.file).stem for app in call.deployment.applications if name in (app.name, f"{app.name}_{app.version}")
    ]
    for stem in (name, *known):
        if _NAME.match(f"{stem}.car"):
            file = _folder(call) / f"{stem}.car"
            if file.is_file():
                return file
    raise Refusal(404, f"Carbon application {name[:100]!r} does not exist")


def _write(file: Path, data: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    scratch = file.with_name(f".{file.name}.new")
    scratch.write_bytes(data)
    scratch.replace(file)
