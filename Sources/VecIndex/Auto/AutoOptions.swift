// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

/// What a new index is made of that chooses by itself how it keeps rows.
package struct AutoOptions: Sendable {
    package var dimension: Int
    package var metric: Metric
    package var type: ElementType
    /// Rows that are expected; 0: unknown.
    package var capacity: Int
    /// Bytes of memory that it may take; 0: as many as it likes.
    package var memoryBudget: Int
    /// The share of the 10 nearest rows that plain searches are to find.
    package var targetRecall: Float
    package var seed: UInt64

    package static let defaultRecall: Float = 0.95
    /// Results of the searches that the recall is measured for.
    static let k = 10

    package init(
        dimension: Int, metric: Metric = .l2Squared, type: ElementType = .float32, capacity: Int = 0, memoryBudget: Int = 0,
        targetRecall: Float = defaultRecall, seed: UInt64 = 0
    ) {
        self.dimension = dimension
        self.metric = metric
        self.type = type
        self.capacity = capacity
        self.memoryBudget = memoryBudget
        self.targetRecall = targetRecall
        self.seed = seed
    }

    func check() throws(VecStoreError) {
        guard dimension >= 1 && dimension <= Limits.dimension else {
            throw VecStoreError(.invalidArgument, "dim is \(dimension): allowed is 1 to \(Limits.dimension)")
        }
        try checkMetric(metric, type)
        guard targetRecall > 0 && targetRecall <= 1 else {
            throw VecStoreError(.invalidArgument, "target_recall is \(targetRecall): allowed is above 0, up to 1")
        }
        guard memoryBudget >= 0 else {
            throw VecStoreError(.invalidArgument, "memory_budget is \(memoryBudget): allowed is 0 (none) and more")
        }
        guard capacity >= 0 && capacity <= Limits.rows else {
            throw VecStoreError(.tooLarge, "capacity is \(capacity): an index holds at most \(Limits.rows) rows")
        }
    }
}
