// SPDX-License-Identifier: Apache-2.0

import VecIndex
import VecKernelTypes

/// Points that are to be written at once, and what each was made of.
package struct ImportBatch {
    /// The vectors of one name.
    private struct Column {
        let type: ElementType
        let rowSize: Int
        /// A row for each point, zeros for one that has none.
        var rows: [UInt8] = []
        var present: [UInt8] = []
    }

    private let collection: PointCollection
    private var columns: [Column]
    private var ids: [PointID] = []
    /// The number of what each was made of: a line of a file, for one.
    private var sources: [Int] = []
    private var payloads: [[UInt8]] = []
    private var expires: [Int64] = []
    /// Bytes that are held, about.
    package private(set) var bytes = 0

    /// Bytes of points after which they are written, however few they are.
    package static let mostBytes = 64 << 20

    /// - Parameter types: Of the elements of rows, by place of the vector.
    package init(_ collection: PointCollection, types: [ElementType]) {
        self.collection = collection
        columns = zip(collection.settings, types).map { Column(type: $1, rowSize: $1.rowSize($0.dimension)) }
    }

    package var count: Int { ids.count }

    /// - Parameters:
    ///   - rows: By place; nil: the point has none.
    ///   - end: In microseconds since 1970; 0: never.
    package mutating func add(source: Int, _ id: PointID, rows: [[UInt8]?], payload: [UInt8], expires end: Int64) {
        ids.append(id)
        sources.append(source)
        payloads.append(payload)
        expires.append(end)
        bytes += payload.count + 64
        for place in columns.indices {
            let size = columns[place].rowSize
            if let row = rows[place] {
                columns[place].rows += row
            } else {
                columns[place].rows += [UInt8](repeating: 0, count: size)
            }
            columns[place].present.append(rows[place] == nil ? 0 : 1)
            bytes += size
        }
    }

    package mutating func clear() {
        self = ImportBatch(collection, types: columns.map(\.type))
    }

    // MARK: - Writing

    /// What became of the points.
    package struct Outcome {
        package var written = 0
        /// Points that cannot be, and were passed over.
        package var refused: [(source: Int, reason: VecStoreError)] = []
        /// The first point that was not written, and why there was an end; nil: there was none.
        package var end: (source: Int, reason: VecStoreError, isAboutPoint: Bool)?
    }

    /// Writes all points; where one cannot be, those before it, or, where such are passed over, all others.
    package func write(skipsBad: Bool) -> Outcome {
        var outcome = Outcome(), start = 0
        do throws(VecStoreError) {
            try write(0..<count)
            outcome.written = count
            return outcome
        } catch {
            outcome.end = sources.first.map { ($0, error, false) }
            guard error.isAboutPoint else { return outcome }
        }
        for i in 0...count {
            let flaw = i < count ? flaw(i) : nil
            guard flaw != nil || i == count else { continue }
            // No single point was wrong: the batch was.
            if flaw == nil && outcome.refused.isEmpty { return outcome }
            do throws(VecStoreError) {
                if start < i { try write(start..<i) }
                outcome.written += i - start
            } catch {
                outcome.end = (sources[start], error, false)
                return outcome
            }
            guard let flaw else { break }
            guard flaw.isAboutPoint, skipsBad else {
                outcome.end = (sources[i], flaw, true)
                return outcome
            }
            outcome.refused.append((sources[i], flaw))
            start = i + 1
        }
        outcome.end = nil
        return outcome
    }

    /// Writes points, all or none.
    /// - Parameter range: Which of them.
    private func write(_ range: Range<Int>) throws(VecStoreError) {
        try with(range) { batch throws(VecStoreError) in try collection.upsertPoints(batch) }
    }

    /// What is wrong with one of the points; nil where nothing is.
    private func flaw(_ i: Int) -> VecStoreError? {
        do throws(VecStoreError) {
            try with(i..<i + 1) { batch throws(VecStoreError) in
                try ids[i].check()
                _ = try StagedRows(batch, collection)
                _ = try collection.parsePayloads(batch, keeps: false)
            }
            return nil
        } catch {
            return error
        }
    }

    private func with(
        _ range: Range<Int>, _ body: (PointBatch) throws(VecStoreError) -> Void
    ) throws(VecStoreError) {
        let texts = payloads[range]
        let memory = try allocate(UInt8.self, texts.reduce(0) { $0 + $1.count }, for: "the payloads of \(range.count) points")
        let ends = try allocate(Int64.self, range.count, for: "the ends of \(range.count) points")
        var views: [UnsafeBufferPointer<UInt8>] = [], used = 0
        for text in texts {
            let start = memory.pointer(UInt8.self) + used
            text.withUnsafeBufferPointer { if let base = $0.baseAddress { start.update(from: base, count: $0.count) } }
            views.append(UnsafeBufferPointer(start: start, count: text.count))
            used += text.count
        }
        for (i, end) in expires[range].enumerated() { ends.pointer(Int64.self)[i] = end }
        var vectors: [PointBatch.Vectors] = [], held: [Buffer] = [memory, ends]
        for (place, column) in columns.enumerated() {
            let present = column.present[range]
            // Nothing is known of a vector that no point has.
            if !present.contains(1) { continue }
            let rows = try allocate(UInt8.self, range.count * column.rowSize, for: "the vectors of \(range.count) points")
            let marks = try allocate(UInt8.self, range.count, for: "the vectors of \(range.count) points")
            column.rows[range.lowerBound * column.rowSize..<range.upperBound * column.rowSize].withUnsafeBytes {
                if let base = $0.baseAddress { rows.base.copyMemory(from: base, byteCount: $0.count) }
            }
            for (i, mark) in present.enumerated() { marks.pointer(UInt8.self)[i] = mark }
            held += [rows, marks]
            let name = collection.settings[place].name
            vectors.append(
                PointBatch.Vectors(
                    name: name.isEmpty ? nil : name, rows: UnsafeRawPointer(rows.base), type: column.type,
                    present: present.contains(0) ? UnsafePointer(marks.pointer(UInt8.self)) : nil))
        }
        defer { withExtendedLifetime(held) {} }
        try body(
            PointBatch(
                ids: Array(ids[range]), vectors: vectors, payloads: views, expires: UnsafePointer(ends.pointer(Int64.self))))
    }
}

extension VecStoreError {
    /// Whether it can be a point that is wrong, and not what it comes from or the disk.
    package var isAboutPoint: Bool {
        switch code {
        case .invalidArgument, .notFinite, .zeroVector, .tooLarge, .unsupported: true
        default: false
        }
    }
}
