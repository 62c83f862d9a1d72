"""Archives made to do harm: each is refused by name, none is half imported, none crashes the server."""

from __future__ import annotations

import io
import random
import stat
import zipfile
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apim.errors import Invalid
from catalog import archive as bounds
from catalog.archive import read_archive
from tests.catalog.archives import OPENAPI, archive, files


def _with(change: Callable[[zipfile.ZipFile], None]) -> bytes:
    target = io.BytesIO(archive())
    with zipfile.ZipFile(target, "a", zipfile.ZIP_DEFLATED) as opened:
        change(opened)
    return target.getvalue()


def _link(opened: zipfile.ZipFile) -> None:
    entry = zipfile.ZipInfo("customers_v1.0/link")
    entry.create_system, entry.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    opened.writestr(entry, "/etc/passwd")


def _encrypted() -> bytes:
    data = bytearray(archive())
    for magic, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(magic) + offset] |= 1
    return bytes(data)


def _understated() -> bytes:
    """The header says ten bytes, the stream holds a hundred million."""
    data = bytearray(_with(lambda z: z.writestr("bomb", b"0" * 100_000_000)))
    where = data.rindex(b"PK\x01\x02")
    data[where + 24 : where + 28] = (10).to_bytes(4, "little")
    return bytes(data)


HARMFUL = {
    "empty": b"",
    "no zip": b"hello",
    "cut off": archive()[:-30],
    "no service": archive({"readme.txt": "hello"}),
    "traversal": archive(files("../../etc")),
    "absolute": archive(files("/etc")),
    "backslash": archive(files("..\\..\\etc")),
    "drive": archive(files("c:")),
    "link": _with(_link),
    "encrypted": _encrypted(),
    "bomb": _with(lambda z: z.writestr("bomb", b"0" * 100_000_000)),
    "understated bomb": _understated(),
    "many entries": archive({f"x/{n}": "" for n in range(bounds.MOST_ENTRIES + 1)}),
    "much in total": archive(
        # Text that deflates about a hundred to one: neither the ratio nor the size of the archive refuses it.
        *({f"f{n}": random.Random(n).randbytes(2500).hex() * 800} for n in range(12))
    ),
    "lzma": archive(files(), compression=zipfile.ZIP_LZMA),
    "no definition": archive({"a/metadata.yaml": "name: a"}),
    "no metadata": archive({"a/definition.yaml": OPENAPI}),
    "two definitions": archive(files() | {"customers_v1.0/definition.json": "{}"}),
    "twins": archive(files("a"), files("b")),
    "not UTF-8": archive({"a/metadata.yaml": b"\xff\xfe", "a/definition.yaml": OPENAPI}),
    "deep": archive({"a/metadata.yaml": "[" * 200_000, "a/definition.yaml": OPENAPI}),
    "deep mapping": archive(
        {"a/metadata.yaml": "\n".join(" " * n + "a:" for n in range(1500)), "a/definition.yaml": OPENAPI}
    ),
    "python tag": archive(
        {"a/metadata.yaml": "!!python/object/apply:os.system ['true']", "a/definition.yaml": OPENAPI}
    ),
    "NUL escape": archive(files(name="a\0b")),
    "bad date": archive(files(definition="openapi: 2026-99-99")),
    "wrong kind": archive(files(definitionType="WSDL1")),
}


@pytest.mark.parametrize("name", HARMFUL)
def test_harm_is_refused_by_name(name: str) -> None:
    with pytest.raises(Invalid) as refused:
        read_archive(HARMFUL[name])
    assert refused.value.description and (name != "much in total" or "unpack to more" in refused.value.description)


def test_an_alias_bomb_costs_nothing() -> None:
    layers = ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 60)]
    (entry,) = read_archive(archive(files(definition="openapi: 3.0.0\n" + "\n".join(layers))))
    assert entry.metadata.key == "customers-1.0"


@given(st.binary(max_size=400))
def test_random_bytes_never_crash_the_reader(data: bytes) -> None:
    with pytest.raises(Invalid):
        read_archive(data)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=300)
@given(st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=12), st.booleans())
def test_a_damaged_archive_is_read_or_refused(changes: list[tuple[int, int]], stored: bool) -> None:
    data = bytearray(archive(compression=zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED))
    for position, value in changes:
        data[position % len(data)] = value
    _read_or_refuse(bytes(data))


@settings(deadline=None, max_examples=200)
@given(st.text(max_size=300), st.text(max_size=300))
def test_any_text_as_content_is_read_or_refused(metadata: str, definition: str) -> None:
    try:
        data = archive({"a/metadata.yaml": metadata, "a/definition.yaml": definition})
    except UnicodeEncodeError:
        return
    _read_or_refuse(data)


def _read_or_refuse(data: bytes) -> None:
    try:
        for entry in read_archive(data):
            entry.metadata.key.encode()
    except Invalid as refused:
        assert refused.description
