"""`Image/icon.*`: the picture of an API."""

from __future__ import annotations

from apim.accounts.models import User
from publisher.actions.thumbnails import put_thumbnail
from publisher.archive.texts import within
from publisher.archive.tree import Tree
from publisher.models import Api, Thumbnail

ENDINGS = {"image/png": "png", "image/jpeg": "jpeg", "image/gif": "gif", "image/svg+xml": "svg"}
_NAMES = tuple(f"Image/icon.{ending}" for ending in (*ENDINGS.values(), "jpg", "bmp"))


def write(tree: Tree, api: Api) -> None:
    """Add it, when there is one."""
    picture = Thumbnail.objects.filter(api=api.pk).first()
    if picture is not None:
        tree.put(f"Image/icon.{ENDINGS.get(picture.media_type, 'png')}", bytes(picture.content))


def apply(*, by: User, api: Api, tree: Tree) -> None:
    """Give `api` the archive's picture; without one it keeps what it has. Raises Invalid naming the file."""
    path = tree.first(*_NAMES)
    if not path:
        return
    held = Thumbnail.objects.filter(api=api).first()
    if held is None or bytes(held.content) != tree.files[path]:
        with within(path):
            put_thumbnail(by=by, api=api, content=tree.files[path])
