// SPDX-License-Identifier: Apache-2.0

import CHiredis
import VecIndex

/// Makes replies out of the bytes of a server, as they come. The rules of the protocol are hiredis'; what is made of them is ours:
/// no memory is taken for what a server only announces.
final class ReplyReader {
    private let reader: UnsafeMutablePointer<redisReader>
    private let functions: UnsafeMutablePointer<redisReplyObjectFunctions>

    init() throws(VecStoreError) {
        functions = .allocate(capacity: 1)
        functions.initialize(to: redisReplyObjectFunctions(
            createString: { task, text, count in ReplyReader.addText(task, text, count) },
            createArray: { task, _ in ReplyReader.addArray(task) },
            createInteger: { task, number in ReplyReader.add(.integer(number), task) },
            createNil: { task in ReplyReader.add(.null, task) },
            freeObject: { root in if let root { Unmanaged<Node>.fromOpaque(root).release() } }))
        guard let reader = redisReaderCreateWithFunctions(functions) else {
            functions.deallocate()
            throw VecStoreError.outOfMemory("a reader of replies", bytes: MemoryLayout<redisReader>.size)
        }
        self.reader = reader
    }

    deinit {
        redisReaderFree(reader)
        functions.deallocate()
    }

    func feed(_ bytes: UnsafeRawBufferPointer) throws(VecStoreError) {
        guard bytes.count > 0, let base = bytes.baseAddress else { return }
        if redisReaderFeed(reader, base.assumingMemoryBound(to: CChar.self), bytes.count) != REDIS_OK { throw error }
    }

    /// The next reply that is complete.
    func next() throws(VecStoreError) -> RedisReply? {
        var root: UnsafeMutableRawPointer?
        if redisReaderGetReply(reader, &root) != REDIS_OK { throw error }
        return root.map { Unmanaged<Node>.fromOpaque($0).takeRetainedValue().reply }
    }

    private var error: VecStoreError {
        let text = vs_redis_error_text(reader).map { String(cString: $0) } ?? ""
        return reader.pointee.err == REDIS_ERR_OOM
            ? VecStoreError(.outOfMemory, "no memory for a reply of Redis")
            : VecStoreError(.io, "what answers is not a Redis server, or needs TLS: \(text)")
    }

    // MARK: - Building

    /// A reply that is not complete: an array, or what is alone.
    private final class Node {
        private enum Part {
            case leaf(RedisReply)
            case node(Node)
        }

        private let isArray: Bool
        private var parts: [Part] = []

        init(isArray: Bool) { self.isArray = isArray }

        func add(_ reply: RedisReply) { parts.append(.leaf(reply)) }
        func add(_ node: Node) { parts.append(.node(node)) }

        /// Arrays are at most as deep as hiredis allows: 7.
        var reply: RedisReply {
            let replies = parts.map { part in
                switch part {
                case .leaf(let reply): reply
                case .node(let node): node.reply
                }
            }
            return isArray ? .array(replies) : replies.first ?? .null
        }
    }

    /// The root has one count of ours, which the reader carries; all others belong to the array that they are in.
    private static func parent(_ task: UnsafePointer<redisReadTask>?) -> Node? {
        (task?.pointee.parent?.pointee.obj).map { Unmanaged<Node>.fromOpaque($0).takeUnretainedValue() }
    }

    private static func add(_ reply: RedisReply, _ task: UnsafePointer<redisReadTask>?) -> UnsafeMutableRawPointer {
        if let array = parent(task) {
            array.add(reply)
            return Unmanaged.passUnretained(array).toOpaque()
        }
        let node = Node(isArray: false)
        node.add(reply)
        return Unmanaged.passRetained(node).toOpaque()
    }

    private static func addArray(_ task: UnsafePointer<redisReadTask>?) -> UnsafeMutableRawPointer {
        let node = Node(isArray: true)
        guard let array = parent(task) else { return Unmanaged.passRetained(node).toOpaque() }
        array.add(node)
        return Unmanaged.passUnretained(node).toOpaque()
    }

    private static func addText(
        _ task: UnsafePointer<redisReadTask>?, _ text: UnsafeMutablePointer<CChar>?, _ count: Int
    ) -> UnsafeMutableRawPointer {
        let bytes = Array(UnsafeRawBufferPointer(start: text, count: count))
        let reply: RedisReply =
            switch task?.pointee.type {
            case REDIS_REPLY_ERROR: .error(RedisFailure(serverText: String(decoding: bytes, as: UTF8.self)))
            case REDIS_REPLY_STATUS: .simple(String(decoding: bytes, as: UTF8.self))
            default: .bytes(bytes)
            }
        return add(reply, task)
    }
}
