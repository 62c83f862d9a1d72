"""Addresses of the publisher's pages."""

from __future__ import annotations

from django.urls import path

from publisher.views import (
    create,
    definition,
    deployments,
    design,
    import_more,
    lifecycle,
    listing,
    overview,
    policies,
    policy_list,
    products,
    security,
)

app_name = "publisher"
API = "apis/<uuid:api_id>/"
REVISION = API + "deployments/<uuid:revision_id>/"
urlpatterns = [
    path("", listing.api_list, name="apis"),
    path("create/", create.doors, name="create"),
    path("create/scratch/", create.scratch, name="create_scratch"),
    path("create/openapi/", create.openapi, name="create_openapi"),
    path("create/graphql/", import_more.graphql, name="create_graphql"),
    path("create/wsdl/", import_more.wsdl, name="create_wsdl"),
    path("create/service/", create.services, name="create_services"),
    path("create/service/<uuid:service_id>/", create.from_service, name="create_from_service"),
    path("create/product/", products.create, name="create_product"),
    path("policies/", policy_list.policy_list, name="policy_list"),
    path("policies/add/", policy_list.policy_add, name="policy_add"),
    path("policies/<uuid:policy_id>/download/", policy_list.policy_download, name="policy_download"),
    path("policies/<uuid:policy_id>/delete/", policy_list.policy_delete, name="policy_delete"),
    path(API, overview.overview, name="api"),
    path(API + "resources/", products.resources, name="product_resources"),
    path(API + "resources/refresh/", products.refresh, name="product_refresh"),
    path(API + "delete/", overview.delete, name="delete"),
    path(API + "reimport/", overview.reimport, name="reimport"),
    path(API + "copy/", create.copy, name="copy"),
    path(API + "info/", design.info, name="info"),
    path(API + "operations/", design.operations, name="operations"),
    path(API + "endpoints/", design.endpoints, name="endpoints"),
    path(API + "security/", security.security, name="security"),
    path(API + "security/save/", security.save, name="security_save"),
    path(API + "security/certificates/", security.add, name="certificate_add"),
    path(API + "security/certificates/<int:certificate_id>/delete/", security.remove, name="certificate_delete"),
    path(API + "security/test-key/", security.test_key, name="test_key"),
    path(API + "policies/", policies.flows, name="policies"),
    path(API + "policies/change/", policies.change, name="policies_change"),
    path(API + "runtime/", policies.runtime, name="runtime"),
    path(API + "plans/", design.plans, name="plans"),
    path(API + "operations/complexity/", import_more.complexity, name="complexity"),
    path(API + "operations/sequences/", import_more.sequences, name="sequences"),
    path(API + "definition/", definition.definition, name="definition"),
    path(API + "definition/download/", definition.download, name="definition_download"),
    path(API + "deployments/", deployments.deployments, name="deployments"),
    path(API + "deployments/create/", deployments.create, name="revision_create"),
    path(REVISION + "deploy/", deployments.deploy, name="revision_deploy"),
    path(REVISION + "undeploy/", deployments.undeploy, name="revision_undeploy"),
    path(REVISION + "restore/", deployments.restore, name="revision_restore"),
    path(REVISION + "delete/", deployments.delete, name="revision_delete"),
    path(API + "lifecycle/", lifecycle.lifecycle, name="lifecycle"),
    path(API + "lifecycle/change/", lifecycle.change, name="lifecycle_change"),
]
