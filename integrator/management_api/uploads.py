"""Files of a multipart/form-data body."""

from __future__ import annotations

import re

from integrator.management_api.answers import Refusal

MOST_PARTS = 20
_BOUNDARY = re.compile(r'boundary="?([\w\'()+,./:=? -]{1,70}?)"?\s*(?:;|\Z)')
_FILE = re.compile(rb'filename="((?:[^"\\\r\n]|\\.){0,300})"', re.IGNORECASE)


def files_of(data: bytes, content_type: str) -> list[tuple[str, bytes]]:
    """(file name, content) of each part with a file name. Raises Refusal for a body that is not whole."""
    found = _BOUNDARY.search(content_type)
    if found is None:
        raise Refusal(400, "the content type has no boundary")
    pieces = (b"\r\n" + data).split(b"\r\n--" + found[1].encode(), MOST_PARTS + 1)
    if len(pieces) < 3 or not pieces[-1].startswith(b"--"):
        raise Refusal(400, f"the multipart body has no part, no end, or more than {MOST_PARTS} parts")
    files = []
    for piece in pieces[1:-1]:
        head, _, body = piece.partition(b"\r\n\r\n")
        name = _FILE.search(head)
        if name is not None:
            files.append((name[1].decode("utf-8", "replace"), body))
    return files
