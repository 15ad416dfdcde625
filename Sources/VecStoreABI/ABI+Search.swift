// SPDX-License-Identifier: Apache-2.0

public import CVecStore
import VecIndex
import VecKernelTypes

@_cdecl("vecstore_index_search")
public func vecstore_index_search(
    _ index: OpaquePointer!, _ queries: UnsafeRawPointer!, _ dtype: vecstore_dtype, _ nq: Int, _ k: Int,
    _ options: UnsafePointer<vecstore_search_options>!, _ ids: UnsafeMutablePointer<UInt64>!,
    _ distances: UnsafeMutablePointer<Float>!, _ counts: UnsafeMutablePointer<UInt64>!
) -> vecstore_status {
    status { () throws(VecStoreError) in
        try withIndex(index) { (index) throws(VecStoreError) in
            let o = try checkedOptions(options)
            let block = try checkedVectors(queries, dtype, nq, index, "queries")
            let output = try checkedOutput(block.count, k, ids, distances, counts)
            try index.search(
                block.pointer, type: block.type, count: block.count, k: k, options: o, output)
        }
    }
}

@_cdecl("vecstore_index_search_range")
public func vecstore_index_search_range(
    _ index: OpaquePointer!, _ queries: UnsafeRawPointer!, _ dtype: vecstore_dtype, _ nq: Int, _ radius: Float,
    _ options: UnsafePointer<vecstore_search_options>!, _ out: UnsafeMutablePointer<OpaquePointer?>!
) -> vecstore_status {
    status { () throws(VecStoreError) in
        let result = try checked(out, "out")
        result.pointee = nil
        guard !radius.isNaN else { throw VecStoreError(.invalidArgument, "radius is NaN") }
        try withIndex(index) { (index) throws(VecStoreError) in
            let o = try checkedOptions(options)
            let block = try checkedVectors(queries, dtype, nq, index, "queries")
            let found = try index.searchRange(
                block.pointer, type: block.type, count: block.count, radius: radius, options: o)
            result.pointee = try HandleTable.shared.make(found, .rangeResult)
        }
    }
}

@_cdecl("vecstore_index_calibrate")
public func vecstore_index_calibrate(
    _ index: OpaquePointer!, _ queries: UnsafeRawPointer!, _ dtype: vecstore_dtype, _ nq: Int,
    _ options: UnsafePointer<vecstore_calibrate_options>!, _ calibration: UnsafeMutablePointer<vecstore_calibration>!
) -> vecstore_status {
    status { () throws(VecStoreError) in
        try withIndex(index) { (index) throws(VecStoreError) in
            let o = try checkedOptions(options)
            // Before anything is changed.
            if let calibration {
                try checkSize(
                    Int(UnsafeRawPointer(calibration).load(as: UInt32.self)), vecstore_calibration_first_size,
                    "vecstore_calibration")
            }
            let found: Calibration
            if let queries {
                let block = try checkedVectors(queries, dtype, nq, index, "queries")
                found = try index.calibrate(
                    block.pointer, type: block.type, count: block.count, k: o.k, recall: o.recall, threads: o.threads)
            } else {
                found = try index.calibrate(
                    nil, type: index.elementType, count: 0, k: o.k, recall: o.recall, threads: o.threads)
            }
            guard let calibration else { return }
            var value = vecstore_calibration()
            value.k = UInt32(found.k)
            value.ef_search = UInt32(found.efSearch)
            value.uses_own_rows = found.usesOwnRows ? 1 : 0
            value.target_recall = found.targetRecall
            value.recall = found.recall
            value.nprobe = UInt32(found.nprobe)
            try write(value, to: calibration, "vecstore_calibration", firstSize: vecstore_calibration_first_size)
        }
    }
}

@_cdecl("vecstore_range_result_free")
public func vecstore_range_result_free(_ result: OpaquePointer!) {
    HandleTable.shared.release(result, .rangeResult)
}

@_cdecl("vecstore_range_result_get")
public func vecstore_range_result_get(
    _ result: OpaquePointer!, _ nq: UnsafeMutablePointer<Int>!,
    _ offsets: UnsafeMutablePointer<UnsafePointer<UInt64>?>!, _ ids: UnsafeMutablePointer<UnsafePointer<UInt64>?>!,
    _ distances: UnsafeMutablePointer<UnsafePointer<Float>?>!
) -> vecstore_status {
    status { () throws(VecStoreError) in
        try HandleTable.shared.with(result, .rangeResult, as: RangeResult.self) { (found) throws(VecStoreError) in
            nq?.pointee = found.queryCount
            offsets?.pointee = found.offsets
            ids?.pointee = found.ids
            distances?.pointee = found.distances
        }
    }
}
