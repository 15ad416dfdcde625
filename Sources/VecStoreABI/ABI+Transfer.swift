// SPDX-License-Identifier: Apache-2.0

public import CVecStore
import VecCollection
import VecIndex

@_cdecl("vecstore_collection_import")
public func vecstore_collection_import(
    _ collection: OpaquePointer!, _ path: UnsafePointer<CChar>!, _ options: UnsafePointer<vecstore_import_options>!,
    _ result: UnsafeMutablePointer<vecstore_import_result>!
) -> vecstore_status {
    status { () throws(VecStoreError) in
        // The least that can be said of it, where nothing else comes.
        try write(ImportResult(), to: result)
        try withCollection(collection) { (collection) throws(VecStoreError) in
            var found = ImportResult()
            let end: VecStoreError?
            do throws(VecStoreError) {
                try collection.importFile(checkedPath(path), checkedImportOptions(options), &found)
                end = nil
            } catch {
                end = error
            }
            try write(found, to: result)
            if let end { throw end }
        }
    }
}

@_cdecl("vecstore_collection_export")
public func vecstore_collection_export(
    _ collection: OpaquePointer!, _ path: UnsafePointer<CChar>!, _ options: UnsafePointer<vecstore_export_options>!,
    _ points: UnsafeMutablePointer<UInt64>!
) -> vecstore_status {
    status { () throws(VecStoreError) in
        try withCollection(collection) { (collection) throws(VecStoreError) in
            let count = try collection.exportFile(checkedPath(path), checkedExportOptions(options))
            points?.pointee = UInt64(count)
        }
    }
}

private func write(
    _ found: ImportResult, to result: UnsafeMutablePointer<vecstore_import_result>?
) throws(VecStoreError) {
    guard let result else { return }
    var filled = vecstore_import_result()
    filled.points = UInt64(found.points)
    filled.skipped = UInt64(found.skipped)
    filled.next_line = UInt64(found.nextLine)
    try write(filled, to: result, "vecstore_import_result")
}

private func checkedImportOptions(
    _ options: UnsafePointer<vecstore_import_options>?
) throws(VecStoreError) -> ImportOptions {
    let o = try read(options, over: vecstore_import_options(), "vecstore_import_options")
    var result = ImportOptions()
    if o.batch_size != 0 { result.batchSize = Int(o.batch_size) }
    result.skipsBad = try checkedFlag(o.skip_bad, "skip_bad")
    guard o.reserved == 0 else { throw VecStoreError(.invalidArgument, "vecstore_import_options.reserved is not 0") }
    result.startLine = Int(clamping: max(o.start_line, 1))
    result.vectorFiles = try checkedVectorFiles(o.vector_files, o.n_vector_files)
    if try checkedFlag(o.bare_payloads, "bare_payloads") {
        result.firstID = o.first_id
    } else {
        guard o.first_id == 0 else {
            throw VecStoreError(.invalidArgument, "first_id is \(o.first_id): it goes with bare_payloads")
        }
    }
    if let callback = o.progress {
        let payload = o.payload
        result.progress = { callback(UInt64($0), UInt64($1), payload) }
    }
    return result
}

private func checkedExportOptions(
    _ options: UnsafePointer<vecstore_export_options>?
) throws(VecStoreError) -> ExportOptions {
    let o = try read(options, over: vecstore_export_options(), "vecstore_export_options")
    guard o.reserved == 0 else { throw VecStoreError(.invalidArgument, "vecstore_export_options.reserved is not 0") }
    var result = ExportOptions()
    result.filter = checkedJSON(o.filter)
    result.vectorFiles = try checkedVectorFiles(o.vector_files, o.n_vector_files)
    if let callback = o.progress {
        let payload = o.payload
        result.progress = { callback(UInt64($0), UInt64($1), payload) }
    }
    return result
}

private func checkedVectorFiles(
    _ files: UnsafePointer<vecstore_vector_file>?, _ n: Int
) throws(VecStoreError) -> [VectorFile] {
    let count = try checkedCount(n, "n_vector_files")
    guard count <= CollectionLimits.vectors else {
        throw VecStoreError(.invalidArgument, "n_vector_files is \(count): allowed are up to \(CollectionLimits.vectors)")
    }
    let files: UnsafePointer<vecstore_vector_file> = try checked(files, "vector_files", count: count)
    var result: [VectorFile] = []
    for i in 0..<count {
        result.append(VectorFile(name: try checkedVectorName(files[i].name), path: try checkedPath(files[i].path)))
    }
    return result
}
