// Measures every kernel beside what the machine can load at most.
// SPDX-License-Identifier: Apache-2.0

import Glibc
import VecKernelTypes
import VecKernels


let arguments = Array(CommandLine.arguments.dropFirst())
if arguments.contains("--help") {
    print(
        """
        vecstore-kernel-bench [--all] [--quick] [crossover]

        Prints GB/s and ns per row of each kernel (one query, rows of dim 384), for rows in the L2 cache and in memory,
        beside the machine's limit for plain loads; below them the kernels over 4-bit codes of lists (96 tables), and ns of
        what is done once for a query or for a row that is encoded. --all: every instruction set of this processor.
        --quick: fewer repeats. crossover: instead, from which number of queries on a matrix product beats direct
        comparison.
        """)
    exit(0)
}
let repeats = arguments.contains("--quick") ? 5 : 15

if arguments.contains("crossover") {
    measureCrossover(repeats: repeats)
} else {
    let sets = arguments.contains("--all") ? KernelTable.available : [KernelTable.current.isa]
    for isa in sets { KernelBench(KernelTable.table(for: isa), repeats: repeats).run() }
}
