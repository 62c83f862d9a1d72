"""Addresses of the REST resources below /api/am/publisher/v4/, as in the contract."""

from __future__ import annotations

from django.urls import path

from publisher.api import apis, definitions, graphql, lifecycle, product_urls, revisions, services, settings, soap

urlpatterns = [
    path("apis", apis.Apis.as_view()),
    path("apis/validate", apis.ValidateName.as_view()),
    path("apis/validate-openapi", definitions.ValidateOpenApi.as_view()),
    path("apis/import-openapi", definitions.ImportOpenApi.as_view()),
    path("apis/validate-graphql-schema", graphql.ValidateGraphql.as_view()),
    path("apis/import-graphql-schema", graphql.ImportGraphql.as_view()),
    path("apis/validate-wsdl", soap.ValidateWsdl.as_view()),
    path("apis/import-wsdl", soap.ImportWsdl.as_view()),
    path("apis/import-service", services.ImportService.as_view()),
    path("apis/change-lifecycle", lifecycle.ChangeLifecycle.as_view()),
    path("apis/copy-api", apis.CopyApi.as_view()),
    path("apis/<str:api_id>", apis.OneApi.as_view()),
    path("apis/<str:api_id>/swagger", definitions.Swagger.as_view()),
    path("apis/<str:api_id>/graphql-schema", graphql.GraphqlSchema.as_view()),
    path("apis/<str:api_id>/graphql-policies/complexity", graphql.Complexity.as_view()),
    path("apis/<str:api_id>/graphql-policies/complexity/types", graphql.ComplexityTypes.as_view()),
    path("apis/<str:api_id>/wsdl", soap.Wsdl.as_view()),
    path("apis/<str:api_id>/wsdl-info", soap.WsdlInfo.as_view()),
    path("apis/<str:api_id>/resource-policies", soap.ResourcePolicies.as_view()),
    path("apis/<str:api_id>/resource-policies/<str:policy_id>", soap.OneResourcePolicy.as_view()),
    path("apis/<str:api_id>/reimport-service", services.ReimportService.as_view()),
    path("apis/<str:api_id>/lifecycle-state", lifecycle.LifecycleState.as_view()),
    path("apis/<str:api_id>/lifecycle-history", lifecycle.LifecycleHistory.as_view()),
    path("apis/<str:api_id>/revisions", revisions.Revisions.as_view()),
    path("apis/<str:api_id>/revisions/<str:revision_id>", revisions.OneRevision.as_view()),
    path("apis/<str:api_id>/deployments", revisions.Deployments.as_view()),
    path("apis/<str:api_id>/deployments/<str:deployment_id>", revisions.OneDeployment.as_view()),
    path("apis/<str:api_id>/deploy-revision", revisions.Deploy.as_view()),
    path("apis/<str:api_id>/undeploy-revision", revisions.Undeploy.as_view()),
    path("apis/<str:api_id>/restore-revision", revisions.Restore.as_view()),
    path("throttling-policies/<str:level>", settings.Policies.as_view()),
    path("throttling-policies/<str:level>/<str:name>", settings.OnePolicy.as_view()),
    path("settings", settings.Settings.as_view()),
    path("search", apis.Search.as_view()),
]
urlpatterns += product_urls.urlpatterns
