"""Steps behind a value of a `${…}` expression: JSONPath whose indices and filters may be computed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from typing import Any

from integrator.engine.expressions.jsonpath import MISSING, apply_function, walk
from integrator.engine.expressions.jsonpath_parser import Segment
from integrator.engine.expressions.synapse.values import Compiled, Empty, whole
from integrator.engine.message import Message

MOST = 1_000_000
"""Values that a path may select."""


@dataclass(frozen=True)
class Step:
    """One step. `keys` are compiled when they are no constants; `test` is the filter's."""

    kind: str
    key: Any = None
    deep: bool = False
    keys: tuple[Compiled | None, ...] = ()
    test: Callable[[Message, Any], bool] | None = None

    @property
    def definite(self) -> bool:
        """Whether the step selects at most one value."""
        return not self.deep and self.kind in ("key", "computed")

    @property
    def plain(self) -> bool:
        """Whether nothing of the step is computed."""
        return not self.keys and self.test is None

    def segment(self, message: Message, item: Any) -> Segment:
        """The step for one message. Raises Empty for an index of a wrong kind."""
        if self.plain:
            return _fixed(self)
        if self.test is not None:
            test = self.test
            return Segment("filter", deep=self.deep, test=lambda each, _: test(message, each))
        if self.kind == "slice":
            parts = [None if key is None else whole(key(message, item)) for key in self.keys]
            if parts[2:] == [0]:
                raise Empty("a slice has no step of 0")
            return Segment("slice", slice(*parts), self.deep)
        found = [_key(key(message, item)) for key in self.keys if key is not None]
        if self.kind == "union":
            return Segment("union", found, self.deep)
        return Segment("index" if isinstance(found[0], int) else "key", found[0], self.deep)


def _key(value: Any) -> str | int:
    return value if isinstance(value, str) else whole(value)


class Path:
    """Compiled steps, with the function at their end (`length()` and the like)."""

    def __init__(self, steps: list[Step], function: str | None):
        self.steps = steps
        self.function = function
        self.definite = all(step.definite for step in steps)
        self._fixed = [_fixed(step) for step in steps] if all(step.plain for step in steps) else None
        keys = all(step.kind == "key" and step.definite for step in steps)
        self._keys = [step.key for step in steps] if keys and self._fixed is not None else None

    def value(self, root: Any, message: Message, item: Any) -> Any:
        """What the path selects: MISSING when a definite one leads nowhere, a list for any other. Raises Empty."""
        if self._keys is not None:
            for key in self._keys:
                if not isinstance(root, dict) or key not in root:
                    root = MISSING
                    break
                root = root[key]
            return apply_function(self.function, root)
        segments = self._fixed or [step.segment(message, item) for step in self.steps]
        found = [value for _, _, value in islice(walk([(None, None, root)], segments, root), MOST + 1)]
        if len(found) > MOST:
            raise Empty(f"the path selects more than {MOST} values")
        chosen = (found[0] if found else MISSING) if self.definite else found
        return apply_function(self.function, chosen)


def _fixed(step: Step) -> Segment:
    return Segment(step.kind, step.key, step.deep)
