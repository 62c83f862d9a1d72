"""Makes car files and connector archives for tests."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

from tests.integrator.engine.harness import SERVER

NS = 'xmlns="http://ws.apache.org/ns/synapse"'
ROLE = "EnterpriseIntegrator"


def packed(files: Mapping[str, str | bytes]) -> bytes:
    """A zip of files by name."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return held.getvalue()


def car(parts: Mapping[str, tuple[str, str | bytes]], name: str = "App", version: str = "1.0.0", **more: str) -> bytes:
    """A car of parts: name to (type, content). The file is called like the part; `more` are files beside."""
    files: dict[str, str | bytes] = {}
    for part, (kind, data) in parts.items():
        suffix = "zip" if isinstance(data, bytes) else "dbs" if kind == "service/dataservice" else "xml"
        file = "registry-info.xml" if kind == "registry/resource" else f"{part}-1.0.0.{suffix}"
        head = (
            f'<artifact name="{part}" version="1.0.0" type="{kind}" serverRole="{ROLE}"><file>{file}</file></artifact>'
        )
        files[f"{part}_1.0.0/artifact.xml"] = head
        files[f"{part}_1.0.0/{file}"] = data
    wanted = "".join(
        f'<dependency artifact="{part}" version="1.0.0" include="true" serverRole="{ROLE}"/>' for part in parts
    )
    head = f'<artifact name="{name}" version="{version}" type="carbon/application">{wanted}</artifact>'
    return packed({"artifacts.xml": f"<artifacts>{head}</artifacts>", **files, **more})


def put(home: Path, folder: str, name: str, data: bytes) -> Path:
    """Put an archive where the integrator looks for it; it is there at once as a whole."""
    file = home / SERVER / folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    half = file.with_suffix(".half")
    half.write_bytes(data)
    return half.replace(file)


def text_api(name: str, text: str, context: str = "") -> str:
    """An API that answers with a text."""
    return api(
        name, f'<payloadFactory media-type="text"><format>{text}</format><args/></payloadFactory><respond/>', context
    )


def api(name: str, steps: str, context: str = "") -> str:
    """An API with one resource."""
    inner = f'<resource methods="GET POST" uri-template="/*"><inSequence>{steps}</inSequence></resource>'
    return f'<api {NS} name="{name}" context="{context or "/" + name}">{inner}</api>'
