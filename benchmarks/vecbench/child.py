# The runner's end of an engine's process.
# SPDX-License-Identifier: Apache-2.0
"""Starts `vecbench.worker` in a fresh interpreter and talks to it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from typing import Any, Optional

from engines.base import Engine

from . import data

# What the libraries here read when they decide how many threads to start.
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECSTORE_THREADS",
)


class EngineFailed(Exception):
    """An engine refused, threw or died. The rest of the run goes on without it."""


class EngineNotAvailable(Exception):
    """What an engine needs is not here: not a failure."""


def environment(threads: int, more: Optional[dict[str, str]] = None) -> dict[str, str]:
    """The environment of a process that measures: libraries start so many threads, and vecstore is that of this tree."""
    variables = {**os.environ, **(more or {})}
    variables.update({name: str(threads) for name in THREAD_VARIABLES})
    paths = [
        str(data.BENCHMARKS),
        str(data.BENCHMARKS.parent / "bindings" / "python"),
        os.environ.get("PYTHONPATH"),
    ]
    variables["PYTHONPATH"] = os.pathsep.join(path for path in paths if path)
    return variables


def call(module: str, request: dict[str, Any], environment: dict[str, str]) -> dict[str, Any]:
    """What a module of this package says to a request in a process of its own: one JSON object each."""
    done = subprocess.run(
        [sys.executable, "-m", f"vecbench.{module}"],
        input=json.dumps(request),
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return dict(json.loads(done.stdout))


class Child:
    """One engine with one way to build it, in its own process with its own search threads."""

    def __init__(self, engine: type[Engine], settings: dict[str, Any], threads: int) -> None:
        self.engine = engine
        self.label = engine.label(settings)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "vecbench.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment(threads, engine.environment),
            text=True,
        )
        self.alive = True

    def call(self, command: str, **arguments: Any) -> dict[str, Any]:
        """Does one command of the worker and returns its result, or raises EngineFailed or EngineNotAvailable."""
        try:
            self._process.stdin.write(json.dumps({"command": command, **arguments}) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise EngineFailed(f"{command}: the process ended, {_how(self._process.wait())}")
        answer = json.loads(line)
        if "not_available" in answer:
            raise EngineNotAvailable(answer["not_available"])
        if "error" in answer:
            raise EngineFailed(f"{command}: {answer['error']}")
        return answer["ok"]

    def end(self) -> None:
        """Ends the process, whatever it does; nothing happens where it has ended."""
        self.alive = False
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.stdout.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _how(status: int) -> str:
    return f"killed by {signal.Signals(-status).name}" if status < 0 else f"with status {status}"
