// What a check of the kernels is, how much of it runs, and the list of all of them.
// SPDX-License-Identifier: Apache-2.0

package import VecKernelTypes

/// One thing that must hold for the kernels of every instruction set.
package struct KernelCheck: Sendable {
    package let name: String
    /// Whether the table has the kernel: some instruction sets have kernels of their own.
    package let applies: @Sendable (KernelTable) -> Bool
    /// Returns what does not hold; nothing where all is well.
    package let run: @Sendable (KernelTable, Extent) -> [String]

    init(
        name: String, applies: @escaping @Sendable (KernelTable) -> Bool = { _ in true },
        run: @escaping @Sendable (KernelTable, Extent) -> [String]
    ) {
        self.name = name
        self.applies = applies
        self.run = run
    }
}

/// How much a check tries.
package enum Extent: Sendable {
    case full
    /// For emulators. They are slow: fewer dimensions and fewer random vectors. Some read all of a register where an
    /// instruction leaves out lanes: the last 64 bytes before a fence are not used, but may be read.
    case quick

    /// Every dimension around which a kernel takes another path, and the usual large ones.
    var dimensions: [Int] {
        switch self {
        case .full: Array(1...130) + [384, 768, 1536]
        case .quick: Array(1...18) + [31, 32, 33, 47, 63, 64, 65, 79, 95, 96, 97, 127, 128, 129, 130, 384]
        }
    }

    /// For bits there are eight elements in a byte, so some more are needed for every number of bytes.
    func dimensions(_ type: ElementType) -> [Int] {
        type == .bits ? dimensions + dimensions.filter { $0 > 16 && $0 <= 130 }.map { 8 * $0 - 3 } : dimensions
    }

    /// `full` trials, or a tenth of them.
    func trials(_ full: Int) -> Int { self == .full ? full : max(1, full / 10) }
}

/// All checks, in the order in which they are best read.
package let kernelChecks: [KernelCheck] =
    tableChecks + distanceChecks + normChecks + conversionChecks + finiteChecks + selectChecks + mergeChecks + codeChecks
    + scalarCodeChecks + sumChecks + subspaceChecks + listCodeChecks + listTableChecks + gridChecks
    + rotationChecks + loadChecks

/// Collects what does not hold. Keeps the first few sentences and counts the others.
struct Findings {
    private var sentences: [String] = []
    private var count = 0

    mutating func expect(_ holds: Bool, _ otherwise: @autoclosure () -> String) {
        if holds { return }
        count += 1
        if sentences.count < 8 { sentences.append(otherwise()) }
    }

    var failures: [String] {
        count > sentences.count ? sentences + ["and \(count - sentences.count) more"] : sentences
    }
}
