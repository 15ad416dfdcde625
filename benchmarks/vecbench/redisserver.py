# A redis-server that lives as long as a measurement.
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
import time
from typing import Any

import redis


class RedisServer:
    """A server of its own on a free port of the loopback device, without persistence."""

    def __init__(self) -> None:
        program = shutil.which("redis-server")
        if program is None:
            raise SystemExit("benchmarks: redis-server is missing. On Debian: apt-get install redis-server")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"redis://127.0.0.1:{port}"
        self._folder = tempfile.TemporaryDirectory()
        command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", self._folder.name]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        self._client = redis.Redis(port=port)
        for _ in range(500):
            try:
                self._client.ping()
                break
            except redis.ConnectionError:
                time.sleep(0.01)

    def commands(self) -> int:
        """Commands that clients have sent so far, without those that this counts by."""
        counts = self._client.info("commandstats")
        return sum(one["calls"] for name, one in counts.items() if name not in _NOT_COUNTED)

    def used_memory(self) -> int:
        return int(self._client.info("memory")["used_memory"])

    def __enter__(self) -> RedisServer:
        return self

    def __exit__(self, *_: Any) -> None:
        self._client.close()
        self._process.kill()
        self._process.wait()
        self._folder.cleanup()


# The counting itself, and followers that wait for changes: both go on whether anybody looks something up or not.
_NOT_COUNTED = ("cmdstat_info", "cmdstat_xread", "cmdstat_ping")
