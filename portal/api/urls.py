"""Addresses of the portal's REST resources, below /api/am/devportal/v3/."""

from __future__ import annotations

from django.urls import path

from portal.api import api_keys, apis, applications, described, keys, platform, subscriptions, topics

_application = "applications/<uuid:application_id>"
_key = f"{_application}/oauth-keys/<uuid:key_id>"

urlpatterns = [
    path("apis", apis.Apis.as_view()),
    path("apis/<uuid:api_id>", apis.OneApi.as_view()),
    path("apis/<uuid:api_id>/swagger", apis.Swagger.as_view()),
    path("apis/<uuid:api_id>/graphql-schema", described.Schema.as_view()),
    path("apis/<uuid:api_id>/graphql-policies/complexity", described.Complexity.as_view()),
    path("apis/<uuid:api_id>/graphql-policies/complexity/types", described.ComplexityTypes.as_view()),
    path("apis/<uuid:api_id>/wsdl", described.Wsdl.as_view()),
    path("apis/<uuid:api_id>/topics", topics.Topics.as_view()),
    path("webhooks/subscriptions", topics.WebhookSubscriptions.as_view()),
    path("apis/<uuid:api_id>/subscription-policies", apis.SubscriptionPolicies.as_view()),
    path("search", apis.Search.as_view()),
    path("tags", apis.Tags.as_view()),
    path("api-categories", platform.Categories.as_view()),
    path("applications", applications.Applications.as_view()),
    path(_application, applications.OneApplication.as_view()),
    path(f"{_application}/reset-throttle-policy", applications.ResetLimits.as_view()),
    path(f"{_application}/generate-keys", keys.GenerateKeys.as_view()),
    path(f"{_application}/map-keys", keys.MapKeys.as_view()),
    path(f"{_application}/oauth-keys", keys.Keys.as_view()),
    path(_key, keys.OneKey.as_view()),
    path(f"{_key}/regenerate-secret", keys.RegenerateSecret.as_view()),
    path(f"{_key}/generate-token", keys.GenerateToken.as_view()),
    path(f"{_key}/clean-up", keys.CleanUp.as_view()),
    path(f"{_application}/api-keys/<str:key_type>", api_keys.ApiKeys.as_view()),
    path(f"{_application}/api-keys/<str:key_type>/generate", api_keys.Generate.as_view()),
    path(f"{_application}/api-keys/<str:key_type>/regenerate", api_keys.Regenerate.as_view()),
    path(f"{_application}/api-keys/<str:key_type>/revoke", api_keys.Revoke.as_view()),
    path("subscriptions", subscriptions.Subscriptions.as_view()),
    path("subscriptions/multiple", subscriptions.Multiple.as_view()),
    path("subscriptions/<uuid:subscription_id>", subscriptions.OneSubscription.as_view()),
    path("throttling-policies/<str:level>", platform.Policies.as_view()),
    path("throttling-policies/<str:level>/<str:name>", platform.OnePolicy.as_view()),
    path("key-managers", platform.KeyManagers.as_view()),
    path("settings", platform.Settings.as_view()),
    path("me", platform.Me.as_view()),
    path("me/change-password", platform.MyPassword.as_view()),
    path("me/organization-information", platform.MyOrganisation.as_view()),
]
