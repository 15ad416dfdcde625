// SPDX-License-Identifier: Apache-2.0

extension DateTime {
    /// The text of a time, which `microseconds(_:)` reads: RFC 3339 in UTC, with as many digits of a fraction as are needed, six
    /// at the most. Times before the year 0 and after the year 9999, which have no such text, become the first and the last
    /// that has one.
    package static func text(microseconds: Int64) -> String {
        let (days, time) = floored(min(max(microseconds, earliest), latest), 86_400_000_000)
        let (year, month, day) = date(daysSince1970: days)
        let seconds = time / 1_000_000, fraction = time % 1_000_000
        var text = "\(digits(year, 4))-\(digits(month, 2))-\(digits(day, 2))"
        text += "T\(digits(seconds / 3600, 2)):\(digits(seconds / 60 % 60, 2)):\(digits(seconds % 60, 2))"
        if fraction != 0 {
            var part = digits(fraction, 6)
            while part.last == "0" { part.removeLast() }
            text += "." + part
        }
        return text + "Z"
    }

    /// 0000-01-01T00:00:00Z
    private static let earliest: Int64 = -62_167_219_200_000_000
    /// 9999-12-31T23:59:59.999999Z
    private static let latest: Int64 = 253_402_300_799_999_999

    private static func floored(_ number: Int64, _ unit: Int64) -> (quotient: Int64, rest: Int64) {
        let rest = (number % unit + unit) % unit
        return ((number - rest) / unit, rest)
    }

    /// Years begin in March here, as in `daysSince1970`.
    private static func date(daysSince1970 days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let (cycle, dayOfCycle) = floored(days + 719_468, 146_097)
        let yearOfCycle = (dayOfCycle - dayOfCycle / 1460 + dayOfCycle / 36_524 - dayOfCycle / 146_096) / 365
        let dayOfYear = dayOfCycle - (365 * yearOfCycle + yearOfCycle / 4 - yearOfCycle / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        let year = cycle * 400 + yearOfCycle + (month <= 2 ? 1 : 0)
        return (year, month, dayOfYear - (153 * monthFromMarch + 2) / 5 + 1)
    }

    private static func digits(_ number: Int64, _ count: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(count - text.utf8.count, 0)) + text
    }
}
