# What all tests share.
# SPDX-License-Identifier: Apache-2.0
import itertools
import os
import pathlib

import numpy as np
import pytest
from redis_server import RedisServer

import vecstore

_namespaces = map("test-{}".format, itertools.count())


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


@pytest.fixture(scope="session")
def shared_redis(tmp_path_factory):
    """A server for all tests that leave it as it is; each has a namespace of its own."""
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    yield server
    server.kill()


@pytest.fixture
def redis(tmp_path):
    """A server of one's own."""
    server = RedisServer(tmp_path)
    yield server
    server.resume()
    server.kill()


@pytest.fixture
def namespace():
    return next(_namespaces)


@pytest.fixture(params=["memory", "directory", "redis"])
def place(request, tmp_path):
    """Where entries may live: the URL of each kind."""
    if request.param == "redis":
        return request.getfixturevalue("shared_redis").url
    return "memory:" if request.param == "memory" else str(tmp_path / "cache")


@pytest.fixture
def cache(place, namespace):
    """An empty cache of vectors of two elements, in each kind of place."""
    with vecstore.SemanticCache(place, namespace=namespace, dim=2) as opened:
        yield opened
