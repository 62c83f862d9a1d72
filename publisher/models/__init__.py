"""APIs from design to deployment, and what people say and write about them. A file per noun; everybody imports from here."""

from publisher.models.apis import API_NAME, API_VERSION, CONTEXT, Api, LifecycleEvent, Operation, State, Visibility
from publisher.models.certificates import ClientCertificate, EndpointCertificate
from publisher.models.gateways import Domain, GatewayEnvironment
from publisher.models.policies import OperationPolicy
from publisher.models.revisions import MAX_REVISIONS, Deployment, Revision

__all__ = [
    "API_NAME",
    "API_VERSION",
    "Api",
    "CONTEXT",
    "ClientCertificate",
    "Deployment",
    "Domain",
    "EndpointCertificate",
    "GatewayEnvironment",
    "LifecycleEvent",
    "MAX_REVISIONS",
    "Operation",
    "OperationPolicy",
    "Revision",
    "State",
    "Visibility",
]
