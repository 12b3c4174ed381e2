"""Where the built front ends lie. The front ends themselves are TypeScript and Lua."""

from pathlib import Path

WEB_DIST = Path(__file__).parent / "web" / "dist"
"""The built playground (``npm run build`` in ``ui/web``); missing until it was built."""
