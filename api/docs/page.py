"""The OpenAPI description as one page to read: HTML and its style, nothing to load and nothing to run.

Whatever the description says is escaped. References become links to the shapes at the end of the page.
"""

from collections.abc import Iterable, Iterator, Mapping
from html import escape
from typing import Any

Described = Mapping[str, Any]
"""Part of an OpenAPI description."""

STYLE = """\
body { margin: 0 auto; max-width: 64rem; padding: 1rem; font: 16px/1.5 system-ui, sans-serif;
  color: #1c2330; background: #fff }
a { color: #0b57a4 } code, pre { font: 14px/1.4 ui-monospace, monospace } pre { overflow-x: auto }
nav a { margin-right: 1rem; white-space: nowrap }
h2 { margin-top: 2.5rem; border-bottom: 1px solid #c9d1dc } h3 { margin: 1.5rem 0 .25rem }
h3 b { display: inline-block; min-width: 4.5rem }
table { border-collapse: collapse; width: 100% } th { text-align: left }
th, td { padding: .25rem .75rem .25rem 0; vertical-align: top; border-bottom: 1px solid #e4e9f0 }
@media (prefers-color-scheme: dark) { body { color: #dde3ec; background: #14181f } a { color: #8ec1ff }
  h2 { border-color: #3a4351 } th, td { border-color: #2a313c } }
"""
_METHODS = ("get", "post", "put", "delete")
_BOUNDS = ("minimum", "maximum", "minLength", "maxLength")


def page(description: Described) -> str:
    """The whole page."""
    info, schemas = description["info"], description["components"]["schemas"]
    tags = sorted({_tag(path, operation) for path, _, operation in _operations(description)})
    return "".join(
        [
            '<!doctype html><html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width">',
            f"<title>{escape(info['title'])} API</title><style>{STYLE}</style></head><body>",
            f"<h1>{escape(info['title'])} API {escape(info['version'])}</h1>",
            "<p>Every route but those marked <i>no key</i> needs <code>Authorization: Bearer mry_...</code>.",
            ' The same for programs: <a href="/docs/openapi.json">openapi.json</a>.</p><nav>',
            *(f'<a href="#{escape(tag)}">{escape(tag)}</a>' for tag in (*tags, "shapes")),
            "</nav>",
            *(_section(description, tag) for tag in tags),
            '<h2 id="shapes">shapes</h2>',
            *(_shape(name, schemas[name]) for name in sorted(schemas)),
            "</body></html>",
        ]
    )


def _operations(description: Described) -> Iterator[tuple[str, str, Described]]:
    for path, operations in sorted(description["paths"].items()):
        for method in filter(operations.__contains__, _METHODS):
            yield path, method, operations[method]


def _tag(path: str, operation: Described) -> str:
    tags = operation.get("tags") or [path.split("/")[1]]
    return str(tags[0])


def _section(description: Described, tag: str) -> str:
    found = (each for each in _operations(description) if _tag(each[0], each[2]) == tag)
    return f'<h2 id="{escape(tag)}">{escape(tag)}</h2>' + "".join(_operation(*each) for each in found)


def _operation(path: str, method: str, operation: Described) -> str:
    needs_key = operation.get("security") != [{}]
    return "".join(
        [
            f'<h3 id="{escape(operation["operationId"])}"><b>{method.upper()}</b>',
            f"<code>{escape(path)}</code>{'' if needs_key else ' <i>no key</i>'}</h3>",
            f"<p>{_sentence(operation)}</p>",
            _table(_parameters(operation)),
            f"<p>{'; '.join(_messages(operation))}</p>",
        ]
    )


def _sentence(operation: Described) -> str:
    said = [operation.get("summary", ""), operation.get("description", "")]
    return "<br>".join(escape(text) for text in said if text)


def _parameters(operation: Described) -> Iterator[tuple[str, str, str, bool]]:
    for given in operation.get("parameters", ()):
        kind = f"{given['in']}, {_kind(given['schema'])}"
        yield given["name"], kind, given.get("description", ""), given.get("required", False)


def _messages(operation: Described) -> Iterator[str]:
    """What is sent and what comes back."""
    for media, kind in _contents(operation.get("requestBody", {})):
        yield f"takes {kind} ({media})"
    for status, response in operation["responses"].items():
        if status != "default":
            kinds = [f"{kind} ({media})" for media, kind in _contents(response)]
            yield f"{escape(status)}: {', '.join(kinds) or 'nothing'}"


def _contents(message: Described) -> Iterator[tuple[str, str]]:
    for media, content in message.get("content", {}).items():
        yield escape(media), _kind(content["schema"])


def _shape(name: str, schema: Described) -> str:
    needed = schema.get("required", ())
    rows = [
        (field, _kind(kind), kind.get("description", ""), field in needed)
        for field, kind in schema.get("properties", {}).items()
    ]
    about = escape(schema.get("description", ""))
    values = "" if rows else f"<p>{_kind(schema)}</p>"
    return (
        f'<h3 id="shape-{escape(name)}"><code>{escape(name)}</code></h3><p>{about}</p>{values}{_table(rows)}'
    )


def _table(rows: Iterable[tuple[str, str, str, bool]]) -> str:
    """Rows of name, kind (HTML), description, whether it is needed."""
    lines = [
        f"<tr><td><code>{escape(name)}</code>{' *' if is_needed else ''}</td>"
        f"<td>{kind}</td><td>{escape(about)}</td></tr>"
        for name, kind, about, is_needed in rows
    ]
    head = "<tr><th>name, * needed</th><th>kind</th><th></th></tr>"
    return f"<table>{head}{''.join(lines)}</table>" if lines else ""


def _kind(schema: Described) -> str:
    """A schema in a few words of HTML: `integer from 1 to 16`, `half | full`, a link to a shape."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#shape-{name}">{name}</a>'
    for several in ("oneOf", "anyOf"):
        if several in schema:
            bounds = {name: schema[name] for name in _BOUNDS if name in schema}
            parts = (part if part.get("type") == "null" else bounds | part for part in schema[several])
            return " or ".join(map(_kind, parts))
    if "enum" in schema:
        return " | ".join(f"<code>{escape(str(value))}</code>" for value in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    if "properties" in schema:
        needed = schema.get("required", ())
        fields = (
            f"<code>{escape(name)}</code>{' *' if name in needed else ''}: {_kind(kind)}"
            for name, kind in schema["properties"].items()
        )
        return "object with " + ", ".join(fields)
    return escape(str(schema.get("type", "any value"))) + _range(schema)


def _range(schema: Described) -> str:
    low = schema.get("minimum", schema.get("minLength"))
    high = schema.get("maximum", schema.get("maxLength"))
    unit = " characters" if "maxLength" in schema or "minLength" in schema else ""
    if low is None and high is None:
        return ""
    start = " up" if low is None else f" from {low:g}"
    return f"{start}{'' if high is None else f' to {high:.0f}'}{unit}"
