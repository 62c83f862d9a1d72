"""The address plan of the control plane."""

from django.contrib import admin
from django.urls import include, path

from apim.accounts import views as accounts
from apim.eventhub.gateway_rest import GatewayRest

urlpatterns = [
    path("", include("apim.ui.urls")),
    path("admin/login/", accounts.admin_login),
    path("admin/logout/", accounts.logout),
    path("admin/password_change/", accounts.admin_password),
    path("admin/integrations/", include("integrator.dashboard.urls")),
    path("admin/", admin.site.urls),
    path("accounts/", include("apim.accounts.urls")),
    path("accounts/", include("apim.login.urls")),
    path("internal/eventhub/v1/", include("apim.eventhub.urls")),
    path("internal/keymanager/v1/", include("apim.keymanager.internal_urls")),
    path("internal/websub/v1/", include("apim.websub.urls")),
    path("workflows/", include("apim.workflows.urls")),
    path("oauth2/", include("apim.keymanager.urls")),
    path("", include("apim.keymanager.root_urls")),
    path("publisher/", include("portal.publisher_urls")),
    path("publisher/", include("publisher.urls")),
    path("devportal/theme/", include("apim.configuration.urls")),
    path("devportal/", include("portal.urls")),
    path("service-catalog/", include("catalog.urls")),
    path("integrator/", include("integrator.urls")),
    path("api/am/publisher/v4/", include("portal.publisher_api.urls")),
    path("api/am/publisher/v4/", include("publisher.api.urls")),
    path("api/am/devops/v0/", include("publisher.devops.urls")),
    path("api/am/admin/v4/", include("apim.traffic.api.urls")),
    path("api/am/admin/v4/", include("apim.keymanager.api.urls")),
    path("api/am/admin/v4/", include("apim.configuration.api.urls")),
    path("api/am/admin/v4/", include("publisher.admin_api.urls")),
    path("api/am/admin/v4/", include("portal.admin_api.urls")),
    path("api/am/admin/v4/", include("apim.workflows.api.urls")),
    path("api/am/gateway/v2/<path:rest>", GatewayRest.as_view()),
    path("api/am/devportal/v3/", include("portal.api.urls")),
    path("api/am/service-catalog/v1/", include("catalog.api.urls")),
    path("", include("apim.contracts.urls")),
]

handler400 = "apim.ui.views.bad_request"
handler403 = "apim.ui.views.forbidden"
handler404 = "apim.ui.views.not_found"
handler500 = "apim.ui.views.server_error"
