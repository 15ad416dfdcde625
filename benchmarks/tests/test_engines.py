# What every engine must declare for the runner.
# SPDX-License-Identifier: Apache-2.0
import sys
import types

import numpy as np
import pytest

import engines
from engines.base import GraphEngine, NotAvailable, one_by_one, package

LIBRARIES = ("vecstore", "faiss", "hnswlib", "usearch", "pyvsag", "zvec", "qdrant_edge")
SUITES = {"exact", "ann", "ivf", "filters", "growth", "life"}
OPTIONS = types.SimpleNamespace(
    suite="ann",
    k=10,
    m=[16, 32],
    ef_construction=200,
    ef_search=[5, 10, 20],
    nlist=[16, 64],
    assignments=[1, 2],
    nprobe=[4, 8],
    oversampling=[2, 4],
)


def test_reading_the_engines_loads_no_library():
    loaded = [name for name in LIBRARIES if name in sys.modules]
    assert engines.all_engines() and not loaded


def test_engines_have_a_library_and_a_suite():
    for engine in engines.all_engines().values():
        assert engine.library and set(engine.suites) <= SUITES and engine.suites, engine


def test_our_engines_come_first():
    ours = [engine.ours for engine in engines.all_engines().values()]
    assert ours == sorted(ours, reverse=True) and ours[0]


def test_every_way_to_build_an_engine_has_its_own_label():
    for engine in engines.all_engines().values():
        labels = [engine.label(settings) for settings in engine.settings(OPTIONS)]
        assert len(set(labels)) == len(labels), engine


def test_a_graph_is_not_searched_with_a_beam_narrower_than_k():
    assert GraphEngine.points(OPTIONS) == [{"ef_search": 10}, {"ef_search": 20}]


def test_every_suite_has_an_engine_of_ours():
    ours = [engine for engine in engines.all_engines().values() if engine.ours]
    assert {suite for engine in ours for suite in engine.suites} == SUITES


def test_engines_of_the_suite_filters_can_filter():
    for engine in engines.all_engines().values():
        assert ("filters" in engine.suites) <= (engine.allow is not engines.Engine.allow), engine


def test_a_package_that_is_not_installed_is_not_a_failure():
    with pytest.raises(NotAvailable, match="no_such_package is not installed"):
        package("no_such_package")


def test_one_by_one_fills_up_with_ids_of_no_row():
    found = one_by_one(np.array([[0.0], [1.0]]), 3, lambda query: [7, 8, 9][: 2 + int(query[0])])
    assert found.tolist() == [[7, 8, -1], [7, 8, 9]]
