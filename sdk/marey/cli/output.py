"""What commands print: JSON for programs, tables for people."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime

import click
import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

_WIDE = 1000
"""Columns of an output that is no terminal: nothing is cut off."""


def print_json(value: object) -> None:
    """Indented JSON."""
    click.echo(msgspec.json.format(msgspec.json.encode(value)).decode())


def print_json_line(value: object) -> None:
    """JSON on a line of its own, at once: for what goes on for a while."""
    click.echo(msgspec.json.encode(value).decode())


def print_table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """A table without lines."""
    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(Text(column), overflow="fold")
    for row in rows:
        table.add_row(*(Text(_text(cell)) for cell in row))
    Console(width=None if sys.stdout.isatty() else _WIDE).print(table)


def print_objects(items: Sequence[msgspec.Struct], item_type: type[msgspec.Struct]) -> None:
    """A row per object, a column per field."""
    names = item_type.__struct_fields__
    print_table(names, [[getattr(item, name) for name in names] for item in items])


def print_object(item: msgspec.Struct) -> None:
    """A row per field."""
    print_table(("field", "value"), [(name, getattr(item, name)) for name in item.__struct_fields__])


def _text(cell: object) -> str:
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        return f"{cell.astimezone():%Y-%m-%d %H:%M:%S}"
    return str(cell) if isinstance(cell, (str, int, float)) else msgspec.json.encode(cell).decode()
