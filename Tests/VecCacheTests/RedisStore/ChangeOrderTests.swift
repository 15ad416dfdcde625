// Which changes reach the table, where those of this process and of others come by different ways.
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import VecCache

@Suite("Changes in their order")
final class ChangeOrderTests {
    private var order = ChangeOrder()
    private let id = EntryID(high: 1, low: 1), other = EntryID(high: 2, low: 2)

    private func showsOwn(_ id: EntryID, _ number: Int64) -> Bool { order.showsOwn(id, number) }
    private func showsOthers(_ id: EntryID, _ number: Int64) -> Bool { order.showsOthers(id, number) }
    private func showsEnd(_ id: EntryID, _ number: Int64, _ end: Int64) -> Bool { order.showsEnd(id, number, end) }

    @Test func ofOthersNoneTakesThePlaceOfALaterOneOfOurs() {
        order.begin()
        #expect(showsOwn(id, 7))
        order.end(7)
        #expect(!showsOthers(id, 6) && !showsEnd(id, 6, 1000))
        #expect(showsOthers(other, 6))
        #expect(showsOthers(id, 8))
    }

    @Test func whenOursHasComeBackNothingEarlierComesAnyMore() {
        #expect(showsOwn(id, 7))
        order.meet(id, 7)
        #expect(!order.hasLater(id, than: 6))
    }

    @Test func oursThatCameBackBeforeItWasShownIsNotKept() {
        order.begin()
        order.meet(id, 7)
        #expect(showsOwn(id, 7))
        #expect(!order.hasLater(id, than: 6))
    }

    @Test func ofOursNoneTakesThePlaceOfALaterOneOfOthers() {
        order.begin()
        #expect(showsOthers(id, 8))
        #expect(!showsOwn(id, 7))
        #expect(showsOwn(other, 6))
        order.end(7)
        // Those that are sent from now on are later.
        order.begin()
        #expect(showsOwn(id, 9))
    }

    @Test func anEndThatOthersHaveGivenSinceHolds() {
        order.begin()
        #expect(showsEnd(id, 8, 5000))
        #expect(showsOwn(id, 7))
        #expect(order.end(of: id, after: 7) == 5000)
        #expect(order.end(of: id, after: 8) == nil)
        order.end(7)
        #expect(order.end(of: id, after: 7) == nil)
    }

    @Test func whatIsKeptOfOthersIsBounded() {
        order.begin()
        for n in 1...100_000 {
            order.begin()
            _ = order.showsOthers(EntryID(high: 0, low: UInt64(n)), Int64(n))
            order.end(Int64(n))
        }
        #expect(order.kept <= 1100)
    }

    @Test func oursThatIsShownWhileAllIsReadIsReadOnceMore() {
        order.begin()
        order.beginComparing(upTo: 10)
        #expect(showsOthers(id, 10))
        #expect(showsOwn(id, 9))
        #expect(showsOwn(other, 11))
        let again = order.endComparing(), andAgain = order.endComparing()
        #expect(again == [id] && andAgain.isEmpty)
        #expect(!showsOwn(id, 10))
        #expect(order.hasLater(other, than: 10))
    }

    @Test func numbersOfAnotherEpochSayNothing() {
        order.begin()
        order.beginComparing(upTo: 1000)
        let again = order.endComparing()
        #expect(again.isEmpty)
        order.beginAgain()
        #expect(showsOwn(id, 1))
        #expect(order.hasLater(id, than: 0))
        order.end(1)
    }
}
