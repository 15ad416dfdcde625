// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

/// How an inverted file was made, and what training found, as a section of its file.
struct IVFNotes {
    var nlist: Int?
    var rescore: RescoreRows
    var pqM: Int?
    var bits: Int?
    var seed: UInt64
    var trainedCount: Int
    var meanNorm: Float
    /// The spread of codes, where it was measured.
    var codeSpread: Float
    var isOwn: Bool
    var calibration: Calibration?

    init(_ options: IVFOptions, _ model: IVFModel?) {
        nlist = options.nlist
        rescore = options.rescore
        pqM = options.pqM
        bits = options.bits
        seed = options.seed
        trainedCount = model?.trainedCount ?? 0
        meanNorm = model?.meanNorm ?? 1
        codeSpread = model?.codec?.error ?? 0
        isOwn = model?.isOwn ?? false
        calibration = model?.calibration.value
    }

    func encode() -> [UInt8] {
        var bytes: [UInt8] = []
        func put<I: FixedWidthInteger>(_ value: I) { withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) } }
        put(UInt32(nlist ?? 0))
        put(rescore.rawValue)
        put(UInt32(pqM ?? 0))
        put(UInt32(bits ?? 0))
        put(seed)
        put(UInt64(trainedCount))
        put(meanNorm.bitPattern)
        put(codeSpread.bitPattern)
        put(UInt32(isOwn ? 1 : 0))
        put(UInt32(calibration?.k ?? 0))
        put(UInt32(calibration?.nprobe ?? 0))
        put((calibration?.targetRecall ?? 0).bitPattern)
        put((calibration?.recall ?? 0).bitPattern)
        put(UInt32(calibration?.usesOwnRows ?? false ? 1 : 0))
        return bytes + [UInt8](repeating: 0, count: ListFields.notesSize - bytes.count)
    }

    init(_ bytes: UnsafeRawPointer, path: String) throws(VecStoreError) {
        func u32(_ at: Int) -> UInt32 { UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: at, as: UInt32.self)) }
        func u64(_ at: Int) -> UInt64 { UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self)) }
        func corrupt(_ what: String) -> VecStoreError { VecStoreError(.corrupt, "'\(path)' has an inverted file with \(what)") }
        guard let rescore = RescoreRows(rawValue: u32(4)) else { throw corrupt("rescore \(u32(4))") }
        func given(_ at: Int) -> Int? { u32(at) == 0 ? nil : Int(u32(at)) }
        nlist = given(0)
        self.rescore = rescore
        pqM = given(8)
        bits = given(12)
        seed = u64(16)
        guard u64(24) <= UInt64(Limits.rows) else { throw corrupt("\(u64(24)) rows that it was trained on") }
        trainedCount = Int(u64(24))
        meanNorm = Float(bitPattern: u32(32))
        codeSpread = Float(bitPattern: u32(36))
        isOwn = u32(40) != 0
        guard meanNorm >= 0 && meanNorm <= 0x1p63 else { throw corrupt("rows of norm \(meanNorm)") }
        guard codeSpread >= 0 && codeSpread <= 0x1p65 else { throw corrupt("codes that are off by \(codeSpread)") }
        guard u32(40) <= 1 else { throw corrupt("training of unknown kind \(u32(40))") }
        if u32(44) > 0 {
            let target = Float(bitPattern: u32(52)), recall = Float(bitPattern: u32(56))
            guard Int(u32(44)) <= Limits.k, u32(48) >= 1, Int(u32(48)) <= IVFOptions.mostLists, target >= 0, target <= 1,
                recall >= 0, recall <= 1, u32(60) <= 1
            else { throw corrupt("a calibration that cannot be") }
            calibration = Calibration(
                k: Int(u32(44)), nprobe: Int(u32(48)), targetRecall: target, recall: recall, usesOwnRows: u32(60) == 1)
        }
    }

    func options(_ header: FileHeader, _ fields: ListFields) -> IVFOptions {
        IVFOptions(
            dimension: header.shape.dimension, metric: header.shape.metric, type: header.shape.type, nlist: nlist,
            storage: fields.storage, rescore: rescore, pqM: pqM, bits: bits,
            isRotated: fields.isRotated, assignments: fields.assignments, seed: seed)
    }
}
