// Payloads: JSON text and Swift values.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import VecStore

@Suite("Payloads in Swift")
struct PayloadTests {
    @Test("a value becomes JSON and the same value again")
    func values() throws {
        let package = Package(
            section: "net/mail", size: 1 << 60, text: "\"é\"\n", tags: ["a", "b"],
            at: Date(timeIntervalSince1970: 1_706_695_200.25))
        let payload = try Payload(package)
        #expect(payload.json.hasPrefix(#"{"at":"2024-01-31T10:00:00.25Z","section":"net/mail","size":1152921504606846976"#))
        #expect(try payload.decoded() == package)
        #expect(try Payload(json: payload.bytes).decoded(as: Package.self) == package)
        #expect(Payload(json: Data(payload.json.utf8)) == payload)
    }

    @Test("times come from dates and from any offset")
    func times() throws {
        func time(_ text: String) throws -> Date? {
            try Payload(json: #"{"section":"","size":0,"text":"","at":"\#(text)"}"#).decoded(as: Package.self).at
        }
        #expect(try time("2024-01-31") == Date(timeIntervalSince1970: 1_706_659_200))
        #expect(try time("2024-01-31T10:00:00+02:00") == Date(timeIntervalSince1970: 1_706_688_000))
        expect(.invalidArgument) { _ = try time("yesterday") }
    }

    @Test("a value that JSON has no words for is refused, and so is a payload of another shape")
    func refused() throws {
        expect(.invalidArgument) { _ = try Payload(["a": Double.nan]) }
        expect(.invalidArgument) { _ = try Payload(json: #"{"section":"net"}"#).decoded(as: Package.self) }
        expect(.invalidArgument) { _ = try Payload(json: "{").decoded(as: [String: Int].self) }
        try withPackages { points in
            expect(.invalidArgument) { _ = try points.search([1, 0] as [Float])[0].payload(as: [String: Int].self) }
        }
    }

    @Test("what is no object is refused where it is written")
    func objects() throws {
        try withCollection { points in
            for json in ["", " ", "null", "[]", "{", #"{"a":1,"a":2}"#, "{}\0", #"{"a":1e999}"#] {
                let payload = Payload(json: json)
                if json.isEmpty {
                    try points.upsert([1], [[1, 2]] as [[Float]], payloads: [payload])
                    #expect(try points.get(1)?.payload == nil)
                } else {
                    expect(.invalidArgument) { try points.upsert([2], [[1, 2]] as [[Float]], payloads: [payload]) }
                }
            }
            expect(.invalidArgument) { try points.upsert([2], [[1, 2]] as [[Float]], payloads: [try Payload([1, 2])]) }
            let noText = Payload(json: [0x7b, 0xff, 0x7d])
            expect(.invalidArgument) { try points.upsert([2], [[1, 2]] as [[Float]], payloads: [noText]) }
            #expect(try points.count() == 1)
        }
    }
}
