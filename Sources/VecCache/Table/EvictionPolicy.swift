// SPDX-License-Identifier: Apache-2.0

/// Which entry goes where there are too many.
package enum EvictionPolicy: String, CaseIterable, Sendable {
    /// The one that was not used for the longest time.
    case lru
    /// The one that was used the least, with the past forgotten little by little (LFU with dynamic aging: Arlitt et al., 2000).
    case lfu
    /// The one whose uses are worth the least for its size (GreedyDual-Size-Frequency: Cherkasova, 1998).
    case cost
}
