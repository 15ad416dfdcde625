// Runs the checks of the kernels on arm64; see `run` beside this file.
// SPDX-License-Identifier: Apache-2.0

import Glibc
import VecKernelSuite
import VecKernelTypes
import VecKernelsBaseline

let (passed, failed) = reportKernelChecks(makeKernelTable(.baseline), .full)
print("\n\(passed) passed, \(failed) failed")
exit(failed == 0 ? 0 : 1)
