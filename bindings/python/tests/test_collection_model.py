# Collections against a dict of points that goes through the same changes: both hold and find the same.
# SPDX-License-Identifier: Apache-2.0
import copy

import numpy as np
import pytest

from vecstore import Collection, Field, has_id

DIM = 3
WORDS = ["red", "green", "blue", "grey", "pink"]


class Model:
    """Points as a dict: id -> (vector, payload)."""

    def __init__(self, rng):
        self.rng = rng
        self.points = {}

    def some_ids(self, count):
        numbers = self.rng.integers(0, 40, count).tolist()
        return [f"p{n}" if n % 3 == 0 else n for n in numbers]

    def payload(self):
        rng = self.rng
        if rng.random() < 0.1:
            return None
        return {
            "n": int(rng.integers(-5, 5)),
            "word": WORDS[rng.integers(len(WORDS))],
            "tags": [WORDS[i] for i in rng.integers(0, len(WORDS), rng.integers(0, 3))],
            "text": " ".join(WORDS[i] for i in rng.integers(0, len(WORDS), rng.integers(0, 6))),
            "inner": {"flag": bool(rng.random() < 0.5)},
        }

    def condition(self):
        """A condition, and the same as a function of an id and a payload."""
        rng = self.rng
        kind = rng.integers(9)
        n, word = int(rng.integers(-5, 5)), WORDS[rng.integers(len(WORDS))]
        if kind == 0:
            return Field("n") == n, lambda id, p: p.get("n") == n
        if kind == 1:
            return Field("n") >= n, lambda id, p: "n" in p and p["n"] >= n
        if kind == 2:
            return Field("word").any_of([word, "grey"]), lambda id, p: p.get("word") in (word, "grey")
        if kind == 3:
            return Field("tags") == word, lambda id, p: word in p.get("tags", [])
        if kind == 4:
            return Field("text").text(word), lambda id, p: word in p.get("text", "").split()
        if kind == 5:
            return Field("inner.flag") == True, lambda id, p: p.get("inner", {}).get("flag") is True  # noqa: E712
        if kind == 6:
            chosen = self.some_ids(10)
            return has_id(chosen), lambda id, p: id in chosen
        (a, is_a), (b, is_b) = self.condition(), self.condition()
        if kind == 7:
            return a & ~b, lambda id, p: is_a(id, p) and not is_b(id, p)
        return a | b, lambda id, p: is_a(id, p) or is_b(id, p)

    def matching(self, accepts):
        return [id for id, (_, payload) in self.points.items() if accepts(id, payload or {})]


def change(model, collection):
    """One random change, made to both."""
    rng, points = model.rng, model.points
    condition, accepts = model.condition()
    kind = rng.integers(8)
    if kind <= 2:
        ids = model.some_ids(rng.integers(1, 12))
        vectors = rng.integers(-9, 10, (len(ids), DIM)).astype(np.float32)
        payloads = [model.payload() for _ in ids]
        collection.upsert(ids, vectors, payloads)
        for id, vector, payload in zip(ids, vectors, payloads):
            points.pop(id, None)
            points[id] = (vector, copy.deepcopy(payload))
        return
    if kind == 3:
        ids = model.some_ids(4)
        there = [id for id in dict.fromkeys(ids) if id in points]
        assert collection.remove(ids) == len(there)
    elif kind == 4 and rng.random() < 0.3:
        there = model.matching(accepts)
        assert collection.remove(filter=condition) == len(there)
    else:
        there = model.matching(accepts)
        new = {"n": int(rng.integers(-5, 5)), "added": "x"}
        if kind == 5:
            assert collection.set_payload(new, filter=condition) == len(there)
        elif kind == 6:
            assert collection.merge_payload(new, there) == len(there)
        else:
            assert collection.delete_payload_keys(["word", "n"], filter=condition) == len(there)
        for id in there:
            vector, payload = points[id]
            if kind == 5:
                payload = dict(new)
            elif kind == 6:
                payload = {**(payload or {}), **new}
            else:
                payload = {key: value for key, value in (payload or {}).items() if key not in ("word", "n")}
            points[id] = (vector, payload)
        return
    for id in there:
        del points[id]


def check(model, collection):
    points = model.points
    assert len(collection) == len(points)
    in_order = sorted(points, key=lambda id: (isinstance(id, str), id))
    scrolled = list(collection.scroll(page_size=7, with_vector=True))
    assert [point.id for point in scrolled] == in_order
    for point in scrolled:
        vector, payload = points[point.id]
        assert point.payload == (payload or {}) and point.vector.tolist() == vector.tolist()
    for _ in range(4):
        condition, accepts = model.condition()
        matching = set(model.matching(accepts))
        assert collection.count(condition) == len(matching), condition
        assert {point.id for point in collection.scroll(condition)} == matching, condition
        query = model.rng.integers(-9, 10, DIM)
        distances = sorted(float(((points[id][0] - query) ** 2).sum()) for id in matching)
        hits = collection.search(query, 5, filter=condition)
        assert [hit.distance for hit in hits] == distances[:5]
        for hit in hits:
            assert hit.id in matching and hit.distance == ((points[hit.id][0] - query) ** 2).sum()
            assert hit.payload == (points[hit.id][1] or {})
        word = WORDS[model.rng.integers(len(WORDS))]
        found = collection.search_text(word, 100, filter=condition)
        with_word = {id for id in matching if word in (points[id][1] or {}).get("text", "").split()}
        assert {hit.id for hit in found} == with_word


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("indexed", [False, True])
def test_a_collection_holds_and_finds_what_a_dict_does(tmp_path, seed, indexed):
    model = Model(np.random.default_rng(seed))
    path = tmp_path / "c"
    collection = Collection.create(path, dim=DIM, metric="l2sq", durability="none")
    collection.create_payload_index("text", "text")
    if indexed:
        for field, type in [("n", "integer"), ("word", "keyword"), ("tags", "keyword"), ("inner.flag", "bool")]:
            collection.create_payload_index(field, type)
    try:
        for step in range(120):
            change(model, collection)
            if step % 6 == 0:
                check(model, collection)
            if step % 40 == 39:
                collection.verify()
                collection.close()
                collection = Collection.open(path, durability="none")
                check(model, collection)
            if step % 50 == 49:
                collection.optimize()
                check(model, collection)
    finally:
        collection.close()
