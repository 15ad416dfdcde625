// SPDX-License-Identifier: Apache-2.0

/// What an index was to be chosen by, and what was chosen, as a section of its file.
package struct AutoNotes: Sendable {
    var memoryBudget: Int
    var capacity: Int
    var targetRecall: Float
    var seed: UInt64
    var plan: AutoPlan
    /// Rows that there were when it was chosen.
    var chosenRows: Int
    /// Rows that there were when searches were calibrated; 0: they are not.
    var calibratedRows = 0
    /// The `ef_search` or `nprobe` of searches of codes alone; 0 of others.
    var setting = 0
    /// Rows that are ranked, for each result; 0: as the kind says.
    var oversampling: Float = 0
    /// What was measured of codes alone; 0 of others.
    var recall: Float = 0

    static let size = 64

    func encode() -> [UInt8] {
        var bytes: [UInt8] = []
        func put<I: FixedWidthInteger>(_ value: I) { withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) } }
        put(UInt64(memoryBudget))
        put(UInt64(capacity))
        put(seed)
        put(UInt64(chosenRows))
        put(UInt64(calibratedRows))
        put(targetRecall.bitPattern)
        put(plan.rawValue)
        put(UInt32(setting))
        put(oversampling.bitPattern)
        put(recall.bitPattern)
        return bytes + [UInt8](repeating: 0, count: AutoNotes.size - bytes.count)
    }
}

extension AutoNotes {
    init(_ bytes: UnsafeRawPointer, path: String) throws(VecStoreError) {
        func u32(_ at: Int) -> UInt32 { UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: at, as: UInt32.self)) }
        func u64(_ at: Int) -> UInt64 { UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self)) }
        func corrupt(_ what: String) -> VecStoreError { VecStoreError(.corrupt, "'\(path)' was chosen automatically, by \(what)") }
        guard u64(0) <= UInt64(Int.max) else { throw corrupt("a memory_budget of \(u64(0))") }
        for at in [8, 24, 32] {
            guard u64(at) <= UInt64(Limits.rows) else { throw corrupt("\(u64(at)) rows") }
        }
        memoryBudget = Int(u64(0))
        capacity = Int(u64(8))
        seed = u64(16)
        chosenRows = Int(u64(24))
        calibratedRows = Int(u64(32))
        targetRecall = Float(bitPattern: u32(40))
        guard targetRecall > 0 && targetRecall <= 1 else { throw corrupt("a target_recall of \(targetRecall)") }
        guard let plan = AutoPlan(rawValue: u32(44)) else { throw corrupt("the unknown rule \(u32(44))") }
        self.plan = plan
        guard Int(u32(48)) <= Limits.k else { throw corrupt("a setting of \(u32(48))") }
        setting = Int(u32(48))
        oversampling = Float(bitPattern: u32(52))
        recall = Float(bitPattern: u32(56))
        guard oversampling == 0 || (oversampling >= 1 && oversampling <= 1000) else { throw corrupt("an oversampling of \(oversampling)") }
        guard recall >= 0 && recall <= 1 else { throw corrupt("a recall of \(recall)") }
        guard u32(60) == 0 else { throw corrupt("notes that are not known") }
    }
}

extension AutoNotes {
    /// The notes of a file; nil where it has none.
    static func read(_ file: FileHandle, _ header: FileHeader) throws(VecStoreError) -> AutoNotes? {
        guard let section = header.section(.autoNotes) else { return nil }
        let bytes = try allocate(UInt8.self, section.size, for: "the notes of a file")
        try file.read(bytes.base, section.size, at: section.offset)
        try section.verify(bytes.base, file.path)
        return try AutoNotes(bytes.base, path: file.path)
    }
}
