// Runs all checks and prints a line for each: for programs without a test runner.
// SPDX-License-Identifier: Apache-2.0

import Glibc
package import VecKernelTypes

/// Runs every check that applies to the kernels of one instruction set, and returns how many passed and failed.
package func reportKernelChecks(_ table: KernelTable, _ extent: Extent) -> (passed: Int, failed: Int) {
    var passed = 0
    var failed = 0
    print("\n\(table.isa.name)")
    for check in kernelChecks where check.applies(table) {
        print("  \(check.name) … ", terminator: "")
        // A kernel that reads or writes where it must not is stopped by the system: the name must be out by then.
        fflush(nil)
        let failures = check.run(table, extent)
        print(failures.isEmpty ? "passed" : "FAILED")
        for failure in failures { print("    \(failure)") }
        if failures.isEmpty { passed += 1 } else { failed += 1 }
    }
    return (passed, failed)
}
