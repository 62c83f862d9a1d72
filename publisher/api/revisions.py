"""/apis/{apiId}/revisions, deploying, undeploying and restoring them."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from rest_framework.request import Request
from rest_framework.response import Response

from apim.accounts.permissions import require
from apim.errors import FieldError, Invalid, NotFound
from publisher import queries
from publisher.actions.access import DEPLOYERS
from publisher.actions.deployments import set_displayed
from publisher.actions.revisions import (
    create_revision,
    delete_revision,
    deploy_revision,
    restore_revision,
    undeploy_revision,
)
from publisher.api.base import Resource, api_response, body_of, list_of
from publisher.api.dto import millis
from publisher.models import Api, Deployment, Revision


class Revisions(Resource):
    """GET and POST /apis/{apiId}/revisions."""

    def get(self, request: Request, api_id: str) -> Response:
        """All revisions, or with `query=deployed:true|false` those that run or do not."""
        return Response(_list(self.api(api_id), self.word("query")))

    def post(self, request: Request, api_id: str) -> Response:
        """A new revision of what the API is now."""
        description = body_of(request).get("description") or ""
        revision = create_revision(by=request.user, api=self.api(api_id), description=description)
        return Response(_revision(revision, []), status=201)


class OneRevision(Resource):
    """GET and DELETE /apis/{apiId}/revisions/{revisionId}."""

    def get(self, request: Request, api_id: str, revision_id: str) -> Response:
        """One revision."""
        revision = queries.revision(request.user, self.api(api_id), revision_id)
        return Response(_revision(revision, _deployments(revision.deployments)))

    def delete(self, request: Request, api_id: str, revision_id: str) -> Response:
        """Delete a revision that runs nowhere; answers those that are left."""
        api = self.api(api_id)
        delete_revision(by=request.user, revision=queries.revision(request.user, api, revision_id))
        return Response(_list(api, ""))


class Deployments(Resource):
    """GET /apis/{apiId}/deployments."""

    def get(self, request: Request, api_id: str) -> Response:
        """Where which revision runs."""
        found = _deployments(self.api(api_id).deployments)
        return Response({"count": len(found), "list": found})


class OneDeployment(Resource):
    """PUT /apis/{apiId}/deployments/{deploymentId}; the id is the environment's name."""

    def put(self, request: Request, api_id: str, deployment_id: str) -> Response:
        """Show or hide the environment in the portal."""
        api, body = self.api(api_id), body_of(request)
        deployment = api.deployments.filter(environment__name=deployment_id).first()
        if deployment is None:
            raise NotFound(f"{api} is not deployed to {deployment_id[:80]}.")
        set_displayed(by=request.user, deployment=deployment, displayed=body.get("displayOnDevportal"))
        return Response(_deployments(api.deployments.filter(pk=deployment.pk))[0])


class Deploy(Resource):
    """POST /apis/{apiId}/deploy-revision. `done` is the status: 200 here, 201 for API products, as in the contract."""

    done = 200

    @transaction.atomic
    def post(self, request: Request, api_id: str) -> Response:
        """Run `revisionId` in the environments of the body."""
        api = self.api(api_id)
        revision = queries.revision(request.user, api, self.required("revisionId"))
        for item in _targets(request):
            deploy_revision(
                by=request.user,
                revision=revision,
                environments=[item.get("name")],
                vhost=item.get("vhost") or "localhost",
                displayed=item.get("displayOnDevportal") is not False,
            )
        return Response(_deployments(revision.deployments), status=self.done)


class Undeploy(Resource):
    """POST /apis/{apiId}/undeploy-revision."""

    def post(self, request: Request, api_id: str) -> Response:
        """Take the revision off the environments of the body, or off all with `allEnvironments`."""
        api = self.api(api_id)
        revision = self._revision(api)
        names = None if self.switch("allEnvironments") else [item.get("name") for item in _targets(request)]
        undeploy_revision(by=request.user, revision=revision, environments=names)
        return Response(_deployments(revision.deployments), status=201)

    def _revision(self, api: Api) -> Revision:
        if self.word("revisionId"):
            return queries.revision(self.request.user, api, self.word("revisionId"))
        number = self.required("revisionNumber")
        text = number.lower().removeprefix("revision").strip()
        found = (
            api.revisions.filter(number=int(text)).first()
            if text.isascii() and text.isdecimal() and len(text) < 9
            else None
        )
        if found is None:
            raise NotFound(f"There is no revision {number[:40]!r} of {api}.")
        return found


class Restore(Resource):
    """POST /apis/{apiId}/restore-revision."""

    def post(self, request: Request, api_id: str) -> Response:
        """Bring the design back to `revisionId`."""
        api = self.api(api_id)
        restore_revision(by=request.user, revision=queries.revision(request.user, api, self.required("revisionId")))
        return api_response(request, self.api(api_id), 201)


class CancelDeployment(Resource):
    """DELETE /apis/{apiId}/cancel-revision-workflow/{revisionId}/{envName}."""

    def delete(self, request: Request, api_id: str, revision_id: str, environment: str) -> Response:
        """Takes back a deployment that waits for approval. Here none ever waits, so there is nothing left to do."""
        api = self.api(api_id)
        queries.revision(request.user, api, revision_id)
        if not queries.environments(api.organisation).filter(name=environment.replace("\0", "")).exists():
            raise NotFound(f"There is no gateway environment {environment[:80]!r}.")
        require(request.user, *DEPLOYERS)
        return Response(status=200)


def _targets(request: Request) -> list[dict[str, Any]]:
    items = list_of(request)
    for position, item in enumerate(items):
        if not isinstance(item, dict):
            raise Invalid("The body must be a list of objects.", [FieldError(f"[{position}]", "Must be an object.")])
    if not items:
        raise Invalid("Name at least one gateway environment.", [FieldError("[0].name", "Is required.")])
    return items


def _list(api: Api, query: str) -> dict[str, Any]:
    by_revision: dict[str, list[dict[str, Any]]] = {}
    for item in _deployments(api.deployments):
        by_revision.setdefault(item["revisionUuid"], []).append(item)
    rows = [_revision(revision, by_revision.get(str(revision.pk), [])) for revision in api.revisions.order_by("number")]
    if query in ("deployed:true", "deployed:false"):
        rows = [row for row in rows if bool(row["deploymentInfo"]) == query.endswith("true")]
    return {"count": len(rows), "list": rows}


def _revision(revision: Revision, deployments: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": str(revision.pk),
        "displayName": f"Revision {revision.number}",
        "description": revision.description,
        "createdTime": millis(revision.created),
        "apiInfo": {"id": str(revision.api_id)},
        "deploymentInfo": deployments,
    }


def _deployments(found: Any) -> list[dict[str, Any]]:
    rows = list(found.select_related("environment", "api"))
    views = queries.gateway_views(rows)
    return [_deployment(row, views[row.environment.name]) for row in rows]


def _deployment(row: Deployment, gateways: list[queries.GatewayView]) -> dict[str, Any]:
    return {
        "revisionUuid": str(row.revision_id),
        "name": row.environment.name,
        "vhost": row.vhost,
        "status": "APPROVED",
        "displayOnDevportal": row.displayed,
        "deployedTime": millis(row.deployed),
        "successDeployedTime": millis(row.deployed) if any(view.current for view in gateways) else "",
        "liveGatewayCount": len(gateways),
        "deployedGatewayCount": sum(view.current for view in gateways),
        "failedGatewayCount": sum(bool(view.refusal) for view in gateways),
    }
