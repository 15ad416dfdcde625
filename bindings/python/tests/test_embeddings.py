# Vectors that are remembered by texts and by keys.
# SPDX-License-Identifier: Apache-2.0
import asyncio

import numpy as np
import pytest
from reference import direction
from test_cache_encoders import Encoder

import vecstore
from vecstore import Collection, EmbeddingsCache, Field, SemanticCache, ValueCache, VectorCache


@pytest.fixture
def values(place, namespace):
    with ValueCache(place, namespace=namespace) as opened:
        yield opened


def test_a_text_is_encoded_once(values):
    encoder = Encoder()
    remembering = EmbeddingsCache(encoder, "angles", values)
    expected = np.array([direction(10), direction(20), direction(10)], np.float32)
    assert np.array_equal(remembering(["10", "20", "10"]), expected)
    assert np.array_equal(remembering(["20", "30", "10"])[[2, 0, 2]], expected)
    assert encoder.asked == [["10", "20"], ["30"]]
    assert remembering(["10"]).dtype == np.float32 and remembering(["10"]).shape == (1, 2)


def test_what_others_have_encoded_is_known(shared_redis, namespace):
    first, second = Encoder(), Encoder()
    with ValueCache(shared_redis.url, namespace=namespace) as one, ValueCache(shared_redis.url, namespace=namespace) as other:
        expected = EmbeddingsCache(first, "angles", one)(["10", "20"])
        assert np.array_equal(EmbeddingsCache(second, "angles", other)(["10", "20"]), expected)
    assert second.asked == []


def test_models_are_told_apart(values):
    one, other = Encoder(), Encoder()
    EmbeddingsCache(one, "a", values)(["10"])
    EmbeddingsCache(other, "b", values)(["10"])
    assert one.asked == other.asked == [["10"]]


def test_vectors_of_another_length_are_made_anew(values):
    EmbeddingsCache(Encoder(), "m", values)(["10", "20"])
    three = EmbeddingsCache(lambda texts: np.ones((len(texts), 3)), "m", values)
    assert three(["10", "new"]).shape == (2, 3)
    assert three(["10"]).shape == (1, 3) and three(["20"]).shape == (1, 3)


def test_it_is_an_encoder_of_a_semantic_cache(values, namespace):
    encoder = Encoder()
    with SemanticCache("memory:", namespace=namespace, encoder=EmbeddingsCache(encoder, "angles", values)) as cache:
        cache.set("10", "ten")
        assert cache.get("12").response == "ten"
        cache.clear()
        cache.set_many(["10", "12", "14"], ["", "", ""])
    assert encoder.asked[1:] == [["10"], ["12"], ["14"]]

    async def main():
        remembering = EmbeddingsCache(encoder, "angles", values)
        async with vecstore.AsyncSemanticCache("memory:", namespace=namespace, encoder=remembering) as cache:
            await cache.set("10", "ten")
            return (await cache.get("12")).response

    assert asyncio.run(main()) == "ten"
    assert encoder.asked[1:] == [["10"], ["12"], ["14"]]


def test_refuses_what_is_wrong(values):
    with pytest.raises(TypeError, match="encoder"):
        EmbeddingsCache(3, "m", values)
    with pytest.raises(TypeError, match="cache: expected a ValueCache"):
        EmbeddingsCache(Encoder(), "m", {})
    with pytest.raises(vecstore.InvalidArgumentError, match="model"):
        EmbeddingsCache(Encoder(), "", values)
    remembering = EmbeddingsCache(Encoder(), "m", values)
    with pytest.raises(TypeError, match="texts: expected a list"):
        remembering("10")
    with pytest.raises(TypeError, match=r"texts\[1\]"):
        remembering(["10", 3])
    with pytest.raises(vecstore.InvalidArgumentError, match="texts"):
        remembering([])
    with pytest.raises(vecstore.InvalidArgumentError, match="encoder"):
        EmbeddingsCache(lambda texts: [1, 2], "m", values)(["x"])


# ----------------------------------------------------------------------------------------------------------------------
# Vectors by keys
# ----------------------------------------------------------------------------------------------------------------------


def test_vectors_are_found_by_key_and_by_likeness(place, namespace):
    with VectorCache(place, namespace=namespace, dim=2) as vectors:
        for degrees in range(0, 180, 30):
            vectors.store(f"doc_{degrees}", direction(degrees), metadata={"degrees": degrees}, ttl=60)
        assert vectors.get("doc_30") == {"degrees": 30} and vectors.get("doc_31") is None
        found = vectors.search_similar(direction(31), limit=3)
        assert [one.key for one in found] == ["doc_30", "doc_60", "doc_0"]
        assert found[0].similarity == pytest.approx(np.cos(np.radians(1)), abs=1e-6)
        assert len(vectors.search_similar(direction(31), limit=100)) == 6
        assert [one.key for one in vectors.search_similar(direction(31), threshold=0.9)] == ["doc_30"]
        few = vectors.search_similar(direction(31), filter=Field("degrees") > 100)
        assert [one.key for one in few] == ["doc_120", "doc_150"]
        assert vectors.delete("doc_30") and not vectors.delete("doc_30")
        assert len(vectors) == 5 and vectors.cache.stats().entries == 5


def test_a_key_has_one_vector_whatever_its_metadata(place, namespace):
    with VectorCache(place, namespace=namespace, dim=2) as vectors:
        for n in range(3):
            vectors.store("a", direction(40 * n), {"n": n})
        assert vectors.get("a") == {"n": 2} and len(vectors) == 1
        assert [one.metadata for one in vectors.search_similar(direction(0))] == [{"n": 2}]


def test_keys_of_a_collection_are_kept_once_they_were_asked_for(place, namespace, tmp_path):
    with Collection.create(tmp_path / "source", dim=2, metric="cosine") as source:
        source.upsert([f"doc_{n}" for n in range(5)], [direction(20 * n) for n in range(5)], [{"n": n} for n in range(5)])
        with VectorCache(place, namespace=namespace, dim=2, source=source, ttl=60) as vectors:
            assert vectors.get("doc_3") == {"n": 3} and len(vectors) == 1
            # The source is not asked again: what is changed there behind the back of the cache is not seen before its end.
            source.merge_payload({"n": 7}, ["doc_3"])
            assert vectors.get("doc_3") == {"n": 3}
            vectors.store("doc_9", direction(90), {"n": 9})
            assert source.get("doc_9")[0].payload == {"n": 9} and vectors.get("doc_9") == {"n": 9}
            found = vectors.search_similar(direction(81), limit=2)
            assert [one.key for one in found] == ["doc_4", "doc_9"]
            assert found[0].similarity == pytest.approx(np.cos(np.radians(1)), abs=1e-6)
            assert vectors.delete("doc_4") and source.get("doc_4") == [None] and vectors.get("doc_4") is None
            assert vectors.get("doc_44") is None and not vectors.delete("doc_44")
