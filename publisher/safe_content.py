"""Answers with bytes that somebody uploaded: never run, never guessed at, never rendered as a page of ours."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils.http import content_disposition_header

ANY = "application/octet-stream"
TYPES = {
    "pdf": "application/pdf",
    "txt": "text/plain",
    "md": "text/markdown",
    "csv": "text/csv",
    "json": "application/json",
    "yaml": "application/yaml",
    "yml": "application/yaml",
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "gif": "image/gif",
    "zip": "application/zip",
    "doc": "application/msword",
    "xls": "application/vnd.ms-excel",
    "ppt": "application/vnd.ms-powerpoint",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "odt": "application/vnd.oasis.opendocument.text",
    "ods": "application/vnd.oasis.opendocument.spreadsheet",
    "odp": "application/vnd.oasis.opendocument.presentation",
}
"""File name ending → media type. All others are `application/octet-stream`: HTML, SVG and XML would act in a browser."""

_TEXTS = ("text/plain", "text/markdown", "text/csv")
_PASSIVE = "default-src 'none'; style-src 'unsafe-inline'; sandbox"


def media_type(file_name: str) -> str:
    """The type to serve a file of that name with."""
    return TYPES.get(file_name.rpartition(".")[2].lower(), ANY)


def download(content: bytes, file_name: str, kind: str = "") -> HttpResponse:
    """`content` as a file to save. `kind` is one of TYPES' values; without it the name decides."""
    kind = kind if kind in TYPES.values() else media_type(file_name)
    answer = passive(content, f"{kind}; charset=utf-8" if kind in _TEXTS else kind)
    answer["Content-Disposition"] = content_disposition_header(True, file_name or "document") or "attachment"
    return answer


def passive(content: bytes, kind: str) -> HttpResponse:
    """`content` for a browser that is told neither to guess its type nor to run anything in it."""
    answer = HttpResponse(content, content_type=kind)
    answer["X-Content-Type-Options"] = "nosniff"
    answer["Content-Security-Policy"] = _PASSIVE
    return answer
