"""Notes, guarded inside the application: no gateway in front, one line at the end of this file.

ninefold keys create --contract examples/asgi/contract.yaml --role writer --expires 30d
uvicorn examples.asgi.app:app
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel

from ninefold.asgi import Guard

NOTES: list[dict[str, Any]] = [{"id": 1, "text": "buy beans", "draft_of": "ana", "address": "192.0.2.7"}]

api = FastAPI(openapi_url=None)


class NewNote(BaseModel):
    text: str


@api.get("/notes")
def list_notes() -> list[dict[str, Any]]:
    return NOTES


@api.get("/notes/{number}")
def get_note(number: int) -> dict[str, Any]:
    for note in NOTES:
        if note["id"] == number:
            return note
    raise HTTPException(404)


@api.post("/notes", status_code=201)
def create_note(note: NewNote) -> dict[str, Any]:
    NOTES.append({"id": len(NOTES) + 1, "text": note.text, "draft_of": "", "address": ""})
    return NOTES[-1]


@api.get("/internals")
def internals() -> dict[str, Any]:
    """Described nowhere, and so served to nobody."""
    return dict(os.environ)


#: Its keys and its trail are kept beside the contract.
CONTRACT = Path(os.environ.get("NOTES_CONTRACT", Path(__file__).parent / "contract.yaml"))

app = Guard(api, CONTRACT)
