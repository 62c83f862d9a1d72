"""Addresses of the portal's REST resources, below /api/am/devportal/v3/."""

from __future__ import annotations

from django.urls import path

from portal.api import (
    api_keys,
    apis,
    applications,
    archives,
    comments,
    described,
    documents,
    keys,
    platform,
    ratings,
    sdks,
    subscriptions,
    tenants,
    topics,
)

_application = "applications/<uuid:application_id>"
_keys = (f"{_application}/oauth-keys/<uuid:key_id>", f"{_application}/keys/<str:key_type>")
"""A key by its id and, in the older form of the contract, by its type."""
_api = "apis/<uuid:api_id>"
_key_resources = (
    ("", keys.OneKey),
    ("/regenerate-secret", keys.RegenerateSecret),
    ("/generate-token", keys.GenerateToken),
    ("/clean-up", keys.CleanUp),
)

urlpatterns = [
    path("apis", apis.Apis.as_view()),
    path(_api, apis.OneApi.as_view()),
    path(f"{_api}/swagger", apis.Swagger.as_view()),
    path(f"{_api}/graphql-schema", described.Schema.as_view()),
    path(f"{_api}/graphql-policies/complexity", described.Complexity.as_view()),
    path(f"{_api}/graphql-policies/complexity/types", described.ComplexityTypes.as_view()),
    path(f"{_api}/wsdl", described.Wsdl.as_view()),
    path(f"{_api}/topics", topics.Topics.as_view()),
    path(f"{_api}/documents", documents.Documents.as_view()),
    path(f"{_api}/documents/<uuid:document_id>", documents.OneDocument.as_view()),
    path(f"{_api}/documents/<uuid:document_id>/content", documents.Content.as_view()),
    path(f"{_api}/thumbnail", documents.Picture.as_view()),
    path(f"{_api}/comments", comments.Comments.as_view()),
    path(f"{_api}/comments/<uuid:comment_id>", comments.OneComment.as_view()),
    path(f"{_api}/comments/<uuid:comment_id>/replies", comments.Replies.as_view()),
    path(f"{_api}/ratings", ratings.Ratings.as_view()),
    path(f"{_api}/user-rating", ratings.OwnRating.as_view()),
    path(f"{_api}/sdks/<str:language>", sdks.Sdk.as_view()),
    path("sdk-gen/languages", sdks.Languages.as_view()),
    path("webhooks/subscriptions", topics.WebhookSubscriptions.as_view()),
    path(f"{_api}/subscription-policies", apis.SubscriptionPolicies.as_view()),
    path("search", apis.Search.as_view()),
    path("tags", apis.Tags.as_view()),
    path("api-categories", tenants.Categories.as_view()),
    path("applications", applications.Applications.as_view()),
    path("applications/export", archives.Export.as_view()),
    path("applications/import", archives.Import.as_view()),
    path(_application, applications.OneApplication.as_view()),
    path(f"{_application}/reset-throttle-policy", applications.ResetLimits.as_view()),
    path(f"{_application}/generate-keys", keys.GenerateKeys.as_view()),
    path(f"{_application}/map-keys", keys.MapKeys.as_view()),
    path(f"{_application}/oauth-keys", keys.Keys.as_view()),
    path(f"{_application}/keys", keys.Keys.as_view()),
    *(path(f"{place}{part}", view.as_view()) for place in _keys for part, view in _key_resources),
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
    path("subscriptions/<uuid:api_id>/additionalInfo", subscriptions.AdditionalInfo.as_view()),
    path("subscriptions/<uuid:subscription_id>/usage", subscriptions.Usage.as_view()),
    path("tenants", tenants.Tenants.as_view()),
    path("recommendations", tenants.Recommendations.as_view()),
    path("settings/application-attributes", tenants.Attributes.as_view()),
    path("settings", platform.Settings.as_view()),
    path("me", platform.Me.as_view()),
    path("me/change-password", platform.MyPassword.as_view()),
    path("me/organization-information", platform.MyOrganisation.as_view()),
]
