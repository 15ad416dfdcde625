// Saving an index and opening it again, mapped or loaded.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing
import VecIndexReference
import VecKernelTypes

@testable import VecIndex

@Suite("Saving and opening")
struct SaveTests {
    /// What may differ between files of one kind of index.
    struct Content: CaseIterable, CustomTestStringConvertible, Sendable {
        var rows: Int
        var hasRemovals: Bool
        var idsAscend: Bool

        static let allCases: [Content] = [0, 1, 300].flatMap { rows in
            [true, false].flatMap { removals in
                [true, false].map { Content(rows: rows, hasRemovals: removals, idsAscend: $0) }
            }
        }

        var testDescription: String {
            "\(rows) rows\(hasRemovals ? ", some removed before" : "")\(idsAscend ? "" : ", ids in disorder")"
        }

        /// An index with this content.
        func make(_ setting: Setting, codes: Bool) throws -> FlatIndex {
            let extra = hasRemovals ? 100 : 0
            let made = DataSet.clusters.make(
                rows: rows + extra, queries: 0, dimension: 35, type: setting.type, seed: 301).rows
            let index = try FlatIndex(
                IndexOptions(dimension: 35, metric: setting.metric, type: setting.type, exactCodes: codes),
                table: setting.table)
            var random = Random(seed: 302)
            var ids = (0..<made.count).map { UInt64($0 * 3) }
            if !idsAscend { ids.shuffle(using: &random) }
            // In pieces, so that there are several segments.
            for from in stride(from: 0, to: made.count, by: 70) {
                let piece = from..<min(from + 70, made.count)
                try index.add(made.picked(piece), ids: Array(ids[piece]))
            }
            if hasRemovals { try index.remove(Array(ids.shuffled(using: &random).prefix(extra))) }
            return index
        }
    }

    @Test("an index comes back as it was: mapped and loaded", arguments: Setting.all, Content.allCases)
    func roundTrip(setting: Setting, content: Content) throws {
        let possible = setting.type.isFloat && setting.metric != .l1
        for codes in possible ? [true, false] : [false] {
            let directory = try TemporaryDirectory()
            let index = try content.make(setting, codes: codes)
            try index.save(to: directory.path(), sync: false)
            let queries = DataSet.clusters.make(rows: 0, queries: 9, dimension: 35, type: setting.type, seed: 301).queries
            for load in [false, true] {
                let opened = try FlatIndex.open(
                    directory.path(), OpenOptions(load: load, verify: true), table: setting.table)
                #expect(opened.isReadOnly == !load)
                #expect(opened.shape.dimension == 35)
                #expect(opened.shape.metric == setting.metric)
                #expect(opened.shape.type == setting.type)
                #expect(opened.shape.keepsCodes == codes)
                #expect(opened.ids() == index.ids())
                #expect(opened.stats().nextID == index.stats().nextID)
                #expect(opened.stats().removedCount == 0)
                #expect(try opened.get(index.ids()) == index.get(index.ids()))
                let asked = (0..<1300).map { UInt64($0) }
                #expect(opened.contains(asked) == index.contains(asked))
                #expect(
                    Results.difference(try opened.search(queries, k: 10), try index.search(queries, k: 10)) == nil)
                #expect(
                    Results.difference(
                        try opened.searchRange(queries, radius: 1), try index.searchRange(queries, radius: 1)) == nil)
                try opened.verify()
            }
        }
    }

    @Test("saved twice the bytes are the same, and so are those that a map or a loaded index saves", arguments: Content.allCases)
    func sameBytes(content: Content) throws {
        for setting in Setting.all {
            let directory = try TemporaryDirectory()
            let index = try content.make(setting, codes: setting.type == .float32 && setting.metric != .l1)
            try index.save(to: directory.path("first"), sync: false)
            let bytes = try directory.bytes("first")
            try index.save(to: directory.path("second"), sync: true)
            #expect(try directory.bytes("second") == bytes)
            for load in [false, true] {
                let opened = try FlatIndex.open(directory.path("first"), OpenOptions(load: load), table: setting.table)
                try opened.save(to: directory.path("third"), sync: false)
                #expect(try directory.bytes("third") == bytes)
            }
        }
    }

    @Test("the bytes do not depend on the segments that the rows were in")
    func compactedBytes() throws {
        let directory = try TemporaryDirectory()
        let content = Content(rows: 300, hasRemovals: true, idsAscend: false)
        let index = try content.make(Setting(metric: .cosine, type: .float32), codes: true)
        try index.save(to: directory.path("before"), sync: false)
        try index.compact()
        try index.save(to: directory.path("after"), sync: false)
        #expect(try directory.bytes("after") == directory.bytes("before"))
    }

    @Test("a mapped index refuses every change, and stays as it is")
    func readOnly() throws {
        let directory = try TemporaryDirectory()
        let index = try SaveTests.index(directory)
        let mapped = try FlatIndex.open(directory.path(), OpenOptions())
        let rows = SaveTests.rows(1)
        expectError(.readOnly) { try mapped.add(rows) }
        expectError(.readOnly) { try mapped.update([0], rows) }
        expectError(.readOnly) { try mapped.remove([0]) }
        expectError(.readOnly) { try mapped.compact() }
        expectError(.readOnly) { try mapped.reserve(1000) }
        #expect(mapped.ids() == index.ids())
    }

    @Test("a map holds no memory of its own, and tells how much of the file is mapped")
    func mappedMemory() throws {
        let directory = try TemporaryDirectory()
        _ = try SaveTests.index(directory)
        let mapped = try FlatIndex.open(directory.path(), OpenOptions())
        #expect(mapped.stats().memoryBytes == 0)
        #expect(mapped.stats().mappedBytes == (try directory.bytes().count))
        let loaded = try FlatIndex.open(directory.path(), OpenOptions(load: true))
        #expect(loaded.stats().memoryBytes > 0)
        #expect(loaded.stats().mappedBytes == 0)
    }

    @Test("pages can be read in at once, and everything checked")
    func prefault() throws {
        let directory = try TemporaryDirectory()
        let index = try SaveTests.index(directory)
        let mapped = try FlatIndex.open(directory.path(), OpenOptions(verify: true, prefault: true))
        #expect(try mapped.get(index.ids()) == index.get(index.ids()))
    }

    @Test("a loaded index goes on from where it was saved")
    func loadedGoesOn() throws {
        let directory = try TemporaryDirectory()
        let index = try SaveTests.index(directory)
        try index.remove([99])
        try index.save(to: directory.path(), sync: false)
        let loaded = try FlatIndex.open(directory.path(), OpenOptions(load: true))
        #expect(try loaded.add(SaveTests.rows(2)) == [100, 101])
        try loaded.update([5], SaveTests.rows(1))
        try loaded.remove([0, 1])
        #expect(loaded.count == 99)
        try loaded.verify()
    }

    @Test("a map outlives the file that replaces its own, and the removal of its own")
    func replaced() throws {
        let directory = try TemporaryDirectory()
        let index = try SaveTests.index(directory)
        let mapped = try FlatIndex.open(directory.path(), OpenOptions())
        let rows = try index.get(index.ids())
        try index.remove(Array(index.ids().dropFirst(3)))
        try index.save(to: directory.path(), sync: false)
        #expect(try mapped.get(mapped.ids()) == rows)
        #expect(try FlatIndex.open(directory.path(), OpenOptions()).count == 3)
        try FileManager.default.removeItem(atPath: directory.path())
        #expect(try mapped.get(mapped.ids()) == rows)
    }

    @Test("a mapped index can be saved over its own file")
    func overItself() throws {
        let directory = try TemporaryDirectory()
        let index = try SaveTests.index(directory)
        let mapped = try FlatIndex.open(directory.path(), OpenOptions())
        try mapped.save(to: directory.path(), sync: false)
        try mapped.verify()
        #expect(try FlatIndex.open(directory.path(), OpenOptions(verify: true)).ids() == index.ids())
    }

    @Test("nothing but the file is left behind, whether it was written or not")
    func noTrace() throws {
        let directory = try TemporaryDirectory()
        let index = try SaveTests.index(directory)
        #expect(directory.names == ["index"])
        let bytes = try directory.bytes()
        try FileManager.default.createDirectory(atPath: directory.path("folder"), withIntermediateDirectories: false)
        #expect(throws: VecStoreError.self) { try index.save(to: directory.path("folder"), sync: false) }
        expectError(.notFound) { try index.save(to: directory.path("nowhere/index"), sync: false) }
        #expect(directory.names == ["folder", "index"])
        #expect(try directory.bytes() == bytes)
    }

    @Test("a file that replaces another keeps its permissions")
    func permissions() throws {
        let directory = try TemporaryDirectory()
        let index = try SaveTests.index(directory)
        try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: directory.path())
        try index.save(to: directory.path(), sync: false)
        let attributes = try FileManager.default.attributesOfItem(atPath: directory.path())
        #expect(attributes[.posixPermissions] as? Int == 0o640)
    }

    @Test("what is not the file of an index cannot be opened")
    func notAnIndex() throws {
        let directory = try TemporaryDirectory()
        for load in [false, true] {
            expectError(.notFound) { _ = try FlatIndex.open(directory.path("none"), OpenOptions(load: load)) }
            expectError(.invalidArgument) { _ = try FlatIndex.open(directory.path("."), OpenOptions(load: load)) }
            expectError(.invalidArgument) { _ = try FlatIndex.open("/dev/null", OpenOptions(load: load)) }
            for bytes in [[], [1], Array("VECSTORE".utf8), [UInt8](repeating: 0x41, count: 5000)] {
                try directory.write(bytes)
                expectError(.corrupt) { _ = try FlatIndex.open(directory.path(), OpenOptions(load: load)) }
            }
        }
    }

    private static func rows(_ count: Int) -> Vectors {
        DataSet.scattered.make(rows: count, queries: 0, dimension: 33, type: .float32, seed: 303).rows
    }

    /// An index with rows 0 to 99, saved as "index".
    private static func index(_ directory: TemporaryDirectory) throws -> FlatIndex {
        let index = try FlatIndex(rows(100), metric: .l2Squared, table: .current)
        try index.save(to: directory.path(), sync: false)
        return index
    }
}
