# Caches in Redis: several processes, a server that is away, secrets, metrics.
# SPDX-License-Identifier: Apache-2.0
import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families
from redis_server import RedisServer, free_port
from reference import direction

import vecstore
from vecstore import RedisOptions, SemanticCache

QUICK = RedisOptions(connect_timeout=0.3, command_timeout=0.3, breaker_failures=2, breaker_open_time=0.1)


def soon(condition, seconds=10):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.005)


def opened(server, namespace="n", **options):
    return SemanticCache(getattr(server, "url", server), **{"namespace": namespace, "dim": 2, "redis": QUICK, **options})


# ----------------------------------------------------------------------------------------------------------------------
# Sharing
# ----------------------------------------------------------------------------------------------------------------------

OTHER = """
    import sys
    import vecstore

    with vecstore.SemanticCache(sys.argv[1], namespace=sys.argv[2], dim=2) as cache:
        assert cache.get("x", [1, 0.01]).response == "of the first"
        cache.set("of the second", "2", [0, 1], {"n": 2})
        cache.delete_where({"must": [{"key": "n", "match": {"value": 1}}]})
"""


def test_processes_share_entries(shared_redis, namespace, package_environment):
    with opened(shared_redis, namespace) as cache:
        cache.set("a", "of the first", [1, 0], {"n": 1})
        command = [sys.executable, "-c", textwrap.dedent(OTHER), shared_redis.url, namespace]
        ran = subprocess.run(command, env=package_environment, capture_output=True, text=True, timeout=60)
        assert (ran.returncode, ran.stderr) == (0, "")
        soon(lambda: cache.get(vector=[0.01, 1]) is not None and cache.get("a") is None)
        assert cache.get("of the second").metadata == {"n": 2}


def test_namespaces_know_nothing_of_each_other(shared_redis, namespace):
    with opened(shared_redis, namespace) as one, opened(shared_redis, namespace + "-other") as other:
        one.set("a", "1", direction(0))
        time.sleep(0.1)
        assert other.get("a", direction(0)) is None and other.clear() == 0
        assert one.get("a") is not None


def test_a_miss_asks_nobody_and_a_hit_asks_once(redis):
    with opened(redis) as cache, opened(redis, "kept", keep_responses=True) as kept:
        for each in (cache, kept):
            each.set("a", "1", direction(0))

        def asked(call):
            # Of the commands that lookups may use; followers wait for their streams all the time.
            redis.command("config", "resetstat")
            for _ in range(100):
                call()
            lines = redis.command("info", "commandstats").splitlines()
            counts = {line.split(":")[0][8:]: int(line.split("calls=")[1].split(",")[0]) for line in lines if "calls=" in line}
            return sum(count for name, count in counts.items() if name in ("hget", "hmget", "hgetall", "get", "evalsha"))

        assert asked(lambda: cache.get("x", direction(90))) < 10
        assert 100 <= asked(lambda: cache.get("a")) < 110
        assert asked(lambda: kept.get("a")) < 10


def test_where_the_server_is_may_come_from_the_environment(shared_redis, namespace, monkeypatch):
    for name in ("REDIS_HOST", "REDIS_PORT", "REDIS_DB", "REDIS_USERNAME", "REDIS_PASSWORD", "REDIS_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("REDIS_URL", shared_redis.url)
    with SemanticCache(namespace=namespace, dim=2) as cache:
        cache.set("a", "1", direction(0))
        cache.flush()
    monkeypatch.delenv("REDIS_URL")
    monkeypatch.setenv("REDIS_PORT", str(shared_redis.port))
    with SemanticCache(None, namespace=namespace, dim=2) as cache:
        assert cache.get("a").response == "1"


# ----------------------------------------------------------------------------------------------------------------------
# A server that is away
# ----------------------------------------------------------------------------------------------------------------------


def test_lookups_go_on_while_the_server_is_away(redis):
    with opened(redis, keep_responses=True) as cache:
        cache.set("a", "1", direction(0))
        redis.kill()
        for _ in range(20):
            assert cache.get("x", direction(3)).response == "1"
        cache.set("b", "2", direction(90))
        assert cache.get("b").response == "2", "it waits for the server"
        with pytest.raises(vecstore.UnavailableError):
            cache.flush(timeout=0.1)
        assert cache.health()["status"] == "degraded"
        redis.start()
        cache.flush(timeout=20)
        assert cache.get("b").response == "2"
        soon(lambda: cache.health()["status"] == "ok")


def test_hits_whose_responses_are_away_are_misses(redis):
    with opened(redis) as cache:
        cache.set("a", "1", direction(0))
        redis.pause()
        began = time.monotonic()
        assert cache.get("a") is None
        assert time.monotonic() - began < 5
        redis.resume()
        soon(lambda: cache.get("a") is not None)


def test_a_cache_that_fails_closed_says_so(redis):
    with opened(redis, fail_closed=True) as cache:
        cache.set("a", "1", direction(0))
        redis.kill()
        with pytest.raises(vecstore.UnavailableError):
            cache.get("a")
        with pytest.raises(vecstore.UnavailableError):
            cache.get_or_set("b", str, vector=direction(90))
        with pytest.raises(vecstore.UnavailableError):
            opened(redis, "other", fail_closed=True)
        redis.start()
        soon(lambda: _answers(cache))


def _answers(cache):
    try:
        return cache.stats() and cache.get("a") is None or True
    except vecstore.UnavailableError:
        return False


def test_opens_empty_without_a_server_and_fills_when_there_is_one(redis):
    with opened(redis) as cache:
        cache.set("a", "1", direction(0))
        redis.kill()
        redis.start()
        cache.set("b", "2", direction(90))
        cache.flush(20)
        redis.pause()
        with opened(redis) as other:
            assert len(other) == 0
            redis.resume()
            soon(lambda: other.get("b") is not None)


def test_a_program_goes_on_where_nothing_can_be_set(redis):
    with opened(redis, queue_limit=1) as cache:
        redis.kill()
        made = [cache.get_or_set(str(n), lambda prompt: prompt * 2, vector=direction(40 * n)) for n in range(5)]
        assert made == ["00", "11", "22", "33", "44"]
        with pytest.raises(vecstore.UnavailableError):
            for n in range(5):
                cache.set(str(n), "", direction(10 * n))
        assert cache.stats().store_errors > 0 and cache.stats().last_error is not None
        redis.start()
        cache.flush(20)


# ----------------------------------------------------------------------------------------------------------------------
# Secrets
# ----------------------------------------------------------------------------------------------------------------------


def test_passwords_are_in_nothing_that_is_told(tmp_path):
    server = RedisServer(tmp_path, "--requirepass", "hunter2")
    try:
        right = f"redis://:hunter2@127.0.0.1:{server.port}"
        with SemanticCache(right, namespace="n", dim=2) as cache:
            cache.set("a", "1", direction(0))
            told = [repr(cache), str(vars(cache)), cache.metrics(), str(cache.health()), str(cache.stats())]
        told.append(repr(cache))
        for url, fail_closed in ((right[:-1], True), (right.replace("hunter2", "hunter23"), True)):
            with pytest.raises(vecstore.Error) as caught:
                SemanticCache(url, namespace="n", dim=2, fail_closed=fail_closed, redis=QUICK)
            told += [str(caught.value), repr(caught.value)]
        for url in (right + "/x", "redis://hunter2@[", f"redis://:hunter2@127.0.0.1:{free_port()}x"):
            with pytest.raises(vecstore.Error) as caught:
                SemanticCache(url, namespace="n", dim=2)
            told += [str(caught.value), repr(caught.value)]
        assert not any("hunter2" in text for text in told)
    finally:
        server.kill()


# ----------------------------------------------------------------------------------------------------------------------
# TLS
# ----------------------------------------------------------------------------------------------------------------------


def openssl(directory, command):
    subprocess.run(["openssl", *command.split()], cwd=directory, check=True, capture_output=True, timeout=60)


@pytest.fixture
def certificates(tmp_path):
    """An authority, and a server's certificate and key."""
    directory = tmp_path / "certificates"
    directory.mkdir()
    (directory / "names").write_text("subjectAltName=IP:127.0.0.1\n")
    openssl(directory, "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=authority -keyout ca.key -out ca.crt")
    openssl(directory, "req -newkey rsa:2048 -nodes -subj /CN=server -keyout server.key -out server.csr")
    openssl(directory, "x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile names -out server.crt")
    return directory


def test_tls_trusts_the_authority_that_is_named(tmp_path, certificates):
    tls_port = free_port()
    arguments = ["--tls-port", tls_port, "--tls-auth-clients", "no"]
    for option, name in (("cert", "server.crt"), ("key", "server.key"), ("ca-cert", "ca.crt")):
        arguments += [f"--tls-{option}-file", certificates / name]
    server = RedisServer(tmp_path, *map(str, arguments))
    url = f"rediss://127.0.0.1:{tls_port}"
    try:
        trusting = RedisOptions(tls_ca_file=certificates / "ca.crt")
        with SemanticCache(url, namespace="n", dim=2, fail_closed=True, redis=trusting) as cache:
            cache.set("a", "1", direction(0))
        with pytest.raises(vecstore.VecstoreIOError, match="certificate"):
            SemanticCache(url, namespace="n", dim=2, fail_closed=True)
        blind = RedisOptions(tls_verify=False)
        with SemanticCache(url, namespace="n", dim=2, fail_closed=True, redis=blind) as cache:
            assert cache.get("a").response == "1"
    finally:
        server.kill()


# ----------------------------------------------------------------------------------------------------------------------
# Metrics
# ----------------------------------------------------------------------------------------------------------------------


def samples(text):
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_metrics_of_several_caches_come_in_one_text(shared_redis, namespace, tmp_path):
    with opened(shared_redis, namespace) as one, opened(tmp_path / "c", "other") as other:
        one.set("a", "1", direction(0))
        one.get("a")
        found = samples(vecstore.cache_metrics([one, other]))
        labels = (("namespace", namespace), ("result", "exact"), ("store", "redis"))
        assert found["vecstore_cache_lookups_total", *labels] == 1
        assert found["vecstore_cache_entries", ("namespace", "other"), ("store", "directory")] == 0
        assert found.items() >= {k: v for k, v in samples(one.metrics()).items() if k[0] == "vecstore_cache_entries"}.items()
        assert vecstore.cache_metrics([]) == ""
        with pytest.raises(vecstore.InvalidArgumentError, match=namespace):
            vecstore.cache_metrics([one, one])
        with pytest.raises(TypeError, match=r"caches\[1\]"):
            vecstore.cache_metrics([one, 1])
