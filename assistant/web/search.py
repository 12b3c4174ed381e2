"""The routes of the index: what is indexed, and searching it."""

import dataclasses
from pathlib import Path
from typing import Annotated, Any

from litestar import get
from litestar.handlers import BaseRouteHandler
from litestar.params import Parameter

from assistant.workspaces import Workspaces
from retrieval.errors import NoRepository
from retrieval.records import Snippet

_MOST = 100

Query = Annotated[str, Parameter(query="q", min_length=1, max_length=20_000)]
Count = Annotated[int, Parameter(ge=1, le=_MOST)]


def search_routes(workspaces: Workspaces | None) -> list[BaseRouteHandler]:
    """``GET /workspaces`` and ``GET /search?q=&root=&k=``."""

    @get("/workspaces")
    async def folders() -> dict[str, Any]:
        return {"workspaces": await workspaces.describe() if workspaces else []}

    @get("/search")
    async def search(q: Query, root: str | None = None, k: Count = 10) -> dict[str, Any]:
        if workspaces is None:
            raise NoRepository("Nothing is indexed here.")
        found = await workspaces.search(q, root, k)
        return {"results": [snippet_of(folder, snippet) for folder, snippet in found]}

    return [folders, search]


def snippet_of(root: Path | str, snippet: Snippet) -> dict[str, Any]:
    """A result as JSON says it; lines count from 0, the end is exclusive."""
    fields = dataclasses.asdict(snippet)
    lines = fields.pop("lines")
    return {"root": str(root), **fields, "start": lines[0], "end": lines[1]}
