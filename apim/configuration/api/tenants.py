"""/tenant-info/{username} and /custom-urls/{tenantDomain}."""

from __future__ import annotations

from django.conf import settings
from rest_framework.request import Request
from rest_framework.response import Response

from apim.accounts.models import SUPER_TENANT, BuiltinRole, Organisation, User
from apim.accounts.names import canonical
from apim.accounts.queries import sees_every_organisation
from apim.accounts.rest_admin import Resource, storable
from apim.errors import NotFound

SEE = ("apim:admin", "apim:tenantInfo")
SUPER_ID = -1234
"""The number under which clients know the first organisation."""


class TenantInfo(Resource):
    """GET: which organisation a user belongs to."""

    see = SEE

    def get(self, request: Request, username: str) -> Response:
        """The user's organisation; of another one's users only the platform's administrators learn."""
        name = canonical(storable(username, "username"), None)
        user = User.objects.filter(username=name).select_related("organisation").first()
        if user is None or not _may_know(request.user, user.organisation):
            raise NotFound(f"There is no user {username[:100]!r}.")
        found = user.organisation
        number = SUPER_ID if found.is_super else found.pk
        return Response({"username": user.username, "tenantDomain": found.domain, "tenantId": number})


class CustomUrls(Resource):
    """GET: at which address an organisation's portal is reached."""

    see = SEE

    def get(self, request: Request, tenant_domain: str) -> Response:
        """The address, and whether it is one of the organisation's own."""
        domain = storable(tenant_domain, "tenantDomain")
        found = Organisation.objects.filter(domain=domain or SUPER_TENANT).first()
        if found is None or not _may_know(request.user, found):
            raise NotFound(f"There is no organisation {tenant_domain[:100]!r}.")
        administrators = User.objects.filter(organisation=found, is_active=True, roles__name=BuiltinRole.ADMIN)
        hosts = found.portal_domains.exclude(verified=None)
        own = hosts.order_by("verified", "pk").values_list("host", flat=True).first() or ""
        return Response(
            {
                "tenantDomain": found.domain,
                "tenantAdminUsername": administrators.order_by("pk").values_list("username", flat=True).first() or "",
                "enabled": bool(own),
                "devPortal": {
                    "url": f"https://{own}/devportal" if own else f"{settings.APIM.public}{found.prefix}/devportal"
                },
            }
        )


def _may_know(by: User, organisation: Organisation) -> bool:
    return by.organisation_id == organisation.pk or sees_every_organisation(by)
