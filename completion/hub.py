"""Fetching files from a model hub with ``huggingface_hub``: short time-outs, resumable.

Only weights, configuration and tokenizer are fetched; pickles and code never are.
"""

import errno
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from completion.errors import DownloadError, NetworkUnavailable, SourceMissing

TIMEOUT_S = 5.0


@dataclass(frozen=True)
class HubListing:
    """What a repository holds at one commit."""

    repository: str
    commit: str
    sizes: Mapping[str, int]
    """Bytes of every file by its path."""
    sha256: Mapping[str, str]
    """In hexadecimal digits, by path; the hub keeps it for large files, which weights are."""


def list_repository(
    repository: str, *, revision: str | None = None, endpoint: str | None = None
) -> HubListing:
    """Ask once what ``repository`` holds; a hub out of reach is known within seconds.

    Raises NetworkUnavailable or SourceMissing.
    """
    from huggingface_hub import HfApi

    with _explained(repository):
        info = HfApi(endpoint=endpoint).model_info(
            repository, revision=revision, timeout=TIMEOUT_S, files_metadata=True
        )
    files = info.siblings or ()
    sizes = {file.rfilename: file.size or 0 for file in files}
    sha256 = {file.rfilename: file.lfs.sha256 for file in files if file.lfs}
    return HubListing(repository, info.sha or revision or "main", sizes, sha256)


def fetch_file(
    listing: HubListing,
    file: str,
    directory: Path,
    *,
    endpoint: str | None = None,
    on_bytes: Callable[[int], None],
) -> Path:
    """Return ``file`` of the listed commit below ``directory``; a part from earlier is continued.

    Its bytes are not checked. ``on_bytes`` is told how many of them have arrived; it may raise to
    stop. Raises NetworkUnavailable, SourceMissing, and OSError when the disk is full.
    """
    import huggingface_hub

    if file not in listing.sizes:
        raise SourceMissing(f"The hub repository {listing.repository} has no file {file}.")
    with _explained(listing.repository):
        path = cast(Any, huggingface_hub).hf_hub_download(
            listing.repository,
            file,
            revision=listing.commit,
            local_dir=directory,
            endpoint=endpoint,
            etag_timeout=TIMEOUT_S,
            tqdm_class=_reporter(on_bytes),
        )
    return Path(path)


def _reporter(on_bytes: Callable[[int], None]) -> Any:
    """Build a progress bar class that draws nothing and reports instead."""
    import tqdm

    plain: Any = tqdm.tqdm

    class Reporter(plain):
        def __init__(self, *args: Any, **options: Any) -> None:
            options.pop("name", None)
            plain.__init__(self, *args, **options | {"disable": True})
            self.arrived = int(options.get("initial") or 0)

        def update(self, n: float | None = 1) -> bool | None:
            self.arrived += int(n or 0)
            on_bytes(self.arrived)
            return None

    return Reporter


@contextmanager
def _explained(repository: str) -> Generator[None]:
    """Turn what the hub's client raises into errors of this package."""
    from huggingface_hub import errors

    transport_error = cast(Any, errors).HTTPError  # of whichever HTTP library the client uses
    missing = (
        errors.RepositoryNotFoundError, errors.RevisionNotFoundError, errors.RemoteEntryNotFoundError
    )  # fmt: skip
    try:
        yield
    except DownloadError:
        raise
    except missing as error:
        raise SourceMissing(f"The hub has no repository {repository} that is open to you.") from error
    except errors.HFValidationError as error:
        raise SourceMissing(f"{repository!r} is no name of a hub repository.") from error
    except OSError as error:  # the client's own errors included
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise NetworkUnavailable(f"The model hub could not be reached for {repository}.") from error
    except transport_error as error:
        raise NetworkUnavailable(f"The model hub could not be reached for {repository}.") from error
