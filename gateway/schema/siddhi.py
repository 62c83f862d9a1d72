"""The part of the Siddhi language that custom rules are written in, read into a tree (reference A11; docs/traffic.md).

    FROM RequestStream SELECT userId, (userId == 'bob@acme.com') AS isEligible, str:concat(userId, '') AS throttleKey
    INSERT INTO EligibilityStream;
    FROM EligibilityStream[isEligible==true]#throttler:timeBatch(1 min)
    SELECT throttleKey, (count(userId) >= 5) AS isThrottled, expiryTimeStamp GROUP BY throttleKey
    INSERT ALL EVENTS INTO ResultStream;

Whatever lies outside is refused with its line: a rule that is half understood would let pass or refuse the wrong calls.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NoReturn

from gateway.schema.limits import Limit
from gateway.schema.patterns import pattern

LONGEST, DEEPEST = 10_000, 40
ATTRIBUTES = (
    "messageID", "userId", "apiContext", "apiVersion", "apiName", "appTenant", "apiTenant", "appId", "appKey", "appTier",
    "apiKey", "apiTier", "subscriptionKey", "subscriptionTier", "resourceKey", "resourceTier", "clientIp", "propertiesMap",
)  # fmt: skip
"""What RequestStream tells of a call."""

KEYS = ("resourceKey", "userId", "apiContext", "apiVersion", "appTenant", "apiTenant", "appId", "clientIp")
"""What a key template may join, each with a `$` before it."""

FUNCTIONS = {
    "str:concat": (1, 20), "str:contains": (2, 2), "str:equalsIgnoreCase": (2, 2), "str:lower": (1, 1), "str:upper": (1, 1),
    "str:trim": (1, 1), "str:length": (1, 1), "str:regexp": (2, 2), "regex:find": (2, 2), "regex:matches": (2, 2),
    "map:get": (2, 2), "cast": (2, 2), "convert": (2, 2), "instanceOfString": (1, 1), "instanceOfInteger": (1, 1),
    "instanceOfLong": (1, 1), "instanceOfBoolean": (1, 1), "ifThenElse": (3, 3),
}  # fmt: skip
"""Function → the fewest and most arguments."""

UNITS = {"sec": 1, "second": 1, "min": 60, "minute": 60, "hour": 3600, "day": 86_400, "week": 604_800}
TYPES = ("string", "int", "long", "float", "double", "bool")
COMPARISONS = ("==", "!=", ">=", "<=", ">", "<")


class RuleError(ValueError):
    """A rule that cannot be used; `line` (from 1) and what is wrong there."""

    def __init__(self, line: int, reason: str) -> None:
        self.line = line
        self.reason = reason
        super().__init__(f"line {line}: {reason}")


@dataclass(frozen=True, slots=True)
class Node:
    """One step of an expression. `kind`: value, attribute, call, not, and, or, or a comparison; `value` its literal or name."""

    kind: str
    value: object = None
    parts: tuple[Node, ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """A custom rule: which calls it counts, under which key, and how many of one key may pass in a window."""

    eligible: Node
    key: Node
    limit: Limit


_TOKENS = re.compile(
    r"(?P<space>\s+|--[^\n]*|/\*.*?\*/)|(?P<text>'[^'\n]*'|\"[^\"\n]*\")|(?P<number>\d+(?:\.\d+)?)[lLfFdD]?"
    r"|(?P<word>[A-Za-z_]\w*(?:[:.][A-Za-z_]\w*)?)|(?P<sign>==|!=|>=|<=|[<>()\[\],;#])",
    re.DOTALL,
)


def parse(query: str) -> Rule:
    """The rule in `query`. Raises RuleError."""
    if len(query) > LONGEST:
        raise RuleError(1, f"the query has {len(query)} characters, at most {LONGEST} are read")
    return _Reader(query).rule()


def template(text: str) -> tuple[str, ...]:
    """The names in a key template, in order. Raises ValueError naming the part that is none."""
    parts = tuple(part.strip() for part in text.split(":"))
    wrong = [part for part in parts if not part.startswith("$") or part[1:] not in KEYS]
    if wrong:
        raise ValueError(f"{wrong[0]!r} is not one of {', '.join('$' + key for key in KEYS)}, joined by ':'")
    return tuple(part[1:] for part in parts)


class _Reader:
    """Reads one query from its tokens: (kind, text, line)."""

    def __init__(self, query: str) -> None:
        self.tokens: list[tuple[str, str, int]] = []
        self.place = 0
        self.depth = 0
        at = 0
        while at < len(query):
            found = _TOKENS.match(query, at)
            line = query.count("\n", 0, at) + 1
            if found is None:
                raise RuleError(line, f"{query[at]!r} is not understood")
            at = found.end()
            if found.lastgroup != "space":
                self.tokens.append((found.lastgroup or "", found[found.lastgroup or 0], line))
        self.tokens.append(("end", "the end", query.count("\n") + 1))

    # -- the two queries

    def rule(self) -> Rule:
        """Both queries, and nothing after them."""
        self.words("from", "RequestStream")
        before = self.filter() if self.sign("[") else None
        items = self.selection()
        self.words("insert", "into", "EligibilityStream")
        self.expect(";")
        if missing := [name for name in ("isEligible", "throttleKey") if name not in items]:
            self.fail(f"the first query selects no {missing[0]}")
        limit = self.counting()
        eligible = items["isEligible"]
        if before is not None:
            eligible = Node("and", None, (before, eligible))
        return Rule(eligible, items["throttleKey"], limit)

    def filter(self) -> Node:
        """What stands in [ ]."""
        found = self.expression()
        self.expect("]")
        return found

    def selection(self) -> dict[str, Node]:
        """`SELECT expression AS name, …`."""
        self.words("select")
        items: dict[str, Node] = {}
        while True:
            value = self.expression()
            if self.word("as"):
                items[self.name()] = value
            elif value.kind == "attribute":
                items[str(value.value)] = value
            else:
                self.fail("an expression needs AS and a name")
            if not self.sign(","):
                return items

    def counting(self) -> Limit:
        """The second query: its window and how many may pass in it."""
        self.words("from", "EligibilityStream")
        self.expect("[")
        self.words("isEligible")
        if self.sign("=="):
            self.words("true")
        self.expect("]")
        sliding, seconds = self.window()
        self.words("select", "throttleKey")
        self.expect(",")
        amount = self.threshold()
        if self.sign(","):
            self.words("expiryTimeStamp")
        self.words("group", "by", "throttleKey", "insert")
        if self.word("all"):
            self.words("events")
        self.words("into", "ResultStream")
        self.sign(";")
        if self.tokens[self.place][0] != "end":
            self.fail("nothing may follow the second query")
        return Limit(amount, seconds, sliding=sliding)

    def window(self) -> tuple[bool, int]:
        """`#throttler:timeBatch(1 min)`, `#window.timeBatch(…)` or, sliding, `#window.time(…)`."""
        self.expect("#")
        kind, text, _ = self.take()
        if kind != "word" or text.lower() not in ("throttler:timebatch", "window.timebatch", "window.time"):
            self.fail(f"the window {text!r} is not throttler:timeBatch, window.timeBatch or window.time", back=1)
        self.expect("(")
        number, unit = self.whole(), self.name().lower().removesuffix("s")
        if unit not in UNITS or number < 1:
            self.fail(f"the window {number} {unit} is not a number of {', '.join(UNITS)}", back=1)
        self.expect(")")
        return text.lower() == "window.time", number * UNITS[unit]

    def threshold(self) -> int:
        """`(count(x) >= N) as isThrottled`, wherever its brackets are."""
        opened = 0
        while self.sign("("):
            opened += 1
        self.words("count")
        self.expect("(")
        if not self.sign(")"):
            self.name()
            self.expect(")")
        sign = self.take()[1]
        if sign not in (">=", ">"):
            self.fail(f"count is compared by >= or >, not {sign!r}", back=1)
        amount = self.whole() + (sign == ">")
        while opened and self.sign(")"):
            opened -= 1
        self.words("as", "isThrottled")
        while opened:
            self.expect(")")
            opened -= 1
        if amount < 1:
            self.fail("the count must be at least 1", back=1)
        return amount

    # -- expressions

    def expression(self) -> Node:
        """`or`, which binds least."""
        self.depth += 1
        if self.depth > DEEPEST:
            self.fail(f"expressions are nested deeper than {DEEPEST}")
        parts = [self.conjunction()]
        while self.word("or"):
            parts.append(self.conjunction())
        self.depth -= 1
        return parts[0] if len(parts) == 1 else Node("or", None, tuple(parts))

    def conjunction(self) -> Node:
        """`and`."""
        parts = [self.negation()]
        while self.word("and"):
            parts.append(self.negation())
        return parts[0] if len(parts) == 1 else Node("and", None, tuple(parts))

    def negation(self) -> Node:
        """`not`."""
        turned = False
        while self.word("not"):
            turned = not turned
        found = self.comparison()
        return Node("not", None, (found,)) if turned else found

    def comparison(self) -> Node:
        """Two values, or one; `x is null`."""
        left = self.operand()
        if self.word("is"):
            self.words("null")
            return Node("==", None, (left, Node("value", None)))
        sign = self.tokens[self.place][1]
        if sign not in COMPARISONS:
            return left
        self.place += 1
        return Node(sign, None, (left, self.operand()))

    def operand(self) -> Node:
        """A literal, an attribute, a function call or something in brackets."""
        kind, text, _ = self.take()
        if text == "(":
            found = self.expression()
            self.expect(")")
            return found
        if kind == "text":
            return Node("value", text[1:-1])
        if kind == "number":
            return Node("value", float(text) if "." in text else int(text))
        if kind != "word":
            self.fail(f"a value is missing before {text!r}", back=1)
        if text.lower() in ("true", "false"):
            return Node("value", text.lower() == "true")
        if self.sign("("):
            return self.function(text)
        if text not in ATTRIBUTES:
            self.fail(f"{text!r} is not an attribute of RequestStream: {', '.join(ATTRIBUTES)}", back=1)
        return Node("attribute", text)

    def function(self, name: str) -> Node:
        """A call, its bracket open."""
        if name not in FUNCTIONS:
            self.fail(f"the function {name!r} is not one of {', '.join(FUNCTIONS)}", back=2)
        parts: list[Node] = []
        while not self.sign(")"):
            if parts:
                self.expect(",")
            parts.append(self.expression())
        fewest, most = FUNCTIONS[name]
        if not fewest <= len(parts) <= most:
            self.fail(f"{name} takes {fewest} to {most} values, not {len(parts)}", back=1)
        self.literals(name, parts)
        return Node("call", name, tuple(parts))

    def literals(self, name: str, parts: list[Node]) -> None:
        """Patterns and types must be known beforehand, so that nothing is compiled while a call waits."""
        place = {"regex:find": 0, "regex:matches": 0, "str:regexp": 1, "cast": 1, "convert": 1, "map:get": 1}.get(name)
        if place is None:
            return
        value = parts[place].value
        if parts[place].kind != "value" or not isinstance(value, str):
            self.fail(f"value {place + 1} of {name} must be a text in quotes")
        if name == "map:get":
            if parts[0] != Node("attribute", "propertiesMap"):
                self.fail("map:get reads propertiesMap only")
        elif name in ("cast", "convert"):
            if str(value).lower() not in TYPES:
                self.fail(f"{value!r} is not one of {', '.join(TYPES)}")
        else:
            try:
                pattern(str(value))
            except ValueError as error:
                self.fail(str(error))

    # -- tokens

    def take(self) -> tuple[str, str, int]:
        """The next token. `window.time` counts as one word, like `throttler:timeBatch`."""
        found = self.tokens[self.place]
        if found[0] != "end":
            self.place += 1
        return found

    def sign(self, wanted: str) -> bool:
        """Takes a sign if it is next."""
        if self.tokens[self.place][1] != wanted:
            return False
        self.place += 1
        return True

    def expect(self, wanted: str) -> None:
        """Takes a sign that must be next."""
        if not self.sign(wanted):
            self.fail(f"{wanted!r} is missing before {self.tokens[self.place][1]!r}")

    def word(self, wanted: str) -> bool:
        """Takes a word if it is next; capitals do not matter."""
        kind, text, _ = self.tokens[self.place]
        if kind != "word" or text.lower() != wanted.lower():
            return False
        self.place += 1
        return True

    def words(self, *wanted: str) -> None:
        """Takes words that must be next."""
        for one in wanted:
            if not self.word(one):
                self.fail(f"{one} is missing before {self.tokens[self.place][1]!r}")

    def name(self) -> str:
        """A word, whatever it is."""
        kind, text, _ = self.take()
        if kind != "word":
            self.fail(f"a name is missing before {text!r}", back=1)
        return text

    def whole(self) -> int:
        """A whole number."""
        kind, text, _ = self.take()
        if kind != "number" or "." in text:
            self.fail(f"a whole number is missing before {text!r}", back=1)
        return int(text)

    def fail(self, reason: str, back: int = 0) -> NoReturn:
        """Raises RuleError at the line of the token `back` before the next."""
        raise RuleError(self.tokens[max(0, self.place - back)][2], reason)
