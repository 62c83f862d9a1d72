"""Comment on APIs: the author edits, the author or an administrator deletes. The portal's actions go through these."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils import timezone

from apim.accounts import audit
from apim.accounts.models import BuiltinRole, User
from apim.accounts.permissions import require, require_same_organisation
from apim.accounts.roles import PUBLISHER_ROLES
from apim.errors import Forbidden, Invalid, NotFound
from publisher.checks import Problems
from publisher.checks.basics import text as checked_text
from publisher.models import Api, Comment, EntryPoint

MOST_TEXT, MOST_CATEGORY = 512, 50


@transaction.atomic
def add_comment(
    *,
    by: User,
    api: Api,
    text: Any,
    category: Any = "general",
    parent: Comment | None = None,
    entry_point: str = EntryPoint.PUBLISHER,
) -> Comment:
    """A comment of `by`, or an answer to `parent` (to its thread, when that is an answer itself).

    The portal names its entry point and has made sure that `by` sees the API; in the publisher a role is needed.
    Raises Invalid, Forbidden, and NotFound for a parent that belongs to another API.
    """
    if entry_point == EntryPoint.PUBLISHER:
        require_same_organisation(by, api.organisation)
        require(by, *PUBLISHER_ROLES)
    if parent is not None and parent.api_id != api.pk:
        raise NotFound(f"There is no comment {parent.pk} on {api}.")
    clean = _checked(text, category)
    root = (parent.parent or parent) if parent is not None else None
    names = {"author": by, "author_name": by.get_username(), "entry_point": entry_point}
    comment = Comment.objects.create(api=api, parent=root, **names, **clean)
    audit.record(by, "comment.create", comment, after=_shown(comment), organisation=api.organisation)
    return comment


@transaction.atomic
def edit_comment(*, by: User, comment: Comment, text: Any = None, category: Any = None) -> Comment:
    """Other words, or another category. Raises Forbidden for everybody but the author."""
    comment = _locked(by, comment)
    if comment.author_id != by.pk:
        raise Forbidden("Only its author edits a comment.")
    if text is None and category is None:
        raise Invalid("Send content or category.")
    before = _shown(comment)
    clean = _checked(comment.text if text is None else text, comment.category if category is None else category)
    comment.text, comment.category, comment.updated = clean["text"], clean["category"], timezone.now()
    comment.save(update_fields=["text", "category", "updated"])
    _note(by, "comment.update", comment, before, _shown(comment))
    return comment


@transaction.atomic
def delete_comment(*, by: User, comment: Comment) -> None:
    """Delete a comment with its answers. Raises Forbidden for all but its author and the organisation's administrators."""
    comment = _locked(by, comment)
    own_house = by.organisation_id == comment.api.organisation_id
    if comment.author_id != by.pk and not (own_house and by.has_role(BuiltinRole.ADMIN)):
        raise Forbidden("Only its author or an administrator deletes a comment.")
    _note(by, "comment.delete", comment, _shown(comment), None)
    comment.delete()


def _locked(by: User, comment: Comment) -> Comment:
    found = Comment.objects.select_for_update(of=("self",)).select_related("api__organisation")
    fresh = found.filter(pk=comment.pk).first()
    if fresh is None:
        raise NotFound(f"There is no comment {comment.pk} any more.")
    # Whoever is not at home here may still have written it in the portal.
    if fresh.author_id != by.pk:
        require_same_organisation(by, fresh.api.organisation)
    return fresh


def _checked(text: Any, category: Any) -> dict[str, str]:
    problems = Problems()
    clean = {
        "text": checked_text(problems, "content", text, most=MOST_TEXT, least=1).strip(),
        "category": checked_text(problems, "category", category, most=MOST_CATEGORY, least=1).strip(),
    }
    problems.raise_any()
    return clean


def _note(by: User, action: str, comment: Comment, before: Any, after: Any) -> None:
    audit.record(by, action, comment, before=before, after=after, organisation=comment.api.organisation)


def _shown(comment: Comment) -> dict[str, Any]:
    return {"api": str(comment.api), "author": comment.author_name, "text": comment.text, "category": comment.category}
