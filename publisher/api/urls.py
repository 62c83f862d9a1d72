"""Addresses of the REST resources below /api/am/publisher/v4/, as in the contract."""

from __future__ import annotations

from django.urls import path

from publisher.api import (
    apis,
    archive_urls,
    asyncapi,
    client_certificates,
    definitions,
    endpoint_certificates,
    fact_urls,
    graphql,
    lifecycle,
    mocks,
    organisation_urls,
    policy_urls,
    product_urls,
    revisions,
    search,
    services,
    settings,
    soap,
    social_urls,
)

urlpatterns = [
    *archive_urls.urlpatterns,
    path("apis", apis.Apis.as_view()),
    path("apis/validate", apis.ValidateName.as_view()),
    path("apis/validate-openapi", definitions.ValidateOpenApi.as_view()),
    path("apis/import-openapi", definitions.ImportOpenApi.as_view()),
    path("apis/validate-graphql-schema", graphql.ValidateGraphql.as_view()),
    path("apis/import-graphql-schema", graphql.ImportGraphql.as_view()),
    path("apis/validate-asyncapi", asyncapi.ValidateAsyncApi.as_view()),
    path("apis/import-asyncapi", asyncapi.ImportAsyncApi.as_view()),
    path("apis/validate-wsdl", soap.ValidateWsdl.as_view()),
    path("apis/import-wsdl", soap.ImportWsdl.as_view()),
    path("apis/import-service", services.ImportService.as_view()),
    path("apis/change-lifecycle", lifecycle.ChangeLifecycle.as_view()),
    path("apis/copy-api", apis.CopyApi.as_view()),
    path("apis/validate-endpoint", endpoint_certificates.ValidateEndpoint.as_view()),
    path("apis/<str:api_id>", apis.OneApi.as_view()),
    path("apis/<str:api_id>/generate-mock-scripts", mocks.GenerateMockScripts.as_view()),
    path("apis/<str:api_id>/generated-mock-scripts", mocks.GeneratedMockScripts.as_view()),
    path("apis/<str:api_id>/swagger", definitions.Swagger.as_view()),
    path("apis/<str:api_id>/graphql-schema", graphql.GraphqlSchema.as_view()),
    path("apis/<str:api_id>/graphql-policies/complexity", graphql.Complexity.as_view()),
    path("apis/<str:api_id>/graphql-policies/complexity/types", graphql.ComplexityTypes.as_view()),
    path("apis/<str:api_id>/asyncapi", asyncapi.AsyncApi.as_view()),
    path("apis/<str:api_id>/topics", asyncapi.Topics.as_view()),
    path("apis/<str:api_id>/wsdl", soap.Wsdl.as_view()),
    path("apis/<str:api_id>/wsdl-info", soap.WsdlInfo.as_view()),
    path("apis/<str:api_id>/resource-policies", soap.ResourcePolicies.as_view()),
    path("apis/<str:api_id>/resource-policies/<str:policy_id>", soap.OneResourcePolicy.as_view()),
    path("apis/<str:api_id>/reimport-service", services.ReimportService.as_view()),
    path("apis/<str:api_id>/client-certificates", client_certificates.ClientCertificates.as_view()),
    path("apis/<str:api_id>/client-certificates/<str:alias>", client_certificates.OneClientCertificate.as_view()),
    path(
        "apis/<str:api_id>/client-certificates/<str:alias>/content",
        client_certificates.ClientCertificateContent.as_view(),
    ),
    path("apis/<str:api_id>/generate-key", client_certificates.GenerateKey.as_view()),
    path("apis/<str:api_id>/lifecycle-state", lifecycle.LifecycleState.as_view()),
    path("apis/<str:api_id>/lifecycle-state/pending-tasks", lifecycle.PendingTasks.as_view()),
    path("apis/<str:api_id>/lifecycle-history", lifecycle.LifecycleHistory.as_view()),
    path("apis/<str:api_id>/revisions", revisions.Revisions.as_view()),
    path("apis/<str:api_id>/revisions/<str:revision_id>", revisions.OneRevision.as_view()),
    path("apis/<str:api_id>/deployments", revisions.Deployments.as_view()),
    path("apis/<str:api_id>/deployments/<str:deployment_id>", revisions.OneDeployment.as_view()),
    path("apis/<str:api_id>/deploy-revision", revisions.Deploy.as_view()),
    path("apis/<str:api_id>/undeploy-revision", revisions.Undeploy.as_view()),
    path("apis/<str:api_id>/restore-revision", revisions.Restore.as_view()),
    path("endpoint-certificates", endpoint_certificates.EndpointCertificates.as_view()),
    path("endpoint-certificates/<str:alias>", endpoint_certificates.OneEndpointCertificate.as_view()),
    path("endpoint-certificates/<str:alias>/content", endpoint_certificates.EndpointCertificateContent.as_view()),
    path("endpoint-certificates/<str:alias>/usage", endpoint_certificates.EndpointCertificateUsage.as_view()),
    path("throttling-policies/<str:level>", settings.Policies.as_view()),
    path("throttling-policies/<str:level>/<str:name>", settings.OnePolicy.as_view()),
    path("settings", settings.Settings.as_view()),
    path("search", search.Search.as_view()),
]
urlpatterns += policy_urls.urlpatterns
urlpatterns += fact_urls.urlpatterns
urlpatterns += social_urls.urlpatterns
urlpatterns += organisation_urls.urlpatterns
urlpatterns += product_urls.urlpatterns
