# What every run of a suite without engines has in common: where its data comes from, what its JSON and its heading say.
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import argparse
import datetime
import pathlib
import shlex
import sys
from typing import Any, Optional

from . import data, machine


def add_data(parser: argparse.ArgumentParser, kind: str = "auto") -> None:
    parser.add_argument("--data", choices=["auto", *data.KINDS], default=kind, help=f"see README.md (default {kind})")
    parser.add_argument("--rows", type=int, help="rows (default: by the data)")


def add_queries(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--queries", type=int, default=1000, help="queries (default 1000)")
    parser.add_argument("--seed", type=int, default=1, help="of the made data (default 1)")


def add_output(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--markdown", action="store_true", help="print the table as Markdown")
    parser.add_argument("--output", type=pathlib.Path, default=data.BENCHMARKS / "results", help="folder")


def run(suite: str, results: list[Any], dataset: Optional[data.Dataset] = None, **more: Any) -> dict[str, Any]:
    """What the JSON of a run holds."""
    found = {
        "schema": 1,
        "suite": suite,
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "command": shlex.join(["benchmarks/run", *sys.argv[1:]]),
        "machine": machine.describe(),
    }
    if dataset:
        found["data"] = {"name": dataset.name, "origin": dataset.origin, "n": dataset.n, "dim": dataset.dim}
    return {**found, **more, "results": results}


def heading(run: dict[str, Any]) -> str:
    """Where, when and by which command it was measured, below a line that says what."""
    about = run["machine"]
    return f"{about['cpu']}, {about['processors']} processors; {run['date']}\n{run['command']}"
