// SPDX-License-Identifier: Apache-2.0

extension Bounds<Int64> {
    /// The first and the last number in it; nil where there is none.
    var closed: ClosedRange<Int64>? {
        var lower = Int64.min
        var upper = Int64.max
        if let gte { lower = gte }
        if let gt {
            guard gt < .max else { return nil }
            lower = max(lower, gt + 1)
        }
        if let lte { upper = lte }
        if let lt {
            guard lt > .min else { return nil }
            upper = min(upper, lt - 1)
        }
        return lower <= upper ? lower...upper : nil
    }
}

extension Bounds<Double> {
    /// The whole numbers in it, compared exactly: none is rounded to a `Double`. nil where there is none of 64 bits.
    var integers: Bounds<Int64>? {
        var result = Bounds<Int64>()
        for (bound, isLower, isOpen) in [(gt, true, true), (gte, true, false), (lt, false, true), (lte, false, false)] {
            guard let bound else { continue }
            if bound.isNaN { return nil }
            if bound >= 0x1p63 {
                if isLower { return nil }
                continue
            }
            if bound < -0x1p63 {
                if !isLower { return nil }
                continue
            }
            // What is left between the bound and the next whole number is empty: an open bound that is none closes.
            let whole = bound.rounded(isLower ? .up : .down)
            guard let number = Int64(exactly: whole) else { return nil }
            switch (isLower, isOpen && whole == bound) {
            case (true, true): result.gt = number
            case (true, false): result.gte = max(result.gte ?? number, number)
            case (false, true): result.lt = number
            case (false, false): result.lte = min(result.lte ?? number, number)
            }
        }
        return result
    }

    /// The keys of the numbers in it; nil where there is none.
    var keys: ClosedRange<UInt64>? {
        if [gt, gte, lt, lte].contains(where: { $0?.isNaN ?? false }) { return nil }
        var lower: UInt64 = 0
        var upper = UInt64.max
        if let gte { lower = SortKey.key(gte) }
        // No number has the first or the last key: the next one is always there.
        if let gt { lower = max(lower, SortKey.key(gt) + 1) }
        if let lte { upper = SortKey.key(lte) }
        if let lt { upper = min(upper, SortKey.key(lt) - 1) }
        return lower <= upper ? lower...upper : nil
    }
}
