"""Helpers: one call, made through the blocking client, the asynchronous one, or the command line."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Protocol

import marey
import msgspec
from click.testing import CliRunner, Result
from marey.cli import main as marey_cli
from marey.cli.session import exit_code_of


class Caller(Protocol):
    """Calls methods of the client by name."""

    def call(self, method: str, *arguments: object, **options: object) -> object:
        """What the method returns, as JSON has it; a list for an iterator."""

    def refused(self, method: str, *arguments: object, **options: object) -> int:
        """The exit code of a call that must fail."""


class Blocking:
    """`marey.Client`."""

    def __init__(self, client: marey.Client) -> None:
        self._client = client

    def call(self, method: str, *arguments: object, **options: object) -> object:
        result = getattr(self._client, method)(*arguments, **options)
        return msgspec.to_builtins(list(result) if isinstance(result, Iterator) else result)

    def refused(self, method: str, *arguments: object, **options: object) -> int:
        return _exit_code(self, method, *arguments, **options)


class Asynchronous:
    """`marey.AsyncClient`, on a loop of its own."""

    def __init__(self, client: marey.AsyncClient, runner: asyncio.Runner) -> None:
        self._client = client
        self._runner = runner

    def call(self, method: str, *arguments: object, **options: object) -> object:
        async def result() -> object:
            returned = getattr(self._client, method)(*arguments, **options)
            if isinstance(returned, AsyncIterator):
                return [item async for item in returned]
            return await returned

        return msgspec.to_builtins(self._runner.run(result()))

    def refused(self, method: str, *arguments: object, **options: object) -> int:
        return _exit_code(self, method, *arguments, **options)


class CommandLine:
    """`marey`, with JSON."""

    def __init__(self, url: str, api_key: str) -> None:
        self._runner = CliRunner(env={"MAREY_ENDPOINT_URL": url, "MAREY_API_KEY": api_key})

    def call(self, method: str, *arguments: object, **options: object) -> object:
        result = self.run(method, *arguments, **options)
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    def refused(self, method: str, *arguments: object, **options: object) -> int:
        return self.run(method, *arguments, **options).exit_code

    def run(self, method: str, *arguments: object, **options: object) -> Result:
        """The command of a method."""
        words = [method.replace("_", "-"), *(str(argument) for argument in arguments), "--json"]
        for name, value in options.items():
            text = value if isinstance(value, str) else json.dumps(value)
            words += [f"--{name.replace('_', '-')}", text]
        return self._runner.invoke(marey_cli, words)


@contextmanager
def caller(kind: str, url: str, api_key: str) -> Iterator[Caller]:
    """A caller of the kind `blocking`, `asynchronous` or `command line`."""
    if kind == "command line":
        yield CommandLine(url, api_key)
    elif kind == "blocking":
        with marey.Client(url, api_key) as client:
            yield Blocking(client)
    else:
        with asyncio.Runner() as runner:
            asynchronous = marey.AsyncClient(url, api_key)
            yield Asynchronous(asynchronous, runner)
            runner.run(asynchronous.close())


CALLERS = ("blocking", "asynchronous", "command line")


def _exit_code(caller: Caller, method: str, *arguments: object, **options: object) -> int:
    try:
        result = caller.call(method, *arguments, **options)
    except marey.MareyError as error:
        return exit_code_of(error)
    raise AssertionError(f"expected {method} to be refused, got {result}")
