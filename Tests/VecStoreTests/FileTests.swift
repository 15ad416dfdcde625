// Files of an index, from Swift.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import VecStore

@Suite("Files in Swift")
struct FileTests {
    private static func withFile(_ body: (Index, String) throws -> Void) throws {
        let index = try Index(dimension: 2, metric: .l2Squared)
        try index.add([[1, 2], [3, 4], [5, 6]] as [[Float]], ids: [10, 5, 20])
        try withPath { path in
            try index.save(to: path)
            try body(index, path)
        }
    }

    @Test("an index is saved and mapped: the same answers, read-only")
    func mapped() throws {
        try FileTests.withFile { index, path in
            let mapped = try Index(opening: path, verify: true, prefault: true)
            #expect(mapped.isReadOnly)
            #expect(mapped.ids == index.ids)
            #expect(try mapped.vector(5) == [3, 4])
            #expect(try mapped.search([3, 4] as [Float]) == index.search([3, 4] as [Float]))
            try mapped.verify()
            let error = #expect(throws: VecStoreError.self) { try mapped.remove([5]) }
            #expect(error?.code == .readOnly)
        }
    }

    @Test("an index is saved and loaded: it goes on where it was")
    func loaded() throws {
        try FileTests.withFile { _, path in
            let loaded = try Index(opening: path, load: true)
            #expect(!loaded.isReadOnly)
            #expect(try loaded.add([[7, 8]] as [[Float]]) == [21])
            try loaded.save(to: path, sync: false)
            #expect(try Index(opening: path).count == 4)
        }
    }

    @Test("a file that is none is an error with a code")
    func notAFile() throws {
        try FileTests.withFile { _, path in
            #expect(throws: VecStoreError.self) { try Index(opening: path + ".none") }
            try Data("hello".utf8).write(to: URL(fileURLWithPath: path))
            let error = #expect(throws: VecStoreError.self) { try Index(opening: path) }
            #expect(error?.code == .corrupt)
        }
    }

    @Test("a path that is empty, or ends in the middle, is refused", arguments: ["", "a\0b"])
    func badPath(path: String) throws {
        let index = try Index(dimension: 2)
        let saving = #expect(throws: VecStoreError.self) { try index.save(to: path) }
        #expect(saving?.code == .invalidArgument)
        let opening = #expect(throws: VecStoreError.self) { try Index(opening: path) }
        #expect(opening?.code == .invalidArgument)
    }
}
