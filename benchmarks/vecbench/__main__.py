# The command line of the benchmarks; benchmarks/run calls it.
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import argparse
import datetime
import json
import os
import pathlib
import shlex
import sys
from typing import Any

import engines

from . import auto, clusters, codes, collection, compare, data, drift, filters, kmeans, life, lifework, listcodes, machine, manylists, opening, report, resident, semanticcache, suite

_PROCESSORS = len(os.sched_getaffinity(0))
RESULTS = data.BENCHMARKS / "results"

# Defaults by suite, then what --quick changes; an option on the command line goes before both.
DEFAULTS: dict[str, dict[str, Any]] = {
    "exact": {
        "metrics": ["ip", "l2sq", "cosine"],
        "threads": [1, 2] if _PROCESSORS > 1 else [1],
        "repeats": 5,
        "singles": 100,
        "builds": 3,
    },
    "ann": {
        "metrics": ["ip"],
        "threads": [1],
        "repeats": 3,
        "singles": 200,
        "builds": 1,
        "build_threads": _PROCESSORS,
        "m": [16, 32],
        "ef_construction": 200,
        "ef_search": [10, 14, 20, 28, 40, 56, 80, 112, 160, 224, 320, 448, 640, 800],
    },
    "ivf": {
        "metrics": ["ip"],
        "threads": [1],
        "repeats": 3,
        "singles": 100,
        "builds": 1,
        "build_threads": _PROCESSORS,
        "nlist": [256, 1024],
        "assignments": [1, 2],
        "nprobe": [4, 8, 16, 32, 64, 128, 256, 512],
        "oversampling": [2, 4, 8],
    },
    # The parameters that an index has where none are given.
    "filters": {
        "metrics": ["ip"],
        "threads": [1],
        "repeats": 3,
        "singles": 0,
        "builds": 1,
        "build_threads": _PROCESSORS,
        "seconds": 0.05,
        "m": [16],
        "ef_construction": 200,
        "ef_search": [64],
        "selectivities": [0.1, 1, 5, 10, 35, 50, 90],
        "relations": list(filters.RELATIONS),
        "groups": 4,
        "group_queries": 25,
    },
    "growth": {
        "metrics": ["ip"],
        "threads": [1],
        "repeats": 3,
        "singles": 50,
        "builds": 1,
        "build_threads": _PROCESSORS,
        "m": [16],
        "ef_construction": 200,
        "ef_search": [10, 20, 40, 80, 160, 320, 640],
        "sizes": [10_000, 100_000, 1_000_000],
        "engines": "vecstore-hnsw",
    },
    "life": {
        "metrics": ["ip"],
        "threads": [1],
        "repeats": 1,
        "singles": 500,
        "builds": 1,
        "build_threads": _PROCESSORS,
        "seconds": 1.0,
        "m": [16],
        "ef_construction": 200,
        "ef_search": [32, 64, 128],
        "scale": [1, 2] if _PROCESSORS > 1 else [1],
        "batch": 1000,
        "steps": list(lifework.STEPS),
        "engines": "vecstore-hnsw",
    },
}
QUICK: dict[str, dict[str, Any]] = {
    "exact": {
        "metrics": ["ip", "l2sq"],
        "threads": [1],
        "repeats": 3,
        "singles": 20,
        "builds": 1,
        "rows": 10_000,
        "queries": 200,
        "seconds": 0.05,
    },
    "ann": {
        "repeats": 2,
        "singles": 50,
        "rows": 10_000,
        "queries": 200,
        "seconds": 0.05,
        "m": [16],
        "ef_search": [10, 20, 40, 80, 160],
    },
    "ivf": {
        "repeats": 2,
        "singles": 20,
        "rows": 10_000,
        "queries": 200,
        "seconds": 0.05,
        "nlist": [64],
        "nprobe": [4, 16, 48],
        "oversampling": [4],
    },
    "filters": {"repeats": 1, "rows": 10_000, "queries": 200, "groups": 2, "seconds": 0.01},
    "growth": {"repeats": 2, "queries": 200, "seconds": 0.05, "sizes": [2_000, 10_000]},
    "life": {"singles": 100, "rows": 10_000, "queries": 200, "seconds": 0.2},
}
TARGETS = {"ann": [0.9, 0.95, 0.98, 0.99, 0.995], "ivf": [0.9, 0.95, 0.98, 0.99], "growth": [0.95, 0.99]}
TRAINING: dict[str, Any] = {
    "auto": auto,
    "kmeans": kmeans,
    "codes": codes,
    "listcodes": listcodes,
    "drift": drift,
    "clusters": clusters,
    "manylists": manylists,
    "resident": resident,
    "collections": collection,
    "opening": opening,
    "cache": semanticcache,
}
GROUPS = {"filters": filters.FilterGroup, "life": life.LifeGroup}


def numbers(text: str) -> list[int]:
    values = [int(part) for part in text.split(",")]
    if not values or min(values) < 1:
        raise argparse.ArgumentTypeError("numbers from 1 on, with commas between them")
    return values


def percentages(text: str) -> list[float]:
    values = [float(part) for part in text.split(",")]
    if not values or min(values) <= 0 or max(values) > 100:
        raise argparse.ArgumentTypeError("percentages above 0, with commas between them")
    return values


def relation_names(text: str) -> list[str]:
    values = text.split(",")
    if not set(values) <= set(filters.RELATIONS):
        raise argparse.ArgumentTypeError(f"{', '.join(filters.RELATIONS)}, with commas between them")
    return values


def step_names(text: str) -> list[str]:
    values = text.split(",")
    if not set(values) <= set(lifework.STEPS):
        raise argparse.ArgumentTypeError(f"{', '.join(lifework.STEPS)}, with commas between them")
    # In the order of the steps: churn leaves another index behind.
    return [step for step in lifework.STEPS if step in values]


def positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("a number from 1 on")
    return value


def metric_names(text: str) -> list[str]:
    values = text.split(",")
    if not set(values) <= {"ip", "l2sq", "cosine"}:
        raise argparse.ArgumentTypeError("ip, l2sq, cosine, with commas between them")
    return values


def command_line() -> argparse.ArgumentParser:
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--quick", action="store_true", help="10,000 rows, 200 queries, few repeats: under a minute")
    shared.add_argument("--engines", metavar="A,B", help="only engines whose name begins with one of these")
    where = shared.add_argument_group("data")
    where.add_argument(
        "--data",
        choices=["auto", *data.KINDS],
        default="auto",
        help="packages: the real vectors in ../shared/data; packages-1m: more rows, mixed from them; generated: "
        "clustered Gaussian; hard, norms, duplicates: see README.md; "
        "auto (default): packages where present and large enough, else generated",
    )
    where.add_argument("--rows", type=positive, help="rows of the base, such as 1000000 (default: by the data)")
    where.add_argument("--queries", type=positive, default=None, help="queries (default 1000)")
    where.add_argument("--dim", type=positive, help="elements of a made vector (default 384; 128 for hard)")
    where.add_argument("--seed", type=int, default=1, help="of the made data, and of what is random (default 1)")
    how = shared.add_argument_group("measuring")
    how.add_argument("--k", type=positive, default=10, help="results for one query (default 10, at most 100)")
    how.add_argument(
        "--metrics", type=metric_names, help="ip,l2sq,cosine (default: all for exact, else ip; l2sq for --data hard)"
    )
    how.add_argument("--threads", type=numbers, help="search threads, such as 1,2 (default: 1,2 for exact, else 1)")
    how.add_argument("--repeats", type=positive, help="timings of each engine, interleaved (default: 5 exact, 3 else)")
    how.add_argument("--seconds", type=float, help="least length of one timing of a batch (default 0.2)")
    how.add_argument("--singles", type=positive, help="queries searched one at a time in each repeat")
    how.add_argument("--builds", type=positive, help="how often each engine builds (default: 3 exact, 1 else)")
    how.add_argument("--build-threads", type=positive, help="default: the search threads for exact, else all")
    out = shared.add_argument_group("output")
    out.add_argument("--markdown", action="store_true", help="print the tables as Markdown")
    out.add_argument("--output", type=pathlib.Path, default=RESULTS, help="folder (default benchmarks/results)")

    parser = argparse.ArgumentParser(
        prog="benchmarks/run",
        description="Measures vecstore beside other libraries: each engine in its own process, "
        "taking turns. Prints tables; writes JSON and plots to benchmarks/results/<date>-<suite>.",
        epilog="`benchmarks/run exact --help` lists the options of a suite. "
        "`make` must have built vecstore before; without it the run fails and says so.",
    )
    commands = parser.add_subparsers(
        dest="suite",
        required=True,
        metavar="exact | ann | ivf | filters | growth | life | kmeans | codes | listcodes | drift | clusters | manylists | resident | auto | collections | opening | cache | engines | report",
    )
    commands.add_parser("exact", parents=[shared], help="exact search: speed, latency, memory")
    graphs = argparse.ArgumentParser(add_help=False)
    graph = graphs.add_argument_group("graphs")
    graph.add_argument("--m", type=numbers, help="links of a node, such as 16,32 (default 16,32 for ann, else 16)")
    graph.add_argument("--ef-construction", type=positive, help="beam of the build (default 200)")
    graph.add_argument("--ef-search", type=numbers, help="beams of the search: the points of the curves")
    ann = commands.add_parser("ann", parents=[shared, graphs], help="approximate search: recall-QPS curves")
    lists = commands.add_parser("ivf", parents=[shared], help="inverted files: recall-QPS curves")
    lists.add_argument("--nlist", type=numbers, help="lists (default 256,1024): the peers are built with each")
    lists.add_argument("--assignments", type=numbers, help="lists of a row, of vecstore (default 1,2)")
    lists.add_argument("--nprobe", type=numbers, help="lists that are read: the points of the curves")
    lists.add_argument("--oversampling", type=numbers, help="rows ranked for each result: more points (default 2,4,8)")
    filtered = commands.add_parser(
        "filters", parents=[shared, graphs], help="search among rows that a filter lets through"
    )
    filtered.add_argument("--selectivities", type=percentages, help="percent let through, such as 0.1,1,50")
    filtered.add_argument("--relations", type=relation_names, help="independent,correlated,opposed (default: all)")
    filtered.add_argument("--groups", type=positive, help="groups of queries, each with its own filter (default 4)")
    filtered.add_argument("--group-queries", type=positive, help="queries of a group (default 25)")
    growing = commands.add_parser("growth", parents=[shared, graphs], help="building, speed and memory as rows grow")
    growing.add_argument("--sizes", type=numbers, help="rows, such as 10000,100000 (default 10000,100000,1000000)")
    for curves in (ann, lists, growing):
        curves.add_argument("--points", action="store_true", help="print every point of the curves")
    living = commands.add_parser(
        "life", parents=[shared, graphs], help="churn, files, search threads and call overhead of vecstore"
    )
    living.add_argument("--scale", type=numbers, help="search threads to compare (default 1,2)")
    living.add_argument("--batch", type=positive, help="rows of one change (default 1000)")
    living.add_argument("--steps", type=step_names, help="calls,c,threads,files,churn (default: all)")
    kmeans.add_arguments(commands.add_parser("kmeans", help="k-means beside faiss.Kmeans"), numbers)
    codes.add_arguments(commands.add_parser("codes", help="quantizers beside those of faiss"), numbers)
    listcodes.add_arguments(commands.add_parser("listcodes", help="what each code of lists finds"), numbers)
    drift.add_arguments(commands.add_parser("drift", help="inverted files whose rows drift"), numbers)
    clusters.add_arguments(commands.add_parser("clusters", help="graphs whose rows lie in groups far apart"), numbers)
    manylists.add_arguments(commands.add_parser("manylists", help="finding the nearest of many lists"), numbers)
    resident.add_arguments(
        commands.add_parser("resident", help="what of a mapped inverted file lies in memory"), numbers
    )
    auto.add_arguments(commands.add_parser("auto", help="whether an index that chooses by itself keeps what it promises"), numbers)
    collection.add_arguments(
        commands.add_parser("collections", help="points with payloads: ingesting, disk, search with filters"), numbers
    )
    semanticcache.add_arguments(commands.add_parser("cache", help="semantic caches that share entries through Redis"), numbers)
    opening.add_arguments(commands.add_parser("opening", help="how long opening a large collection takes"), numbers)
    commands.add_parser("engines", help="list the engines")
    again = commands.add_parser("report", help="print the tables of a JSON file again")
    again.add_argument("file", type=pathlib.Path)
    again.add_argument("--markdown", action="store_true")
    again.add_argument("--points", action="store_true")
    return parser


def fill_in(options: argparse.Namespace) -> None:
    """Gives every option that was not on the command line its value."""
    values = {"queries": 1000, "seconds": 0.2, **DEFAULTS[options.suite]}
    if options.quick:
        values |= QUICK[options.suite]
    if options.suite == "growth":
        if options.rows:
            raise SystemExit("benchmarks: growth takes --sizes, not --rows.")
        if options.data == "auto":
            options.data = "packages-1m" if data.packages_present() else "generated"
    made_for = data.KINDS[data.chosen(options.data, options.rows)].metric
    if made_for:
        values["metrics"] = [made_for]
    for name, value in values.items():
        if getattr(options, name, None) is None:
            setattr(options, name, value)
    if options.suite not in ("exact", "ivf") and max(options.ef_search) < options.k:
        raise SystemExit("benchmarks: ef_search must reach k.")
    if options.suite == "filters" and len(options.ef_search) > 1:
        raise SystemExit("benchmarks: filters takes one ef_search.")
    if options.suite == "filters" and options.groups * options.group_queries > options.queries:
        raise SystemExit("benchmarks: the groups have more queries than there are; see --queries.")
    if options.k > data.TRUTH_DEPTH:
        raise SystemExit(f"benchmarks: k must be at most {data.TRUTH_DEPTH}, the depth of the truth.")


def choose(options: argparse.Namespace) -> list[type[engines.Engine]]:
    """The engines of the suite that were asked for and that this processor can run."""
    prefixes = tuple(options.engines.split(",")) if options.engines else ("",)
    flags = set(machine.processor_flags())
    every = [engine for engine in engines.all_engines().values() if options.suite in engine.suites]
    chosen = [engine for engine in every if engine.name.startswith(prefixes) and flags.issuperset(engine.needs_flags)]
    if not chosen:
        raise SystemExit(f"benchmarks: no engine fits; there are {', '.join(engine.name for engine in every)}.")
    return chosen


def say(text: str) -> None:
    """Progress goes to standard error, tables to standard output."""
    print(f"[{datetime.datetime.now():%H:%M:%S}] {text}", file=sys.stderr, flush=True)


def measure_group(
    dataset: data.Dataset, chosen: list[type[engines.Engine]], metric: str, threads: int, options: argparse.Namespace
) -> dict[str, Any]:
    """All engines under one metric with one number of search threads."""
    group = GROUPS.get(options.suite, suite.Group)(dataset, metric, threads, options, say)
    group.run(chosen)
    described = {
        "n": dataset.n,
        "metric": metric,
        "threads": threads,
        "results": group.results,
        "failures": group.failures,
        "absent": group.absent,
    }
    if options.suite == "exact":
        described["comparison"] = compare.exact(group.results)
    elif options.suite in TARGETS:
        described["comparison"] = compare.ann(group.results, TARGETS[options.suite])
    return described


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Runs a suite and returns what the JSON holds."""
    chosen = choose(options)
    datasets = [
        data.prepare(options.data, rows, options.dim, options.queries, options.seed, say)
        for rows in getattr(options, "sizes", [options.rows])
    ]
    dataset = datasets[-1]
    if options.k > min(each.n for each in datasets):
        raise SystemExit(f"benchmarks: k is {options.k}, but there are fewer rows.")
    started = datetime.datetime.now(datetime.timezone.utc)
    groups: list[dict[str, Any]] = []
    interrupted = False
    try:
        for each in datasets:
            for metric in options.metrics:
                for threads in options.threads:
                    groups.append(measure_group(each, chosen, metric, threads, options))
    except KeyboardInterrupt:
        if not groups:
            raise
        say("interrupted: what was finished is reported")
        interrupted = True
    results = [result for group in groups for result in group["results"]]
    return {
        "schema": 1,
        "suite": options.suite,
        "date": started.strftime("%Y-%m-%d %H:%M UTC"),
        "command": shlex.join(["benchmarks/run", *sys.argv[1:]]),
        "options": {name: value for name, value in vars(options).items() if name != "output"},
        "machine": machine.describe(),
        "load_average_at_end": os.getloadavg(),
        "data": {"name": dataset.name, "origin": dataset.origin, "n": dataset.n, "dim": dataset.dim, "nq": dataset.nq},
        "versions": {result["library"]: result["version"] for result in results},
        "vecstore_build_info": next((result["about"] for result in results if result["ours"]), None),
        "interrupted": interrupted,
        "engine_notes": {engine.name: engine.note for engine in chosen if engine.note},
        "groups": groups,
    }


def free_name(folder: pathlib.Path, stem: str) -> pathlib.Path:
    """A name for a JSON file that is not taken: a second run on one day does not replace the first."""
    candidate, number = folder / f"{stem}.json", 1
    while candidate.exists():
        number += 1
        candidate = folder / f"{stem}-{number}.json"
    return candidate


def draw(run: dict[str, Any], path: pathlib.Path) -> list[pathlib.Path]:
    """Writes the plots of a run, if its suite has any, beside its JSON file; returns their names."""
    if run["suite"] not in TARGETS:
        return []
    from . import plot

    written = []
    for metric, threads in dict.fromkeys((group["metric"], group["threads"]) for group in run["groups"]):
        groups = [group for group in run["groups"] if (group["metric"], group["threads"]) == (metric, threads)]
        written.append(path.with_name(f"{path.stem}-{metric}-{threads}.png"))
        if run["suite"] == "growth":
            plot.draw_growth(run, groups, written[-1])
        else:
            plot.draw(run, groups[0], written[-1])
    return written


def run_training(options: argparse.Namespace) -> int:
    """Runs a suite that has no index to search."""
    found = TRAINING[options.suite].run(options, say)
    options.output.mkdir(parents=True, exist_ok=True)
    path = free_name(options.output, f"{found['date'][:10]}-{options.suite}{'-quick' if options.quick else ''}")
    path.write_text(json.dumps(found, indent=1) + "\n")
    print(TRAINING[options.suite].text(found, options.markdown))
    say(f"wrote {os.path.relpath(path)}")
    return 0


def main() -> int:
    options = command_line().parse_args()
    if options.suite == "engines":
        for engine in engines.all_engines().values():
            print(f"{engine.name:32} {', '.join(engine.suites):26} {engine.note}")
        return 0
    if options.suite == "report":
        again = json.loads(options.file.read_text())
        if again["suite"] in TRAINING:
            print(TRAINING[again["suite"]].text(again, options.markdown))
        else:
            print(report.text(again, options.markdown, options.points))
        return 0
    if options.suite in TRAINING:
        return run_training(options)

    fill_in(options)
    run = measure(options)
    options.output.mkdir(parents=True, exist_ok=True)
    path = free_name(options.output, f"{run['date'][:10]}-{options.suite}{'-quick' if options.quick else ''}")
    path.write_text(json.dumps(run, indent=1) + "\n")
    print(report.text(run, options.markdown, getattr(options, "points", False)))
    written = [path, *draw(run, path)]
    say(f"wrote {', '.join(os.path.relpath(file) for file in written)}")
    return 1 if any(group["failures"] for group in run["groups"]) else 0


if __name__ == "__main__":
    sys.exit(main())
