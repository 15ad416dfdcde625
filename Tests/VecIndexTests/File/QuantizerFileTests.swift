// Files of quantizers: what comes out is what went in; what is damaged or forged is refused.
// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing
import VecIndexReference
import VecKernelTypes
import VecKernels

@testable import VecIndex

@Suite("Files of quantizers")
struct QuantizerFileTests {
    /// Every kind, with all its bits, with a rotation and without.
    private static let designs: [QuantizerDesign] =
        [8, 4].flatMap { bits in
            [.scalar(.init(bits: bits)), .scalar(.init(bits: bits, isUniform: true, quantile: 0.05))]
        }
        + ProductQuantizer.allowedBits.flatMap { bits in
            [false, true].map { .product(.init(m: 3, bits: bits, isRotated: $0, seed: 7)) }
        } + (1...8).map { .binary(.init(bits: $0, seed: .max)) }

    /// One for each set of sections that there can be.
    private static let smallDesigns: [QuantizerDesign] = [
        .scalar(.init()), .scalar(.init(bits: 4, isUniform: true, quantile: 0.1)), .product(.init(m: 2, bits: 4, seed: 5)),
        .product(.init(m: 1, bits: 4, isRotated: true)), .binary(.init(bits: 3, seed: 9)),
    ]

    private static let dimension = 5
    private static let rows = DataSet.clusters.make(
        rows: 90, queries: 0, dimension: dimension, type: .float32, seed: 871).rows

    private static func trained(
        _ design: QuantizerDesign, _ rows: Vectors = rows, _ table: KernelTable = .current
    ) throws -> VectorQuantizer {
        let quantizer = try VectorQuantizer(dimension: rows.dimension, design: design, table: table)
        try quantizer.train(rows)
        return quantizer
    }

    /// The bytes of a small file.
    private static func file(_ directory: TemporaryDirectory, _ design: QuantizerDesign) throws -> [UInt8] {
        try trained(design).save(to: directory.path(), sync: false)
        return try directory.bytes()
    }

    /// Expects that everything that a quantizer does is what another one does, bit for bit.
    private static func expectSame(_ quantizer: VectorQuantizer, _ other: VectorQuantizer, _ rows: Vectors) throws {
        let codes = try quantizer.codes(rows)
        #expect(try other.codes(rows) == codes)
        let vectors = try quantizer.vectors(codes)
        #expect(try other.vectors(codes).bytes == vectors.bytes)
        let queries = rows.picked(0..<4)
        for metric in [Metric.l2Squared, .innerProduct] {
            let distances = try quantizer.distances(queries, codes, metric).map(\.bitPattern)
            #expect(try other.distances(queries, codes, metric).map(\.bitPattern) == distances)
        }
    }

    // MARK: - What comes out

    @Test(
        "an opened quantizer makes the same codes, vectors and distances, bit for bit",
        arguments: designs, KernelTable.available)
    func roundTrip(design: QuantizerDesign, isa: InstructionSet) throws {
        let directory = try TemporaryDirectory(), table = KernelTable.table(for: isa)
        for dimension in [3, 20] {
            let rows = DataSet.clusters.make(rows: 70, queries: 0, dimension: dimension, type: .float32, seed: 872).rows
            let quantizer = try Self.trained(design, rows, table)
            try quantizer.save(to: directory.path(), sync: false)
            let opened = try VectorQuantizer.open(directory.path(), table: table)
            #expect(opened.isTrained)
            #expect(opened.dimension == dimension)
            #expect("\(opened.design)" == "\(quantizer.design)")
            try Self.expectSame(quantizer, opened, rows)
            // And the file of it is the same.
            let bytes = try directory.bytes()
            try opened.save(to: directory.path(), sync: true)
            #expect(try directory.bytes() == bytes)
        }
    }

    @Test("numbers near the ends of the range of vectors come out", arguments: smallDesigns, [Float(0x1p60), 0x1p-70, 0])
    func extremes(design: QuantizerDesign, scale: Float) throws {
        let directory = try TemporaryDirectory()
        let rows = Vectors(
            Self.rows.values.map { Float($0) * scale }, dimension: Self.dimension, type: .float32)
        let quantizer = try Self.trained(design, rows)
        try quantizer.save(to: directory.path(), sync: false)
        try Self.expectSame(quantizer, try VectorQuantizer.open(directory.path()), rows)
    }

    @Test("an opened quantizer is trained anew as if it were new", arguments: smallDesigns)
    func trainedAnew(design: QuantizerDesign) throws {
        let directory = try TemporaryDirectory()
        try Self.trained(design, Self.rows.picked(0..<20)).save(to: directory.path(), sync: false)
        let opened = try VectorQuantizer.open(directory.path())
        try opened.train(Self.rows)
        try Self.expectSame(Self.trained(design), opened, Self.rows)
    }

    @Test("what was not trained is not saved, and replaces nothing")
    func untrained() throws {
        let directory = try TemporaryDirectory()
        let bytes = try Self.file(directory, .scalar(.init()))
        let message = expectError(.invalidArgument) {
            try VectorQuantizer(dimension: 5, design: .scalar(.init())).save(to: directory.path(), sync: false)
        }
        #expect(message.contains("not trained"))
        #expect(directory.names == ["index"])
        #expect(try directory.bytes() == bytes)
    }

    @Test("an index is not opened as a quantizer, nor a quantizer as an index, and each is told what it is")
    func otherKinds() throws {
        let directory = try TemporaryDirectory()
        let rows = Self.rows.picked(0..<9)
        let indexes: [any VectorIndex] = [
            try FlatIndex(rows, metric: .l2Squared, table: .current), try HNSWIndex(rows, metric: .l2Squared),
        ]
        for (index, name) in zip(indexes, ["flat", "hnsw"]) {
            try index.save(to: directory.path(), sync: false)
            let message = expectError(.invalidArgument) { _ = try VectorQuantizer.open(directory.path()) }
            #expect(message.contains("an index (\(name), dim 5, 9 rows)"))
        }
        _ = try Self.file(directory, .product(.init(m: 2, bits: 4)))
        for load in [false, true] {
            let message = expectError(.invalidArgument) {
                _ = try openIndex(directory.path(), OpenOptions(load: load, verify: nil))
            }
            #expect(message.contains("a quantizer (product, dim 5)"))
        }
    }

    // MARK: - Damage

    @Test("a bit changed anywhere is found", arguments: smallDesigns)
    func everyByte(design: QuantizerDesign) throws {
        let directory = try TemporaryDirectory()
        let bytes = try Self.file(directory, design)
        for i in bytes.indices {
            var damaged = bytes
            damaged[i] ^= 1 << UInt8(i % 8)
            try directory.write(damaged)
            let error = #expect(throws: VecStoreError.self, "byte \(i)") { _ = try VectorQuantizer.open(directory.path()) }
            #expect(error?.code == .corrupt, "byte \(i)")
        }
    }

    @Test("a file cut short, or longer than it was, is found", arguments: smallDesigns)
    func wrongSize(design: QuantizerDesign) throws {
        let directory = try TemporaryDirectory()
        let bytes = try Self.file(directory, design)
        for damaged in bytes.indices.map({ Array(bytes[..<$0]) }) + [bytes + [0]] {
            try directory.write(damaged)
            expectError(.corrupt) { _ = try VectorQuantizer.open(directory.path()) }
        }
    }

    @Test("a lack of memory is an error, and leaves no file behind")
    func memory() async {
        await #expect(processExitsWith: .success) {
            for design in QuantizerFileTests.smallDesigns {
                let directory = try TemporaryDirectory()
                let quantizer = try QuantizerFileTests.trained(design)
                let failed = try failEachAllocation {
                    try quantizer.save(to: directory.path(), sync: false)
                    _ = try VectorQuantizer.open(directory.path())
                } check: {
                    try #require(directory.names.allSatisfy { $0 == "index" })
                }
                try #require(failed > 5)
            }
        }
    }

    // MARK: - Forgery

    /// A forged file: where something is put, what, and in a file of which design.
    struct Forgery: CustomStringConvertible, Sendable {
        /// nil: the fixed part.
        var section: SectionKind?
        var offset: Int
        var value: UInt32
        var design: Int

        var description: String { "\(section.map { "\($0)" } ?? "header") \(offset): \(value) in design \(design)" }
    }

    /// What no quantizer of a design has in its header: designs as in `smallDesigns`.
    private static let headers: [Forgery] = {
        var all: [Forgery] = []
        func add(_ offset: Int, _ values: [UInt32], designs: [Int] = [0, 1, 2, 3, 4]) {
            for design in designs { all += values.map { Forgery(offset: offset, value: $0, design: design) } }
        }
        // An index; another dimension, metric or dtype; rows, a next id, flags.
        add(32, [0, 1, 2, 3, 4, 65])
        add(36, [0, 6, 65_537])
        add(40, [0, 2])
        add(44, [0, 2])
        for offset in [48, 56, 64] { add(offset, [1, 4, 0xffff_ffff]) }
        // Fields of other kinds, and unknown ones.
        for offset in [76, 80, 84, 88] { add(offset, [1], designs: [0, 1]) }
        for offset in [92, 96] { add(offset, [1], designs: [2, 3, 4]) }
        for offset in [76, 88] { add(offset, [1], designs: [4]) }
        for offset in [100, 108] { add(offset, [1]) }
        // Kinds, bits, parts, rotations and ranges that there are not, or that have other sections.
        add(68, [0, 4, 0xffff_ffff])
        add(68, [1, 3], designs: [2, 3])
        add(72, [0, 9, 0xffff_ffff])
        add(72, [5], designs: [2])
        add(76, [0, 6, 0xffff_ffff], designs: [2, 3])
        add(88, [1], designs: [2])
        add(88, [0, 2, 0xffff_ffff], designs: [3])
        add(92, [2, 0xffff_ffff], designs: [0, 1])
        add(96, [Float(0.5), -1, .nan, .infinity].map(\.bitPattern), designs: [0, 1])
        return all
    }()

    @Test("header fields that cannot be are refused, whatever the checksum says", arguments: headers)
    func header(forgery: Forgery) throws {
        let directory = try TemporaryDirectory()
        var bytes = try Self.file(directory, Self.smallDesigns[forgery.design])
        bytes.replaceSubrange(forgery.offset..<(forgery.offset + 4), with: withUnsafeBytes(of: forgery.value) { Array($0) })
        bytes.replaceSubrange(120..<128, with: withUnsafeBytes(of: checksum(of: Array(bytes[..<120]))) { Array($0) })
        try directory.write(bytes)
        expectError(.corrupt) { _ = try VectorQuantizer.open(directory.path()) }
        expectError(.corrupt) { _ = try openIndex(directory.path(), OpenOptions(load: true, verify: nil)) }
    }

    /// Numbers that no training finds.
    private static let numbers: [Forgery] = {
        var all: [Forgery] = []
        func add(_ section: SectionKind, _ offsets: [Int], design: Int, _ values: [Float]) {
            for offset in offsets {
                all += values.map { Forgery(section: section, offset: offset, value: $0.bitPattern, design: design) }
            }
        }
        let strange: [Float] = [.nan, .infinity, -.infinity, 0x1p64, -0x1p64, .greatestFiniteMagnitude]
        // Centers, then steps.
        for design in [0, 1] {
            add(.ranges, [0, 16, 20, 36], design: design, strange)
            add(.ranges, [24], design: design, [0, -1, 0x1p-80])
        }
        for design in [2, 3] { add(.partCentroids, [0, 40, 316], design: design, strange) }
        add(.rotation, [0, 96], design: 3, strange + [2, -3])
        add(.mean, [4, 16], design: 4, strange)
        return all
    }()

    @Test("numbers that training cannot have found are refused, whatever the checksums say", arguments: numbers)
    func content(forgery: Forgery) throws {
        let directory = try TemporaryDirectory()
        let bytes = try Self.file(directory, Self.smallDesigns[forgery.design])
        let kind = try #require(forgery.section)
        try directory.write(rewritten(bytes, kind) { section in
            section.replaceSubrange(
                forgery.offset..<(forgery.offset + 4), with: withUnsafeBytes(of: forgery.value) { Array($0) })
        })
        let message = expectError(.corrupt) { _ = try VectorQuantizer.open(directory.path()) }
        #expect(message.contains("cannot be") || message.contains("changes lengths"))
    }

    @Test("any other numbers do no harm", arguments: smallDesigns)
    func anyNumbers(design: QuantizerDesign) throws {
        let directory = try TemporaryDirectory()
        let bytes = try Self.file(directory, design)
        var random = Random(seed: 873), opened = 0
        for _ in 0..<60 {
            let kinds = try HeaderTests.decode(bytes).sections.map(\.kind)
            var forged = bytes
            for kind in kinds {
                forged = try rewritten(forged, kind) { section in
                    let at = 4 * random.below(section.count / 4)
                    let value = Float(sign: .plus, exponent: random.below(140) - 70, significand: 1 + abs(random.unit()))
                    section.replaceSubrange(at..<(at + 4), with: withUnsafeBytes(of: value) { Array($0) })
                }
            }
            try directory.write(forged)
            guard let quantizer = try? VectorQuantizer.open(directory.path()) else { continue }
            opened += 1
            let codes = try quantizer.codes(Self.rows)
            let noise = (0..<codes.count).map { _ in UInt8(random.below(256)) }
            for metric in [Metric.l2Squared, .innerProduct] {
                _ = try quantizer.distances(Self.rows, codes, metric)
                _ = try quantizer.distances(Self.rows, noise, metric)
            }
            _ = try quantizer.vectors(noise)
            _ = try quantizer.loss(Self.rows)
        }
        // A rotation with one strange element is none.
        if case .product(let design) = design, design.isRotated { return }
        #expect(opened > 0)
    }
}
