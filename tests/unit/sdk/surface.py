"""The client's public surface as text: a line per name, with signatures and fields."""

import inspect
import sys
from collections.abc import Iterator

import marey
import marey.errors
import msgspec
from marey.errors import MareyApiError


def surface() -> str:
    """What users may rely on."""
    return "".join(f"{line}\n" for line in _lines())


def _lines() -> Iterator[str]:
    for name in sorted(marey.__all__):
        yield f"marey.{name}"
        item = getattr(marey, name)
        if inspect.isclass(item) and issubclass(item, msgspec.Struct):
            yield from (
                f"    {field.name}: {item.__annotations__[field.name]}"
                for field in msgspec.structs.fields(item)
            )
    client = marey.Client
    for name in sorted(vars(client)):
        member = getattr(client, name)
        if not name.startswith("_") and callable(member):
            yield f"Client.{name}{inspect.signature(member)}"
    yield from (
        f"{code} -> marey.errors.{kind.__name__}" for code, kind in sorted(MareyApiError.known.items())
    )


if __name__ == "__main__":
    sys.stdout.write(surface())
