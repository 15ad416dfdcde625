// SPDX-License-Identifier: Apache-2.0

/// Points in time in text, as RFC 3339 writes them.
///
/// A date alone is its first moment. `T` may be a space, seconds and the offset may be missing; without an offset it is
/// UTC. Digits behind the sixth of a fraction are cut off. Leap seconds are no times here.
package enum DateTime {
    /// Microseconds since 1970-01-01T00:00:00Z in the Gregorian calendar of all years. Nil where it is no such text.
    package static func microseconds(_ text: some Collection<UInt8>) -> Int64? {
        var reader = Reader(rest: text[...])
        guard let year = reader.digits(4), reader.skip("-"), let month = reader.digits(2), reader.skip("-"),
            let day = reader.digits(2), (1...12).contains(month), day >= 1, day <= days(ofMonth: month, year)
        else { return nil }
        let seconds = daysSince1970(year, month, day) * 86_400
        if reader.isAtEnd { return seconds * 1_000_000 }

        guard reader.skip("T") || reader.skip("t") || reader.skip(" "), let hour = reader.digits(2), reader.skip(":"),
            let minute = reader.digits(2), hour < 24, minute < 60
        else { return nil }
        var second: Int64 = 0
        var fraction: Int64 = 0
        if reader.skip(":") {
            guard let digits = reader.digits(2), digits < 60 else { return nil }
            second = digits
            if reader.skip(".") {
                guard let digits = reader.fraction() else { return nil }
                fraction = digits
            }
        }
        guard let offset = reader.offset(), reader.isAtEnd else { return nil }
        return (seconds + hour * 3600 + (minute - offset) * 60 + second) * 1_000_000 + fraction
    }

    private static func days(ofMonth month: Int64, _ year: Int64) -> Int64 {
        switch month {
        case 4, 6, 9, 11: 30
        case 2: isLeap(year) ? 29 : 28
        default: 31
        }
    }

    private static func isLeap(_ year: Int64) -> Bool {
        if year % 100 == 0 { return year % 400 == 0 }
        return year % 4 == 0
    }

    /// Years begin in March here, so that the day that not all of them have is their last.
    private static func daysSince1970(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        // One cycle of 400 years earlier, so that no division is of a negative number.
        let year = (month > 2 ? year : year - 1) + 400
        let monthFromMarch = (month + 9) % 12
        let dayOfYear: Int64 = (153 * monthFromMarch + 2) / 5 + day - 1
        let leapDays: Int64 = year / 4 - year / 100 + year / 400
        return year * 365 + leapDays + dayOfYear - 719_468 - 146_097
    }
}

/// Takes parts off the front of a text. None of the numbers overflows: they have few digits.
private struct Reader<Rest: Collection<UInt8>> where Rest.SubSequence == Rest {
    var rest: Rest

    var isAtEnd: Bool { rest.isEmpty }

    mutating func skip(_ sign: Unicode.Scalar) -> Bool {
        guard let byte = rest.first, UInt32(byte) == sign.value else { return false }
        rest = rest.dropFirst()
        return true
    }

    private mutating func digit() -> Int64? {
        guard let byte = rest.first, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
        rest = rest.dropFirst()
        return Int64(byte) - 0x30
    }

    mutating func digits(_ count: Int) -> Int64? {
        var number: Int64 = 0
        for _ in 0..<count {
            guard let digit = digit() else { return nil }
            number = number * 10 + digit
        }
        return number
    }

    /// Microseconds. There is one digit at least.
    mutating func fraction() -> Int64? {
        guard let first = digit() else { return nil }
        var number = first * 100_000
        var unit: Int64 = 10_000
        while let digit = digit() {
            number += digit * unit
            unit /= 10
        }
        return number
    }

    /// Minutes that local time is ahead of UTC: 0 where there is nothing. Nil where it is no offset.
    mutating func offset() -> Int64? {
        if isAtEnd || skip("Z") || skip("z") { return 0 }
        let isAhead = skip("+")
        guard isAhead || skip("-"), let hours = digits(2), skip(":"), let minutes = digits(2), hours < 24, minutes < 60 else {
            return nil
        }
        return isAhead ? hours * 60 + minutes : -(hours * 60 + minutes)
    }
}
