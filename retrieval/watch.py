"""Tells what changes below a folder, soon after it changed; costs next to nothing while nothing does."""

import logging
import threading
from collections.abc import Callable
from pathlib import Path

from watchfiles import Change, watch

_log = logging.getLogger(__name__)
_DEBOUNCE_MS = 800
"""Changes that follow one another are told together, but never later than this."""
_STEP_MS = 200
"""They are told as soon as nothing has changed for this long; also how often the watch looks up."""
_STOP_S = 2.0
_NEVER = frozenset(
    {".git", ".hg", ".svn", "node_modules", "__pycache__", ".venv", "venv", ".mypy_cache", ".ruff_cache"}
)
"""Folders whose changes are never told; what else is ignored is for the reader of the paths to say."""

OnPaths = Callable[[frozenset[str]], None]


class Watcher:
    """Watches ``root`` in a thread of its own from ``start`` until ``stop``."""

    def __init__(self, root: Path, on_paths: OnPaths) -> None:
        """``on_paths`` is called in that thread with absolute paths; some may be gone by then."""
        self._root = root
        self._on_paths = on_paths
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"watch {root.name}", daemon=True)

    def start(self) -> None:
        """Begin; changes from now on are told, perhaps some from just before, too."""
        self._thread.start()

    def stop(self) -> None:
        """End, and wait until nothing is told any more."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(_STOP_S)

    def _run(self) -> None:
        try:
            changes = watch(
                self._root,
                watch_filter=self._is_told,
                debounce=_DEBOUNCE_MS,
                step=_STEP_MS,
                stop_event=self._stopping,
                raise_interrupt=False,
                ignore_permission_denied=True,
            )
            for some in changes:
                self._on_paths(frozenset(path for _, path in some))
        except Exception as error:  # noqa: BLE001 - watchfiles raises what its system says, as several types
            _log.warning(
                "Changes in %s are not seen any more (%s); `splice index` brings its index up to date.",
                self._root,
                error,
            )

    def _is_told(self, _: Change, path: str) -> bool:
        try:
            parts = Path(path).relative_to(self._root).parts
        except ValueError:
            return False
        return not _NEVER.intersection(parts)
