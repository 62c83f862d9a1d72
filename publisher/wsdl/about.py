"""What a WSDL says about itself: version, services, addresses; and the same WSDL with our gateway's address."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from lxml import etree

from publisher.wsdl.bundle import WSDL11, WSDL20, Bundle, bad, load, parse

_ADDRESSES = frozenset(
    f"{{{space}}}address"
    for space in (
        "http://schemas.xmlsoap.org/wsdl/soap/",
        "http://schemas.xmlsoap.org/wsdl/soap12/",
        "http://schemas.xmlsoap.org/wsdl/http/",
    )
)


@dataclass
class About:
    """The facts. `endpoints`: name and location of each port; `operations`: names, each once."""

    version: str
    name: str = ""
    namespace: str = ""
    documentation: str = ""
    endpoints: list[tuple[str, str]] = field(default_factory=list)
    operations: list[str] = field(default_factory=list)


def about(bundle: Bundle) -> About:
    """The facts of a bundle. Raises BadWsdl when its main file is no WSDL or offers nothing."""
    roots = {name: parse(name, text) for name, text in bundle.files.items()}
    main = roots[bundle.main]
    if main.tag == f"{{{WSDL11}}}definitions":
        found = _facts(About("1.1"), WSDL11, "port", roots)
    elif main.tag == f"{{{WSDL20}}}description":
        found = _facts(About("2.0"), WSDL20, "endpoint", roots)
    else:
        raise bad(f"The root element is {main.tag}, not that of a WSDL 1.1 or 2.0.", bundle.main)
    found.namespace = main.get("targetNamespace") or ""
    if not found.operations:
        raise bad("It has no operations.", bundle.main)
    return found


def _facts(found: About, space: str, port: str, roots: dict[str, Any]) -> About:
    holder = "portType" if space == WSDL11 else "interface"
    for root in roots.values():
        for service in root.iter(f"{{{space}}}service"):
            found.name = found.name or service.get("name") or ""
            for one in service.iter(f"{{{space}}}{port}"):
                found.endpoints.append((one.get("name") or "", _location(one)))
        text = root.findtext(f"{{{space}}}documentation")
        found.documentation = found.documentation or (text or "").strip()[:2000]
        found.operations += [
            name
            for kind in root.iter(f"{{{space}}}{holder}")
            for one in kind.iter(f"{{{space}}}operation")
            if (name := one.get("name")) and name not in found.operations
        ]
    return found


def _location(port: Any) -> str:
    address = next((one for one in port if isinstance(one.tag, str) and one.tag in _ADDRESSES), None)
    return (address.get("location") if address is not None else port.get("address")) or ""


def readdressed(text: str, address: str) -> Bundle:
    """The kept WSDL `text` with `address` in place of every address it names."""
    bundle = load(text)
    return Bundle(bundle.main, {name: _with_address(name, one, address) for name, one in bundle.files.items()})


def _with_address(name: str, text: str, address: str) -> str:
    root = parse(name, text)
    changed = False
    for one in root.iter():
        attribute = None
        if isinstance(one.tag, str) and one.tag in _ADDRESSES:
            attribute = "location"
        elif one.tag == f"{{{WSDL20}}}endpoint" and one.get("address"):
            attribute = "address"
        if attribute:
            one.set(attribute, address)
            changed = True
    return etree.tostring(root.getroottree(), encoding="unicode") if changed else text
