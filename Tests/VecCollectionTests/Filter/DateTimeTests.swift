// Points in time from their text: RFC 3339, some shorter forms, and what is none.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

@testable import VecCollection

struct DateTimeTests {
    @Test(arguments: [
        ("1970-01-01", 0), ("1970-01-01T00:00:00Z", 0), ("1970-01-01 00:00", 0), ("1970-01-01t00:00:01z", 1_000_000),
        ("1969-12-31T23:59:59.999999Z", -1), ("1970-01-01T00:00:00.5", 500_000), ("1970-01-01T00:00:00.0000019Z", 1),
        ("1970-01-01T02:00:00+02:00", 0), ("1969-12-31T22:30:00-01:30", 0), ("1970-01-01 00:00+00:30", -1_800_000_000),
        ("2024-01-31T10:00:00Z", 1_706_695_200_000_000), ("2024-02-29", 1_709_164_800_000_000),
        ("2000-02-29T12:34:56.789Z", 951_827_696_789_000), ("0000-01-01", -62_167_219_200_000_000),
        ("0001-01-01", -62_135_596_800_000_000), ("9999-12-31T23:59:59.999999Z", 253_402_300_799_999_999),
        ("1582-10-10", -12_219_724_800_000_000),
    ] as [(String, Int64)])
    func aTimeIsMicroseconds(_ text: String, _ expected: Int64) {
        #expect(DateTime.microseconds(text.utf8) == expected)
    }

    @Test(arguments: [
        "", "2024", "2024-01", "2024-1-1", "24-01-01", "2024-00-01", "2024-13-01", "2024-01-00", "2024-01-32", "2023-02-29",
        "1900-02-29", "2024-04-31", "2024-01-01T", "2024-01-01T10", "2024-01-01T24:00:00Z", "2024-01-01T10:60:00Z",
        "2024-01-01T10:00:60Z", "2024-01-01T10:00:00.Z", "2024-01-01T10:00:00ZZ", "2024-01-01T10:00:00+2:00",
        "2024-01-01T10:00:00+0200", "2024-01-01T10:00:00+24:00", "2024-01-01T10:00:00+02:60", "2024-01-01Z", " 2024-01-01",
        "2024-01-01 ", "2024/01/01", "+2024-01-01", "12024-01-01", "2024-01-01T10:00:00 Z", "٢٠٢٤-٠١-٠١", "2024-01-01T-1:00:00Z",
    ])
    func whatIsNoTimeIsRefused(_ text: String) {
        #expect(DateTime.microseconds(text.utf8) == nil)
    }

    @Test func daysAreThoseOfACalendar() throws {
        var calendar = Calendar(identifier: .iso8601)
        calendar.timeZone = try #require(TimeZone(identifier: "UTC"))
        var random = Random(seed: 3)
        for _ in 0..<2000 {
            // After 1582 the calendar of the system is Gregorian, too.
            let days = random.below(3_000_000) - 140_000
            let parts = calendar.dateComponents([.year, .month, .day], from: Date(timeIntervalSince1970: Double(days) * 86_400))
            let text = String(format: "%04d-%02d-%02d", parts.year ?? 0, parts.month ?? 0, parts.day ?? 0)
            #expect(DateTime.microseconds(text.utf8) == Int64(days) * 86_400_000_000)
        }
    }

    @Test(arguments: [
        (0, "1970-01-01T00:00:00Z"), (-1, "1969-12-31T23:59:59.999999Z"), (1_706_695_200_500_000, "2024-01-31T10:00:00.5Z"),
        (1_709_164_800_000_000, "2024-02-29T00:00:00Z"), (Int64.min, "0000-01-01T00:00:00Z"),
        (Int64.max, "9999-12-31T23:59:59.999999Z"),
    ] as [(Int64, String)])
    func aTimeHasAText(_ microseconds: Int64, _ expected: String) {
        #expect(DateTime.text(microseconds: microseconds) == expected)
    }

    @Test func theTextOfATimeIsReadAsTheSameTime() {
        var random = Random(seed: 5)
        for _ in 0..<5000 {
            let microseconds = Int64(random.next() % 315_569_519_999_999_999) - 62_167_219_200_000_000
            #expect(DateTime.microseconds(DateTime.text(microseconds: microseconds).utf8) == microseconds)
        }
    }
}
