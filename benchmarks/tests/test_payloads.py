# SPDX-License-Identifier: Apache-2.0
"""Payloads have the shares that the tables speak of, and the truth about filters is that of a plain search."""

import json

import numpy as np
import pytest

from vecbench import payloads


def test_sections_have_their_shares_to_the_row():
    made = payloads.make([str(i) for i in range(10_000)], 1)
    assert {name: made.sections.count(name) for name in payloads.SECTIONS} == {
        "libs": 3500,
        "net": 3000,
        "doc": 2000,
        "games": 1370,
        "math": 130,
    }
    assert sum(payloads.SECTIONS.values()) == pytest.approx(100)


@pytest.mark.parametrize("chosen", payloads.FILTERS, ids=lambda chosen: chosen.name)
def test_a_filter_lets_through_what_its_name_says(chosen):
    made = payloads.make(["text"] * 50_000, 1)
    share = float(chosen.name.split()[1].rstrip("%"))
    assert made.mask(chosen).mean() * 100 == pytest.approx(share, rel=0.05)


def test_a_mask_agrees_with_each_payload():
    made = payloads.make(["text"] * 2000, 1)
    for chosen in payloads.FILTERS:
        for row, passes in enumerate(made.mask(chosen)):
            payload = made.at(row)
            inside = chosen.low <= payload["size"] < chosen.high
            assert passes == (inside and chosen.section in (None, payload["section"]))


def test_the_same_seed_makes_the_same_payloads():
    texts = ["text"] * 100
    assert payloads.make(texts, 7) == payloads.make(texts, 7)
    assert payloads.make(texts, 7) != payloads.make(texts, 8)


def test_rows_beyond_the_last_begin_again():
    made = payloads.make(["a", "b", "c"], 1)
    assert made.at(4) == made.at(1)
    assert made.at(1)["text"] == "b"


def test_bytes_are_those_of_json_without_spaces():
    made = payloads.Payloads(["libs"], [7], ["größer"])
    assert made.byte_count() == len('{"section":"libs","size":7,"text":"größer"}'.encode())
    assert json.loads(json.dumps(made._asdict())) == made._asdict()


def test_made_data_has_made_texts():
    rows, queries = payloads.texts("generated", 30, 5, 1)
    assert (len(rows), len(queries)) == (30, 5)
    assert len(set(rows)) == 30
    assert all(len(text.split()) == 20 for text in rows)


def test_the_truth_has_only_rows_that_pass_nearest_first():
    random = np.random.default_rng(1)
    base, queries = random.standard_normal((300, 8), np.float32), random.standard_normal((20, 8), np.float32)
    passing = random.random(300) < 0.2
    found = payloads.truth(base, queries, passing, 10, "ip")
    for query, ids in zip(queries, found):
        every = sorted((i for i in range(300) if passing[i]), key=lambda i: -float(base[i] @ query))
        assert ids.tolist() == every[:10]


def test_too_few_rows_that_pass_are_refused():
    base = np.eye(8, dtype=np.float32)
    with pytest.raises(SystemExit, match="lets 3 rows through"):
        payloads.truth(base, base, np.arange(8) < 3, 4, "ip")


def test_rows_that_a_filter_keeps_out_are_no_results():
    passing = np.array([True, False, True])
    found = np.array([[0, 1, 2], [-1, 2, 9]])
    assert payloads.only_passing(found, passing).tolist() == [[0, -1, 2], [-1, 2, -1]]
