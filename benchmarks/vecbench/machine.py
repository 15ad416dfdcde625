# What the benchmarks ran on.
# SPDX-License-Identifier: Apache-2.0
"""A description of the machine, for the results."""

from __future__ import annotations

import os
import platform
from typing import Any

# Flags that decide which code an engine may run.
FLAGS_OF_NOTE = (
    "sse4_2 avx f16c fma avx2 avx_vnni avx512f avx512bw avx512vl avx512_vnni avx512_vpopcntdq avx512_bf16 avx512_fp16 "
    "amx_tile amx_int8 amx_bf16 asimd asimddp asimdhp bf16 i8mm sve sve2"
).split()

# Settings of the environment that change what the engines do.
_VARIABLES = (
    "OMP_",
    "GOMP_",
    "OPENBLAS_",
    "MKL_",
    "BLIS_",
    "VECSTORE_",
    "FAISS_",
    "NUMPY_",
    "MALLOC_",
    "GLIBC_TUNABLES",
)


def processor_flags() -> list[str]:
    """All the flags of the first processor."""
    for line in _lines("/proc/cpuinfo"):
        name, _, value = line.partition(":")
        if name.strip().lower() in ("flags", "features"):
            return value.split()
    return []


def describe() -> dict[str, Any]:
    """The machine, as it goes into the JSON."""
    flags = set(processor_flags())
    return {
        "cpu": _cpu_model(),
        "architecture": platform.machine(),
        "flags": [flag for flag in FLAGS_OF_NOTE if flag in flags],
        "hypervisor": "hypervisor" in flags,
        "processors": len(os.sched_getaffinity(0)),
        "caches": _caches(),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "transparent_hugepage": _first("/sys/kernel/mm/transparent_hugepage/enabled"),
        "kernel": platform.release(),
        "system": _system_name(),
        "python": platform.python_version(),
        "environment": {name: value for name, value in sorted(os.environ.items()) if name.startswith(_VARIABLES)},
    }


def _lines(path: str) -> list[str]:
    try:
        with open(path) as file:
            return file.read().splitlines()
    except OSError:
        return []


def _first(path: str) -> str:
    return next(iter(_lines(path)), "")


def _cpu_model() -> str:
    """The name, with the family and model that tell apart processors whose name a hypervisor cut short."""
    fields: dict[str, str] = {}
    for line in _lines("/proc/cpuinfo"):
        name, _, value = line.partition(":")
        fields.setdefault(name.strip(), value.strip())
    name = fields.get("model name", platform.machine())
    if "cpu family" in fields:
        name += f" (family {fields['cpu family']}, model {fields.get('model', '?')})"
    return name


def _caches() -> list[str]:
    found = []
    for i in range(8):
        place = f"/sys/devices/system/cpu/cpu0/cache/index{i}"
        level, kind, size = (_first(f"{place}/{name}") for name in ("level", "type", "size"))
        if level and kind != "Instruction":
            found.append(f"L{level} {size}")
    return found


def _system_name() -> str:
    for line in _lines("/etc/os-release"):
        if line.startswith("PRETTY_NAME="):
            return line.partition("=")[2].strip('"')
    return platform.system()
