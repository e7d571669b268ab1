"""Weight files: found, fetched, checked and opened safely; a failure is a sentence and leaves no debris."""

import hashlib
import os
import pickle
import shutil
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import safetensors.torch
import torch

from vizcore.models import weights
from vizcore.models.weights import WeightsError

BODY = bytes(range(256)) * 12_000  # about 3 MB: several chunks
PREFIX = hashlib.sha256(BODY).hexdigest()[:8]


class Server(ThreadingHTTPServer):
    """Answers /good, /short, /missing, /busy, /nolength, /slow and /stalls; counts requests."""

    daemon_threads = True
    requests: list[str]
    go_on: threading.Event

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request: object, client_address: object) -> None:
        """Quiet: tests cancel downloads."""


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.server.requests.append(self.path)
        if self.path == "/missing":
            return self.send_error(404)
        if self.path == "/busy":
            return self.send_error(503)
        self.send_response(200)
        if self.path != "/nolength":
            self.send_header("Content-Length", str(len(BODY)))
        self.end_headers()
        if self.path == "/short":
            return self.wfile.write(BODY[:1_000_000])
        if self.path == "/slow":  # a first piece now, the rest when the test says so
            self.wfile.write(BODY[:500_000])
            self.server.go_on.wait(20)
            return self.wfile.write(BODY[500_000:])
        if self.path == "/stalls":
            self.wfile.write(BODY[:500_000])
            return self.server.go_on.wait(20)
        return self.wfile.write(BODY)

    def log_message(self, *arguments: object) -> None:
        """Quiet."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with Server(("127.0.0.1", 0), Handler) as running:
        running.requests = []
        running.go_on = threading.Event()
        thread = threading.Thread(target=running.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield running
        running.go_on.set()
        running.shutdown()


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object, **options: object) -> None:
        raise AssertionError("the network was used")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def sentence(call, *arguments, **options) -> str:
    """The text of the WeightsError that the call must end in."""
    with pytest.raises(WeightsError) as caught:
        call(*arguments, **options)
    return str(caught.value)


def is_empty(folder: Path) -> bool:
    return not any(folder.iterdir())


# Where


def test_own_folder_comes_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("VIZ_WEIGHTS_DIR", str(tmp_path / "own"))
    assert weights.directory() == tmp_path / "own"


@pytest.mark.parametrize("setting", ["TORCH_HOME", "XDG_CACHE_HOME", None])
def test_otherwise_it_is_the_folder_of_torch_itself(setting, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    import torch.hub

    for name in ("VIZ_WEIGHTS_DIR", "TORCH_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    if setting:
        monkeypatch.setenv(setting, str(tmp_path))
    assert weights.directory() == Path(torch.hub.get_dir(), "checkpoints")


def test_prepared_folder_is_used_without_any_network(no_network, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("VIZ_WEIGHTS_DIR", str(tmp_path))
    path = tmp_path / "net.safetensors"
    safetensors.torch.save_file({"weight": torch.arange(6.0)}, path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert weights.find("net.safetensors") == path
    assert weights.download("https://example.org/net.safetensors", path, digest) == path
    assert weights.load_state_dict(path, digest)["weight"].tolist() == [0, 1, 2, 3, 4, 5]


def test_missing_file_and_missing_folder_are_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("VIZ_WEIGHTS_DIR", str(tmp_path / "nowhere"))
    assert weights.find("net.pth") is None
    monkeypatch.setenv("VIZ_WEIGHTS_DIR", str(tmp_path))
    (tmp_path / "net.pth").mkdir()
    assert weights.find("net.pth") is None


# Check


def test_verify_takes_a_prefix_or_the_whole_digest(tmp_path: Path):
    path = tmp_path / "a.pth"
    path.write_bytes(BODY)
    weights.verify(path, PREFIX)
    weights.verify(path, hashlib.sha256(BODY).hexdigest())
    weights.verify(path, PREFIX.upper())
    text = sentence(weights.verify, path, "00000000")
    assert "a.pth is damaged" in text
    assert f"Delete {path} and download it again." in text
    assert "not on this computer" in sentence(weights.verify, tmp_path / "b.pth", PREFIX)
    with pytest.raises(ValueError, match="8 to 64"):
        weights.verify(path, "")


# Fetch


def test_download_reports_rising_progress_and_leaves_one_file(server: Server, tmp_path: Path):
    seen: list[tuple[int, int | None]] = []
    folder = tmp_path / "new" / "folder"
    path = weights.download(
        f"{server.address}/good", folder / "a.pth", PREFIX, lambda done, total: seen.append((done, total))
    )
    assert path.read_bytes() == BODY
    assert [done for done, _ in seen] == sorted({done for done, _ in seen})
    assert seen[-1] == (len(BODY), len(BODY))
    assert [file.name for file in folder.iterdir()] == ["a.pth"]


def test_download_works_when_the_server_does_not_say_how_long(server: Server, tmp_path: Path):
    seen: list[int | None] = []
    path = weights.download(
        f"{server.address}/nolength", tmp_path / "a.pth", PREFIX, lambda done, total: seen.append(total)
    )
    assert path.read_bytes() == BODY
    assert set(seen) == {None}


def test_damaged_file_is_replaced_and_a_right_one_is_kept(server: Server, tmp_path: Path):
    path = tmp_path / "a.pth"
    path.write_bytes(b"half a file")
    for _ in range(2):
        weights.download(f"{server.address}/good", path, PREFIX)
        assert path.read_bytes() == BODY
    assert server.requests == ["/good"]


@pytest.mark.parametrize(
    ("page", "prefix", "cause"),
    [
        ("good", "00000000", "127.0.0.1 sent another file (its checksum differs)"),
        ("missing", PREFIX, "127.0.0.1 does not have it (HTTP 404)"),
        ("busy", PREFIX, "127.0.0.1 refused (HTTP 503)"),
        ("short", PREFIX, "127.0.0.1 broke off after 1 MB of 3.07 MB"),
        ("stalls", PREFIX, "127.0.0.1 did not answer within 0.3 seconds"),
    ],
)
def test_failures_of_the_server(page: str, prefix: str, cause: str, server: Server, tmp_path: Path):
    path = tmp_path / "a.pth"
    timeout = 0.3 if page == "stalls" else 30
    text = sentence(weights.download, f"{server.address}/{page}", path, prefix, timeout=timeout)
    assert text == (
        f"a.pth is not on this computer and cannot be downloaded because {cause}. "
        f"Choose a model that needs no download, or copy the file a.pth into {tmp_path}."
    )
    assert is_empty(tmp_path)


def test_refused_connection(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with socket.socket() as bound:  # bound but not listening: nobody else can take the port
        bound.bind(("127.0.0.1", 0))
        text = sentence(weights.download, f"http://127.0.0.1:{bound.getsockname()[1]}/a", tmp_path / "a", PREFIX)
    assert "because 127.0.0.1 refused the connection. Choose a model" in text
    assert is_empty(tmp_path)


def test_unknown_name_means_no_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    def fail(*arguments: object, **options: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setattr(socket, "getaddrinfo", fail)
    text = sentence(weights.download, weights.PUBLISHED + "a.pth", tmp_path / "a.pth", PREFIX)
    assert "there is no network connection to download.pytorch.org (Name or service not known)" in text
    assert is_empty(tmp_path)


@pytest.mark.parametrize("url", ["file:///etc/hostname", "classroom:8000/a.pth", "a.pth", "http://127.0.0.1:port/"])
def test_addresses_that_are_none(url: str, tmp_path: Path):
    text = sentence(weights.download, url, tmp_path / "a.pth", PREFIX)
    assert text.startswith("a.pth is not on this computer and cannot be downloaded because ")
    assert is_empty(tmp_path)


def test_mirror_replaces_the_publisher(server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    for mirror in (server.address, server.address + "/"):
        monkeypatch.setenv("VIZ_WEIGHTS_URL", mirror)
        weights.download(weights.PUBLISHED + "good", tmp_path / "a.pth", PREFIX).unlink()
    weights.download(server.address + "/nolength", tmp_path / "a.pth", PREFIX)
    assert server.requests == ["/good", "/good", "/nolength"]


def test_progress_can_cancel(server: Server, tmp_path: Path):
    class StoppedByVisitor(BaseException):
        pass

    def stop(done: int, total: int | None) -> None:
        raise StoppedByVisitor

    with pytest.raises(StoppedByVisitor):
        weights.download(f"{server.address}/slow", tmp_path / "a.pth", PREFIX, stop)
    assert is_empty(tmp_path)
    server.go_on.set()
    assert weights.download(f"{server.address}/slow", tmp_path / "a.pth", PREFIX).read_bytes() == BODY


def test_an_error_of_the_progress_callback_is_not_taken_for_one_of_the_disk(server: Server, tmp_path: Path):
    def fail(done: int, total: int | None) -> None:
        raise ConnectionResetError("the visitor left")

    with pytest.raises(ConnectionResetError):
        weights.download(f"{server.address}/good", tmp_path / "a.pth", PREFIX, fail)
    assert is_empty(tmp_path)


def test_two_visitors_cost_one_download(server: Server, tmp_path: Path):
    waiting = threading.Event()
    seen: list[tuple[int, int | None]] = []

    def second(done: int, total: int | None) -> None:
        seen.append((done, total))
        waiting.set()

    url, path = f"{server.address}/slow", tmp_path / "a.pth"
    with ThreadPoolExecutor(2) as pool:
        started = threading.Event()
        one = pool.submit(weights.download, url, path, PREFIX, lambda done, total: started.set())
        assert started.wait(10)
        two = pool.submit(weights.download, url, path, PREFIX, second)
        assert waiting.wait(10), "whoever waits sees progress too"
        server.go_on.set()
        assert one.result(20) == two.result(20) == path
    assert server.requests == ["/slow"]
    assert path.read_bytes() == BODY
    assert seen[0][1] == len(BODY)
    assert [file.name for file in tmp_path.iterdir()] == ["a.pth"]


def test_when_the_first_visitor_gives_up_the_second_carries_on(server: Server, tmp_path: Path):
    started, give_up = threading.Event(), threading.Event()

    def first(done: int, total: int | None) -> None:
        started.set()
        give_up.wait(10)
        raise KeyboardInterrupt

    url, path = f"{server.address}/good", tmp_path / "a.pth"
    with ThreadPoolExecutor(2) as pool:
        one = pool.submit(weights.download, url, path, PREFIX, first)
        assert started.wait(10)
        two = pool.submit(weights.download, url, path, PREFIX)
        give_up.set()
        assert two.result(20).read_bytes() == BODY
        with pytest.raises(KeyboardInterrupt):
            one.result(20)
    assert server.requests == ["/good", "/good"]


# Disk


def test_full_disk_is_seen_before_the_download(server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    usage = shutil.disk_usage(tmp_path)._replace(free=len(BODY) + 1_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage)
    text = sentence(weights.download, f"{server.address}/good", tmp_path / "a.pth", PREFIX)
    assert f"a.pth needs 3.07 MB and {tmp_path} has only 4.07 MB free" in text
    assert "VIZ_WEIGHTS_DIR" in text
    assert is_empty(tmp_path)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_disk_that_fills_up_on_the_way(server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    part = tmp_path / f"a.pth.{os.getpid()}.part"
    part.symlink_to("/dev/full")  # every write there fails like one on a full disk
    text = sentence(weights.download, f"{server.address}/good", tmp_path / "a.pth", PREFIX)
    assert text.startswith(f"The disk became full while a.pth was saved in {tmp_path}. Make room, or set")
    assert is_empty(tmp_path)


def test_folder_that_cannot_be_made(server: Server, tmp_path: Path):
    (tmp_path / "file").write_text("in the way")
    path = tmp_path / "file" / "a.pth"
    text = sentence(weights.download, f"{server.address}/good", path, PREFIX)
    assert text.startswith(f"a.pth cannot be saved in {path.parent} (")
    assert "Set VIZ_WEIGHTS_DIR" in text
    assert server.requests == []


def test_folder_that_is_read_only(server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    tmp_path.chmod(0o500)
    if os.access(tmp_path, os.W_OK):  # the superuser may write anyway: let opening fail as it would

        def refuse(self: Path, mode: str) -> None:
            raise PermissionError(13, "Permission denied", str(self)) if mode == "wb" else FileNotFoundError

        monkeypatch.setattr(Path, "open", refuse)
    text = sentence(weights.download, f"{server.address}/good", tmp_path / "a.pth", PREFIX)
    assert text.startswith(f"a.pth cannot be saved in {tmp_path} (Permission denied). Set VIZ_WEIGHTS_DIR")
    tmp_path.chmod(0o700)
    assert is_empty(tmp_path)


# Open


def save(state: object, path: Path) -> str:
    torch.save(state, path)
    return hashlib.sha256(path.read_bytes()).hexdigest()[:8]


def test_torch_checkpoint(tmp_path: Path):
    path = tmp_path / "a.pth"
    state = weights.load_state_dict(path, save({"w": torch.ones(2), "b": torch.zeros(1)}, path))
    assert list(state) == ["w", "b"]
    assert state["w"].tolist() == [1, 1]


class Malicious:
    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple:
        return Path.touch, (self.target,)


@pytest.mark.parametrize("raw", [True, False], ids=["bare pickle", "checkpoint"])
def test_a_malicious_pickle_does_not_run(raw: bool, tmp_path: Path):
    target, path = tmp_path / "created", tmp_path / "a.pth"
    if raw:
        path.write_bytes(pickle.dumps(Malicious(target), protocol=2))
        pickle.loads(path.read_bytes())
        assert target.exists(), "the pickle must work for the test to mean something"
        target.unlink()
    else:
        torch.save({"w": Malicious(target)}, path)
    prefix = hashlib.sha256(path.read_bytes()).hexdigest()[:8]
    text = sentence(weights.load_state_dict, path, prefix)
    assert text.startswith("a.pth holds something else than weights and was not opened. Delete ")
    assert not target.exists()


@pytest.mark.parametrize("state", [torch.ones(3), {"w": 3}, [torch.ones(1)]], ids=["tensor", "number", "list"])
def test_only_named_tensors_are_weights(state: object, tmp_path: Path):
    path = tmp_path / "a.pth"
    assert "holds something else than weights" in sentence(weights.load_state_dict, path, save(state, path))


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize("content", [b"", b"not a checkpoint", BODY], ids=["empty", "text", "noise"])
def test_files_that_are_no_checkpoints(content: bytes, suffix: str, tmp_path: Path):
    path = tmp_path / f"a{suffix}"
    path.write_bytes(content)
    text = sentence(weights.load_state_dict, path, hashlib.sha256(content).hexdigest())
    assert "holds something else than weights" in text


def test_another_file_is_not_opened(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    path = tmp_path / "a.pth"
    save({"w": torch.ones(2)}, path)
    monkeypatch.setattr(torch, "load", lambda *arguments, **options: pytest.fail("opened before it was checked"))
    assert "is damaged, or another file" in sentence(weights.load_state_dict, path, "00000000")
