// Quantizers and k-means on many threads at once: made to run under ThreadSanitizer.
// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing
import VecIndexReference
import VecKernelTypes

@testable import VecIndex

@Suite("Quantizers and k-means beside each other")
struct QuantizerStressTests {
    private static let rows = DataSet.clusters.make(rows: 300, queries: 0, dimension: 40, type: .float32, seed: 851).rows

    @Test(
        "codes are those of one training or the other while it is trained anew",
        arguments: [QuantizerDesign.scalar(.init()), .product(.init(m: 5, bits: 4, isRotated: true))])
    func training(design: QuantizerDesign) throws {
        let rows = Self.rows
        let halves = [rows.picked(0..<150), rows.picked(150..<300)]
        func expected(_ half: Int) throws -> [UInt8] {
            let quantizer = try VectorQuantizer(dimension: 40, design: design)
            try quantizer.train(halves[half])
            return try quantizer.codes(rows)
        }
        let allowed = [try expected(0), try expected(1)]
        let quantizer = try VectorQuantizer(dimension: 40, design: design)
        try quantizer.train(halves[0])
        let strange = Shared(0)
        onThreads(3) { thread in
            for round in 0..<4 {
                if thread == 0 {
                    if (try? quantizer.train(halves[(round + 1) % 2], threads: 2)) == nil { strange.change { $0 += 1 } }
                } else {
                    let codes = try? quantizer.codes(rows, threads: 2)
                    let isAllowed = codes.map { allowed.contains($0) } ?? false
                    if !isAllowed { strange.change { $0 += 1 } }
                }
            }
        }
        #expect(strange.current == 0)
    }

    @Test(
        "a file saved while it is trained anew is that of one training or the other",
        arguments: [
            QuantizerDesign.scalar(.init()), .product(.init(m: 5, bits: 4, isRotated: true)), .binary(.init(bits: 2)),
        ])
    func saving(design: QuantizerDesign) throws {
        let rows = Self.rows
        let halves = [rows.picked(0..<150), rows.picked(150..<300)]
        let directory = try TemporaryDirectory()
        let allowed = try halves.map { half in
            let quantizer = try VectorQuantizer(dimension: 40, design: design)
            try quantizer.train(half)
            return try quantizer.codes(rows)
        }
        let quantizer = try VectorQuantizer(dimension: 40, design: design)
        try quantizer.train(halves[0])
        let strange = Shared(0), path = directory.path()
        onThreads(4) { thread in
            for round in 0..<4 {
                do {
                    if thread == 0 {
                        try quantizer.train(halves[(round + 1) % 2], threads: 2)
                    } else {
                        try quantizer.save(to: path, sync: false)
                        let codes = try VectorQuantizer.open(path).codes(rows, threads: 2)
                        if !allowed.contains(codes) { strange.change { $0 += 1 } }
                    }
                } catch {
                    strange.change { $0 += 1 }
                }
            }
        }
        #expect(strange.current == 0)
        #expect(directory.names == ["index"])
    }

    @Test("k-means finds the same from several threads at once", arguments: [nil, 100])
    func kMeans(batchSize: Int?) throws {
        let options = KMeansOptions(k: 9, metric: .cosine, batchSize: batchSize, threads: 2)
        let alone = try Clusters(Self.rows, options)
        let different = Shared(0)
        onThreads(3) { _ in
            for _ in 0..<3 {
                let found = try? Clusters(Self.rows, options)
                if found?.centroids != alone.centroids || found?.assignments != alone.assignments {
                    different.change { $0 += 1 }
                }
            }
        }
        #expect(different.current == 0)
    }
}
