// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// A token bucket in Redis, as `TokenBucket` is one here: a string with the tokens and the time, in microseconds of the server, so that
/// clocks of processes do not matter. It ends by itself when the bucket would be full.
enum RateScript {
    /// Arguments: capacity, tokens for each second, tokens that are asked for. Returns whether they were taken, the tokens that are left,
    /// and the milliseconds to wait.
    private static let script = RedisScript(
        """
        local capacity, rate, asked = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
        local time = redis.call('TIME')
        local now = time[1] * 1000000 + time[2]
        local tokens, last = capacity, now
        local found = redis.call('GET', KEYS[1])
        if found then
            local a, b = string.match(found, '^(%S+) (%S+)$')
            a, b = tonumber(a), tonumber(b)
            if not a or not b then return redis.error_reply('VECSTORE_BUCKET this is no token bucket') end
            tokens, last = a, b
        end
        tokens = math.min(capacity, tokens + math.max(0, now - last) * rate / 1000000)
        local slack = capacity * \(TokenBucket.rounding)
        local taken, wait = 0, 0
        if tokens + slack >= asked then
            taken = 1
            tokens = math.max(0, tokens - asked)
        else
            wait = math.max(1, math.min(\(longest), math.ceil((asked - tokens - slack) * 1000 / rate)))
        end
        if taken == 1 and asked > 0 or now < last then
            local full = math.max(1, math.min(\(longest), math.ceil((capacity - tokens) * 1000 / rate)))
            redis.call('SET', KEYS[1], string.format('%.17g %.0f', tokens, now), 'PX', string.format('%.0f', full))
        end
        return {taken, string.format('%.17g', tokens), string.format('%.0f', wait)}
        """)

    private static let longest = "1e15"

    static func take(
        _ tokens: Double, from name: [UInt8], _ options: RateLimiterOptions, _ client: RedisClient
    ) throws(VecStoreError) -> RateDecision {
        let arguments = [options.capacity, options.refillPerSecond, tokens].map { Array("\($0)".utf8) }
        // Not repeatable: who takes twice has twice as few left.
        let reply = try client.script(script, keys: [name], arguments: arguments, isRepeatable: false)
        guard let parts = reply.array, parts.count == 3, let taken = parts[0].integer, let left = parts[1].text.flatMap({ Double($0) }),
            left.isFinite, let wait = parts[2].integer
        else { throw VecStoreError(.io, "Redis answered to the script of a rate limiter with something else") }
        return RateDecision(isAllowed: taken == 1, remaining: left, retryAfter: wait)
    }
}
