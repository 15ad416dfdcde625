// Checks of the kernel that benchmarks measure the speed of memory with.
// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

let loadChecks = [
    KernelCheck(name: "load: reads every byte of whole blocks, and none beyond the end") { table, extent in
        var findings = Findings()
        let memory = FencedMemory(1 << 12, extent)
        for count in 0...(extent == .full ? 600 : 260) {
            let got = table.load(memory.put([UInt8](repeating: 0, count: count), atEnd: true), count)
            findings.expect(got == 0, "\(count) bytes of 0: \(got)")
        }
        // A block is four registers: 64, 128 or 256 bytes.
        for position in 0..<512 {
            var bytes = [UInt8](repeating: 0, count: 512)
            bytes[position] = 1 << UInt8(position % 8)
            let got = table.load(memory.put(bytes, atEnd: true), bytes.count)
            findings.expect(got == 1, "one bit at byte \(position): \(got)")
        }
        return findings.failures
    }
]
