# What the checks of the binary contract share: where things are, how to run a tool, how to compare two lists.
# SPDX-License-Identifier: Apache-2.0
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HEADER = ROOT / "include/libvecstore.h"
LIBRARY = ROOT / "build/libvecstore.so"
CONSUMER = Path(__file__).resolve().parent / "consumer"


class Failure(Exception):
    """A check that did not hold; the text says what differs."""


def run(*command, **options):
    """Runs a tool and returns what it printed; a tool that fails is a failure of the check."""
    command = [str(part) for part in command]
    try:
        result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, **options)
    except FileNotFoundError:
        raise Failure(f"{command[0]} is not installed") from None
    if result.returncode != 0:
        raise Failure(f"{' '.join(command)}\nexit status {result.returncode}\n{result.stdout}{result.stderr}")
    return result.stdout


def expect_same(left_name, left, right_name, right):
    """Compares two sets of names both ways."""
    lines = [f"only in {left_name}: {name}" for name in sorted(set(left) - set(right))]
    lines += [f"only in {right_name}: {name}" for name in sorted(set(right) - set(left))]
    if lines:
        raise Failure("\n".join(lines))


def header_code():
    """The header without its comments."""
    return re.sub(r"/\*.*?\*/", "", HEADER.read_text(encoding="utf-8"), flags=re.DOTALL)


def header_version():
    """The version that the macros of the header give, as (major, minor, patch)."""
    return tuple(
        int(re.search(rf"^#define VECSTORE_VERSION_{part} (\d+)$", header_code(), re.MULTILINE).group(1))
        for part in ("MAJOR", "MINOR", "PATCH")
    )
