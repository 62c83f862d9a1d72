"""Checks user name and password for every door: log-in page, admin, Basic authentication, password grant."""

from __future__ import annotations

from typing import Any

import structlog
from django.contrib.auth.backends import ModelBackend
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables

from apim.accounts import audit, doors, throttle
from apim.accounts.models import Organisation, User
from apim.accounts.names import canonical
from apim.accounts.queries import first_organisation

log = structlog.get_logger(__name__)


class TenantBackend(ModelBackend):
    """Users log in to their own organisation only, and not while guessing is being slowed down."""

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        *,
        interactive: bool = False,
        **kwargs: Any,
    ) -> User | None:
        """The user with this name and password, or None. Raises PermissionDenied while the name is locked, PeopleUnavailable when
        the organisation's directory must be asked and cannot be.

        `interactive` is for the log-in page, which goes on to ask for more; other doors raise PasswordNotEnough then.
        """
        if not username or password is None or "\0" in username:  # no database stores a NUL
            return None
        tenant = getattr(request, "tenant", None)
        name, address = canonical(username, tenant), address_of(request)
        limits = doors.rules().limits(name)
        if throttle.locked(name, address, limits):
            raise PermissionDenied("Too many failed attempts.")
        user = super().authenticate(request, username=name, password=password) or self._elsewhere(
            name, password, tenant
        )
        if user is None or (tenant is not None and user.organisation_id != tenant.pk):
            throttle.note_failure(name, address, limits)
            self._note_in_trail(name, address, tenant, throttle.locked(name, address, limits))
            return None
        throttle.forget(name, address)
        refusal = "" if interactive else doors.rules().refusal(user)
        if refusal:
            raise doors.PasswordNotEnough(refusal)
        return user

    @sensitive_variables("password")
    def _elsewhere(self, name: str, password: str, tenant: Organisation | None) -> User | None:
        user = doors.rules().elsewhere(name, password, tenant)
        return user if user is not None and self.user_can_authenticate(user) else None

    @staticmethod
    def _note_in_trail(name: str, address: str, tenant: Organisation | None, locked: bool) -> None:
        """A name of nobody is not written down: people type passwords there. It costs as much as a known one."""
        log.info("accounts.login_failed", user=name, address=address)
        known = User.objects.select_related("organisation").filter(username=name).first()
        target = known or tenant or first_organisation()
        if target is not None:
            owner = known.organisation if known else target
            action = "user.login_locked" if locked else "user.login_failed"
            audit.record(None, action, target, after={"address": address}, organisation=owner)

    def user_can_authenticate(self, user: User) -> bool:
        """Neither the user nor the organisation is switched off."""
        return super().user_can_authenticate(user) and user.organisation.active

    def get_user(self, user_id: int) -> User | None:
        """The user of a session, with the organisation, which every request needs."""
        user = User.objects.select_related("organisation").filter(pk=user_id).first()
        return user if user is not None and self.user_can_authenticate(user) else None


def address_of(request: HttpRequest | None) -> str:
    """Where the caller comes from, as far as the socket tells."""
    return request.META.get("REMOTE_ADDR", "") if request is not None else ""
