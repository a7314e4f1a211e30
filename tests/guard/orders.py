"""An API of orders, for conditions of every kind: what a person owns, and what others are not to see or change."""

from __future__ import annotations

from typing import Any

ORDER: dict[str, Any] = {
    "type": "object",
    "properties": {
        "id": {"type": "integer"},
        "owner": {"type": "string"},
        "tenant": {"type": "string"},
        "note": {"type": ["string", "null"]},
        "amount": {"type": "number"},
        "paid": {"type": "boolean"},
        "customer": {"type": "object", "properties": {"id": {"type": "string"}}},
        "odd-name": {"type": "string"},
        "labels": {"type": "object", "additionalProperties": {"type": "string"}},
        "items": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"owner": {"type": "string"}, "price": {"type": "number"}, "count": {"type": "integer"}},
            },
        },
    },
}
JSON = {"application/json": {"schema": ORDER}}
LIST = {"application/json": {"schema": {"type": "array", "items": ORDER}}}
ONE = {"200": {"description": "one", "content": JSON}, "404": {"description": "none", "content": JSON}}
ORDERS: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "orders", "version": "1"},
    "paths": {
        "/orders": {
            "get": {
                "operationId": "listOrders",
                "tags": ["orders"],
                "parameters": [
                    {"name": "owner", "in": "query", "schema": {"type": "string"}},
                    {"name": "most", "in": "query", "schema": {"type": "integer"}},
                    {"name": "tag", "in": "query", "schema": {"type": "array", "items": {"type": "string"}}},
                    {"name": "X-Team", "in": "header", "schema": {"type": "string"}},
                ],
                "responses": {"200": {"description": "all", "content": LIST}},
            },
            "post": {
                "operationId": "makeOrder",
                "requestBody": {"content": {**JSON, "text/plain": {}}},
                "responses": {"201": {"description": "made", "content": JSON}},
            },
        },
        "/orders/{id}": {
            "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}}],
            "get": {"operationId": "getOrder", "responses": ONE},
            "delete": {"operationId": "dropOrder", "responses": {"204": {"description": "gone"}}},
        },
        "/people/{owner}/orders": {
            "parameters": [{"name": "owner", "in": "path", "required": True, "schema": {"type": "string"}}],
            "get": {"operationId": "ordersOf", "responses": {"200": {"description": "all", "content": LIST}}},
        },
        "/export": {
            "get": {"operationId": "export", "responses": {"200": {"description": "all", "content": {"text/csv": {}}}}}
        },
        "/open": {"get": {"operationId": "open", "responses": ONE}},
    },
}
ROLES = {"reader": ["orders:read"], "writer": ["reader", "orders:write"]}

#: For tests of what rules say of bodies: nothing else looks at them.
UNREAD = {
    operation["operationId"]: "the tests are about rules"
    for item in ORDERS["paths"].values()
    for operation in item.values()
    if isinstance(operation, dict) and "operationId" in operation
}
