// SPDX-License-Identifier: Apache-2.0

import CVecShims
import Glibc
import VecKernelsBaseline
package import VecKernelTypes

#if arch(x86_64)
import VecKernelsAVX2
#if !FEW_KERNELS
import VecKernelsAVX512
import VecKernelsAVX512BF16
import VecKernelsAVX512VNNI
#endif
#endif

extension KernelTable {
    /// What `VECSTORE_ISA` asked for and what came of it. Read once.
    package struct Choice: Sendable {
        package let table: KernelTable
        /// Why `VECSTORE_ISA` was not followed; empty where it was, or where it is not set.
        package let note: String
    }

    /// The kernels in use: the most that the processor runs, unless `VECSTORE_ISA` says otherwise.
    package static let current: KernelTable = choice.table

    package static let choice: Choice = {
        let best = available[available.count - 1]
        guard let wanted = getenv("VECSTORE_ISA").map({ String(cString: $0) }), !wanted.isEmpty else {
            return Choice(table: table(for: best), note: "")
        }
        guard let isa = InstructionSet.allCases.first(where: { $0.name == wanted }) else {
            let names = InstructionSet.allCases.map { $0.name }.joined(separator: ", ")
            return Choice(table: table(for: best), note: "VECSTORE_ISA is not one of \(names)")
        }
        guard available.contains(isa) else {
            return Choice(table: table(for: best), note: "this processor does not run the VECSTORE_ISA asked for, \(wanted)")
        }
        return Choice(table: table(for: isa), note: "")
    }()

    /// The instruction sets that this processor runs, least first; never empty.
    package static let available: [InstructionSet] = {
        let features = vs_cpu_features()
        var sets: [InstructionSet] = [.baseline]
        if features & UInt32(VS_CPU_AVX2) != 0 { sets.append(.avx2) }
        #if !FEW_KERNELS
        if features & UInt32(VS_CPU_AVX512) != 0 { sets.append(.avx512) }
        if features & UInt32(VS_CPU_AVX512VNNI) != 0 { sets.append(.avx512vnni) }
        if features & UInt32(VS_CPU_AVX512BF16) != 0 { sets.append(.avx512bf16) }
        #endif
        return sets
    }()

    /// The kernels for an instruction set of `available`; the baseline for any other.
    package static func table(for isa: InstructionSet) -> KernelTable {
        #if arch(x86_64)
        if available.contains(isa) {
            switch isa {
            case .baseline: break
            case .avx2: return VecKernelsAVX2.makeKernelTable(isa)
            #if FEW_KERNELS
            case .avx512, .avx512vnni, .avx512bf16: break
            #else
            case .avx512: return VecKernelsAVX512.makeKernelTable(isa)
            case .avx512vnni: return VecKernelsAVX512VNNI.makeKernelTable(isa)
            case .avx512bf16: return VecKernelsAVX512BF16.makeKernelTable(isa)
            #endif
            }
        }
        #endif
        return VecKernelsBaseline.makeKernelTable(.baseline)
    }
}
