"""The description of a service as clients send it: `metadata.yaml` of an archive, or `serviceMetadata` of a form."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, AliasChoices, BaseModel, ConfigDict, Field, ValidationError, field_validator

from apim.errors import FieldError, Invalid
from catalog.documents import load
from catalog.models import DefinitionType, SecurityType, Service

SCHEMES = ("http", "https", "ws", "wss")


def _no_star(value: str) -> str:
    if "*" in value:
        raise ValueError("must not contain *")
    return value


def _address(value: str) -> str:
    try:
        parts = urlsplit(value)
        usable = parts.scheme in SCHEMES and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        usable = False
    if not usable or any(character.isspace() or ord(character) < 32 for character in value):
        raise ValueError(f"must be an address with a host and one of the schemes {', '.join(SCHEMES)}, not {value!r}")
    return value


class ServiceMetadata(BaseModel):
    """The writable fields of the contract's Service, under the spellings that clients use."""

    model_config = ConfigDict(extra="ignore", coerce_numbers_to_str=True, str_strip_whitespace=True)

    name: Annotated[str, Field(min_length=1, max_length=255), AfterValidator(_no_star)]
    version: Annotated[str, Field(min_length=1, max_length=30)]
    service_url: Annotated[
        str,
        Field(max_length=2000, validation_alias=AliasChoices("serviceUrl", "service_url")),
        AfterValidator(_address),
    ]
    definition_type: DefinitionType = Field(validation_alias=AliasChoices("definitionType", "definition_type"))
    service_key: Annotated[
        str, Field(max_length=512, validation_alias=AliasChoices("serviceKey", "key")), AfterValidator(_no_star)
    ] = ""
    display_name: str = Field("", max_length=255, validation_alias="displayName")
    description: str = Field("", max_length=1024)
    security_type: SecurityType = Field(SecurityType.NONE, validation_alias="securityType")
    mutual_ssl: bool = Field(False, validation_alias="mutualSSLEnabled")

    @field_validator("*", mode="before")
    @classmethod
    def _storable(cls, value: Any) -> Any:
        """Refuse what YAML and JSON escapes can write but a database cannot hold."""
        if isinstance(value, str) and ("\0" in value or any(0xD800 <= ord(character) <= 0xDFFF for character in value)):
            raise ValueError("must not contain NUL or half characters")
        return value

    @property
    def key(self) -> str:
        """The client's key, or one made of name and version."""
        return self.service_key or f"{self.name}-{self.version}"

    def apply(self, service: Service) -> None:
        """Write every field onto the row."""
        service.key, service.name, service.version = self.key, self.name, self.version
        service.display_name, service.description = self.display_name, self.description
        service.url, service.definition_type = self.service_url, self.definition_type
        service.security_type, service.mutual_ssl = self.security_type, self.mutual_ssl


def parse_metadata(text: str, where: str) -> ServiceMetadata:
    """The metadata in YAML or JSON `text`. Raises Invalid naming `where` and each wrong field."""
    values = load(text, where, strings=True)
    if not isinstance(values, dict):
        raise Invalid(f"{where} must be a mapping of fields, not {type(values).__name__}.")
    try:
        return ServiceMetadata.model_validate({key: value for key, value in values.items() if value not in ("", None)})
    except ValidationError as error:
        fields = [FieldError(f"{where}.{_place(item)}", _reason(item)) for item in error.errors()]
        raise Invalid(
            f"{where}: " + "; ".join(f"{f.field.split('.')[-1]} {f.message}" for f in fields), fields
        ) from error


def _place(item: Any) -> str:
    return ".".join(str(part) for part in item["loc"])


def _reason(item: Any) -> str:
    return str(item["msg"]).removeprefix("Value error, ")[:400]


def as_document(service: Service) -> dict[str, Any]:
    """The metadata of a row, in the keys that an integrator's archive uses."""
    return {
        "key": service.key,
        "name": service.name,
        "displayName": service.display_name or service.name,
        "version": service.version,
        "description": service.description,
        "serviceUrl": service.url,
        "definitionType": service.definition_type,
        "securityType": service.security_type,
        "mutualSSLEnabled": service.mutual_ssl,
    }
