// A metric, an element type and an instruction set that tests go through.
// SPDX-License-Identifier: Apache-2.0

import Testing
import VecKernelTypes
import VecKernels

struct Setting: CustomTestStringConvertible, Sendable {
    var metric: Metric
    var type: ElementType
    var isa = KernelTable.current.isa

    var table: KernelTable { KernelTable.table(for: isa) }
    var testDescription: String { "\(metric.name) of \(type.name), \(isa.name)" }

    /// The pairs that codes and matrix products exist for, on every instruction set that this processor runs.
    static let products: [Setting] = floatPairs.flatMap { pair in
        Sanitizer.instructionSets.map { Setting(metric: pair.metric, type: pair.type, isa: $0) }
    }

    /// The same pairs, on the best instruction set.
    static let floatPairs: [Setting] = [Metric.l2Squared, .innerProduct, .cosine].flatMap { metric in
        [ElementType.float32, .float16, .bfloat16].map { Setting(metric: metric, type: $0) }
    }

    /// Every pair that makes sense, on the best instruction set.
    static let all: [Setting] = Metric.allCases.flatMap { metric in
        ElementType.allCases.filter { metric.supports($0) }.map { Setting(metric: metric, type: $0) }
    }
}
