"""The secret of an authenticator, as a QR code in the page itself and as text to type."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

import segno
from django.utils.safestring import SafeString, mark_safe

from apim.login.actions.second_factors import uri
from apim.login.models import SecondFactor


@dataclass(frozen=True)
class Picture:
    """What the page of setting up shows."""

    svg: SafeString
    secret: str
    uri: str


def picture(factor: SecondFactor) -> Picture:
    """Dark on white whatever the theme: scanners want it so."""
    address = uri(factor)
    code = segno.make(address, error="m").svg_inline(scale=4, border=3, dark="#000", light="#fff", title="QR code")
    secret = parse_qs(urlsplit(address).query)["secret"][0]
    spaced = " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))
    return Picture(mark_safe(code), spaced, address)  # noqa: S308 - drawn by segno, holds no text of others
