// vecstore-kernel-check: runs the checks of the kernels for one instruction set or for all that this processor runs.
// SPDX-License-Identifier: Apache-2.0

import Glibc
import VecKernelSuite
import VecKernelTypes
import VecKernels

let usage = """
    usage: vecstore-kernel-check [--all] [--quick] [--which]
      --all    every instruction set that this processor runs; else the one in use (see VECSTORE_ISA)
      --quick  less of each check, for emulators
      --which  only say which instruction sets there are and which one is in use
    """

let arguments = Set(CommandLine.arguments.dropFirst())
guard arguments.isSubset(of: ["--all", "--quick", "--which"]) else {
    print(usage)
    exit(2)
}

let choice = KernelTable.choice
print("instruction sets of this processor: \(KernelTable.available.map(\.name).joined(separator: ", "))")
print("instruction set in use: \(choice.table.isa.name)\(choice.note.isEmpty ? "" : " (\(choice.note))")")
if arguments.contains("--which") { exit(0) }

let tables = arguments.contains("--all") ? KernelTable.available.map(KernelTable.table(for:)) : [choice.table]
let counts = tables.map { reportKernelChecks($0, arguments.contains("--quick") ? .quick : .full) }
let passed = counts.reduce(0) { $0 + $1.passed }
let failed = counts.reduce(0) { $0 + $1.failed }
print("\n\(passed) passed, \(failed) failed")
exit(failed == 0 ? 0 : 1)
