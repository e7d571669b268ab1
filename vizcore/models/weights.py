"""Weight files: where they lie, fetching them, checking them, and opening them safely.

A file is trusted only by its SHA-256: torchvision puts the first eight hex digits of it into the file's
name (``vgg16-397923af.pth``), the project's own files are recorded with all 64. Everything that can go wrong
ends in a ``WeightsError`` whose text says what happened and what to do, and leaves no half-written file.

Two settings from the environment: ``VIZ_WEIGHTS_DIR``, the folder of the weight files, and
``VIZ_WEIGHTS_URL``, an address that holds copies of torchvision's files, for a classroom with its own server.
"""

import errno
import hashlib
import os
import shutil
import ssl
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from urllib.parse import urlsplit

import safetensors.torch
import torch

PUBLISHED = "https://download.pytorch.org/models/"  # what VIZ_WEIGHTS_URL replaces
SPARE = 100_000_000  # bytes of the disk that a download leaves free

Progress = Callable[[int, int | None], None]  # (bytes so far, bytes in all or None when the server does not say)

_CHUNK = 1 << 20
_PROGRESS_SECONDS = 0.1

_registry_lock = threading.Lock()
_path_locks: dict[str, threading.Lock] = {}
_transfers: dict[str, tuple[int, int | None]] = {}  # progress of the downloads under way, for those who wait


class WeightsError(Exception):
    """Weights cannot be had; the text is meant to be shown: what happened, and the way out."""


def directory() -> Path:
    """The folder of the downloaded weights; it need not exist yet.

    ``VIZ_WEIGHTS_DIR``, or else the folder torchvision itself uses (``TORCH_HOME/hub/checkpoints``, by
    default ``~/.cache/torch/hub/checkpoints``), so that files fetched by either serve both.
    """
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    home = os.environ.get("TORCH_HOME") or os.path.join(cache, "torch")
    return Path(os.path.expanduser(os.environ.get("VIZ_WEIGHTS_DIR") or os.path.join(home, "hub", "checkpoints")))


def find(filename: str) -> Path | None:
    """The path of ``filename`` in ``directory()``, or None where it is not there. Never uses the network."""
    path = directory() / filename
    try:
        return path if path.is_file() else None
    except OSError:  # a folder that may not be read has nothing for us
        return None


def verify(path: Path | str, sha256_prefix: str) -> None:
    """Check that the SHA-256 of the file begins with ``sha256_prefix`` (8 to 64 hex digits).

    Errors: WeightsError when the file is missing, unreadable or another one.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        raise WeightsError(
            f"{path.name} is not on this computer. Download it, or copy it into {path.parent}."
        ) from None
    except OSError as error:
        raise WeightsError(
            f"{path.name} cannot be read ({_reason(error)}). Delete {path} and download it again."
        ) from error
    if not _matches(digest, sha256_prefix):
        raise WeightsError(
            f"{path.name} is damaged, or another file than expected (its checksum differs). "
            f"Delete {path} and download it again."
        )


def download(
    url: str, path: Path | str, sha256_prefix: str, progress: Progress | None = None, timeout: float = 30.0
) -> Path:
    """Fetch ``url`` into ``path``, unless the right file is there already, and return the path.

    The body goes to a ``.part`` file in the same folder, is hashed on the way, and takes its name only when
    it is complete and right. Two callers that want one path cost one download: the second waits and uses the
    first one's file. ``progress(done, total)`` is called about ten times a second, also while waiting; an
    exception it raises cancels the download and passes through. ``timeout`` is in seconds, for each answer
    of the server.

    Errors: WeightsError for every failure of the network, the server or the disk.
    """
    path = Path(path).absolute()
    with _only_one(path, progress):
        with suppress(WeightsError):
            verify(path, sha256_prefix)
            return path
        url = _mirrored(url)
        part = path.with_name(f"{path.name}.{os.getpid()}.part")
        try:
            with _disk_errors(path):
                path.parent.mkdir(parents=True, exist_ok=True)
            if not _matches(_receive(url, part, path, progress, timeout), sha256_prefix):
                raise _unavailable(path, f"{_host(url)} sent another file (its checksum differs)")
            with _disk_errors(path):
                part.replace(path)
        finally:
            with suppress(OSError):
                part.unlink()
    return path


def load_state_dict(path: Path | str, sha256_prefix: str) -> dict[str, torch.Tensor]:
    """The tensors of a checked ``.safetensors`` file or torch checkpoint, by name, on the CPU.

    A torch checkpoint is opened with ``weights_only=True``: nothing in it can run.

    Errors: WeightsError when the file is missing, is another one, or holds anything but named tensors.
    """
    path = Path(path)
    verify(path, sha256_prefix)
    try:
        if path.suffix == ".safetensors":
            state = safetensors.torch.load_file(path, device="cpu")
        else:
            state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a file that is no checkpoint can fail in any way inside its parser
        raise _not_weights(path) from error
    if not isinstance(state, dict) or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise _not_weights(path)
    return dict(state)


def _receive(url: str, part: Path, path: Path, progress: Progress | None, timeout: float) -> str:
    """Stream ``url`` into ``part`` and return the SHA-256 of what arrived, in hex."""
    with _answer(url, path, timeout) as response:
        total = _content_length(response)
        _check_space(path, total)
        digest, done, reported = hashlib.sha256(), 0, 0.0
        with _disk_errors(path):
            file = part.open("wb")
        try:
            for chunk in _chunks(response, url, path, timeout):
                with _disk_errors(path):
                    file.write(chunk)
                    file.flush()
                digest.update(chunk)
                done += len(chunk)
                _transfers[str(path)] = (done, total)
                if progress and (done == total or time.monotonic() - reported >= _PROGRESS_SECONDS):
                    progress(done, total)
                    reported = time.monotonic()
            with _disk_errors(path):
                file.close()
        finally:
            with suppress(OSError):
                file.close()
    if total is not None and done != total:
        raise _unavailable(path, f"{_host(url)} broke off after {_size(done)} of {_size(total)}")
    return digest.hexdigest()


def _answer(url: str, path: Path, timeout: float) -> HTTPResponse:
    """The open response of the server."""
    if urlsplit(url).scheme not in ("http", "https"):
        raise _unavailable(path, f"{url} is not an http or https address (see VIZ_WEIGHTS_URL)")
    with _network_errors(url, path, timeout):
        return urllib.request.urlopen(url, timeout=timeout)


def _chunks(response: HTTPResponse, url: str, path: Path, timeout: float) -> Iterator[bytes]:
    """The body in pieces of at most one mebibyte, each as soon as it arrives."""
    while True:
        with _network_errors(url, path, timeout):
            chunk = response.read1(_CHUNK)
        if not chunk:
            return
        yield chunk


def _content_length(response: HTTPResponse) -> int | None:
    length = response.headers.get("Content-Length", "")
    return int(length) if length.isdecimal() else None


def _check_space(path: Path, total: int | None) -> None:
    with _disk_errors(path):
        free = shutil.disk_usage(path.parent).free
    if free < (total or 0) + SPARE:
        raise WeightsError(
            f"{path.name} needs {_size(total or 0)} and {path.parent} has only {_size(free)} free, of which "
            f"{_size(SPARE)} stay unused. Make room, or set VIZ_WEIGHTS_DIR to a folder on another disk."
        )


@contextmanager
def _only_one(path: Path, progress: Progress | None) -> Iterator[None]:
    """Hold the lock of ``path``; whoever waits for it sees the progress of the download under way."""
    key = str(path)
    with _registry_lock:
        lock = _path_locks.setdefault(key, threading.Lock())
    while not lock.acquire(timeout=_PROGRESS_SECONDS):
        if progress and key in _transfers:
            progress(*_transfers[key])
    try:
        yield
    finally:
        _transfers.pop(key, None)
        lock.release()


@contextmanager
def _network_errors(url: str, path: Path, timeout: float) -> Iterator[None]:
    """Turn the failures of the connection into a sentence."""
    try:
        yield
    except (OSError, HTTPException, ValueError) as error:
        raise _unavailable(path, _network_cause(error, _host(url), timeout)) from error


def _network_cause(error: object, host: str, timeout: float) -> str:
    if isinstance(error, urllib.error.HTTPError):
        error.close()
        return f"{host} {'does not have it' if error.code == 404 else 'refused'} (HTTP {error.code})"
    if isinstance(error, urllib.error.URLError):
        error = error.reason
    if isinstance(error, TimeoutError):
        return f"{host} did not answer within {timeout:g} seconds"
    if isinstance(error, ConnectionRefusedError):
        return f"{host} refused the connection"
    if isinstance(error, ssl.SSLError):
        return f"the identity of {host} could not be verified ({_reason(error)})"
    if isinstance(error, ConnectionError | HTTPException):
        return f"the connection to {host} broke off"
    if isinstance(error, OSError):  # the name is not found, or no route leads there
        return f"there is no network connection to {host} ({_reason(error)})"
    return f"{host} could not be reached ({_reason(error)})"


@contextmanager
def _disk_errors(path: Path) -> Iterator[None]:
    """Turn the failures of the disk into a sentence."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            cause = f"The disk became full while {path.name} was saved in {path.parent}. Make room, or set"
        else:
            cause = f"{path.name} cannot be saved in {path.parent} ({_reason(error)}). Set"
        raise WeightsError(f"{cause} VIZ_WEIGHTS_DIR to a folder on another disk or of your own.") from error


def _unavailable(path: Path, cause: str) -> WeightsError:
    return WeightsError(
        f"{path.name} is not on this computer and cannot be downloaded because {cause}. "
        f"Choose a model that needs no download, or copy the file {path.name} into {path.parent}."
    )


def _not_weights(path: Path) -> WeightsError:
    return WeightsError(
        f"{path.name} holds something else than weights and was not opened. "
        f"Delete {path} and download it again from its publisher."
    )


def _mirrored(url: str) -> str:
    mirror = os.environ.get("VIZ_WEIGHTS_URL")
    if mirror and url.startswith(PUBLISHED):
        return mirror.rstrip("/") + "/" + url.removeprefix(PUBLISHED)
    return url


def _matches(digest: str, sha256_prefix: str) -> bool:
    if not 8 <= len(sha256_prefix) <= 64:
        raise ValueError(f"a checksum has 8 to 64 hex digits, not {sha256_prefix!r}")
    return digest.startswith(sha256_prefix.lower())


def _host(url: str) -> str:
    return urlsplit(url).hostname or url


def _reason(error: object) -> str:
    """The system's own words, without the number and the path in front."""
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).strip(".")


def _size(count: int) -> str:
    return f"{count / 1e6:.3g} MB" if count < 1e9 else f"{count / 1e9:.3g} GB"
