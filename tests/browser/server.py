"""A server for one run of the tests, alone on the machine's loopback."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
HOST = "127.0.0.1"
START_S = 60


def free_port() -> int:
    """Give a port nobody listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


class Server:
    """A process that serves pages while the context lasts.

    Parameters
    ----------
    root : Path
        Its folder, where also its log goes.
    """

    name = "the server"
    alive = ""
    """The path that answers once it is up."""

    def __init__(self, root: Path) -> None:
        self.root, self.port, self.token = root, free_port(), secrets.token_hex(16)
        self.log = root / "server.log"

    def command(self) -> list[str]:
        """Give the words that start it."""
        raise NotImplementedError

    def environment(self) -> dict[str, str]:
        """Give what its environment has besides the tests' own."""
        return {}

    def url(self, path: str) -> str:
        """Give the address of something on this server."""
        return f"http://{HOST}:{self.port}/{path}"

    def __enter__(self):
        environment = {
            **os.environ,
            # Kernels make their data with the tests' own modules.
            "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])),
            **self.environment(),
        }
        self._out = self.log.open("w")
        self._process = subprocess.Popen(
            self.command(),
            cwd=self.root,
            env=environment,
            stdout=self._out,
            stderr=subprocess.STDOUT,
        )
        self._wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._out.close()

    def _wait(self) -> None:
        until = time.monotonic() + START_S
        while time.monotonic() < until:
            if self._process.poll() is not None:
                raise RuntimeError(f"{self.name} ended:\n{self.log.read_text()[-3000:]}")
            try:
                with urllib.request.urlopen(self.url(self.alive), timeout=1):
                    return
            except OSError:
                time.sleep(0.1)
        raise RuntimeError(f"{self.name} did not start:\n{self.log.read_text()[-3000:]}")
