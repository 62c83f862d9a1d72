"""Give an API or API product its picture, or take it away."""

from __future__ import annotations

import hashlib

from django.db import transaction
from django.http import HttpResponse

from apim.accounts import audit
from apim.accounts.models import User
from apim.errors import NotFound, PreconditionFailed
from publisher import pictures, safe_content
from publisher.actions.access import DESIGNERS, locked
from publisher.models import Api, Thumbnail


def thumbnail_etag(picture: Thumbnail) -> str:
    """Its entity tag."""
    return f'"{picture.digest[:32]}"'


def thumbnail_of(api: Api) -> Thumbnail:
    """The picture of `api`. Raises NotFound when it has none."""
    found = Thumbnail.objects.filter(api=api).first()
    if found is None:
        raise NotFound(f"{api} has no picture.")
    return found


def thumbnail_answer(picture: Thumbnail) -> HttpResponse:
    """The picture as an answer in which nothing can act, with its entity tag."""
    answer = safe_content.passive(bytes(picture.content), picture.media_type)
    answer["ETag"] = thumbnail_etag(picture)
    answer["Cache-Control"] = "private, max-age=60"
    return answer


@transaction.atomic
def put_thumbnail(*, by: User, api: Api, content: bytes, expected: str = "") -> Thumbnail:
    """Make `content` (PNG, JPEG, GIF or SVG; pictures.MOST_BYTES at most) the picture of `api`.

    `expected` is the entity tag of the one the caller saw. Raises Invalid, PreconditionFailed.
    """
    api = locked(by, api, *DESIGNERS)
    before = Thumbnail.objects.filter(api=api).first()
    seen = thumbnail_etag(before) if before is not None else ""
    if expected and expected != "*" and seen not in [tag.strip() for tag in expected.split(",")]:
        raise PreconditionFailed("Somebody changed the picture since you saw it.")
    kind, safe = pictures.checked(content)
    values = {"media_type": kind, "content": safe, "digest": hashlib.sha256(safe).hexdigest()}
    picture, _ = Thumbnail.objects.update_or_create(api=api, defaults=values)
    _note(by, api, before.digest if before is not None else "", picture.digest, kind)
    return picture


@transaction.atomic
def delete_thumbnail(*, by: User, api: Api) -> None:
    """Take the picture of `api` away. Raises NotFound when it has none."""
    api = locked(by, api, *DESIGNERS)
    picture = thumbnail_of(api)
    _note(by, api, picture.digest, "", "")
    picture.delete()


def copy_thumbnail(source: Api, target: Api) -> None:
    """Give `target` the picture of `source`, if there is one. For actions that have checked who may."""
    held = Thumbnail.objects.filter(api=source).first()
    if held is not None:
        names = ("media_type", "content", "digest")
        Thumbnail.objects.create(api=target, **{name: getattr(held, name) for name in names})
        Api.objects.filter(pk=target.pk).update(thumbnail_type=held.media_type)


def _note(by: User, api: Api, before: str, after: str, kind: str) -> None:
    # `updated` stays: the design did not change, and neither did its entity tag.
    Api.objects.filter(pk=api.pk).update(thumbnail_type=kind)
    audit.record(by, "api.thumbnail", api, before={"sha256": before}, after={"sha256": after, "type": kind})
