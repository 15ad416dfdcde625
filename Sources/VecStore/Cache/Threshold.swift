// SPDX-License-Identifier: Apache-2.0

import VecIndex

extension SemanticCache {
    /// How near two vectors are at least, by their cosine. Both ways to say it mean the same: a similarity of 0.85 is a distance of
    /// 0.15. 0 is a value like others.
    public enum Threshold: Sendable, Hashable {
        /// From −1 to 1; larger is nearer.
        case similarity(Float)
        /// 1 − similarity, as searches under `.cosine` have it: from 0 to 2; smaller is nearer.
        case distance(Float)

        public var similarity: Float {
            switch self {
            case .similarity(let similarity): similarity
            case .distance(let distance): 1 - distance
            }
        }

        public var distance: Float {
            switch self {
            case .similarity(let similarity): 1 - similarity
            case .distance(let distance): distance
            }
        }
    }
}

extension SemanticCache.Threshold {
    /// As the core takes it. A number that is none is refused as it was written.
    var checkedSimilarity: Float {
        get throws(CoreError) {
            switch self {
            case .similarity(let similarity):
                guard similarity >= -1 && similarity <= 1 else {
                    throw CoreError(.invalidArgument, "threshold is a similarity of \(similarity): allowed is -1 to 1")
                }
            case .distance(let distance):
                guard distance >= 0 && distance <= 2 else {
                    throw CoreError(.invalidArgument, "threshold is a distance of \(distance): allowed is 0 to 2")
                }
            }
            return similarity
        }
    }
}
