"""The routes of the index: what is indexed, and searching it."""

import dataclasses
from pathlib import Path
from typing import Any

from litestar import Request, get
from litestar.handlers import BaseRouteHandler

from assistant.errors import BadParams
from assistant.workspaces import Workspaces
from retrieval.errors import NoRepository
from retrieval.records import Snippet

_MOST = 100
_LONGEST = 20_000
_USUAL = "10"


def search_routes(workspaces: Workspaces | None) -> list[BaseRouteHandler]:
    """``GET /workspaces`` and ``GET /search?q=&root=&k=``."""

    @get("/workspaces")
    async def folders() -> dict[str, Any]:
        return {"workspaces": await workspaces.describe() if workspaces else []}

    @get("/search")
    async def search(request: Request[Any, Any, Any]) -> dict[str, Any]:
        given = request.query_params
        query, count = _query(given.get("q", "")), _count(given.get("k", _USUAL))
        if workspaces is None:
            raise NoRepository("Nothing is indexed here.")
        found = await workspaces.search(query, given.get("root"), count)
        return {"results": [snippet_of(folder, snippet) for folder, snippet in found]}

    return [folders, search]


def snippet_of(root: Path, snippet: Snippet) -> dict[str, Any]:
    """A result as JSON says it; lines count from 0, the end is exclusive."""
    fields = dataclasses.asdict(snippet)
    start, end = fields.pop("lines")
    return {"root": str(root), **fields, "start": start, "end": end}


def _query(given: str) -> str:
    if not 0 < len(given) <= _LONGEST:
        raise BadParams(f"`q` is what to look for: 1 to {_LONGEST:,} characters.")
    return given


def _count(given: str) -> int:
    if not given.isdecimal() or not 1 <= int(given) <= _MOST:
        raise BadParams(f"`k` is how many results are wanted: 1 to {_MOST}.")
    return int(given)
