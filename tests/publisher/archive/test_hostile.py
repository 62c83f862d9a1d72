"""Archives made to do harm: every one is refused with a reason, quickly, and nothing of it is stored."""

from __future__ import annotations

import io
import stat
import struct
import time
import warnings
import zipfile
from typing import Any

import pytest

from apim.errors import ApimError, Invalid
from publisher.archive import either, importing, texts, tree
from publisher.archive.importing import Options
from publisher.models import Api
from tests.publisher.make import plan

API = "type: api\nversion: v4.2.0\ndata:\n  name: Evil\n  version: 1.0.0\n  context: /evil\n  type: %s\n"


def zipped(files: dict[str, bytes | str] | list[tuple[Any, bytes | str]], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w", method) as archive:
        warnings.simplefilter("ignore")
        for name, content in files.items() if isinstance(files, dict) else files:
            archive.writestr(name, content)
    return buffer.getvalue()


def linked(target: str) -> bytes:
    entry = zipfile.ZipInfo("Evil/api.yaml")
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    return zipped([(entry, target)])


def device() -> bytes:
    entry = zipfile.ZipInfo("Evil/api.yaml")
    entry.external_attr = (stat.S_IFCHR | 0o666) << 16
    return zipped([(entry, "")])


def lying() -> bytes:
    """A file that unpacks to more than its entry says."""
    data = bytearray(zipped({"Evil/api.yaml": "a" * 100_000}))
    place = data.rindex(b"PK\x01\x02")
    data[place + 24 : place + 28] = struct.pack("<I", 10)
    return bytes(data)


def encrypted() -> bytes:
    data = bytearray(zipped({"Evil/api.yaml": "x"}))
    place = data.rindex(b"PK\x01\x02")
    data[place + 8] |= 1
    return bytes(data)


HARMFUL = {
    "not a zip": (b"PK\x03\x04 but no more", "no zip"),
    "bzip2": (zipped({"Evil/api.yaml": API % "HTTP"}, zipfile.ZIP_BZIP2), "method"),
    "lzma": (zipped({"Evil/api.yaml": API % "HTTP"}, zipfile.ZIP_LZMA), "method"),
    "empty": (b"", "no zip"),
    "cut off": (zipped({"Evil/api.yaml": "x" * 5000})[:-40], "no zip"),
    "too large packed": (b"\0" * (tree.MOST_PACKED + 1), "larger than"),
    "ratio": (zipped({"Evil/api.yaml": b"0" * 5_000_000}), "to one"),
    "one large file": (zipped({"Evil/x": bytes(tree.MOST_IN_FILE + 1)}), "larger than"),
    "large together": (zipped({f"Evil/{n}": bytes(15_000_000) for n in range(5)}), "larger than"),
    "many files": (zipped({f"Evil/{n}": "" for n in range(tree.MOST_FILES + 1)}), "entries"),
    "more than it says": (lying(), "zip archive"),
    "folder above": (zipped({"../../etc/passwd": "x"}), "no name"),
    "folder above inside": (zipped({"Evil/../../x": "x"}), "no name"),
    "from the root": (zipped({"/etc/passwd": "x"}), "no name"),
    "windows folder above": (zipped({"..\\..\\x": "x"}), "no name"),
    "drive": (zipped({"C:\\x": "x"}), "no name"),
    "control characters": (zipped({"Evil/a\nb": "x"}), "no name"),
    "bell": (zipped({"Evil/a\x07b": "x"}), "no name"),
    "empty segment": (zipped({"Evil//x": "x"}), "no name"),
    "blank segment": (zipped({"Evil/ /x": "x"}), "no name"),
    "line separator": (zipped({"Evil/a\u2028b": "x"}), "characters"),
    "long name": (zipped({"Evil/" + "a" * 500: "x"}), "characters"),
    "deep": (zipped({"/".join("abcdefghijklmnop"): "x"}), "folders"),
    "link": (linked("/etc/passwd"), "link"),
    "device": (device(), "device"),
    "encrypted": (encrypted(), "encrypted"),
    "twice": (zipped([("Evil/api.yaml", API % "HTTP"), ("Evil/api.yaml", "other")]), "twice"),
    "twice but for case": (zipped({"Evil/api.yaml": API % "HTTP", "Evil/API.yaml": "other"}), "twice"),
    "archives in archives": (zipped({"SourceArchive.zip": zipped({"SourceArchive.zip": zipped({"a": "b"})})}), "api.yaml"),
    "bomb in an archive": (zipped({"SourceArchive.zip": zipped({"Evil/api.yaml": b"0" * 5_000_000})}), "to one"),
}  # fmt: skip

LAUGHS = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join(['*' + before] * 9)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
ENTITIES = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
OUTSIDE = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
WSDL = '<definitions xmlns="http://schemas.xmlsoap.org/wsdl/">&%s;</definitions>'
SPEC = "type: operation_policy_specification\nversion: v4.2.0\ndata: {name: bad, version: v1, applicableFlows: [request]}\n"
BAD_POLICY = {"api.yaml": API % "HTTP", "Policies/bad_v1.yaml": SPEC}
CONTENT = {
    "aliases": ({"api.yaml": LAUGHS + API % "HTTP"}, "api.yaml"),
    "aliases in a policy": ({"api.yaml": API % "HTTP", "Policies/x_v1.yaml": LAUGHS}, "Policies/x_v1.yaml"),
    "aliases in a definition": ({"api.yaml": API % "HTTP", "Definitions/swagger.yaml": LAUGHS}, "Definitions/swagger.yaml"),
    "aliases in parameters": ({"api.yaml": API % "HTTP", "Deployment/intermediate_params.yaml": LAUGHS}, "intermediate_params"),
    "itself": ({"api.yaml": "a: &a [*a]\ndata: *a\n"}, "api.yaml"),
    "deep yaml": ({"api.yaml": "[" * 5000}, "api.yaml"),
    "deep json": ({"api.json": "[" * 100_000}, "api.json"),
    "steep yaml": ({"api.yaml": "- " * 5000 + "x"}, "api.yaml"),
    "objects": ({"api.yaml": "!!python/object/apply:os.system [id]"}, "api.yaml"),
    "tagged value": ({"api.yaml": API % "HTTP" + "  description: !!python/name:os.system x\n"}, ""),
    "binary": ({"api.yaml": b"\xff\xfe\x00"}, "api.yaml"),
    "nul": ({"api.yaml": 'type: api\ndata: {name: "a\\0b", version: "1", context: /x}'}, "api.yaml"),
    "entities in a wsdl": ({"api.yaml": API % "SOAP", "WSDL/Evil.wsdl": ENTITIES + WSDL % "b"}, "WSDL/Evil.wsdl"),
    "outside entity in a wsdl": ({"api.yaml": API % "SOAP", "WSDL/Evil.wsdl": OUTSIDE + WSDL % "a"}, "WSDL/Evil.wsdl"),
    "entities in a policy": (
        {**BAD_POLICY, "Policies/bad_v1.j2": ENTITIES + "<x>&b;</x>"}, "Policies/bad_v1.yaml",
    ),
    "outside entity in a policy": (
        {**BAD_POLICY, "Policies/bad_v1.j2": OUTSIDE + "<x>&a;</x>"}, "Policies/bad_v1.yaml",
    ),
    "template that reaches out": (
        {**BAD_POLICY, "Policies/bad_v1.j2": "{{ ''.__class__.__mro__[1].__subclasses__() }}<x>"},
        "Policies/bad_v1.yaml",
    ),
    "another type": ({"api.yaml": "type: document\ndata: {name: x}"}, "api.yaml: type"),
    "a list": ({"api.yaml": "- 1"}, "api.yaml"),
    "no name": ({"api.yaml": "type: api\ndata: {version: '1', context: /x}"}, "api.yaml: data.name"),
    "certificate outside": (
        {
            "api.yaml": API % "HTTP",
            "Client-certificates/client_certificates.yaml": "data: [{alias: a, certificate: ../../key.pem, tierName: Gold}]",
        },
        "Client-certificates/client_certificates.yaml: data[0].certificate",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", HARMFUL)
def test_an_archive_that_is_none_is_refused(case: str) -> None:
    data, reason = HARMFUL[case]
    before = time.process_time()
    with pytest.raises(tree.BadArchive, match=reason):
        tree.unpack(data).rooted(*importing.FILES)
    assert time.process_time() - before < 10


@pytest.mark.parametrize("case", CONTENT)
def test_files_that_do_harm_are_refused_and_nothing_is_stored(case: str, publisher_user) -> None:
    files, place = CONTENT[case]
    plan(publisher_user.organisation)
    before = time.process_time()
    if not place:
        # A tag that is not known is taken as text, never as an object.
        made = importing.import_api(by=publisher_user, tree=tree.unpack(zipped(files)), options=Options())
        assert made.api.description == "x"
        return
    with pytest.raises(ApimError) as refused:
        importing.import_api(by=publisher_user, tree=tree.unpack(zipped(files)), options=Options())
    assert place in refused.value.description
    assert "root:" not in refused.value.description
    assert time.process_time() - before < 30
    assert not Api.objects.exists()


def test_a_policy_archive_is_held_to_the_same_bounds(publisher_user) -> None:
    for data in (linked("x"), HARMFUL["ratio"][0], HARMFUL["twice"][0], zipped({"x/x.yaml": LAUGHS})):
        with pytest.raises(Invalid):
            either.import_policy(by=publisher_user, content=data)


def test_what_is_read_is_what_was_packed() -> None:
    files = {"api.yaml": b"x", "Docs/Ünï côde/document.yaml": b"\0\xff", "a b/c": b""}
    assert tree.unpack(tree.pack(tree.Tree(dict(files)), "Root-1.0")).below("Root-1.0").files == files


def test_versions_are_not_numbers() -> None:
    for text in ("a: 1.10\n", '{"a": 1.10}', "a: '1.10'"):
        assert texts.document(tree.Tree({"x.yaml": text.encode()}), "x.yaml") == {"a": "1.10"}
