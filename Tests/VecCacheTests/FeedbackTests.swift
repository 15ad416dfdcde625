// What people say of hits.
// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing
import VecIndex

@testable import VecCache

@Suite("Feedback")
struct FeedbackTests {
    @Test(arguments: Place.allCases)
    func aWrongHitDoesNotComeAgainForPromptsLikeThat(_ place: Place) throws {
        let test = try TestCache(place)
        let id = try test.set("a", at: 0)
        #expect(try test.get(at: 20) != nil)
        #expect(try test.cache.feedback(id, vector: direction(20), isWrong: true))
        if place.isDurable { try test.reopen() }
        #expect(try test.get(at: 20) == nil)
        #expect(try test.get(at: 15) == nil)
        #expect(try test.get(at: 5) != nil)
        #expect(try test.get(at: -20) != nil)
        #expect(try test.get("a", at: 20) != nil)
        #expect(try test.cache.stats().feedbackRefusals == 2)
    }

    @Test(arguments: Place.allCases)
    func theNextBestIsTakenInItsPlace(_ place: Place) throws {
        let test = try TestCache(place)
        let id = try test.set("a", at: 0)
        try test.set("b", at: 30)
        try test.cache.feedback(id, vector: direction(10), isWrong: true)
        #expect(try test.get(at: 10) == "response to b")
    }

    @Test(arguments: Place.allCases)
    func aRightHitTakesBackWhatWasSaid(_ place: Place) throws {
        let test = try TestCache(place)
        let id = try test.set("a", at: 0)
        try test.cache.feedback(id, vector: direction(20), isWrong: true)
        try test.cache.feedback(id, vector: direction(-20), isWrong: true)
        try test.cache.feedback(id, vector: direction(18), isWrong: false)
        #expect(try test.get(at: 20) != nil)
        #expect(try test.get(at: -20) == nil)
    }

    @Test(arguments: Place.allCases)
    func whatIsWrongForItsOwnPromptIsDeleted(_ place: Place) throws {
        let test = try TestCache(place)
        let id = try test.set("a", at: 0)
        try test.cache.feedback(id, vector: direction(0), isWrong: true)
        #expect(try test.count == 0)
        let other = try test.set("b", at: 0)
        try test.cache.feedback(other, vector: nil, isWrong: true)
        #expect(try test.count == 0)
    }

    @Test func anEntryKeepsAFewOfThemAndThroughANewResponse() throws {
        let test = try TestCache { $0.similarityThreshold = -1 }
        let id = try test.set("a", at: 0)
        for i in 1...20 { try test.cache.feedback(id, vector: direction(Double(10 + i)), isWrong: true) }
        #expect(test.cache.table.find(id)?.negatives.count == CacheLimits.negatives)
        try test.set("a", "new", at: 0)
        #expect(try test.get(at: 30) == nil)
    }

    @Test func ofWhatIsNotThereIsPassedOver() throws {
        let test = try TestCache()
        #expect(try test.cache.feedback(EntryID(high: 1, low: 1), vector: direction(0), isWrong: true) == false)
    }
}
