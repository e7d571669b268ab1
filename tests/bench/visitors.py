"""Visitors without a browser: a websocket each, the messages of Streamlit's own front end, nothing drawn."""

import asyncio
import os
import random
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState

PATIENCE = 120  # seconds to wait for the end of a run


class Server:
    """`streamlit run dashboard.py` of a checkout, on a free port of this computer; ended by `close`."""

    def __init__(self, root: Path, port: int) -> None:
        self.address = f"127.0.0.1:{port}"
        command = [sys.executable, "-m", "streamlit", "run", "dashboard.py", "--server.headless", "true",
                   "--server.port", str(port), "--server.fileWatcherType", "none"]  # fmt: skip
        self._process = subprocess.Popen(
            command, cwd=root, env=os.environ | {"PYTHONPATH": str(root)}, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        deadline = time.monotonic() + 60
        while not self._answers():
            if time.monotonic() > deadline or self._process.poll() is not None:
                self.close()
                raise TimeoutError("The dashboard did not start.")
            time.sleep(0.1)

    @property
    def pid(self) -> int:
        return self._process.pid

    def _answers(self) -> bool:
        try:
            return urllib.request.urlopen(f"http://{self.address}/_stcore/health", timeout=2).status == 200
        except OSError:
            return False

    def megabytes(self) -> float:
        """Resident memory."""
        for line in Path(f"/proc/{self._process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        return float("nan")

    def processor_seconds(self) -> float:
        """Processor time used so far, all threads."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def close(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()


class Visitor:
    """One connection, and what it has been shown."""

    def __init__(self, address: str, seed: int, together: float = 0.8) -> None:
        self.random, self.together = random.Random(seed), together
        self.errors: list[str] = []
        self._address = address
        self._socket = None
        self._boxes: dict[str, tuple[str, list[str]]] = {}  # key of a select box -> (id of the widget, its options)
        self._next = ""  # id of the button for the next picture
        self._page, self._pages = "", {}

    async def open(self, page: str = "") -> float:
        """Connect and open a page by its address; seconds until it is finished."""
        start = time.perf_counter()
        self._socket = await websockets.connect(
            f"ws://{self._address}/_stcore/stream", subprotocols=["streamlit"], compression=None, max_size=None
        )
        await self._run(page_name=page)
        return time.perf_counter() - start

    async def choose(self, key: str) -> float:
        """Another option of a select box: mostly one of the first, as in a class that follows a lecture."""
        name, options = self._boxes[key]
        few = self.random.random() < self.together
        widget = WidgetState(id=name, string_value=self.random.choice(options[:5] if few else options))
        return await self._run(widget)

    async def go(self, page: str) -> float:
        """To another page by its link."""
        self._page = self._pages[page]
        return await self._run()

    async def act(self) -> tuple[str, float]:
        """Something a student would do next, and the seconds it took."""
        kind = self.random.choices(["class", "picture", "page"], [4, 3, 3])[0]
        if kind == "page":
            page = self.random.choice([name for name in self._pages if name and self._pages[name] != self._page])
            return page, await self.go(page)
        if kind == "class" and "class" in self._boxes:  # not on every page
            return kind, await self.choose("class")
        return "picture", await self._run(WidgetState(id=self._next, trigger_value=True))

    async def close(self) -> None:
        if self._socket is not None:
            await self._socket.close()

    async def _run(self, *widgets: WidgetState, page_name: str = "") -> float:
        """Ask for a run of the script and take in what comes until it is finished."""
        message = BackMsg()
        message.rerun_script.page_script_hash = self._page
        message.rerun_script.page_name = page_name
        message.rerun_script.widget_states.widgets.extend(widgets)
        start = time.perf_counter()
        await self._socket.send(message.SerializeToString())
        while not self._take(ForwardMsg.FromString(await self._receive(start))):
            pass
        return time.perf_counter() - start

    async def _receive(self, start: float) -> bytes:
        left = PATIENCE - (time.perf_counter() - start)
        return await asyncio.wait_for(self._socket.recv(), max(0.1, left))

    def _take(self, message: ForwardMsg) -> bool:
        """Remember what matters of a message; whether it was the last of a run."""
        kind = message.WhichOneof("type")
        if kind == "navigation":
            self._pages = {page.url_pathname: page.page_script_hash for page in message.navigation.app_pages}
            self._page = message.navigation.page_script_hash
        elif kind == "page_not_found":
            self.errors.append(f"no such page: {message.page_not_found.page_name}")
        elif kind == "delta":
            self._see(message.delta.new_element)
        elif kind == "script_finished":
            if message.script_finished == ForwardMsg.FINISHED_WITH_COMPILE_ERROR:
                self.errors.append("a file could not be compiled")
            return message.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN
        return False

    def _see(self, element) -> None:
        kind = element.WhichOneof("type")
        if kind == "exception":
            self.errors.append(f"{element.exception.type}: {element.exception.message}")
        elif kind == "selectbox":
            box = element.selectbox
            self._boxes[box.id.rpartition("-")[2]] = box.id, list(box.options)
        elif kind == "button" and element.button.id.endswith("-next_picture"):
            self._next = element.button.id
