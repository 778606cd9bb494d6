"""What is wrong with a value that somebody sent, in a sentence: where, what was expected, what came."""

import json
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches

import msgspec
from msgspec import inspect as kinds

WORDS = "words"
"""Key in the `extra` of a `msgspec.Meta`: what the type takes, said better than by its constraints."""
_MOST_SHOWN = 80
"""Characters of what came."""


def refusal_of(value: object, kind: object, place: str = "") -> str | None:
    """The first thing of a decoded JSON value that `kind`, a type of msgspec's, does not take, or None.

    `place` is where the value stands: names with dots between them; empty for a whole body.
    """
    if _takes(kind, value):
        return None
    return next(_refusals(value, kind, place), _refusal(value, kind, place))


def refusal_of_names(given: Iterable[str], known: Iterable[str], place: str = "") -> str | None:
    """The first name that is not known, with those that are and the one that may be meant."""
    names = list(known)
    unknown = next((name for name in given if name not in names), None)
    if unknown is None:
        return None
    meant = get_close_matches(unknown[:_MOST_SHOWN], names, n=1)
    hint = f"; did you mean {meant[0]!r}?" if meant else ""
    return f"{place or 'body'}: expected names among {', '.join(names)}, got {shown(unknown)}{hint}"


def expected(kind: object) -> str:
    """A type in words: `one of full, half, off`, `integer from 1 to 64`."""
    return _words(kinds.type_info(kind))


def shown(value: object) -> str:
    """What came, cut to what fits a sentence."""
    text = repr(value) if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}..."


def _refusals(value: object, kind: object, place: str) -> Iterator[str]:
    struct = _struct_of(kind)
    if struct is not None and isinstance(value, Mapping):
        yield from _refusals_of_parts(value, struct, place)
    elif not _takes(kind, value):
        yield _refusal(value, kind, place)


def _refusal(value: object, kind: object, place: str) -> str:
    return f"{place or 'body'}: expected {expected(kind)}, got {shown(value)}"


def _refusals_of_parts(
    value: Mapping[str, object], struct: type[msgspec.Struct], place: str
) -> Iterator[str]:
    fields = {field.encode_name: field for field in msgspec.structs.fields(struct)}
    if unknown := refusal_of_names(value, fields, place):
        yield unknown
    paths = {name: f"{place}.{name}" if place else name for name in fields}
    for name in filter(value.__contains__, fields):
        yield from _refusals(value[name], fields[name].type, paths[name])
    for name, field in fields.items():
        if field.required and name not in value:
            yield f"{paths[name]}: expected {expected(field.type)}, got nothing"


def _struct_of(kind: object) -> type[msgspec.Struct] | None:
    """The struct that an object becomes."""
    info = kinds.type_info(kind)
    members = info.types if isinstance(info, kinds.UnionType) else (info,)
    return next((member.cls for member in members if isinstance(member, kinds.StructType)), None)


def _takes(kind: object, value: object) -> bool:
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError:
        return False
    return True


def _words(kind: kinds.Type) -> str:
    match kind:
        case kinds.Metadata(extra=extra, type=inner):
            return str(extra[WORDS]) if extra and WORDS in extra else _words(inner)
        case kinds.UnionType(types=types):
            return " or ".join(map(_words, types))
        case kinds.EnumType(cls=enum):
            return f"one of {', '.join(str(member.value) for member in enum)}"
        case kinds.LiteralType(values=values):
            return f"one of {', '.join(map(str, values))}"
        case kinds.IntType() | kinds.FloatType():
            return ("integer" if isinstance(kind, kinds.IntType) else "number") + _range(kind.ge, kind.le)
        case kinds.StrType(min_length=low, max_length=high, pattern=pattern):
            length = f" of{_range(low, high).removeprefix(' from')} characters" if low or high else ""
            return f"text{length}{f' like {pattern}' if pattern else ''}"
        case _:
            return _NAMES.get(type(kind), "another value")


_NAMES: dict[type[kinds.Type], str] = {
    kinds.BoolType: "true or false",
    kinds.NoneType: "null",
    kinds.StructType: "an object",
    kinds.DictType: "an object",
    kinds.ListType: "a list",
}


def _range(low: float | None, high: float | None) -> str:
    """` from 1 to 64`."""
    match low, high:
        case None, None:
            return ""
        case None, _:
            return f" up to {high}"
        case _, None:
            return f" from {low}"
        case _:
            return f" from {low} to {high}"
