// What URLs and the environment say about a server, and what they do not tell.
// SPDX-License-Identifier: Apache-2.0

import Testing
import VecIndex

@testable import VecCache

struct RedisURLTests {
    @Test func aURLNamesHostPortAndDatabase() throws {
        let url = try RedisURL("redis://cache.example:6380/3")
        #expect(url.address == .tcp(host: "cache.example", port: 6380))
        #expect(url.database == 3 && !url.isEncrypted && url.user == nil && url.password == nil)
    }

    @Test("what a URL leaves out is this machine, port 6379, database 0", arguments: [
        "redis://", "redis://localhost", "redis:///", "redis://localhost/?db=0",
    ])
    func defaults(text: String) throws {
        #expect(try RedisURL(text) == RedisURL(.tcp(host: "localhost", port: 6379)))
    }

    @Test func usersAndPasswordsAreDecoded() throws {
        let url = try RedisURL("redis://al%40ice:p%3As%2Fs%25@h")
        #expect(url.user == Secret("al@ice") && url.password == Secret("p:s/s%"))
        let alone = try RedisURL("redis://:only@h")
        #expect(alone.user == nil && alone.password == Secret("only"))
        #expect(try RedisURL("redis://guest:@h").password == Secret(""))
    }

    @Test func anAddressMayBeIPv6() throws {
        let url = try RedisURL("redis://[::1]:7000/1")
        #expect(url.address == .tcp(host: "::1", port: 7000))
        #expect(url.description == "redis://[::1]:7000/1")
    }

    @Test func twoLettersMoreAskForTLS() throws {
        #expect(try RedisURL("rediss://h:6390").isEncrypted)
    }

    @Test func aSocketInTheFileSystemIsAPlaceToo() throws {
        let url = try RedisURL("unix:///run/my%20redis.sock?db=2")
        #expect(url.address == .unix(path: "/run/my redis.sock") && url.database == 2)
        #expect(try RedisURL("unix://u:p@/run/redis.sock").user == Secret("u"))
    }

    @Test("what cannot be understood is refused, and none of it is repeated", arguments: [
        "", "redis", "http://sesame@h", "redis://h:sesame", "redis://h:0", "redis://h:65536", "redis://h:-1", "redis://h/sesame", "redis://h/-1",
        "redis://h/1/sesame", "redis://h?sesame=1", "redis://sesame@h", "redis://:pa/sesame@h", "redis://:%sesame@h", "redis://[::1sesame",
        "redis://[::1]sesame", "redis://ho%20sesame", "unix://sesame", "unix://", "unix:///", "redis://:p@h/99999999999sesame",
    ])
    func refused(text: String) {
        let error = #expect(throws: VecStoreError.self) { _ = try RedisURL(text) }
        #expect(error?.code == .invalidArgument)
        #expect(error?.message.contains("sesame") == false)
    }

    @Test func whatAURLShowsOfItselfHasNoSecrets() throws {
        let url = try RedisURL("rediss://alice:sesame@h/2")
        var dumped = ""
        dump(url, to: &dumped)
        for text in [url.description, "\(url)", String(reflecting: url), dumped, "\(url.password as Any)", "\([url])"] {
            #expect(!text.contains("sesame") && !text.contains("115"))
        }
        #expect(url.description == "rediss://h:6379/2")
    }

    // MARK: - The environment

    private func read(_ variables: [String: String]) throws -> RedisURL { try RedisURL.fromEnvironment { variables[$0] } }

    @Test func theURLOfTheEnvironmentComesFirst() throws {
        let url = try read(["REDIS_URL": "redis://:p@a:1/2", "REDIS_HOST": "b", "REDIS_PASSWORD": "q"])
        #expect(url.address == .tcp(host: "a", port: 1) && url.password == Secret("p") && url.database == 2)
    }

    @Test func theEnvironmentMayNameThePartsOneByOne() throws {
        let url = try read([
            "REDIS_HOST": "b", "REDIS_PORT": "7", "REDIS_DB": "4", "REDIS_USERNAME": "u", "REDIS_PASSWORD": "q", "REDIS_URL": "",
        ])
        #expect(url.address == .tcp(host: "b", port: 7) && url.database == 4)
        #expect(url.user == Secret("u") && url.password == Secret("q"))
    }

    @Test func anEmptyEnvironmentMeansThisMachine() throws {
        #expect(try read([:]) == RedisURL(.tcp(host: "localhost", port: 6379)))
    }

    @Test("what the environment says wrongly is refused", arguments: [
        ["REDIS_PORT": "tcp://10.0.0.1:6379"], ["REDIS_DB": "sesame"], ["REDIS_HOST": "a b"], ["REDIS_USERNAME": "sesame"],
    ])
    func wrong(variables: [String: String]) {
        let error = #expect(throws: VecStoreError.self) { _ = try read(variables) }
        #expect(error?.code == .invalidArgument && error?.message.contains("sesame") == false)
    }

    @Test("options out of range are refused with what is allowed", arguments: [
        { $0.connectTimeout = 0 }, { $0.commandTimeout = -1 }, { $0.maxConnections = 0 }, { $0.healthCheckAfter = .max }, { $0.retries = 101 },
        { $0.minBackoff = 6000 }, { $0.openTime = 0 }, { $0.tls.certificateFile = "c.pem" },
    ] as [@Sendable (inout RedisOptions) -> Void])
    func options(change: @Sendable (inout RedisOptions) -> Void) {
        var options = RedisOptions()
        change(&options)
        let error = #expect(throws: VecStoreError.self) { _ = try RedisClient(RedisURL("redis://"), options) }
        #expect(error?.code == .invalidArgument)
    }
}
