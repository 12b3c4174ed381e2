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
_BEGIN_S = 10.0
"""A start waits for so long; folders by the thousand take about a second."""
_STOP_S = 2.0
_NEVER = frozenset(
    {".git", ".hg", ".svn", "node_modules", "__pycache__", ".venv", "venv", ".mypy_cache", ".ruff_cache"}
)
"""Folders whose changes are never told; what else is ignored is for the reader of the paths to say."""

_UNDECODED = "decode path"
"""What watchfiles says, and ends, when a name is not UTF-8."""

OnPaths = Callable[[frozenset[str]], None]


class _Asked:
    """An event to stop by. It is first asked for when the watch is in place, and calls ``begun`` then."""

    def __init__(self, stopping: threading.Event, begun: Callable[[], None]) -> None:
        self._stopping = stopping
        self._begun: Callable[[], None] | None = begun

    def is_set(self) -> bool:
        """Whether to stop."""
        begun, self._begun = self._begun, None
        if begun is not None:
            begun()
        return self._stopping.is_set()


class Watcher:
    """Watches ``root`` in a thread of its own from ``start`` until ``stop``."""

    def __init__(self, root: Path, on_paths: OnPaths) -> None:
        """``on_paths`` is called in that thread with absolute paths; some may be gone by then."""
        self._root = root
        self._on_paths = on_paths
        self._stopping = threading.Event()
        self._began = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"watch {root.name}", daemon=True)

    def start(self) -> None:
        """Begin; changes from now on are told, perhaps some from just before, too."""
        self._thread.start()
        self._began.wait(_BEGIN_S)

    def stop(self) -> None:
        """End, and wait until nothing is told any more."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(_STOP_S)

    def _run(self) -> None:
        try:
            begun = self._began.set
            while not self._watch(begun):
                begun = self._tell_root
                self._stopping.wait(_DEBOUNCE_MS / 1_000)
        except Exception as error:  # noqa: BLE001 - watchfiles raises what its system says, as several types
            _log.warning(
                "Changes in %s are not seen any more (%s); `splice index` brings its index up to date.",
                self._root,
                error,
            )
        finally:
            self._began.set()

    def _watch(self, begun: Callable[[], None]) -> bool:
        """Tell changes until the end; False when it must be begun again."""
        if not self._root.is_dir():
            raise FileNotFoundError("it is no folder")  # watchfiles would wait for nothing
        changes = watch(
            self._root,
            watch_filter=self._is_told,
            debounce=_DEBOUNCE_MS,
            step=_STEP_MS,
            stop_event=_Asked(self._stopping, begun),
            raise_interrupt=False,
            ignore_permission_denied=True,
        )
        try:
            for some in changes:
                self._on_paths(frozenset(path for _, path in some))
        except RuntimeError as error:
            if _UNDECODED not in str(error):
                raise
            return False
        return True

    def _tell_root(self) -> None:
        """What changed while nobody watched is not known."""
        self._on_paths(frozenset({str(self._root)}))

    def _is_told(self, _: Change, path: str) -> bool:
        try:
            parts = Path(path).relative_to(self._root).parts
        except ValueError:
            return False
        return not _NEVER.intersection(parts)
