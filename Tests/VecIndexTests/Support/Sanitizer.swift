// Whether the tests run under a sanitizer: a few things cannot be tested there.
// SPDX-License-Identifier: Apache-2.0

import Glibc
import VecKernelTypes
import VecKernels

enum Sanitizer {
    static let isAddress = dlsym(nil, "__asan_init") != nil
    static let isThread = dlsym(nil, "__tsan_init") != nil

    /// Instruction sets to test on: all that this processor runs; under AddressSanitizer, which makes everything slow and has
    /// tests of the kernels' bounds beside it, the best.
    static let instructionSets = isAddress ? [KernelTable.current.isa] : KernelTable.available
}
