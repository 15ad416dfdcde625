# The engines that the benchmarks compare. Each file here but base.py has one library's.
# SPDX-License-Identifier: Apache-2.0
"""To add an engine, put a file here with a subclass of base.Engine (or base.GraphEngine) that has a `name`."""

from __future__ import annotations

import importlib
import pkgutil

from .base import Engine


def all_engines() -> dict[str, type[Engine]]:
    """Every engine by its name: those of this project first, then by name."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    found = [engine for engine in _descendants(Engine) if engine.name]
    return {engine.name: engine for engine in sorted(found, key=lambda engine: (not engine.ours, engine.name))}


def _descendants(parent: type[Engine]) -> list[type[Engine]]:
    return [found for child in parent.__subclasses__() for found in [child, *_descendants(child)]]
