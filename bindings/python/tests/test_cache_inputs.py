# What a semantic cache refuses, and how it says so.
# SPDX-License-Identifier: Apache-2.0
import datetime

import numpy as np
import pytest

import vecstore
from vecstore import RedisOptions, SemanticCache

Invalid = vecstore.InvalidArgumentError


@pytest.fixture
def small():
    with SemanticCache("memory:", namespace="n", dim=2) as cache:
        cache.set("a", "b", [1, 0])
        yield cache


@pytest.mark.parametrize(
    "options, error, words",
    [
        ({"dim": None}, Invalid, "dim is missing"),
        ({"dim": 0}, Invalid, "dim"),
        ({"dim": 65_537}, Invalid, "dim"),
        ({"dim": 2.0}, TypeError, "dim"),
        ({"namespace": ""}, Invalid, "namespace"),
        ({"namespace": "a b"}, Invalid, "namespace"),
        ({"namespace": "a{b}"}, Invalid, "namespace"),
        ({"namespace": "x" * 129}, Invalid, "namespace"),
        ({"namespace": "a\0b"}, Invalid, "namespace"),
        ({"namespace": b"n"}, TypeError, "namespace"),
        ({"model": None}, TypeError, "model"),
        ({"model": "a\nb"}, Invalid, "model"),
        ({"similarity_threshold": 1.01}, Invalid, "similarity_threshold"),
        ({"similarity_threshold": -1.01}, Invalid, "similarity_threshold"),
        ({"similarity_threshold": float("nan")}, Invalid, "similarity_threshold"),
        ({"similarity_threshold": "0.9"}, TypeError, "similarity_threshold"),
        ({"distance_threshold": -0.01}, Invalid, "distance_threshold"),
        ({"distance_threshold": 2.01}, Invalid, "distance_threshold"),
        ({"similarity_threshold": 0, "distance_threshold": 0}, Invalid, "give one of them"),
        ({"ttl": 0}, Invalid, "ttl"),
        ({"ttl": -1}, Invalid, "ttl"),
        ({"ttl": 0.0001}, Invalid, "ttl: expected a millisecond or more"),
        ({"ttl": float("nan")}, Invalid, "ttl"),
        ({"ttl": datetime.timedelta(0)}, Invalid, "ttl"),
        ({"ttl": "3600"}, TypeError, "ttl"),
        ({"ttl": True}, TypeError, "ttl"),
        ({"max_entries": 0}, Invalid, "max_entries"),
        ({"max_entries": 2**30}, Invalid, "max_entries"),
        ({"max_entries": None}, TypeError, "max_entries"),
        ({"max_bytes": 0}, Invalid, "max_bytes"),
        ({"eviction": "fifo"}, Invalid, "eviction: expected one of lru, lfu, cost"),
        ({"dtype": "int8"}, Invalid, "dtype: expected one of float32, float16"),
        ({"queue_limit": 0}, Invalid, "queue_limit"),
        ({"log_length": 2**32}, Invalid, "log_length"),
        ({"redis": {}}, TypeError, "redis: expected RedisOptions"),
        ({"encoder": 3}, TypeError, "encoder"),
        ({"url": 3}, TypeError, "url"),
        ({"url": ""}, Invalid, "URL"),
        ({"url": "a\0b"}, Invalid, "url"),
        ({"url": "http://localhost"}, Invalid, None),
    ],
    ids=str,
)
def test_refuses_options(options, error, words):
    options = {"url": "memory:", "namespace": "n", "dim": 2, **options}
    with pytest.raises(error, match=words):
        SemanticCache(options.pop("url"), **options)


def test_takes_the_ends_of_what_is_allowed():
    far = {"ttl": 10**12, "max_entries": 2**30 - 1, "max_bytes": 2**62, "queue_limit": 2**32 - 1, "log_length": 1}
    for options in ({"similarity_threshold": -1}, {"distance_threshold": 2}, far, {"ttl": vecstore.FOREVER}):
        with SemanticCache("memory:", namespace="x" * 128, dim=65_536, model="m" * 255, **options) as cache:
            assert len(cache) == 0


@pytest.mark.parametrize(
    "option, value, error",
    [
        ("connect_timeout", 0, Invalid),
        ("command_timeout", -1, Invalid),
        ("command_timeout", "5", TypeError),
        ("max_connections", 0, Invalid),
        ("max_connections", 10_001, Invalid),
        ("health_check_after", 0.0001, Invalid),
        ("breaker_failures", 0, Invalid),
        ("breaker_open_time", float("nan"), Invalid),
        ("cluster", 1, TypeError),
        ("tls_ca_file", 3, TypeError),
        ("tls_ca_file", "a\0b", Invalid),
        ("tls_server_name", b"host", TypeError),
    ],
)
def test_refuses_options_of_redis_where_they_are_written(option, value, error):
    with pytest.raises(error, match=option):
        RedisOptions(**{option: value})


@pytest.mark.parametrize(
    "entry, error, words",
    [
        ({"prompt": ""}, Invalid, "prompt: expected a text, got an empty one"),
        ({"prompt": None}, TypeError, "prompt: expected a string or bytes, got NoneType"),
        ({"prompt": "\ud800"}, Invalid, "prompt: text that is not Unicode"),
        ({"prompt": "x" * (2**20 + 1)}, vecstore.TooLargeError, "prompt"),
        ({"response": None}, TypeError, "response: expected a string or bytes, got NoneType"),
        ({"response": {"text": "b"}}, TypeError, "response"),
        ({"response": b"x" * (2**23 + 1)}, vecstore.TooLargeError, "response"),
        ({"vector": None}, Invalid, "vector: there is none, and the cache has no encoder"),
        ({"vector": [1, 2, 3]}, Invalid, "vector: expected shape"),
        ({"vector": [[1, 2], [3, 4]]}, Invalid, "vector: expected one, got 2"),
        ({"vector": ["a", "b"]}, TypeError, "vector"),
        ({"vector": [1, np.nan]}, vecstore.NotFiniteError, None),
        ({"vector": [1e39, 0]}, vecstore.NotFiniteError, None),
        ({"vector": [0, 0]}, vecstore.ZeroVectorError, None),
        ({"metadata": [1]}, TypeError, "metadata"),
        ({"metadata": [{}]}, TypeError, "metadata"),
        ({"metadata": 3}, TypeError, "metadata"),
        ({"metadata": "{"}, Invalid, "metadata"),
        ({"metadata": "[]"}, Invalid, "metadata"),
        ({"metadata": {"n": float("nan")}}, Invalid, "metadata"),
        ({"metadata": {"x": "y" * 2**17}}, vecstore.TooLargeError, "metadata"),
        ({"ttl": 0}, Invalid, "ttl"),
        ({"ttl": "1"}, TypeError, "ttl"),
        ({"ttl": [1]}, TypeError, "ttl"),
        ({"cost": [1]}, TypeError, "cost"),
        ({"cost": 0}, Invalid, "cost"),
        ({"cost": -1}, Invalid, "cost"),
        ({"cost": float("inf")}, Invalid, "cost"),
        ({"cost": "1"}, TypeError, "cost"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_refuses_entries(small, entry, error, words):
    with pytest.raises(error, match=words):
        small.set(**{"prompt": "p", "response": "r", "vector": [1, 0], **entry})
    assert len(small) == 1


@pytest.mark.parametrize(
    "columns, error, words",
    [
        ({"prompts": "ab"}, TypeError, "prompts: expected a list, got str"),
        ({"prompts": ["a", ""]}, Invalid, r"prompts\[1\]"),
        ({"prompts": ["a", 3]}, TypeError, r"prompts\[1\]"),
        ({"prompts": ["a", "\ud800"]}, Invalid, r"prompts\[1\]"),
        ({"responses": ["r"]}, Invalid, "responses: expected 2, one for each prompt, got 1"),
        ({"responses": ["r", None]}, TypeError, r"responses\[1\]"),
        ({"vectors": None}, Invalid, "vectors: there is none"),
        ({"vectors": [1, 0]}, Invalid, "vectors: expected 2, one for each prompt, got 1"),
        ({"vectors": [[1, 0], [0, 0]]}, vecstore.ZeroVectorError, "1"),
        ({"metadata": [{}]}, Invalid, "metadata: expected 2"),
        ({"metadata": [{}, "["]}, Invalid, "1"),
        ({"metadata": [{}, 3]}, TypeError, r"metadata\[1\]"),
        ({"ttl": [1]}, Invalid, "ttl: expected 2"),
        ({"ttl": [1, 0]}, Invalid, r"ttl\[1\]"),
        ({"cost": [1, "x"]}, TypeError, r"cost\[1\]"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_refuses_columns_and_says_which_entry(small, columns, error, words):
    with pytest.raises(error, match=words):
        small.set_many(**{"prompts": ["a", "b"], "responses": ["r", "r"], "vectors": [[1, 0], [0, 1]], **columns})
    assert len(small) == 1 and small.get("a").response == "b"


@pytest.mark.parametrize(
    "query, error, words",
    [
        ({}, Invalid, None),
        ({"prompt": "a", "tiers": "semantic"}, Invalid, None),
        ({"vector": [1, 0], "tiers": "exact"}, Invalid, None),
        ({"prompt": ""}, Invalid, "prompt"),
        ({"prompt": 3}, TypeError, "prompt"),
        ({"vector": [1]}, Invalid, "vector"),
        ({"vector": [[1, 0], [0, 1]]}, Invalid, "vector: expected one, got 2"),
        ({"vector": [np.inf, 0]}, vecstore.NotFiniteError, None),
        ({"vector": [0, 0]}, vecstore.ZeroVectorError, None),
        ({"vector": [1, 0], "threshold": 1.5}, Invalid, "threshold"),
        ({"vector": [1, 0], "threshold": np.nan}, Invalid, "threshold"),
        ({"vector": [1, 0], "distance": 2.5}, Invalid, "distance"),
        ({"vector": [1, 0], "threshold": 0, "distance": 0}, Invalid, "give one of them"),
        ({"vector": [1, 0], "k": 0}, Invalid, "k"),
        ({"vector": [1, 0], "k": 1001}, Invalid, "k"),
        ({"vector": [1, 0], "tiers": "fuzzy"}, Invalid, "tiers: expected one of both, exact, semantic"),
        ({"vector": [1, 0], "tiers": None}, TypeError, "tiers"),
        ({"vector": [1, 0], "filter": "{"}, Invalid, "filter"),
        ({"vector": [1, 0], "filter": {"must": [{"wrong": 1}]}}, Invalid, None),
        ({"vector": [1, 0], "filter": 3}, TypeError, "filter"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_refuses_queries(small, query, error, words):
    with pytest.raises(error, match=words):
        small.get(**query)
    assert small.get("a") is not None


def test_refuses_what_is_no_id(small):
    for bad in ("", "xyz", "0" * 31, "0" * 33, ["0" * 32, "g" * 32], "0\0"):
        with pytest.raises(Invalid):
            small.delete(bad)
        if isinstance(bad, str):
            with pytest.raises(Invalid):
                small.feedback(bad)
    for bad in (3, None, [3]):
        with pytest.raises(TypeError):
            small.delete(bad)
    with pytest.raises(TypeError):
        small.feedback(None)
    with pytest.raises(Invalid):
        small.feedback("0" * 32, vector=[1, 2, 3])
    with pytest.raises(vecstore.NotFoundError):
        small.feedback("0" * 32)


def test_deleting_by_no_filter_is_refused(small):
    with pytest.raises(TypeError, match="{} matches all"):
        small.delete_where(None)
    with pytest.raises(Invalid):
        small.delete_where("{")
    assert len(small) == 1


def test_flush_takes_a_time(small):
    for bad in (0, -1, float("nan")):
        with pytest.raises(Invalid, match="timeout"):
            small.flush(bad)
    with pytest.raises(TypeError, match="timeout"):
        small.flush("1")


def test_a_wrong_call_changes_nothing_and_is_counted(small):
    for _ in range(3):
        with pytest.raises(Invalid):
            small.get(vector=[1, 0], filter="{")
    assert small.stats().failures == 3 and small.stats().hit_rate == 0
