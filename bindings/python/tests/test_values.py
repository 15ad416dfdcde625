# Values by exact keys and tokens by keys, wherever they live.
# SPDX-License-Identifier: Apache-2.0
import datetime
import os
import pickle
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from prometheus_client.parser import text_string_to_metric_families

import vecstore
from vecstore import FOREVER, RateLimiter, RedisOptions, ValueCache

Invalid = vecstore.InvalidArgumentError
QUICK = RedisOptions(connect_timeout=0.3, command_timeout=0.3, breaker_failures=2, breaker_open_time=0.1)


@pytest.fixture
def values(place, namespace):
    with ValueCache(place, namespace=namespace) as opened:
        yield opened


def test_keeps_bytes_by_keys(values):
    raw = bytes(range(256)) * 5
    values.set("a", b"1")
    values.set(raw, raw)
    values.set("größer", "größer")
    values.set("empty", b"")
    assert values.get("a") == b"1" == values.get(b"a")
    assert values.get(raw) == raw
    assert values.get("größer") == "größer".encode()
    assert values.get("empty") == b"" and values.get("b") is None


def test_takes_and_gives_many_at_once(values):
    keys = [f"key {i}" for i in range(500)]
    values.set_many(keys, [f"value {i}" for i in range(500)])
    assert values.get_many(["none", *reversed(keys)]) == [None, *(f"value {i}".encode() for i in reversed(range(500)))]
    values.set_many(["a", "a"], ["1", "2"])
    assert values.get("a") == b"2"
    values.set_many([], [])
    assert values.get_many([]) == []


def test_a_value_has_an_end(place, namespace):
    with ValueCache(place, namespace=namespace, ttl=0.05) as values:
        values.set("a", "1")
        values.set("b", "2", ttl=FOREVER)
        values.set("c", "3", ttl=60)
        assert values.get("a") == b"1"
        time.sleep(0.07)
        assert values.get_many([*"abc"]) == [None, b"2", b"3"]


def test_deletes_and_clears(values):
    values.set_many([*"abcd"], [*"1234"])
    assert values.delete("a") == 1 and values.delete(["a", "b"]) == 1 and values.delete([]) == 0
    assert values.clear() == 2 and values.get("c") is None


def test_counts_what_was_done(values):
    values.set("a", "1")
    values.get_many(["a", "b"])
    stats = values.stats()
    assert (stats.hits, stats.misses, stats.sets, stats.hit_rate) == (1, 1, 1, 0.5)
    assert stats.last_error is None and values.health() == {"status": "ok", "reasons": []}
    assert "vecstore_value" in values.metrics()
    assert repr(values).startswith("<vecstore.ValueCache 'test-")


def test_a_directory_and_a_redis_keep_what_memory_forgets(place, namespace):
    with ValueCache(place, namespace=namespace) as values:
        values.set("a", "1")
    with ValueCache(place, namespace=namespace) as again:
        assert again.get("a") == (None if place == "memory:" else b"1")


@pytest.mark.parametrize(
    "options, error, words",
    [
        ({"namespace": "a b"}, Invalid, "namespace"),
        ({"namespace": 3}, TypeError, "namespace"),
        ({"ttl": 0}, Invalid, "ttl"),
        ({"max_entries": 0}, Invalid, "max_entries"),
        ({"max_bytes": 0}, Invalid, "max_bytes"),
        ({"local_bytes": -1}, Invalid, "local_bytes"),
        ({"local_ttl": 0}, Invalid, "local_ttl"),
        ({"redis": 3}, TypeError, "redis"),
        ({"url": 3}, TypeError, "url"),
    ],
    ids=str,
)
def test_refuses_options(options, error, words):
    options = {"url": "memory:", "namespace": "n", **options}
    with pytest.raises(error, match=words):
        ValueCache(options.pop("url"), **options)


def test_refuses_what_is_no_key_or_value(values):
    for call in (lambda key: values.get(key), lambda key: values.set(key, "1"), lambda key: values.delete([key])):
        with pytest.raises(Invalid):
            call("")
        with pytest.raises(TypeError):
            call(3)
        with pytest.raises(vecstore.TooLargeError):
            call("x" * (2**20 + 1))
    with pytest.raises(TypeError, match="value"):
        values.set("a", None)
    with pytest.raises(TypeError, match="keys: expected a list"):
        values.get_many("abc")
    with pytest.raises(Invalid, match="values: expected 2, one for each key, got 1"):
        values.set_many(["a", "b"], ["1"])
    with pytest.raises(Invalid, match="ttl"):
        values.set("a", "1", ttl=0)


def test_goes_on_while_redis_is_away(redis, namespace):
    with ValueCache(redis.url, namespace=namespace, redis=QUICK) as values:
        values.set("a", "1")
        redis.kill()
        assert values.get("a") is None
        values.set("b", "2")
        stats = values.stats()
        assert stats.unanswered == 1 and stats.dropped == 1 and stats.last_error is not None
    with pytest.raises(vecstore.UnavailableError):
        ValueCache(redis.url, namespace=namespace, redis=QUICK, fail_closed=True).get("a")
    redis.start()


def test_a_closed_one_refuses_every_use(values):
    values.close()
    values.close()
    uses = [values.stats, values.metrics, values.clear, values.__enter__]
    uses += [lambda: values.get("a"), lambda: values.set("a", "1"), lambda: values.delete("a"), lambda: values.get_many([])]
    for use in uses:
        with pytest.raises(vecstore.InvalidHandleError, match="^the cache is closed$"):
            use()
    assert values.closed and values.health()["status"] == "failed"
    with pytest.raises(TypeError, match="ValueCache cannot be pickled"):
        pickle.dumps(values)


def test_a_forked_child_is_told_so(values):
    child = os.fork()
    if child == 0:
        try:
            values.get("a")
        except vecstore.InvalidHandleError:
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    values.set("a", "1")
    assert values.get("a") == b"1"


def test_threads_find_what_they_have_set(values):
    def work(n):
        for i in range(50):
            values.set(f"{n}-{i}", f"{n}-{i}")
            assert values.get(f"{n}-{i}") == f"{n}-{i}".encode()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))


# ----------------------------------------------------------------------------------------------------------------------
# Rate limiters
# ----------------------------------------------------------------------------------------------------------------------


@pytest.fixture(params=["memory", "redis"])
def bucket_place(request):
    return "memory:" if request.param == "memory" else request.getfixturevalue("shared_redis").url


def test_a_bucket_gives_what_it_has(bucket_place, namespace):
    with RateLimiter(bucket_place, namespace=namespace, capacity=5, refill_per_second=0.01) as limiter:
        assert [bool(limiter.acquire("a")) for _ in range(6)] == [True] * 5 + [False]
        refused = limiter.acquire("a", 2)
        assert not refused.allowed and 100 < refused.retry_after <= 200 and refused.remaining < 1
        asked = limiter.acquire("b", 0)
        assert asked.allowed and asked.remaining == 5 and asked.retry_after == 0 and not asked.local
        assert limiter.acquire(b"b", 2.5).remaining == pytest.approx(2.5, abs=0.1)
        assert limiter.health()["status"] == "ok" and "vecstore_limits_decisions_total" in limiter.metrics()


def test_a_bucket_fills_again(bucket_place, namespace):
    with RateLimiter(bucket_place, namespace=namespace, capacity=1, refill_per_second=20) as limiter:
        assert limiter.acquire("a")
        refused = limiter.acquire("a")
        assert not refused and 0 < refused.retry_after <= 0.05
        time.sleep(refused.retry_after + 0.01)
        assert limiter.acquire("a")


def test_buckets_are_shared_through_redis(shared_redis, namespace):
    options = {"namespace": namespace, "capacity": 10, "refill_per_second": 0.001}
    with RateLimiter(shared_redis.url, **options) as one, RateLimiter(shared_redis.url, **options) as other:
        with ThreadPoolExecutor(8) as pool:
            taken = list(pool.map(lambda i: bool((one if i % 2 else other).acquire("a")), range(40)))
        assert sum(taken) == 10


def test_buckets_of_the_process_serve_while_redis_is_away(redis, namespace):
    options = {"namespace": namespace, "capacity": 2, "refill_per_second": 0.001, "redis": QUICK}
    with RateLimiter(redis.url, **options) as limiter, RateLimiter(redis.url, **options, fail_closed=True) as closed:
        assert not limiter.acquire("a").local
        redis.kill()
        decision = limiter.acquire("a")
        assert decision.allowed and decision.local
        with pytest.raises(vecstore.UnavailableError):
            closed.acquire("a")
        redis.start()


def test_waiting_gets_what_will_be_there(bucket_place, namespace):
    with RateLimiter(bucket_place, namespace=namespace, capacity=2, refill_per_second=20) as limiter:
        start = time.monotonic()
        assert all(limiter.wait("a", timeout=10) for _ in range(4))
        assert 0.08 < time.monotonic() - start < 5
        with ThreadPoolExecutor(2) as pool:
            assert all(pool.map(lambda _: all(limiter.wait("a") for _ in range(5)), range(2)))


def test_waiting_ends_as_soon_as_it_is_known_to_be_in_vain(bucket_place, namespace):
    with RateLimiter(bucket_place, namespace=namespace, capacity=2, refill_per_second=0.001) as limiter:
        assert limiter.wait("a", 2, timeout=0)
        start = time.monotonic()
        for timeout in (0, 10, datetime.timedelta(seconds=20)):
            refused = limiter.wait("a", timeout=timeout)
            assert not refused and refused.retry_after > 100
        assert time.monotonic() - start < 5
        for bad, error in ((-1, Invalid), (float("nan"), Invalid), ("1", TypeError)):
            with pytest.raises(error, match="timeout"):
                limiter.wait("a", timeout=bad)
        with pytest.raises(Invalid, match="tokens"):
            limiter.wait("a", 3)


def test_a_limiter_refuses_what_is_wrong(tmp_path):
    good = {"namespace": "n", "capacity": 1, "refill_per_second": 1}
    for option in ("capacity", "refill_per_second"):
        for bad in (0, -1, 1e13, float("nan"), float("inf")):
            with pytest.raises(Invalid, match=option):
                RateLimiter("memory:", **{**good, option: bad})
        with pytest.raises(TypeError, match=option):
            RateLimiter("memory:", **{**good, option: "1"})
    with pytest.raises(vecstore.UnsupportedError):
        RateLimiter(str(tmp_path), **good)
    with RateLimiter("memory:", **good) as limiter:
        for tokens in (-1, 2, float("nan")):
            with pytest.raises(Invalid, match="tokens"):
                limiter.acquire("a", tokens)
        for key in ("", "x" * 1025):
            with pytest.raises(ValueError, match="key"):
                limiter.acquire(key)
        with pytest.raises(TypeError, match="key"):
            limiter.acquire(3)
    with pytest.raises(vecstore.InvalidHandleError, match="^the rate limiter is closed$"):
        limiter.acquire("a")


def test_metrics_of_all_kinds_come_in_one_text(values, namespace):
    with RateLimiter("memory:", namespace=namespace, capacity=1, refill_per_second=1) as limiter:
        with vecstore.SemanticCache("memory:", namespace=namespace, dim=2) as cache:
            text = vecstore.cache_metrics([limiter, values, cache])
            names = [family.name for family in text_string_to_metric_families(text)]
            assert len(names) == len(set(names))
            kinds = {name.split("_")[1] for name in names}
            assert kinds == {"cache", "values", "limits"}
        with pytest.raises(vecstore.InvalidArgumentError, match=namespace):
            vecstore.cache_metrics([values, values])
