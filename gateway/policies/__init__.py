"""Operation policies (reference A4): what runs between the checks and the backend, and between its answer and the caller.

A policy in the request flow becomes a step as every stage's (`gateway.stages`). In the response and fault flows it becomes a
step on an `Answer`. Both are compiled when the API's record arrives: attributes are read, expressions parsed, patterns built.
`catalogue.py` knows those that ship with the product by name; a policy with a definition of its own is mediation
(`mediation.py`). Response flows that only set or remove fixed headers are folded into the relay and never hold an answer back.
"""

from __future__ import annotations
