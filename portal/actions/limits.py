"""The reset of an application's limits by hand: gateways forget what it used up."""

from __future__ import annotations

import time

from django.db import transaction

from apim.accounts import audit
from apim.accounts.models import User
from apim.errors import FieldError, Invalid
from apim.eventhub.publish import publish
from gateway import schema
from portal.actions.locks import locked_application
from portal.models import Application
from portal.permissions import require_use

LONGEST = 254


@transaction.atomic
def reset_limits(*, by: User, application: Application, user: str = "") -> None:
    """Let `application` use its whole limit again. `user` is noted: its users are counted together.

    Raises NotFound, Forbidden, Invalid for a user name that cannot be one.
    """
    application = locked_application(application)
    require_use(by, application)
    if len(user) > LONGEST or "\0" in user:
        raise Invalid("userName is wrong.", [FieldError("userName", f"a name of at most {LONGEST} characters")])
    audit.record(by, "application.reset_limits", application, after={"user": user})
    record = schema.ThrottleReset(str(application.pk), user, round(time.time(), 3))
    publish("throttle_reset", str(application.pk), record, organisation=application.organisation.domain)
