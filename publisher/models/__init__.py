"""APIs from design to deployment, and what people say and write about them. A file per noun; everybody imports from here."""

from publisher.models.apis import (
    API_NAME,
    API_VERSION,
    CONTEXT,
    Api,
    Availability,
    LifecycleEvent,
    Operation,
    State,
    Visibility,
)
from publisher.models.categories import ApiCategory
from publisher.models.certificates import ClientCertificate, EndpointCertificate
from publisher.models.comments import Comment, EntryPoint
from publisher.models.documents import (
    Document,
    DocumentFile,
    DocumentKind,
    DocumentSource,
    DocumentVisibility,
    Thumbnail,
)
from publisher.models.gateways import Domain, EnvironmentPermission, GatewayEnvironment
from publisher.models.labels import Label
from publisher.models.policies import OperationPolicy
from publisher.models.revisions import MAX_REVISIONS, Deployment, Revision
from publisher.models.scopes import SharedScope
from publisher.models.stores import ExternalStore, StorePublication
from publisher.models.usage import UsagePublication

__all__ = [
    "API_NAME",
    "API_VERSION",
    "Api",
    "Availability",
    "CONTEXT",
    "ClientCertificate",
    "Deployment",
    "Domain",
    "EndpointCertificate",
    "ExternalStore",
    "EnvironmentPermission",
    "GatewayEnvironment",
    "Label",
    "LifecycleEvent",
    "MAX_REVISIONS",
    "Operation",
    "OperationPolicy",
    "Revision",
    "State",
    "StorePublication",
    "UsagePublication",
    "Visibility",
    "ApiCategory",
    "Comment",
    "EntryPoint",
    "Document",
    "DocumentFile",
    "DocumentKind",
    "DocumentSource",
    "DocumentVisibility",
    "Thumbnail",
    "SharedScope",
]
