// SPDX-License-Identifier: Apache-2.0

public import CVecStore
import VecCollection
import VecIndex

@_cdecl("vecstore_collection_metrics")
public func vecstore_collection_metrics(
    _ collection: OpaquePointer!, _ name: UnsafePointer<CChar>!, _ buffer: UnsafeMutablePointer<CChar>!, _ size: Int,
    _ needed: UnsafeMutablePointer<Int>!
) -> vecstore_status {
    status { () throws(VecStoreError) in
        let metrics = try withCollection(collection) { (collection) throws(VecStoreError) in
            try CollectionMetrics(collection, name: checkedOptionalText(name, "name"))
        }
        try copy(CollectionMetrics.text([metrics]), to: buffer, size, needed)
    }
}

@_cdecl("vecstore_collection_health")
public func vecstore_collection_health(
    _ collection: OpaquePointer!, _ buffer: UnsafeMutablePointer<CChar>!, _ size: Int, _ needed: UnsafeMutablePointer<Int>!
) -> vecstore_status {
    status { () throws(VecStoreError) in
        try withCollection(collection) { (collection) throws(VecStoreError) in
            try copy(HealthReport(collection).text, to: buffer, size, needed)
        }
    }
}

@_cdecl("vecstore_collections_metrics")
public func vecstore_collections_metrics(
    _ collections: UnsafePointer<OpaquePointer?>!, _ names: UnsafePointer<UnsafePointer<CChar>?>!, _ n: Int,
    _ buffer: UnsafeMutablePointer<CChar>!, _ size: Int, _ needed: UnsafeMutablePointer<Int>!
) -> vecstore_status {
    status { () throws(VecStoreError) in
        let count = try checkedCount(n, "n")
        let handles: UnsafePointer<OpaquePointer?> = try checked(collections, "collections", count: count)
        var all: [CollectionMetrics] = []
        for i in 0..<count {
            let name = try names.map { (names) throws(VecStoreError) in try checkedOptionalText(names[i], "names[\(i)]") }
            try withCollection(handles[i]) { (collection) throws(VecStoreError) in
                all.append(try CollectionMetrics(collection, name: name ?? nil))
            }
        }
        try copy(CollectionMetrics.text(all), to: buffer, size, needed)
    }
}
