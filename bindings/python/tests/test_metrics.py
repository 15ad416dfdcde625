# Metrics of collections, as the parser of Prometheus' own client reads them.
# SPDX-License-Identifier: Apache-2.0
import re

import pytest
from prometheus_client.parser import text_string_to_metric_families

import vecstore
from vecstore import Collection, Field


def samples(text):
    """{(name, labels without the collection): value}, after the checks that promtool makes too."""
    found = {}
    for family in text_string_to_metric_families(text):
        assert family.documentation.endswith("."), family.name
        assert family.type in ("counter", "gauge", "histogram"), family.name
        assert re.fullmatch(r"vecstore_collection_[a-z_]+", family.name)
        for sample in family.samples:
            labels = tuple(sorted((key, value) for key, value in sample.labels.items() if key != "collection"))
            assert (sample.name, labels, sample.labels["collection"]) not in found
            found[sample.name, labels, sample.labels["collection"]] = sample.value
    return found


def value(collection, name, **labels):
    found = samples(collection.metrics("c"))
    return found.get((f"vecstore_collection_{name}", tuple(sorted(labels.items())), "c"))


def test_counts_points_and_rows(spots):
    spots.remove([0, 1])
    spots.upsert([2], [[2, 2]])
    assert value(spots, "points") == 8
    assert value(spots, "rows") == 11
    assert value(spots, "dead_rows") == 3
    assert value(spots, "vectors", vector="") == 8
    assert value(spots, "waiting_rows") == 0
    assert value(spots, "read_only") == 0


def test_counts_calls_by_operation_and_status(spots):
    for _ in range(3):
        spots.search([0, 0], 2)
    with pytest.raises(vecstore.InvalidArgumentError):
        spots.search([0, 0], 2, filter={"must": [{"wrong": 1}]})
    assert value(spots, "calls_total", operation="search", status="ok") == 3
    assert value(spots, "calls_total", operation="search", status="invalid_argument") == 1
    assert value(spots, "calls_total", operation="upsert", status="ok") == 1
    assert value(spots, "calls_total", operation="scroll", status="ok") == 0


def test_every_operation_has_a_name_of_its_own(spots):
    spots.create_payload_index("text", "text")
    spots.create_payload_index("n", "integer")
    list(spots.scroll(order_by="n"))
    spots.drop_payload_index("n")
    spots.update_vectors([3], [[3, 3]])
    spots.merge_payload({"x": 1}, [1])
    spots.remove(9)
    spots.remove(filter=Field("n") == 8)
    spots.get(1)
    list(spots.scroll())
    spots.count()
    spots.facet("parity")
    spots.search([0, 0])
    spots.search_groups([0, 0], "parity")
    spots.recommend([1])
    spots.search_text("spot")
    spots.search_hybrid([0, 0], "spot")
    spots.optimize()
    spots.compact()
    spots.refresh()
    spots.verify()
    spots.repair()
    spots.snapshot(spots.path + "-copy")
    spots.export(spots.path + ".jsonl")
    spots.import_file(spots.path + ".jsonl")
    found = samples(spots.metrics("c"))
    counts = {
        labels[0][1]: count
        for (name, labels, _), count in found.items()
        if name == "vecstore_collection_calls_total" and labels[1] == ("status", "ok")
    }
    # A recommendation is one, though it reads points and searches; and nothing here was done without being counted.
    assert counts.pop("create_payload_index") == 2 and counts.pop("remove") == 2
    assert set(counts.values()) == {1} and len(counts) == 22


def test_histograms_add_up(spots):
    for _ in range(5):
        spots.get(1)
    found = samples(spots.metrics("c"))
    name = "vecstore_collection_call_duration_seconds"
    buckets = [
        (float(dict(labels)["le"]), count)
        for (sample, labels, _), count in found.items()
        if sample == f"{name}_bucket" and ("operation", "get") in labels
    ]
    assert buckets == sorted(buckets) and len(buckets) == 22
    assert [count for _, count in buckets] == sorted(count for _, count in buckets)
    assert buckets[-1] == (float("inf"), 5)
    key = (("operation", "get"),)
    assert found[f"{name}_count", key, "c"] == 5
    assert 0 < found[f"{name}_sum", key, "c"] < 60


def test_tells_bytes_by_what_they_belong_to(spots):
    found = samples(spots.metrics("c"))
    disk = {labels[0][1]: count for (name, labels, _), count in found.items() if name.endswith("_disk_bytes")}
    assert set(disk) == {"vectors", "database", "wal", "graphs", "other"}
    assert disk["vectors"] > 0 and disk["wal"] > 0 and disk["graphs"] == 0
    assert sum(disk.values()) == spots.describe()["disk_bytes"]
    memory = {labels[0][1]: count for (name, labels, _), count in found.items() if name.endswith("_memory_bytes")}
    assert set(memory) == {"ids", "dead_rows", "graphs", "waiting_codes", "payload_indexes", "text_lengths", "filter_cache"}
    assert sum(memory.values()) == spots.describe()["memory_bytes"]
    assert value(spots, "wal_bytes") > 0


def test_counts_filters_that_are_known(spots):
    for _ in range(3):
        spots.count({"must": [{"key": "n", "match": {"value": 3}}]})
    spots.count(Field("n") == 4)
    assert value(spots, "filter_cache_misses_total") == 2
    assert value(spots, "filter_cache_hits_total") == 2
    assert value(spots, "filter_cache_entries") == 2
    spots.upsert([50], [[5, 5]], [{"n": 3}])
    spots.count({"must": [{"key": "n", "match": {"value": 3}}]})
    assert value(spots, "filter_cache_misses_total") == 3, "the points have changed"


def test_counts_work_on_graphs(tmp_path, rng):
    with Collection.create(tmp_path / "c", dim=4, kind="hnsw", metric="l2sq") as c:
        c.upsert(range(3000), rng.random((3000, 4)))
        c.optimize()
        assert value(c, "index_rows_total") == 3000
        assert value(c, "index_portions_total") >= 1
        assert value(c, "index_seconds_total") > 0
        assert value(c, "index_failures_total") == 0
        assert value(c, "graphs_saved_total") == 1
        assert value(c, "indexed_vectors", vector="") == 3000
        assert value(c, "memory_bytes", part="graphs") > 0


def test_tells_connections(spots):
    spots.get(1)
    assert value(spots, "connections", state="used") == 0
    assert value(spots, "connections", state="idle") >= 1
    with Collection.open(spots.path, read_only=True) as reader:
        reader.get(1)
        assert value(reader, "connections", state="idle") == 1
        assert value(reader, "read_only") == 1


def test_is_named_by_the_last_part_of_its_path(tmp_path):
    with Collection.create(tmp_path / "articles", dim=2) as c:
        assert {name for _, _, name in samples(c.metrics())} == {"articles"}
        assert {name for _, _, name in samples(c.metrics("mine"))} == {"mine"}


def test_labels_are_escaped(tmp_path):
    name = 'a "b" \\ c\nd é'
    with Collection.create(tmp_path / "c", vectors={'v"\\': {"dim": 2}}) as c:
        assert {found for _, _, found in samples(c.metrics(name))} == {name}
        assert value(c, "vectors", vector='v"\\') == 0


def test_several_collections_come_in_one_text(tmp_path, spots):
    with Collection.create(tmp_path / "other", dim=3) as other:
        found = samples(vecstore.metrics([spots, other]))
        assert found["vecstore_collection_points", (), "spots"] == 10
        assert found["vecstore_collection_points", (), "other"] == 0
        assert vecstore.metrics({"a": spots, "b": other}).count("# TYPE vecstore_collection_points gauge") == 1
        assert {name for _, _, name in samples(vecstore.metrics({"a": spots, "b": other}))} == {"a", "b"}
    assert vecstore.metrics([]) == ""


def test_two_collections_need_two_names(spots):
    with pytest.raises(vecstore.InvalidArgumentError, match="'spots'"):
        vecstore.metrics([spots, spots])
    assert "spots" not in vecstore.metrics({"a": spots, "b": spots})


def test_refuses_what_is_no_collection(spots):
    with pytest.raises(TypeError, match=r"collections\[1\]"):
        vecstore.metrics([spots, 1])
    with pytest.raises(TypeError, match="name"):
        spots.metrics(1)
    with pytest.raises(vecstore.InvalidArgumentError):
        spots.metrics("a\0b")


def test_a_closed_collection_has_none(tmp_path):
    c = Collection.create(tmp_path / "c", dim=2)
    c.close()
    with pytest.raises(vecstore.InvalidHandleError):
        c.metrics()
    with pytest.raises(vecstore.InvalidHandleError):
        vecstore.metrics([c])
