"""Expressions of XLSForm, such as `${age} >= 18 and not(selected(${sport}, 'none'))`, as trees.

The words are pyxform's lexer's; the grammar is that part of XPath which asks about answers.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

_MAX_NESTING = 20
_MAX_DIGITS = 400
"""Enough for the least number that there is, without an exponent."""
_MAX_NAME = 40
"""Characters of a function's name that are repeated."""
_FUNCTIONS = {
    "selected": 2,
    "count-selected": 1,
    "string-length": 1,
    "not": 1,
    "date": 1,
}
"""The functions that are understood, and how many arguments they take."""
_TOO_MUCH = {
    "OPS_MATH": "calculations",
    "OPS_UNION": "paths",
    "BRACKET": "paths",
    "PARENT_REF": "paths",
    "PATH_SEP": "paths",
    "XPATH_PRED_START": "paths",
    "XPATH_PRED_END": "paths",
    "URI_SCHEME": "paths",
    "NAME": "paths",
    "DATETIME": "times",
    "DATE": "calculations",
    "TIME": "times",
}
"""What is an expression all the same, but asks for more than a condition upon answers."""


class Broken(Exception):
    """This is no expression. The message says why."""


class NotUnderstood(Exception):
    """This is an expression, but of more than is understood. The message says of what."""


@dataclass(frozen=True)
class Reference:
    """An answer: `${age}`; of the question itself, `.`, the name is blank."""

    name: str


@dataclass(frozen=True)
class Call:
    """A function of its arguments."""

    function: str
    arguments: tuple["Node", ...]


@dataclass(frozen=True)
class Compared:
    """Two values compared by `=`, `!=`, `<`, `<=`, `>` or `>=`."""

    left: "Node"
    by: str
    right: "Node"


@dataclass(frozen=True)
class Joined:
    """Several conditions joined by `and` or `or`."""

    by: str
    parts: tuple["Node", ...]


Node = Reference | Call | Compared | Joined | str | int | float
_Token = tuple[str, str]


def parsed(text: str) -> Node:
    """The tree of an expression. Errors: Broken, NotUnderstood."""
    words = _words(text)
    reader = _Reader(words)
    tree = reader.alternatives(0)
    if reader.next()[0] != "END":
        raise _stumbled(reader.next()[0], "and, or or its end")
    return tree


def references(text: str) -> list[str]:
    """The names of all questions that an expression or another text refers to."""
    return [word[2:-1].removeprefix("last-saved#") for kind, word in _lexed(text) if kind == "REF"]


@lru_cache(2)
def _lexed(text: str) -> tuple[_Token, ...]:
    from pyxform.parsing.expression import parse_expression
    from pyxform.parsing.sheet_headers import clean_text_values

    kinds = {"PYXFORM_REF": "REF"}
    # Without its cache, which would keep the words of 128 long expressions for good.
    lexed = parse_expression.__wrapped__(clean_text_values(text))
    return tuple((kinds.get(token.type, token.type), str(token)) for token in lexed)


def _words(text: str) -> list[_Token]:
    words: list[_Token] = []
    for kind, word in _lexed(text):
        word = word.strip()
        if word in ("and", "or") and kind in ("NAME", "OPS_BOOL"):
            words.append(("JOIN", word))
        elif kind == "FUNC_CALL" and word in ("and(", "or("):
            words += [("JOIN", word[:-1]), ("OPEN_PAREN", "(")]
        elif kind == "OPEN_PAREN" and words and words[-1] == ("NAME", "not"):
            words[-1] = ("FUNC_CALL", "not(")
        elif kind == "OPS_COMP" and word == "=" and words and words[-1][1] in ("<", ">"):
            words[-1] = ("OPS_COMP", words[-1][1] + "=")
        elif kind != "WHITESPACE":
            words.append((kind, word))
    for kind, word in words:
        if kind in ("PYXFORM_REF_START", "OTHER"):
            raise Broken("Write references as ${name}, texts between quotation marks.")
        if kind == "FUNC_CALL" and word[:-1] not in _FUNCTIONS:
            raise NotUnderstood(f"the function {word[:-1][:_MAX_NAME]}")
    return words


class _Reader:
    """Words read one after the other, by recursive descent."""

    def __init__(self, words: Sequence[_Token]) -> None:
        self._words = words
        self._position = 0

    def next(self) -> _Token:
        """The word that comes next."""
        if self._position < len(self._words):
            return self._words[self._position]
        return ("END", "")

    def alternatives(self, depth: int) -> Node:
        """Conditions joined by `or`, which binds less than `and`."""
        return self._joined("or", depth)

    def _take(self, kind: str, expected: str) -> str:
        found, word = self.next()
        if found != kind:
            raise _stumbled(found, expected)
        self._position += 1
        return word

    def _joined(self, by: str, depth: int) -> Node:
        parts = [self._part(by, depth)]
        while self.next() == ("JOIN", by):
            self._position += 1
            parts.append(self._part(by, depth))
        return parts[0] if len(parts) == 1 else Joined(by, tuple(parts))

    def _part(self, by: str, depth: int) -> Node:
        return self._joined("and", depth) if by == "or" else self._comparison(depth)

    def _comparison(self, depth: int) -> Node:
        left = self._value(depth)
        if self.next()[0] != "OPS_COMP":
            return left
        by = self._take("OPS_COMP", "a comparison")
        return Compared(left, by, self._value(depth))

    def _value(self, depth: int) -> Node:
        if depth > _MAX_NESTING:
            raise NotUnderstood("parentheses nested so deeply")
        kind, word = self.next()
        match kind:
            case "REF":
                self._position += 1
                return Reference(word[2:-1])
            case "SELF_REF":
                self._position += 1
                return Reference("")
            case "SYSTEM_LITERAL":
                self._position += 1
                return word[1:-1]
            case "NUMBER":
                self._position += 1
                if len(word) > _MAX_DIGITS or math.isinf(float(word)):
                    raise NotUnderstood("a number of so many digits")
                return float(word) if "." in word else int(word)
            case "OPEN_PAREN":
                self._position += 1
                inner = self.alternatives(depth + 1)
                self._take("CLOSE_PAREN", "a closing parenthesis")
                return inner
            case "FUNC_CALL":
                return self._call(depth)
        raise _stumbled(kind, "an answer, a value or a parenthesis")

    def _call(self, depth: int) -> Node:
        function = self._take("FUNC_CALL", "a function")[:-1]
        arguments = [self.alternatives(depth + 1)]
        while self.next()[0] == "COMMA":
            self._position += 1
            arguments.append(self.alternatives(depth + 1))
        self._take("CLOSE_PAREN", "a closing parenthesis")
        if len(arguments) != _FUNCTIONS[function]:
            raise Broken(f"The function {function} takes {_FUNCTIONS[function]} argument(s).")
        return Call(function, tuple(arguments))


def _stumbled(kind: str, expected: str) -> Exception:
    if kind in _TOO_MUCH:
        return NotUnderstood(_TOO_MUCH[kind])
    found = {"END": "its end"}.get(kind, "something else")
    return Broken(f"It has {found} where {expected} should stand.")
