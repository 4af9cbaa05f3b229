"""A small reader of the Wesnoth Markup Language: enough for unit files.

It knows tags, keys, strings over several lines, translatable strings, concatenation with `+`, comments, and macros that
the same file defines. Macros from elsewhere are left out: they hold animations and abilities, which are not needed.
"""

import dataclasses
import re
from typing import Dict, Iterator, List, Optional


@dataclasses.dataclass
class Tag:
    """One [tag] with its keys (last one wins) and its children in order."""

    name: str
    keys: Dict[str, str] = dataclasses.field(default_factory=dict)
    children: List["Tag"] = dataclasses.field(default_factory=list)

    def all(self, name: str) -> List["Tag"]:
        return [child for child in self.children if child.name == name]

    def first(self, name: str) -> Optional["Tag"]:
        return next(iter(self.all(name)), None)

    def walk(self) -> Iterator["Tag"]:
        yield self
        for child in self.children:
            yield from child.walk()


_DEFINE = re.compile(r"^[ \t]*#define[ \t]+(\S+)([^\n]*)\n(.*?)^[ \t]*#enddef[^\n]*$", re.M | re.S)
_TAG = re.compile(r"\s*\[(/?)\+?([A-Za-z_0-9]+)\]\s*(?:#.*)?")
_KEY = re.compile(r"\s*([A-Za-z_0-9, ]+?)\s*=(.*)", re.S)
_MAX_EXPANSION_DEPTH = 8


def parse(text: str) -> Tag:
    """Parses a whole file into a root tag named "". Unknown lines are passed over; a stray end tag is ignored."""
    macros = {name: (arguments.split(), body) for name, arguments, body in _DEFINE.findall(text)}
    text = expand(_DEFINE.sub("", text), macros)
    root = Tag("")
    stack = [root]
    for line in _logical_lines(text):
        tag = _TAG.fullmatch(line)
        if tag:
            _open_or_close(stack, closing=bool(tag[1]), name=tag[2])
            continue
        key = _KEY.fullmatch(line)
        if key:
            stack[-1].keys[key[1]] = value_of(key[2])
    return root


def _open_or_close(stack: List[Tag], closing: bool, name: str) -> None:
    if not closing:
        child = Tag(name)
        stack[-1].children.append(child)
        stack.append(child)
    elif any(tag.name == name for tag in stack[1:]):
        while stack.pop().name != name:
            pass


def expand(text: str, macros, depth: int = 0) -> str:
    """Replaces {NAME arguments} by the bodies of known macros; drops unknown ones."""
    pieces = []
    at = 0
    while True:
        start = text.find("{", at)
        if start < 0 or depth > _MAX_EXPANSION_DEPTH:
            return "".join(pieces) + text[at:]
        end = _closing_brace(text, start)
        pieces.append(text[at:start])
        pieces.append(_call(text[start + 1:end], macros, depth))
        at = end + 1


def _call(call: str, macros, depth: int) -> str:
    words = _arguments(call)
    if not words or words[0] not in macros:
        return ""
    names, body = macros[words[0]]
    for name, value in zip(names, words[1:]):
        body = body.replace("{" + name + "}", value)
    return expand(body, macros, depth + 1)


def _closing_brace(text: str, start: int) -> int:
    depth = 0
    for at in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[at], 0)
        if depth == 0:
            return at
    return len(text)


def _arguments(call: str) -> List[str]:
    """Splits at spaces, except inside quotes, parentheses and braces; takes outer quotes and parentheses off."""
    words = re.findall(r'_?\s?"[^"]*"|\([^()]*\)|\{[^{}]*\}|[^\s"]+', call)
    return [word[1:-1] if word[0] in "(" else word for word in words]


def _logical_lines(text: str) -> Iterator[str]:
    """Lines, where a quoted string or a trailing `+` joins the next line."""
    pending = ""
    for line in text.split("\n"):
        if not pending and line.lstrip().startswith("#"):
            continue
        pending = pending + "\n" + line if pending else line
        if pending.count('"') % 2 == 0 and not _without_comment(pending).rstrip().endswith("+"):
            yield pending.strip()
            pending = ""
    if pending:
        yield pending.strip()


def _without_comment(text: str) -> str:
    return re.sub(r'("[^"]*")|#[^\n]*', lambda match: match[1] or "", text)


def value_of(raw: str) -> str:
    """`_ "female^Archer" + "x"` gives `Archerx`: quotes, translation marks and contexts are taken off."""
    raw = _without_comment(raw).strip()
    strings = re.findall(r'(_?)\s*"((?:[^"]|"")*)"', raw)
    if not strings:
        return raw
    return "".join(_without_context(text) if translatable else text for translatable, text in strings).replace('""', '"')


def _without_context(text: str) -> str:
    return text.split("^", 1)[1] if re.match(r"[A-Za-z_ ]+\^", text) else text
