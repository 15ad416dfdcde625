// Every check of the kernels, for every instruction set that this processor runs.
// SPDX-License-Identifier: Apache-2.0

import Testing
import VecKernelSuite
import VecKernelTypes
import VecKernels

@Suite("Kernels")
struct KernelTests {
    @Test(
        "every check holds",
        arguments: KernelTable.available.flatMap { isa in
            kernelChecks.filter { $0.applies(KernelTable.table(for: isa)) }.map { (isa, $0) }
        })
    func holds(isa: InstructionSet, check: KernelCheck) {
        #expect(check.run(KernelTable.table(for: isa), .full) == [])
    }
}

extension InstructionSet: CustomTestStringConvertible {
    package var testDescription: String { name }
}

extension KernelCheck: CustomTestStringConvertible {
    package var testDescription: String { name }
}
