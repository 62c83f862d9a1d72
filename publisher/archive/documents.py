"""`Docs/` and `Image/`: documents of an API with their content, and its picture."""

from __future__ import annotations

from urllib.parse import quote

from apim.accounts.models import User
from publisher.actions import documents as actions
from publisher.api.shapes import documents as shapes
from publisher.archive import texts
from publisher.archive.texts import within, word
from publisher.archive.tree import Tree, bad
from publisher.models import Api, Document, DocumentSource

FOLDER = "Docs"
_SAFE = " !#$&'()+,;=@[]{}-._~"
_TIMES = ("createdTime", "createdBy", "lastUpdatedTime", "lastUpdatedBy")


def write(tree: Tree, api: Api, form: str) -> None:
    """Add the documents, by name, each in a folder of its own."""
    for row in Document.objects.filter(api=api.pk).select_related("file").order_by("name"):
        folder = f"{FOLDER}/{_folder(row.name)}"
        data = {name: value for name, value in shapes.shown(row).items() if value != "" and name not in _TIMES}
        texts.put(tree, f"{folder}/document", "document", data, form)
        if row.source in actions.WRITTEN:
            tree.put(f"{folder}/{_folder(row.name)}", row.text)
        elif row.source == DocumentSource.FILE and hasattr(row, "file"):
            tree.put(f"{folder}/{row.file_name}", bytes(row.file.content))


def apply(*, by: User, api: Api, tree: Tree) -> None:
    """Make the API's documents those of the archive, when it has any. Raises Invalid naming file and field."""
    docs = tree.below(FOLDER)
    if not docs.files:
        return
    known = {row.name: row for row in api.documents.all()}
    for folder in docs.folders():
        path = docs.first(*texts.names(f"{folder}/document"))
        if not path:
            raise bad(f"{FOLDER}/{folder}", "Has no document.yaml or document.json.")
        whole = f"{FOLDER}/{path}"
        with within(whole, "data", _contract):
            data = texts.mapping(tree, whole, "document")
            name = word(data, "name", whole, "data")
            _one(by, api, docs.below(folder), data | {"name": name}, known.pop(name, None))
    for gone in known.values():
        actions.delete_document(by=by, document=gone)


def _one(by: User, api: Api, held: Tree, data: dict[str, object], row: Document | None) -> None:
    given = {name: value for name, value in data.items() if name not in _TIMES}
    fields = shapes.given(given, new=row is None)
    if row is None:
        row = actions.create_document(by=by, api=api, **fields)
    elif any(getattr(row, name) != value for name, value in fields.items()):
        row = actions.update_document(by=by, document=row, **fields)
    if row.source in actions.WRITTEN:
        file = held.first(row.name, _folder(row.name), str(data.get("fileName") or ""))
        text = held.text(file) if file else str(data.get("inlineContent") or "")
        if text != row.text:
            actions.write_document(by=by, document=row, text=text)
    elif row.source == DocumentSource.FILE:
        name = str(data.get("fileName") or "")
        if name and name not in held.files:
            raise bad(f"{FOLDER}/{row.name}", f"The file {name!r} is missing.", "data.fileName")
        if name and (row.file_name != name or bytes(row.file.content) != held.files[name]):
            actions.upload_document(by=by, document=row, name=name, content=held.files[name])


def _folder(name: str) -> str:
    """The name as one that every file system takes; `.` and `..` are none."""
    return quote(name, safe=_SAFE) if name.strip(". ") else quote(name, safe="").replace(".", "%2E").replace(" ", "%20")


def _contract(field: str) -> str:
    names = {ours: theirs for theirs, ours in shapes.FIELDS.items()}
    return names.get(field, field)
