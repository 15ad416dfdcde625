// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

/// What an index is, in words: some lines, each a name and what there is to say.
struct Explanation {
    private var lines: [String] = []

    var text: String { lines.joined(separator: "\n") }

    /// Of an index whose kind was asked for.
    init(_ index: any VectorIndex) {
        let stats = index.stats()
        say("kind", "\(Explanation.kind(index, stats)), as it was asked for")
        describe(index, stats)
        if let found = index.calibration { say("calibration", Explanation.words(found)) }
    }

    /// Of one that was chosen.
    init(_ state: AutoIndex.State) {
        let index = state.inner, options = state.options
        let stats = index.stats()
        say("kind", "\(Explanation.kind(index, stats)), chosen automatically: \(state.plan.name(options))")
        say("chosen for", "\(state.notes.chosenRows) rows")
        say("because", state.plan.reason(options, rows: state.notes.chosenRows))
        describe(index, stats)
        let estimate = state.plan.bytes(stats.count, options)
        say(
            "memory_budget",
            (options.memoryBudget == 0 ? "none" : "\(options.memoryBudget) bytes") + "; estimated: at most \(estimate) bytes"
                + (stats.count > 0 ? ", \(estimate / stats.count) a row" : ""))
        say("target_recall", "\(options.targetRecall): " + Explanation.recall(state))
        say("optimize", Explanation.advice(state, stats.count))
    }

    private mutating func say(_ name: String, _ what: String) { lines.append("\(name): \(what)") }

    private mutating func describe(_ index: any VectorIndex, _ stats: IndexStats) {
        say("rows", "\(stats.count) of \(index.dimension) elements of \(index.elementType.name), \(index.metric.name)")
        var memory = "\(stats.memoryBytes) bytes"
        if stats.count > 0 { memory += ", \(stats.memoryBytes / stats.count) a row" }
        if stats.mappedBytes > 0 { memory += "; \(stats.mappedBytes) bytes of a file are mapped" }
        say("memory", memory)
        if let graph = stats.graph {
            let rows = graph.exactType.map { "results are ranked by \($0.name) rows" } ?? "distances are approximate"
            say("storage", "\(graph.storage.name), m \(graph.m); \(rows)")
        }
        if let lists = stats.lists {
            let rows = lists.exactType.map { "results are ranked by \($0.name) rows" } ?? "distances are approximate"
            let graph = lists.hasGraph ? " with a graph over their centroids" : ""
            say("storage", "\(lists.storage.name), nlist \(lists.nlist)\(graph); \(rows)")
        }
    }

    private static func kind(_ index: any VectorIndex, _ stats: IndexStats) -> String {
        switch index.kind {
        case .flat: "flat (exact: compares with every row)"
        case .hnsw: "hnsw (approximate: walks over a graph of near rows)"
        case .ivf: "ivf (approximate: reads the lists nearest to a query)"
        }
    }

    private static func words(_ found: Calibration) -> String {
        let setting = found.nprobe > 0 ? "nprobe \(found.nprobe)" : "ef_search \(found.efSearch)"
        let by = found.usesOwnRows ? "rows of the index as queries" : "queries that were not in the index"
        return "\(setting) found \(found.recall) of the \(found.k) nearest, by \(by)"
    }

    private static func recall(_ state: AutoIndex.State) -> String {
        if state.plan.isFlat { return "exact" }
        if state.plan.isCoded {
            return state.notes.recall > 0
                ? "\(state.plan.isGraph ? "ef_search" : "nprobe") \(state.notes.setting) found \(state.notes.recall) of the \(AutoOptions.k) nearest" : "not measured"
        }
        guard let found = state.inner.calibration else { return "not measured yet" }
        let isMissed = found.recall < state.options.targetRecall ? "; more is out of reach" : ""
        let ranked = state.notes.oversampling > 0 ? ", oversampling \(state.notes.oversampling)" : ""
        return words(found) + ranked + isMissed
    }

    private static func advice(_ state: AutoIndex.State, _ rows: Int) -> String {
        if state.plan.isCoded { return "keeps it: there are codes alone, of which nothing else can be made" }
        do throws(VecStoreError) {
            let plan = try AutoIndex.bestPlan(state)
            return plan == state.plan ? "keeps it" : "makes it \(plan.name(state.options)): \(plan.reason(state.options, rows: rows))"
        } catch {
            return "fails: \(error.message)"
        }
    }
}

extension AutoIndex {
    package func explain() -> String { Explanation(current).text }
}
