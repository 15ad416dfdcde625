// Values in a directory: shared by processes, and what is done about files that are something else.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing
import VecCollection
import VecIndex

@testable import VecCache

@Suite("Values in a directory")
struct DirectoryValuesTests {
    private let test: TestValues
    private var file: String { "\(test.url)/\(test.options.namespace)~values.db" }

    init() throws { test = try TestValues(.directory) }

    @Test func severalCachesShareThem() throws {
        let other = try test.another()
        try test.cache.put("a", "1")
        #expect(try other.text("a") == "1")
        try other.delete([bytes("a")])
        #expect(try test.cache.text("a") == nil)
        let failures = Failures()
        let caches = [test.cache, other]
        let threads = Threads(8) { thread in
            failures.run {
                for n in 0..<30 { try caches[thread % 2].put("\(thread) \(n)", "\(n)") }
            }
        }
        threads.join()
        #expect(failures.all == [])
        #expect(try test.cache.stats().entries == 240 && other.clear() == 240)
        #expect(try test.cache.stats().entries == 0)
    }

    @Test func severalCachesMakeThemAtOnce() throws {
        let directory = try TemporaryDirectory()
        let failures = Failures()
        let path = directory.path("new"), options = test.options
        Threads(8) { thread in
            failures.run { try ValueCache.open(path, options).put("\(thread)", "1") }
        }.join()
        #expect(failures.all == [])
        #expect(try ValueCache.open(path, options).stats().entries == 8)
    }

    @Test func semanticCachesLiveBesideThem() throws {
        let prompts = try SemanticCache.open(test.url, CacheOptions(namespace: test.options.namespace, dimension: 2))
        try prompts.set(prompt: bytes("p"), response: bytes("r"), vector: [1, 0])
        try test.cache.put("p", "v")
        #expect(try prompts.get(prompt: bytes("p"))?.response == bytes("r"))
        #expect(try test.cache.text("p") == "v")
        try prompts.close()
    }

    @Test func aNamespaceHasAFileOfItsOwnWhateverItsName() throws {
        let names = ["a/b", "..", "A", "a", String(repeating: "n", count: 128), String(repeating: "n", count: 127) + "m", "ä:%"]
        let caches = try names.map { name in try test.another { $0.namespace = name } }
        for (name, cache) in zip(names, caches) { try cache.put("name", name) }
        for (name, cache) in zip(names, caches) { #expect(try cache.text("name") == name) }
    }

    @Test func whatIsNoDatabaseIsRefused() throws {
        try test.cache.close()
        for suffix in ["", "-wal", "-shm"] { unlink(file + suffix) }
        try Data(repeating: 7, count: 5000).write(to: URL(fileURLWithPath: file))
        expect(.corrupt) { _ = try test.another() }
    }

    @Test func theDatabaseOfSomethingElseIsRefused() throws {
        try test.cache.close()
        for suffix in ["", "-wal", "-shm"] { unlink(file + suffix) }
        try Database(file, .create).run("CREATE TABLE entries (a)")
        expect(.corrupt) { _ = try test.another() }
    }

    @Test func aNewerVersionIsRefused() throws {
        try test.cache.close()
        try Database(file, .readWrite).run("PRAGMA user_version = 2")
        let error = expect(.newerVersion) { _ = try test.another() }
        #expect(error?.message.contains("reads up to 1") == true)
    }

    @Test(arguments: [
        "DROP TABLE entries", "DROP TABLE contents", "DELETE FROM settings WHERE name = 'bytes'", "UPDATE settings SET value = 'x'",
        "UPDATE settings SET value = 'another' WHERE name = 'namespace'",
    ])
    func damagedTablesAreAnErrorAndNoCrash(_ damage: String) throws {
        try test.cache.put("a", "1")
        try test.cache.close()
        try Database(file, .readWrite).run(damage)
        expect(.corrupt) { try test.another().put("b", "2") }
    }

    @Test func valuesOfOtherTypesAndWrongTotalsAreNoCrash() throws {
        try test.cache.put("a", "1")
        try test.cache.close()
        try Database(file, .readWrite).run(
            "UPDATE settings SET value = -9223372036854775808 WHERE name = 'entries'; UPDATE contents SET value = 3.5; UPDATE entries SET used = 9223372036854775807, size = 9223372036854775807;"
        )
        let cache = try test.another()
        #expect(try cache.text("a") == "3.5")
        try cache.put("b", "2")
        try cache.delete([bytes("a")])
        #expect(try cache.text("b") == "2")
        try Database(file, .readWrite).run("DELETE FROM contents")
        #expect(try cache.text("b") == nil)
        try cache.put("b", "3")
        #expect(try cache.text("b") == "3")
        _ = try cache.stats()
        try cache.clear()
    }

    @Test func aDirectoryThatCannotBeMadeIsAnError() throws {
        expect(.io) { _ = try ValueCache.open("/proc/values", test.options) }
        try test.directory.write([1], "plain")
        expect(.io) { _ = try ValueCache.open(test.directory.path("plain"), test.options) }
    }

    /// A process that ends in the middle leaves what it has set.
    @Test func valuesOutliveAProcessThatDoesNotCloseThem() throws {
        try test.cache.put("a", "1")
        let other = try TemporaryDirectory()
        for name in ["", "-wal"] {
            try FileManager.default.copyItem(atPath: file + name, toPath: other.path("\(test.options.namespace)~values.db" + name))
        }
        #expect(try ValueCache.open(other.path("."), test.options).text("a") == "1")
    }
}
