# Who is compared with whom.
# SPDX-License-Identifier: Apache-2.0
from vecbench import compare


def result(label, qps, recall=1.0, ours=False):
    points = [{"recall": recall, "qps": qps}]
    return {"label": label, "ours": ours, "points": points}


def test_the_best_peer_is_the_fastest_that_is_not_ours():
    found = compare.exact([result("ours", [30, 30, 30], ours=True), result("a", [10, 10, 10]), result("b", [5, 5, 5])])
    assert found["median_peer"] == "a"
    assert found["median_ratio"] == {"ours": 3.0, "a": 1.0, "b": 0.5}


def test_medians_and_best_repeats_may_have_different_best_peers():
    found = compare.exact([result("steady", [10, 10, 10]), result("uneven", [1, 5, 20])])
    assert (found["median_peer"], found["best_peer"]) == ("steady", "uneven")
    assert found["best_ratio"] == {"steady": 0.5, "uneven": 1.0}


def test_a_peer_that_is_not_exact_does_not_count():
    found = compare.exact([result("exact", [10]), result("sloppy", [100], recall=0.99)])
    assert found["median_peer"] == "exact"


def test_without_peers_there_is_nothing_to_compare_with():
    assert compare.exact([result("ours", [10], ours=True)]) is None


def test_each_recall_has_its_own_best_peer():
    fast = result("fast", [100], recall=0.9)
    good = result("good", [10], recall=0.99)
    ours = result("ours", [1000], recall=1.0, ours=True)
    rows = compare.ann([fast, good, ours], [0.9, 0.95, 0.999])
    assert [row["best_peer"] for row in rows] == ["fast", "good", None]
    assert rows[1]["qps"] == {"fast": None, "good": 10, "ours": 1000}
