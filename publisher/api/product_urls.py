"""Addresses of the products' REST resources below /api/am/publisher/v4/, as in the contract."""

from __future__ import annotations

from django.urls import path

from publisher.api import products

ONE = "api-products/<str:api_id>"
urlpatterns = [
    path("api-products", products.Products.as_view()),
    path("api-products/change-lifecycle", products.ChangeLifecycle.as_view()),
    path("api-products/copy-api-products", products.CopyProduct.as_view()),
    path(ONE, products.OneProduct.as_view()),
    path(f"{ONE}/is-outdated", products.Outdated.as_view()),
    path(f"{ONE}/swagger", products.Swagger.as_view()),
    path(f"{ONE}/revisions", products.Revisions.as_view()),
    path(f"{ONE}/revisions/<str:revision_id>", products.OneRevision.as_view()),
    path(f"{ONE}/deployments", products.Deployments.as_view()),
    path(f"{ONE}/deployments/<str:deployment_id>", products.OneDeployment.as_view()),
    path(f"{ONE}/deploy-revision", products.Deploy.as_view()),
    path(f"{ONE}/undeploy-revision", products.Undeploy.as_view()),
    path(f"{ONE}/restore-revision", products.Restore.as_view()),
    path(f"{ONE}/lifecycle-state", products.LifecycleState.as_view()),
    path(f"{ONE}/lifecycle-state/pending-tasks", products.PendingTasks.as_view()),
    path(f"{ONE}/lifecycle-history", products.LifecycleHistory.as_view()),
]
