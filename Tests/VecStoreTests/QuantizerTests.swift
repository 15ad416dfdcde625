// Quantizers in Swift.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import VecStore

@Suite("Quantizers in Swift")
struct QuantizerTests {
    /// 200 vectors of 6.
    private let rows = (0..<1200).map { Float(($0 * 7919) % 997) / 997 }

    @Test("codes decode to vectors near by", arguments: [
        Quantizer.Design.scalar(), .scalar(bits: 4), .product(m: 3), .product(m: 2, bits: 5, rotation: .opq),
        .binary(bits: 4),
    ])
    func roundTrip(design: Quantizer.Design) throws {
        let quantizer = try Quantizer(design, dimension: 6)
        #expect(!quantizer.isTrained)
        try quantizer.train(flat: rows)
        let codes = try quantizer.encode(flat: rows)
        #expect(codes.count == 200 * quantizer.codeSize)
        let decoded = try quantizer.decode(codes)
        let errors = zip(rows, decoded).reduce(0.0) { $0 + Double(($1.0 - $1.1) * ($1.0 - $1.1)) }
        let loss = try quantizer.measure(flat: rows)
        #expect(abs(loss.meanSquaredError - errors / 200) < 1e-5)
        #expect(loss.relativeError < 0.2)
        let query = Array(rows[0..<6])
        let distances = try quantizer.distances(flat: query, to: codes)
        let want = zip(query, decoded).reduce(Float(0)) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
        // Those of binary codes are estimates.
        var most: Float = 1e-4
        if case .binary = design { most = 0.05 }
        #expect(distances.count == 1 && distances[0].count == 200 && abs(distances[0][0] - want) < most)
    }

    @Test("an opened quantizer is of the same design and makes the same codes and vectors", arguments: [
        Quantizer.Design.scalar(), .scalar(bits: 4, isUniform: true, quantile: 0.125), .product(m: 3, seed: 7),
        .product(m: 2, bits: 5, rotation: .opq), .binary(bits: 4, seed: .max),
    ])
    func files(design: Quantizer.Design) throws {
        try withPath { path in
            let quantizer = try Quantizer(design, dimension: 6)
            expect(.invalidArgument) { try quantizer.save(to: path) }
            try quantizer.train(flat: rows)
            try quantizer.save(to: path, sync: false)
            let opened = try Quantizer(opening: path)
            #expect(opened.design == design && opened.dimension == 6 && opened.isTrained)
            let codes = try quantizer.encode(flat: rows)
            #expect(try opened.encode(flat: rows) == codes)
            #expect(try opened.decode(codes) == quantizer.decode(codes))
            let queries = Array(rows[0..<18])
            #expect(try opened.distances(flat: queries, to: codes) == quantizer.distances(flat: queries, to: codes))
            expect(.invalidArgument) { _ = try Index(opening: path) }
        }
    }

    @Test("a file that is not of a quantizer is refused")
    func otherFiles() throws {
        try withPath { path in
            expect(.notFound) { _ = try Quantizer(opening: path) }
            try Index(dimension: 6).save(to: path)
            expect(.invalidArgument) { _ = try Quantizer(opening: path) }
            try Data("VECSTORE".utf8).write(to: URL(fileURLWithPath: path))
            expect(.corrupt) { _ = try Quantizer(opening: path) }
            for bad in ["", "a\0b"] { expect(.invalidArgument) { _ = try Quantizer(opening: bad) } }
        }
    }

    @Test("what makes no sense is refused")
    func refusals() throws {
        func refused(_ code: VecStoreError.Code, _ body: () throws -> Void) {
            let error = #expect(throws: VecStoreError.self, performing: body)
            #expect(error?.code == code)
        }
        refused(.invalidArgument) { _ = try Quantizer(.scalar(bits: 3), dimension: 6) }
        refused(.invalidArgument) { _ = try Quantizer(.product(m: 7), dimension: 6) }
        refused(.unsupported) { _ = try Quantizer(.product(m: 7, rotation: .opq), dimension: 4097) }
        let quantizer = try Quantizer(.product(m: 2, bits: 4), dimension: 6)
        refused(.invalidArgument) { _ = try quantizer.encode(flat: rows) }
        refused(.invalidArgument) { try quantizer.train(flat: [Float]()) }
        refused(.invalidArgument) { try quantizer.train(flat: [1, 2, 3] as [Float]) }
        refused(.invalidArgument) { try quantizer.train(flat: rows, threads: -1) }
        refused(.cancelled) { try quantizer.train(flat: rows, threads: 1) { _, _ in false } }
        try quantizer.train(flat: rows)
        refused(.unsupported) { _ = try quantizer.distances(flat: rows, to: [], metric: .cosine) }
        #expect(try quantizer.encode(flat: [Float]()) == [])
        #expect(try quantizer.decode([]) == [])
    }
}
