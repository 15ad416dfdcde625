# Caches that make vectors themselves, and responses that are made where none is found.
# SPDX-License-Identifier: Apache-2.0
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from reference import direction

import vecstore
from vecstore import Field, SemanticCache


class Encoder:
    """Prompts are numbers, which are taken for angles. Keeps what it was asked."""

    def __init__(self):
        self.asked = []

    def __call__(self, texts):
        assert type(texts) is list
        self.asked.append(texts)
        return np.array([direction(float(text) if text.isdigit() else 0) for text in texts])


@pytest.fixture
def encoder():
    return Encoder()


@pytest.fixture
def encoding(place, namespace, encoder):
    with SemanticCache(place, namespace=namespace, encoder=encoder) as cache:
        encoder.asked.clear()
        yield cache


def test_the_dim_is_that_of_the_encoder(place, namespace, encoder):
    with SemanticCache(place, namespace=namespace, encoder=encoder) as cache:
        assert cache.dim == 2 and len(encoder.asked) == 1
    given = Encoder()
    with SemanticCache(place, namespace=namespace, dim=2, encoder=given):
        assert given.asked == []


def test_vectors_are_made_where_none_are_given(encoding, encoder):
    encoding.set("10", "ten")
    encoding.set_many(["90", "91"], ["", ""])
    assert encoder.asked == [["10"], ["90", "91"]], "one call for all"
    encoder.asked.clear()
    assert encoding.get("12").response == "ten"
    assert [hit.prompt for hit in encoding.get_similar("92")] == ["91", "90"]
    assert encoder.asked == [["12"], ["92"]]


def test_vectors_that_are_given_are_taken(encoding, encoder):
    encoding.set("10", "", direction(50))
    encoding.set_many(["20"], [""], [direction(70)])
    assert encoding.get("x", direction(51)).prompt == "10"
    assert encoder.asked == []


def test_a_prompt_that_is_known_is_not_encoded(encoding, encoder):
    encoding.set("10", "ten")
    encoder.asked.clear()
    assert encoding.get("10").tier == "exact"
    assert encoder.asked == []
    assert encoding.get("10", tiers="semantic").tier == "semantic"
    assert len(encoding.get("10", k=2)) == 1
    assert encoding.get("99", tiers="exact") is None
    assert encoder.asked == [["10"], ["10"]]


def test_a_lookup_is_one_lookup_whether_it_encodes_or_not(encoding):
    encoding.set("10", "ten")
    encoding.get("10")
    encoding.get("11")
    encoding.get("90")
    stats = encoding.stats()
    assert (stats.exact_hits, stats.semantic_hits, stats.misses) == (1, 1, 1)


@pytest.mark.parametrize(
    "answer",
    [[1, 0], [[1, 0, 0]], [[1, 0], [1, 0]], 3, [[[1, 0]]]],
    ids=["one vector", "another dim", "too many", "a number", "three dimensions"],
)
def test_an_encoder_returns_a_row_for_each_text(answer):
    with SemanticCache("memory:", namespace="n", dim=2, encoder=lambda texts: answer) as cache:
        for call in (lambda: cache.set("a", ""), lambda: cache.get("a")):
            with pytest.raises(vecstore.InvalidArgumentError, match=r"encoder: expected an array of shape \(1, 2\)"):
                call()


def test_what_an_encoder_raises_comes_out(encoding):
    def broken(texts):
        raise ZeroDivisionError

    with SemanticCache("memory:", namespace="n", dim=2, encoder=broken) as cache:
        for call in (lambda: cache.set("a", ""), lambda: cache.get("a"), lambda: cache.get_or_set("a", str)):
            with pytest.raises(ZeroDivisionError):
                call()
    with pytest.raises(ZeroDivisionError):
        SemanticCache("memory:", namespace="n", encoder=broken)


def test_an_encoder_takes_text_alone(encoding):
    with pytest.raises(TypeError, match="prompt: expected a string, which an encoder takes, got bytes"):
        encoding.set(b"\xff", "")
    with pytest.raises(TypeError, match=r"prompts\[1\]"):
        encoding.set_many(["a", b"b"], ["", ""])


def test_an_asynchronous_encoder_is_for_the_asynchronous_cache():
    async def encode(texts):
        return np.ones((len(texts), 2))

    with pytest.raises(TypeError, match="AsyncSemanticCache"):
        SemanticCache("memory:", namespace="n", encoder=encode)


# ----------------------------------------------------------------------------------------------------------------------
# Finding or making
# ----------------------------------------------------------------------------------------------------------------------


def test_makes_a_response_once(encoding, encoder):
    made = []

    def make(prompt):
        made.append(prompt)
        return f"answer to {prompt}"

    assert encoding.get_or_set("10", make, ttl=60, metadata={"n": 1}) == "answer to 10"
    assert encoder.asked == [["10"]], "it is encoded once, to look for it and to set it"
    assert encoding.get_or_set("10", make) == "answer to 10"
    assert encoding.get_or_set("11", make) == "answer to 10"
    assert made == ["10"]
    hit = encoding.get("10")
    assert hit.metadata == {"n": 1} and hit.expires is not None


def test_a_response_comes_as_a_hit_has_it(cache):
    assert cache.get_or_set("a", lambda prompt: "größer".encode(), vector=direction(0)) == "größer"
    assert cache.get_or_set("b", lambda prompt: b"\xff", vector=direction(90)) == b"\xff" == cache.get("b").response


def test_tenants_are_told_apart_by_metadata_and_filter(cache):
    for tenant in ("a", "b", "a"):
        response = cache.get_or_set(
            "question", lambda _: tenant, vector=direction(0), metadata={"tenant": tenant}, filter=Field("tenant") == tenant
        )
        assert response == tenant
    assert len(cache) == 2


def test_what_make_raises_comes_out_and_nothing_is_set(cache):
    with pytest.raises(ZeroDivisionError):
        cache.get_or_set("a", lambda prompt: 1 // 0, vector=direction(0))
    with pytest.raises(TypeError, match="what make returned"):
        cache.get_or_set("a", lambda prompt: None, vector=direction(0))
    assert len(cache) == 0
    assert cache.get_or_set("a", lambda prompt: "b", vector=direction(0)) == "b"


@pytest.mark.parametrize(
    "options, error", [({"ttl": 0}, ValueError), ({"cost": 0}, ValueError), ({"metadata": 3}, TypeError), ({"vector": None}, ValueError)]
)
def test_a_wrong_entry_is_told_before_a_response_is_made(cache, options, error):
    with pytest.raises(error):
        cache.get_or_set("a", lambda prompt: pytest.fail("made"), **{"vector": direction(0), **options})
    with pytest.raises(TypeError, match="make"):
        cache.get_or_set("a", "b", vector=direction(0))


def test_a_decorator_does_the_same(encoding):
    made = []

    @encoding.cached(ttl=60, metadata={"by": "answer"})
    def answer(prompt):
        """Answers."""
        made.append(prompt)
        return prompt * 2

    assert [answer("10"), answer("10"), answer("12"), answer("80")] == ["1010", "1010", "1010", "8080"]
    assert made == ["10", "80"]
    assert (answer.__name__, answer.__doc__) == ("answer", "Answers.")
    assert encoding.get("10").metadata == {"by": "answer"}


def at_once(count, call):
    """Results or exceptions of a call on so many threads, which all wait before `go` is set."""
    with ThreadPoolExecutor(count) as pool:
        calls = [pool.submit(call) for _ in range(count)]
        return [one.exception() or one.result() for one in calls]


def test_threads_wait_for_the_one_that_makes_it(cache):
    made, all_here = [], threading.Barrier(8)

    def make(prompt):
        made.append(prompt)
        time.sleep(0.2)
        return "b"

    def call():
        all_here.wait()
        return cache.get_or_set("a", make, vector=direction(0))

    assert at_once(8, call) == ["b"] * 8
    assert made == ["a"] and cache.stats().sets == 1
    assert cache._flights._running == {}


def test_threads_share_what_the_maker_raises(cache):
    made, all_here = [], threading.Barrier(4)

    def make(prompt):
        made.append(prompt)
        time.sleep(0.2)
        raise ZeroDivisionError

    def call():
        all_here.wait()
        return cache.get_or_set("a", make, vector=direction(0))

    assert [type(error) for error in at_once(4, call)] == [ZeroDivisionError] * 4
    assert len(made) == 1
    assert cache.get_or_set("a", lambda prompt: "b", vector=direction(0)) == "b"


def test_an_interrupt_is_for_its_own_thread(cache):
    begun, made = threading.Event(), []

    def interrupted(prompt):
        begun.set()
        time.sleep(0.2)
        raise KeyboardInterrupt

    def make(prompt):
        made.append(prompt)
        return "b"

    with ThreadPoolExecutor(4) as pool:
        first = pool.submit(cache.get_or_set, "a", interrupted, vector=direction(0))
        begun.wait()
        others = [pool.submit(cache.get_or_set, "a", make, vector=direction(0)) for _ in range(3)]
        assert isinstance(first.exception(), KeyboardInterrupt)
        assert [other.result() for other in others] == ["b"] * 3
    assert made == ["a"]


def test_a_maker_that_asks_for_itself_does_not_wait_for_itself(cache):
    def make(prompt):
        return cache.get_or_set(prompt, lambda _: "inner", vector=direction(0)) + " and outer"

    assert cache.get_or_set("a", make, vector=direction(0)) == "inner and outer"


def test_other_prompts_and_other_metadata_do_not_wait(cache):
    both = threading.Barrier(2, timeout=10)

    def make(prompt):
        both.wait()
        return "b"

    with ThreadPoolExecutor(2) as pool:
        calls = [
            pool.submit(cache.get_or_set, "a", make, vector=direction(0), metadata={"n": n}, filter=Field("n") == n)
            for n in range(2)
        ]
        assert [call.result() for call in calls] == ["b"] * 2
