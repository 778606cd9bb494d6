"""The page of the API's description."""

from typing import Any

from api.docs.page import page

DESCRIPTION: dict[str, Any] = {
    "info": {"title": "<Marey>", "version": "1"},
    "components": {
        "schemas": {
            "Job": {
                "description": "A <b>job</b>",
                "required": ["id"],
                "properties": {
                    "id": {"type": "integer", "minimum": 1, "maximum": 9},
                    "tier": {"enum": ["a", "<b>"]},
                    "user": {"oneOf": [{"type": "string"}, {"type": "null"}], "maxLength": 7},
                    "videos": {"type": "array", "items": {"$ref": "#/components/schemas/Video"}},
                },
            },
            "Video": {"properties": {"inner": {"properties": {"x": {}, "y": {}}, "required": ["y"]}}},
            "Tier": {"type": "string", "enum": ["high", "low"], "description": "How soon"},
        }
    },
    "paths": {
        "/job/{id}": {
            "get": {
                "operationId": "ReadJob",
                "summary": "Read & see",
                "security": [{}],
                "parameters": [{"name": "id", "in": "path", "schema": {"type": "integer"}, "required": True}],
                "responses": {
                    "200": {
                        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Job"}}}
                    },
                    "default": {},
                },
            },
            "delete": {"operationId": "RemoveJob", "tags": ["jobs"], "responses": {"204": {}}},
        }
    },
}


def test_what_the_description_says_is_on_the_page() -> None:
    text = page(DESCRIPTION)
    for part in (
        '<h3 id="ReadJob"><b>GET</b><code>/job/{id}</code> <i>no key</i></h3><p>Read &amp; see</p>',
        "<code>id</code> *</td><td>path, integer</td>",
        '200: <a href="#shape-Job">Job</a> (application/json)',
        '<h3 id="RemoveJob"><b>DELETE</b><code>/job/{id}</code></h3>',
        "204: nothing",
        "integer from 1 to 9",
        "string up to 7 characters or null",
        'list of <a href="#shape-Video">Video</a>',
        "object with <code>x</code>: any value, <code>y</code> *: any value",
        "<p>How soon</p><p><code>high</code> | <code>low</code></p>",
    ):
        assert part in text


def test_nothing_of_the_description_is_taken_for_html() -> None:
    text = page(DESCRIPTION)
    assert "&lt;Marey&gt;" in text
    assert "A &lt;b&gt;job&lt;/b&gt;" in text
    assert "<code>&lt;b&gt;</code>" in text
