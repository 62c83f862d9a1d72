"""/registry-resources: files and folders below HOME/registry, and never anything else."""

from __future__ import annotations

import mimetypes
import re
import shutil
from pathlib import Path, PurePosixPath
from typing import Any

from integrator.management_api.answers import Call, Raw, Refusal

ROOTS = {"config": "conf", "governance": "gov", "local": "local"}
LARGEST = 10 * 1024 * 1024
MOST, DEEPEST = 5000, 20
DIRECTORY, METADATA = "directory", ".metadata"
_MEDIA = re.compile(r"[\w.+-]{1,100}/[\w.+-]{1,100}\Z", re.ASCII)
_PROPERTY = re.compile(r"[^\s=#!@][^\r\n=@]{0,199}\Z")


async def folder(call: Call) -> dict[str, Any]:
    """Files and folders of one folder; with `expand=true` all below it, nested."""
    path = _resource(call, folder=True)
    if call.query.get("expand", "false").lower() == "true":
        return await call.management.run(_tree, path, 0, [MOST])
    items = await call.management.run(_listed, path, call.query.get("searchKey", "").lower())
    return {"count": len(items), "list": items}


async def content(call: Call) -> Raw:
    """The bytes of a resource."""
    path = _resource(call)
    if path.stat().st_size > LARGEST:
        raise Refusal(413, f"the resource is longer than {LARGEST} bytes")
    kind = media_type(path)
    safe = kind if kind.startswith("text/") and kind != "text/html" else "text/plain"
    return Raw(await call.management.run(path.read_bytes), f"{safe}; charset=utf-8")


async def add(call: Call) -> dict[str, Any]:
    """A new resource, with its media type."""
    path = _path(call)
    kind = call.required("mediaType")
    if not _MEDIA.match(kind):
        raise Refusal(400, f"query parameter 'mediaType': {kind[:100]!r}: a media type such as text/plain is expected")
    if path.exists():
        raise Refusal(409, f"{call.query['path']} exists already; PUT changes it")
    data = await call.exchange.body(LARGEST)
    try:
        await call.management.run(_write, path, data, kind)
    except (FileExistsError, NotADirectoryError) as error:
        raise Refusal(409, f"{call.query['path']} would be below a resource that is no folder") from error
    call.audit("created", "registry_resource", {"path": call.query["path"], "mediaType": kind})
    return {"message": "Successfully added the registry resource"}


async def change(call: Call) -> dict[str, Any]:
    """Other content for a resource."""
    path = _resource(call)
    data = await call.exchange.body(LARGEST)
    await call.management.run(_write, path, data, None)
    _forget(call)
    call.audit("updated", "registry_resource", {"path": call.query["path"]})
    return {"message": "Successfully modified the registry resource"}


async def remove(call: Call) -> dict[str, Any]:
    """Remove a resource, or a folder with all that is in it."""
    path = _path(call)
    if not path.exists() or len(PurePosixPath(call.query["path"].lstrip("/")).parts) == 2:
        raise Refusal(404, f"{call.query['path']} does not exist or cannot be removed")
    await call.management.run(_remove, path)
    _forget(call)
    call.audit("deleted", "registry_resource", {"path": call.query["path"]})
    return {"message": "Successfully deleted the registry resource"}


async def metadata(call: Call) -> dict[str, Any]:
    """Name and media type of a resource."""
    path = _path(call)
    if not path.exists():
        raise Refusal(404, f"{call.query['path']} does not exist")
    return {"name": path.name, "mediaType": media_type(path)}


async def properties(call: Call) -> dict[str, Any]:
    """All properties of a resource, or one by name."""
    values = _values(_existing(call))
    if "name" in call.query:
        name = call.query["name"]
        if name not in values:
            raise Refusal(404, f"property {name[:100]!r} of {call.query['path']} does not exist")
        return {"name": name, "value": values[name]}
    items = [{"name": name, "value": value} for name, value in values.items()]
    return {"count": len(items), "list": items}


async def set_properties(call: Call) -> dict[str, Any]:
    """Add properties, or change those that are there."""
    path, given = _existing(call), await call.json_any()
    if not isinstance(given, list) or not given or len(given) > MOST:
        raise Refusal(400, 'a list of {"name": …, "value": …} is expected')
    values = {}
    for item in given:
        name, value = (item.get("name"), item.get("value")) if isinstance(item, dict) else (None, None)
        if (
            not isinstance(name, str)
            or not _PROPERTY.match(name)
            or not isinstance(value, str)
            or value.splitlines() not in ([], [value])
        ):
            raise Refusal(400, f"property {item!r:.100}: a name without = and @ and a value of one line are expected")
        values[name] = value
    await call.management.run(_write_side, _beside(path), _values(path) | values)
    call.audit("updated", "registry_resource_properties", {"path": call.query["path"], "names": list(values)})
    return {"message": "Successfully added the registry property"}


async def remove_property(call: Call) -> dict[str, Any]:
    """Remove one property."""
    path, name = _existing(call), call.required("name")
    values = _values(path)
    if name not in values:
        raise Refusal(404, f"property {name[:100]!r} of {call.query['path']} does not exist")
    del values[name]
    await call.management.run(_write_side, _beside(path), values)
    call.audit("deleted", "registry_resource_properties", {"path": call.query["path"], "names": [name]})
    return {"message": "Successfully deleted the registry property"}


def media_type(path: Path) -> str:
    """What was said when it was added, else by the name."""
    if path.is_dir():
        return DIRECTORY
    said = _read_side(_meta(path)).get("mediaType")
    return said or mimetypes.guess_type(path.name)[0] or "text/plain"


def _path(call: Call) -> Path:
    """The file behind `path`. Raises Refusal for one that is not below a root of the registry."""
    text = call.required("path")
    parts = PurePosixPath(text.lstrip("/")).parts
    home = call.deployment.registry.home
    if len(parts) < 2 or parts[0] != "registry" or parts[1] not in ROOTS:
        allowed = ", ".join(f"registry/{root}" for root in ROOTS)
        raise Refusal(400, f"query parameter 'path': {text[:200]!r}: allowed are paths that begin with {allowed}")
    base = (home / "registry" / parts[1]).resolve()
    if (
        "\0" in text
        or any(part in ("..", METADATA) or len(part.encode()) > 200 for part in parts)
        or len(parts) > DEEPEST
    ):
        raise Refusal(400, f"query parameter 'path': {text[:200]!r} leaves the registry or is no name")
    path = base.joinpath(*parts[2:])
    if not path.resolve().is_relative_to(base):
        raise Refusal(400, f"query parameter 'path': {text[:200]!r} leaves the registry")
    return path


def _existing(call: Call) -> Path:
    path = _path(call)
    if not path.exists():
        raise Refusal(404, f"{call.query['path']} does not exist")
    return path


def _resource(call: Call, folder: bool = False) -> Path:
    path = _existing(call)
    if path.is_dir() != folder:
        raise Refusal(400, f"{call.query['path']} is {'a folder' if path.is_dir() else 'no folder'}")
    return path


def _children(path: Path) -> list[Path]:
    found = sorted(path.iterdir())[: MOST * 2]
    names = {one.name for one in found}
    return [one for one in found if one.name != METADATA and not _side(one.name, names)][:MOST]


def _listed(path: Path, wanted: str) -> list[dict[str, Any]]:
    return [_told(one) for one in _children(path) if wanted in one.name.lower()]


def _side(name: str, names: set[str]) -> bool:
    """Whether it holds the properties of another."""
    return name.endswith(".properties") and name.removesuffix(".properties") in names


def _told(path: Path) -> dict[str, Any]:
    values = _values(path)
    shown = [{"name": name, "value": value} for name, value in values.items()]
    return {"name": path.name, "mediaType": media_type(path), "properties": shown}


def _tree(path: Path, depth: int, left: list[int]) -> dict[str, Any]:
    found = _told(path) | {"type": DIRECTORY if path.is_dir() else "file"}
    if path.is_dir() and not path.is_symlink() and depth < DEEPEST:
        found["files"] = []
        for one in _children(path):
            left[0] -= 1
            if left[0] < 0:
                break
            found["files"].append(_tree(one, depth + 1, left))
    return found


def _meta(path: Path) -> Path:
    return path.parent / METADATA / f"{path.name}.meta"


def _write(path: Path, data: bytes, kind: str | None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.name}.new")
    scratch.write_bytes(data)
    scratch.replace(path)
    if kind is not None:
        meta = _meta(path)
        meta.parent.mkdir(exist_ok=True)
        _write_side(meta, {"mediaType": kind})


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()
    for side in (_beside(path), _meta(path)):
        side.unlink(missing_ok=True)


def _beside(path: Path) -> Path:
    """The file of a resource's properties."""
    return path.with_name(path.name + ".properties")


def _values(path: Path) -> dict[str, str]:
    return _read_side(_beside(path))


def _read_side(file: Path) -> dict[str, str]:
    try:
        lines = file.read_text("utf-8").splitlines()
    except OSError:
        return {}
    return {name.strip(): value.strip() for name, equals, value in (line.partition("=") for line in lines) if equals}


def _write_side(file: Path, values: dict[str, str]) -> None:
    scratch = file.with_name(f".{file.name}.new")
    scratch.write_text("".join(f"{name}={value}\n" for name, value in values.items()), "utf-8")
    scratch.replace(file)


def _forget(call: Call) -> None:
    """What messages read of the registry is read again, not first in some seconds."""
    held = call.deployment.registry
    held._cache.clear()
    held._types.clear()
