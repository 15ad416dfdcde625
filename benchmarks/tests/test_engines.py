# What every engine must declare for the runner.
# SPDX-License-Identifier: Apache-2.0
import sys
import types

import engines
from engines.base import GraphEngine

OPTIONS = types.SimpleNamespace(suite="ann", k=10, m=[16, 32], ef_construction=200, ef_search=[5, 10, 20])


def test_reading_the_engines_loads_no_library():
    loaded = [name for name in ("vecstore", "faiss", "hnswlib", "usearch") if name in sys.modules]
    assert engines.all_engines() and not loaded


def test_engines_have_a_library_and_a_suite():
    for engine in engines.all_engines().values():
        assert engine.library and set(engine.suites) <= {"exact", "ann"} and engine.suites, engine


def test_our_engines_come_first():
    ours = [engine.ours for engine in engines.all_engines().values()]
    assert ours == sorted(ours, reverse=True) and ours[0]


def test_every_way_to_build_an_engine_has_its_own_label():
    for engine in engines.all_engines().values():
        labels = [engine.label(settings) for settings in engine.settings(OPTIONS)]
        assert len(set(labels)) == len(labels), engine


def test_a_graph_is_not_searched_with_a_beam_narrower_than_k():
    assert GraphEngine.points(OPTIONS) == [{"ef_search": 10}, {"ef_search": 20}]
