"""Mediators that are part of a Java server: refused at deployment, with what does the same here (reference 3.3, 3.5)."""

from __future__ import annotations

_CLASS = "use <class> with a Python class"
INSTEAD = {
    "pojoCommand": _CLASS,
    "annotatedCommand": _CLASS,
    "spring": _CLASS,
    "bean": f"keep values in properties, or {_CLASS}",
    "ejb": "call the service over HTTP, or use <class> with a Python class",
    "kerberosService": "authenticate in front of the integrator, at the gateway",
    "bam": "use <log>, or <store> and a processor that sends to the analytics server",
    "event": "use <store> and a processor, or <call> to the subscribers",
    "eventPublisher": "use <store> and a processor, or <call> to the subscribers",
    "router": "use <conditionalRouter> or <switch>",
    "seda": "use <store> and a processor",
}

"""Element to what takes its place."""
