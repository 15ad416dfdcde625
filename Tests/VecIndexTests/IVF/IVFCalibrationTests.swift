// The number of lists to read, found by calibration.
// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing
import VecIndexReference
import VecKernelTypes

@testable import VecIndex

@Suite("Calibration of inverted files")
struct IVFCalibrationTests {
    private static let rows = RealRows.make(1500, .float32).rows
    private static let strangers = Vectors(
        Array(RealRows.rows[(3000 * 384)..<(3400 * 384)]), dimension: RealRows.dimension, type: .float32)

    private static func index(_ setting: ListSetting, nlist: Int? = 40) throws -> IVFIndex {
        try setting.index(rows, nlist: nlist)
    }

    @Test(
        "the lists found reach their recall on other queries too",
        arguments: [
            ListSetting(metric: .l2Squared, storage: .auto), ListSetting(metric: .cosine, storage: .binary, assignments: 2),
            ListSetting(metric: .innerProduct, storage: .pq), ListSetting(metric: .cosine, storage: .bfloat16),
        ])
    func reaches(setting: ListSetting) throws {
        let index = try IVFCalibrationTests.index(setting)
        let queries = IVFCalibrationTests.strangers.picked(0..<200), fresh = IVFCalibrationTests.strangers.picked(200..<400)
        let found = try index.calibrate(queries, k: 10, recall: 0.9)
        #expect(found.k == 10 && found.targetRecall == 0.9 && found.recall >= 0.9 && !found.usesOwnRows)
        #expect(found.efSearch == 0 && (1...40).contains(found.nprobe))
        #expect(index.listStats.calibration == found)
        let got = try index.search(fresh, k: 10, SearchOptions(targetRecall: 0.9))
        #expect(Results.difference(try index.search(fresh, k: 10, SearchOptions(nprobe: found.nprobe)), got) == nil)
        // Queries that calibration has not seen: the recall of a sample of 200 is sure to some 0.02.
        let truth = Recall.truth(fresh, IVFCalibrationTests.rows, setting.metric, k: 10)
        #expect(Recall.of(got, truth, tolerance: 1e-2) >= 0.9 - 0.03)
    }

    @Test("with one list less the recall is missed", arguments: [Float(0.8), 0.95, 1])
    func least(target: Float) throws {
        let index = try IVFCalibrationTests.index(ListSetting(metric: .l2Squared, storage: .auto))
        let queries = IVFCalibrationTests.strangers.picked(0..<100)
        let found = try index.calibrate(queries, k: 5, recall: target)
        let truth = Recall.truth(queries, IVFCalibrationTests.rows, .l2Squared, k: 5)
        func recall(_ nprobe: Int) throws -> Float {
            Float(Recall.of(try index.search(queries, k: 5, SearchOptions(nprobe: nprobe)), truth, tolerance: 1e-5))
        }
        #expect(try recall(found.nprobe) >= target)
        try #require(found.nprobe > 1)
        #expect(try recall(found.nprobe - 1) < target)
    }

    @Test("the truth is that of exact search, whatever was removed and moved")
    func truth() throws {
        let rows = DataSet.clusters.make(rows: 9000, queries: 70, dimension: 12, type: .float32, seed: 645)
        for metric in ListSetting.metrics {
            let index = try IVFIndex(rows.rows, metric: metric, nlist: 30)
            let flat = try FlatIndex(rows.rows, metric: metric, table: .current)
            let gone = (0 as UInt64..<9000).filter { (id: UInt64) -> Bool in id % 3 == 0 || id < 4200 }
            for other in [index, flat] as [any VectorIndex] { try other.remove(gone) }
            for isCompact in [false, true] {
                if isCompact { try index.compact() }
                let found = try Results.collect(queries: 70, k: 9) { (output) throws(VecStoreError) in
                    try index.exactSearch(rows.queries.bytes, .float32, 70, 9, 2, output)
                }
                #expect(Recall.of(found, try flat.search(rows.queries, k: 9), tolerance: 1e-5) == 1)
            }
        }
    }

    @Test("rows of the index serve where there are no queries, and it says so")
    func ownRows() throws {
        let index = try IVFCalibrationTests.index(ListSetting(metric: .cosine, storage: .auto))
        let found = try index.calibrate(nil, type: .float32, count: 0, k: 5, recall: 0.9, threads: 1)
        #expect(found.usesOwnRows && found.recall >= 0.9)
    }

    @Test("training anew forgets it; adding, removing and compacting do not")
    func forgotten() throws {
        let index = try IVFCalibrationTests.index(ListSetting(metric: .cosine, storage: .auto), nlist: nil)
        let queries = IVFCalibrationTests.strangers.picked(0..<50)
        let found = try index.calibrate(queries, k: 5, recall: 0.8)
        try index.add(IVFCalibrationTests.strangers.picked(0..<100))
        try index.remove([1, 2, 3])
        try index.compact()
        #expect(index.listStats.calibration == found)
        try index.optimize()
        #expect(index.listStats.calibration == nil)
        let message = expectError(.invalidArgument) { _ = try index.search(queries, k: 5, SearchOptions(targetRecall: 0.8)) }
        #expect(message.contains("calibrate"))
        // So many rows that it trains itself anew.
        let small = try IVFIndex(IVFCalibrationTests.rows.picked(0..<50), metric: .cosine)
        _ = try small.calibrate(queries, k: 5, recall: 0.8)
        try small.add(IVFCalibrationTests.rows.picked(50..<1500))
        #expect(small.listStats.nlist > 1 && small.listStats.calibration == nil)
    }

    @Test("it is kept in the file")
    func file() throws {
        let index = try IVFCalibrationTests.index(ListSetting(metric: .innerProduct, storage: .pq))
        let queries = IVFCalibrationTests.strangers.picked(0..<50)
        let found = try index.calibrate(queries, k: 7, recall: 0.85)
        let directory = try TemporaryDirectory()
        try index.save(to: directory.path("a"), sync: false)
        for options in [OpenOptions(), OpenOptions(load: true)] {
            let opened = try IVFIndex.open(directory.path("a"), options)
            #expect(opened.listStats.calibration == found)
            #expect(try opened.search(queries, k: 7, SearchOptions(targetRecall: 0.85)).allSatisfy { $0.count == 7 })
            if !options.load { expectError(.readOnly) { _ = try opened.calibrate(queries, k: 7, recall: 0.5) } }
        }
    }

    @Test("what cannot be is refused, with the reason")
    func refused() throws {
        let queries = IVFCalibrationTests.strangers.picked(0..<20)
        let index = try IVFCalibrationTests.index(ListSetting(metric: .cosine, storage: .auto))
        for recall in [Float(0), -1, 1.01, .nan, .infinity] {
            expectError(.invalidArgument) { _ = try index.calibrate(queries, k: 5, recall: recall) }
        }
        expectError(.invalidArgument) { _ = try index.calibrate(queries.picked(0..<0), k: 5, recall: 0.9) }
        expectError(.invalidArgument) { _ = try index.search(queries, k: 5, SearchOptions(targetRecall: 0.5)) }
        _ = try index.calibrate(queries, k: 5, recall: 0.5)
        let more = expectError(.invalidArgument) { _ = try index.search(queries, k: 5, SearchOptions(targetRecall: 0.9)) }
        #expect(more.contains("calibrated for 0.5"))
        expectError(.invalidArgument) { _ = try index.search(queries, k: 5, SearchOptions(nprobe: 3, targetRecall: 0.5)) }
        let alone = try IVFCalibrationTests.index(ListSetting(metric: .cosine, storage: .pq, rescore: .none))
        let message = expectError(.unsupported) { _ = try alone.calibrate(queries, k: 5, recall: 0.5) }
        #expect(message.contains("no rows to measure"))
        let empty = try IVFIndex(IVFOptions(dimension: 384))
        expectError(.invalidArgument) { _ = try empty.calibrate(queries, k: 5, recall: 0.9) }
        // Bits of three elements say too little, however many lists are read.
        let plane = DataSet.scattered.make(rows: 3000, queries: 50, dimension: 3, type: .float32, seed: 646)
        let coarse = try IVFIndex(plane.rows, metric: .l2Squared, nlist: 1, storage: .binary)
        let limit = expectError(.unsupported) { _ = try coarse.calibrate(plane.queries, k: 10, recall: 1) }
        #expect(limit.contains("every list read") && coarse.listStats.calibration == nil)
    }
}
