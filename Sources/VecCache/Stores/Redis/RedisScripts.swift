// SPDX-License-Identifier: Apache-2.0

/// What is changed in Redis is changed by these: each does all of a change at once, and writes it into the stream, or does nothing.
///
/// Keys: `meta`, `ids`, `log`, then those of entries. The first argument is the epoch that the caller knows: where Redis has another
/// one, or none, it was wiped, and the caller has to begin anew.
enum RedisScripts {
    /// The error of a script that was called with another epoch.
    static let epochWord = "VECSTORE_EPOCH"

    private static let begin = """
        if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then return redis.error_reply('\(epochWord) is another one') end
        local function write(number, op, id, more)
            local seq = string.format('%.0f', number)
            redis.call('XADD', KEYS[3], 'MAXLEN', '~', ARGV[3], seq .. '-0', 'op', op, 'id', id, 'by', ARGV[2], 'end', more)
            return seq
        end
        local function note(op, more) return write(redis.call('HINCRBY', KEYS[1], 'seq', 1), op, ARGV[4], more) end

        """

    /// Makes the namespace where it is not there. Arguments: format, dim, model, an epoch.
    /// Returns format, dim, model, epoch, seq.
    static let join = RedisScript(
        """
        local found = redis.call('HMGET', KEYS[1], 'format', 'dim', 'model', 'epoch', 'seq')
        if found[4] then
            if found[3] == '' and ARGV[3] ~= '' then
                redis.call('HSET', KEYS[1], 'model', ARGV[3])
                found[3] = ARGV[3]
            end
            return found
        end
        redis.call('DEL', KEYS[3])
        redis.call('HMSET', KEYS[1], 'format', ARGV[1], 'dim', ARGV[2], 'model', ARGV[3], 'epoch', ARGV[4], 'seq', '0')
        return {ARGV[1], ARGV[2], ARGV[3], ARGV[4], '0'}
        """)

    /// Sets entries, no two of which have the same id: one script for several takes half the time of one for each. Arguments: epoch, by,
    /// length of the stream, then of each entry id, end in milliseconds or an empty string, how many names and values follow, and these.
    /// Returns the number of the last change; those before it are numbered without a gap.
    static let set = RedisScript(
        begin + """
            local count, at, ends, last = #KEYS - 3, 4, {}, ''
            -- What Redis may refuse, where it has no memory left, comes before anything is changed.
            local before = redis.call('HINCRBY', KEYS[1], 'seq', count) - count
            redis.call('DEL', unpack(KEYS, 4))
            for i = 1, count do
                local key, id, due, values = KEYS[i + 3], ARGV[at], ARGV[at + 1], tonumber(ARGV[at + 2])
                redis.call('HMSET', key, unpack(ARGV, at + 3, at + 2 + values))
                if due ~= '' then redis.call('PEXPIREAT', key, due) end
                ends[2 * i - 1] = due == '' and '+inf' or due
                ends[2 * i] = id
                last = write(before + i, 'set', id, '')
                at = at + 3 + values
            end
            redis.call('ZADD', KEYS[2], unpack(ends))
            return last
            """)

    /// Deletes an entry. Arguments: epoch, by, length of the stream, id. Returns the number of the change; 0: there was none.
    static let delete = RedisScript(
        begin + """
            local known = redis.call('DEL', KEYS[4]) + redis.call('ZREM', KEYS[2], ARGV[4])
            if known == 0 then return '0' end
            return note('delete', '')
            """)

    /// Puts off the end of an entry. Arguments: epoch, by, length of the stream, id, end. Returns the number of the change; 0: there is
    /// no such entry, or its end is later.
    static let touch = RedisScript(
        begin + """
            local now = redis.call('HGET', KEYS[4], 'expires')
            if not now or tonumber(now) >= tonumber(ARGV[5]) then return '0' end
            redis.call('HSET', KEYS[4], 'expires', ARGV[5])
            redis.call('PEXPIREAT', KEYS[4], ARGV[5])
            redis.call('ZADD', KEYS[2], ARGV[5], ARGV[4])
            return note('touch', ARGV[5])
            """)

    /// Keeps the vectors that an entry is wrong for. Arguments: epoch, by, length of the stream, id, vectors. Returns the number of the
    /// change; 0: there is no such entry.
    static let setWrong = RedisScript(
        begin + """
            if redis.call('EXISTS', KEYS[4]) == 0 then return '0' end
            if ARGV[5] == '' then redis.call('HDEL', KEYS[4], 'wrong') else redis.call('HSET', KEYS[4], 'wrong', ARGV[5]) end
            return note('wrong', '')
            """)

    /// Takes an entry from the ids whose end has come, unless somebody has put it off. Arguments: epoch, by, length of the stream, id, the
    /// time. Redis lets go of the entry itself.
    static let prune = RedisScript(
        begin + """
            local last = redis.call('ZSCORE', KEYS[2], ARGV[4])
            if last and last ~= 'inf' and tonumber(last) <= tonumber(ARGV[5]) then redis.call('ZREM', KEYS[2], ARGV[4]) end
            return '0'
            """)
}
