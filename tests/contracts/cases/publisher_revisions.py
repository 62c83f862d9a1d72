"""Revisions and deployments of APIs and of API products, which are the same below another address."""

from __future__ import annotations

from collections.abc import Callable

from publisher.actions.revisions import create_revision
from publisher.models import Revision
from tests.contracts.cases.publisher_products import product
from tests.contracts.harness import Answer, case
from tests.contracts.world import World
from tests.publisher import make

TARGET = [{"name": "Default", "vhost": "localhost", "displayOnDevportal": True}]


def revision(w: World, kind: str, *, deployed: bool = False) -> tuple[str, Revision]:
    """The address of an API or product, and a revision of it."""
    api = w.api() if kind == "apis" else product(w)
    made = make.deploy(w.user, api) if deployed else create_revision(by=w.user, api=api)
    return f"/{kind}/{api.pk}", made


def listed(w: World, kind: str) -> Answer:
    place, _ = revision(w, kind, deployed=True)
    return w.publisher.get(f"{place}/revisions")


def created(w: World, kind: str) -> Answer:
    place, _ = revision(w, kind)
    return w.publisher.post(f"{place}/revisions", {"description": "Second"})


def one(w: World, kind: str) -> Answer:
    place, made = revision(w, kind, deployed=True)
    return w.publisher.get(f"{place}/revisions/{made.pk}")


def deleted(w: World, kind: str) -> Answer:
    place, made = revision(w, kind)
    return w.publisher.delete(f"{place}/revisions/{made.pk}")


def deployments(w: World, kind: str) -> Answer:
    place, _ = revision(w, kind, deployed=True)
    return w.publisher.get(f"{place}/deployments")


def displayed(w: World, kind: str) -> Answer:
    place, made = revision(w, kind, deployed=True)
    body = {"revisionUuid": str(made.pk), "name": "Default", "vhost": "localhost", "displayOnDevportal": False}
    return w.publisher.put(f"{place}/deployments/Default", body)


def deploy(w: World, kind: str) -> Answer:
    place, made = revision(w, kind)
    return w.publisher.post(f"{place}/deploy-revision?revisionId={made.pk}", TARGET)


def undeploy(w: World, kind: str) -> Answer:
    place, made = revision(w, kind, deployed=True)
    return w.publisher.post(f"{place}/undeploy-revision?revisionId={made.pk}", TARGET)


def restore(w: World, kind: str) -> Answer:
    place, made = revision(w, kind)
    return w.publisher.post(f"{place}/restore-revision?revisionId={made.pk}")


CASES: dict[Callable[[World, str], Answer], tuple[str, str]] = {
    listed: ("getAPIRevisions", "getAPIProductRevisions"),
    created: ("createAPIRevision", "createAPIProductRevision"),
    one: ("getAPIRevision", "getAPIProductRevision"),
    deleted: ("deleteAPIRevision", "deleteAPIProductRevision"),
    deployments: ("getAPIRevisionDeployments", "getAPIProductRevisionDeployments"),
    displayed: ("updateAPIDeployment", "updateAPIProductDeployment"),
    deploy: ("deployAPIRevision", "deployAPIProductRevision"),
    undeploy: ("undeployAPIRevision", "undeployAPIProductRevision"),
    restore: ("restoreAPIRevision", "restoreAPIProductRevision"),
}


def _register(name: str, call: Callable[[World, str], Answer], kind: str) -> None:
    def run(w: World) -> Answer:
        return call(w, kind)

    run.__name__ = name
    case("publisher", name)(run)


for _call, _names in CASES.items():
    for _name, _kind in zip(_names, ("apis", "api-products"), strict=True):
        _register(_name, _call, _kind)


@case("publisher", "deleteAPIRevisionDeploymentPendingTask")
def cancel(w: World) -> Answer:
    place, made = revision(w, "apis")
    return w.publisher.delete(f"{place}/cancel-revision-workflow/{made.pk}/Default")
