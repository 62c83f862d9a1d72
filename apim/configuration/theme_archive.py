"""Themes as zip files: a description (`theme.json`) and the image it names. Read within bounds, whatever the archive claims."""

from __future__ import annotations

import io
import json
import posixpath
import zipfile
import zlib

from apim.configuration import theme
from apim.configuration.theme import ThemeDescription
from apim.errors import ApimError, FieldError, Invalid

LARGEST = 1024 * 1024
"""Bytes of an archive."""
MOST_FILES = 200
LARGEST_TEXT = 64 * 1024
LARGEST_IMAGE = 256 * 1024
NAMES = ("theme.json", "theme.yaml", "usertheme.json", "tenanttheme.json", "defaulttheme.json")
"""What the description may be called, the likeliest first; in the archive's root or in one folder."""

KINDS = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".webp": "image/webp",
    ".svg": "image/svg+xml",
}
_BEGINNINGS = {
    "image/png": (b"\x89PNG\r\n\x1a\n",),
    "image/jpeg": (b"\xff\xd8\xff",),
    "image/webp": (b"RIFF",),
    "image/svg+xml": (b"<svg", b"<?xml", b"<!--"),
}


class TooLarge(ApimError):
    """The archive, or what would come out of it, is larger than a theme may be."""

    status, code, message = 413, 900413, "Payload Too Large"


def read(archive: bytes) -> tuple[ThemeDescription, bytes, str]:
    """The theme of an archive, its logo and the logo's media type. Raises Invalid, TooLarge."""
    if len(archive) > LARGEST:
        raise TooLarge(f"The archive has {len(archive)} bytes; at most {LARGEST} are allowed.")
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as opened:
            return _from(opened)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError, ValueError) as error:
        raise _wrong(f"not a readable zip archive: {str(error)[:100]}") from error


def write(found: ThemeDescription, logo: bytes, kind: str) -> bytes:
    """An archive that `read` understands."""
    ending = next((ending for ending, known in KINDS.items() if known == kind), "")
    path = f"images/logo{ending}" if logo and ending else ""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("theme.json", json.dumps(found.as_dict() | {"logo": path}, indent=2))
        if path:
            made.writestr(path, logo)
    return buffer.getvalue()


def image(content: bytes, name: str) -> tuple[bytes, str]:
    """A logo and its media type. Raises Invalid when it is not what its name says, TooLarge."""
    kind = KINDS.get(posixpath.splitext(name.lower())[1])
    if kind is None:
        raise Invalid("The logo is no image.", [FieldError("logo", f"its name ends in none of {', '.join(KINDS)}")])
    if len(content) > LARGEST_IMAGE:
        raise TooLarge(f"The logo has {len(content)} bytes; at most {LARGEST_IMAGE} are allowed.")
    if not content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(_BEGINNINGS[kind]):
        raise Invalid("The logo is no image.", [FieldError("logo", f"{name[:100]} is not {kind}")])
    return content, kind


def _from(opened: zipfile.ZipFile) -> tuple[ThemeDescription, bytes, str]:
    members = [one for one in opened.infolist() if not one.is_dir()]
    if len(members) > MOST_FILES:
        raise TooLarge(f"The archive has {len(members)} files; at most {MOST_FILES} are allowed.")
    by_path = {posixpath.normpath(one.filename): one for one in members}
    path = _description(by_path)
    found = theme.parse(_content(opened, by_path[path], LARGEST_TEXT))
    if not found.logo:
        return found, b"", ""
    member = _named(by_path, path, found.logo)
    if member is None:
        return ThemeDescription(found.light, found.dark, found.title), b"", ""
    logo, kind = image(_content(opened, member, LARGEST_IMAGE), member.filename)
    return found, logo, kind


def _description(members: dict[str, zipfile.ZipInfo]) -> str:
    shallow = {path.lower(): path for path in sorted(members, reverse=True) if path.count("/") <= 1}
    for name in NAMES:
        for path, original in shallow.items():
            if posixpath.basename(path) == name:
                return original
    raise _wrong(f"has none of {', '.join(NAMES)} in its root or in one folder")


def _named(members: dict[str, zipfile.ZipInfo], description: str, logo: str) -> zipfile.ZipInfo | None:
    """The image at that path, seen from the description; the original's themes name it by the address it will have."""
    beside = posixpath.normpath(posixpath.join(posixpath.dirname(description), logo.lstrip("/")))
    if beside in members:
        return members[beside]
    name = posixpath.basename(logo)
    return next((member for path, member in members.items() if posixpath.basename(path) == name), None)


def _content(opened: zipfile.ZipFile, member: zipfile.ZipInfo, most: int) -> bytes:
    """Unpacks no more than `most` bytes, whatever the archive says of itself."""
    # Of the other methods the library unpacks all there is before it looks at any bound.
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise _wrong("is packed by a method that is not taken; use deflate")
    with opened.open(member) as stream:
        content = stream.read(most + 1)
    if len(content) > most:
        raise TooLarge(f"{member.filename[:100]} has more than {most} bytes.")
    return content


def _wrong(reason: str) -> Invalid:
    return Invalid(f"The archive {reason}.", [FieldError("file", reason)])
