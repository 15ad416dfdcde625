# The benchmark of k-means: its table, and one small run of all.
# SPDX-License-Identifier: Apache-2.0
from vecbench import kmeans
from vecbench.__main__ import command_line


def one(seconds, objective):
    return {"train_seconds": seconds, "assign_seconds": 0.5, "objective": objective}


def test_the_table_compares_medians_with_faiss():
    runs = {label: [one(1, 90), one(3, 99), one(2, 100)] for label in kmeans.ENGINES}
    runs["faiss"] = [one(4, 100), one(8, 101), one(2, 99)]
    found = kmeans.text(
        {
            "data": {"n": 10, "dim": 2, "origin": "made"},
            "machine": {"cpu": "a processor", "processors": 2},
            "date": "today",
            "command": "benchmarks/run kmeans",
            "results": [{"k": 3, "threads": 2, "runs": runs}],
        },
        markdown=True,
    )
    assert "3 centroids, 2 thread(s)" in found
    line = next(line for line in found.splitlines() if line.startswith("| **vecstore** "))
    assert [cell.strip() for cell in line.split("|")[2:-1]] == ["2.00 (1.00...3.00)", "0.50", "0.50", "0.9900"]
    assert "| faiss " in found


def test_a_small_run_has_every_engine():
    options = command_line().parse_args(
        ["kmeans", "--data", "generated", "--rows", "500", "--dim", "8", "--centroids", "5", "--repeats", "1"]
    )
    found = kmeans.run(options, lambda text: None)
    (result,) = found["results"]
    assert set(result["runs"]) == set(kmeans.ENGINES)
    objectives = [runs[0]["objective"] for runs in result["runs"].values()]
    assert max(objectives) < 1.2 * min(objectives)
