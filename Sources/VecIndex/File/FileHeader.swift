// SPDX-License-Identifier: Apache-2.0

import CVecShims
import VecKernelTypes

/// What a file holds: an index of one of its kinds, or a quantizer. The raw values are those of the file: never renumber them.
enum FileKind: UInt32 {
    case flat = 1
    case hnsw = 2
    case ivf = 3
    case quantizer = 64
}

/// The first part of a file: what it holds, and where its sections are. `docs/file-format.md` is its description.
struct FileHeader {
    static let magic: [UInt8] = Array("VECSTORE".utf8)
    /// The newest version that is read. Files are written as what the oldest library can read that knows all that is in them.
    static let formatVersion: UInt32 = 2
    static let endianMark: UInt32 = 0x0102_0304
    /// Bytes of the fixed part, and of one entry of the section table behind it.
    static let fixedSize = 128
    static let entrySize = 32
    static let mostSections = 64
    static let alignment = 64
    /// The flag of an index that was chosen automatically.
    private static let autoFlag: UInt32 = 32
    /// The flag of a graph whose rows lie outside of the file: what version 2 has and version 1 has not.
    private static let externalFlag: UInt32 = 64

    struct Section {
        var kind: SectionKind
        var offset: Int
        var size: Int
        var checksum: UInt64
    }

    /// Dimension, metric and type of the rows, whatever the kind; of a quantizer those of the vectors as it takes them.
    var shape: RowShape
    /// For a graph.
    var graph: GraphFields?
    /// For an inverted file.
    var lists: ListFields?
    /// For a quantizer.
    var quantizer: QuantizerFields?
    var count: Int
    var nextID: UInt64
    var idsAscend: Bool
    /// Whether it was chosen automatically, and for a writer how.
    var isAuto = false
    var notes: AutoNotes? { didSet { isAuto = notes != nil } }
    var fileSize = 0
    var sections: [Section] = []

    var kind: FileKind { graph != nil ? .hnsw : lists != nil ? .ivf : quantizer != nil ? .quantizer : .flat }

    /// Whether rows lie outside of the file.
    var isExternal: Bool { graph?.isExternal ?? false }

    func section(_ kind: SectionKind) -> Section? { sections.first { $0.kind == kind } }

    /// Bytes of the header with its table.
    var size: Int { FileHeader.fixedSize + sections.count * FileHeader.entrySize }

    /// The bytes that a section must have; nil where this file must not have it.
    func wantedSize(_ kind: SectionKind) -> Int? {
        if kind == .autoNotes { return isAuto ? AutoNotes.size : nil }
        if let graph { return wantedSize(kind, graph) }
        if let lists { return wantedSize(kind, lists) }
        if let quantizer { return quantizer.wantedSize(kind, dimension: shape.dimension) }
        return switch kind {
        case .rows: product(count, shape.rowSize)
        case .ids: product(count, 8)
        case .idOrder: idsAscend ? nil : product(count, 4)
        case .squaredNorms: shape.keepsSquaredNorms ? product(count, 4) : nil
        case .inverseNorms: shape.keepsInverseNorms ? product(count, 8) : nil
        case .codes: shape.keepsCodes ? product(count, shape.dimension) : nil
        case .codeScale, .codeError: shape.keepsCodes ? product(count, 4) : nil
        default: nil
        }
    }

    private func wantedSize(_ kind: SectionKind, _ graph: GraphFields) -> Int? {
        let shape = graph.shape(shape)
        return switch kind {
        case .ids: product(count, 8)
        case .idOrder: idsAscend ? nil : product(count, 4)
        case .inverseNorms: shape.keepsInverseNorms ? product(count, 8) : nil
        case .graphNotes: GraphFields.notesSize
        case .quantizer: shape.isCoded ? product(shape.dimension, 8) : nil
        case .walkRows: product(count, shape.walkStride)
        case .walkFactors: shape.keepsFactors ? product(count, shape.factorStride) : nil
        case .fullRows: shape.keepsFullRows ? product(count, shape.fullStride) : nil
        case .links: product(count, 4 * shape.baseLinks)
        case .parents, .upperPlaces: product(count, 4)
        case .levels: count
        case .upperLinks: product(graph.units, 4 * shape.m)
        case .sketcher: shape.isSketched ? product(shape.dimension, 8) : nil
        case .sketches: shape.isSketched ? product(count, shape.sketchStride) : nil
        case .sketchFactors: shape.keepsSketchFactors ? product(count, 4) : nil
        default: nil
        }
    }

    private func wantedSize(_ kind: SectionKind, _ lists: ListFields) -> Int? {
        let isTrained = lists.nlist > 0
        return switch kind {
        case .ids: product(count, 8)
        case .idOrder: idsAscend ? nil : product(count, 4)
        case .inverseNorms: lists.rowType != nil && shape.keepsInverseNorms ? product(count, 8) : nil
        case .fullRows: lists.rowType.flatMap { product(count, $0.rowSize(shape.dimension)) }
        case .listNotes: ListFields.notesSize
        case .centroids: isTrained ? product(lists.nlist, 4 * shape.dimension) : nil
        case .listNumbers: isTrained ? product(lists.nlist, 8) : nil
        case .codebooks: isTrained ? codebookSize(lists) : nil
        case .listCounts: isTrained ? product(lists.nlist, 4) : nil
        case .listBlocks: isTrained ? product(lists.blocks, lists.layout.blockSize) : nil
        case .homes: product(count, 4 * lists.assignments)
        case .listGraph: lists.graphSize > 0 ? lists.graphSize : nil
        default: nil
        }
    }

    /// The floats that training finds for codes: centroids and a rotation, or grids.
    private func codebookSize(_ lists: ListFields) -> Int? {
        switch lists.storage {
        case .pq: product(shape.dimension, 4 * max(lists.codes.tableSize, 16) + (lists.isRotated ? 4 * shape.dimension : 0))
        case .int8, .int4: product(shape.dimension, 8)
        case .auto, .float32, .float16, .bfloat16, .binary: nil
        }
    }

    /// Places the sections one behind the other. Returns the size of the file.
    mutating func layOut() -> Int {
        sections = []
        let kinds = SectionKind.allCases.filter { wantedSize($0) != nil }
        var offset = FileHeader.fixedSize + kinds.count * FileHeader.entrySize
        for kind in kinds {
            offset = (offset + FileHeader.alignment - 1) / FileHeader.alignment * FileHeader.alignment
            let size = wantedSize(kind) ?? 0
            sections.append(Section(kind: kind, offset: offset, size: size, checksum: 0))
            offset += size
        }
        return offset
    }

    // MARK: - Writing

    private var flags: UInt32 {
        let all = [
            idsAscend, shape.keepsCodes, graph?.isSketched ?? false, lists?.codes.isWide ?? false, lists?.isRotated ?? false,
            isAuto, isExternal,
        ]
        return all.enumerated().reduce(0) { $1.element ? $0 | 1 << UInt32($1.offset) : $0 }
    }

    func encode(fileSize: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        func put<I: FixedWidthInteger>(_ value: I) { withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) } }
        var table: [UInt8] = []
        for section in sections {
            bytes = []
            put(section.kind.rawValue)
            put(UInt32(0))
            put(UInt64(section.offset))
            put(UInt64(section.size))
            put(section.checksum)
            table += bytes
        }
        bytes = FileHeader.magic
        put(UInt32(isExternal ? 2 : 1))
        put(FileHeader.endianMark)
        put(UInt64(fileSize))
        put(UInt32(size))
        put(UInt32(sections.count))
        put(kind.rawValue)
        put(UInt32(shape.dimension))
        put(shape.metric.rawValue)
        put(shape.type.rawValue)
        put(UInt64(count))
        put(nextID)
        put(flags)
        if let graph {
            put(UInt32(graph.m))
            put(graph.storage.rawValue)
            put(graph.fullType?.rawValue ?? 0)
            put(UInt64(graph.units))
            put(graph.entry)
            put(graph.root)
        }
        if let lists {
            put(UInt32(lists.nlist))
            put(lists.storage.rawValue)
            put(lists.rowType?.rawValue ?? 0)
            put(UInt64(lists.blocks))
            put(UInt32(lists.assignments))
            put(UInt32(lists.codes.numbers))
            put(UInt64(lists.graphSize))
            put(UInt32(lists.codes.tableBits))
        }
        if let quantizer { bytes += quantizer.encode() }
        bytes += [UInt8](repeating: 0, count: 112 - bytes.count)
        put(checksum(of: table))
        put(checksum(of: bytes))
        return bytes + table
    }

    // MARK: - Reading

    /// Copies bytes of a file: offset, count, target.
    typealias Read = (Int, Int, UnsafeMutableRawPointer) throws(VecStoreError) -> Void

    /// Reads the fixed part and the table; every field is checked before it is used.
    static func decode(path: String, fileSize: Int, _ read: Read) throws(VecStoreError) -> FileHeader {
        func corrupt(_ what: String) -> VecStoreError { VecStoreError(.corrupt, "'\(path)' \(what)") }
        guard fileSize >= fixedSize else { throw corrupt("has \(fileSize) bytes: it is not a vecstore file, or cut short") }
        let fixedBytes = try allocate(UInt8.self, fixedSize, for: "a file header")
        try read(0, fixedSize, fixedBytes.base)
        let fixed = UnsafeRawPointer(fixedBytes.base)
        func u32(_ offset: Int) -> UInt32 { UInt32(littleEndian: fixed.loadUnaligned(fromByteOffset: offset, as: UInt32.self)) }
        func u64(_ offset: Int) -> UInt64 { UInt64(littleEndian: fixed.loadUnaligned(fromByteOffset: offset, as: UInt64.self)) }
        guard (0..<8).allSatisfy({ fixed.load(fromByteOffset: $0, as: UInt8.self) == magic[$0] }) else {
            throw corrupt("is not a vecstore file: it does not begin with VECSTORE")
        }
        guard u64(120) == vs_checksum(fixed, 120) else { throw corrupt("is damaged: the checksum of its header is wrong") }
        guard u32(12) == endianMark else { throw corrupt("has another byte order than this format") }
        guard u32(8) <= formatVersion else {
            throw VecStoreError(
                .newerVersion,
                "'\(path)' has format version \(u32(8)); this library reads up to \(formatVersion): use a newer one")
        }
        guard u32(8) >= 1 else { throw corrupt("has format version 0, which does not exist") }
        guard u64(16) == UInt64(fileSize) else {
            throw corrupt("has \(fileSize) bytes instead of the \(u64(16)) that its header says: it was cut short or appended to")
        }
        guard let kind = FileKind(rawValue: u32(32)) else { throw corrupt("holds something of unknown kind \(u32(32))") }
        let dimension = Int(u32(36))
        guard dimension >= 1 && dimension <= Limits.dimension else { throw corrupt("has dim \(dimension)") }
        guard let metric = Metric(rawValue: u32(40)), let type = ElementType(rawValue: u32(44)), metric.supports(type) else {
            throw corrupt("has metric \(u32(40)) and dtype \(u32(44)), which do not go together")
        }
        guard u64(48) <= UInt64(Limits.rows) else { throw corrupt("has \(u64(48)) rows, more than an index holds") }
        let flags = u32(64)
        let (knownFlags, fieldsEnd): (UInt32, Int) =
            switch kind {
            case .flat: (3 | autoFlag, 68)
            case .hnsw: (5 | autoFlag | externalFlag, 100)
            case .ivf: (25 | autoFlag, 108)
            case .quantizer: (0, QuantizerFields.end)
            }
        guard flags & ~knownFlags == 0 else { throw corrupt("has unknown flags \(flags)") }
        let isExternal = flags & externalFlag != 0
        guard isExternal == (u32(8) == 2) else {
            throw corrupt("has format version \(u32(8)), which does not go with its flags \(flags)")
        }
        guard !isExternal || flags & autoFlag == 0 else { throw corrupt("was chosen automatically and has its rows outside") }
        guard (fieldsEnd..<112).allSatisfy({ fixed.load(fromByteOffset: $0, as: UInt8.self) == 0 }) else {
            throw corrupt("has unknown header fields")
        }
        let shape = RowShape(dimension: dimension, metric: metric, type: type, keepsCodes: flags & 2 != 0)
        guard !shape.keepsCodes || (type.isFloat && metric != .l1) else { throw corrupt("has codes where there can be none") }
        var header = FileHeader(shape: shape, count: Int(u64(48)), nextID: u64(56), idsAscend: flags & 1 != 0)
        header.fileSize = fileSize
        header.isAuto = flags & autoFlag != 0
        if kind == .hnsw {
            header.graph = try graphFields(
                path, shape, header.count, (u32(68), u32(72), u32(76)), isSketched: flags & 4 != 0, isExternal: isExternal,
                units: u64(80), entry: u64(88), root: u32(96))
        }
        if kind == .ivf {
            header.lists = try listFields(
                path, shape, header.count, (u32(68), u32(72), u32(76)), blocks: u64(80), assignments: u32(88),
                numbers: u32(92), isWide: flags & 8 != 0, isRotated: flags & 16 != 0, graphSize: u64(96), tableBits: u32(104), fileSize: fileSize)
        }
        if kind == .quantizer {
            guard metric == .l2Squared, type == .float32, header.count == 0, header.nextID == 0 else {
                throw corrupt("has a quantizer with rows, or of metric \(u32(40)) and dtype \(u32(44))")
            }
            header.quantizer = try QuantizerFields(fixed + QuantizerFields.begin, dimension: dimension, path: path)
        }
        let sectionCount = Int(u32(28))
        guard sectionCount <= mostSections, Int(u32(24)) == fixedSize + sectionCount * entrySize, Int(u32(24)) <= fileSize
        else { throw corrupt("has a section table of \(sectionCount) entries") }
        try header.decodeTable(path, sectionCount, checksum: u64(112), fileSize: fileSize, read)
        return header
    }

    private static func graphFields(
        _ path: String, _ rows: RowShape, _ count: Int, _ fields: (m: UInt32, storage: UInt32, fullType: UInt32),
        isSketched: Bool, isExternal: Bool, units: UInt64, entry: UInt64, root: UInt32
    ) throws(VecStoreError) -> GraphFields {
        func corrupt(_ what: String) -> VecStoreError { VecStoreError(.corrupt, "'\(path)' \(what)") }
        guard HNSWOptions.mRange.contains(Int(fields.m)) else { throw corrupt("has a graph with m \(fields.m)") }
        guard let storage = GraphStorage(rawValue: fields.storage), !rows.keepsCodes, count <= Limits.graphRows,
            storage == .auto || rows.type.isFloat, storage.codeBits == 0 || rows.metric != .l1,
            storage.elementType == nil || rows.type == .float32 || storage.elementType == rows.type
        else { throw corrupt("has a graph with storage \(fields.storage), which does not go with its rows") }
        let fullType = fields.fullType == 0 ? nil : ElementType(rawValue: fields.fullType)
        guard fields.fullType == 0 || (fullType?.isFloat ?? false && rows.type.isFloat) else {
            throw corrupt("has a graph with finer rows of dtype \(fields.fullType)")
        }
        guard !isSketched || storage == .int8 else { throw corrupt("has a graph with sketches of rows without 8-bit codes") }
        guard !isExternal || (rows.type.isFloat && rows.metric != .l1) else {
            throw corrupt("has a graph with rows outside that cannot lie there")
        }
        guard units <= min(UInt64(max(count, 1)) * UInt64(GraphBuilder.mostLevels), UInt64(Limits.graphRows)) else {
            throw corrupt("has a graph with \(units) lists above level 0, more than its rows can have")
        }
        if count == 0 {
            guard entry == GraphStore.noEntry, root == noSlot else { throw corrupt("has a graph with an entry and no rows") }
        } else {
            guard entry & 0xffff_ffff < UInt64(count), entry >> 32 < UInt64(GraphBuilder.mostLevels), Int(root) < count
            else { throw corrupt("has a graph whose entry is no row") }
        }
        return GraphFields(
            m: Int(fields.m), storage: storage, fullType: fullType, isSketched: isSketched, isExternal: isExternal,
            units: Int(units), entry: entry, root: root)
    }

    private static func listFields(
        _ path: String, _ rows: RowShape, _ count: Int, _ fields: (nlist: UInt32, storage: UInt32, rowType: UInt32),
        blocks: UInt64, assignments: UInt32, numbers: UInt32, isWide: Bool, isRotated: Bool, graphSize: UInt64,
        tableBits: UInt32, fileSize: Int
    ) throws(VecStoreError) -> ListFields {
        func corrupt(_ what: String) -> VecStoreError { VecStoreError(.corrupt, "'\(path)' \(what)") }
        let nlist = Int(fields.nlist)
        guard nlist <= IVFOptions.mostLists, count <= Limits.graphRows, nlist > 0 || count == 0 else {
            throw corrupt("has \(fields.nlist) lists for \(count) rows")
        }
        guard IVFOptions.assignmentRange.contains(Int(assignments)) else {
            throw corrupt("has rows in \(assignments) lists each")
        }
        guard let storage = ListStorage(rawValue: fields.storage), !storage.isCoded || rows.type.isFloat else {
            throw corrupt("has lists with storage \(fields.storage), which does not go with its rows")
        }
        let rowType = fields.rowType == 0 ? nil : ElementType(rawValue: fields.rowType)
        guard fields.rowType == 0 ? storage.isCoded : rowType.map({ $0 == rows.type || ($0.isFloat && rows.type.isFloat) }) ?? false
        else { throw corrupt("has lists with rows of dtype \(fields.rowType)") }
        guard numbers <= (isWide ? rows.dimension : ListCodec.mostTables), storage.isCoded == (numbers > 0),
            !isWide || storage.isCoded, !isRotated || storage == .pq,
            isWide && storage == .pq ? (5...8).contains(tableBits) : tableBits == 0
        else { throw corrupt("has lists with codes of \(numbers) numbers, which do not go with their storage") }
        // Each list may have one block that is not full.
        guard blocks <= UInt64(count * Int(assignments) / ListLayout.rows + nlist) else {
            throw corrupt("has \(blocks) blocks of rows, more than its rows need")
        }
        guard graphSize <= UInt64(nlist > 0 ? fileSize : 0) else { throw corrupt("has a graph of \(nlist) lists in \(graphSize) bytes") }
        return ListFields(
            nlist: nlist, storage: storage, rowType: rowType, blocks: Int(blocks), assignments: Int(assignments),
            codes: ListCodeShape(numbers: Int(numbers), isWide: isWide, tableBits: Int(tableBits)), isRotated: isRotated, graphSize: Int(graphSize))
    }

    private mutating func decodeTable(
        _ path: String, _ sectionCount: Int, checksum: UInt64, fileSize: Int, _ read: Read
    ) throws(VecStoreError) {
        func corrupt(_ what: String) -> VecStoreError { VecStoreError(.corrupt, "'\(path)' \(what)") }
        let bytes = sectionCount * FileHeader.entrySize
        let tableBytes = try allocate(UInt8.self, bytes, for: "a section table")
        try read(FileHeader.fixedSize, bytes, tableBytes.base)
        let table = UnsafeRawPointer(tableBytes.base)
        guard vs_checksum(table, bytes) == checksum else {
            throw corrupt("is damaged: the checksum of its section table is wrong")
        }
        func u64(_ offset: Int) -> UInt64 { UInt64(littleEndian: table.loadUnaligned(fromByteOffset: offset, as: UInt64.self)) }
        // The table must say just what the fields before it say.
        var expected = self
        let wantedFileSize = expected.layOut()
        guard expected.sections.count == sectionCount, wantedFileSize == fileSize else {
            throw corrupt("has \(sectionCount) sections in \(fileSize) bytes instead of \(expected.sections.count) in \(wantedFileSize)")
        }
        for (i, section) in expected.sections.enumerated() {
            let entry = i * FileHeader.entrySize
            let first = u64(entry)
            guard first == UInt64(section.kind.rawValue), u64(entry + 8) == UInt64(section.offset),
                u64(entry + 16) == UInt64(section.size)
            else { throw corrupt("has a section table that does not fit its header (entry \(i))") }
            expected.sections[i].checksum = u64(entry + 24)
        }
        self = expected
    }
}

/// The checksum of some bytes in memory.
func checksum(of bytes: [UInt8]) -> UInt64 {
    bytes.withUnsafeBytes { bytes in bytes.baseAddress.map { vs_checksum($0, bytes.count) } ?? vs_checksum("", 0) }
}

/// Where the columns of a mapped file are.
struct FilePlaces {
    let rows: Int
    let ids: Int
    let idOrder: Int?
    let squaredNorms: Int?
    let inverseNorms: Int?
    let codes: Int?
    let codeScale: Int?
    let codeError: Int?

    init(_ header: FileHeader) {
        func place(_ kind: SectionKind) -> Int? { header.section(kind)?.offset }
        rows = place(.rows) ?? 0
        ids = place(.ids) ?? 0
        idOrder = place(.idOrder)
        squaredNorms = place(.squaredNorms)
        inverseNorms = place(.inverseNorms)
        codes = place(.codes)
        codeScale = place(.codeScale)
        codeError = place(.codeError)
    }
}
