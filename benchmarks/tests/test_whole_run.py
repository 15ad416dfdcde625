# SPDX-License-Identifier: Apache-2.0
"""A suite runs from the command line to its JSON and its report, and the report can be printed again."""

import json
import sys

from vecbench import __main__ as command, data


def run(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["vecbench", *arguments])
    return command.main()


def test_exact_writes_its_figures_and_prints_its_report(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(data, "KEPT", tmp_path / "data")
    few = ["--data", "generated", "--rows", "400", "--dim", "16", "--queries", "20", "--repeats", "2", "--singles", "5"]
    fast = ["--builds", "1", "--seconds", "0.01", "--metrics", "ip,l2sq", "--threads", "1", "--engines", "numpy"]
    results = tmp_path / "results"
    assert run(monkeypatch, "exact", *few, *fast, "--output", str(results)) == 0
    printed = capsys.readouterr().out

    (path,) = results.glob("*-exact.json")
    found = json.loads(path.read_text())
    assert found["data"]["n"] == 400
    assert [group["metric"] for group in found["groups"]] == ["ip", "l2sq"]
    for group in found["groups"]:
        (result,) = group["results"]
        assert result["label"] == "numpy"
        assert group["failures"] == []
        assert group["comparison"]
    assert "numpy" in printed and "400 rows" in printed

    assert run(monkeypatch, "report", str(path)) == 0
    assert capsys.readouterr().out == printed
    assert run(monkeypatch, "report", str(path), "--markdown") == 0
    assert "| numpy" in capsys.readouterr().out
