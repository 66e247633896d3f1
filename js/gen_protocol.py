"""Write `js/src/protocol.gen.ts` from `latentlens/protocol/`.

``python js/gen_protocol.py`` writes; with ``--check`` it only says whether the
file is current. Docstrings become comments. A type it does not know is an error,
never `any`.
"""

from __future__ import annotations

import ast
import inspect
import sys
import types
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, NotRequired, Union, get_args, get_origin, get_type_hints

from typing_extensions import is_typeddict

ROOT = Path(__file__).parent.parent
TARGET = ROOT / "js" / "src" / "protocol.gen.ts"
# Each after those whose types it names.
PARTS = ("words", "about", "state", "request", "items", "figures", "reply", "page")
HEAD = "// Generated from latentlens/protocol/ by `make schema`; change it there.\n"
PLAIN = {str: "string", int: "number", float: "number", bool: "boolean", bytes: "DataView"}
NULL = type(None)


def literal(value: Any) -> str:
    """Write a literal's value."""
    return f'"{value}"' if isinstance(value, str) else str(value)


def typescript(kind: Any, names: dict[int, str]) -> str:
    """Translate one annotation."""
    if id(kind) in names:
        return names[id(kind)]
    if kind in PLAIN:
        return PLAIN[kind]
    if kind is NULL:
        return "null"
    origin, args = get_origin(kind), get_args(kind)
    if origin is NotRequired:
        return typescript(args[0], names)
    if origin is Literal:
        return " | ".join(map(literal, args))
    if origin in (types.UnionType, Union):
        return " | ".join(typescript(part, names) for part in args)
    if origin is list:
        inner = typescript(args[0], names)
        return f"({inner})[]" if " | " in inner else f"{inner}[]"
    raise TypeError(f"{kind!r} has no TypeScript counterpart; teach gen_protocol.py or change it.")


def comment(text: str, indent: str = "") -> str:
    """Write a docstring as a comment."""
    lines = inspect.cleandoc(text).splitlines()
    if len(lines) == 1:
        return f"{indent}/** {lines[0]} */\n"
    body = "".join(f"{indent} * {line}".rstrip() + "\n" for line in lines)
    return f"{indent}/**\n{body}{indent} */\n"


def field_comments(tree: ast.Module) -> dict[tuple[str, str], str]:
    """Collect the strings that stand under fields."""
    found: dict[tuple[str, str], str] = {}
    for node in tree.body:
        if not isinstance(node, ast.ClassDef):
            continue
        for field, after in zip(node.body, node.body[1:], strict=False):
            if (
                isinstance(field, ast.AnnAssign)
                and isinstance(field.target, ast.Name)
                and isinstance(after, ast.Expr)
                and isinstance(after.value, ast.Constant)
            ):
                found[node.name, field.target.id] = str(after.value.value)
    return found


def interface(
    name: str, kind: Any, names: dict[int, str], notes: dict[tuple[str, str], str]
) -> str:
    """Write one TypedDict."""
    lines = [comment(kind.__doc__ or ""), f"export interface {name} {{\n"]
    for field, hint in get_type_hints(kind, include_extras=True).items():
        if (name, field) in notes:
            lines.append(comment(notes[name, field], "  "))
        mark = "?" if field in kind.__optional_keys__ else ""
        lines.append(f"  {field}{mark}: {typescript(hint, names)};\n")
    return "".join([*lines, "}\n"])


def blocks() -> Iterator[str]:
    """Give the file's parts in the order of the source."""
    notes: dict[tuple[str, str], str] = {}
    public: dict[str, Any] = {}
    for part in PARTS:
        module = import_module(f"latentlens.protocol.{part}")
        notes |= field_comments(ast.parse(inspect.getsource(module)))
        public |= {
            name: value
            for name, value in vars(module).items()
            if is_typeddict(value) or get_origin(value) in (Literal, types.UnionType)
        }
    names: dict[int, str] = {}
    yield HEAD
    for name, value in public.items():
        if is_typeddict(value):
            names[id(value)] = name
            yield interface(name, value, names, notes)
        else:
            yield f"export type {name} = {typescript(value, names)};\n"
            # Equal literals are one object to `typing`, so only a name of its own counts.
            names.setdefault(id(value), name)


def main() -> int:
    """Write the file, or with ``--check`` say whether it is current."""
    sys.path.insert(0, str(ROOT))
    text = "\n".join(blocks())
    if "--check" not in sys.argv[1:]:
        TARGET.write_text(text)
        return 0
    if TARGET.exists() and TARGET.read_text() == text:
        return 0
    print(f"{TARGET.relative_to(ROOT)} is stale: run `make schema`.")
    return 1


if __name__ == "__main__":
    sys.exit(main())
