// Ids of points: numbers and texts, told apart by type and by bytes.
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import VecCollection

struct PointIDTests {
    @Test func aNumberIsNotItsText() {
        #expect(PointID.number(7) != .text("7"))
        #expect(Set<PointID>([.number(7), .text("7"), .number(7)]).count == 2)
    }

    @Test func textsAreComparedByBytes() {
        // Two ways to write é, which Swift's strings take for one.
        let composed = "\u{e9}"
        let decomposed = "e\u{301}"
        #expect(composed == decomposed)
        #expect(PointID.text(composed) != .text(decomposed))
        #expect(Set([PointID.text(composed), .text(decomposed), .text(composed)]).count == 2)
    }
}
