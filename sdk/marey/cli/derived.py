"""A command per operation of an object: `marey list-users` is `Client.list_users`.

Names, arguments and options are those of the method, so nothing is said twice.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints, is_typeddict

import click
import msgspec

from marey.cli.session import json_option, with_client
from marey.client import Client
from marey.operations import Operations

_VERBS = ("list", "get", "create", "update", "delete")
_LARGEST_PAGE = 100
Decorator = Callable[[Callable[..., None]], Callable[..., None]]


class Json(click.ParamType):  # type: ignore[type-arg]
    """A JSON value. Where any value will do, text that is no JSON stands for itself."""

    name = "json"

    def __init__(self, *, is_object: bool) -> None:
        self._is_object = is_object

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> object:
        """The value; fails for null, which stands for an option that was not given."""
        if not isinstance(value, str):
            return value
        try:
            decoded: object = msgspec.json.decode(value)
        except msgspec.DecodeError as error:
            if self._is_object:
                self.fail(f"expected a JSON object, got {value!r}: {error}", param, ctx)
            return value
        if decoded is None or (self._is_object and not isinstance(decoded, dict)):
            self.fail(f"expected a JSON {'object' if self._is_object else 'value'}, got {value}", param, ctx)
        return decoded


@dataclass(frozen=True)
class Operation:
    """A method that becomes a command."""

    method: str
    help: str
    parameters: Mapping[str, inspect.Parameter]
    hints: Mapping[str, Any]

    @property
    def verb(self) -> str:
        """list, get, create, update or delete."""
        return self.method.split("_")[0]

    @property
    def subject(self) -> str | None:
        """The parameter that names the object."""
        named = [
            known.name
            for known in self.parameters.values()
            if known.kind is known.POSITIONAL_OR_KEYWORD and known.default is known.empty
        ]
        return next(iter(named), None)


def commands_of_objects() -> dict[str, list[str]]:
    """Names of the commands of each object: `user: [list-users, get-user, ...]`."""
    of_objects = [methods for group in Operations.__bases__ if (methods := _methods(group))]
    return {_noun(methods): [_command_name(method) for method in methods] for methods in of_objects}


def derived_command(name: str) -> click.Command | None:
    """The command `name`; None if there is no such operation."""
    method = name.replace("-", "_")
    if name != _command_name(method) or not any(method in _methods(group) for group in Operations.__bases__):
        return None
    operation = _operation(method)
    command = _checked(operation, with_client(json_option(_runner(operation))))
    for option in reversed(list(_options(operation))):
        command = option(command)
    return click.command(name, help=operation.help)(command)


def _methods(group: type) -> list[str]:
    return [name for name in vars(group) if name.split("_")[0] in _VERBS]


def _noun(methods: list[str]) -> str:
    """The object in the singular: each can be read."""
    return next(name.removeprefix("get_") for name in methods if name.startswith("get_"))


def _command_name(method: str) -> str:
    return method.replace("_", "-")


def _operation(method: str) -> Operation:
    function = getattr(Operations, method)
    signature = inspect.signature(function)
    parameters = {name: known for name, known in signature.parameters.items() if name != "self"}
    hints = get_type_hints(function)
    paragraph = (inspect.getdoc(function) or "").split("\n\n")[0]
    return Operation(method, paragraph, parameters, hints)


def _options(operation: Operation) -> Iterator[Decorator]:
    for name, parameter in operation.parameters.items():
        flag, hint = f"--{_command_name(name)}", operation.hints[name]
        is_required = parameter.default is inspect.Parameter.empty
        if name == "page_size":
            yield click.option("--limit", type=click.IntRange(min=1), help="At most so many. Default: all.")
        elif name == operation.subject:
            yield click.argument(name, type=_type_of(hint), metavar=_metavar(name))
        else:
            is_told = isinstance(parameter.default, str) and parameter.default
            text = f"Default: {parameter.default}." if is_told else None
            yield click.option(flag, name, type=_type_of(hint), required=is_required, help=text)
        if operation.verb == "update" and type(None) in _members(hint):
            yield click.option(f"--no-{flag[2:]}", f"no_{name}", is_flag=True, help="Clear it.")


def _metavar(name: str) -> str:
    return name.upper() if name.endswith(("_id", "_key")) else f"{name.upper()}_ID"


def _type_of(hint: Any) -> click.ParamType:  # type: ignore[type-arg]
    """How an argument of this type is written."""
    kinds = [kind for kind in _members(hint) if kind not in (type(None), msgspec.UnsetType)]
    if object in kinds:
        return Json(is_object=False)
    if any(is_typeddict(kind) or get_origin(kind) is Mapping for kind in kinds):
        return Json(is_object=True)
    return click.INT if int in kinds else click.STRING


def _members(hint: Any) -> tuple[Any, ...]:
    """The types of a union, or the one type."""
    return get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)


def _runner(operation: Operation) -> Callable[..., None]:
    def run(client: Client, *, as_json: bool, limit: int | None = None, **given: object) -> None:
        arguments = _arguments(operation, given)
        call = getattr(client, operation.method)
        if operation.verb == "list":
            page_size = min(limit or _LARGEST_PAGE, _LARGEST_PAGE)
            _show_list(operation, islice(call(**arguments, page_size=page_size), limit), as_json)
        else:
            _show(operation, call(**arguments), as_json)

    return run


def _checked(operation: Operation, command: Callable[..., None]) -> Callable[..., None]:
    """The command, which first makes sure that there is something to change."""

    @functools.wraps(command)
    def run(**given: object) -> None:
        if operation.verb == "update" and not _arguments(operation, given).keys() - {operation.subject}:
            raise click.UsageError("expected at least one option with what to change")
        command(**given)

    return run


def _arguments(operation: Operation, given: Mapping[str, object]) -> dict[str, object]:
    """What was given, by parameter."""
    nothing = {name: None for name in operation.parameters if given.get(f"no_{name}")}
    named = {name: given[name] for name in operation.parameters if given.get(name) is not None}
    return {**named, **nothing}


def _show_list(operation: Operation, items: Any, as_json: bool) -> None:
    # Tables take a while to import.
    from marey.cli.output import print_json, print_objects

    (item_type,) = get_args(operation.hints["return"])
    found = list(items)
    if as_json:
        print_json(found)
    else:
        print_objects(found, item_type)


def _show(operation: Operation, result: Any, as_json: bool) -> None:
    from marey.cli.output import print_json, print_object

    if as_json:
        print_json(result)
    elif result is not None:
        print_object(result)
