// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

/// A way to keep rows that may be chosen, the larger first. The raw values are those of files: never renumber them.
enum AutoPlan: UInt32, CaseIterable, Sendable {
    /// Exact search, with 8-bit copies of the rows where they help.
    case flat = 1
    /// A graph over 8-bit codes, where there are any, that ranks by the rows as they were added.
    case graph = 2
    /// The same, its storage by measurement: where 8-bit codes do not reach the recall.
    case floatGraph = 10
    /// A graph over 8-bit codes that ranks by float16 rows.
    case halfGraph = 3
    /// An inverted file of binary codes that ranks by 16-bit rows.
    case binaryLists = 4
    /// An inverted file of product codes that ranks by 16-bit rows: where binary codes do not reach the recall.
    case productLists = 9
    /// An inverted file of the rows.
    case lists = 5
    /// Exact search, the rows alone.
    case plainFlat = 6
    /// A graph over 8-bit codes alone.
    case codeGraph = 11
    /// An inverted file of 4-bit codes of all elements alone.
    case scalarCodes = 12
    /// An inverted file of product codes alone.
    case productCodes = 7
    /// An inverted file of binary codes alone.
    case binaryCodes = 8

    /// Those that are taken where others were found too coarse.
    private static let finest: [AutoPlan] = [.floatGraph, .productLists]

    /// Rows up to which comparing with all of them is as good as anything.
    static let flatRows = 8192

    /// The first of those that are to be preferred and fit.
    /// - Parameters:
    ///   - rows: Rows that there are.
    ///   - expected: Rows that there will be.
    static func choose(_ options: AutoOptions, rows: Int, expected: Int) throws(VecStoreError) -> AutoPlan {
        if options.targetRecall >= 1 || rows <= flatRows {
            let wanted = options.targetRecall >= 1 ? max(rows, expected) : rows
            for plan in [flat, plainFlat] where plan.fits(wanted, options) { return plan }
        }
        let wanted = max(rows, expected)
        let offered =
            options.targetRecall >= 1 ? [.plainFlat] : allCases.filter { $0 != .flat && !finest.contains($0) && $0.isOffered(options) }
        for plan in offered where plan.fits(wanted, options) { return plan }
        let least = offered.map { $0.bytes(wanted, options) }.min() ?? 0
        let exact = options.targetRecall >= 1 ? " with a target_recall of 1, which takes exact search" : ""
        throw VecStoreError(
            .tooLarge, "memory_budget is \(options.memoryBudget): \(wanted) rows take at least \(least) bytes\(exact)")
    }

    /// Whether it exists for these rows.
    func isOffered(_ options: AutoOptions) -> Bool {
        let hasMeans = options.type != .bits && options.metric != .l1
        return switch self {
        case .flat, .graph, .plainFlat: true
        case .floatGraph, .codeGraph: hasMeans && options.type.isFloat
        case .halfGraph: hasMeans && options.type == .float32
        case .binaryLists, .productLists, .scalarCodes, .productCodes, .binaryCodes: hasMeans && options.type.isFloat
        case .lists: hasMeans && !options.type.isFloat
        }
    }

    var isFlat: Bool { self == .flat || self == .plainFlat }
    var isGraph: Bool { [.graph, .floatGraph, .halfGraph, .codeGraph].contains(self) }
    var isLists: Bool { !isFlat && !isGraph }
    /// What may reach a recall that this one does not.
    var finer: AutoPlan? {
        switch self {
        case .graph: .floatGraph
        case .binaryLists: .productLists
        default: nil
        }
    }
    /// Whether there are codes alone, whose distances are approximate.
    var isCoded: Bool { self == .codeGraph || self == .scalarCodes || isLossy }
    /// Whether these are so coarse that nothing else can be made of them.
    var isLossy: Bool { self == .productCodes || self == .binaryCodes }

    func fits(_ rows: Int, _ options: AutoOptions) -> Bool {
        options.memoryBudget == 0 || bytes(rows, options) <= options.memoryBudget
    }

    /// An empty index, for so many rows to begin with.
    func index(_ options: AutoOptions, rows: Int) throws(VecStoreError) -> any VectorIndex {
        if isFlat {
            return try FlatIndex(
                IndexOptions(
                    dimension: options.dimension, metric: options.metric, type: options.type,
                    exactCodes: self == .plainFlat ? false : nil))
        }
        if isGraph { return try HNSWIndex(graphOptions(options)) }
        var lists = listOptions(options)
        lists.nlist = lists.listCount(for: rows)
        return try IVFIndex(lists)
    }

    private func graphOptions(_ options: AutoOptions) -> HNSWOptions {
        let hasCodes = AutoPlan.floatGraph.isOffered(options)
        return HNSWOptions(
            dimension: options.dimension, metric: options.metric, type: options.type,
            storage: hasCodes && self != .floatGraph ? .int8 : .auto,
            rescore: self == .codeGraph ? .none : self == .halfGraph ? .float16 : .asAdded, seed: options.seed)
    }

    private func listOptions(_ options: AutoOptions) -> IVFOptions {
        let storage: ListStorage =
            switch self {
            case .binaryLists, .binaryCodes: .binary
            case .productLists, .productCodes: .pq
            case .scalarCodes: .int4
            default: .auto
            }
        let rescore: RescoreRows = isCoded ? .none : self != .lists && options.type == .float32 ? .float16 : .asAdded
        return IVFOptions(
            dimension: options.dimension, metric: options.metric, type: options.type, storage: storage, rescore: rescore,
            seed: options.seed)
    }

    // MARK: - Memory

    /// A bound on the memory that `rows` rows take.
    func bytes(_ rows: Int, _ options: AutoOptions) -> Int {
        let n = Double(max(rows, 1))
        let sum: Double
        if isFlat {
            sum = flatBytes(n, options)
        } else if isGraph {
            sum = graphBytes(n, options)
        } else {
            sum = listBytes(n, options)
        }
        return Int(min(sum + n * AutoPlan.idBytes + AutoPlan.fixedBytes, 0x1p62))
    }

    /// A place in the table of ids, which is a third full at least.
    private static let idBytes = 46.0
    /// Tables that every index has, however few rows.
    private static let fixedBytes = Double(1 << 16)

    /// A new segment is as large as all before, up to 64 MiB.
    private func flatBytes(_ n: Double, _ options: AutoOptions) -> Double {
        let possible = options.type == .float32 && options.metric != .l1 && options.dimension >= 32
        let shape = RowShape(
            dimension: options.dimension, metric: options.metric, type: options.type,
            keepsCodes: self == .flat && possible)
        let row = shape.bytesPerRow
        let rows = n * Double(row)
        return rows + min(max(rows, Double(FlatIndex.leastSegmentRows * row)), 0x1p26)
    }

    /// The largest of what measuring may decide on, with the lists above the lowest level.
    private func graphBytes(_ n: Double, _ options: AutoOptions) -> Double {
        let made = graphOptions(options)
        let storages: [GraphStorage] =
            self != .floatGraph ? [made.storage] : options.type == .float32 ? [.int8, .float16, .float32] : [.int8, .auto]
        let row = storages.map { storage in
            var shape = HNSWIndex.shape(made, storage: storage)
            shape.isSketched = shape.isCoded && shape.fullType != nil && options.dimension >= GraphShape.leastSketchedDimension
            return shape.bytesPerRow
        }.max() ?? 0
        return n * Double(row + 8) + Double(1 << 17)
    }

    /// Lists, with the room for rows to come, what is kept beside them, and the centroids with their codes.
    private func listBytes(_ n: Double, _ options: AutoOptions) -> Double {
        let made = listOptions(options)
        let block = Double(made.codeShape.layout.blockSize)
        let lists = Double(made.listCount(for: Int(min(n, 0x1p40))))
        let row = Double((made.rowType?.rowSize(options.dimension) ?? 0) + (made.rowType != nil && options.metric == .cosine ? 8 : 0) + 12)
        return 1.25 * n / Double(ListLayout.rows) * block + lists * block + n * row + lists * Double(6 * options.dimension + 64)
            + Double(64 * options.dimension)
    }

    // MARK: - Words

    /// What it is.
    func name(_ options: AutoOptions) -> String {
        switch self {
        case .flat: "flat"
        case .graph: AutoPlan.floatGraph.isOffered(options) ? "hnsw, storage int8, rows as added" : "hnsw, rows as added"
        case .floatGraph: "hnsw, storage auto, rows as added"
        case .halfGraph: "hnsw, storage int8, rescore float16"
        case .binaryLists: "ivf, storage binary, rescore by 16-bit rows"
        case .productLists: "ivf, storage pq, rescore by 16-bit rows"
        case .lists: "ivf, rows as added"
        case .plainFlat: "flat, without 8-bit copies"
        case .codeGraph: "hnsw, storage int8, rescore none"
        case .scalarCodes: "ivf, storage int4, rescore none"
        case .productCodes: "ivf, storage pq, rescore none"
        case .binaryCodes: "ivf, storage binary, rescore none"
        }
    }

    /// Why it is chosen where it is.
    func reason(_ options: AutoOptions, rows: Int) -> String {
        switch self {
        case .flat, .plainFlat:
            if options.targetRecall >= 1 { return "a target_recall of 1 takes exact search" }
            if rows <= AutoPlan.flatRows { return "up to \(AutoPlan.flatRows) rows comparing with all is fast, and exact" }
            return "the rows alone fit memory_budget: comparing with all is exact, and slow"
        case .graph:
            return "a graph is the fastest at a high recall" + (options.memoryBudget > 0 ? ", and fits memory_budget" : "")
        case .floatGraph:
            return "a graph is the fastest at a high recall, and one over 8-bit codes does not reach target_recall"
        case .halfGraph: return "a graph with float32 rows is beyond memory_budget, one that ranks by float16 rows fits"
        case .binaryLists: return "a graph is beyond memory_budget, codes of 1 bit an element and 16-bit rows to rank by fit"
        case .productLists:
            return "a graph is beyond memory_budget, and codes of 1 bit an element do not reach target_recall: codes of 2 bits and 16-bit rows to rank by fit"
        case .lists: return "a graph is beyond memory_budget, lists of rows fit"
        case .codeGraph:
            return
                "rows are beyond memory_budget, a graph over codes of 8 bits an element fits: without rows to rank by distances are approximate"
        case .scalarCodes:
            return
                "rows are beyond memory_budget, codes of 4 bits an element fit: without rows to rank by distances are approximate, and the recall is what codes alone can give, 0.8 to 0.97 by the data"
        case .productCodes:
            return
                "rows are beyond memory_budget, codes of 2 bits an element fit: without rows to rank by distances are approximate, and the recall is what codes alone can give, 0.5 to 0.95 by the data"
        case .binaryCodes:
            return
                "rows are beyond memory_budget, codes of 1 bit an element fit: without rows to rank by distances are approximate, and the recall is what codes alone can give, 0.3 to 0.8 by the data"
        }
    }
}
