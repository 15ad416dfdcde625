# What all tests share.
# SPDX-License-Identifier: Apache-2.0
import os
import pathlib

import numpy as np
import pytest

import vecstore


@pytest.fixture
def rng():
    return np.random.default_rng(7)


@pytest.fixture
def repository():
    return pathlib.Path(__file__).resolve().parents[3]


@pytest.fixture
def line():
    """Ten vectors (0, 0), (1, 0), ... (9, 0) with the ids 0 ... 9, under squared distance."""
    with vecstore.Index("flat", dim=2, metric="l2sq") as index:
        index.add([[x, 0] for x in range(10)])
        yield index


@pytest.fixture
def package_environment():
    """The environment of a child process that imports the same package as this one."""
    package = pathlib.Path(vecstore.__file__).resolve().parent
    return {**os.environ, "PYTHONPATH": str(package.parent)}


@pytest.fixture
def spots(tmp_path):
    """A collection of ten points, ids 0 ... 9 at (0, 0), (1, 0), ... (9, 0), with payloads, under squared distance."""
    with vecstore.Collection.create(tmp_path / "spots", dim=2, metric="l2sq") as collection:
        payloads = [
            {"n": n, "parity": "odd" if n % 2 else "even", "text": f"spot number {n}", "tags": ["a", "b", "c"][: n % 4]}
            for n in range(10)
        ]
        collection.upsert(range(10), [[n, 0] for n in range(10)], payloads)
        yield collection
