"""Comments that developers write in the portal: on APIs they see. Editing and deleting are the publisher's actions."""

from __future__ import annotations

from typing import Any

from apim.accounts.models import User
from apim.accounts.permissions import require
from portal import queries
from portal.permissions import DEVELOPER
from publisher.actions.comments import add_comment
from publisher.models import Api, Comment, EntryPoint


def say(*, by: User, api: Api, text: Any, category: Any = "general", parent: Comment | None = None) -> Comment:
    """A comment on `api`, or an answer to `parent`. Raises NotFound for an API that `by` does not see, Invalid, Forbidden."""
    require(by, DEVELOPER)
    api = queries.api(by, api.organisation, api.pk)
    return add_comment(by=by, api=api, text=text, category=category, parent=parent, entry_point=EntryPoint.PORTAL)
