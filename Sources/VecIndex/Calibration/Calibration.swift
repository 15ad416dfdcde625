// SPDX-License-Identifier: Apache-2.0

/// The setting with which an index reached a recall on a sample of queries.
package struct Calibration: Sendable, Equatable {
    package var k: Int
    /// Of a graph; else 0.
    package var efSearch = 0
    /// Of an inverted file; else 0.
    package var nprobe = 0
    /// What was asked for, and what was measured with this setting.
    package var targetRecall: Float
    package var recall: Float
    /// Whether rows of the index served as queries, which flatters it.
    package var usesOwnRows: Bool

    /// What was found that is good for a target of a search.
    static func reaching(_ target: Float, _ calibration: Calibration?) throws(VecStoreError) -> Calibration {
        guard let calibration else {
            throw VecStoreError(.invalidArgument, "target_recall needs a calibrated index: call calibrate first")
        }
        guard target <= calibration.targetRecall else {
            throw VecStoreError(
                .invalidArgument,
                "target_recall is \(target), and the index was calibrated for \(calibration.targetRecall): calibrate it for more")
        }
        return calibration
    }
}

/// A calibration that may be found while others go by it.
final class KeptCalibration: @unchecked Sendable {
    // Safety: touched under `lock`.

    private let lock = Lock()
    private var kept: Calibration?

    var value: Calibration? {
        get { lock.withLock { kept } }
        set { lock.withLock { kept = newValue } }
    }
}
