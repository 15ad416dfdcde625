// Checks of the table itself: which kernels there are.
// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

let tableChecks = [
    KernelCheck(name: "kernels exist for the pairs of metric and element type that make sense, and for no other") {
        table, _ in
        var findings = Findings()
        for metric in Metric.allCases {
            for type in ElementType.allCases {
                let exists = table.distance(metric, type) != nil
                findings.expect(
                    exists == metric.supports(type), "\(metric.name) \(type.name): \(exists ? "a" : "no") kernel")
            }
        }
        let kernels = table.distances.filter { $0 != nil }.count
        findings.expect(table.distances.count == KernelTable.slotCount, "\(table.distances.count) slots")
        findings.expect(kernels == 4 * 5 + 2, "\(kernels) kernels")
        return findings.failures
    },
    KernelCheck(name: "a product of bfloat16 with bfloat16 exists where the processor has an instruction for it") {
        table, _ in
        var findings = Findings()
        let exists = table.bfloat16Product != nil
        findings.expect(exists == (table.isa == .avx512bf16), "\(table.isa.name): \(exists ? "a" : "no") kernel")
        return findings.failures
    },
    KernelCheck(name: "squared norms exist for all but bits, tests for finite elements for floats alone") { table, _ in
        var findings = Findings()
        for type in ElementType.allCases {
            let norms = table.squaredNorms(type) != nil
            findings.expect(norms == (type != .bits), "\(type.name): \(norms ? "has" : "lacks") squared norms")
            let finite = table.allFinite[Int(type.rawValue)] != nil
            findings.expect(
                finite == type.isFloat, "\(type.name): \(finite ? "has" : "lacks") a test for finite elements")
        }
        return findings.failures
    },
]
